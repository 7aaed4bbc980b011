"""Rows of fixed-width columns in Postgres' binary COPY format, packed by numpy without a loop over rows.

Format: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Int64

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH_2000_MS = 946_684_800_000


def pack_rows(columns: Sequence[npt.NDArray[Any]]) -> bytes:
    """Columns of equal length, int32 (integer), int64 (bigint, timestamptz) or float64 (double precision), none null."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for i, column in enumerate(columns):
        fields += [(f"size_{i}", ">i4"), (f"value_{i}", f">{column.dtype.str[1:]}")]
    rows = np.empty(len(columns[0]), dtype=fields)
    rows["count"] = len(columns)
    for i, column in enumerate(columns):
        rows[f"size_{i}"] = column.itemsize
        rows[f"value_{i}"] = column
    return _HEADER + rows.tobytes() + _TRAILER


def as_timestamptz(ms: Int64) -> Int64:
    """Milliseconds since 1970 UTC as Postgres stores a timestamptz: microseconds since 2000."""
    return (ms - _EPOCH_2000_MS) * 1000


def from_timestamptz(microseconds: Int64) -> Int64:
    """The way back: milliseconds since 1970 UTC."""
    return microseconds // 1000 + _EPOCH_2000_MS
