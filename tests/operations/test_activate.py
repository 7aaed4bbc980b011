"""Before a version takes charge: compared with the one that has it, on days that neither has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.learning.authorisations import AuthorisationRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.rollback import Activation, ActivationVerdict, RollbackKind
from huracan_platform.data.features.registry import feature_set
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.judging.compare_versions import Comparison, compare_versions
from huracan_platform.judging.shadow import Shadow
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.activate import judge_activation, refusal_incident
from huracan_platform.operations.roll_back import RollbackDesk
from tests.learning import library
from tests.learning.frames import COST, START_MS
from tests.learning.test_registry import SYMBOL, registered
from tests.operations.versions import commanded, names, put_in_charge
from tests.session.world import scripted_model

BETTER = Comparison((START_MS, START_MS + DAY_MS), np.array([0.01, 0.0]), np.array([0.0, 0.0]), (0.0, 0.01))
WORSE = replace(BETTER, candidate=np.array([-0.01, 0.0]), interval=(-0.01, 0.01))
NOT = "data set is gone"


def never(candidate: ModelCard, incumbent: ModelCard) -> Comparison:
    raise AssertionError(f"{candidate.model_id} and {incumbent.model_id} need no comparison")


def gone(candidate: ModelCard, incumbent: ModelCard) -> Comparison:
    raise DataContractError(NOT)


def judged(
    registry: Registry, card: ModelCard, clock: ManualClock, compare: Callable[[ModelCard, ModelCard], Comparison],
    despite: str | None = None,
) -> Activation:
    return judge_activation(registry, card, "paper", clock.wire_ms(), compare, by="test", despite=despite)


def test_a_version_takes_charge_where_none_has_it_or_it_has_it_itself(registry: Registry, clock: ManualClock) -> None:
    card = registered(registry, clock)
    first = judged(registry, card, clock, never)
    assert (first.verdict, first.incumbent_id) == (ActivationVerdict.ACTIVATED, None)
    put_in_charge(registry, card, clock)
    clock.advance(1_000)
    registry.authorise(card.model_id, "paper", 60, clock, by="test", reason="longer")
    assert names(registry, card, clock) == [card.model_id], "it stays in charge while nobody has looked at the new grant"
    again = judged(registry, card, clock, never)
    assert (again.verdict, again.incumbent_id) == (ActivationVerdict.ACTIVATED, card.model_id)


@pytest.mark.parametrize(
    ("compare", "despite", "verdict"),
    [
        (lambda *_: BETTER, None, ActivationVerdict.ACTIVATED),
        (lambda *_: replace(WORSE, candidate=WORSE.incumbent), None, ActivationVerdict.ACTIVATED),
        (lambda *_: WORSE, None, ActivationVerdict.REFUSED),
        (gone, None, ActivationVerdict.REFUSED),
        (lambda *_: WORSE, "new fees", ActivationVerdict.OVERRIDDEN),
        (gone, "new fees", ActivationVerdict.OVERRIDDEN),
    ],
)
def test_a_worse_or_incomparable_version_takes_charge_only_by_a_persons_word(
    registry: Registry, clock: ManualClock, compare: Callable[[ModelCard, ModelCard], Comparison], despite: str | None,
    verdict: ActivationVerdict,
) -> None:
    incumbent, candidate = registered(registry, clock), registered(registry, clock, seed=1)
    put_in_charge(registry, incumbent, clock)
    found = judged(registry, candidate, clock, compare, despite)
    assert (found.verdict, found.incumbent_id) == (verdict, incumbent.model_id)
    assert (despite is None) or found.reason.endswith("despite this: new fees")
    assert (compare is gone) == (NOT in found.reason)


def test_a_refused_grant_is_withdrawn_told_and_settled_once(brain: Brain, registry: Registry, clock: ManualClock) -> None:
    incumbent, candidate = registered(registry, clock), registered(registry, clock, seed=1)
    put_in_charge(registry, incumbent, clock)
    commanded(brain)
    registry.authorise(candidate.model_id, "paper", 30, clock, by="test", reason="new")
    clock.advance(1_000)
    assert names(registry, incumbent, clock) == [incumbent.model_id], "a grant that nobody compared waits"
    refused = judged(registry, candidate, clock, lambda *_: WORSE)
    *_, (number, model_id) = AuthorisationRepository(brain).since(0, "paper")
    assert model_id == candidate.model_id
    activations = ActivationRepository(brain)
    assert activations.settle(number, refused, refusal_incident(refused, SYMBOL))
    assert not activations.settle(number, replace(refused, verdict=ActivationVerdict.ACTIVATED))
    assert commanded(brain) == []
    assert "withdrawn" in registry.authorisation(candidate.model_id, "paper", clock.wire_ms()).reason
    assert names(registry, incumbent, clock) == [incumbent.model_id]
    assert activations.of_model(candidate.model_id) == [refused]
    row, = IncidentRepository(brain).open("activation|")
    assert row.incident.trading_effect == f"none: {incumbent.model_id} stays in charge"


def test_before_anyone_was_activated_the_incumbent_is_who_was_granted_before(registry: Registry, clock: ManualClock) -> None:
    first, second = registered(registry, clock), registered(registry, clock, seed=1)
    for card in (first, second):
        registry.authorise(card.model_id, "paper", 30, clock, by="test", reason="test")
        clock.advance(1_000)
    assert judged(registry, first, clock, never).incumbent_id is None
    assert judged(registry, second, clock, lambda *_: BETTER).incumbent_id == first.model_id


# From here on with a library of twelve days: what is compared and followed is traded on real rows.

SETTINGS = library.SETTINGS.model_copy(update={
    "training": library.SETTINGS.training.model_copy(update={"train_fraction": 0.4, "validation_fraction": 0.2}),
    "rollback": library.SETTINGS.rollback.model_copy(update={"min_days": 2}),
})
CHURNS, IDLES = {"log_return_5": 4_000.0}, dict[str, float]()  # in and out at nearly every decision; one half, always


@dataclass(frozen=True)
class Traders:
    """A library, and two scripted versions trained on its first eight days: one that overtrades, one that never trades."""

    world: library.World
    registry: Registry
    shadow: Shadow
    churner: ModelCard
    idler: ModelCard


@pytest.fixture(scope="module")
def traders(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> Traders:
    root = str(tmp_path_factory.mktemp("traders"))
    world = library.make_world(module_brain, root, SETTINGS)
    last = library.FIRST + timedelta(days=7)
    spec = DatasetSpec.of_days(library.VENUE, library.SYMBOL, library.FIRST, last, world.clock)
    frame = replace(world, spec=spec).frame()
    trained, registry = train_model(frame, "linear", SETTINGS), Registry(module_brain, root)
    manifest = build_manifest(trained, frame, spec, SETTINGS, Provenance("0.1.0", None, None, None, {}))
    features = feature_set("core", "short_history", settings=SETTINGS.features)
    churner, idler = (
        registry.register(scripted_model(features, weights), manifest, world.clock, by="test") for weights in (CHURNS, IDLES)
    )
    return Traders(world, registry, Shadow(module_brain, world.store, registry, COST, SETTINGS), churner, idler)


@pytest.mark.slow
def test_the_comparison_trades_both_over_the_days_held_out_from_both(traders: Traders) -> None:
    t = traders
    worse = compare_versions(t.world.brain, t.world.store, t.shadow, t.churner, t.idler, SETTINGS)
    assert worse.worse
    assert (len(worse.candidate), worse.incumbent.tolist()) == (len(worse.incumbent), [0.0] * len(worse.incumbent))
    assert worse.day_ms[1] == START_MS + 7 * DAY_MS
    assert worse.interval is not None
    assert worse.interval[0] <= worse.difference <= worse.interval[1] < 0.0
    better = compare_versions(t.world.brain, t.world.store, t.shadow, t.idler, t.churner, SETTINGS)
    assert better.difference == -worse.difference > 0.0
    strict = SETTINGS.model_copy(update={"rollback": SETTINGS.rollback.model_copy(update={"min_days": 5})})
    with pytest.raises(DataContractError, match="days held out from both: expected at least 5, got"):
        compare_versions(t.world.brain, t.world.store, t.shadow, t.churner, t.idler, strict)


@pytest.mark.slow
def test_shadow_returns_begin_after_the_data_set_and_stay_what_they_were_when_days_come_in(traders: Traders) -> None:
    found = traders.shadow.returns_since_training(traders.churner)
    assert found.ts_ms[0] == START_MS + 8 * DAY_MS
    assert found.ts_ms[-1] == START_MS + 12 * DAY_MS - 2 * HOUR_MS, "the newest hour waits for the next day"
    assert np.prod(1.0 + found.net) < 0.99, "costs, over and over"
    earlier = traders.shadow.follow(traders.churner, START_MS + 8 * DAY_MS, START_MS + 10 * DAY_MS).backtest.hourly
    assert earlier.returns[:-1].tolist() == found.net[: len(earlier.returns) - 1].tolist()
    assert not traders.shadow.returns_since_training(traders.idler).net.any()


@pytest.mark.slow
def test_a_planted_bad_version_is_found_in_shadow_rolled_back_once_and_rehearsed_before(traders: Traders) -> None:
    t, clock = traders, ManualClock(traders.world.clock.wire_ms(), traders.world.clock.market_ms())
    for card in (t.idler, t.churner):
        put_in_charge(t.registry, card, clock)
        clock.advance(1_000)
    brain, stored = t.world.brain, ShadowReturnRepository(t.world.brain)
    settings = SETTINGS.model_copy(update={"rollback": SETTINGS.rollback.model_copy(update={"max_drawdown": 0.9})})
    desk = RollbackDesk(brain, t.registry, settings, lambda: clock)
    rehearsal = desk.rehearse(t.shadow, library.VENUE, library.SYMBOL, clock.wire_ms())
    assert (rehearsal.model_id, rehearsal.asked, rehearsal.trades, rehearsal.ready) == (t.idler.model_id, 96, 0, True)
    assert commanded(brain) == [t.idler.model_id, t.churner.model_id], "nothing was changed"

    done = []
    for _ in range(3):
        for card in (t.idler, t.churner):
            stored.add(t.shadow.returns_since_training(card), clock.wire_ms())
        done.append(desk.follow_rule(library.VENUE, library.SYMBOL, clock.wire_ms(), by="rule").done)
        clock.advance(DAY_MS)
    assert done == [True, False, False]
    log, = RollbackRepository(brain).logs()
    assert (log.from_model, log.to_model, log.kind) == (t.churner.model_id, t.idler.model_id, RollbackKind.SEQUENTIAL)
    assert names(t.registry, t.idler, clock) == [t.idler.model_id]
    with pytest.raises(PermanentError, match="expected a version before the one in charge"):
        desk.rehearse(t.shadow, library.VENUE, library.SYMBOL, clock.wire_ms())
