"""Leave to trade: who may grant it for which gateway, and whether it holds at an instant."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.learning.authorisations import AuthorisationRepository
from huracan_platform.clock import DAY_MS, to_datetime
from huracan_platform.contracts.model import Authorisation, ModelCard, Stage
from huracan_platform.contracts.rollback import Activation
from huracan_platform.errors import PermanentError

# An operator may grant these to an unproven model: no real money. The others follow from the stage that gates lead to.
OPERATOR_GATEWAYS = ("shadow", "paper")
STAGE_GATEWAYS: dict[str, tuple[Stage, ...]] = {
    "testnet": (Stage.CANARY, Stage.CHAMPION), "canary": (Stage.CANARY, Stage.CHAMPION), "live": (Stage.CHAMPION,),
}
GATEWAYS = (*OPERATOR_GATEWAYS, *STAGE_GATEWAYS)


@dataclass(frozen=True)
class Grant:
    """What came of asking for an authorisation; None with the reason when the rules refuse it."""

    authorisation: Authorisation | None
    reason: str


@dataclass(frozen=True)
class Permission:
    """Whether a model may trade through a gateway at an instant, and why or why not."""

    valid: bool
    reason: str
    authorisation: Authorisation | None = None


class Authorisations:
    """Grants that always end, and may be withdrawn before; the newest of a model and gateway counts."""

    def __init__(self, repository: AuthorisationRepository, activations: ActivationRepository) -> None:
        self._repository = repository
        self._activations = activations

    def grant(
        self, card: ModelCard, gateway: str, days: int, now_ms: int, *, by: str, reason: str, unproven: bool,
        activation: Activation | None = None,
    ) -> Grant:
        """Let the model trade for `days` days from `now_ms` (wire, ms UTC) if its stage allows the gateway.

        Raises
        ------
        PermanentError
            Unknown gateway, or no positive number of days.
        """
        if gateway not in GATEWAYS:
            raise PermanentError(f"gateway: expected one of {', '.join(GATEWAYS)}, got {gateway!r}")
        if days < 1:
            raise PermanentError(f"authorisation of {card.model_id}: expected at least 1 day, got {days}")
        if refusal := _stage_refusal(card, gateway):
            return Grant(None, refusal)
        granted = Authorisation(card.model_id, gateway, by, reason, unproven, now_ms, now_ms + days * DAY_MS)
        if activation is None:
            self._repository.grant(granted)
        else:
            self._activations.grant(granted, activation)
        until = to_datetime(granted.expires_ms)
        return Grant(granted, f"{card.model_id} may trade through {gateway} until {until:%Y-%m-%d %H:%M} UTC{_mark(granted)}")

    def permission(self, card: ModelCard, gateway: str, at_ms: int) -> Permission:
        """What holds at `at_ms` (wire, ms UTC)."""
        if refusal := _stage_refusal(card, gateway):
            return Permission(False, refusal)
        newest = self._repository.newest(card.model_id, gateway)
        if newest is None:
            return Permission(False, f"{card.model_id} has no authorisation for {gateway}")
        if at_ms < newest.granted_ms:
            return Permission(False, f"{card.model_id} for {gateway}: begins {to_datetime(newest.granted_ms)}", newest)
        if newest.withdrawn_ms is not None and at_ms >= newest.withdrawn_ms:
            return Permission(False, f"{card.model_id} for {gateway}: withdrawn {to_datetime(newest.withdrawn_ms)}", newest)
        if at_ms >= newest.expires_ms:
            return Permission(False, f"{card.model_id} for {gateway}: expired {to_datetime(newest.expires_ms)}", newest)
        return Permission(True, f"granted by {newest.granted_by}{_mark(newest)}", newest)


def _stage_refusal(card: ModelCard, gateway: str) -> str | None:
    if card.stage is Stage.RETIRED:
        return f"{card.model_id} is retired"
    needed = STAGE_GATEWAYS.get(gateway)
    if needed and card.stage not in needed:
        return f"{card.model_id} is {card.stage}: gateway {gateway} needs stage {' or '.join(needed)}"
    return None


def _mark(authorisation: Authorisation) -> str:
    return " (unproven)" if authorisation.unproven else ""
