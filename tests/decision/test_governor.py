"""The governor escalates at once, relaxes step by step, and leaves HARD_STOP by an operator only."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.contracts.order import TradingState
from huracan_platform.decision.risk.governor import Governor, GovernorState, new_governor, reset_peak, update_governor
from huracan_platform.settings import RiskSettings

RISK = RiskSettings(deescalate_after_market_s=60, deescalate_margin=0.01)
N, S, Q, H = GovernorState


def run(*equities: float, start: Governor | None = None, step_ms: int = 1000) -> Governor:
    governor = start or new_governor(Decimal(100))
    for i, equity in enumerate(equities):
        governor = update_governor(governor, Decimal(str(equity)), i * step_ms, RISK)
    return governor


@pytest.mark.parametrize(
    ("equity", "state"),
    [(100, N), (95.01, N), (95, S), (90.01, S), (90, Q), (85.01, Q), (85, H), (10, H), (0, H), (-5, H)],
)
def test_the_state_follows_the_drawdown_at_its_bounds(equity: float, state: GovernorState) -> None:
    assert run(equity).state is state


def test_the_high_water_mark_moves_up_only() -> None:
    governor = run(120, 110)
    assert (governor.high_water_mark, governor.state) == (Decimal(120), S)


def test_multipliers_shrink_to_zero_and_then_ask_to_leave() -> None:
    assert [s.multiplier for s in GovernorState] == [1.0, 0.5, 0.0, -1.0]
    assert [s.trading_state for s in GovernorState] == [TradingState.ACTIVE] * 2 + [TradingState.REDUCING] * 2


def test_it_relaxes_one_state_after_each_calm_period_and_no_sooner() -> None:
    quarantined = run(90)
    calm = update_governor(quarantined, Decimal(99), 0, RISK)
    assert calm.state is Q
    assert update_governor(calm, Decimal(99), 59_999, RISK).state is Q
    relaxed = update_governor(calm, Decimal(99), 60_000, RISK)
    assert relaxed.state is S
    assert update_governor(relaxed, Decimal(99), 119_999, RISK).state is S
    assert update_governor(relaxed, Decimal(99), 120_000, RISK).state is N


def test_a_setback_starts_the_calm_period_over() -> None:
    calm = update_governor(run(95), Decimal(99), 0, RISK)
    upset = update_governor(calm, Decimal("95.5"), 30_000, RISK)  # below the bound of 5 %, but not by the margin
    again = update_governor(upset, Decimal(99), 31_000, RISK)
    assert update_governor(again, Decimal(99), 61_000, RISK).state is S
    assert update_governor(again, Decimal(99), 91_000, RISK).state is N


def test_hard_stop_is_left_by_a_peak_reset_only() -> None:
    stopped = run(80, 99, 100, 101, step_ms=3_600_000)
    assert stopped.state is H
    reset = reset_peak(stopped, "anna")
    assert (reset.state, reset.high_water_mark, "anna" in reset.reason) == (N, Decimal(101), True)


@given(st.lists(st.integers(0, 200), max_size=40))
def test_the_state_is_never_milder_than_the_drawdown_demands(equities: list[int]) -> None:
    governor = new_governor(Decimal(100))
    for i, equity in enumerate(equities):
        governor = update_governor(governor, Decimal(equity), i * 40_000, RISK)
        demanded = sum(governor.drawdown >= Decimal(b) for b in ("0.05", "0.10", "0.15"))
        assert governor.state.level >= demanded
        assert governor.high_water_mark >= governor.equity
