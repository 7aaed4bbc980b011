"""kill -9 of a real process at every point of the registry, then a restart: nothing is lost, doubled or half there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.orders import OrderRepository
from huracan_platform.brain.execution.sessions import CommandRepository
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import DAY_MS, day_start_ms, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.contracts.journal import CommandKind
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.execution.passport import PassportOffice
from huracan_platform.failpoints import Failpoint
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.fakes.slack_server import slack_server
from tests.faults import worker
from tests.faults.conftest import Running, arm
from tests.faults.driver import BTC, QUANTITY
from tests.faults.invariants import broken_invariants, read_ledger
from tests.learning.test_registry import WIRE, registered
from tests.operations.versions import add_returns, stand, state
from tests.session.test_session_process import environment
from tests.session.world import SYMBOLS, World, small_world
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow
POST_ORDER = {"path": "/fapi/v1/order", "method": "POST"}


@dataclass
class Kit:
    """What a case works with; a venue and the driver only where it asks for them."""

    point: Failpoint
    brain: Brain
    home: Path
    request: pytest.FixtureRequest
    numbers: Iterator[int]

    def drive(self, *steps: str, failpoint: Failpoint | None = None) -> Running:
        start: Callable[..., Running] = self.request.getfixturevalue("start_driver")
        return start(*steps, failpoint=f"{failpoint}:kill" if failpoint else None)

    def work(self, name: str, argument: str = "", *, killed: bool = False, environment: dict[str, str] | None = None) -> None:
        """A piece of work in a process of its own; it is killed at the point, or comes to its end."""
        given = {"HURACAN_HOME": str(self.home), "HURACAN_DATABASE__DSN": self.brain.dsn, **(environment or {})}
        if killed:
            given["HURACAN_FAILPOINT"] = f"{self.point}:kill"
        errors = self.home.parent / f"errors_{self.point}_{next(self.numbers)}"
        context = get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.driver", "tests.faults.worker", "ccxt.async_support"])
        process = context.Process(target=worker.main, args=(name, argument, given, str(errors)))
        process.start()
        process.join(180)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode == (-9 if killed else 0), (process.exitcode, errors.read_text())

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.brain.connect() as connection:
            return connection.execute(query).fetchall()

    def registry(self) -> Registry:
        return Registry(self.brain, str(self.home / "artefacts"))


@pytest.fixture(scope="module")
def quiet_venue() -> Iterator[str]:
    """Two days of a symbol; nobody trades there."""
    with running_venue(days=2, symbols=BTC) as url:
        yield url


@pytest.fixture(scope="module")
def traded_world(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A venue, a library and a version on a script for each symbol; the market moves."""
    with small_world(module_brain, tmp_path_factory.mktemp("crashes") / "home") as world:
        for symbol in SYMBOLS:
            world.register(symbol)
        world.control("clock", {"speed": 150})
        yield world


def order(kit: Kit, *, script: tuple[str, ...] = ("buy", "limit", "cancel"), done: int = 0, bought: Decimal = QUANTITY,
          swallowed: bool = False) -> None:
    """I1 to I4, I7, I13: by the venue's ledger, to the last digit of the money."""
    url = kit.request.getfixturevalue("venue_url")
    if swallowed:
        arm(url, kind="drop_response", **POST_ORDER)
    killed = kit.drive(*script, failpoint=kit.point).finish()
    assert (killed.code, len(killed.steps)) == (-9, done), killed.errors
    restarted = kit.drive("settle").finish()
    assert restarted.code == 0, restarted.errors
    settled, ledger = restarted.steps[0], read_ledger(url)
    assert broken_invariants(ledger, kit.brain) == []
    assert (settled["events"], settled["unknown"], settled["unexplained"], settled["state"]) == (0, 0, [], "active")
    assert Decimal(settled["positions"].get(BTC, "0")) == bought
    assert sum(Decimal(p["amount"]) for p in ledger["positions"].values()) == bought
    assert Decimal(100_000) + Decimal(settled["money"]) == Decimal(ledger["balances"]["USDT"]["wallet"])
    (venue, account), = kit.rows("SELECT DISTINCT venue, account FROM order_events") or [("", "")]
    OrderRepository(kit.brain, str(venue), str(account)).verify_chain()
    (epoch,), = kit.rows("SELECT epoch FROM executor_leases")
    assert epoch == 2


def command(kit: Kit) -> None:
    """A halt that was claimed is not lost with the one who claimed it, and holds."""
    number = CommandRepository(kit.brain).put(CommandKind.HALT, {"reason": "planted"}, "test")
    killed = kit.drive("obey", failpoint=kit.point).finish()
    assert (killed.code, killed.steps) == (-9, []), killed.errors
    assert kit.rows("SELECT applied_at FROM session_commands") == [(None,)]
    restarted = kit.drive("obey", "settle", "obey").finish()
    assert restarted.code == 0, restarted.errors
    assert restarted.steps[1]["state"] == "halted"
    assert kit.rows("SELECT command_id, outcome FROM session_commands") == [(number, "trading state halted")]


def session(kit: Kit) -> None:
    """I1 to I4, I10, I13: the next session closes the books of the killed one, and every fill has its decision."""
    world: World = kit.request.getfixturevalue("traded_world")
    # long enough for a process that compiles its kernels beside others
    patient = {"HURACAN_EXECUTION__LEASE_TTL_S": "12", "HURACAN_EXECUTION__STALE_BAR_MARKET_S": "3600"}
    given = {**environment(world), **patient}
    kit = replace(kit, brain=world.brain, home=world.settings.home)
    kit.work("trade", "0.5", killed=True, environment=given)
    kit.work("trade", "0.2", environment=given)
    (_, before), (_, after) = kit.rows("SELECT epoch, end_reason FROM sessions ORDER BY epoch DESC LIMIT 2")[::-1]
    assert (before, after) == ("superseded", "market hours covered")
    assert kit.rows("SELECT count(*) - count(DISTINCT epoch) FROM sessions") == [(0,)]
    assert broken_invariants(read_ledger(world.url), world.brain) == []
    fills = kit.rows("SELECT fill_id FROM fills")
    assert fills
    assert all(PassportOffice(world.brain).issue(int(str(number))).decision is not None for number, in fills)


def facts(kit: Kit, *, there_before: bool = False) -> None:
    """I8: the library holds each bar that the venue serves once, and its books say so only then."""
    url = kit.request.getfixturevalue("quiet_venue")
    given = {"HURACAN_VENUE__URL": url, "HURACAN_VENUE__RATE_LIMIT": "false"}
    market = MarketData(Settings(home=kit.home, venue={"url": url, "rate_limit": False}))
    start = day_start_ms(worker.DAY)
    candles, books = CandleRepository(kit.brain), QualityRepository(kit.brain)

    def states() -> list[DayState]:
        return [d.state for d in books.days(market.venue, "candles", [BTC], worker.DAY, worker.DAY)]

    if there_before:
        kit.work("ingest", environment=given)
    kit.work("ingest", killed=True, environment=given)
    stored = candles.read(market.venue, [BTC], start, start + DAY_MS)[BTC]
    assert len(stored) in (0, 1440)
    assert states() == ([DayState.GOOD] if there_before else [])
    kit.work("ingest", environment=given)
    stored, served = candles.read(market.venue, [BTC], start, start + DAY_MS)[BTC], market.candles(BTC, start, start + DAY_MS)
    assert len(stored) == 1440
    assert np.array_equal(stored.ts_ms, served.ts_ms)
    assert np.array_equal(stored.close, served.close)
    assert kit.rows("SELECT count(*) FROM candles_history") == [(0,)]
    assert states() == [DayState.GOOD]


def recorder(kit: Kit) -> None:
    """What was heard is stored once; time without a ledger entry stays a gap."""
    kit.work("record", killed=True)
    ledger, store = RecordingLedger(kit.brain), LiquidationRepository(kit.brain)
    heard = worker.HEARD_MS
    assert ledger.between("liquidations", heard, heard + DAY_MS) == []
    kit.work("record")
    assert len(store.read("sim", BTC, heard, heard + DAY_MS)) == 1
    recorded, = ledger.between("liquidations", heard, heard + DAY_MS)
    assert (recorded.began_ms, recorded.until_ms) == (heard + 10, heard + 5_000)


def features(kit: Kit) -> None:
    """I9: no day before the commit, and after the restart the one that a second build gives as well."""
    url = kit.request.getfixturevalue("quiet_venue")
    given = {"HURACAN_VENUE__URL": url, "HURACAN_VENUE__RATE_LIMIT": "false"}
    settings = Settings(home=kit.home, venue={"url": url, "rate_limit": False})
    market = MarketData(settings)
    store = FeatureStore(kit.brain, str(kit.home / "artefacts"), clock=market.clock())
    definition = feature_set("core", "short_history", settings=settings.features)
    kit.work("ingest", environment=given)
    kit.work("build", killed=True, environment=given)
    assert store.days(market.venue, definition, worker.DAY, worker.DAY) == []
    kit.work("build", environment=given)
    day, = store.days(market.venue, definition, worker.DAY, worker.DAY)
    start = day_start_ms(worker.DAY)
    assert len(store.load(market.venue, BTC, definition, start, start + DAY_MS).ts_ms) == day.rows == 1440
    kit.work("build", environment=given)
    assert store.days(market.venue, definition, worker.DAY, worker.DAY) == [day]
    assert store.stale_days(market.venue, [BTC], definition, worker.DAY, worker.DAY) == []


def model(kit: Kit, *, entered: int) -> None:
    """I10: a version is entered once, with an artefact that loads and all its figures."""
    kit.work("register", killed=True)
    assert kit.rows("SELECT count(*) FROM models") == [(entered,)]
    for _ in range(2):
        kit.work("register")
    card, = kit.registry().cards()
    assert kit.registry().load(card.model_id).artefact_hash == card.artefact_hash
    assert kit.rows("SELECT count(*) > 0 FROM model_metrics") == [(True,)]
    assert kit.registry().verify_chain().intact


def activation(kit: Kit, *, told: int) -> None:
    """The executor is told of an activation once; before the commit nobody knows of it."""
    registry = kit.registry()
    card = registered(registry, worker.CLOCK)
    registry.authorise(card.model_id, "paper", 30, worker.CLOCK, by="test", reason="test")
    both = "SELECT (SELECT count(*) FROM activations), (SELECT count(*) FROM session_commands)"
    kit.work("settle", killed=True)
    assert kit.rows(both) == [(told, told)]
    for _ in range(2):
        kit.work("settle")
    assert kit.rows(both) == [(1, 1)]


def rollback(kit: Kit) -> None:
    """I11: the old state, then after the restart the new one, with one log, one command and one incident."""
    first, second = stand(kit.brain, kit.registry(), worker.CLOCK, 2)[:2]
    add_returns(kit.brain, second.model_id, np.array([0.0, -0.06]))
    before = state(kit.brain)
    kit.work("roll_back", killed=True)
    assert state(kit.brain) == before
    for _ in range(2):
        kit.work("roll_back")
    log, = RollbackRepository(kit.brain).logs()
    assert (log.from_model, log.to_model) == (second.model_id, first.model_id)
    assert kit.rows("SELECT count(*) FROM session_commands WHERE applied_at IS NULL") == [(1,)]
    assert kit.rows("SELECT count(*) FROM incidents") == [(1,)]


def retraining(kit: Kit) -> None:
    """Asked for again after the crash, as the sensor does whose cursor did not move, there is still one request."""
    kit.work("ask_for_training", killed=True)
    for _ in range(2):
        kit.work("ask_for_training")
    assert len(RetrainingRepository(kit.brain).open()) == 1


def message(kit: Kit) -> None:
    """I11: told once."""
    found = Incident("check_failed", IncidentSeverity.WARNING, "check|candles|completeness", "candles: completeness failed")
    IncidentRepository(kit.brain).open_incident(to_datetime(WIRE), found)
    with slack_server() as slack:
        kit.work("deliver", slack.url, killed=True)
        assert len(slack.posts) == (1 if kit.point is Failpoint.AFTER_POST_BEFORE_MARK else 0)
        for _ in range(2):
            kit.work("deliver", slack.url)
        assert len(slack.posts) == 1
    assert kit.rows("SELECT count(delivered_at) FROM deliveries") == [(1,)]


nothing = functools.partial(order, bought=Decimal(0))
CASES: dict[Failpoint, Callable[[Kit], None]] = {
    Failpoint.BEFORE_INTENT_COMMIT: nothing,
    Failpoint.AFTER_INTENT_COMMIT: nothing,
    Failpoint.AFTER_MARK_SENT: nothing,
    Failpoint.AFTER_SEND_BEFORE_ACK_STORED: order,
    Failpoint.AFTER_ACK_STORED: order,
    Failpoint.AFTER_FILL_BEFORE_STOP: order,
    Failpoint.AFTER_STOP_SENT: order,
    Failpoint.DURING_CANCEL: functools.partial(order, done=2),
    Failpoint.AFTER_RECONCILE_EVENT: functools.partial(order, script=("buy", "settle"), done=1, swallowed=True),
    Failpoint.AFTER_LEASE_TAKEN: nothing,
    Failpoint.AFTER_LEASE_RENEWED: functools.partial(order, script=("buy", "hold=5"), done=1),
    Failpoint.AFTER_COMMAND_CLAIMED: command,
    Failpoint.AFTER_COMMAND_DONE: command,
    Failpoint.AFTER_DECISION_WRITTEN: session,
    Failpoint.BEFORE_SESSION_END: session,
    Failpoint.AFTER_FETCH: facts,
    Failpoint.AFTER_STAGING: functools.partial(facts, there_before=True),
    Failpoint.AFTER_FACTS_BEFORE_BOOKS: facts,
    Failpoint.AFTER_RECORDED_BEFORE_LEDGER: recorder,
    Failpoint.AFTER_FEATURE_FILES: features,
    Failpoint.BEFORE_MANIFEST_COMMIT: features,
    Failpoint.AFTER_ARTEFACT_STORED: functools.partial(model, entered=0),
    Failpoint.AFTER_MODEL_ENTERED: functools.partial(model, entered=1),
    Failpoint.BEFORE_ACTIVATION_COMMIT: functools.partial(activation, told=0),
    Failpoint.AFTER_ACTIVATION_COMMIT: functools.partial(activation, told=1),
    Failpoint.BEFORE_ROLLBACK_COMMIT: rollback,
    Failpoint.AFTER_RETRAINING_REQUEST: retraining,
    Failpoint.AFTER_DELIVERY_BEGUN: message,
    Failpoint.AFTER_POST_BEFORE_MARK: message,
}


@pytest.mark.parametrize("point", list(Failpoint))
def test_a_process_killed_there_and_started_again_keeps_every_promise(
    point: Failpoint, brain: Brain, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    CASES[point](Kit(point, brain, tmp_path / "home", request, count()))
