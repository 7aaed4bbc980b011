"""Recorded files as arrays: parquet or plain CSV with a `ts` column in UTC and numeric columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from huracan_platform.clock import DAY_MS
from huracan_platform.errors import DataContractError
from huracan_platform.simulator.market.bars import F64, I64

# A whole number outside these is not a time in ms of this century: seconds, microseconds or a row number.
_EARLIEST_MS = 946_684_800_000
_LATEST_MS = 4_102_444_800_000


@dataclass(frozen=True)
class Table:
    """Rows in time order: `ts_ms` (n,) in ms UTC, each column (n,) finite."""

    ts_ms: I64
    columns: dict[str, F64]


def read_table(path: Path, columns: tuple[str, ...]) -> Table:
    """Read `ts` and the named columns; others are ignored.

    Raises
    ------
    DataContractError
        Unreadable, a column missing or not numeric, times not in UTC or not in ms, unsorted, duplicate, NaN.
    """
    try:
        raw = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        raise DataContractError(f"{path}: expected a readable {path.suffix[1:]} file, got {error}") from None
    missing = [c for c in ("ts", *columns) if c not in raw.column_names]
    if missing:
        raise DataContractError(f"{path}: expected columns {['ts', *columns]}, got {raw.column_names} (missing {missing})")
    if raw.num_rows == 0:
        raise DataContractError(f"{path}: expected rows, got none")
    ts_ms = _times(path, raw.column("ts"))
    _check_order(path, ts_ms)
    return Table(ts_ms, {c: _numbers(path, c, raw.column(c)) for c in columns})


def _times(path: Path, column: pa.ChunkedArray) -> I64:
    kind = column.type
    if pa.types.is_timestamp(kind):
        # Arrow's CSV reader gives a time zone only to text that carries one.
        if kind.tz not in ("UTC", "Z", "+00:00", "Etc/UTC"):
            raise DataContractError(f"{path}: expected ts in UTC, got {kind}")
        column = column.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64())
    elif not pa.types.is_int64(kind):
        raise DataContractError(f"{path}: expected ts as timestamp in UTC or whole ms, got {kind}")
    if column.null_count:
        raise DataContractError(f"{path}: expected a ts in every row, got {column.null_count} without")
    ts_ms = np.asarray(column.to_numpy(), dtype=np.int64)
    if ts_ms.min() < _EARLIEST_MS or ts_ms.max() > _LATEST_MS:
        raise DataContractError(f"{path}: expected ts in ms since 1970, got values from {ts_ms.min()} to {ts_ms.max()}")
    return ts_ms


def _check_order(path: Path, ts_ms: I64) -> None:
    step = np.diff(ts_ms)
    if len(step) and step.min() <= 0:
        at = int(np.argmax(step <= 0))
        what = "duplicate" if step[at] == 0 else "unsorted"
        got = f"{what} {ts_ms[at + 1]} after {ts_ms[at]} (row {at + 1})"
        raise DataContractError(f"{path}: expected ts strictly ascending, got {got}")
    if len(step) and step.max() > 400 * DAY_MS:
        raise DataContractError(f"{path}: expected one continuous recording, got a hole of {step.max() // DAY_MS} days")


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> F64:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise DataContractError(f"{path}: expected numbers in {name}, got {column.type}")
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise DataContractError(f"{path}: expected finite numbers in {name}, got {bad} NaN or infinite")
    return values
