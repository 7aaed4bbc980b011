"""A market of a few weeks whose volume changes its shape on a given day, day by day into the library and the feature store."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from huracan_platform.data.features.registry import feature_set
from huracan_platform.defs.resources import Platform
from tests.learning.frames import START_MS

FIRST, DAYS = date(2025, 1, 1), 22
STEP_MIN = 5  # decision bars of these tests
# Settings under which two weeks hold some 500 independent rows of a quick column: short labels, close decisions.
SMALL = {
    "HURACAN_FEATURES__PROFILE": "short_history", "HURACAN_LABELS__HORIZON_MIN": "15",
    "HURACAN_LABELS__SAMPLE_EVERY_MIN": str(STEP_MIN), "HURACAN_TRAINING__ARCHITECTURES": '["linear"]',
    "HURACAN_TRAINING__WALK_FORWARD_TRAIN_DAYS": "8", "HURACAN_TRAINING__WALK_FORWARD_TEST_DAYS": "2",
}


def day(number: int) -> date:
    """The day of that number; the first is 1."""
    return FIRST + timedelta(days=number - 1)


def come_in(brain: Brain, symbol: str, first: int, last: int, *, parted_from: int | None = None) -> None:
    """Candles, funding and features of days first to last, by number.

    Volume is spread evenly from 1 to 5. From day `parted_from` on, the minute that closes a decision bar has from 0 to 2 or from
    4 to 6 and nothing between: the same mean, so that only what looks at the newest bar alone is moved.
    """
    venue, now_ms = Platform().market().venue, SystemClock().wire_ms() - 1_000
    rows = slice((first - 1) * 1_440, last * 1_440)
    CandleRepository(brain).upsert(venue, _candles(symbol, parted_from).slice(rows.start, rows.stop - rows.start), now_ms)
    settled = np.arange(START_MS + (first - 1) * DAY_MS, START_MS + last * DAY_MS, 8 * HOUR_MS)
    rates = np.random.default_rng(first).normal(1e-4, 5e-5, len(settled))
    FundingRepository(brain).upsert(venue, pa.table({
        "symbol": [symbol] * len(settled), "ts_ms": settled, "known_at_ms": settled + 5_000, "rate": rates,
        "interval_h": np.full(len(settled), 8.0),
    }), now_ms)
    platform = Platform()
    settings = platform.settings().features
    definition = feature_set(settings.feature_set, settings.profile, settings=settings)
    platform.feature_store(brain).build_days(venue, [symbol], {day(n) for n in range(first, last + 1)}, definition)


def _candles(symbol: str, parted_from: int | None) -> pa.Table:
    rng = np.random.default_rng(3)
    n = DAYS * 1_440
    close = 100 * np.exp(np.cumsum(rng.normal(0, 8e-4, n)))
    open_ = np.concatenate(([close[0]], close[:-1]))
    volume = rng.uniform(1, 5, n)
    parted = 3.0 + rng.choice([-1.0, 1.0], n) * rng.uniform(1, 3, n)
    ts_ms = START_MS + MINUTE_MS * np.arange(n)
    if parted_from is not None:
        closing = (ts_ms + MINUTE_MS) % (STEP_MIN * MINUTE_MS) == 0
        volume = np.where(closing & (ts_ms >= START_MS + (parted_from - 1) * DAY_MS), parted, volume)
    return pa.table({
        "symbol": [symbol] * n, "ts_ms": ts_ms, "known_at_ms": ts_ms + MINUTE_MS + 2_000, "open": open_,
        "high": np.maximum(open_, close) * 1.0001, "low": np.minimum(open_, close) * 0.9999, "close": close, "volume": volume,
    })
