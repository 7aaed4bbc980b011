from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.trials import Trial, TrialLog
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import DAY_MS, ManualClock, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.model import GateStatus, ModelCard, ModelMetric, Stage, Verdict
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.models.manifest import DatasetSpec, Recipe, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import TrainedModel, train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.learning.frames import START_MS, SYMBOL, synthetic_frame

VENUE = "sim2-s7"
WIRE, MARKET = START_MS + 400 * DAY_MS, START_MS + 20 * DAY_MS
FRAME = synthetic_frame(days=20, strength=0.8)
PROVENANCE = Provenance("0.1.0", "abc", False, None, {"python": "3.11"})
PIN = Pin(to_datetime(MARKET), to_datetime(WIRE))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(WIRE, MARKET)


@pytest.fixture
def registry(brain: Brain, tmp_path: Path) -> Registry:
    return Registry(brain, str(tmp_path / "artefacts"))


def trained(architecture: str = "linear", seed: int = 0) -> tuple[TrainedModel, dict[str, Any]]:
    frame = FRAME if seed == 0 else synthetic_frame(days=20, strength=0.8, seed=seed)
    model = train_model(frame, architecture, Settings())
    spec = DatasetSpec(VENUE, SYMBOL, START_MS, START_MS + 20 * DAY_MS, MARKET, WIRE)
    return model, build_manifest(model, frame, spec, Settings(), PROVENANCE)


def registered(registry: Registry, clock: ManualClock, *, seed: int = 0, **more: Any) -> ModelCard:
    model, manifest = trained(seed=seed)
    return registry.register(model.fitted, {**manifest, **more}, clock, by="test")


def judge(
    brain: Brain, model_id: str, passed: tuple[int, ...], *, at_ms: int = WIRE, other: GateStatus = GateStatus.FAIL
) -> None:
    VerdictRepository(brain).append([
        Verdict(model_id, gate, f"gate {gate}", GateStatus.PASS if gate in passed else other, (), 1, to_datetime(at_ms))
        for gate in range(1, 8)
    ])


def test_versions_count_per_symbol_and_architecture_and_the_id_tells_them(registry: Registry, clock: ManualClock) -> None:
    first, second = registered(registry, clock), registered(registry, clock, seed=1)
    model, manifest = trained("xgboost")
    trees = registry.register(model.fitted, manifest, clock, by="test")
    assert first.model_id == f"btc-linear-v1-{first.artefact_hash[:8]}"
    assert [c.version for c in (first, second, trees)] == [1, 2, 1]
    assert registry.cards(symbol=SYMBOL) == [first, second, trees]
    assert registry.cards(symbol="ETH/USDT:USDT") == []
    newest = registry.newest(VENUE, SYMBOL, "linear")
    assert newest == second == registry.card(second.model_id)


def test_the_same_model_registered_twice_is_one_version(registry: Registry, clock: ManualClock) -> None:
    first = registered(registry, clock)
    clock.advance(1000)
    assert registered(registry, clock) == first
    assert len(registry.cards()) == 1
    assert registry.verify_chain().length == 1


def test_a_registered_model_loads_and_its_metrics_are_stored(registry: Registry, clock: ManualClock) -> None:
    model, manifest = trained()
    card = registry.register(model.fitted, manifest, clock, by="test")
    assert registry.load(card.model_id).artefact_hash == card.artefact_hash
    stored = {(m.split, m.metric): m.value for m in registry.metrics(card.model_id)}
    assert stored["test", "auc"] == model.test.auc
    registry.record_metrics([ModelMetric(card.model_id, SYMBOL, "test", "auc", 0.5, WIRE, (0.4, 0.6))])
    assert ModelMetric(card.model_id, SYMBOL, "test", "auc", 0.5, WIRE, (0.4, 0.6)) in registry.metrics(card.model_id)


def test_a_swapped_artefact_is_refused(registry: Registry, clock: ManualClock) -> None:
    one, two = registered(registry, clock), registered(registry, clock, seed=1)
    folder = Path(registry.artefacts.root)
    target = folder / one.artefact_hash[:2] / one.artefact_hash / "linear.json"
    target.write_bytes((folder / two.artefact_hash[:2] / two.artefact_hash / "linear.json").read_bytes())
    with pytest.raises(DataContractError, match="SHA-256"):
        registry.load(one.model_id)


def test_the_manifest_says_how_to_make_the_model_again_and_hides_secrets(registry: Registry, clock: ManualClock) -> None:
    card = registered(registry, clock)
    recipe = Recipe.of(card.manifest)
    assert recipe.spec.pin == PIN
    assert (recipe.artefact_hash, recipe.dataset_hash) == (card.artefact_hash, FRAME.dataset_hash)
    assert recipe.labels == FRAME.labels
    assert recipe.cost == FRAME.cost
    assert card.manifest["settings"]["venue"]["api_secret"] == "**********"
    assert card.manifest["provenance"]["git_revision"] == "abc"
    with pytest.raises(PermanentError, match="expected the fields"):
        Recipe.of({"architecture": "linear"})


def test_a_data_set_of_days_is_pinned_to_both_clocks(clock: ManualClock) -> None:
    spec = DatasetSpec.of_days(VENUE, SYMBOL, date(2025, 1, 1), date(2025, 1, 20), clock)
    assert spec == DatasetSpec(VENUE, SYMBOL, START_MS, START_MS + 20 * DAY_MS, MARKET, WIRE)


def test_an_unproven_model_goes_to_shadow_and_no_further(registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    assert registry.promote(model_id, Stage.SHADOW, clock, by="op", reason="try").promoted
    refused = registry.promote(model_id, Stage.CANARY, clock, by="op", reason="hope")
    assert not refused.promoted
    assert "1 not judged" in refused.reason
    assert registry.card(model_id).stage is Stage.SHADOW


@pytest.mark.parametrize("other", [GateStatus.FAIL, GateStatus.INSUFFICIENT])
def test_one_gate_that_did_not_pass_keeps_a_model_from_canary(
    brain: Brain, registry: Registry, clock: ManualClock, other: GateStatus
) -> None:
    model_id = registered(registry, clock).model_id
    registry.promote(model_id, Stage.SHADOW, clock, by="op", reason="try")
    judge(brain, model_id, (1, 2, 3, 5, 6), other=other)
    refused = registry.promote(model_id, Stage.CANARY, clock, by="op", reason="hope")
    assert (refused.promoted, refused.reason.endswith(f"got 4 {other}")) == (False, True)


def test_the_newest_verdict_counts(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    registry.promote(model_id, Stage.SHADOW, clock, by="op", reason="try")
    judge(brain, model_id, (1, 2, 3, 4, 5, 6), at_ms=WIRE)
    judge(brain, model_id, (1, 2, 3, 4, 5), at_ms=WIRE + 1)
    assert not registry.promote(model_id, Stage.CANARY, clock, by="op", reason="late").promoted


def champion(brain: Brain, registry: Registry, clock: ManualClock, seed: int) -> str:
    model_id = registered(registry, clock, seed=seed).model_id
    judge(brain, model_id, (1, 2, 3, 4, 5, 6, 7))
    for stage in (Stage.SHADOW, Stage.CANARY, Stage.CHAMPION):
        clock.advance(1000, market_ms=60_000)
        assert registry.promote(model_id, stage, clock, by="op", reason="gates").promoted
    return model_id


def test_champion_needs_gate_seven_and_stages_cannot_be_skipped(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    judge(brain, model_id, (1, 2, 3, 4, 5, 6))
    skipping = registry.promote(model_id, Stage.CHAMPION, clock, by="op", reason="x")
    assert "expected shadow or retired, got champion" in skipping.reason
    registry.promote(model_id, Stage.SHADOW, clock, by="op", reason="x")
    assert registry.promote(model_id, Stage.CANARY, clock, by="op", reason="x").promoted
    assert "got 7 fail" in registry.promote(model_id, Stage.CHAMPION, clock, by="op", reason="x").reason


def test_in_production_answers_for_any_instant_on_both_clocks(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    start = clock.wire_ms()
    first = champion(brain, registry, clock, seed=1)     # canary at +2 s, champion at +3 s
    second = champion(brain, registry, clock, seed=2)    # canary at +5 s, champion at +6 s
    end = clock.wire_ms()
    registry.promote(second, Stage.RETIRED, clock, by="op", reason="bad")

    def answer(offset: int) -> tuple[str, Stage] | None:
        held = registry.in_production(VENUE, SYMBOL, start + offset)
        return None if held is None else (held.model_id, held.stage)

    assert answer(1_999) is None
    assert answer(2_000) == (first, Stage.CANARY)
    assert answer(5_999) == (first, Stage.CHAMPION)
    assert registry.card(first).stage is Stage.SHADOW, "kept to roll back to"
    assert answer(end - start - 1) == (first, Stage.CHAMPION)
    assert answer(end - start) is None, "retired in the same millisecond"
    at = registry.in_production(VENUE, SYMBOL, MARKET + 3 * 60_000, market=True)
    assert at is not None
    assert (at.model_id, at.since_ms) == (first, MARKET + 3 * 60_000)
    assert registry.in_production("elsewhere", SYMBOL, end) is None


def test_the_stage_chain_cannot_be_changed_and_shows_when_it_was(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    champion(brain, registry, clock, seed=1)
    assert registry.verify_chain().intact
    for statement in ("UPDATE model_stages SET reason = 'x'", "DELETE FROM model_stages", "TRUNCATE model_stages",
                      "UPDATE models SET manifest = '{}'", "DELETE FROM model_authorisations"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), brain.connect() as connection:
            connection.execute(statement)
    for number, statement in (
        (3, "UPDATE model_stages SET reason = 'because' WHERE change_id = 3"),
        (2, "DELETE FROM model_stages WHERE change_id = 2"),
    ):
        with brain.connect() as connection:  # what a superuser could do behind the trigger's back
            connection.execute("ALTER TABLE model_stages DISABLE TRIGGER append_only")
            connection.execute(statement)
            connection.execute("ALTER TABLE model_stages ENABLE TRIGGER append_only")
        check = registry.verify_chain()
        assert not check.intact
        assert check.broken_at in (number, number + 1)


def test_ancestors_and_descendants_answer_both_ways(registry: Registry, clock: ManualClock) -> None:
    root = registered(registry, clock).model_id
    child = registered(registry, clock, seed=1, parent=root).model_id
    grandchild = registered(registry, clock, seed=2, parent=child).model_id
    assert registry.ancestors(grandchild) == [child, root]
    assert registry.descendants(root) == [child, grandchild]
    assert registry.ancestors(root) == registry.descendants(grandchild) == []
    with pytest.raises(PermanentError, match="expected a registered id"):
        registry.ancestors("nobody")


def test_paper_is_granted_unproven_holds_and_expires(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    assert registry.authorisation(model_id, "paper", WIRE).reason == f"{model_id} has no authorisation for paper"
    grant = registry.authorise(model_id, "paper", 2, clock, by="op", reason="demo")
    assert grant.authorisation is not None
    assert grant.authorisation.unproven
    assert registry.authorisation(model_id, "paper", WIRE + 2 * DAY_MS - 1).valid
    late = registry.authorisation(model_id, "paper", WIRE + 2 * DAY_MS)
    assert (late.valid, "expired" in late.reason) == (False, True)
    assert not registry.authorisation(model_id, "paper", WIRE - 1).valid
    assert not registry.authorisation(model_id, "shadow", WIRE).valid
    judge(brain, model_id, (1, 2, 3, 4, 5, 6))
    proven = registry.authorise(model_id, "paper", 2, clock, by="op", reason="gates passed").authorisation
    assert proven is not None
    assert not proven.unproven


def test_real_gateways_follow_from_the_stage_and_not_from_an_operator(
    brain: Brain, registry: Registry, clock: ManualClock
) -> None:
    model_id = registered(registry, clock).model_id
    for gateway in ("testnet", "canary", "live"):
        refused = registry.authorise(model_id, gateway, 1, clock, by="op", reason="please")
        assert refused.authorisation is None
        assert "needs stage" in refused.reason
    top = champion(brain, registry, clock, seed=1)
    assert registry.authorise(top, "live", 1, clock, by="op", reason="gates").authorisation is not None
    assert registry.authorisation(top, "live", clock.wire_ms()).valid
    registry.promote(top, Stage.SHADOW, clock, by="op", reason="drift")
    assert not registry.authorisation(top, "live", clock.wire_ms()).valid, "an old grant does not outlive the stage"


def test_a_retired_or_unknown_model_may_not_trade(registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    registry.authorise(model_id, "paper", 5, clock, by="op", reason="demo")
    registry.promote(model_id, Stage.RETIRED, clock, by="op", reason="old")
    assert registry.authorisation(model_id, "paper", WIRE).reason.endswith("is retired")
    assert registry.authorise(model_id, "paper", 5, clock, by="op", reason="again").authorisation is None
    assert "not registered" in registry.authorisation("ghost", "paper", WIRE).reason


def test_an_authorisation_without_an_end_or_for_an_unknown_gateway_is_an_error(registry: Registry, clock: ManualClock) -> None:
    model_id = registered(registry, clock).model_id
    with pytest.raises(PermanentError, match="at least 1 day, got 0"):
        registry.authorise(model_id, "paper", 0, clock, by="op", reason="x")
    with pytest.raises(PermanentError, match="got 'casino'"):
        registry.authorise(model_id, "casino", 1, clock, by="op", reason="x")


def test_a_trial_counts_once_and_its_sharpe_can_come_later(brain: Brain) -> None:
    log = TrialLog(brain)
    trial = Trial(VENUE, SYMBOL, "linear", {"c": 0.1, "seed": 1}, "d" * 64)
    assert log.sharpe_variance() is None
    assert log.record(trial, WIRE)
    assert not log.record(replace(trial, configuration={"seed": 1, "c": 0.1}), WIRE + 1, daily_sharpe=0.10, days=200)
    assert not log.record(trial, WIRE + 2)
    assert log.record(replace(trial, dataset_hash="e" * 64), WIRE, daily_sharpe=0.14, days=200)
    assert log.record(replace(trial, symbol="ETH/USDT:USDT"), WIRE)
    assert log.count() == 3
    assert log.sharpe_variance() == pytest.approx(0.0008)
