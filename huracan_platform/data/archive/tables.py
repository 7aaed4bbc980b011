"""From CSV to columns: with and without a header, numbers exact, the time's unit told by its magnitude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from huracan_platform.contracts.market import Int64
from huracan_platform.data.archive.names import ArchiveKind
from huracan_platform.errors import DataContractError

_INT, _FLOAT, _TEXT, _BOOL = pa.int64(), pa.float64(), pa.string(), pa.bool_()
COLUMNS: Mapping[ArchiveKind, Mapping[str, pa.DataType]] = MappingProxyType({
    ArchiveKind.KLINES: {
        "open_time": _INT, "open": _FLOAT, "high": _FLOAT, "low": _FLOAT, "close": _FLOAT, "volume": _FLOAT,
        "close_time": _INT, "quote_volume": _FLOAT, "count": _INT, "taker_buy_volume": _FLOAT,
        "taker_buy_quote_volume": _FLOAT, "ignore": _TEXT,
    },
    ArchiveKind.FUNDING: {"calc_time": _INT, "funding_interval_hours": _FLOAT, "last_funding_rate": _FLOAT},
    ArchiveKind.METRICS: {
        "create_time": _TEXT, "symbol": _TEXT, "sum_open_interest": _FLOAT, "sum_open_interest_value": _FLOAT,
        "count_toptrader_long_short_ratio": _FLOAT, "sum_toptrader_long_short_ratio": _FLOAT,
        "count_long_short_ratio": _FLOAT, "sum_taker_long_short_vol_ratio": _FLOAT,
    },
    ArchiveKind.TRADES: {
        "agg_trade_id": _INT, "price": _FLOAT, "quantity": _FLOAT, "first_trade_id": _INT, "last_trade_id": _INT,
        "transact_time": _INT, "is_buyer_maker": _BOOL,
    },
    ArchiveKind.DEPTH: {"timestamp": _TEXT, "percentage": _FLOAT, "depth": _FLOAT, "notional": _FLOAT},
    ArchiveKind.LIQUIDATIONS: {
        "time": _INT, "side": _TEXT, "order_type": _TEXT, "time_in_force": _TEXT, "original_quantity": _FLOAT,
        "price": _FLOAT, "average_price": _FLOAT, "order_status": _TEXT, "last_fill_quantity": _FLOAT,
        "accumulated_fill_quantity": _FLOAT,
    },
})
# Nobody reads them; they are left out where a file has none.
UNREAD = frozenset({"ignore"})
# Headers of other years and tools for the same columns.
_ALIASES = MappingProxyType({
    "quote_asset_volume": "quote_volume", "number_of_trades": "count", "taker_buy_base_asset_volume": "taker_buy_volume",
    "taker_buy_quote_asset_volume": "taker_buy_quote_volume",
})
_NO_VALUE = ("", "NaN", "nan", "null", "NULL")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


@dataclass(frozen=True)
class Unit:
    """A unit of time: its name, how many of it are a millisecond, and what times since 2009 and before 2100 look like in it."""

    name: str
    per_ms: float
    first: float
    end: float


def _unit(name: str, per_ms: float) -> Unit:
    return Unit(name, per_ms, 1.2e12 * per_ms, 4.2e12 * per_ms)


UNITS = (_unit("s", 1e-3), _unit("ms", 1), _unit("µs", 1e3), _unit("ns", 1e6))


def read_table(name: str, text: bytes, kind: ArchiveKind) -> pa.Table:
    """The columns of a kind, in its order; `name` is the file's, for errors.

    Raises
    ------
    DataContractError
        Wrong columns, a row with too few or too many, or a value of another type, with what was expected and got.
    """
    expected = COLUMNS[kind]
    first_line = text[:text.find(b"\n") if b"\n" in text else len(text)].decode("utf-8", "replace").strip("\ufeff\r\n ")
    if not first_line:
        raise DataContractError(f"{name}: expected rows of {kind}, got an empty file")
    fields = [field.strip().strip('"') for field in first_line.split(",")]
    header = _header(fields)
    columns = _columns(name, kind, fields) if header is None else _named(name, kind, header)
    wanted = [c for c in expected if c in columns and c not in UNREAD]
    try:
        return csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=columns, skip_rows=0 if header is None else 1, use_threads=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(expected), include_columns=wanted, null_values=list(_NO_VALUE), strings_can_be_null=True,
                true_values=list(_TRUE), false_values=list(_FALSE),
            ),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise DataContractError(f"{name}: expected {len(columns)} columns of {kind} in each row, got {error}") from None


def times_ms(name: str, times: Int64) -> Int64:
    """Times in ms UTC, whatever unit they are in; `name` is for errors.

    Raises
    ------
    DataContractError
        No known unit, several in one file, or times between two milliseconds.
    """
    unit = unit_of(name, times)
    if unit.per_ms < 1:
        return times * round(1 / unit.per_ms)
    per_ms = round(unit.per_ms)
    between = np.flatnonzero(times % per_ms)
    if len(between):
        raise DataContractError(f"{name}: expected times in {unit.name} of whole ms, got {int(times[between[0]])}")
    return times // per_ms


def unit_of(name: str, times: Int64) -> Unit:
    """The one unit that all times are in, by their magnitude."""
    lowest, highest = int(times.min()), int(times.max())
    found = [next((unit for unit in UNITS if unit.first <= t < unit.end), None) for t in (lowest, highest)]
    low, high = found
    if low is None or high is None or low.name == "ns" or high.name == "ns":
        bad = lowest if low is None or low.name == "ns" else highest
        raise DataContractError(f"{name}: expected times in s, ms or µs since 1970, got {bad}")
    if low is not high:
        raise DataContractError(f"{name}: expected times in one unit, got {lowest} in {low.name} and {highest} in {high.name}")
    return low


def column(name: str, table: pa.Table, wanted: str) -> npt.NDArray[Any]:
    """A column as an array.

    Raises
    ------
    DataContractError
        Values are missing in it.
    """
    values = table.column(wanted)
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
        raise DataContractError(
            f"{name}: expected a value in each row of {wanted}, got none in {values.null_count}, first in row {row + 1}"
        )
    found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return found


def _header(fields: list[str]) -> list[str] | None:
    """Names of columns where the first line has some: no data of any kind begins with a word."""
    if fields[0][:1].isdigit() or fields[0][:1] in "-+.":
        return None
    words = [field.lower().replace(" ", "_") for field in fields]
    return [_ALIASES.get(word, word) for word in words]


def _columns(name: str, kind: ArchiveKind, fields: list[str]) -> list[str]:
    expected = list(COLUMNS[kind])
    without = [c for c in expected if c not in UNREAD]
    if len(fields) not in (len(expected), len(without)):
        raise DataContractError(f"{name}: expected {len(expected)} columns of {kind} ({', '.join(expected)}), got {len(fields)}")
    return expected if len(fields) == len(expected) else without


def _named(name: str, kind: ArchiveKind, header: list[str]) -> list[str]:
    expected = COLUMNS[kind]
    missing = expected.keys() - UNREAD - set(header)
    unknown = set(header) - expected.keys() - {"symbol"}
    if missing or unknown or len(set(header)) < len(header):
        raise DataContractError(f"{name}: expected columns {', '.join(expected)}; got {', '.join(header)}")
    return header
