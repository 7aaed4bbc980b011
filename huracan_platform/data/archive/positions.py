"""Funding rates and metrics of the archive: what holding a position costs, and who holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import AccountRatios, Candles, Float64, FundingRates, Int64, OpenInterest, TakerVolumes
from huracan_platform.data.archive.klines import repeated
from huracan_platform.data.archive.tables import column, times_ms
from huracan_platform.errors import DataContractError
from huracan_platform.venues.funding import on_the_hour

STEP_MS = 5 * MINUTE_MS
_MINUTES = STEP_MS // MINUTE_MS
# As the venue's own answers have them, so that what was collected live and what the archive says later agree.
_SHARE_DIGITS, _VOLUME_DIGITS = 4, 8


@dataclass(frozen=True)
class Metrics:
    """Open interest and account ratios in time order; `duplicates` rows said the same as another."""

    open_interest: OpenInterest
    account_ratios: AccountRatios
    duplicates: int


def read_funding(name: str, table: pa.Table, symbol: str) -> tuple[FundingRates, int]:
    """Settled rates, the jitter of their times snapped to the hour, and how many rows said the same as another.

    Raises
    ------
    DataContractError
        Missing values, or times in no one unit.
    """
    raw = times_ms(name, column(name, table, "calc_time"))
    ts = on_the_hour(raw)
    rate, interval = (column(name, table, c) for c in ("last_funding_rate", "funding_interval_hours"))
    again = repeated(ts, rate, interval)
    return FundingRates(symbol, ts, rate, interval).at(~again), int(again.sum())


def read_metrics(name: str, table: pa.Table, symbol: str, native: str) -> Metrics:
    """Snapshots every 5 minutes, in time order: the archive's own rows are in none.

    Raises
    ------
    DataContractError
        Another contract's rows, or times that are none.
    """
    others = pc.unique(table.column("symbol").filter(pc.not_equal(table.column("symbol"), native)))
    if len(others):
        raise DataContractError(f"{name}: expected rows of {native}, got some of {', '.join(map(str, others.to_pylist()[:4]))}")
    ts = text_times_ms(name, table, "create_time")
    values = {c: _or_nan(table, c) for c in ("sum_open_interest", "sum_open_interest_value", "count_long_short_ratio")}
    again = repeated(ts, *values.values())
    order = np.flatnonzero(~again)[np.argsort(ts[~again], kind="stable")]
    contracts, usd, ratio = (values[c][order] for c in values)
    told = np.isfinite(ratio)
    share = np.round(ratio[told] / (1 + ratio[told]), _SHARE_DIGITS)
    return Metrics(
        OpenInterest(symbol, ts[order], contracts, usd), AccountRatios(symbol, ts[order][told], share), int(again.sum())
    )


def taker_volumes(bars: Candles, taker_buy: Float64) -> TakerVolumes:
    """What takers traded in each 5 minutes that all five bars are there of; minutes in any order."""
    order = np.argsort(bars.ts_ms, kind="stable")
    ts = bars.ts_ms[order]
    begin = ts // STEP_MS * STEP_MS
    first = np.flatnonzero(np.concatenate([[True], begin[1:] != begin[:-1]]))
    whole = np.diff(np.concatenate([first, [len(ts)]])) == _MINUTES
    buy = np.add.reduceat(taker_buy[order], first)
    sell = np.add.reduceat(bars.volume[order] - taker_buy[order], first)
    return TakerVolumes(bars.symbol, begin[first][whole], *(np.round(v[whole], _VOLUME_DIGITS) for v in (buy, sell)))


def text_times_ms(name: str, table: pa.Table, wanted: str) -> Int64:
    """Times like `2024-03-01 00:05:00`, UTC, or whole numbers, in ms.

    Raises
    ------
    DataContractError
        Neither, or missing ones.
    """
    text = pa.array(column(name, table, wanted), pa.string())
    if pc.all(pc.utf8_is_digit(text)).as_py():
        return times_ms(name, text.cast(pa.int64()).to_numpy())
    try:
        found: npt.NDArray[Any] = pc.strptime(text, format="%Y-%m-%d %H:%M:%S", unit="ms").to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise DataContractError(f"{name}: expected {wanted} like 2024-03-01 00:05:00, got {error}") from None
    return found.astype("M8[ms]").astype(np.int64)


def _or_nan(table: pa.Table, wanted: str) -> Float64:
    """A column with NaN where it says nothing."""
    found: Float64 = table.column(wanted).to_numpy(zero_copy_only=False).astype(np.float64)
    return found
