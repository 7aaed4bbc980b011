"""The risk governor: drawdown from the high-water mark decides how much risk may be taken. A pure state machine.

It escalates at once and as far as the drawdown says. It relaxes one state at a time, after a quiet period below the
state's bound less a margin, so that equity swinging around a bound does not switch risk on and off. HARD_STOP is left
only by an operator's peak reset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from huracan_platform.contracts.order import TradingState
from huracan_platform.settings import RiskSettings


class GovernorState(StrEnum):
    """How far things have gone wrong."""

    NORMAL = "normal"
    SOFT_BRAKE = "soft_brake"
    QUARANTINE = "quarantine"
    HARD_STOP = "hard_stop"

    @property
    def level(self) -> int:
        """0 for NORMAL to 3 for HARD_STOP."""
        return list(GovernorState).index(self)

    @property
    def multiplier(self) -> float:
        """Factor on new risk; 0 lets none in, negative asks to leave positions now."""
        return (1.0, 0.5, 0.0, -1.0)[self.level]

    @property
    def trading_state(self) -> TradingState:
        """What the pre-trade checks make of it."""
        return TradingState.ACTIVE if self.level < GovernorState.QUARANTINE.level else TradingState.REDUCING


@dataclass(frozen=True)
class Governor:
    """Where the governor stands. `calm_since_ms` (market clock) is when the drawdown last fell clearly below its bound."""

    state: GovernorState
    high_water_mark: Decimal
    equity: Decimal
    calm_since_ms: int | None = None
    reason: str = ""

    @property
    def drawdown(self) -> Decimal:
        """Fraction of the high-water mark lost."""
        if self.high_water_mark <= 0:
            return Decimal(1)
        return max(Decimal(0), (self.high_water_mark - self.equity) / self.high_water_mark)


def new_governor(equity: Decimal) -> Governor:
    """NORMAL, with the present equity as high-water mark."""
    return Governor(GovernorState.NORMAL, equity, equity, reason="first equity")


def update_governor(governor: Governor, equity: Decimal, market_ms: int, risk: RiskSettings) -> Governor:
    """The governor after seeing one equity figure."""
    seen = replace(governor, equity=equity, high_water_mark=max(governor.high_water_mark, equity))
    bounds = _bounds(risk)
    wanted = next((s for s in reversed(GovernorState) if seen.drawdown >= bounds[s]), GovernorState.NORMAL)
    if wanted.level > seen.state.level:
        return replace(seen, state=wanted, calm_since_ms=None, reason=f"drawdown {seen.drawdown:.4f} reached {bounds[wanted]}")
    return _relax(seen, bounds[seen.state] - Decimal(str(risk.deescalate_margin)), market_ms, risk)


def _relax(governor: Governor, bound: Decimal, market_ms: int, risk: RiskSettings) -> Governor:
    if governor.state in (GovernorState.NORMAL, GovernorState.HARD_STOP) or governor.drawdown > bound:
        return replace(governor, calm_since_ms=None)
    if governor.calm_since_ms is None:
        return replace(governor, calm_since_ms=market_ms)
    if market_ms - governor.calm_since_ms < risk.deescalate_after_market_s * 1000:
        return governor
    relaxed = list(GovernorState)[governor.state.level - 1]
    reason = f"drawdown {governor.drawdown:.4f} calm below {bound}"
    return replace(governor, state=relaxed, calm_since_ms=market_ms, reason=reason)


def reset_peak(governor: Governor, actor: str) -> Governor:
    """An operator accepts the loss: the present equity becomes the high-water mark and the state NORMAL."""
    return replace(
        governor, state=GovernorState.NORMAL, high_water_mark=governor.equity, calm_since_ms=None,
        reason=f"peak reset by {actor} from {governor.high_water_mark}",
    )


def _bounds(risk: RiskSettings) -> dict[GovernorState, Decimal]:
    return {
        GovernorState.NORMAL: Decimal(0),
        GovernorState.SOFT_BRAKE: Decimal(str(risk.soft_brake_drawdown)),
        GovernorState.QUARANTINE: Decimal(str(risk.quarantine_drawdown)),
        GovernorState.HARD_STOP: Decimal(str(risk.hard_stop_drawdown)),
    }
