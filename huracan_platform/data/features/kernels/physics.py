"""Market physics: temperature, entropy, the four phases and two regimes, and the funding columns they are sampled with.

Entropy is the permutation entropy of Bandt and Pompe (2002). Phase and strategy regime have memory: a bound for
entering and a weaker one for leaving, and a dwell, so that they do not flicker at a threshold.
"""

from __future__ import annotations

import math
from enum import IntEnum

from huracan_platform.data.features.kernels import hours
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.kernels.minutes import permutation_entropy
from huracan_platform.data.features.kernels.state import ENTROPY_RAW, HEAT, NEVER, SIGMA, Record, Row, compiled

ENTER_TREND, LEAVE_TREND = 1.0, 0.5
LOW_PLACE, HIGH_PLACE = 0.4, 0.6
PHASE_DWELL_MIN = 120
IMPULSE_RATIO, IMPULSE_EFFICIENCY = 1.5, 0.4
RANGE_RATIO, RANGE_EFFICIENCY = 0.8, 0.2
REGIME_DWELL_MIN = 30
HOUR_MIN = 60
NO_SPREAD = 1e-12           # funding that never moved
SIGMA_BOUNDS = (0.25, 0.75, 0.95)


class Phase(IntEnum):
    """Where the market stands in its cycle; the order of the four phase columns."""

    ACCUMULATION = 0
    MARKUP = 1
    DISTRIBUTION = 2
    MARKDOWN = 3


class VolatilityRegime(IntEnum):
    """24 h volatility against the 25th, 75th and 95th percentile of its trailing window."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    EXTREME = 3


class StrategyRegime(IntEnum):
    """Which kind of strategy the last quarter of an hour suits."""

    RANGE = 0
    NORMAL = 1
    IMPULSE = 2


# The compiled code wants plain integers.
ACCUMULATION, MARKUP, DISTRIBUTION, MARKDOWN = (int(phase) for phase in Phase)
RANGE, NORMAL, IMPULSE = (int(regime) for regime in StrategyRegime)


@compiled
def phase_candidate(current: int, trend: float, place: float) -> int:
    """The phase that trend (24 h return in its own sigmas) and place in the 7-day range ask for."""
    if trend > ENTER_TREND or (current == MARKUP and trend >= LEAVE_TREND):
        return MARKUP
    if trend < -ENTER_TREND or (current == MARKDOWN and trend <= -LEAVE_TREND):
        return MARKDOWN
    if place < LOW_PLACE:
        return ACCUMULATION
    if place > HIGH_PLACE:
        return DISTRIBUTION
    if current != NEVER:
        return current
    return ACCUMULATION if place < hours.NEUTRAL else DISTRIBUTION


@compiled
def strategy_candidate(ratio: float, efficiency: float) -> int:
    """The regime that the ratio of 15 min to 24 h volatility and the 15 min efficiency ask for."""
    if ratio > IMPULSE_RATIO and efficiency > IMPULSE_EFFICIENCY:
        return IMPULSE
    if ratio < RANGE_RATIO and efficiency < RANGE_EFFICIENCY:
        return RANGE
    return NORMAL


@compiled
def volatility_regime(sigma_rank: float) -> float:
    """The regime of a percentile rank; NaN stays NaN."""
    if math.isnan(sigma_rank):
        return math.nan
    regime = 0.0
    for bound in SIGMA_BOUNDS:
        regime += sigma_rank >= bound
    return regime


@compiled
def _write_phase(s: Record, out: Row) -> None:
    trend, place = out[Column.TREND_1440], out[Column.RANGE_POSITION_7D]
    first = Column.PHASE_ACCUMULATION
    if math.isnan(trend) or math.isnan(place):
        out[first:first + 4] = math.nan
        return
    candidate = phase_candidate(s.phase, trend, place)
    if candidate != s.phase and (s.phase == NEVER or s.minute - s.phase_since >= PHASE_DWELL_MIN):
        s.phase, s.phase_since = candidate, s.minute
    out[first:first + 4] = 0.0
    out[first + s.phase] = 1.0


@compiled
def _write_strategy_regime(s: Record, out: Row) -> None:
    ratio, efficiency = out[Column.VOL_RATIO_15], out[Column.EFFICIENCY_15]
    if math.isnan(ratio) or math.isnan(efficiency):
        out[Column.STRATEGY_REGIME] = math.nan
        return
    candidate = strategy_candidate(ratio, efficiency)
    if candidate != s.strategy_regime and (
        s.strategy_regime == NEVER or s.minute - s.strategy_regime_since >= REGIME_DWELL_MIN
    ):
        s.strategy_regime, s.strategy_regime_since = candidate, s.minute
    out[Column.STRATEGY_REGIME] = s.strategy_regime


@compiled
def _write_funding(s: Record, funding: float, out: Row) -> None:
    out[Column.FUNDING_RATE] = funding
    out[Column.FUNDING_MOMENTUM] = funding - s.funding_day_ago
    away = funding - s.funding_mean
    out[Column.FUNDING_ZSCORE] = 0.0 if s.funding_sd <= NO_SPREAD and not math.isnan(away) else away / s.funding_sd


@compiled
def write_physics(
    s: Record, funding: float, rank_hours: int, regime_hours: int, out: Row,
) -> None:
    """Fill the physics and funding columns from the price and volume columns of the same row, and sample a closing hour."""
    sigma = out[Column.REALISED_VOL_1440]
    heat = sigma * sigma * out[Column.VOLUME_RATIO_60]
    entropy = permutation_entropy(s)
    out[Column.TEMPERATURE] = hours.rank(s, HEAT, rank_hours, heat)
    out[Column.ENTROPY] = hours.rank(s, ENTROPY_RAW, rank_hours, entropy)
    out[Column.VOLATILITY_REGIME] = volatility_regime(hours.rank(s, SIGMA, regime_hours, sigma))
    _write_phase(s, out)
    _write_strategy_regime(s, out)
    if (s.minute + 1) % HOUR_MIN == 0:
        hours.sample_hour(s, s.minute // HOUR_MIN, (heat, entropy, sigma, funding), rank_hours, regime_hours)
    _write_funding(s, funding, out)
