"""Rows of a file by the datasets that they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import Candles, Int64, Series
from huracan_platform.data.archive.klines import read_klines
from huracan_platform.data.archive.market import HOURS
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind
from huracan_platform.data.archive.tables import read_table
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.errors import DataContractError
from huracan_platform.settings import ArchiveSettings

# Since then the archive's spot files are in µs, and only they.
SPOT_IN_MICROSECONDS_MS = 1_735_689_600_000


@dataclass(frozen=True)
class FileRows:
    """What a file held. `series` by dataset, in the file's order; `rows` without the `duplicates` that said the same again.

    `first_ms` and `last_ms` are the first and the last time in it, ms UTC.
    """

    series: Mapping[str, Series]
    rows: int
    duplicates: int
    first_ms: int
    last_ms: int


def read_rows(file: ArchiveFile, text: bytes, now_ms: int, settings: ArchiveSettings) -> FileRows:
    """The rows of a file's CSV.

    Raises
    ------
    DataContractError
        What is wrong with the file as a whole, with what was expected and got. Single bad rows are for the contract and the
        checks.
    """
    name = file.path.name
    table = read_table(name, text, file.kind)
    if table.num_rows == 0:
        raise DataContractError(f"{name}: expected rows of {file.kind}, got only their header")
    found = _READERS[file.kind](file, table, settings)
    if found.last_ms > now_ms:
        raise DataContractError(f"{name}: expected times up to now, got {_text(found.last_ms)}")
    return found


def _klines(file: ArchiveFile, table: pa.Table, settings: ArchiveSettings) -> FileRows:
    name = file.path.name
    read = read_klines(name, table, file.symbol, file.bar_ms, settings.price_tolerance)
    ts = read.bars.ts_ms
    if read.unit == "µs" and not file.in_tree and int(ts.max()) >= SPOT_IN_MICROSECONDS_MS:
        raise DataContractError(
            f"{name}: expected times in ms as files of perpetuals have them, got µs as spot has since 2025; spot prices are "
            "never stored as a perpetual's (a perpetual's file says so by its place under futures/um)"
        )
    _check_period(file, ts)
    return FileRows(_bars(read.bars, file.bar_ms), len(ts), read.duplicates, int(ts.min()), int(ts.max()))


def _bars(bars: Candles, bar_ms: int) -> dict[str, Series]:
    """Minutes are stored. Longer bars are evidence only: hours, and hours made of shorter bars; of longer ones none."""
    if bar_ms == MINUTE_MS:
        return {"candles": bars}
    if bar_ms > HOUR_MS:
        return {}
    if bar_ms == HOUR_MS:
        return {HOURS: bars}
    in_order = bars.at(np.argsort(bars.ts_ms, kind="stable"))
    rolled = roll_up(in_order, HOUR_MS)
    return {HOURS: rolled.candles.at(rolled.minutes == HOUR_MS // bar_ms)}


def _check_period(file: ArchiveFile, ts: Int64, beyond_ms: int = 0) -> None:
    """All times are of the days in the file's name, or up to `beyond_ms` after them."""
    if not file.days:
        return
    start, end = day_start_ms(file.days[0]), day_start_ms(file.days[-1]) + DAY_MS
    outside = ts[(ts < start) | (ts >= end + beyond_ms)]
    if len(outside):
        days = f"{file.days[0]}" if len(file.days) == 1 else f"{file.days[0]} to {file.days[-1]}"
        raise DataContractError(
            f"{file.path.name}: expected times of {days}, got {len(outside)} others, {_text(int(np.min(outside)))} to "
            f"{_text(int(np.max(outside)))}"
        )


def _text(ms: int) -> str:
    return to_datetime(ms).isoformat(timespec="minutes")


_READERS: Mapping[ArchiveKind, Callable[[ArchiveFile, pa.Table, ArchiveSettings], FileRows]] = MappingProxyType({
    ArchiveKind.KLINES: _klines,
})
