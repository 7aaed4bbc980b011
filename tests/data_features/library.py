"""A library with five days of two symbols: candles, funding of two venues, open interest, sentiment and liquidations."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.sentiment import MARKET, FearGreedRepository, SentimentRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from huracan_platform.contracts.market import Candles, FundingRates
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from tests.data_features.facts import facts_of
from tests.data_features.synthetic import BARS_PER_DAY, START_MS, walk

VENUE = "sim2-s7"
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
DAYS = [date(2025, 1, 1) + timedelta(days=i) for i in range(5)]
SET, POSITIONING = feature_set("core", "short_history"), feature_set("positioning", "short_history")
OTHER_VENUE, INDEX = "sim2-other", "mood.example"
WIRE_MS = START_MS + 400 * DAY_MS
FUNDING_DELAY_MS = 5_000


def record(brain: Brain, candles: Candles, wire_ms: int = WIRE_MS, known_ms: int | None = None) -> None:
    close = candles.ts_ms + MINUTE_MS
    CandleRepository(brain).upsert(VENUE, pa.table({
        "symbol": [candles.symbol] * len(candles), "ts_ms": candles.ts_ms, "open": candles.open, "high": candles.high,
        "low": candles.low, "close": candles.close, "volume": candles.volume,
        "known_at_ms": close + 2_000 if known_ms is None else np.full(len(candles), known_ms),
    }), wire_ms)


def funding_rates(symbol: str) -> FundingRates:
    ts_ms = START_MS + np.arange(15, dtype=np.int64) * 8 * HOUR_MS
    return FundingRates(symbol, ts_ms, np.linspace(-1e-4, 3e-4, 15), np.full(15, 8.0))


def fill(brain: Brain) -> Brain:
    """Five days of two symbols."""
    for symbol, seed in ((BTC, 1), (ETH, 2)):
        record(brain, walk(5 * BARS_PER_DAY, seed, symbol=symbol))
        rates = funding_rates(symbol)
        FundingRepository(brain).upsert(VENUE, pa.table({
            "symbol": [symbol] * 15, "ts_ms": rates.ts_ms, "rate": rates.rate, "interval_h": rates.interval_h,
            "known_at_ms": rates.ts_ms + FUNDING_DELAY_MS,
        }), WIRE_MS)
        record_facts(brain, symbol, seed)
    return brain


def record_facts(brain: Brain, symbol: str, seed: int) -> None:
    """What the set `positioning` reads beside candles and the venue's own funding."""
    told = facts_of(len(DAYS), seed)
    index = (FearGreedRepository(brain), INDEX, MARKET, told.fear_greed)
    for repository, source, name, facts in (
        (FundingRepository(brain), OTHER_VENUE, symbol, told.funding_elsewhere),
        (OpenInterestRepository(brain), VENUE, symbol, told.open_interest),
        (SentimentRepository(brain), VENUE, symbol, told.sentiment),
        (LiquidationMinuteRepository(brain), VENUE, symbol, told.liquidations),
        *([index] if symbol == BTC else []),
    ):
        values = {n: facts.values.get(n, np.zeros(len(facts))) for n in repository.table.values}
        repository.upsert(source, pa.table({
            "symbol": [name] * len(facts), "ts_ms": facts.ts_ms, "known_at_ms": facts.known_ms, **values,
        }), WIRE_MS)


def store_at(brain: Brain, root: Path, clock: ManualClock) -> FeatureStore:
    return FeatureStore(
        brain, str(root / "artefacts"), clock=clock, funding_delay_ms=FUNDING_DELAY_MS, second_venue=OTHER_VENUE,
        fear_greed=INDEX,
    )
