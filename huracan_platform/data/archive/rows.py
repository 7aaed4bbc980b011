"""Rows of a file by the datasets that they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.contracts.market import Candles, Int64, Series
from huracan_platform.data.archive import depth
from huracan_platform.data.archive.klines import read_klines
from huracan_platform.data.archive.market import HOURS
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind
from huracan_platform.data.archive.positions import STEP_MS, read_funding, read_metrics, taker_volumes
from huracan_platform.data.archive.tables import read_table
from huracan_platform.data.archive.trades import read_depth, read_liquidations, read_trades
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.errors import DataContractError
from huracan_platform.settings import Settings

# Since then the archive's spot files are in µs, and only they.
SPOT_IN_MICROSECONDS_MS = 1_735_689_600_000


@dataclass(frozen=True)
class FileRows:
    """What a file held. `series` by dataset; `rows` without the `duplicates` that said the same again.

    `first_ms` and `last_ms` are the first and the last time in it, ms UTC.
    """

    series: Mapping[str, Series]
    rows: int
    duplicates: int
    first_ms: int
    last_ms: int
    liquidations: tuple[Liquidation, ...] = ()


def read_rows(file: ArchiveFile, text: bytes, venue: str, now_ms: int, settings: Settings) -> FileRows:
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
        if file.kind is not ArchiveKind.LIQUIDATIONS or not file.days:
            raise DataContractError(f"{name}: expected rows of {file.kind}, got only their header")
        first = day_start_ms(file.days[0])  # a day without liquidations
        return FileRows({}, 0, 0, first, first)
    found = _READERS[file.kind](file, table, venue, settings)
    if found.last_ms > now_ms:
        raise DataContractError(f"{name}: expected times up to now, got {_text(found.last_ms)}")
    return found


def _klines(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    name = file.path.name
    read = read_klines(name, table, file.symbol, file.bar_ms, settings.archive.price_tolerance)
    ts = read.bars.ts_ms
    if read.unit == "µs" and not file.in_tree and int(ts.max()) >= SPOT_IN_MICROSECONDS_MS:
        raise DataContractError(
            f"{name}: expected times in ms as files of perpetuals have them, got µs as spot has since 2025; spot prices are "
            "never stored as a perpetual's (a perpetual's file says so by its place under futures/um)"
        )
    _check_period(file, ts)
    series = _bars(read.bars, file.bar_ms)
    if file.bar_ms == MINUTE_MS and settings.archive.taker_volumes:
        series["taker_volumes"] = taker_volumes(read.bars, read.taker_buy)
    return FileRows(series, len(ts), read.duplicates, int(ts.min()), int(ts.max()))


def _funding(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    rates, duplicates = read_funding(file.path.name, table, file.symbol)
    _check_period(file, rates.ts_ms)
    return _of({"funding": rates}, rates.ts_ms, duplicates)


def _metrics(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    read = read_metrics(file.path.name, table, file.symbol, file.native)
    # A day's file may end with the snapshot of midnight, which is of the day after.
    _check_period(file, read.open_interest.ts_ms, beyond_ms=STEP_MS)
    series: dict[str, Series] = {"open_interest": read.open_interest}
    if len(read.account_ratios):
        series["account_ratios"] = read.account_ratios
    return _of(series, read.open_interest.ts_ms, read.duplicates)


def _trades(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    name = file.path.name
    if not file.days:
        raise DataContractError(f"{name}: expected a name with the day that the file holds whole, got none")
    start, end = day_start_ms(file.days[0]), day_start_ms(file.days[-1]) + DAY_MS
    seconds, count, (first, last), duplicates = read_trades(name, table, file.symbol, start, end)
    _check_period(file, np.array([first, last]))
    return FileRows({"trades": seconds}, count, duplicates, first, last)


def _depth(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    bands, duplicates = read_depth(file.path.name, table, file.symbol)
    _check_period(file, bands.ts_ms)
    return _of({depth.DATASET: bands}, bands.ts_ms, duplicates)


def _liquidations(file: ArchiveFile, table: pa.Table, venue: str, settings: Settings) -> FileRows:
    delay = settings.quality.arrival_delay_ms
    found, duplicates = read_liquidations(file.path.name, table, venue, file.symbol, delay)
    ts = np.array([one.ts_ms for one in found], np.int64)
    _check_period(file, ts)
    return FileRows({}, len(found), duplicates, int(ts[0]), int(ts[-1]), tuple(found))


def _of(series: Mapping[str, Series], ts: Int64, duplicates: int) -> FileRows:
    return FileRows(series, len(ts), duplicates, int(ts.min()), int(ts.max()))


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
    """All times are of the days in the file's name, or less than `beyond_ms` after them."""
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


_Reader = Callable[[ArchiveFile, pa.Table, str, Settings], FileRows]
_READERS: Mapping[ArchiveKind, _Reader] = MappingProxyType({
    ArchiveKind.KLINES: _klines, ArchiveKind.FUNDING: _funding, ArchiveKind.METRICS: _metrics, ArchiveKind.TRADES: _trades,
    ArchiveKind.DEPTH: _depth, ArchiveKind.LIQUIDATIONS: _liquidations,
})
