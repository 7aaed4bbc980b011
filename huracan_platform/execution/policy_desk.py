"""The risk policy of each symbol in a session: what it observes of the account, and how its answer limits a decision.

Its answer enters the decision's own recorded inputs, so a replay needs no policy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.journal import SessionRecord
from huracan_platform.contracts.policy import RiskObservation, RiskParameters, RiskPolicy
from huracan_platform.decision.risk.policy import under_policy
from huracan_platform.errors import PermanentError
from huracan_platform.execution.journal import Observation
from huracan_platform.execution.order_engine import EngineSnapshot
from huracan_platform.execution.trades import round_trips
from huracan_platform.learning.policies.observation import MOST_HOURS, market_figures, observation
from huracan_platform.learning.policies.registry import PolicyRegistry
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class _Answer:
    """What a policy set for a symbol, and at which bar's close, market ms UTC."""

    policy_id: str
    asked_ms: int
    risk: RiskParameters


class PolicyDesk:
    """Policies by symbol, as (id, policy), and the answer of each that is in force.

    Parameters
    ----------
    registry, venue
        Where a policy that is handed over while the session runs comes from.
    start_equity
        Equity when the session began, quote currency; the observation's equity ratio is against it.
    """

    def __init__(
        self, settings: Settings, policies: dict[str, tuple[str, RiskPolicy]], fills: FillRepository, registry: PolicyRegistry,
        venue: str, start_equity: float,
    ) -> None:
        self._settings = settings.risk_policy
        self._policies = policies
        self._fills = fills
        self._registry = registry
        self._venue = venue
        self._start_equity = start_equity
        self._in_force: dict[str, _Answer] = {}

    def appoint(self, policy_id: str) -> str:
        """A policy was judged: let its symbol's risk be set by what the symbol may use now, from the next decision bar on.

        That is the approved policy, or the rules where the approval was taken back. The leverage in force carries over. A
        swap is one assignment between two bars. Named again, the one in use stays.

        Raises
        ------
        PermanentError
            There is no such policy, or it is of another venue or symbol.
        DataContractError
            Its artefact is damaged.
        """
        card = self._registry.card(policy_id)
        if card.venue != self._venue or card.symbol not in self._policies:
            expected = f"one for {', '.join(self._policies)} at {self._venue}"
            raise PermanentError(f"policy: expected {expected}, got {policy_id} for {card.symbol} at {card.venue}")
        self._policies[card.symbol] = self._registry.policy_for(card.venue, card.symbol, self._settings)
        return self._policies[card.symbol][0]

    def limit(
        self, seen: Observation, now: EngineSnapshot, parameters: StrategyParameters, multiplier: float
    ) -> tuple[StrategyParameters, float]:
        """Parameters and multiplier of one decision bar under the symbol's policy; reads the account's fills.

        An answer holds for `adjust_every_s` of market time. An observation with a figure that is no number takes no new risk.
        """
        name, risk = self._answer(seen, now)
        if risk is None:
            return parameters, min(multiplier, 0.0)
        limited, scaled = under_policy(parameters, multiplier, risk, self._settings.max_leverage)
        named = replace(
            limited, risk_policy=name, risk_leverage=risk.leverage, risk_size_multiplier=risk.size_multiplier,
            risk_stop_loss=risk.stop_loss,
        )
        return named, scaled

    def _answer(self, seen: Observation, now: EngineSnapshot) -> tuple[str, RiskParameters | None]:
        """The policy's id, and what it set; None where it cannot be asked."""
        symbol = seen.row.symbol
        name, policy = self._policies[symbol]
        held = self._in_force.get(symbol)
        if held is not None and held.policy_id == name and seen.close_ms - held.asked_ms < self._settings.adjust_every_s * 1000:
            return name, held.risk
        observed = self.observe(seen, now)
        if not np.isfinite(observed.as_array()).all():
            return name, None
        risk = policy.risk_parameters(observed)
        self._in_force[symbol] = _Answer(name, seen.close_ms, risk)
        return name, risk

    def observe(self, seen: Observation, now: EngineSnapshot) -> RiskObservation:
        """What the policy is told at this bar."""
        symbol, fills = seen.row.symbol, self._fills.all()
        held = self._in_force.get(symbol)
        returns = [float(trip.pnl) for trip in round_trips(fills) if trip.symbol == symbol]
        last_ms = max((fill.traded_ms for fill in fills if fill.symbol == symbol), default=None)
        hours = MOST_HOURS if last_ms is None else max(seen.close_ms - last_ms, 0) / HOUR_MS
        return observation(
            market_figures(seen.row.columns, seen.row.values.reshape(1, -1))[0], returns,
            equity_ratio=float(now.equity) / self._start_equity if self._start_equity > 0 else 0.0,
            drawdown=float(now.governor.drawdown), leverage=held.risk.leverage if held else self._settings.max_leverage,
            is_open=any(p.symbol == symbol and p.quantity != 0 for p in now.positions), hours_since_trade=hours,
        )


def open_policy_desk(
    settings: Settings, brain: Brain, record: SessionRecord, symbols: Collection[str], start_equity: float
) -> PolicyDesk | None:
    """The desk with each symbol's approved policy, or the rules where there is none; None while policies are off.

    Raises
    ------
    PermanentError, DataContractError
        The artefact of an approved policy is missing or damaged.
    """
    if not settings.risk_policy.enabled:
        return None
    registry = PolicyRegistry(brain, str(settings.home / "artefacts"))
    policies = {symbol: registry.policy_for(record.venue, symbol, settings.risk_policy) for symbol in symbols}
    fills = FillRepository(brain, record.venue, record.account)
    return PolicyDesk(settings, policies, fills, registry, record.venue, start_equity)
