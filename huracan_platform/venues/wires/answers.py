"""What exchanges answer, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import TransientError
from huracan_platform.venues.klines import MalformedRowsError


def listed(endpoint: str, answer: Any) -> list[Any]:
    """The answer, when it is a list."""
    if not isinstance(answer, list):  # truncated JSON comes back as text, with status 200
        raise TransientError(f"{endpoint}: expected a list, got {type(answer).__name__} {str(answer)[:80]!r}")
    return answer


def rates(rows: Sequence[Any], time: str, rate: str, what: str) -> tuple[Int64, Float64]:
    """Times as stamped and rates of funding rows."""
    try:
        ts = np.array([int(row[time]) for row in rows], np.int64)
        return ts, np.array([float(row[rate]) for row in rows], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedRowsError(f"{what}: expected rows with {time} and {rate}, got {error!r}", rows) from None
