"""Small pieces of the platform's work, each in a process of its own, in which a failpoint among the settings may end it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta

from pydantic import SecretStr

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.learning.authorisations import AuthorisationRepository
from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.contracts.rollback import Activation, ActivationVerdict
from huracan_platform.contracts.trigger import Trigger, TriggerKind
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.execution.session import run_session
from huracan_platform.learning.registry import Registry
from huracan_platform.logs import configure_logs
from huracan_platform.operations.broadcast.broadcaster import Broadcaster
from huracan_platform.operations.broadcast.slack import SlackBot
from huracan_platform.operations.roll_back import RollbackDesk
from huracan_platform.settings import Settings, load_settings
from huracan_platform.venues.liquidation_feed import Heard
from huracan_platform.venues.market import MarketData
from tests.fakes.slack_server import TOKEN
from tests.learning.test_registry import MARKET, SYMBOL, VENUE, WIRE, registered

DAY = date(2025, 1, 1)
BTC = "BTC/USDT:USDT"
HEARD_MS = 1_735_689_600_000
CLOCK = ManualClock(WIRE, MARKET)


def opened() -> tuple[Settings, Brain]:
    settings = load_settings()
    assert settings.database.dsn is not None
    return settings, Brain(settings.database.dsn.get_secret_value())


def ingest(_: str) -> None:
    settings, brain = opened()
    ingest_candles(brain, MarketData(settings), [BTC], DAY, DAY, settings)


def build(_: str) -> None:
    settings, brain = opened()
    market = MarketData(settings)
    store = FeatureStore(brain, str(settings.home / "artefacts"), clock=market.clock())
    store.build_days(market.venue, [BTC], [DAY], feature_set("core", "short_history", settings=settings.features))


def record(_: str) -> None:
    """A stream of two frames with a liquidation in the first, then silence."""
    settings, brain = opened()

    async def connect() -> AsyncIterator[Heard]:
        yield Heard(HEARD_MS + 10, (Liquidation("sim", BTC, HEARD_MS, "long", 100.0, 1.0, HEARD_MS + 10),))
        yield Heard(HEARD_MS + 5_000, ())
        await asyncio.Event().wait()

    async def hear_for_a_while() -> None:
        try:
            await asyncio.wait_for(LiquidationRecorder(brain, "sim", connect, CLOCK, settings.liquidations).run(), 1.0)
        except TimeoutError:
            return

    asyncio.run(hear_for_a_while())


def register(_: str) -> None:
    settings, brain = opened()
    registered(Registry(brain, str(settings.home / "artefacts")), CLOCK)


def settle(_: str) -> None:
    _settings, brain = opened()
    (number, model_id), = AuthorisationRepository(brain).since(0, "paper")
    verdict = Activation(model_id, None, "paper", ActivationVerdict.ACTIVATED, "test", "test", WIRE)
    ActivationRepository(brain).settle(number, verdict)


def roll_back(_: str) -> None:
    settings, brain = opened()
    registry = Registry(brain, str(settings.home / "artefacts"))
    RollbackDesk(brain, registry, settings, lambda: CLOCK).follow_rule(VENUE, SYMBOL, WIRE + 10 * 3_600_000, by="rule")


def ask_for_training(_: str) -> None:
    _settings, brain = opened()
    trigger = Trigger(TriggerKind.DRIFT, "planted", "drifted_models", WIRE)
    RetrainingRepository(brain).request("sim", BTC, trigger, timedelta(hours=24))


def deliver(slack_url: str) -> None:
    _settings, brain = opened()
    bot = SlackBot(SecretStr(TOKEN), "C1", f"{slack_url}/api/")
    Broadcaster(brain, [bot], ManualClock(WIRE + 60_000, MARKET)).step()


def trade(market_hours: str) -> None:
    run_session(load_settings(), market_hours=float(market_hours), session_name="crashing")


WORK: dict[str, Callable[[str], None]] = {
    "ingest": ingest, "build": build, "record": record, "register": register, "settle": settle, "roll_back": roll_back,
    "ask_for_training": ask_for_training, "deliver": deliver, "trade": trade,
}


def main(name: str, argument: str, environment: dict[str, str], errors: str) -> None:
    """Entry point of the process."""
    os.environ.update(environment)
    sys.stderr = open(errors, "a", buffering=1)  # noqa: SIM115 - the process writes its traceback there after we return
    configure_logs()
    WORK[name](argument)
