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
def simulate(
    shock: F64, log_sigma: F64, trend_shock: F64, premium_shock: F64, log_volume: F64, uniforms: F64,
    level: float, sigma_level: float, volume_level: float, ticks_per_unit: float, lots_per_unit: float,
) -> tuple[I64, I64, I64, I64, I64, I64, F64, F64, F64, F64]:
    """Minutes of one symbol.

    Inputs of shape (n,): `shock` and the other shocks standard normal, `log_sigma` the log of volatility over its
    level, `log_volume` that of volume; `uniforms` (n, 3). Returns open, high, low, close in ticks, volume and
    taker-buy volume in lots, funding rates (n // 480 + 1,) with the first at the start, and per minute the drift of the three
    components in sigmas (n, 3), sigma (n,), premium (n,).
    """
    n = len(shock)
    open_, high, low, close = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    volume, taker_buy = np.empty(n, np.int64), np.empty(n, np.int64)
    funding = np.empty(n // FUNDING_MINUTES + 1)
    drift, sigmas, premiums = np.zeros((n, 3)), np.empty(n), np.empty(n)
    returns = np.empty(n)
    trend_step = TREND_SCALE * math.sqrt(1 - TREND_DECAY**2)
    premium_step = PREMIUM_SD * math.sqrt(1 - PREMIUM_DECAY**2)
    own = math.sqrt(1 - PREMIUM_RETURN_CORRELATION**2)
    trend, premium, premium_sum, crowding = 0.0, 0.0, 0.0, 0.0
    return_window, square_slow, volume_window, volume_slow = 0.0, 0.0, 0.0, 0.0
    price = math.log(level)
    last = round(level * ticks_per_unit)
    for t in range(n):
        if t % FUNDING_MINUTES == 0:
            mean = premium_sum / FUNDING_MINUTES
            rate = round(min(max(FUNDING_MEAN + mean, -0.0075), 0.0075) * 1e8) / 1e8
            funding[t // FUNDING_MINUTES] = rate
            crowding = -min(max((rate - FUNDING_MEAN) / FUNDING_SD, -CLIP), CLIP)
            premium_sum = 0.0
        trend = TREND_DECAY * trend + trend_step * trend_shock[t]
        drift[t, 0] = trend
        if t >= SLOW_WINDOW:
            drift[t, 1] = PARTICIPATION_SCALE * participation(return_window, square_slow, volume_window, volume_slow)
        drift[t, 2] = CROWDING_SCALE * crowding
        sigma = sigma_level * math.exp(log_sigma[t])
        innovation = shock[t] + drift[t, 0] + drift[t, 1] + drift[t, 2]
        r = sigma * innovation + ANCHOR_RATE * (math.log(level) - price)
        start = price
        price += r
        premium = PREMIUM_DECAY * premium + premium_step * (PREMIUM_RETURN_CORRELATION * innovation + own * premium_shock[t])
        premium_sum += premium
        up = 0.5 * (r + math.sqrt(r * r - 2 * sigma * sigma * math.log(uniforms[t, 0])))
        down = 0.5 * (r - math.sqrt(r * r - 2 * sigma * sigma * math.log(uniforms[t, 1])))
        open_[t] = last
        last = max(1, round(math.exp(price) * ticks_per_unit))
        close[t] = last
        high[t] = max(open_[t], last, round(math.exp(start + up) * ticks_per_unit))
        low[t] = max(1, min(open_[t], last, round(math.exp(start + down) * ticks_per_unit)))
        units = volume_level * math.exp(log_volume[t]) * (0.55 + 0.55 * abs(r) / sigma)
        volume[t] = max(8, round(units * lots_per_unit))
        share = 0.5 + 0.15 * math.tanh(r / sigma) + 0.2 * (uniforms[t, 2] - 0.5)
        taker_buy[t] = round(volume[t] * share)
        returns[t], sigmas[t], premiums[t] = r, sigma, premium
        return_window += r
        square_slow += r * r
        volume_window += volume[t]
        volume_slow += volume[t]
        if t >= WINDOW:
            return_window -= returns[t - WINDOW]
            volume_window -= volume[t - WINDOW]
        if t >= SLOW_WINDOW:
            square_slow -= returns[t - SLOW_WINDOW] ** 2
            volume_slow -= volume[t - SLOW_WINDOW]
    return open_, high, low, close, volume, taker_buy, funding, drift, sigmas, premiums


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
