"""What the exchanges' answers have in common: rows in a list, and their fields as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import TransientError
from huracan_platform.venues.klines import MalformedRowsError

Field = str | int


def listed(endpoint: str, answer: Any) -> list[Any]:
    """The answer, when it is a list."""
    if not isinstance(answer, list):  # truncated JSON comes back as text, with status 200
        raise TransientError(f"{endpoint}: expected a list, got {type(answer).__name__} {str(answer)[:80]!r}")
    return answer


def columns(rows: Sequence[Any], time: Field, values: Sequence[Field], what: str) -> tuple[Int64, list[Float64]]:
    """Times in ms and a column for each of the other fields, in the order delivered. A field is a name, or a place in a list.

    Raises
    ------
    MalformedRowsError
        A row lacks a field, or holds something else than a number there.
    """
    try:
        ts = np.array([int(row[time]) for row in rows], np.int64)
        return ts, [np.array([float(row[name]) for row in rows], np.float64) for name in values]
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        told = ", ".join(str(name) for name in (time, *values))
        raise MalformedRowsError(f"{what}: expected rows with numbers as {told}, got {error!r}", rows) from None


def stamped(rows: Sequence[Any], what: str) -> list[tuple[Any, ...]]:
    """Rows of bars that come newest first and with the time as text, as `parse_klines` reads them."""
    try:
        return [(int(row[0]), *row[1:]) for row in rows[::-1]]
    except (LookupError, TypeError, ValueError) as error:
        raise MalformedRowsError(f"{what}: expected rows [open time, open, …], got {error!r}", rows) from None


def joined(pages: Sequence[tuple[Int64, Float64]]) -> tuple[Int64, Float64]:
    """Pages of times and values, one after the other."""
    if not pages:
        return np.empty(0, np.int64), np.empty(0)
    return np.concatenate([page[0] for page in pages]), np.concatenate([page[1] for page in pages])
