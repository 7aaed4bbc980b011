"""What a session works with: opened in order, closed in reverse whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.migrate import open_brain
from huracan_platform.brain.roles import Role
from huracan_platform.clock import Clock
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.journal import SessionRecord
from huracan_platform.contracts.market import Instrument
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import account_costs
from huracan_platform.decision.decide import strategy_parameters
from huracan_platform.execution.feature_stream import FeatureStream
from huracan_platform.execution.live_library import LiveLibrary
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.scoring import ModelDesk
from huracan_platform.execution.trader import Terms
from huracan_platform.learning.models.provenance import collect_provenance
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.live_feed import LiveFeed
from huracan_platform.venues.market import MarketData
from huracan_platform.venues.orders import PaperGateway
from huracan_platform.venues.user_feed import UserFeed


@dataclass(frozen=True)
class Workplace:
    """Everything open and started: the lease is held, the books are reconciled, the features are caught up."""

    brain: Brain
    market: MarketData
    clock: Clock
    engine: OrderEngine
    models: ModelDesk
    library: LiveLibrary
    streams: dict[str, FeatureStream]
    terms: dict[str, Terms]
    feed: LiveFeed
    user_feed: UserFeed
    record: SessionRecord


async def open_workplace(settings: Settings, stack: AsyncExitStack, name: str, run_id: str | None) -> Workplace:
    """Open and start all parts; `stack` closes what was opened, also when a later part fails.

    Raises
    ------
    HaltTradingError
        Another executor holds the lease, or books and venue do not settle.
    ConfigurationError, PermanentError, TransientError, DataContractError
        From the parts, as they say.
    """
    brain = await asyncio.to_thread(open_brain, settings, Role.EXECUTOR)
    market = await asyncio.to_thread(MarketData, settings)
    clock = await asyncio.to_thread(market.clock)
    instruments = {i.symbol: i for i in await asyncio.to_thread(market.instruments, settings.symbols)}
    features = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    artefacts = str(settings.home / "artefacts")
    registry = Registry(brain, artefacts)
    models = ModelDesk(registry, clock, gateway=settings.execution.gateway, columns=features.columns, set_hash=features.set_hash)
    gateway = PaperGateway(settings, clock)
    stack.push_async_callback(gateway.close)
    await gateway.open()
    engine = OrderEngine(settings, brain, gateway, clock, instruments, models.authorised_until, uuid4)
    stack.push_async_callback(engine.close)
    await engine.start()

    library = LiveLibrary(brain, market, clock, settings)
    store = FeatureStore(brain, artefacts, clock=clock, funding_delay_ms=settings.quality.funding_delay_ms)
    streams = {s: FeatureStream(s, library, store, features, settings) for s in instruments}
    next_ts = {s: await asyncio.to_thread(stream.restore, clock) for s, stream in streams.items()}
    for symbol in instruments:
        await asyncio.to_thread(models.appoint_standing, gateway.venue, symbol)
    feed = LiveFeed(build_client(settings, "market", "pro"), clock, next_ts, settle_ms=settings.quality.arrival_delay_ms)
    stack.push_async_callback(feed.close)
    await feed.start()
    user_feed = UserFeed(build_client(settings, "orders", "pro"))
    stack.push_async_callback(user_feed.close)
    user_feed.start()
    terms = {s: await asyncio.to_thread(_terms, settings, market, i) for s, i in instruments.items()}
    record = session_record(settings, name, gateway.venue, gateway.account, engine.epoch, clock, run_id, uuid4())
    return Workplace(brain, market, clock, engine, models, library, streams, terms, feed, user_feed, record)


def session_record(
    settings: Settings, name: str, venue: str, account: str, epoch: int, clock: Clock, run_id: str | None, identity: UUID
) -> SessionRecord:
    """The session as it starts, with the code and the settings (secrets masked) it runs on."""
    provenance = collect_provenance()
    revision = provenance.git_revision or f"package {provenance.package_version}"
    return SessionRecord(
        session_id=identity.hex[:16], name=name, gateway=settings.execution.gateway, venue=venue, account=account, epoch=epoch,
        code_revision=revision + ("+dirty" if provenance.git_dirty else ""),
        settings_hash=hash_json(settings.model_dump(mode="json", exclude={"home"})), started_ms=clock.wire_ms(), run_id=run_id,
    )


def _terms(settings: Settings, market: MarketData, instrument: Instrument) -> Terms:
    fees = market.fees(instrument.symbol)
    costs = account_costs(settings.costs, maker_fee=fees.maker if fees else None, taker_fee=fees.taker if fees else None)
    return Terms(instrument, strategy_parameters(settings, round_trip_cost=costs.round_trip))
