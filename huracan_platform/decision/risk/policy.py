"""How a policy's parameters enter the decision: through the multiplier and the parameters that every decision records.

The same compiled function limits the live decision and the replay that policies are trained on.
"""

from __future__ import annotations

from dataclasses import replace

import numba

from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.policy import RiskParameters

MOST = 1.5  # of the product of all multipliers


@numba.njit(cache=True)
def limited(
    multiplier: float, max_leverage: float, max_stop: float, leverage: float, size: float, stop_loss: float,
    configured_leverage: float,
) -> tuple[float, float, float]:
    """(multiplier, max_leverage, max_stop_distance) of the kernel under a policy.

    Only the multiplier may rise, to 1.5 at most. A multiplier of 0 or less stays what it is: no policy overrules the
    governor, and the strategy's caps on leverage and stop distance can only get tighter.
    """
    scaled = multiplier if multiplier <= 0.0 else min(multiplier * size, MOST)
    return scaled, max_leverage * min(leverage / configured_leverage, 1.0), min(max_stop, stop_loss)


def under_policy(
    parameters: StrategyParameters, multiplier: float, risk: RiskParameters, configured_leverage: float
) -> tuple[StrategyParameters, float]:
    """The decision's parameters and multiplier under a policy; `configured_leverage` leaves the strategy's cap as it is."""
    scaled, max_leverage, max_stop = limited(
        multiplier, parameters.max_leverage, parameters.max_stop_distance, risk.leverage, risk.size_multiplier, risk.stop_loss,
        configured_leverage,
    )
    return replace(parameters, max_leverage=max_leverage, max_stop_distance=max_stop), scaled
