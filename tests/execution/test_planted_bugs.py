"""The harness itself: mistakes that real platforms made, planted one by one, must each break an invariant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.order import Fill, OrderIntent
from huracan_platform.contracts.order_life import QueryAnswer, QueryResult, SendAnswer, SendResult, StoredOrder
from huracan_platform.errors import HaltTradingError, HuracanError
from huracan_platform.execution import reconcile
from huracan_platform.execution.books import Books
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.protect import Guard
from huracan_platform.execution.reconcile import Reconciler
from huracan_platform.execution.sender import Sender
from tests.execution.conftest import EngineFactory, buy, context, sell
from tests.execution.test_order_engine import BEYOND_DEADLINE_MS
from tests.fakes.order_venue import FakeClock, FakeVenue
from tests.faults.invariants import broken_invariants

Patch = pytest.MonkeyPatch
Scenario = Callable[[OrderEngine, FakeVenue, FakeClock], Awaitable[None]]


async def swallowed(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.next_send = ["swallow"]
    await engine.submit(buy(), "d", "m", context(clock))


async def late(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.next_send = ["late"]
    await engine.submit(buy(), "d", "m", context(clock))
    for _ in range(4):
        clock.now += 500
        await engine.poll()
    venue.arrive()


async def in_and_half_out(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    await engine.submit(buy("0.1"), "d", "m", context(clock))
    await engine.submit(sell("0.05"), "d", "m", context(clock))


async def unreachable_then_late(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.next_send = ["late"]
    await engine.submit(buy(), "d", "m", context(clock))
    query, venue.query = venue.query, no_answer  # type: ignore[method-assign]
    clock.now += BEYOND_DEADLINE_MS
    for _ in range(4):
        await engine.poll()
    venue.query = query  # type: ignore[method-assign]
    venue.arrive()


async def no_answer(symbol: str, client_order_id: str, *, conditional: bool) -> QueryAnswer:
    return QueryAnswer(QueryResult.NO_ANSWER)


async def crash_in_the_send(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    send = venue.send

    async def power_cut(intent: OrderIntent) -> SendAnswer:
        await send(intent)
        raise ConnectionAbortedError

    venue.send = power_cut  # type: ignore[method-assign]
    with pytest.raises(ConnectionAbortedError):
        await engine.submit(buy(), "d", "m", context(clock))
    venue.send = send  # type: ignore[method-assign]


def blind_resend(patch: Patch) -> None:
    send = Sender.send

    async def twice(self: Sender, draft: OrderIntent, *, protective: bool) -> tuple[StoredOrder, SendAnswer]:
        order, answer = await send(self, draft, protective=protective)
        if answer.result is SendResult.UNKNOWN:
            answer = await self._gateway.send(order.intent)
        return order, answer

    patch.setattr(Sender, "send", twice)


def send_before_commit(patch: Patch) -> None:
    send = Sender.send

    async def early(self: Sender, draft: OrderIntent, *, protective: bool) -> tuple[StoredOrder, SendAnswer]:
        await self._gateway.send(replace(draft, client_order_id="EARLY"))
        return await send(self, draft, protective=protective)

    patch.setattr(Sender, "send", early)


def dedupe_off(patch: Patch) -> None:
    add = Books.add_fill
    asked = iter(range(10**6))

    def anew(self: Books, fill: Fill, owner: StoredOrder | None) -> Fill | None:
        return add(self, replace(fill, trade_id=f"{fill.trade_id}-{next(asked)}"), owner)

    patch.setattr(Books, "add_fill", anew)


def refusal_without_proof(patch: Patch) -> None:
    patch.setattr(reconcile, "why_still_unknown", lambda evidence, execution: None)


def inverted_age_test(patch: Patch) -> None:
    real = reconcile.why_still_unknown

    def inverted(evidence: reconcile.Evidence, execution: object) -> str | None:
        return real(replace(evidence, now_ms=2 * evidence.deadline_ms - evidence.now_ms + 10**6), execution)  # type: ignore[arg-type]

    patch.setattr(reconcile, "why_still_unknown", inverted)


def not_found_on_any_silence(patch: Patch) -> None:
    refresh = Sender.refresh

    async def silent(self: Sender, order: StoredOrder) -> tuple[StoredOrder, QueryResult, bool]:
        order, result, changed = await refresh(self, order)
        return order, QueryResult.NOT_FOUND if result is QueryResult.NO_ANSWER else result, changed

    patch.setattr(Sender, "refresh", silent)


def no_native_stop(patch: Patch) -> None:
    async def nothing(self: Guard, symbol: str, price: Decimal | None = None, decision_id: str | None = None) -> None:
        return

    patch.setattr(Guard, "protect", nothing)


def stop_of_the_first_size_for_ever(patch: Patch) -> None:
    protect = Guard.protect

    async def once(self: Guard, symbol: str, price: Decimal | None = None, decision_id: str | None = None) -> None:
        if not self._books.stops(symbol):
            await protect(self, symbol, price, decision_id)

    patch.setattr(Guard, "protect", once)


def fills_without_an_order_dropped(patch: Patch) -> None:
    add = Books.add_fill

    def drop(self: Books, fill: Fill, owner: StoredOrder | None) -> Fill | None:
        return add(self, fill, owner) if owner is not None and owner.intent.request.reduce_only else None

    patch.setattr(Books, "add_fill", drop)


def restart_takes_unanswered_orders_for_refused(patch: Patch) -> None:
    async def forget(self: Reconciler) -> int:
        for order in self._books.unsettled():
            self._books._alive.pop(order.intent.client_order_id)
            with self._books._orders._brain.connect() as connection:
                connection.execute("UPDATE orders SET state = 'rejected' WHERE intent_id = %s", (order.intent.intent_id,))
        return 0

    patch.setattr(Reconciler, "_forget_in_flight", forget)


BUGS: list[tuple[Callable[[Patch], None], Scenario, str]] = [
    (blind_resend, swallowed, "I2"),
    (send_before_commit, in_and_half_out, "I1"),
    (dedupe_off, in_and_half_out, "halt"),
    (refusal_without_proof, late, "I4"),
    (inverted_age_test, late, "I4"),
    (not_found_on_any_silence, unreachable_then_late, "I4"),
    (no_native_stop, in_and_half_out, "stop"),
    (stop_of_the_first_size_for_ever, in_and_half_out, "stop"),
    (fills_without_an_order_dropped, in_and_half_out, "I3"),
    (restart_takes_unanswered_orders_for_refused, crash_in_the_send, "I4"),
]
SCENARIOS = [swallowed, late, in_and_half_out, unreachable_then_late, crash_in_the_send]


async def verdict(scenario: Scenario, new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock, brain: Brain) -> list[str]:
    """Run a scenario, settle, and judge by the venue's ledger; a halt is a verdict too."""
    engine = await new_engine()
    try:
        await scenario(engine, venue, clock)
        for _ in range(4):
            await engine.poll()
    except HaltTradingError as error:
        return [f"halt: {error}"]
    except HuracanError as error:
        return [f"error: {error}"]
    return await asyncio.to_thread(broken_invariants, venue.ledger(), brain)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
async def test_every_scenario_holds_without_a_bug(
    scenario: Scenario, new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    assert await verdict(scenario, new_engine, venue, clock, brain) == []


@pytest.mark.parametrize(("bug", "scenario", "broken"), BUGS, ids=[b[0].__name__ for b in BUGS])
async def test_a_planted_bug_is_caught(
    bug: Callable[[Patch], None], scenario: Scenario, broken: str, new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock,
    brain: Brain, monkeypatch: Patch,
) -> None:
    bug(monkeypatch)
    found = await verdict(scenario, new_engine, venue, clock, brain)
    assert [line for line in found if line.startswith(broken)], found
