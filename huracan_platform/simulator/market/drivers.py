"""The random streams behind a synthetic symbol; see docs/synthetic_market.md.

Every stream has its own generator, keyed by seed, symbol and purpose, and is drawn in time order. So more days keep the
earlier ones as they are, and another symbol changes none of the others.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from huracan_platform.simulator.market import shocks
from huracan_platform.simulator.market.bars import F64, I64
from huracan_platform.simulator.market.characters import Character
from huracan_platform.simulator.market.kernels import Drivers
from huracan_platform.simulator.market.shocks import MINUTES_PER_DAY, ornstein_uhlenbeck

MINUTES_PER_YEAR = 525_600
VOLATILITY_SD = (0.25, 0.15, 0.15)  # log volatility: shared slow, own slow, own fast
VOLATILITY_HALF_LIFE = (1_440.0, 1_440.0, 60.0)
LEVERAGE_EFFECT = 0.7  # the shared volatility rises as the common factor falls
VOLUME_SD = 0.55
VOLUME_HALF_LIFE = 180.0
VOLUME_NOISE = 0.35
VOLUME_FOLLOWS_VOLATILITY = 0.5
VOLUME_SEASON = 0.10


@dataclass(frozen=True)
class Factors:
    """What all symbols of a seed share, each (n,): standard normal shock, log volatility, regime, jumps in sigmas."""

    shock: F64
    log_volatility: F64
    regime: I64
    jump: F64


def stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


def _normal(seed: int, name: str, minutes: int) -> F64:
    """Standard normal draws of a stream, (minutes,); drawn in single precision, which takes half the time."""
    return stream(seed, name).standard_normal(minutes, dtype=np.float32).astype(np.float64)


def draw_factors(seed: int, minutes: int) -> Factors:
    """The factors of a seed's market."""
    shock = _normal(seed, "common/shock", minutes)
    # What the common factor did in a minute moves the volatility of the next one.
    volatility = math.sqrt(1 - LEVERAGE_EFFECT**2) * _normal(seed, "common/volatility", minutes)
    volatility[1:] -= LEVERAGE_EFFECT * shock[:-1]
    regime = shocks.ladder_walk(
        stream(seed, "common/regime").random(minutes), shocks.REGIME_UP, shocks.REGIME_DOWN, shocks.NORMAL
    )
    return Factors(
        shock, ornstein_uhlenbeck(volatility, VOLATILITY_HALF_LIFE[0], VOLATILITY_SD[0]), regime,
        _jumps(seed, "common/jumps", regime, shocks.COMMON_JUMPS),
    )


def draw_drivers(base: str, character: Character, seed: int, factors: Factors) -> Drivers:
    """What drives one symbol, as long as the factors."""
    minutes = len(factors.shock)
    deviation = shocks.ladder_walk(
        stream(seed, f"{base}/regime").random(minutes), shocks.DEVIATION_UP, shocks.DEVIATION_DOWN, shocks.AS_THE_MARKET
    )
    regime = shocks.symbol_regime(factors.regime, deviation)
    log_sigma = factors.log_volatility + _own_volatility(base, seed, minutes)
    log_sigma += np.log(shocks.REGIME_FACTORS)[regime] + np.resize(shocks.season(), minutes)
    log_volume = _log_volume(base, seed, minutes) + VOLUME_FOLLOWS_VOLATILITY * log_sigma
    trend, premium, interest = (_normal(seed, f"{base}/{name}", minutes) for name in ("trend", "premium", "open-interest"))
    return Drivers(
        character.beta * factors.shock + math.sqrt(1 - character.beta**2) * _normal(seed, f"{base}/shock", minutes),
        np.exp(log_sigma) * (character.volatility / math.sqrt(MINUTES_PER_YEAR * shocks.mean_square(character.beta))),
        character.beta * factors.jump + _jumps(seed, f"{base}/jumps", regime, shocks.OWN_JUMPS), trend, premium, interest,
        character.usual_lots * np.exp(log_volume), 1.0 - stream(seed, f"{base}/extremes").random((minutes, 2)),
    )


def _jumps(seed: int, name: str, regime: I64, a_day: float) -> F64:
    size = shocks.JUMP_TAIL, shocks.JUMP_LEAST, shocks.JUMP_MOST
    return shocks.jumps(stream(seed, name).random(len(regime)), regime, a_day, shocks.JUMP_FACTORS, *size)


def _own_volatility(base: str, seed: int, minutes: int) -> F64:
    """The symbol's slow and fast parts, less what keeps the mean square of all three at its level."""
    slow, fast = (
        ornstein_uhlenbeck(_normal(seed, f"{base}/{name}", minutes), VOLATILITY_HALF_LIFE[i], VOLATILITY_SD[i])
        for i, name in ((1, "volatility"), (2, "volatility-fast"))
    )
    # E[exp(2x)] = exp(2 var x): subtracting the variance keeps the mean square at its level.
    return np.asarray(slow + fast - sum(sd**2 for sd in VOLATILITY_SD), dtype=np.float64)


def _log_volume(base: str, seed: int, minutes: int) -> F64:
    slow = ornstein_uhlenbeck(_normal(seed, f"{base}/volume", minutes), VOLUME_HALF_LIFE, VOLUME_SD)
    noise = VOLUME_NOISE * _normal(seed, f"{base}/volume-noise", minutes)
    season = VOLUME_SEASON * np.cos(2 * np.pi * (np.arange(MINUTES_PER_DAY) / 60.0 - 15.0) / 24.0)
    return np.asarray(slow + noise + np.resize(season, minutes) - 0.5 * (VOLUME_SD**2 + VOLUME_NOISE**2), dtype=np.float64)
