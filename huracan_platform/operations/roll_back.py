"""From the version in charge of a symbol back to the one before it: by rule, by a person's word, and in rehearsal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.clock import Clock
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.contracts.rollback import Rollback, RollbackKind
from huracan_platform.errors import PermanentError
from huracan_platform.judging.backtest.trades import net_pnl
from huracan_platform.judging.rollback_rule import RollbackEvidence, rollback_due
from huracan_platform.judging.shadow import Shadow
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings

TRADING_EFFECT = (
    "entries are decided by the version before it from the next bar on; open positions keep the barriers, the horizon and the "
    "native stop of the version that opened them, and no version is asked about them"
)


@dataclass(frozen=True)
class RollbackOutcome:
    """Whether a symbol was rolled back, and what was said of it."""

    done: bool
    reason: str


@dataclass(frozen=True)
class Rehearsal:
    """What the predecessor would have done in the newest 24 stored hours; nothing was changed.

    `asked` counts its decision bars, `answered` those on which no feature was missing.
    """

    model_id: str
    hours: int
    asked: int
    answered: int
    trades: int
    net: float

    @property
    def ready(self) -> bool:
        """Whether it answered at all."""
        return self.answered > 0


class RollbackDesk:
    """Rolls symbols of one venue back, for the gateway of the settings.

    Parameters
    ----------
    clock
        Asked for when a rollback is made, and not before: a venue's clock needs the venue.
    """

    def __init__(self, brain: Brain, registry: Registry, settings: Settings, clock: Callable[[], Clock]) -> None:
        self._rollbacks = RollbackRepository(brain)
        self._returns = ShadowReturnRepository(brain)
        self._drift = DriftRepository(brain)
        self._registry = registry
        self._settings = settings
        self._clock = clock

    def follow_rule(self, venue: str, symbol: str, wire_ms: int, *, by: str) -> RollbackOutcome:
        """Roll the symbol back if a rule asks for it, a predecessor may trade, and its cool-down is over."""
        pair = self._pair(venue, symbol, wire_ms)
        if pair is None:
            return RollbackOutcome(False, f"{symbol}: no version before the one in charge may trade")
        in_charge, before = pair
        drifted = self._drift.critical_columns(in_charge)
        evidence = RollbackEvidence(
            self._returns.of_model(in_charge), self._returns.of_model(before), drifted or (), self._drift.critical_columns(before)
        )
        due = rollback_due(evidence, self._settings.rollback)
        if due is None:
            return RollbackOutcome(False, f"{symbol}: {in_charge} stays in charge")
        rollback = Rollback(
            venue, symbol, self._gateway, in_charge, before, due.kind, due.reason, by, wire_ms, due.figures
        )
        return self._make(rollback, timedelta(hours=self._settings.rollback.cool_down_h))

    def follow_person(self, venue: str, symbol: str, to_version: str, wire_ms: int, *, by: str, reason: str) -> RollbackOutcome:
        """Roll the symbol back to a version that a person names, cool-down or not; one rolled back from before may be named too.

        Raises
        ------
        PermanentError
            No version is in charge, or the one named is it, is not registered or is another symbol's.
        """
        standing = self._registry.standing(venue, symbol, self._gateway, wire_ms)
        if not standing:
            raise PermanentError(f"rollback of {symbol}: expected a version in charge through {self._gateway}, got none")
        in_charge, card = standing[-1].model_id, self._registry.card(to_version)
        if (card.venue, card.symbol) != (venue, symbol) or to_version == in_charge:
            got = f"{to_version}, which is in charge" if to_version == in_charge else f"one of {card.symbol} at {card.venue}"
            raise PermanentError(f"rollback: expected another version of {symbol} at {venue}, got {got}")
        rollback = Rollback(venue, symbol, self._gateway, in_charge, to_version, RollbackKind.OPERATOR, reason, by, wire_ms)
        return self._make(rollback, None)

    def rehearse(self, shadow: Shadow, venue: str, symbol: str, wire_ms: int) -> Rehearsal:
        """Load the predecessor and let it decide the newest 24 stored hours. Changes nothing.

        Raises
        ------
        PermanentError
            There is no predecessor.
        DataContractError
            Its artefact is not what was registered, or the library holds no feature rows for it.
        """
        pair = self._pair(venue, symbol, wire_ms)
        if pair is None:
            raise PermanentError(f"rehearsal of {symbol}: expected a version before the one in charge that may trade, got none")
        followed = shadow.last_day(self._registry.card(pair[1]))
        played = followed.backtest
        answered = int(np.isfinite(followed.p_up).sum())
        net = math.fsum(net_pnl(played.trades).tolist())
        return Rehearsal(pair[1], len(played.hourly.hour_ms), len(followed.p_up), answered, len(played.trades), net)

    @property
    def _gateway(self) -> str:
        return self._settings.execution.gateway

    def _pair(self, venue: str, symbol: str, wire_ms: int) -> tuple[str, str] | None:
        """The version in charge and its predecessor; None where either is missing."""
        standing = self._registry.standing(venue, symbol, self._gateway, wire_ms)
        return (standing[-1].model_id, standing[-2].model_id) if len(standing) > 1 else None

    def _make(self, rollback: Rollback, cool_down: timedelta | None) -> RollbackOutcome:
        refused = self._rollbacks.roll_back(rollback, _incident(rollback), self._clock().market_ms(), cool_down)
        if refused is not None:
            return RollbackOutcome(False, f"not rolled back: {refused}")
        r = rollback
        return RollbackOutcome(True, f"{r.symbol}: {r.from_model} gave way to {r.to_model} ({r.kind}): {r.reason}")


def _incident(rollback: Rollback) -> Incident:
    r = rollback
    severity = IncidentSeverity.CRITICAL if r.kind is RollbackKind.LOSS_LIMIT else IncidentSeverity.WARNING
    return Incident(
        "rolled_back", severity, f"rollback|{r.gateway}|{r.from_model}|{r.at_ms}",
        f"{r.from_model} was rolled back to {r.to_model}", symbol=r.symbol, rule=r.kind.value, observed=r.reason,
        trading_effect=TRADING_EFFECT,
        action_taken=f"by {r.by}: {r.from_model} lost its authorisation, {r.to_model} has what was left of its own again",
    )
