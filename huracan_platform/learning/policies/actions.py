"""What a trained policy's three numbers mean."""

from __future__ import annotations

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.policy import RiskParameters
from huracan_platform.learning.policies.rules import LEAST_LEVERAGE, LEAST_SIZE, LEAST_STOP, MOST_SIZE, MOST_STOP

PERCENT = 100.0
ACTIONS = ("leverage_adjustment", "size_multiplier", "stop_loss_percent")
LOW = np.array([-1.0, LEAST_SIZE, LEAST_STOP * PERCENT])
HIGH = np.array([1.0, MOST_SIZE, MOST_STOP * PERCENT])


def from_unit(unit: Float64) -> Float64:
    """(3,) action from numbers in [-1, 1], which those outside are cut to."""
    action: Float64 = LOW + (np.clip(unit, -1.0, 1.0) + 1.0) * 0.5 * (HIGH - LOW)
    return action


def parameters_of(action: Float64, leverage: float, max_leverage: float) -> RiskParameters:
    """The parameters that an action asks for when `leverage` is in force; the adjusted one stays in [1, max_leverage]."""
    adjusted = min(max(leverage + float(action[0]), LEAST_LEVERAGE), max_leverage)
    return RiskParameters(adjusted, float(action[1]), float(action[2]) / PERCENT)
