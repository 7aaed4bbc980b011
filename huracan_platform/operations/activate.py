"""Before an authorised version reaches the executor: it takes charge only if it is no worse than the one that has it."""

from __future__ import annotations

from collections.abc import Callable

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.rollback import Activation, ActivationVerdict
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import account_costs
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.judging.compare_versions import Comparison, compare_versions
from huracan_platform.judging.shadow import Shadow
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

# Candidate and incumbent to their comparison; raises DataContractError or PermanentError where they cannot be compared.
Compare = Callable[[ModelCard, ModelCard], Comparison]


def open_shadow(settings: Settings, brain: Brain, registry: Registry, store: FeatureStore, symbol: str) -> Shadow:
    """A shadow that pays what the account pays for the symbol; asks the venue for its fees."""
    fees = MarketData(settings).fees(symbol)
    costs = account_costs(settings.costs, maker_fee=fees.maker if fees else None, taker_fee=fees.taker if fees else None)
    return Shadow(brain, store, registry, costs, settings)


def comparing(settings: Settings, brain: Brain, registry: Registry) -> Compare:
    """Comparison by this installation's library and venue; neither is asked before two versions are compared."""
    def compare(candidate: ModelCard, incumbent: ModelCard) -> Comparison:
        store = FeatureStore(brain, str(settings.home / "artefacts"), funding_delay_ms=settings.quality.funding_delay_ms)
        shadow = open_shadow(settings, brain, registry, store, candidate.symbol)
        return compare_versions(brain, store, shadow, candidate, incumbent, settings)

    return compare


def judge_activation(
    registry: Registry, candidate: ModelCard, gateway: str, at_ms: int, compare: Compare, *, by: str, despite: str | None = None
) -> Activation:
    """Whether the version takes charge of its symbol at `at_ms` (wire, ms UTC).

    It does where no version is in charge, where it is itself, and where it earned no less a day than the one in charge on the
    days held out from both, after costs. One that cannot be compared does not. `despite` is a person's reason to put a refused
    one in charge all the same.
    """
    incumbent = _incumbent(registry, candidate, gateway, at_ms)

    def verdict(outcome: ActivationVerdict, reason: str, comparison: Comparison | None = None) -> Activation:
        figures = {} if comparison is None else comparison.figures()
        return Activation(candidate.model_id, incumbent, gateway, outcome, reason, by, at_ms, figures)

    if incumbent is None:
        return verdict(ActivationVerdict.ACTIVATED, f"no version was in charge of {candidate.symbol}")
    if incumbent == candidate.model_id:
        return verdict(ActivationVerdict.ACTIVATED, "it is in charge already")
    comparison = None
    try:
        comparison = compare(candidate, registry.card(incumbent))
        reason = f"against {incumbent}: {comparison.text}"
    except (DataContractError, PermanentError) as error:
        reason = f"cannot be compared with {incumbent}: {error}"
    if comparison is not None and not comparison.worse:
        return verdict(ActivationVerdict.ACTIVATED, reason, comparison)
    if despite is not None:
        return verdict(ActivationVerdict.OVERRIDDEN, f"{reason}; despite this: {despite}", comparison)
    return verdict(ActivationVerdict.REFUSED, reason, comparison)


def refusal_incident(activation: Activation, symbol: str) -> Incident:
    """That a version which somebody authorised was not put in charge."""
    return Incident(
        "activation_refused", IncidentSeverity.WARNING, f"activation|{activation.gateway}|{activation.model_id}",
        f"{activation.model_id} was not put in charge of {symbol}", symbol=symbol,
        rule="a version earns no less a day than the one in charge, on days held out from both, after costs",
        observed=activation.reason, trading_effect=f"none: {activation.incumbent_id} stays in charge",
        action_taken=f"nothing was handed to the executor ({to_datetime(activation.decided_ms):%Y-%m-%d %H:%M} UTC)",
    )


def _incumbent(registry: Registry, candidate: ModelCard, gateway: str, at_ms: int) -> str | None:
    standing = registry.standing(candidate.venue, candidate.symbol, gateway, at_ms)
    names = [grant.model_id for grant in standing]
    if standing and standing[-1].activation_id is None and candidate.model_id in names:
        names = names[: names.index(candidate.model_id)]  # nobody was activated yet: those who were granted before it
    return names[-1] if names else None
