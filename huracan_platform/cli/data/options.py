"""Options that the `huracan data` commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import typer

from huracan_platform.errors import PermanentError

_DAY, _MINUTE, _SECOND = "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"


def _moment(text: str, formats: Sequence[str], expected: str) -> datetime:
    for shape in formats:
        with suppress(ValueError):
            return datetime.strptime(text, shape)
    raise typer.BadParameter(f"expected {expected}, got {text}")


def _parser(formats: Sequence[str], expected: str) -> Callable[[str], datetime]:
    return lambda text: _moment(text, formats, expected)


# Of options and arguments, all UTC. A day alone means its midnight.
DAY: dict[str, Any] = {"parser": _parser([_DAY], "a day like 2025-01-31"), "metavar": "DAY"}
MINUTE: dict[str, Any] = {
    "parser": _parser([_MINUTE, _DAY], "a time like 2025-01-31T09:30, or a day for its midnight"), "metavar": "TIME",
}
SECOND: dict[str, Any] = {
    "parser": _parser([_SECOND, _MINUTE, _DAY], "a time like 2025-01-31T09:30:00, or a day for its midnight"), "metavar": "TIME",
}


def known_dataset(name: str) -> str:
    """The name, if a dataset is called so. Which there are is asked here, because to know them takes half a second."""
    from huracan_platform.data.market_data.ingest import all_dataset_names

    if name not in all_dataset_names():
        raise typer.BadParameter(f"expected one of {', '.join(all_dataset_names())}, got {name}")
    return name


def said(text: str) -> str:
    """A name or a reason; an empty one says nothing."""
    if not text.strip():
        raise typer.BadParameter(f"expected some words, got {text!r}")
    return text


def expect_days(first: datetime | None, last: datetime | None) -> None:
    """Refuse days of which the last is before the first; None is open.

    Raises
    ------
    PermanentError
        It is.
    """
    if first is not None and last is not None and last < first:
        raise PermanentError(f"days: expected --to not before --from, got {first:%Y-%m-%d} to {last:%Y-%m-%d}")


def expect_window(what: str, start: datetime | None, end: datetime | None) -> None:
    """Refuse a window that holds no moment; None is open.

    Raises
    ------
    PermanentError
        It holds none.
    """
    if start is not None and end is not None and end <= start:
        got = f"{start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M}"
        raise PermanentError(f"{what}: expected --to after --from, got {got}; --to is not included")


def venue_with(symbol: str, dataset: str, venues: Iterable[str], wanted: str | None) -> str:
    """The venue to read a symbol of: the wanted one, or the only one that the library has it of.

    Raises
    ------
    PermanentError
        None has it, the wanted one has not, or several have and none is wanted.
    """
    known = sorted(set(venues))
    if not known:
        raise PermanentError(f"symbol: expected one with {dataset} in the library, got {symbol}")
    if wanted in known:
        return wanted
    if wanted is not None or len(known) != 1:
        raise PermanentError(f"--venue: expected one of {', '.join(known)} with {dataset} of {symbol}, got {wanted or 'none'}")
    return known[0]


DatasetOption = Annotated[
    str, typer.Option(parser=known_dataset, metavar="NAME", help="candles, funding, … or a source of docs/sources.md")
]
