"""Reconciliation: what the venue shows against our books, at start and always.

One pass looks at ordinary and conditional orders, trades, positions and money. Orders are adopted by client order id;
trades are taken once; whatever cannot be explained leaves only risk-reducing orders out and raises an incident. UNKNOWN
orders are resolved here and nowhere else, so that every proof of absence has answered control queries beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.clock import Clock
from huracan_platform.contracts.order import Fill, OrderState, VenueOrder, VenuePosition
from huracan_platform.contracts.order_life import EventKind, OrderEvent, QueryResult, StoredOrder
from huracan_platform.errors import TransientError
from huracan_platform.execution.books import Books, is_conditional
from huracan_platform.execution.order_life import UNSETTLED
from huracan_platform.execution.risk_desk import RiskDesk
from huracan_platform.execution.sender import Sender, observation
from huracan_platform.execution.unknown import Evidence, why_still_unknown
from huracan_platform.settings import ExecutionSettings
from huracan_platform.venues.gateway import OrderGateway

_LOOKS_AT_A_MISMATCH = 3


@dataclass(frozen=True)
class ReconcileReport:
    """One pass. `events` counts what changed in our books; `unexplained` says what the venue shows and we cannot account for."""

    events: int
    new_fills: tuple[Fill, ...]
    unexplained: tuple[str, ...]
    still_unknown: tuple[str, ...]


def position_mismatches(ours: dict[str, Decimal], venue: Sequence[VenuePosition]) -> dict[str, str]:
    """Symbols whose signed quantity differs, with expected and got."""
    theirs = {position.symbol: position.quantity for position in venue}
    return {
        symbol: f"position {symbol}: expected {ours.get(symbol, Decimal(0))} from fills, got {theirs.get(symbol, Decimal(0))}"
        for symbol in sorted({*ours, *theirs})
        if ours.get(symbol, Decimal(0)) != theirs.get(symbol, Decimal(0))
    }


def certain_skew(before_ms: int, server_ms: int, after_ms: int) -> int:
    """Venue's clock minus ours as far as one answer proves it: the venue read it at some moment between the two of ours.

    On a busy machine an answer takes a second at times; the middle of that second would halt trading for nothing.
    """
    return min(server_ms - before_ms, 0) + max(server_ms - after_ms, 0)


class Reconciler:
    """Runs passes. The caller holds the engine's lock, so that nothing is in flight."""

    def __init__(
        self, gateway: OrderGateway, books: Books, desk: RiskDesk, sender: Sender, clock: Clock, execution: ExecutionSettings,
        symbols: Sequence[str],
    ) -> None:
        self._gateway = gateway
        self._books = books
        self._desk = desk
        self._sender = sender
        self._clock = clock
        self._execution = execution
        self._symbols = tuple(symbols)
        self.seen_client_ids: set[str] = set()  # named by user events: proof that the venue has them

    async def run(self, *, whole_account: bool) -> ReconcileReport:
        """One pass over the traded symbols, or over the whole account.

        Raises
        ------
        TransientError
            The venue did not answer: the pass proves nothing.
        HaltTradingError
            What the venue shows contradicts what is proven.
        """
        await self._look_at_clock()
        events = await self._forget_in_flight()
        venue_orders = await self._gateway.open_orders(None if whole_account else self._watched())
        changed, strangers = await self._match_open(venue_orders)
        more_events, vanished = await self._query_missing(venue_orders)
        events += changed + more_events
        events_unknown, absent = await self._ask_for_unsettled()
        fills, waiting = await self.collect(self._watched())
        more, mismatches = await self._match_positions()
        fills += more
        self._desk.on_account(await self._gateway.account_state())
        resolved, still_unknown = await self._resolve(absent, waiting | set(mismatches))
        foreign = [f"trades of {symbol} that no order of ours made" for symbol in self._books.positions.with_foreign_part()]
        unexplained = (*strangers, *vanished, *mismatches.values(), *foreign)
        return ReconcileReport(events + events_unknown + resolved + len(fills), tuple(fills), unexplained, tuple(still_unknown))

    async def collect(self, symbols: Sequence[str]) -> tuple[list[Fill], set[str]]:
        """Take the venue's new trades in; those that were new, and the symbols with trades whose order is not clear yet."""
        new: list[Fill] = []
        waiting: set[str] = set()
        for symbol in symbols:
            for fill in await self._gateway.trades(symbol, self._books.positions.next_trade_id(symbol)):
                owner, clear = await self._owner(fill)
                if not clear:
                    waiting.add(symbol)
                    break  # trades are taken in order: the rest waits for the next pass
                added = await asyncio.to_thread(self._books.add_fill, fill, owner)
                if added is not None:
                    new.append(added)
        return new, waiting

    async def _owner(self, fill: Fill) -> tuple[StoredOrder | None, bool]:
        """The trade's order, and whether that is certain: a stop that just fired or an UNKNOWN order may have made it."""
        owner = await asyncio.to_thread(self._books.owner, fill)
        if owner is not None:
            return owner, True
        answers = [(await self._sender.refresh(order))[1] for order in self._books.alive(fill.symbol)]
        owner = await asyncio.to_thread(self._books.owner, fill)
        clear = owner is not None or all(answer is QueryResult.FOUND for answer in answers)
        return owner, clear

    async def _look_at_clock(self) -> None:
        before = self._clock.wire_ms()
        server = await self._gateway.server_ms()
        self._desk.on_skew(certain_skew(before, server, self._clock.wire_ms()))

    async def _forget_in_flight(self) -> int:
        """Under the lock nothing is on its way: what says so was cut off by a crash."""
        events = 0
        for order in self._books.unsettled():
            if order.status.state is not OrderState.UNKNOWN:
                event = OrderEvent(EventKind.NO_ANSWER, self._clock.wire_ms(), code="interrupted")
                await asyncio.to_thread(self._books.record, order, event)
                events += 1
        return events

    async def _match_open(self, venue_orders: Sequence[VenueOrder]) -> tuple[int, list[str]]:
        events, strangers = 0, []
        for seen in venue_orders:
            order = await asyncio.to_thread(self._books.find, seen.client_order_id)
            if order is None:
                strangers.append(f"order {seen.symbol} {seen.client_order_id or seen.venue_order_id} is not ours")
                continue
            if seen.conditional != is_conditional(order):
                continue  # what a fired stop became bears the stop's id; it is read with the stop
            _, changed = await asyncio.to_thread(self._books.record, order, observation(seen, self._clock.wire_ms(), "reconcile"))
            events += changed
        return events, strangers

    async def _query_missing(self, venue_orders: Sequence[VenueOrder]) -> tuple[int, list[str]]:
        """Orders that we hold for open and the venue does not list: ask for each.

        One that it acknowledged and now knows nothing of is never marked lost: it stays in the books, counts in every
        limit, and a person hears of it. As a stop it guards nothing any more, so another is placed.
        """
        listed = {seen.client_order_id for seen in venue_orders}
        events, vanished = 0, []
        for order in self._books.alive():
            if order.status.state not in UNSETTLED and order.intent.client_order_id not in listed:
                _, result, changed = await self._sender.refresh(order)
                if result is QueryResult.NO_ANSWER:
                    raise TransientError(f"order {order.intent.client_order_id}: expected an answer, got none")
                if result is QueryResult.NOT_FOUND:
                    vanished.append(order.intent.client_order_id)
                events += changed
        self._books.vanished = frozenset(vanished)
        return events, [f"order {identifier} vanished at the venue" for identifier in vanished]

    async def _ask_for_unsettled(self) -> tuple[int, set[str]]:
        """Ask for each by our id; those that the venue denies. They are counted only when the whole pass was answered."""
        events, absent = 0, set()
        for order in self._books.unsettled():
            _, result, changed = await self._sender.refresh(order)
            events += changed
            if result is QueryResult.NOT_FOUND:
                absent.add(order.intent.client_order_id)
        return events, absent

    async def _match_positions(self) -> tuple[list[Fill], dict[str, str]]:
        """Compare positions; a trade between two reads looks like a mismatch, so look again before believing one."""
        fills: list[Fill] = []
        mismatches: dict[str, str] = {}
        for _ in range(_LOOKS_AT_A_MISMATCH):
            ours = {p.symbol: p.quantity for p in self._books.positions.all()}
            mismatches = position_mismatches(ours, await self._gateway.positions())
            if not mismatches:
                break
            new, _waiting = await self.collect(list(mismatches))
            fills += new
        return fills, mismatches

    async def _resolve(self, absent: set[str], suspicious: set[str]) -> tuple[int, list[str]]:
        """Call UNKNOWN orders not accepted where that is proven.

        The control queries are this pass's reads of open orders, trades, positions and money: had one of them failed,
        the pass would have ended there, and its not-founds would not count.
        """
        events, still = 0, []
        for order in self._books.unsettled():
            identifier, symbol = order.intent.client_order_id, order.intent.request.symbol
            if identifier in absent:
                seen = OrderEvent(EventKind.NOT_FOUND, self._clock.wire_ms())
                order, _ = await asyncio.to_thread(self._books.record, order, seen)
            named = "a user event" if identifier in self.seen_client_ids else None
            evidence = Evidence(
                now_ms=self._clock.wire_ms(), deadline_ms=order.intent.deadline_ms, not_founds=order.status.not_founds,
                not_found_now=identifier in absent, control_worked=True,
                contrary=named or ("a trade or position" if symbol in suspicious else None),
            )
            missing = why_still_unknown(evidence, self._execution)
            if missing is not None:
                still.append(f"{symbol} {identifier}: {missing}")
                continue
            event = OrderEvent(EventKind.PROVEN_ABSENT, self._clock.wire_ms(), message=f"{evidence.not_founds} not-founds")
            _, changed = await asyncio.to_thread(self._books.record, order, event)
            events += changed
        return events, still

    def _watched(self) -> list[str]:
        held = {p.symbol for p in self._books.positions.all() if p.quantity != 0}
        return sorted({*self._symbols, *held, *(o.intent.request.symbol for o in self._books.alive())})
