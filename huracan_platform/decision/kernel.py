"""The decision itself, compiled: the same machine code runs in the backtest's loop and on the live bar."""

from __future__ import annotations

import math

import numba

HOLD, ENTER_LONG, ENTER_SHORT, EXIT = 0, 1, 2, 3


@numba.njit(cache=True, fastmath=False)
def expected_move(barrier: float) -> float:
    """Mean absolute gain or loss of a position that leaves at ±`barrier` or after the horizon, all in horizon sigmas.

    Of a driftless Brownian motion stopped at the barriers: by Tanaka's formula the expected local time at 0 of the
    motion killed there, integrated term by term. Most positions end at the horizon well inside the barriers, so the
    distance to a barrier would overstate the move by about half again to twice (0.80 instead of 1.5 at 1.5 sigmas).
    """
    inside = 0.0
    for k in range(1, 40, 2):
        square = (k * math.pi) ** 2
        if square > 320.0 * barrier * barrier:  # exp(-40) and less
            break
        inside += 8.0 / square * math.exp(-square / (8.0 * barrier * barrier))
    return barrier * (1.0 - inside)


@numba.njit(cache=True, fastmath=False)
def decide_bar(
    close: float, p_up: float, sigma: float, position: float, stop_price: float, take_price: float, bars_held: int,
    risk_multiplier: float, enter_probability: float, min_edge: float, round_trip_cost: float, barrier_sigma: float,
    horizon_bars: int, risk_per_trade: float, max_leverage: float, max_stop_distance: float,
) -> tuple[int, int, float, float, float, float]:
    """One bar of one symbol; arguments as in `DecisionInputs` and `StrategyParameters`.

    Returns (action, reason, target, stop_price, take_price, edge): target is signed notional / equity.
    A position is left on stop, take profit or after the horizon; entries need the probability, an expected edge
    after the round-trip cost, and a positive risk multiplier. Size puts `risk_per_trade` of equity at the stop.
    """
    if position != 0.0:
        long = position > 0.0
        if risk_multiplier < 0.0:
            return EXIT, 11, 0.0, 0.0, 0.0, 0.0
        if (long and close <= stop_price) or (not long and close >= stop_price):
            return EXIT, 10, 0.0, 0.0, 0.0, 0.0
        if (long and close >= take_price) or (not long and close <= take_price):
            return EXIT, 8, 0.0, 0.0, 0.0, 0.0
        if bars_held >= horizon_bars:
            return EXIT, 9, 0.0, 0.0, 0.0, 0.0
        return HOLD, 5, position, stop_price, take_price, 0.0
    if math.isnan(p_up):
        return HOLD, 0, 0.0, 0.0, 0.0, 0.0
    if not (0.0 <= p_up <= 1.0) or not math.isfinite(sigma) or sigma <= 0.0:
        return HOLD, 3, 0.0, 0.0, 0.0, 0.0
    confidence = max(p_up, 1.0 - p_up)
    distance = min(barrier_sigma * sigma, max_stop_distance)
    edge = (2.0 * confidence - 1.0) * expected_move(distance / sigma) * sigma - round_trip_cost
    if confidence < enter_probability:
        return HOLD, 1, 0.0, 0.0, 0.0, edge
    if edge < min_edge:
        return HOLD, 2, 0.0, 0.0, 0.0, edge
    if risk_multiplier <= 0.0:
        return HOLD, 4, 0.0, 0.0, 0.0, edge
    size = min(risk_per_trade * risk_multiplier / (distance + round_trip_cost), max_leverage)
    if p_up >= 0.5:
        return ENTER_LONG, 6, size, close * (1.0 - distance), close * (1.0 + distance), edge
    return ENTER_SHORT, 7, -size, close * (1.0 + distance), close * (1.0 - distance), edge
