"""Rolling back on a real library: all of it or nothing, once, and at once where a person says so."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, ManualClock
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.incident import IncidentSeverity
from huracan_platform.contracts.model import ModelCard, Stage
from huracan_platform.contracts.rollback import RollbackKind
from huracan_platform.errors import PermanentError
from huracan_platform.execution.scoring import ModelDesk
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.roll_back import RollbackDesk
from tests.learning.test_registry import FRAME, MARKET, SYMBOL, VENUE, WIRE, judge, registered
from tests.operations.versions import add_returns, commanded, follow, names, put_in_charge, stand, state

WORSE = np.full(200, -2e-4)  # 4 % lost in 200 hours: under the loss limit, and plain to see beside nothing lost


def test_a_version_that_earns_less_gives_way_with_all_that_belongs_to_it(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    old, new = pair
    until = registry.authorisation(old.model_id, "paper", clock.wire_ms()).authorisation
    add_returns(brain, old.model_id, np.zeros(200))
    add_returns(brain, new.model_id, WORSE)
    assert names(registry, old, clock) == [old.model_id, new.model_id]

    assert follow(desk, clock)
    assert names(registry, old, clock) == [old.model_id]
    lost = registry.authorisation(new.model_id, "paper", clock.wire_ms())
    assert (lost.valid, "withdrawn" in lost.reason) == (False, True)
    assert registry.authorisation(new.model_id, "paper", clock.wire_ms() - 1).authorisation is not None
    back = registry.authorisation(old.model_id, "paper", clock.wire_ms())
    assert back.valid
    assert back.authorisation is not None
    assert until is not None
    assert (back.authorisation.expires_ms, back.authorisation.granted_by) == (until.expires_ms, "rollback")
    assert commanded(brain) == [old.model_id]
    log, = RollbackRepository(brain).logs(symbol=SYMBOL)
    assert (log.from_model, log.to_model, log.kind, log.by) == (new.model_id, old.model_id, RollbackKind.SEQUENTIAL, "rule")
    assert log.figures["hours"] == 200
    assert log.figures["e_value"] >= 20.0
    row, = IncidentRepository(brain).open("rollback|")
    assert row.incident.severity is IncidentSeverity.WARNING
    assert "open positions keep the barriers" in row.incident.trading_effect

    before = state(brain)
    assert not follow(desk, clock), "nobody is left to go back to"
    assert state(brain) == before


def test_after_a_rollback_a_session_appoints_the_version_before_and_refuses_the_other(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    old, new = pair
    models = ModelDesk(registry, clock, gateway="paper", columns=FRAME.columns, set_hash=FRAME.set_hash)
    assert models.appoint_standing(VENUE, SYMBOL) == new.model_id
    add_returns(brain, new.model_id, np.array([0.0, -0.06]))
    assert follow(desk, clock)
    assert models.authorised_until(new.model_id) is None, "its entries are denied before the command arrives"
    assert models.appoint_standing(VENUE, SYMBOL) == old.model_id
    with pytest.raises(PermanentError, match="withdrawn"):
        models.appoint(new.model_id)
    unjudged = registered(registry, clock, seed=7)
    registry.authorise(unjudged.model_id, "paper", 1, clock, by="test", reason="not compared")
    with pytest.raises(PermanentError, match="expected one that was activated"):
        models.appoint(unjudged.model_id)
    assert models.appoint_standing(VENUE, SYMBOL) == old.model_id


def test_a_loss_beyond_the_limit_is_critical_and_needs_no_test(
    brain: Brain, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    add_returns(brain, pair[1].model_id, np.array([0.0, -0.06]))
    assert follow(desk, clock)
    row, = IncidentRepository(brain).open("rollback|")
    assert (row.incident.severity, row.incident.rule) == (IncidentSeverity.CRITICAL, "loss_limit")


def test_critical_drift_of_the_version_in_charge_alone_rolls_back(
    brain: Brain, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    old, new = pair

    def measure(model_id: str, level: DriftLevel, at_ms: int) -> None:
        column = ColumnDrift("atr_14", 0.5, 0.2, 0.3, 0.0, 2_000, 700.0, level)
        DriftRepository(brain).save(model_id, [column], MARKET, MARKET, at_ms)

    measure(new.model_id, DriftLevel.CRITICAL, WIRE)
    assert not follow(desk, clock), "the one before was not measured"
    measure(old.model_id, DriftLevel.CRITICAL, WIRE)
    assert not follow(desk, clock), "the market moved away from both"
    measure(old.model_id, DriftLevel.WARNING, WIRE + 1)
    assert follow(desk, clock)
    assert RollbackRepository(brain).logs()[0].kind is RollbackKind.DRIFT


def test_an_oscillating_metric_rolls_back_once_per_cool_down(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock
) -> None:
    """Five versions, of which the one in charge always seems to have crashed: every hour calls for a rollback."""
    cards = stand(brain, registry, clock, 5)
    done = []
    for hour in range(72):
        in_charge = names(registry, cards[0], clock)[-1]
        add_returns(brain, in_charge, np.array([-0.06]), hour)
        if follow(desk, clock):
            done.append(hour)
        clock.advance(HOUR_MS)
    assert done == [0, 24, 48]
    assert names(registry, cards[0], clock) == [cards[0].model_id, cards[1].model_id]


def test_a_persons_word_does_not_wait_and_may_name_a_version_that_gave_way_before(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    old, new = pair
    add_returns(brain, new.model_id, np.array([0.0, -0.06]))
    assert follow(desk, clock)
    clock.advance(1_000)
    again = desk.follow_person(VENUE, SYMBOL, new.model_id, clock.wire_ms(), by="ada", reason="the feed was wrong")
    assert again.done
    assert names(registry, old, clock) == [new.model_id]
    assert commanded(brain)[-1] == new.model_id
    log = RollbackRepository(brain).logs()[0]
    assert (log.kind, log.by, log.reason) == (RollbackKind.OPERATOR, "ada", "the feed was wrong")
    assert IncidentRepository(brain).open("rollback|")[-1].incident.severity is IncidentSeverity.WARNING


def test_a_person_cannot_go_back_to_what_is_in_charge_retired_ended_or_of_another_symbol(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    old, new = pair

    def word(to_version: str, symbol: str = SYMBOL) -> str:
        return desk.follow_person(VENUE, symbol, to_version, clock.wire_ms(), by="ada", reason="x").reason

    with pytest.raises(PermanentError, match="which is in charge"):
        word(new.model_id)
    with pytest.raises(PermanentError, match="expected a version in charge through paper, got none"):
        word(old.model_id, "ETH/USDT:USDT")
    never = registered(registry, clock, seed=9)
    before = state(brain)
    assert word(never.model_id) == f"not rolled back: {never.model_id} has no time left of an authorisation for paper"
    assert state(brain) == before
    registry.promote(old.model_id, Stage.RETIRED, clock, by="op", reason="old")
    assert "is retired" in word(old.model_id)
    put_in_charge(registry, new, clock, days=60)
    clock.advance(31 * DAY_MS)
    assert "no time left" in word(old.model_id)


def test_a_champion_goes_to_shadow_and_the_one_before_is_champion_again(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    for card in pair:
        judge(brain, card.model_id, (1, 2, 3, 4, 5, 6, 7))
        for stage in (Stage.SHADOW, Stage.CANARY, Stage.CHAMPION):
            assert registry.promote(card.model_id, stage, clock, by="op", reason="gates").promoted
    old, new = (card.model_id for card in pair)
    assert [registry.card(m).stage for m in (old, new)] == [Stage.SHADOW, Stage.CHAMPION]
    add_returns(brain, new, np.array([0.0, -0.06]))
    assert follow(desk, clock)
    assert [registry.card(m).stage for m in (old, new)] == [Stage.CHAMPION, Stage.SHADOW]
    assert registry.history(old)[-1].gates == dict.fromkeys("1234567", "pass")
    assert registry.verify_chain().intact


def test_journals_of_rollbacks_cannot_be_changed(
    brain: Brain, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    add_returns(brain, pair[1].model_id, np.array([0.0, -0.06]))
    assert follow(desk, clock)
    for statement in ("UPDATE rollback_logs SET reason = 'x'", "DELETE FROM authorisation_withdrawals", "TRUNCATE activations"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), brain.connect() as connection:
            connection.execute(statement)


def test_shadow_hours_are_stored_once_and_keep_what_was_measured_first(
    brain: Brain, pair: tuple[ModelCard, ModelCard]
) -> None:
    model_id = pair[0].model_id
    assert add_returns(brain, model_id, np.array([0.1, 0.2])) == 2
    assert add_returns(brain, model_id, np.array([0.9, 0.9, 0.3])) == 1
    stored = ShadowReturnRepository(brain).of_model(model_id)
    assert stored.net.tolist() == [0.1, 0.2, 0.3]
    (number, venue, symbol), = ShadowReturnRepository(brain).symbols_since(0)
    assert (venue, symbol) == (VENUE, SYMBOL)
    assert ShadowReturnRepository(brain).symbols_since(number) == []
