"""An engine on a fake venue and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.roles import Role
from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderKind, OrderRequest, Side
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.settings import Settings
from tests.fakes.order_venue import FakeClock, FakeVenue

D = Decimal
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
INSTRUMENTS = {
    BTC: Instrument("fake", BTC, D("0.1"), D("0.001"), D("0.001"), D(5), D(100)),
    ETH: Instrument("fake", ETH, D("0.01"), D("0.01"), D("0.01"), D(5), D(1000)),
}
PRICES = {BTC: D(50000), ETH: D(2500)}
FOREVER = 10**15

EngineFactory = Callable[[], Awaitable[OrderEngine]]


def buy(quantity: str = "0.1", symbol: str = BTC) -> OrderRequest:
    return OrderRequest(symbol, Side.BUY, OrderKind.MARKET, D(quantity), False)


def sell(quantity: str = "0.1", symbol: str = BTC) -> OrderRequest:
    return OrderRequest(symbol, Side.SELL, OrderKind.MARKET, D(quantity), True)


def limit(quantity: str = "0.1", price: str = "49900", symbol: str = BTC) -> OrderRequest:
    return OrderRequest(symbol, Side.BUY, OrderKind.LIMIT, D(quantity), False, price=D(price))


def context(clock: FakeClock, stop: str = "49000") -> OrderContext:
    return OrderContext("barrier", D(stop), clock.market_ms())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def venue(clock: FakeClock) -> FakeVenue:
    return FakeVenue(clock, prices=dict(PRICES))


@pytest.fixture
async def new_engine(brain: Brain, settings: Settings, clock: FakeClock, venue: FakeVenue) -> AsyncIterator[EngineFactory]:
    """Start an engine; started again it takes the place of a crashed one, whose lease is taken away first."""
    started: list[OrderEngine] = []

    async def start() -> OrderEngine:
        with brain.connect() as connection:
            connection.execute("UPDATE executor_leases SET expires_at = clock_timestamp()")
        engine = OrderEngine(settings, brain.as_role(Role.EXECUTOR), venue, clock, INSTRUMENTS, lambda _model: FOREVER, uuid4)
        started.append(engine)
        await engine.start()
        for symbol, price in PRICES.items():
            engine.on_mark(symbol, price, clock.market_ms())
        return engine

    yield start
    for engine in started:
        await engine.close()


@pytest.fixture
async def engine(new_engine: EngineFactory) -> OrderEngine:
    return await new_engine()
