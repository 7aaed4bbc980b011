"""What drives a synthetic symbol from outside: regimes and seasons of volatility, and jumps; see docs/synthetic_market.md.

Everything here is drawn before the recursion and knows nothing of prices.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from huracan_platform.simulator.market.bars import F64, I64

MINUTES_PER_DAY = 1_440
HOUR = 60.0

# Regimes low, normal, high, extreme: factors of sigma, and rates per minute of going one up or one down.
REGIME_FACTORS = np.array([0.65, 1.0, 1.7, 3.0])
REGIME_UP = np.array([1 / 36, 1 / 40, 1 / 50, 0.0]) / HOUR
REGIME_DOWN = np.array([0.0, 1 / 60, 1 / 9, 1 / 2]) / HOUR
NORMAL = 1
# A symbol stands one regime below, at or above the market's; rates per minute.
DEVIATION_UP = np.array([1 / 6, 1 / 48, 0.0]) / HOUR
DEVIATION_DOWN = np.array([0.0, 1 / 48, 1 / 6]) / HOUR
AS_THE_MARKET = 1

# Jumps a day in the normal regime, their factor by regime, and their Pareto sizes in sigmas of the minute.
COMMON_JUMPS = 1.2
OWN_JUMPS = 1.8
JUMP_FACTORS = np.array([0.5, 1.0, 2.0, 4.0])
JUMP_TAIL = 3.0
JUMP_LEAST = 3.5
JUMP_MOST = 20.0

# Season of log sigma over the UTC day: amplitude, harmonic, hour of its peak. Busiest around 14:00 and 01:00.
SEASON = ((0.12, 1, 18.0), (0.20, 2, 1.5))


@njit(cache=True)
def ornstein_uhlenbeck(shock: F64, half_life: float, scale: float) -> F64:
    """Stationary first-order process: half-life in steps, standard deviation `scale`; starts at the stationary law."""
    decay = 0.5 ** (1 / half_life)
    step = math.sqrt(1 - decay * decay)
    out = np.empty(len(shock))
    state = 0.0
    for t in range(len(shock)):
        state = shock[t] if t == 0 else decay * state + step * shock[t]
        out[t] = scale * state
    return out


@njit(cache=True)
def ladder_walk(uniforms: F64, up: F64, down: F64, start: int) -> I64:
    """A Markov chain on a ladder of states: each step one up or one down with the probabilities of the state it is in."""
    out = np.empty(len(uniforms), np.int64)
    state = start
    for t in range(len(uniforms)):
        u = uniforms[t]
        if u < up[state]:
            state += 1
        elif u > 1.0 - down[state]:
            state -= 1
        out[t] = state
    return out


def stationary(up: F64, down: F64) -> F64:
    """Shares of time that a ladder's states take in the long run, by detailed balance."""
    shares = np.concatenate([[1.0], np.cumprod(up[:-1] / down[1:])])
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def symbol_regime(market: I64, deviation: I64) -> I64:
    """The symbol's regime from the market's and its own deviation (0 below, 1 as the market, 2 above)."""
    return np.asarray(np.clip(market + deviation - AS_THE_MARKET, 0, len(REGIME_FACTORS) - 1), dtype=np.int64)


def jump_size_square() -> float:
    """Mean square of a jump in sigmas: a Pareto law cut off at both ends."""
    a, least, most = JUMP_TAIL, JUMP_LEAST, JUMP_MOST
    kept = 1 - (least / most) ** a
    return float(a * least**a * (least ** (2 - a) - most ** (2 - a)) / ((a - 2) * kept))


def mean_square(beta: float) -> float:
    """E[(factor of sigma)² (1 + jumps)] over regimes and the day's season: what sigma² must be divided by to keep its level."""
    total, square = 0.0, jump_size_square()
    deviations = stationary(DEVIATION_UP, DEVIATION_DOWN)
    for market, share in enumerate(stationary(REGIME_UP, REGIME_DOWN)):
        for deviation, own_share in enumerate(deviations):
            regime = int(symbol_regime(np.array([market]), np.array([deviation]))[0])
            jumps = COMMON_JUMPS * JUMP_FACTORS[market] * beta**2 + OWN_JUMPS * JUMP_FACTORS[regime]
            total += share * own_share * REGIME_FACTORS[regime] ** 2 * (1 + jumps * square / MINUTES_PER_DAY)
    return float(total * np.exp(2 * season()).mean())


def season() -> F64:
    """Log of the season's factor of sigma, minute by minute of the UTC day, shape (1440,)."""
    hour = np.arange(MINUTES_PER_DAY) / HOUR
    return np.asarray(sum(size * np.cos(2 * np.pi * k * (hour - peak) / 24) for size, k, peak in SEASON), dtype=np.float64)


@njit(cache=True)
def jumps(uniforms: F64, regime: I64, a_day: float, factors: F64, tail: float, least: float, most: float) -> F64:
    """Jumps of one compound Poisson stream in sigmas, (n,), mostly zero; at most one a minute.

    One uniform a minute decides whether there is one; what is left of it, again uniform, gives sign and size.
    """
    out = np.zeros(len(uniforms))
    for t in range(len(uniforms)):
        chance = a_day * factors[regime[t]] / MINUTES_PER_DAY
        if uniforms[t] >= chance:
            continue
        rest = 2 * uniforms[t] / chance
        sign, v = (1.0, rest) if rest < 1.0 else (-1.0, rest - 1.0)
        out[t] = sign * least * (1 - v * (1 - (least / most) ** tail)) ** (-1 / tail)
    return out
