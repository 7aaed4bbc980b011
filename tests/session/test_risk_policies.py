"""Risk policies in a session: off, by the rules, and by an approved version that is handed over while it trades."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import dagster as dg
import numpy as np
import pytest

from huracan_platform.brain.execution.decisions import DecisionRepository
from huracan_platform.brain.execution.sessions import CommandRepository
from huracan_platform.brain.execution.traces import TraceRepository
from huracan_platform.contracts.decision import Action
from huracan_platform.contracts.journal import CommandKind, DecisionRecord
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.policy import PolicyCard, PolicyVerdict
from huracan_platform.decision.decide import decide
from huracan_platform.defs.execution.sensors import hand_off_policies
from huracan_platform.defs.resources import Platform
from huracan_platform.execution.passport import OWN, PassportOffice
from huracan_platform.execution.replay import Replayer
from huracan_platform.execution.report import SessionProgress
from huracan_platform.execution.session import run_session
from huracan_platform.learning.policies.actor import ActorPolicy, Normalisation
from huracan_platform.learning.policies.registry import FALLBACK, PolicyRegistry
from huracan_platform.settings import Settings
from tests.session.world import SYMBOLS, World

pytestmark = pytest.mark.slow
SPEED = 150
BTC, ETH = SYMBOLS
ADJUST_S = 600  # two decision bars
STOP = 0.005


@dataclass(frozen=True)
class Traded:
    """A session's decisions on which a model was asked, oldest first, and the handed over policy, if any."""

    records: tuple[DecisionRecord, ...]
    card: PolicyCard | None

    def of(self, symbol: str, policy: str | None) -> list[DecisionRecord]:
        """Those of a symbol under a policy."""
        return [r for r in self.records if (r.inputs.symbol, r.inputs.parameters.risk_policy) == (symbol, policy)]

    def entries(self, policy: str | None) -> list[DecisionRecord]:
        """Those that entered under a policy."""
        entered = (r for r in self.records if r.decision.action in (Action.ENTER_LONG, Action.ENTER_SHORT))
        return [r for r in entered if r.inputs.parameters.risk_policy == policy]


def cautious() -> ActorPolicy:
    """A level less of leverage at every answer, half the size, stops at half a percent, whatever is observed."""
    layer = np.zeros((3, 15)), np.array([-1.0, -1.0, -1.0])
    return ActorPolicy((layer,), Normalisation(np.zeros(15), np.ones(15)), 5.0)


def trading(world: World, *, enabled: bool) -> Settings:
    """The world's settings with barriers far enough for a policy's stop to be the closer one."""
    risk = world.settings.risk_policy.model_copy(update={"enabled": enabled, "adjust_every_s": ADJUST_S})
    return world.settings.model_copy(update={
        "risk_policy": risk, "labels": world.settings.labels.model_copy(update={"barrier_sigma": 10.0}),
        "execution": world.settings.execution.model_copy(update={"stale_bar_market_s": 3_600.0}),
    })


def approve(world: World, model: ModelCard) -> PolicyCard:
    """Register the cautious policy of the model's symbol with an approving verdict."""
    registry = PolicyRegistry(world.brain, str(world.settings.home / "artefacts"))
    card = registry.register(cautious(), {"timesteps": 0}, model, world.clock)
    registry.record(PolicyVerdict(card.policy_id, True, "trained", "scripted", 30, (), world.clock.wire_ms()))
    return card


def hand_over() -> str:
    """One look of the sensor; what it says."""
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(
        instance=instance, resources={"platform": Platform()}
    ) as context:
        told = hand_off_policies(context)
        assert isinstance(told, dg.SkipReason)
        return told.skip_message or ""


def decisions(world: World, session_id: str) -> tuple[DecisionRecord, ...]:
    journal = DecisionRepository(world.brain)
    found = (journal.load(line.decision_id) for line in journal.recent(1000, session_id=session_id))
    return tuple(sorted((r for r in found if r.model_asked), key=lambda r: r.inputs.ts_ms))


@pytest.fixture(scope="module")
def environment(world: World) -> Iterator[None]:
    """What the sensor's process would find."""
    dsn = world.settings.database.dsn
    assert dsn is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HURACAN_HOME", str(world.settings.home))
        patch.setenv("HURACAN_DATABASE__DSN", dsn.get_secret_value())
        patch.setenv("HURACAN_RISK_POLICY__ENABLED", "true")
        yield


@pytest.fixture(scope="module")
def models(world: World) -> dict[str, ModelCard]:
    return {symbol: world.register(symbol) for symbol in SYMBOLS}


@pytest.fixture(scope="module")
def off(world: World, models: dict[str, ModelCard]) -> Traded:
    """Under the settings' own defaults."""
    refused = CommandRepository(world.brain).put(CommandKind.POLICY_JUDGED, {"policy_id": "btc-risk-v1-00000000"}, "test")
    world.control("clock", {"speed": SPEED})
    report = run_session(trading(world, enabled=False), market_hours=0.4)
    world.control("clock", {"speed": 0})
    assert outcome(world, refused) == "refused: risk policies are off"
    return Traded(decisions(world, report.session_id), None)


@pytest.fixture(scope="module")
def on(world: World, models: dict[str, ModelCard], environment: None, off: Traded) -> Traded:
    """By the rules at first; for BTC a policy is approved on the way, and handed over by the sensor."""
    begun, given = threading.Event(), []

    def look(now: SessionProgress) -> None:
        if now.decisions >= 8:
            begun.set()

    def approve_and_tell() -> None:
        if begun.wait(120):
            CommandRepository(world.brain).put(CommandKind.POLICY_JUDGED, {"policy_id": "ghost"}, "test")
            given.append(approve(world, models[BTC]))
            assert hand_over() == f"handed over: {given[0].policy_id}"

    teller = threading.Thread(target=approve_and_tell)
    teller.start()
    world.control("clock", {"speed": SPEED})
    report = run_session(trading(world, enabled=True), market_hours=2.0, on_progress=look)
    world.control("clock", {"speed": 0})
    teller.join()
    return Traded(decisions(world, report.session_id), given[0])


def outcome(world: World, command_id: int) -> str:
    with world.brain.connect() as connection:
        row = connection.execute("SELECT outcome FROM session_commands WHERE command_id = %s", (command_id,)).fetchone()
    assert row is not None
    return str(row[0])


def test_off_by_default_the_fixed_defaults_decide(off: Traded) -> None:
    assert not Settings().risk_policy.enabled
    assert off.entries(None)
    for record in off.records:
        parameters = record.inputs.parameters
        assert (parameters.risk_policy, parameters.risk_leverage, record.inputs.risk_multiplier) == (None, None, 1.0)
        assert (parameters.max_leverage, parameters.max_stop_distance) == (0.5, Settings().risk.stop_distance_max)


def test_without_an_approved_policy_the_rules_set_leverage_size_and_stop(off: Traded, on: Traded) -> None:
    plain = off.records[0].inputs.parameters
    assert on.of(BTC, FALLBACK)
    assert len(on.of(ETH, FALLBACK)) == len([r for r in on.records if r.inputs.symbol == ETH])
    for record in on.of(BTC, FALLBACK) + on.of(ETH, FALLBACK):
        p = record.inputs.parameters
        assert p.risk_leverage in (5.0, 3.0, 1.5)
        assert p.risk_stop_loss in (0.02, 0.03, 0.024)
        assert p.max_leverage == plain.max_leverage * (p.risk_leverage / 5.0)
        assert p.max_stop_distance == min(plain.max_stop_distance, p.risk_stop_loss)


def test_an_approved_policy_takes_over_between_two_bars_by_command(world: World, on: Traded) -> None:
    assert on.card is not None
    names = [r.inputs.parameters.risk_policy for r in on.records if r.inputs.symbol == BTC]
    before = names.index(on.card.policy_id)
    assert before >= 2
    assert names == [FALLBACK] * before + [on.card.policy_id] * (len(names) - before)
    with world.brain.connect() as connection:
        told = dict(connection.execute("SELECT payload->>'policy_id', outcome FROM session_commands").fetchall())
    assert told[on.card.policy_id] == f"{on.card.policy_id} is in charge"
    assert told["ghost"].startswith("refused: policy: expected a registered id")


def test_its_answer_is_adjusted_every_interval_and_holds_in_between(on: Traded) -> None:
    assert on.card is not None
    ruled = on.of(BTC, on.card.policy_id)
    before = on.of(BTC, FALLBACK)[-1].inputs.parameters.risk_leverage
    assert before is not None
    leverages = [r.inputs.parameters.risk_leverage for r in ruled]
    assert leverages == [max(before - 1.0 - k // 2, 1.0) for k in range(len(leverages))]
    assert len(leverages) >= 4


def test_its_parameters_change_sizes_and_stops_down_to_the_order_at_the_venue(world: World, off: Traded, on: Traded) -> None:
    assert on.card is not None
    plain = off.records[0].inputs.parameters
    entries = on.entries(on.card.policy_id)
    assert entries
    for record in entries:
        inputs, decision = record.inputs, record.decision
        p = inputs.parameters
        assert (p.risk_size_multiplier, p.risk_stop_loss, p.max_stop_distance, inputs.risk_multiplier) == (0.5, STOP, STOP, 0.5)
        assert abs(decision.stop_price / inputs.close - 1.0) == pytest.approx(STOP)
        fixed = decide(replace(inputs, parameters=plain, risk_multiplier=1.0))
        assert abs(fixed.stop_price / inputs.close - 1.0) > STOP
        size = min(p.risk_per_trade * 0.5 / (STOP + p.round_trip_cost), plain.max_leverage * p.risk_leverage / 5.0)
        assert abs(decision.target) == pytest.approx(size)
        assert abs(decision.target) != pytest.approx(abs(fixed.target))
    with world.brain.connect() as connection:
        orders = {d: (q, s) for d, q, s in connection.execute(
            "SELECT decision_id, quantity, protect_price FROM order_intents WHERE decision_id = ANY(%s) AND NOT reduce_only",
            ([r.decision_id for r in entries],),
        ).fetchall()}
    sent = [(r, *orders[r.decision_id]) for r in entries if r.decision_id in orders]
    assert sent
    for record, quantity, protect in sent:
        wanted = Decimal(abs(record.decision.target) * record.inputs.equity_usd / record.inputs.close)
        assert quantity == pytest.approx(wanted, rel=Decimal("0.01"))
        assert protect == pytest.approx(Decimal(record.decision.stop_price), rel=Decimal("0.0001"))


def test_the_passport_of_a_fill_names_the_policy_and_its_answer(world: World, on: Traded) -> None:
    assert on.card is not None
    issued = [PassportOffice(world.brain).issue(f.fill_id) for f in TraceRepository(world.brain).recent(200, symbol=BTC)]
    ruled = [p.decision for p in issued if p.decision and p.decision.parameters["risk_policy"] == on.card.policy_id]
    assert [d for d in ruled if d.link == OWN]
    for decision in ruled:
        assert (decision.parameters["risk_size_multiplier"], decision.parameters["risk_stop_loss"]) == (0.5, STOP)
        assert 1.0 <= decision.parameters["risk_leverage"] < 5.0


def test_every_decision_replays_bit_for_bit_without_the_policy(world: World, on: Traded) -> None:
    replayer = Replayer(world.brain, world.store, world.registry.artefacts, trading(world, enabled=False))
    for record in on.records:
        assert replayer.replay(record).differences == ()
