"""The synthetic market's recursion, minute by minute, compiled. Symbols are those of docs/synthetic_market.md."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from huracan_platform.simulator.market.bars import F64, I64

FUNDING_MINUTES = 480
WINDOW = 60
SLOW_WINDOW = 1_440

# Trend: half-life 8 h; 0.046 sigma per minute lets the best causal filter reach a correlation of about 0.2.
TREND_DECAY = 0.5 ** (1 / 480)
TREND_SCALE = 0.046
TREND_STEP = TREND_SCALE * math.sqrt(1 - TREND_DECAY**2)
# Participation: drift per minute in sigmas per unit of the interaction.
PARTICIPATION_SCALE = 0.055
PARTICIPATION_STEEPNESS = 2.0
PARTICIPATION_CENTRE = -0.10
# Crowding: drift per minute in sigmas per standard deviation of funding.
CROWDING_SCALE = 0.033
FUNDING_MEAN = 1e-4
FUNDING_SD = 1e-4
PREMIUM_DECAY = 0.5 ** (1 / 180)
PREMIUM_SD = 1.08e-4
PREMIUM_STEP = PREMIUM_SD * math.sqrt(1 - PREMIUM_DECAY**2)
PREMIUM_FOLLOWS = 0.25  # correlation of its step with the minute's move
PREMIUM_OWN = math.sqrt(1 - PREMIUM_FOLLOWS**2)
PREMIUM_LEAN = 2e-4  # of a market whose leveraged participants are all long
MOST_MOVE = 5.0  # a minute moves the premium by no more than so many sigmas
CLIP = 2.5
# Anchor: half-life 45 days; keeps a trending price within reach of its tick for years.
ANCHOR_RATE = math.log(2.0) / (45 * 1_440)

# Open interest: log deviation from its usual size, half-life 3 d; per minute.
INTEREST_DECAY = 0.5 ** (1 / 4_320)
INTEREST_FOLLOWS_VOLUME = 1.5e-4
INTEREST_FOLLOWS_TREND = 2e-4
USUAL_TREND = 0.8  # mean of the last hour's move in sigmas, either way
STEEP_TREND = 2.0  # positions are built up in moves below so many sigmas, and closed in those above
INTEREST_CUT = 4e-4
INTEREST_NOISE = 1.1e-3
# Leveraged positions: closed by choice with a half-life of 8 h and opened anew, by leverage, with these shares of open interest.
TURNOVER = math.log(2.0) / 480
GROWTH = math.exp(TURNOVER)  # the book is kept in lots times what has decayed since, so that a minute touches few of its bins
LEVERAGE = (100.0, 50.0, 25.0, 10.0, 5.0)
OPENED = (0.0010, 0.0025, 0.010, 0.060, 0.120)
ALL_OPENED = sum(OPENED)
MAINTENANCE = 0.005
LONG_DISTANCE = tuple(-math.log(1 - 1 / leverage + MAINTENANCE) for leverage in LEVERAGE)
SHORT_DISTANCE = tuple(math.log(1 + 1 / leverage - MAINTENANCE) for leverage in LEVERAGE)
FOLLOWERS = 0.5  # how far the side of new positions follows the last day's move
# Liquidation levels lie in bins of log price, far more of them than a price can cross.
BIN = 0.001
BINS_PER_UNIT = 1_000.0
BINS = 8_192
RESCALE = 1e9
# Forced orders: worked off with a half-life of 2 min; the price gives back half of what they moved, half-life 30 min.
QUEUE_DECAY = 0.5 ** (1 / 2)
RECOVERY_RATE = 1 - 0.5 ** (1 / 30)
RECOVERED = 0.5
MOST_PUSH = 3.0
IMPACT = 1.0
CLOSED_PER_FORCED = 2.0  # lots of open interest that go with a lot liquidated: others stop out in front of it
LEAST_LEFT = 0.1  # what a minute leaves of open interest

STATE = np.dtype([(name, np.float64) for name in (
    "trend", "premium", "premium_sum", "crowding", "price", "top", "bottom",
    "return_window", "square_slow", "return_slow", "volume_window", "volume_slow", "surprise", "move",
    "interest", "growth", "longs", "shorts", "queue", "displaced",
)] + [("highest_long", np.int64), ("lowest_short", np.int64), ("events", np.int64)])
State = Any  # one record of STATE: the compiled code reads and sets its fields by name


class Drivers(NamedTuple):
    """What a symbol's recursion is driven by, each (n,) unless told: standard normal shocks, `sigma` of the minute's log
    return, `jump` in sigmas, `volume` in lots before the minute's own move adds to it, `uniforms` (n, 2) of the extremes."""

    shock: F64
    sigma: F64
    jump: F64
    trend_shock: F64
    premium_shock: F64
    interest_shock: F64
    volume: F64
    uniforms: F64


class Course(NamedTuple):
    """What comes of it: `log_price` (3, n) close, high and low; `volume` (n,) lots; `drift` (n, 3) trend, participation and
    crowding in sigmas; `premium` (n,); `funding` (n // 480 + 1,), the first at the start; `interest` (n,) lots; `forced` (n, 2)
    lots of shorts and longs liquidated; `liquidated` (m, 4) minute, side (1 long, 0 short), bin of the level, lots."""
    log_price: F64
    volume: F64
    drift: F64
    premium: F64
    funding: F64
    interest: F64
    forced: I64
    liquidated: I64



@njit(cache=True)
def participation(move: float, surprise: float) -> float:
    """Interaction of the last hour's move in sigmas with its volume's surprise; about symmetric around 0."""
    return min(max(move, -CLIP), CLIP) * math.tanh(PARTICIPATION_STEEPNESS * (surprise - PARTICIPATION_CENTRE))


@njit(cache=True)
def _measure_hour(state: State) -> None:
    """The last hour against the last day: its move in sigmas and the log of its volume's ratio; 0 where nothing is known."""
    state.move, state.surprise = 0.0, 0.0
    if state.square_slow > 0.0 and state.volume_slow > 0.0 and state.volume_window > 0.0:
        state.move = state.return_window / math.sqrt(state.square_slow * WINDOW / SLOW_WINDOW)
        state.surprise = math.log(state.volume_window * SLOW_WINDOW / (state.volume_slow * WINDOW))


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
def _push(state: State, usual: float, impact: float) -> float:
    """Move in sigmas that this minute's part of the queue of forced orders makes: concave in its share of usual volume."""
    if state.queue == 0.0:
        return 0.0
    worked = (1 - QUEUE_DECAY) * abs(state.queue) / usual
    push = math.copysign(min(impact * worked / math.sqrt(1 + worked), MOST_PUSH), state.queue)
    state.queue = QUEUE_DECAY * state.queue if abs(state.queue) > 1.0 else 0.0
    return push


@njit(cache=True)
def _step_price(state: State, r: float, sigma: float, u_high: float, u_low: float) -> None:
    state.top = state.price + _extreme(r, sigma, u_high, 1.0)
    state.bottom = state.price + _extreme(r, sigma, u_low, -1.0)
    state.price += r


@njit(cache=True)
def _step_premium(state: State, move: float, shock: float) -> float:
    """The premium, which follows the minute's move and the lean of leveraged positions."""
    held = state.longs + state.shorts
    lean = PREMIUM_LEAN * (state.longs - state.shorts) / held if held > 0.0 else 0.0
    state.premium = PREMIUM_DECAY * state.premium + (1 - PREMIUM_DECAY) * lean
    state.premium += PREMIUM_STEP * (PREMIUM_FOLLOWS * min(max(move, -MOST_MOVE), MOST_MOVE) + PREMIUM_OWN * shock)
    state.premium_sum += state.premium
    return float(state.premium)


@njit(cache=True)
def _slide_windows(state: State, returns: F64, volume: F64, t: int) -> None:
    r, v = returns[t], volume[t]
    state.return_window += r - (returns[t - WINDOW] if t >= WINDOW else 0.0)
    state.volume_window += v - (volume[t - WINDOW] if t >= WINDOW else 0.0)
    old = returns[t - SLOW_WINDOW] if t >= SLOW_WINDOW else 0.0
    state.square_slow += r * r - old * old
    state.return_slow += r - old
    state.volume_slow += v - (volume[t - SLOW_WINDOW] if t >= SLOW_WINDOW else 0.0)


@njit(cache=True)
def _step_interest(state: State, shock: float, forced: int, usual_interest: float) -> float:
    """Open interest in lots after the minute: it follows volume and moves, and forced closes are taken off it."""
    drive = INTEREST_FOLLOWS_VOLUME * min(max(state.surprise - PARTICIPATION_CENTRE, -1.0), 1.0)
    drive += INTEREST_FOLLOWS_TREND * (min(abs(state.move), STEEP_TREND) - USUAL_TREND)
    drive -= INTEREST_CUT * max(abs(state.move) - STEEP_TREND, 0.0)
    state.interest = INTEREST_DECAY * state.interest + drive + INTEREST_NOISE * shock
    lots = usual_interest * math.exp(state.interest)
    if forced > 0:
        left = max(1.0 - CLOSED_PER_FORCED * forced / lots, LEAST_LEFT)
        state.interest += math.log(left)
        lots *= left
    return lots


@njit(cache=True)
def _bin_of(price: float) -> int:
    """Bin of a log price relative to the symbol's long-run level, kept within the book."""
    return min(max(math.floor(price * BINS_PER_UNIT) + BINS // 2, 0), BINS - 1)


@njit(cache=True)
def _open_positions(state: State, book: F64, interest: float) -> None:
    """Add the liquidation levels of what is opened this minute; `book` (BINS, 2) of shorts and longs, in lots × growth."""
    state.growth *= GROWTH
    if state.growth > RESCALE:
        book /= state.growth
        state.longs /= state.growth
        state.shorts /= state.growth
        state.growth = 1.0
    day = state.return_slow / math.sqrt(state.square_slow) if state.square_slow > 0.0 else 0.0
    opened = TURNOVER * interest * state.growth
    longs = 0.5 * opened * (1.0 + FOLLOWERS * day / math.sqrt(1.0 + day * day))
    shorts = opened - longs
    for k in range(len(OPENED)):
        book[_bin_of(state.price - LONG_DISTANCE[k]), 1] += longs * OPENED[k]
        book[_bin_of(state.price + SHORT_DISTANCE[k]), 0] += shorts * OPENED[k]
    state.longs += longs * ALL_OPENED
    state.shorts += shorts * ALL_OPENED
    state.highest_long = max(state.highest_long, _bin_of(state.price - LONG_DISTANCE[0]))
    state.lowest_short = min(state.lowest_short, _bin_of(state.price + SHORT_DISTANCE[0]))


@njit(cache=True)
def _close_bin(state: State, book: F64, level: int, side: int, t: int, out: I64) -> int:
    """Liquidate the positions of one side whose level lies in a bin; returns their lots."""
    held = book[level, side]
    lots = int(held / state.growth)
    book[level, side] = 0.0
    if side == 1:
        state.longs = max(state.longs - held, 0.0)
    else:
        state.shorts = max(state.shorts - held, 0.0)
    if lots > 0:
        out[state.events, 0], out[state.events, 1], out[state.events, 2], out[state.events, 3] = t, side, level, lots
        state.events += 1
    return lots


@njit(cache=True)
def _liquidate(state: State, book: F64, t: int, out: I64) -> tuple[int, int]:
    """Close what the minute's extremes have crossed: lots of shorts and of longs. Their orders join the queue."""
    shorts, longs, low, high = 0, 0, _bin_of(state.bottom), _bin_of(state.top)
    for level in range(state.highest_long, low, -1):
        longs += _close_bin(state, book, level, 1, t, out)
    for level in range(state.lowest_short, high):
        shorts += _close_bin(state, book, level, 0, t, out)
    state.highest_long, state.lowest_short = min(state.highest_long, low), max(state.lowest_short, high)
    state.queue += shorts - longs
    return shorts, longs


@njit(cache=True)
def _with_room(out: I64, state: State) -> I64:
    """A copy of `out`, twice as long and more."""
    grown = np.empty((2 * len(out) + 2 * BINS, 4), np.int64)
    grown[: state.events] = out[: state.events]
    return grown


@njit(cache=True)
def _step_drift(state: State, drift: F64, funding: F64, trend_shock: float, t: int) -> float:
    """Settle funding where it is due; drifts of trend, participation and crowding in sigmas, and their sum."""
    if t % FUNDING_MINUTES == 0:
        funding[t // FUNDING_MINUTES], state.crowding = _settle(state.premium_sum)
        state.premium_sum = 0.0
    state.trend = TREND_DECAY * state.trend + TREND_STEP * trend_shock
    _measure_hour(state)
    drift[t, 0], drift[t, 2] = state.trend, state.crowding
    if t >= SLOW_WINDOW:
        drift[t, 1] = PARTICIPATION_SCALE * participation(state.move, state.surprise)
    return float(drift[t, 0] + drift[t, 1] + drift[t, 2])


@njit(cache=True)
def simulate(drivers: Drivers, usual: float, usual_interest: float, impact: float) -> Course:
    """One symbol, minute by minute. `usual` lots a minute and `usual_interest` lots open on average; `impact` of forced orders
    in sigmas per share of usual volume, 0 for a market in which they move nothing. `drivers.volume` becomes the path's."""
    n = len(drivers.shock)
    returns, price, volume = np.empty(n), np.empty((3, n)), drivers.volume
    drift, funding, premium, interest = np.zeros((n, 3)), np.empty(n // FUNDING_MINUTES + 1), np.empty(n), np.empty(n)
    forced, out, book = np.zeros((n, 2), np.int64), np.empty((0, 4), np.int64), np.zeros((BINS, 2))
    state = np.zeros(1, STATE)[0]
    state.growth, state.lowest_short = 1.0, BINS
    for t in range(n):
        sigma = drivers.sigma[t]
        moved = drivers.shock[t] + _step_drift(state, drift, funding, drivers.trend_shock[t], t) + drivers.jump[t]
        push = sigma * _push(state, state.volume_slow / min(t, SLOW_WINDOW) if t > 0 else usual, impact)
        back = RECOVERY_RATE * state.displaced
        state.displaced += RECOVERED * push - back
        r = sigma * moved + push - back - ANCHOR_RATE * state.price
        returns[t] = r
        _step_price(state, r, sigma, drivers.uniforms[t, 0], drivers.uniforms[t, 1])
        price[0, t], price[1, t], price[2, t] = state.price, state.top, state.bottom
        if state.events + 2 * BINS > len(out):  # a minute may cross the whole book
            out = _with_room(out, state)
        shorts, longs = _liquidate(state, book, t, out)
        forced[t, 0], forced[t, 1] = shorts, longs
        volume[t] = volume[t] * (0.55 + 0.55 * abs(r) / sigma) + shorts + longs
        premium[t] = _step_premium(state, r / sigma, drivers.premium_shock[t])
        _slide_windows(state, returns, volume, t)
        interest[t] = _step_interest(state, drivers.interest_shock[t], shorts + longs, usual_interest)
        _open_positions(state, book, interest[t])
    return Course(price, volume, drift, premium, funding, interest, forced, out[: state.events].copy())
