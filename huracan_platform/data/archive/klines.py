"""Klines of the archive as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan_platform.contracts.market import Candles, Float64, Int64
from huracan_platform.data.archive.tables import column, times_ms, unit_of
from huracan_platform.errors import DataContractError

_SUMS = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")


@dataclass(frozen=True)
class Klines:
    """Bars in the order of the file, without rows that say the same as another.

    `taker_buy` is what takers bought of each bar's volume, in base; `duplicates` how many equal rows were left out; `unit` that
    of the file's times.
    """

    bars: Candles
    taker_buy: Float64
    duplicates: int
    unit: str


def read_klines(name: str, table: pa.Table, symbol: str, bar_ms: int, price_tolerance: float) -> Klines:
    """Bars of `bar_ms` from a table of klines.

    Raises
    ------
    DataContractError
        Units mixed, bars of another length, or columns that are not what they are called.
    """
    opens = column(name, table, "open_time")
    unit = unit_of(name, opens).name
    ts = times_ms(name, opens)
    values = {c: column(name, table, c) for c in ("open", "high", "low", "close", "volume", *_SUMS)}
    _check_length(name, ts, opens, column(name, table, "close_time"), bar_ms)
    _check_columns(name, values, price_tolerance)
    bars = Candles(symbol, ts, *(values[c] for c in ("open", "high", "low", "close", "volume")))
    again = repeated(ts, *values.values())
    if again.any():
        return Klines(bars.at(~again), values["taker_buy_volume"][~again], int(again.sum()), unit)
    return Klines(bars, values["taker_buy_volume"], 0, unit)


def repeated(ts: Int64, *columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which rows say the same as an earlier one, in every column."""
    if (np.diff(ts) > 0).all():
        return np.zeros(len(ts), bool)
    keys = (ts, *(np.ascontiguousarray(c).view(f"i{c.dtype.itemsize}") if c.dtype.kind == "f" else c for c in columns))
    order = np.lexsort(keys[::-1])  # stable: of equal rows the first in the file comes first
    same = np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys])
    found = np.zeros(len(ts), bool)
    found[order[1:][same]] = True
    return found


def _check_length(name: str, ts: Int64, opens: Int64, closes: Int64, bar_ms: int) -> None:
    per_ms = float(opens[0]) / float(ts[0])
    length = bar_ms * per_ms
    # The last ms or µs of the bar, or the first after it.
    wrong = (closes - opens + 1 != length) & (closes - opens != length)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataContractError(
            f"{name}: expected bars of {bar_ms // 1000} s, got {int(wrong.sum())} of {len(ts)} that close otherwise, first "
            f"open_time {int(opens[at])} with close_time {int(closes[at])}"
        )


def _check_columns(name: str, values: dict[str, Float64], tolerance: float) -> None:
    """Most bars' volumes must fit their prices: what a few rows do is for the contract and the checks to say."""
    traded = (values["volume"] > 0) & (values["quote_volume"] > 0)
    if not traded.any():
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values["quote_volume"][traded] / values["volume"][traded]
        bought = values["taker_buy_volume"][traded] / values["volume"][traded]
    low, high = values["low"][traded], values["high"][traded]
    misfits = (mean < low * (1 - tolerance)) | (mean > high * (1 + tolerance)) | (low > high)
    for wrong, what in (
        (misfits, "a quote_volume per volume outside low and high"),
        (bought > 1 + tolerance, "more taker_buy_volume than volume"),
    ):
        count = int(wrong.sum())
        if 2 * count > len(mean):
            raise DataContractError(
                f"{name}: expected columns open_time, open, high, low, close, volume, close_time, quote_volume, count, "
                f"taker_buy_volume, …; got {what} in {count} of {len(mean)} bars: columns swapped?"
            )
