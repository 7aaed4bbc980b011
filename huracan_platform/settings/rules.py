"""Rules of single settings, and how a broken one is told: what was expected and what was got."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

PREFIX = "HURACAN_"
SECRETS_DIR = "HURACAN_SECRETS_DIR"
_SYMBOL = re.compile(r"[^\s/:]+/[^\s/:]+:[^\s/:]+")
_NOT_SHOWN = ("dsn", "key", "passw", "secret", "token", "webhook")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("expected a day like 2025-01-01") from None


def _dsn(dsn: SecretStr) -> SecretStr:
    # Here, because whoever reads a broken one later repeats it, password and all, in an error.
    text = dsn.get_secret_value()
    try:
        parts = urlsplit(text)
        sound = parts.scheme == "postgresql" and parts.port != 0 and "@" not in parts.path and not _BAD_ESCAPE.search(text)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("expected postgresql://USER:PASSWORD@HOST:PORT/NAME, what is no letter or digit in it as %XX")
    return dsn


def _symbols(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if not symbols or len(set(symbols)) < len(symbols) or not all(_SYMBOL.fullmatch(s) for s in symbols):
        raise ValueError("expected one or more different symbols like BTC/USDT:USDT")
    return symbols


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Day = Annotated[str, AfterValidator(_day)]
Dsn = Annotated[SecretStr, AfterValidator(_dsn)]
Symbols = Annotated[tuple[str, ...], AfterValidator(_symbols)]


class Section(BaseModel):
    """A branch of the settings tree."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def unknown_names(names: Iterable[str], fields: Iterable[str]) -> list[str]:
    """Names with the prefix that no setting has. pydantic-settings lets them pass at the top of the tree."""
    known = {SECRETS_DIR, *(f"{PREFIX}{field.upper()}" for field in fields)}
    return sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper().split("__")[0] not in known)


def told(path: tuple[int | str, ...], message: str, got: object) -> str:
    """One broken rule in a line; a rule between settings (an empty path) names them itself. Secrets are not repeated."""
    reason = message.removeprefix("Value error, ").replace("Input should be", "expected")
    reason = reason.replace("Extra inputs are not permitted", "expected the name of a setting")
    if not path:
        return reason
    shown = "a value that is not shown" if any(word in str(path[-1]) for word in _NOT_SHOWN) else repr(got)
    return f"{PREFIX}{'__'.join(str(p) for p in path).upper()}: {reason}, got {shown}"
