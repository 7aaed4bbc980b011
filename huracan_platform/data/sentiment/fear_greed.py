"""The Fear & Greed index in the form of alternative.me: one value a day, 0 extreme fear to 100 extreme greed."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import orjson
import pyarrow as pa

from huracan_platform.brain.facts.sentiment import MARKET
from huracan_platform.clock import DAY_MS
from huracan_platform.errors import DataContractError


def source_of(url: str) -> str:
    """The index's name in the library: the host that serves it."""
    return urlsplit(url).hostname or url


def parse_fear_greed(source: str, body: bytes, seen_ms: int) -> pa.Table:
    """Days as facts, known since they were seen.

    Raises
    ------
    DataContractError
        Not of that form; a value outside 0 to 100; a day twice or of the future.
    """
    try:
        rows = orjson.loads(body)["data"]
        ts = np.array([int(row["timestamp"]) * 1000 for row in rows], np.int64) // DAY_MS * DAY_MS
        value = np.array([float(row["value"]) for row in rows], np.float64)
    except (LookupError, TypeError, ValueError) as error:
        raise DataContractError(f"fear_greed {source}: expected data with value and timestamp, got {error!r}") from None
    wrong = ~((value >= 0) & (value <= 100)) | (ts > seen_ms)
    if wrong.any() or len(np.unique(ts)) < len(ts):
        got = f"{int(wrong.sum())} others" if wrong.any() else "a day twice"
        raise DataContractError(f"fear_greed {source}: expected each day up to now once, of 0 to 100; got {got}")
    return pa.table({
        "symbol": pa.array([MARKET] * len(ts), pa.string()), "ts_ms": ts, "value": value,
        "known_at_ms": np.full(len(ts), seen_ms, np.int64),
    })
