"""`decide()`: one pure function for backtest, shadow, paper, canary and live."""

from __future__ import annotations

from huracan_platform.contracts.decision import Action, Decision, DecisionInputs, Reason, StrategyParameters
from huracan_platform.decision.kernel import decide_bar
from huracan_platform.settings import Settings


def strategy_parameters(settings: Settings, *, round_trip_cost: float) -> StrategyParameters:
    """The kernel's parameters from the settings; `round_trip_cost` is a fraction of notional from `decision.costs`."""
    return StrategyParameters(
        enter_probability=settings.strategy.enter_probability,
        min_edge=settings.strategy.min_edge_bps / 1e4,
        round_trip_cost=round_trip_cost,
        barrier_sigma=settings.labels.barrier_sigma,
        horizon_bars=settings.labels.horizon_min,
        risk_per_trade=settings.strategy.risk_per_trade,
        max_leverage=settings.strategy.max_leverage_per_symbol,
        max_stop_distance=settings.risk.stop_distance_max,
    )


def decide(inputs: DecisionInputs) -> Decision:
    """Decide one bar. Pure: equal inputs give bit-for-bit equal decisions."""
    p = inputs.parameters
    action, reason, target, stop, take, edge = decide_bar(
        inputs.close, inputs.p_up, inputs.sigma, inputs.position, inputs.stop_price, inputs.take_price, inputs.bars_held,
        inputs.risk_multiplier, p.enter_probability, p.min_edge, p.round_trip_cost, p.barrier_sigma, p.horizon_bars,
        p.risk_per_trade, p.max_leverage, p.max_stop_distance,
    )
    return Decision(Action(action), Reason(reason), target, stop, take, edge)
