"""The risk policy of each symbol in a session: what it observes of the account, and how its answer limits a decision.

Its answer enters the decision's own recorded inputs, so a replay needs no policy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.fills import FillRepository
from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.journal import SessionRecord
from huracan_platform.contracts.policy import RiskObservation, RiskPolicy
from huracan_platform.decision.risk.policy import under_policy
from huracan_platform.execution.journal import Observation
from huracan_platform.execution.order_engine import EngineSnapshot
from huracan_platform.execution.trades import round_trips
from huracan_platform.learning.policies.observation import MOST_HOURS, market_figures, observation
from huracan_platform.learning.policies.registry import PolicyRegistry
from huracan_platform.settings import Settings


class PolicyDesk:
    """Policies by symbol, as (id, policy); those of a session stay the same until it ends.

    Parameters
    ----------
    start_equity
        Equity when the session began, quote currency; the observation's equity ratio is against it.
    """

    def __init__(
        self, settings: Settings, policies: dict[str, tuple[str, RiskPolicy]], fills: FillRepository, start_equity: float
    ) -> None:
        self._settings = settings.risk_policy
        self._policies = policies
        self._fills = fills
        self._start_equity = start_equity
        self._leverage = dict.fromkeys(policies, settings.risk_policy.max_leverage)

    def limit(
        self, seen: Observation, now: EngineSnapshot, parameters: StrategyParameters, multiplier: float
    ) -> tuple[StrategyParameters, float]:
        """Parameters and multiplier of one decision bar under the symbol's policy; reads the account's fills.

        An observation with a figure that is no number takes no new risk.
        """
        symbol = seen.row.symbol
        name, policy = self._policies[symbol]
        observed = self.observe(seen, now)
        if not np.isfinite(observed.as_array()).all():
            return parameters, min(multiplier, 0.0)
        risk = policy.risk_parameters(observed)
        self._leverage[symbol] = risk.leverage
        limited, scaled = under_policy(parameters, multiplier, risk, self._settings.max_leverage)
        return replace(limited, risk_policy=name), scaled

    def observe(self, seen: Observation, now: EngineSnapshot) -> RiskObservation:
        """What the policy is told at this bar."""
        symbol, fills = seen.row.symbol, self._fills.all()
        returns = [float(trip.pnl) for trip in round_trips(fills) if trip.symbol == symbol]
        last_ms = max((fill.traded_ms for fill in fills if fill.symbol == symbol), default=None)
        hours = MOST_HOURS if last_ms is None else max(seen.close_ms - last_ms, 0) / HOUR_MS
        return observation(
            market_figures(seen.row.columns, seen.row.values.reshape(1, -1))[0], returns,
            equity_ratio=float(now.equity) / self._start_equity if self._start_equity > 0 else 0.0,
            drawdown=float(now.governor.drawdown), leverage=self._leverage[symbol],
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
    return PolicyDesk(settings, policies, FillRepository(brain, record.venue, record.account), start_equity)
