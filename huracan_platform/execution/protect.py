"""The native stop: every position has one stop order at the venue, of its size, at its journalled price."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderIntent, OrderKind, OrderRequest, OrderState, Side
from huracan_platform.contracts.order_life import SendAnswer, SendResult, StoredOrder
from huracan_platform.decision.risk.inputs import CheckOutcome, Purpose
from huracan_platform.decision.risk.sizing import round_stop
from huracan_platform.execution.books import Books
from huracan_platform.execution.incidents import STOP_FAILED, IncidentLog
from huracan_platform.execution.positions import Position
from huracan_platform.execution.risk_desk import OrderContext, RiskDesk
from huracan_platform.execution.sender import TOO_LATE, Sender
from huracan_platform.settings import RiskSettings

PROTECTION = OrderContext("protection")
PASSING_CODES = frozenset({TOO_LATE, "-1003", "-1008", "-1015", "-1021"})  # late or too many requests


@dataclass(frozen=True)
class SubmitResult:
    """What became of a request: denied before anything was written, or an order with the venue's answer."""

    denied: tuple[CheckOutcome, ...]
    order: StoredOrder | None = None
    answer: SendAnswer | None = None

    @property
    def outcome(self) -> str:
        """denied, ack, reject or unknown."""
        return "denied" if self.answer is None else self.answer.result.value


@dataclass(frozen=True)
class StopPlan:
    """What has to be done for one symbol: a stop to place first, then the others to cancel."""

    place: OrderRequest | None
    cancel: tuple[StoredOrder, ...]


def plan_stop(position: Position, stops: list[StoredOrder], price: Decimal | None, instrument: Instrument) -> StopPlan:
    """Compare the position with the stops that stand. Pure.

    The new stop is placed before the old one goes: for a moment there are two reduce-only stops, never none. A price of
    None cancels what stands and places nothing.
    """
    if position.quantity == 0 or price is None:
        return StopPlan(None, tuple(stops))
    side = Side.SELL if position.quantity > 0 else Side.BUY
    wanted = OrderRequest(
        position.symbol, side, OrderKind.STOP_MARKET, abs(position.quantity), True,
        trigger=round_stop(price, instrument.tick_size, side),
    )
    standing = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)
    good = [s for s in stops if _same(s.intent.request, wanted) and s.status.state in standing]
    if good:
        return StopPlan(None, tuple(s for s in stops if s is not good[-1]))
    return StopPlan(wanted, tuple(stops))


def _same(standing: OrderRequest, wanted: OrderRequest) -> bool:
    return (standing.side, standing.quantity, standing.trigger) == (wanted.side, wanted.quantity, wanted.trigger)


def _guards_long(intent: OrderIntent) -> bool:
    # an entry names the stop of the position it makes, a stop order closes the position that it guards
    return (intent.request.side is Side.BUY) == (intent.protect_price is not None)


async def wanted_stop_price(books: Books, position: Position, mark: Decimal | None, max_distance: Decimal) -> Decimal:
    """The journalled price; where none fits the position's side, the widest stop allowed from mark or entry.

    A position that nobody journalled a stop for (a person's order, a lost journal) must not stand without one.
    """
    long = position.quantity > 0
    journalled = await asyncio.to_thread(books.journalled_stop, position.symbol)
    if journalled is not None and _guards_long(journalled[1]) == long:
        return journalled[0]
    base = mark or position.entry_price
    return base * (1 - max_distance if long else 1 + max_distance)


class Submit(Protocol):
    """The engine's checked send."""

    async def __call__(
        self, request: OrderRequest, purpose: Purpose, decision_id: str | None, model_id: str | None, context: OrderContext
    ) -> SubmitResult:
        """As `OrderEngine.submit`, for any purpose, under the engine's lock."""
        ...


class Guard:
    """Keeps every position guarded. The caller holds the engine's lock."""

    def __init__(
        self, books: Books, desk: RiskDesk, sender: Sender, submit: Submit, incidents: IncidentLog, risk: RiskSettings
    ) -> None:
        self._books = books
        self._desk = desk
        self._sender = sender
        self._submit = submit
        self._incidents = incidents
        self._max_distance = Decimal(str(risk.stop_distance_max))

    async def protect_all(self) -> None:
        """Guard every position, and clear the stops of those that are gone."""
        held = {p.symbol for p in self._books.positions.all() if p.quantity != 0}
        for symbol in sorted({*held, *(o.intent.request.symbol for o in self._books.alive())}):
            await self.protect(symbol)

    async def protect(self, symbol: str, price: Decimal | None = None, decision_id: str | None = None) -> None:
        """Bring one symbol's stop in line with its position; None keeps the journalled price.

        Nothing is placed while an order of the symbol is UNKNOWN: it may be the stop itself. A stop that the venue
        refuses (the price is through it already) closes the position at market instead.
        """
        instrument = self._desk.instrument(symbol)
        if instrument is None or any(o.intent.request.symbol == symbol for o in self._books.unsettled()):
            return
        position = self._books.positions.position(symbol)
        if position.quantity != 0 and price is None:
            price = await wanted_stop_price(self._books, position, self._desk.mark(symbol), self._max_distance)
        plan = plan_stop(position, self._books.stops(symbol), price, instrument)
        if plan.place is not None:
            result = await self._submit(plan.place, Purpose.PROTECT, decision_id, None, PROTECTION)
            if result.outcome != SendResult.ACK:
                await self._stop_failed(position, result, decision_id)
                return
        for stop in plan.cancel:
            await self._sender.cancel(stop)

    async def close_position(self, position: Position, decision_id: str | None) -> SubmitResult:
        """A reduce-only market order of the position's size."""
        side = Side.SELL if position.quantity > 0 else Side.BUY
        request = OrderRequest(position.symbol, side, OrderKind.MARKET, abs(position.quantity), True)
        return await self._submit(request, Purpose.FLATTEN, decision_id, None, PROTECTION)

    async def _stop_failed(self, position: Position, result: SubmitResult, decision_id: str | None) -> None:
        if result.outcome == SendResult.UNKNOWN:
            return  # the next poll resolves it, and places a stop if the venue never had this one
        code = result.answer.code if result.answer else ", ".join(outcome.code for outcome in result.denied)
        cause = f"stop of {position.symbol} {result.outcome}: {code}"
        await asyncio.to_thread(self._incidents.report, STOP_FAILED, cause, position.symbol)
        if code in PASSING_CODES:
            return  # refused for the moment it came at, not for what it asks: the next poll places it
        await self.close_position(position, decision_id)
