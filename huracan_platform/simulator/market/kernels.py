"""The synthetic market's recursion, minute by minute, compiled. Symbols are those of docs/synthetic_market.md."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from huracan_platform.simulator.market.bars import F64, I64

FUNDING_MINUTES = 480
WINDOW = 60
SLOW_WINDOW = 1_440

# Trend: half-life 8 h; 0.046 sigma per minute lets the best causal filter reach a correlation of about 0.2.
TREND_DECAY = 0.5 ** (1 / 480)
TREND_SCALE = 0.046
# Participation: drift per minute in sigmas per unit of the interaction.
PARTICIPATION_SCALE = 0.055
PARTICIPATION_STEEPNESS = 2.0
PARTICIPATION_CENTRE = -0.10
# Crowding: drift per minute in sigmas per standard deviation of funding.
CROWDING_SCALE = 0.033
FUNDING_MEAN = 1e-4
FUNDING_SD = 1e-4
PREMIUM_DECAY = 0.5 ** (1 / 180)
PREMIUM_SD = 1.3e-4
PREMIUM_RETURN_CORRELATION = 0.25
CLIP = 2.5
# A bar of fewer lots could not be traded through its four prices.
FEWEST_LOTS = 8
# Anchor: half-life 45 days; keeps a trending price within reach of its tick for years.
ANCHOR_RATE = math.log(2.0) / (45 * 1_440)


@njit(cache=True)
def participation(return_window: float, square_slow: float, volume_window: float, volume_slow: float) -> float:
    """Interaction of the last hour's return with its volume against the last day's; about symmetric around 0."""
    if square_slow <= 0.0 or volume_slow <= 0.0 or volume_window <= 0.0:
        return 0.0
    z = return_window / math.sqrt(square_slow * WINDOW / SLOW_WINDOW)
    surprise = math.log(volume_window / WINDOW) - math.log(volume_slow / SLOW_WINDOW)
    return min(max(z, -CLIP), CLIP) * math.tanh(PARTICIPATION_STEEPNESS * (surprise - PARTICIPATION_CENTRE))


@njit(cache=True)
def _extreme(r: float, sigma: float, uniform: float, sign: float) -> float:
    """Highest (sign 1) or lowest (sign -1) point of a Brownian bridge from 0 to r, by inversion of its law."""
    return 0.5 * (r + sign * math.sqrt(r * r - 2 * sigma * sigma * math.log(uniform)))


@njit(cache=True)
def _settle(premium_sum: float) -> tuple[float, float]:
    """Funding rate of a settlement from the sum of the premium since the last one, and the crowding drift that follows."""
    rate = round(min(max(FUNDING_MEAN + premium_sum / FUNDING_MINUTES, -0.0075), 0.0075) * 1e8) / 1e8
    return rate, -CROWDING_SCALE * min(max((rate - FUNDING_MEAN) / FUNDING_SD, -CLIP), CLIP)


@njit(cache=True)
def _next_premium(premium: float, innovation: float, shock: float) -> float:
    step = PREMIUM_SD * math.sqrt(1 - PREMIUM_DECAY**2)
    own = math.sqrt(1 - PREMIUM_RETURN_CORRELATION**2)
    return PREMIUM_DECAY * premium + step * (PREMIUM_RETURN_CORRELATION * innovation + own * shock)


@njit(cache=True)
def simulate(
    shock: F64, log_sigma: F64, trend_shock: F64, premium_shock: F64, level: float, sigma_level: float, volume: F64,
) -> tuple[F64, F64, F64, F64]:
    """Returns of one symbol, minute by minute.

    `shock` and the other shocks (n,) standard normal; `log_sigma` (n,) log of volatility over its level; `volume` (n,)
    base units before the minute's own move adds to them. Returns log returns (n,), sigma (n,), drifts of trend,
    participation and crowding in sigmas (n, 3), funding rates (n // 480 + 1,), the first at the start. `volume` is
    scaled by the move in place.
    """
    n = len(shock)
    returns, sigmas, drift, funding = np.empty(n), np.empty(n), np.zeros((n, 3)), np.empty(n // FUNDING_MINUTES + 1)
    trend_step = TREND_SCALE * math.sqrt(1 - TREND_DECAY**2)
    trend, premium, premium_sum, crowding, price = 0.0, 0.0, 0.0, 0.0, math.log(level)
    return_window, square_slow, volume_window, volume_slow = 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        if t % FUNDING_MINUTES == 0:
            funding[t // FUNDING_MINUTES], crowding = _settle(premium_sum)
            premium_sum = 0.0
        trend = TREND_DECAY * trend + trend_step * trend_shock[t]
        drift[t, 0], drift[t, 2] = trend, crowding
        if t >= SLOW_WINDOW:
            drift[t, 1] = PARTICIPATION_SCALE * participation(return_window, square_slow, volume_window, volume_slow)
        sigmas[t] = sigma_level * math.exp(log_sigma[t])
        innovation = shock[t] + drift[t].sum()
        returns[t] = sigmas[t] * innovation + ANCHOR_RATE * (math.log(level) - price)
        price += returns[t]
        premium = _next_premium(premium, innovation, premium_shock[t])
        premium_sum += premium
        volume[t] *= 0.55 + 0.55 * abs(returns[t]) / sigmas[t]
        return_window += returns[t] - (returns[t - WINDOW] if t >= WINDOW else 0.0)
        volume_window += volume[t] - (volume[t - WINDOW] if t >= WINDOW else 0.0)
        square_slow += returns[t] ** 2 - (returns[t - SLOW_WINDOW] ** 2 if t >= SLOW_WINDOW else 0.0)
        volume_slow += volume[t] - (volume[t - SLOW_WINDOW] if t >= SLOW_WINDOW else 0.0)
    return returns, sigmas, drift, funding


@njit(cache=True)
def quantise(
    returns: F64, sigma: F64, volume: F64, uniforms: F64, level: float, ticks_per_unit: float, lots_per_unit: float,
) -> tuple[I64, I64, I64, I64, I64, I64]:
    """Bars in whole ticks and lots: open, high, low, close, volume, taker-buy volume, each (n,). `uniforms` (n, 3)."""
    n = len(returns)
    open_, high, low, close = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    lots, bought = np.empty(n, np.int64), np.empty(n, np.int64)
    price, last = math.log(level), round(level * ticks_per_unit)
    for t in range(n):
        r = returns[t]
        top = price + _extreme(r, sigma[t], uniforms[t, 0], 1.0)
        bottom = price + _extreme(r, sigma[t], uniforms[t, 1], -1.0)
        price += r
        open_[t], close[t] = last, max(1, round(math.exp(price) * ticks_per_unit))
        last = close[t]
        high[t] = max(open_[t], last, round(math.exp(top) * ticks_per_unit))
        low[t] = max(1, min(open_[t], last, round(math.exp(bottom) * ticks_per_unit)))
        lots[t] = max(FEWEST_LOTS, round(volume[t] * lots_per_unit))
        share = 0.5 + 0.15 * math.tanh(r / sigma[t]) + 0.2 * (uniforms[t, 2] - 0.5)
        bought[t] = round(lots[t] * share)
    return open_, high, low, close, lots, bought


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
