"""Write-ahead sending: commit the intent, mark it sent, send once, record the outcome. There is no second try."""

from __future__ import annotations

import asyncio

from huracan_platform.clock import Clock
from huracan_platform.contracts.order import OrderIntent, VenueOrder
from huracan_platform.contracts.order_life import EventKind, OrderEvent, QueryResult, SendAnswer, SendResult, StoredOrder
from huracan_platform.errors import TransientError
from huracan_platform.execution.books import Books, is_conditional
from huracan_platform.execution.lease import LeaseKeeper
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.venues.gateway import OrderGateway

log = get_logger("sender")
TOO_LATE = "deadline"


class Sender:
    """Sends and cancels. The caller holds the engine's lock."""

    def __init__(self, gateway: OrderGateway, books: Books, lease: LeaseKeeper, clock: Clock) -> None:
        self._gateway = gateway
        self._books = books
        self._lease = lease
        self._clock = clock

    async def send(self, draft: OrderIntent, *, protective: bool) -> tuple[StoredOrder, SendAnswer]:
        """Send one order that passed its checks; the order as it stands, and what the venue answered.

        Raises
        ------
        HaltTradingError
            The lease is gone: nothing was sent.

        The deadline never reaches past the lease. A process that stood still after the fence sends nothing any more, and
        what is on its way by then the venue refuses as too late.
        """
        reach(Failpoint.BEFORE_INTENT_COMMIT)
        order = await asyncio.to_thread(self._books.commit, draft, self._lease.lease)
        reach(Failpoint.AFTER_INTENT_COMMIT)
        order, _ = await self._record(order, OrderEvent(EventKind.SENT, self._clock.wire_ms()), fenced=True)
        reach(Failpoint.AFTER_MARK_SENT)
        if self._clock.wire_ms() >= order.intent.deadline_ms or self._lease.remaining_s == 0:
            answer = SendAnswer(SendResult.REJECT, code=TOO_LATE, message="deadline or lease ran out before the order was sent")
        else:
            answer = await self._gateway.send(order.intent)
        reach(Failpoint.AFTER_SEND_BEFORE_ACK_STORED)
        if protective:
            reach(Failpoint.AFTER_STOP_SENT)
        order, _ = await self._record(order, outcome_event(answer, self._clock.wire_ms()))
        reach(Failpoint.AFTER_ACK_STORED)
        return order, answer

    async def cancel(self, order: StoredOrder) -> StoredOrder:
        """Ask for a cancellation and look what became of the order. Not fenced, not kept in by a database that is down."""
        try:
            order, _ = await self._record(order, OrderEvent(EventKind.CANCEL_SENT, self._clock.wire_ms()))
        except TransientError as error:
            log.warning("cancel goes out unwritten", order=order.intent.client_order_id, reason=str(error))
        intent = order.intent
        await self._gateway.cancel(intent.request.symbol, intent.client_order_id, conditional=is_conditional(order))
        reach(Failpoint.DURING_CANCEL)
        order, _, _ = await self.refresh(order)
        return order

    async def refresh(self, order: StoredOrder) -> tuple[StoredOrder, QueryResult, bool]:
        """Ask the venue for one order by our id: the order after it, what the query proved, and whether it changed."""
        intent = order.intent
        answer = await self._gateway.query(intent.request.symbol, intent.client_order_id, conditional=is_conditional(order))
        if answer.order is None:
            return order, answer.result, False
        order, changed = await self._record(order, observation(answer.order, self._clock.wire_ms(), "query"))
        return order, answer.result, changed

    async def _record(self, order: StoredOrder, event: OrderEvent, *, fenced: bool = False) -> tuple[StoredOrder, bool]:
        return await asyncio.to_thread(self._books.record, order, event, self._lease.lease if fenced else None)


def observation(seen: VenueOrder, at_ms: int, source: str) -> OrderEvent:
    """The journal's row for the venue's view of an order."""
    return OrderEvent(
        EventKind.OBSERVED, at_ms, state=seen.state, filled=seen.filled, venue_order_id=seen.venue_order_id,
        triggered_order_id=seen.triggered_order_id, message=source,
    )


def outcome_event(answer: SendAnswer, at_ms: int) -> OrderEvent:
    """The journal's row for the answer to a send."""
    if answer.result is SendResult.ACK and answer.order is not None:
        return observation(answer.order, at_ms, "ack")
    if answer.result is SendResult.REJECT:
        return OrderEvent(EventKind.REJECTED, at_ms, code=answer.code, message=answer.message)
    return OrderEvent(EventKind.NO_ANSWER, at_ms, code=answer.code, message=answer.message)
