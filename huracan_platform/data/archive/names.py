"""What a file of the archive is, read off its path and name: kind, contract, interval, the days it holds."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, days_between
from huracan_platform.errors import PermanentError

SUFFIXES = (".zip", ".csv")
INTERVALS_MS = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS, "1h": HOUR_MS,
    "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS, "1d": DAY_MS,
}
# What a contract of the archive may be quoted in; the longest first.
QUOTES = ("USDT", "USDC", "BUSD")
_TREE = re.compile(
    r"(?:^|/)(?P<market>spot|option|futures/um|futures/cm)/(?:daily|monthly)/(?P<kind>[A-Za-z]+)/(?P<native>[^/]+)/"
    r"(?:(?P<interval>[^/]+)/)?[^/]+$"
)
_NAME = re.compile(r"(?P<native>.+?)-(?P<what>[0-9]+[a-zA-Z]+|[A-Za-z]+)-(?P<period>\d{4}-\d{2}(?:-\d{2})?)")
_MARKETS = {
    "spot": "spot prices, which are never stored as a perpetual's", "option": "options",
    "futures/cm": "contracts margined in coin, which are no linear perpetuals",
}


class ArchiveKind(StrEnum):
    """Kinds of file that are taken, by the archive's own names."""

    KLINES = "klines"
    FUNDING = "fundingRate"
    METRICS = "metrics"
    TRADES = "aggTrades"
    DEPTH = "bookDepth"
    LIQUIDATIONS = "liquidationSnapshot"


@dataclass(frozen=True)
class Hints:
    """What the caller says of files whose path does not; None where it says nothing."""

    kind: ArchiveKind | None = None
    native: str | None = None
    interval: str | None = None


@dataclass(frozen=True)
class ArchiveFile:
    """A file and what it is. `native` is the venue's name of the contract, `symbol` the unified one.

    `days` are those of its name, empty where it has none; `in_tree` whether the path says what market it is of.
    """

    path: Path
    kind: ArchiveKind
    native: str
    interval: str | None
    days: tuple[date, ...]
    in_tree: bool

    @property
    def symbol(self) -> str:
        """`BTC/USDT:USDT`."""
        return unified(self.native)

    @property
    def is_evidence(self) -> bool:
        """Whether its rows are only held against others: bars longer than a minute."""
        return self.bar_ms > MINUTE_MS

    @property
    def bar_ms(self) -> int:
        """Length of a bar of klines."""
        return INTERVALS_MS[self.interval or "1m"]


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Every zip and CSV under the paths, each once, in the order of their names.

    Raises
    ------
    PermanentError
        No such path, or no such file under it.
    """
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise PermanentError(f"{path}: expected a folder or a file of the archive, got nothing there")
        inside = [path] if path.is_file() else (p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        found.update(p.absolute() for p in inside)
    if not found:
        raise PermanentError(f"{', '.join(map(str, paths))}: expected files ending in {' or '.join(SUFFIXES)}, got none")
    return sorted(found)


def recognise(path: Path, hints: Hints = Hints()) -> ArchiveFile:
    """What a file is. Its place in the archive's tree says it, else its name, else the hints; they may not contradict.

    Raises
    ------
    PermanentError
        Another market than USD-M perpetuals, a kind that is not taken, or nothing that says what it is.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PermanentError(f"{path.name}: expected a file ending in {' or '.join(SUFFIXES)}, got {path.suffix or 'no ending'}")
    tree, name = _TREE.search(path.as_posix()), _NAME.fullmatch(path.stem)
    if tree and tree["market"] in _MARKETS:
        raise PermanentError(f"{path.name}: expected a file of USD-M perpetuals (futures/um), got {_MARKETS[tree['market']]}")
    said = [
        (tree["kind"], tree["native"], tree["interval"]) if tree else (None, None, None),
        _of_name(name) if name else (None, None, None),
        (hints.kind and hints.kind.value, hints.native, hints.interval),
    ]
    kind, native, interval = (_agreed(path, what, values) for what, values in zip(
        ("kind", "symbol", "interval"), zip(*said, strict=True), strict=True
    ))
    if kind is None or native is None:
        raise PermanentError(
            f"{path.name}: expected a name like BTCUSDT-1m-2024-03-01.zip, a place in the archive's tree or --kind and --symbol, "
            "got none that says what it is"
        )
    if kind not in set(ArchiveKind):
        raise PermanentError(f"{path.name}: expected one of {', '.join(ArchiveKind)}, got {kind}")
    file = ArchiveFile(path, ArchiveKind(kind), native, None, _days(path, name["period"]) if name else (), tree is not None)
    unified(native)
    return replace(file, interval=_interval(path, interval)) if file.kind is ArchiveKind.KLINES else file


def unified(native: str) -> str:
    """The unified symbol of a USD-M perpetual: BTCUSDT → BTC/USDT:USDT.

    Raises
    ------
    PermanentError
        A dated contract, one that is margined in coin, or an unknown quote currency.
    """
    expected = f"symbol: expected a perpetual quoted in {', '.join(QUOTES)} like BTCUSDT, got {native!r}"
    if re.fullmatch(r".+USD_(PERP|\d{6})", native):
        raise PermanentError(f"{expected}, which is margined in coin")
    if re.fullmatch(r".+_\d{6}", native):
        raise PermanentError(f"{expected}, which expires: a dated contract is no perpetual")
    quote = next((q for q in QUOTES if native.endswith(q) and len(native) > len(q)), None)
    if quote is None or not re.fullmatch(r"\w+", native) or "_" in native:
        raise PermanentError(expected)
    return f"{native.removesuffix(quote)}/{quote}:{quote}"


def is_archive_name(name: str) -> bool:
    """Whether a file's name has the archive's form, contract, kind and period."""
    return _NAME.fullmatch(Path(name).stem) is not None


def _of_name(name: re.Match[str]) -> tuple[str | None, str, str | None]:
    """Kind, symbol and interval; klines are named by their interval."""
    if name["what"] in INTERVALS_MS:
        return ArchiveKind.KLINES.value, name["native"], name["what"]
    return name["what"], name["native"], None


def _agreed(path: Path, what: str, values: tuple[str | None, ...]) -> str | None:
    given = [value for value in values if value is not None]
    # The tree has klines of other prices, whose files are named like those of klines.
    if what == "kind" and given and given[0].endswith("Klines"):
        return given[0]
    if len(set(given)) > 1:
        raise PermanentError(f"{path}: expected one {what}, got {' and '.join(dict.fromkeys(given))}")
    return given[0] if given else None


def _interval(path: Path, interval: str | None) -> str:
    if interval not in INTERVALS_MS:
        raise PermanentError(f"{path.name}: expected an interval of {', '.join(INTERVALS_MS)}, got {interval or 'none'}")
    return interval


def _days(path: Path, period: str) -> tuple[date, ...]:
    try:
        if len(period) == len("2024-03-01"):
            return (date.fromisoformat(period),)
        first = date.fromisoformat(f"{period}-01")
    except ValueError:
        raise PermanentError(f"{path.name}: expected a day or a month in its name, got {period}") from None
    return tuple(days_between(first, first.replace(day=calendar.monthrange(first.year, first.month)[1])))
