"""Replays to train and play policies on: random walks with decisions every quarter of an hour, and one with a planted future."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from huracan_platform.contracts.market import Candles, Float64, FundingRates, Int64
from huracan_platform.contracts.policy import OBSERVATIONS, RiskObservation
from huracan_platform.decision.costs import CostModel
from huracan_platform.learning.policies.observation import MARKET_FIGURES
from huracan_platform.learning.policies.replay import ReplayData, replay_data
from huracan_platform.settings import RiskPolicySettings
from tests.judging.world import COSTLY, FREE, PARAMETERS, START_MS, random_walk

EVERY, HELD = 15, 13
TEMPERATURE = MARKET_FIGURES.index("temperature")
SETTINGS = RiskPolicySettings(episode_days=2)


@dataclass(frozen=True)
class Market:
    """Bars with decision rows on some of them."""

    candles: Candles
    funding: FundingRates
    rows: Int64
    p_up: Float64
    sigma: Float64


def market(days: int, seed: int) -> Market:
    """A random walk; probabilities that know nothing, and funding that matters."""
    candles, rng = random_walk(days, seed), np.random.default_rng(seed)
    rows = np.arange(EVERY - 1, len(candles), EVERY)
    settled = START_MS + np.arange(0, days * 24, 8, dtype=np.int64) * 3_600_000
    funding = FundingRates(candles.symbol, settled, rng.normal(1e-4, 1e-3, len(settled)), np.full(len(settled), 8.0))
    return Market(candles, funding, rows, rng.uniform(0.3, 0.7, len(rows)), np.full(len(rows), 0.006))


def replay_of(given: Market, figures: Float64 | None = None, costs: CostModel = COSTLY) -> ReplayData:
    """Its replay; market figures of zeros where none are given."""
    market_figures = np.zeros((len(given.rows), len(MARKET_FIGURES))) if figures is None else figures
    return replay_data(
        given.candles, given.funding, given.candles.ts_ms[given.rows], given.p_up, given.sigma, market_figures, PARAMETERS, costs
    )


def planted_replay(days: int, seed: int) -> ReplayData:
    """Every row enters and leaves before the next; `temperature` tells beforehand whether the trade will win."""
    given = market(days, seed)
    rows = given.rows[:-1]
    leaves_at = given.candles.close[rows + HELD]
    ahead = leaves_at > given.candles.close[rows]
    p_up = np.where(np.random.default_rng(seed).random(len(rows)) < 0.5, 0.9, 0.1)
    figures = np.zeros((len(rows), len(MARKET_FIGURES)))
    figures[:, TEMPERATURE] = (p_up > 0.5) == ahead
    free = replace(given.funding, rate=np.zeros(len(given.funding.rate)))
    data = replay_of(replace(given, rows=rows, p_up=p_up, sigma=given.sigma[:-1], funding=free), figures, FREE)
    short = replace(PARAMETERS, horizon_bars=HELD, risk_per_trade=0.004, max_leverage=5.0, round_trip_cost=0.0)
    return replace(data, parameters=short)


def observed(**figures: float) -> RiskObservation:
    """A calm observation with some other figures."""
    calm = dict.fromkeys(OBSERVATIONS, 0.0) | {"win_rate": 0.5, "profit_factor": 1.0, "leverage": 5.0, "equity_ratio": 1.0}
    return RiskObservation(**{**calm, **figures})
