from __future__ import annotations

import math

import numpy as np
import pytest

from huracan_platform.contracts.decision import Action, Reason
from huracan_platform.decision.kernel import decide_bar, expected_move

P = {
    "enter_probability": 0.6, "min_edge": 0.0, "round_trip_cost": 0.0013, "barrier_sigma": 1.5, "horizon_bars": 60,
    "risk_per_trade": 0.0025, "max_leverage": 0.5, "max_stop_distance": 0.1,
}


def decide(
    p_up: float, *, sigma: float = 0.01, close: float = 100.0, position: float = 0.0, stop: float = 0.0, take: float = 0.0,
    held: int = 0, risk: float = 1.0, **changes: float,
) -> tuple[int, int, float, float, float, float]:
    p = P | changes
    return decide_bar(
        close, p_up, sigma, position, stop, take, held, risk, p["enter_probability"], p["min_edge"], p["round_trip_cost"],
        p["barrier_sigma"], int(p["horizon_bars"]), p["risk_per_trade"], p["max_leverage"], p["max_stop_distance"],
    )


@pytest.mark.parametrize("barrier", [0.5, 1.0, 1.5, 3.0])
def test_expected_move_is_that_of_a_stopped_random_walk(barrier: float) -> None:
    rng = np.random.default_rng(1)
    steps = 1_000
    path = np.cumsum(rng.normal(0.0, 1.0 / math.sqrt(steps), (6_000, steps)), axis=1)
    hit = np.abs(path) >= barrier
    ends = np.where(hit.any(axis=1), barrier, np.abs(path[:, -1]))
    assert expected_move(barrier) == pytest.approx(ends.mean(), rel=0.05)


def test_expected_move_without_barriers_in_reach_is_the_mean_absolute_normal() -> None:
    assert expected_move(8.0) == pytest.approx(math.sqrt(2.0 / math.pi), rel=1e-6)


def test_edge_is_expected_gain_less_cost() -> None:
    edge = decide(0.7)[5]
    assert edge == pytest.approx(0.4 * expected_move(1.5) * 0.01 - 0.0013)


def test_sure_prediction_whose_move_cannot_pay_its_costs_is_not_traded() -> None:
    action, reason, *_ = decide(0.7, sigma=0.002)
    assert (action, reason) == (Action.HOLD, Reason.EDGE_BELOW_COST)
    assert decide(0.7)[0] == Action.ENTER_LONG
    assert decide(0.3)[0] == Action.ENTER_SHORT


def test_size_puts_the_risk_at_the_stop_and_respects_leverage() -> None:
    _, _, target, stop, take, _ = decide(0.8)
    assert target == pytest.approx(0.0025 / (0.015 + 0.0013))
    assert (stop, take) == (pytest.approx(98.5), pytest.approx(101.5))
    assert decide(0.8, risk_per_trade=0.1)[2] == 0.5
    assert decide(0.2)[2] < 0


def test_position_leaves_at_barriers_horizon_or_governors_word() -> None:
    held = {"position": 0.3, "stop": 98.5, "take": 101.5}
    assert decide(0.5, **held)[:2] == (Action.HOLD, Reason.IN_POSITION)
    assert decide(0.5, close=98.4, **held)[:2] == (Action.EXIT, Reason.STOP)
    assert decide(0.5, close=101.6, **held)[:2] == (Action.EXIT, Reason.TAKE_PROFIT)
    assert decide(0.5, held=60, **held)[:2] == (Action.EXIT, Reason.TIME_EXIT)
    assert decide(0.5, risk=-1.0, **held)[:2] == (Action.EXIT, Reason.FORCED_EXIT)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"p_up": math.nan}, Reason.NO_OPINION), ({"p_up": 1.2}, Reason.MISSING_FEATURE),
        ({"p_up": 0.8, "sigma": math.nan}, Reason.MISSING_FEATURE), ({"p_up": 0.8, "sigma": 0.0}, Reason.MISSING_FEATURE),
        ({"p_up": 0.59}, Reason.BELOW_PROBABILITY), ({"p_up": 0.8, "risk": 0.0}, Reason.GOVERNOR),
    ],
)
def test_no_entry_without_opinion_probability_volatility_or_leave(arguments: dict[str, float], reason: Reason) -> None:
    p_up = arguments.pop("p_up")
    assert decide(p_up, **arguments)[:2] == (Action.HOLD, reason)
