"""Which model versions there are, where each stands, and what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.learning.authorisations import AuthorisationRepository
from huracan_platform.brain.learning.models import ModelRepository, insert_model, next_version
from huracan_platform.brain.learning.stages import ChainCheck, StageRepository
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.model import Authorisation, ModelCard, ModelMetric, Stage, StageChange
from huracan_platform.contracts.rollback import Activation
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.learning.authorisation import Authorisations, Grant, Permission
from huracan_platform.learning.models.artefact import ArtefactStore
from huracan_platform.learning.models.manifest import HASH_IN_NAME, base_of
from huracan_platform.learning.models.train import FittedModel
from huracan_platform.learning.stages import PROVEN, REPLACED, gates_missing, refusal


@dataclass(frozen=True)
class Promotion:
    """Whether a model moved; `reason` says what happened or which rule or gate refused."""

    promoted: bool
    reason: str


@dataclass(frozen=True)
class InProduction:
    """The version that traded: the champion, or where there was none the canary, and since when (ms UTC, the clock asked for)."""

    model_id: str
    stage: Stage
    since_ms: int


class Registry:
    """Model versions of all symbols; artefacts under `<artefact_root>/models`, a path or any fsspec URL."""

    def __init__(self, brain: Brain, artefact_root: str) -> None:
        self.artefacts = ArtefactStore(f"{artefact_root.rstrip('/')}/models")
        self._models = ModelRepository(brain)
        self._stages = StageRepository(brain)
        self._authorisations = Authorisations(AuthorisationRepository(brain), ActivationRepository(brain))
        self._verdicts = VerdictRepository(brain)

    def register(self, fitted: FittedModel, manifest: dict[str, Any], clock: Clock, *, by: str) -> ModelCard:
        """Store the artefact and enter the model as the next candidate of its symbol and architecture.

        The same artefact from the same data is the same version: registered twice, the first card comes back.
        """
        spec, dataset_hash = manifest["dataset"]["spec"], manifest["dataset"]["hash"]
        artefact_hash = self.artefacts.save(fitted)
        reach(Failpoint.AFTER_ARTEFACT_STORED)
        venue, symbol = spec["venue"], spec["symbol"]
        with self._stages.writing() as writer:
            known = self._models.twin(venue, symbol, fitted.architecture, artefact_hash, dataset_hash)
            if known is not None:
                self._models.record_metrics(_metrics_of(known))  # a crash may have come between the two
                return known
            version = next_version(writer.connection, symbol, fitted.architecture)
            model_id = f"{base_of(symbol)}-{fitted.architecture}-v{version}-{artefact_hash[:HASH_IN_NAME]}"
            now = clock.wire_ms()
            card = ModelCard(
                model_id, venue, symbol, fitted.architecture, version, artefact_hash, dataset_hash, manifest["parent"], now,
                {**manifest, "model_id": model_id, "version": version, "created_at": to_datetime(now).isoformat()},
                Stage.CANDIDATE,
            )
            insert_model(writer.connection, card)
            writer.append(
                model_id, Stage.CANDIDATE, by=by, reason="registered", gates={}, wire_ms=now, market_ms=clock.market_ms()
            )
        reach(Failpoint.AFTER_MODEL_ENTERED)
        self._models.record_metrics(_metrics_of(card))
        return card

    def card(self, model_id: str) -> ModelCard:
        """The version of that id.

        Raises
        ------
        PermanentError
            There is none.
        """
        card = self._models.get(model_id)
        if card is None:
            raise PermanentError(f"model: expected a registered id (see `huracan models`), got {model_id!r}")
        return card

    def cards(self, *, venue: str | None = None, symbol: str | None = None) -> list[ModelCard]:
        """All versions by symbol, architecture and version; None does not narrow."""
        return self._models.all(venue=venue, symbol=symbol)

    def newest(self, venue: str, symbol: str, architecture: str) -> ModelCard | None:
        """The newest version that is not retired; None when there is none."""
        cards = self.cards(venue=venue, symbol=symbol)
        alive = [c for c in cards if c.architecture == architecture and c.stage is not Stage.RETIRED]
        return alive[-1] if alive else None

    def standing(self, venue: str, symbol: str, gateway: str, at_ms: int) -> list[Authorisation]:
        """Grants of the versions that may have charge of the symbol at `at_ms` (wire): the last one has it, the one before
        is its predecessor.

        In the order in which they took charge. A valid grant that nobody has compared with the version in charge waits,
        unless none was ever put in charge: then they stand in the order of their grants.
        """
        asked = [self._authorisations.permission(c, gateway, at_ms) for c in self.cards(venue=venue, symbol=symbol)]
        grants = [p.authorisation for p in asked if p.valid and p.authorisation is not None]
        activated = [g for g in grants if g.activation_id is not None]
        return sorted(activated, key=lambda g: g.activation_id or 0) or sorted(grants, key=lambda g: g.granted_ms)

    def in_use(self, venue: str, symbol: str, gateway: str, at_ms: int) -> list[ModelCard]:
        """Versions of the symbol that may trade through the gateway at `at_ms` (wire), and the newest of each architecture."""
        alive = [c for c in self.cards(venue=venue, symbol=symbol) if c.stage is not Stage.RETIRED]
        newest = {c.architecture: c.model_id for c in alive}
        return [
            c for c in alive
            if c.model_id == newest[c.architecture] or self._authorisations.permission(c, gateway, at_ms).valid
        ]

    def load(self, model_id: str, *, threads: int = 1) -> FittedModel:
        """The model itself, its hash checked before anything is parsed.

        Raises
        ------
        PermanentError
            Unknown id or missing artefact.
        DataContractError
            The artefact is not what was registered.
        """
        card = self.card(model_id)
        fitted = self.artefacts.load(card.artefact_hash, threads=threads)
        if fitted.architecture != card.architecture:
            raise DataContractError(f"model {model_id}: expected architecture {card.architecture}, got {fitted.architecture}")
        return fitted

    def promote(self, model_id: str, to: Stage, clock: Clock, *, by: str, reason: str) -> Promotion:
        """Move a model to another stage if the rules and the newest verdict of each gate allow it.

        A new champion or canary sends the one before it back to shadow, in the same transaction.
        """
        card, verdicts = self.card(model_id), self._verdicts.latest(model_id)
        wire_ms, market_ms = clock.wire_ms(), clock.market_ms()
        with self._stages.writing() as writer:
            stage = writer.stage_of(model_id)
            if refused := refusal(model_id, stage, to, verdicts):
                return Promotion(False, refused)
            for holder in writer.holders(card.venue, card.symbol, to) if to in REPLACED else ():
                writer.append(
                    holder, REPLACED[to], by=by, reason=f"replaced by {model_id}", gates={}, wire_ms=wire_ms, market_ms=market_ms
                )
            gates = {str(v.gate): v.status.value for v in verdicts}
            writer.append(model_id, to, by=by, reason=reason, gates=gates, wire_ms=wire_ms, market_ms=market_ms)
        return Promotion(True, f"{model_id}: {stage} to {to}")

    def history(self, model_id: str) -> list[StageChange]:
        """Stage changes of one model in order."""
        return self._stages.of_model(model_id)

    def verify_chain(self) -> ChainCheck:
        """Hash the chain of all stage changes again."""
        return self._stages.verify()

    def in_production(self, venue: str, symbol: str, at_ms: int, *, market: bool = False) -> InProduction | None:
        """Which version traded at `at_ms` (ms UTC; wire time, or market time if `market`); None when none did."""
        standing: dict[str, InProduction] = {}
        for change in self._stages.of_symbol(venue, symbol):
            changed_ms = change.market_ms if market else change.wire_ms
            if changed_ms <= at_ms:
                standing[change.model_id] = InProduction(change.model_id, change.to_stage, changed_ms)
        for stage in (Stage.CHAMPION, Stage.CANARY):
            for held in standing.values():
                if held.stage is stage:
                    return held
        return None

    def ancestors(self, model_id: str) -> list[str]:
        """Parent, its parent and so on, nearest first."""
        return self._models.ancestors(self.card(model_id).model_id)

    def descendants(self, model_id: str) -> list[str]:
        """Everything trained from this version, oldest first."""
        return self._models.descendants(self.card(model_id).model_id)

    def metrics(self, model_id: str) -> list[ModelMetric]:
        """Metrics of one version, by part and name."""
        return self._models.metrics(model_id)

    def record_metrics(self, metrics: list[ModelMetric]) -> None:
        """Add metrics that were measured after training, or replace their values."""
        self._models.record_metrics(metrics)

    def authorise(
        self, model_id: str, gateway: str, days: int, clock: Clock, *, by: str, reason: str, activation: Activation | None = None
    ) -> Grant:
        """Let a model trade through a gateway for `days` days of wire time, marked unproven unless gates 1 to 6 passed.

        Shadow and paper are an operator's to grant; the other gateways need the stage that only gates lead to. With an
        `activation` that was decided already, the executor is told in the same transaction; None leaves that to be decided.

        Raises
        ------
        PermanentError
            Unknown model or gateway, or no positive number of days.
        """
        unproven = bool(gates_missing(self._verdicts.latest(model_id), PROVEN))
        return self._authorisations.grant(
            self.card(model_id), gateway, days, clock.wire_ms(), by=by, reason=reason, unproven=unproven, activation=activation
        )

    def authorisation(self, model_id: str, gateway: str, at_ms: int) -> Permission:
        """May this model trade through this gateway at `at_ms` (wire, ms UTC)? An unknown model may not."""
        card = self._models.get(model_id)
        if card is None:
            return Permission(False, f"model {model_id!r} is not registered")
        return self._authorisations.permission(card, gateway, at_ms)


def _metrics_of(card: ModelCard) -> list[ModelMetric]:
    return [
        ModelMetric(card.model_id, card.symbol, part, name, float(value), card.created_ms)
        for part, scores in card.manifest["metrics"].items() for name, value in scores.items() if value is not None
    ]
