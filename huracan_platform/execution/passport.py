"""The trade passport: from a fill back to everything that made it. What cannot be found is named as missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.decisions import DecisionRepository
from huracan_platform.brain.execution.sessions import SessionRepository
from huracan_platform.brain.execution.traces import FillTrace, TraceRepository
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.learning.authorisations import AuthorisationRepository
from huracan_platform.brain.learning.models import ModelRepository
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import MINUTE_MS, day_of, to_datetime
from huracan_platform.contracts.journal import DecisionRecord
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.passport import (
    AuthorisationPart,
    CheckPart,
    DatasetPart,
    DecisionPart,
    FeaturePart,
    LiveDataPart,
    ModelPart,
    Passport,
    VerdictPart,
)
from huracan_platform.contracts.quality import DayState
from huracan_platform.execution.live_library import FUNDING_LOOKBACK_MS

GATES = 7
OWN, OPENING = "the order's own decision", "the decision that opened the position this order closed"


class PassportOffice:
    """Issues passports from the Brain Library alone."""

    def __init__(self, brain: Brain) -> None:
        self._traces = TraceRepository(brain)
        self._decisions = DecisionRepository(brain)
        self._candles = CandleRepository(brain)
        self._funding = FundingRepository(brain)
        self._models = ModelRepository(brain)
        self._quality = QualityRepository(brain)
        self._verdicts = VerdictRepository(brain)
        self._grants = AuthorisationRepository(brain)
        self._sessions = SessionRepository(brain)

    def issue(self, fill_id: int) -> Passport:
        """The passport of one fill.

        Raises
        ------
        PermanentError
            There is no such fill.
        """
        missing: list[str] = []
        trace = self._traces.trace(fill_id)
        if trace.intent is None:
            missing.append("order: no order of ours made this trade")
        record, link = self._decision(trace, missing)
        card = self._card(record, missing)
        dataset = None if card is None else self._dataset(card)
        verdicts = () if card is None else self._gates(card.model_id, missing)
        authorisation = None if record is None or card is None else self._authorisation(record, missing)
        return Passport(
            fill=trace.fill, order=trace.intent,
            order_events=() if trace.intent is None else tuple(self._traces.order_events(trace.intent["intent_id"])),
            decision=None if record is None else self._decision_part(record, link),
            features=None if record is None else _feature_part(record),
            live_data=None if record is None else self._live_data(record),
            model=None if card is None else _model_part(card), dataset=dataset,
            checks=() if record is None else self._checks(record, dataset, missing), verdicts=verdicts,
            authorisation=authorisation, code=_code(record, card, missing), runs=self._runs(record, card, missing),
            missing=tuple(missing),
        )

    def _decision(self, trace: FillTrace, missing: list[str]) -> tuple[DecisionRecord | None, str]:
        for identifier, link in ((trace.decision_id, OWN), (trace.opened_by, OPENING)):
            if identifier is not None:
                return self._decisions.load(identifier), link
        missing.append("decision: none led to this fill")
        return None, ""

    def _decision_part(self, record: DecisionRecord, link: str) -> DecisionPart:
        inputs = record.inputs.as_dict()
        parameters = inputs.pop("parameters")
        came = self._decisions.outcomes(record.decision_id)
        outcomes = (f"{o.step}: {o.outcome} {o.code or ''} {o.detail}".strip() for o in came)
        return DecisionPart(
            record.decision_id, link, record.session_id, to_datetime(record.inputs.ts_ms), to_datetime(record.decided_ms),
            record.decision.action.name, record.decision.reason.name, inputs,
            {k: v for k, v in asdict(record.decision).items() if k not in ("action", "reason")}, parameters, tuple(outcomes),
        )

    def _live_data(self, record: DecisionRecord) -> LiveDataPart:
        symbol, start, end = record.inputs.symbol, record.source.state_from_ms, record.inputs.ts_ms + MINUTE_MS
        assert record.pin.as_of is not None  # the journal refuses a pin with an open bound
        assert record.pin.recorded_before is not None
        return LiveDataPart(
            record.pin.as_of, record.pin.recorded_before, (end - start) // MINUTE_MS,
            self._candles.content_hash(record.venue, symbol, start, end, record.pin),
            self._funding.content_hash(record.venue, symbol, start - FUNDING_LOOKBACK_MS, end, record.pin),
        )

    def _card(self, record: DecisionRecord | None, missing: list[str]) -> ModelCard | None:
        model_id = record.model_id if record else None
        card = self._models.get(model_id) if model_id else None
        if card is None:
            missing.append(f"model: {'none was in charge' if model_id is None else f'{model_id} is not registered'}")
        return card

    def _dataset(self, card: ModelCard) -> DatasetPart:
        told = card.manifest["dataset"]
        spec = told["spec"]
        first, last = day_of(spec["start_ms"]), day_of(spec["end_ms"] - 1)
        days = self._quality.days(card.venue, "candles", [card.symbol], first, last)
        return DatasetPart(
            told["id"], told["hash"], str(first), str(last), to_datetime(spec["as_of_ms"]),
            to_datetime(spec["recorded_before_ms"]), told["rows"], tuple(told["feature_day_hashes"]),
            {str(d.day): d.content_hash for d in days},
        )

    def _checks(self, record: DecisionRecord, dataset: DatasetPart | None, missing: list[str]) -> tuple[CheckPart, ...]:
        live = day_of(record.inputs.ts_ms)
        first = live if dataset is None else date.fromisoformat(dataset.first_day)
        parts = []
        for name in ("candles", "funding"):
            days = self._quality.days(record.venue, name, [record.inputs.symbol], first, live)
            if not days:
                missing.append(f"checks: no day of {name} from {first} to {live} was checked")
                continue
            bad = {str(d.day): f"{d.state.value}: {', '.join(d.reasons)}" for d in days if d.state is not DayState.GOOD}
            parts.append(CheckPart(name, dict(Counter(d.state.value for d in days)), bad))
        return tuple(parts)

    def _gates(self, model_id: str, missing: list[str]) -> tuple[VerdictPart, ...]:
        verdicts = self._verdicts.latest(model_id)
        judged = {v.gate for v in verdicts}
        missing += [f"verdict: gate {gate} never judged {model_id}" for gate in range(1, GATES + 1) if gate not in judged]
        return tuple(VerdictPart(v.gate, v.name, v.status.value, v.reason) for v in verdicts)

    def _authorisation(self, record: DecisionRecord, missing: list[str]) -> AuthorisationPart | None:
        assert record.model_id is not None  # its card was found
        grants = [
            g for g in self._grants.of_model(record.model_id)
            if g.gateway == record.gateway and g.holds_at(record.decided_ms)
        ]
        if not grants:
            missing.append(f"authorisation: none of {record.model_id} for {record.gateway} at {to_datetime(record.decided_ms)}")
            return None
        g = grants[0]
        granted, expires = to_datetime(g.granted_ms), to_datetime(g.expires_ms)
        return AuthorisationPart(g.gateway, g.granted_by, g.reason, g.unproven, granted, expires)

    def _runs(self, record: DecisionRecord | None, card: ModelCard | None, missing: list[str]) -> dict[str, str]:
        session = None if record is None else self._sessions.run_id(record.session_id)
        training = None if card is None else card.manifest.get("run_id")
        known = {"session": session, "training": training}
        missing += [f"run: no Dagster run is known for the {name}" for name, run in known.items() if run is None]
        return {name: str(run) for name, run in known.items() if run is not None}


def _feature_part(record: DecisionRecord) -> FeaturePart:
    row, source = record.features, record.source
    return FeaturePart(
        source.feature_set, source.profile, row.set_hash, row.row_hash, to_datetime(source.state_from_ms), source.checkpoint_hash,
        dict(zip(row.columns, row.values.tolist(), strict=True)),
    )


def _model_part(card: ModelCard) -> ModelPart:
    told = card.manifest
    return ModelPart(
        card.model_id, card.architecture, card.version, card.stage.value, card.artefact_hash, to_datetime(card.created_ms),
        told["hyperparameters"], told["seeds"], told["metrics"],
    )


def _code(record: DecisionRecord | None, card: ModelCard | None, missing: list[str]) -> dict[str, str]:
    known: dict[str, str | None] = {"session": record.code_revision if record else None}
    provenance = card.manifest["provenance"] if card else {}
    revision = provenance.get("git_revision")
    known["training"] = revision and revision + ("+dirty" if provenance.get("git_dirty") else "")
    missing += [f"code: no revision is known for the {name}" for name, value in known.items() if value is None]
    return {name: value for name, value in known.items() if value is not None}
