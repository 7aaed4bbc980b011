"""The rules, figure by figure, and how any parameters limit a decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huracan_platform.contracts.policy import RiskParameters
from huracan_platform.decision.risk.policy import under_policy
from huracan_platform.learning.policies.rules import FallbackPolicy, FixedPolicy, flat_policy
from tests.judging.world import PARAMETERS
from tests.policies.world import observed

RULES = FallbackPolicy(5.0, 0.02)


def test_in_calm_the_rules_are_the_fixed_defaults() -> None:
    fixed = FixedPolicy(5.0, 0.02).risk_parameters(observed())
    assert RULES.risk_parameters(observed()) == fixed == RiskParameters(5.0, 1.0, 0.02)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"volatility": 0.8}, (3.0, 1.0, 0.02)),
        ({"volatility": 1.2}, (1.5, 1.0, 0.02)),
        ({"drawdown": 0.06}, (5.0, 0.75, 0.02)),
        ({"drawdown": 0.12}, (5.0, 0.5, 0.02)),
        ({"consecutive_losses": 3}, (5.0, 0.75, 0.02)),
        ({"consecutive_losses": 6}, (5.0, 0.5, 0.02)),
        ({"phase_distribution": 1}, (5.0, 0.8, 0.02)),
        ({"phase_markdown": 1}, (5.0, 0.8, 0.02)),
        ({"phase_markup": 1}, (5.0, 1.0, 0.02)),
        ({"entropy": 0.7}, (5.0, 1.0, 0.024)),
        ({"entropy": 0.9}, (5.0, 1.0, 0.03)),
        ({"drawdown": 0.12, "consecutive_losses": 6, "phase_markdown": 1}, (5.0, 0.5, 0.02)),
    ],
)
def test_each_rule_moves_its_own_parameter(figures: dict[str, float], expected: tuple[float, ...]) -> None:
    risk = RULES.risk_parameters(observed(**figures))
    assert (risk.leverage, risk.size_multiplier, risk.stop_loss) == pytest.approx(expected)


def test_the_rules_never_go_below_a_leverage_of_one_or_beyond_a_stop_of_a_tenth() -> None:
    assert FallbackPolicy(2.0, 0.09).risk_parameters(observed(volatility=2.0, entropy=1.0)) == RiskParameters(1.0, 1.0, 0.10)


def test_flat_asks_for_no_size() -> None:
    assert flat_policy(5.0, 0.02).risk_parameters(observed()).size_multiplier == 0.0


def test_the_configured_leverage_and_a_wide_stop_leave_a_decision_as_it_is() -> None:
    assert under_policy(PARAMETERS, 1.0, RiskParameters(5.0, 1.0, 0.10), 5.0) == (PARAMETERS, 1.0)


def test_a_policy_tightens_the_caps_and_scales_the_multiplier() -> None:
    limited, multiplier = under_policy(PARAMETERS, 0.5, RiskParameters(2.0, 1.6, 0.01), 5.0)
    assert limited == replace(PARAMETERS, max_leverage=PARAMETERS.max_leverage * 0.4, max_stop_distance=0.01)
    assert multiplier == 0.8


@pytest.mark.parametrize("multiplier", [0.0, -1.0])
def test_no_policy_overrules_the_governor(multiplier: float) -> None:
    assert under_policy(PARAMETERS, multiplier, RiskParameters(5.0, 2.0, 0.10), 5.0)[1] == multiplier


def test_no_policy_loosens_a_cap_or_passes_the_common_bound_of_multipliers() -> None:
    limited, multiplier = under_policy(PARAMETERS, 1.0, RiskParameters(10.0, 2.0, 0.5), 5.0)
    assert (limited.max_leverage, limited.max_stop_distance) == (PARAMETERS.max_leverage, PARAMETERS.max_stop_distance)
    assert multiplier == 1.5
