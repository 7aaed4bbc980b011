"""Answers that get lost, come late or are no answers: nothing is resent, nothing is given up early, nothing crashes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.order import OrderKind, OrderRequest, OrderState, Side
from huracan_platform.errors import TransientError
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.protect import SubmitResult
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.settings import Settings
from huracan_platform.venues.orders import PaperGateway
from tests.faults.conftest import arm, move_market
from tests.faults.driver import BTC, FOREVER, INSTRUMENTS, QUANTITY, mark
from tests.faults.invariants import broken_invariants, read_ledger

pytestmark = pytest.mark.slow
D = Decimal
POST_ORDER = {"path": "/fapi/v1/order", "method": "POST"}
MANGLED = ["html_502", "html_500", "unknown_503", "timeout_503", "truncated", "ok_error"]


@dataclass
class Desk:
    """An engine on the simulated venue, with what tests ask of it."""

    engine: OrderEngine
    url: str
    brain: Brain

    async def submit(self, kind: OrderKind = OrderKind.MARKET, *, stop_at: str = "0.97") -> SubmitResult:
        price = await asyncio.to_thread(mark, self.url)
        clock = SystemClock()
        self.engine.on_mark(BTC, price, clock.market_ms())
        below = (price * D("0.995")).quantize(D("0.1"))
        request = OrderRequest(BTC, Side.BUY, kind, QUANTITY, False, price=below if kind is OrderKind.LIMIT else None)
        context = OrderContext("test", (price * D(stop_at)).quantize(D("0.1")), clock.market_ms())
        return await self.engine.submit(request, "d", "m", context)

    async def settle(self) -> float:
        """Poll until nothing is UNKNOWN; the seconds that took."""
        began = time.monotonic()
        while self.engine.snapshot().unknown:
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.2)
            await self.engine.poll()
        await self.engine.poll()
        assert (await self.engine.poll()).events == 0
        return time.monotonic() - began

    def state(self, result: SubmitResult) -> OrderState:
        assert result.order is not None
        order = self.engine._books.find(result.order.intent.client_order_id)
        assert order is not None
        return order.status.state


@pytest.fixture
async def desk(venue_settings: Settings, brain: Brain, venue_url: str) -> AsyncIterator[Desk]:
    clock = SystemClock()
    gateway = PaperGateway(venue_settings, clock)
    await gateway.open()
    engine = OrderEngine(venue_settings, brain, gateway, clock, INSTRUMENTS, lambda _model: FOREVER, uuid4)
    await engine.start()
    yield Desk(engine, venue_url, brain)
    await engine.close()
    await gateway.close()


@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.MARKET], ids=["stands", "filled-before-the-query"])
async def test_an_accepted_order_whose_answer_was_swallowed_is_found_and_not_sent_again(desk: Desk, kind: OrderKind) -> None:
    arm(desk.url, kind="drop_response", **POST_ORDER)
    result = await desk.submit(kind)
    assert result.outcome == "unknown"
    assert [o.code for o in (await desk.submit()).denied] == ["P18.unknown"]
    await desk.settle()
    assert desk.state(result) is (OrderState.OPEN if kind is OrderKind.LIMIT else OrderState.FILLED)
    ledger = read_ledger(desk.url)
    assert len(ledger["accepts"]) == (1 if kind is OrderKind.LIMIT else 2)  # the entry, and its stop when it filled
    assert broken_invariants(ledger, desk.brain) == []


async def test_an_order_accepted_after_our_time_out_is_not_given_up(desk: Desk) -> None:
    arm(desk.url, kind="delay", delay_ms=3000, when="after", **POST_ORDER)
    result = await desk.submit(OrderKind.LIMIT)
    assert result.outcome == "unknown"
    await desk.settle()
    assert desk.state(result) is OrderState.OPEN
    assert broken_invariants(read_ledger(desk.url), desk.brain) == []


async def test_an_order_that_arrives_after_its_deadline_is_refused_by_the_venue_and_proven_absent(desk: Desk) -> None:
    arm(desk.url, kind="delay", delay_ms=2500, when="before", **POST_ORDER)
    result = await desk.submit()
    assert result.outcome == "unknown"
    await desk.settle()
    assert desk.state(result) is OrderState.NOT_ACCEPTED
    assert read_ledger(desk.url)["accepts"] == {}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_mangled_answers_are_unknown_and_resolved_by_what_the_venue_really_did(desk: Desk, when: str) -> None:
    for body in MANGLED:
        arm(desk.url, kind="http_error", body=body, when=when, **POST_ORDER)
        result = await desk.submit(OrderKind.LIMIT)
        assert result.outcome == "unknown", body
        await desk.settle()
        assert desk.state(result) is (OrderState.OPEN if when == "after" else OrderState.NOT_ACCEPTED), body
    ledger = read_ledger(desk.url)
    assert len(ledger["accepts"]) == (len(MANGLED) if when == "after" else 0)
    assert broken_invariants(ledger, desk.brain) == []


async def test_being_told_to_slow_down_is_a_refusal(desk: Desk) -> None:
    arm(desk.url, kind="http_error", body="limit_429", when="before", **POST_ORDER)
    result = await desk.submit()
    assert (result.outcome, desk.state(result)) == ("reject", OrderState.REJECTED)
    assert broken_invariants(read_ledger(desk.url), desk.brain) == []


@pytest.mark.parametrize("path", ["openOrders", "openAlgoOrders", "userTrades", "time"])
@pytest.mark.parametrize("body", ["html_502", "truncated", "ok_error"])
async def test_a_read_that_comes_mangled_ends_the_pass_and_changes_nothing(desk: Desk, path: str, body: str) -> None:
    await desk.submit(OrderKind.LIMIT)
    before = desk.engine.snapshot().open_orders
    arm(desk.url, kind="http_error", path=f"/fapi/v1/{path}", body=body, when="after")
    with pytest.raises(TransientError):
        await desk.engine.poll()
    assert desk.engine.snapshot().open_orders == before
    assert (await desk.engine.poll()).events == 0


async def test_a_stop_whose_answer_was_swallowed_is_found_again(desk: Desk) -> None:
    arm(desk.url, kind="drop_response", path="/fapi/v1/algoOrder", method="POST")
    assert (await desk.submit()).outcome == "ack"
    assert len(desk.engine.snapshot().unknown) == 1
    await desk.settle()
    assert broken_invariants(read_ledger(desk.url), desk.brain) == []


async def test_a_cancel_whose_answer_was_swallowed_is_believed_on_proof(desk: Desk) -> None:
    result = await desk.submit(OrderKind.LIMIT)
    arm(desk.url, kind="drop_response", path="/fapi/v1/order", method="DELETE")
    await desk.engine.cancel_all()
    assert desk.state(result) is OrderState.CANCELED
    assert broken_invariants(read_ledger(desk.url), desk.brain) == []


async def test_a_stop_that_fires_at_the_venue_is_booked_to_its_order(desk: Desk) -> None:
    await desk.submit(stop_at="0.9995")
    stop = desk.engine.snapshot().open_orders[0]
    for _ in range(200):
        if not any(D(p["amount"]) for p in read_ledger(desk.url)["positions"].values()):
            break
        move_market(desk.url, minutes=5)
    report = await desk.engine.poll()
    assert {fill.client_order_id for fill in report.new_fills} == {stop.intent.client_order_id}
    snapshot = desk.engine.snapshot()
    assert (snapshot.positions[0].quantity, snapshot.open_orders, snapshot.unexplained) == (0, (), ())
    assert (await desk.engine.poll()).events == 0
    assert broken_invariants(read_ledger(desk.url), desk.brain) == []
