"""Gate 7, live consistency: live or shadow results against the backtest of the same days."""

from __future__ import annotations

from huracan_platform.judging.gates.evidence import GateAnswer, not_judged, sample
from huracan_platform.settings import GateSettings


def judge_live_consistency(gates: GateSettings) -> GateAnswer:
    """No live or shadow trade is on record to compare, so both criteria lack all of their sample."""
    return GateAnswer((
        sample("live or shadow trades", 0, gates.min_live_trades, "trades"),
        not_judged("live sharpe / backtest sharpe", ">=", gates.live_ratio, "no live or shadow returns to compare"),
    ))
