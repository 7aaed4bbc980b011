"""A venue in memory for the order engine: a ledger that outlives the engine, and faults on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from huracan_platform.contracts.order import Fill, OrderIntent, OrderKind, OrderState, Side, VenueOrder, VenuePosition
from huracan_platform.contracts.order_life import AccountState, QueryAnswer, QueryResult, SendAnswer, SendResult
from huracan_platform.errors import TransientError
from huracan_platform.venues.gateway import CONDITIONAL_KINDS

FEE = Decimal("0.0005")


@dataclass
class FakeClock:
    """Both clocks, moved by hand."""

    now: int = 1_750_000_000_000

    def wire_ms(self) -> int:
        return self.now

    def market_ms(self) -> int:
        return self.now


@dataclass
class FakeVenue:
    """Implements OrderGateway. Market orders fill at once at `prices`, by `fill_share`; the rest stays open.

    `next_send` holds what happens to coming sends: "swallow" accepts and does not answer, "lose" does neither accept
    nor answer, "late" accepts when `arrive()` is called, "reject", "reduce_only" and "busy" refuse. A client order id is unique
    among open orders only, as at Binance.
    """

    clock: FakeClock
    venue: str = "fake"
    account: str = "k@fake"
    prices: dict[str, Decimal] = field(default_factory=dict)
    fill_share: Decimal = Decimal(1)
    next_send: list[str] = field(default_factory=list)
    down: bool = False
    not_found_while_open: bool = False
    trades_late: bool = False
    failing: str = ""  # a read that does not answer, by its name
    skew_ms: int = 0
    wallet: Decimal = Decimal(100_000)
    accepts: Counter[str] = field(default_factory=Counter)
    sends: list[OrderIntent] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    _late: list[OrderIntent] = field(default_factory=list)
    _last_id: int = 0

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def send(self, intent: OrderIntent) -> SendAnswer:
        self.sends.append(intent)
        mode = self.next_send.pop(0) if self.next_send else "answer"
        if mode == "reject":
            return SendAnswer(SendResult.REJECT, code="-2021")
        if mode == "reduce_only":
            return SendAnswer(SendResult.REJECT, code="-2022")
        if mode == "busy":
            return SendAnswer(SendResult.REJECT, code="-1015")
        if mode == "lose":
            return SendAnswer(SendResult.UNKNOWN, code="RequestTimeout")
        if mode == "late":
            self._late.append(intent)
            return SendAnswer(SendResult.UNKNOWN, code="RequestTimeout")
        order = self._accept(intent)
        return SendAnswer(SendResult.UNKNOWN, code="502") if mode == "swallow" else SendAnswer(SendResult.ACK, order)

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> SendAnswer:
        self.cancels.append(client_order_id)
        if self.down:
            return SendAnswer(SendResult.UNKNOWN, code="RequestTimeout")
        order = self.orders.get(client_order_id)
        if order is None or order.state.terminal:
            return SendAnswer(SendResult.REJECT, code="-2011")
        self.orders[client_order_id] = replace(order, state=OrderState.CANCELED)
        return SendAnswer(SendResult.ACK)

    async def query(self, symbol: str, client_order_id: str, *, conditional: bool) -> QueryAnswer:
        if self.down:
            return QueryAnswer(QueryResult.NO_ANSWER)
        order = self.orders.get(client_order_id)
        if order is None or order.conditional != conditional or self.not_found_while_open:
            return QueryAnswer(QueryResult.NOT_FOUND)
        return QueryAnswer(QueryResult.FOUND, order)

    async def open_orders(self, symbols: Sequence[str] | None) -> list[VenueOrder]:
        self._answer("open_orders")
        return [o for o in self.orders.values() if not o.state.terminal and (symbols is None or o.symbol in symbols)]

    async def positions(self) -> list[VenuePosition]:
        self._answer("positions")
        quantities = self.position_quantities()
        return [VenuePosition(s, q, self.prices[s], self.prices[s], Decimal(0)) for s, q in quantities.items() if q]

    async def trades(self, symbol: str, from_id: int | None) -> list[Fill]:
        self._answer("trades")
        if self.trades_late:
            return []
        return [f for f in self.fills if f.symbol == symbol and int(f.trade_id) >= (from_id or 0)]

    async def account_state(self) -> AccountState:
        self._answer("account_state")
        return AccountState(self.wallet, self.wallet)

    async def server_ms(self) -> int:
        self._answer("server_ms")
        return self.clock.wire_ms() + self.skew_ms

    def position_quantities(self) -> dict[str, Decimal]:
        """Signed quantity by symbol, from the venue's own trades."""
        totals: dict[str, Decimal] = {}
        for fill in self.fills:
            totals[fill.symbol] = totals.get(fill.symbol, Decimal(0)) + fill.side.sign * fill.quantity
        return totals

    def arrive(self) -> None:
        """What was late reaches the matching core now."""
        while self._late:
            self._accept(self._late.pop(0))

    def fire_stop(self, symbol: str) -> None:
        """The mark goes through the newest stop of the symbol."""
        stop = self.stops(symbol)[-1]
        fired = replace(stop, triggered_order_id=self._id())
        self._fill(fired, stop.quantity, fired.triggered_order_id or "")
        self.orders[stop.client_order_id or ""] = replace(fired, state=OrderState.FILLED, filled=stop.quantity)

    def trade_by_hand(self, symbol: str, side: Side, quantity: Decimal) -> None:
        """Somebody trades on the account without us."""
        order = VenueOrder(
            symbol, "by-hand", self._id(), side, OrderKind.MARKET, OrderState.FILLED, quantity, quantity, None, None, False, False
        )
        self._fill(order, quantity, order.venue_order_id)

    def ledger(self) -> dict[str, Any]:
        """The venue's own books, as the simulated venue's ledger writes them."""
        status = {OrderState.OPEN: "NEW", OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED"}
        return {
            "accepts": dict(self.accepts),
            "orders": [
                {
                    "client_order_id": o.client_order_id, "symbol": o.symbol, "conditional": o.conditional, "algo_id": None,
                    "status": status.get(o.state, o.state.value.upper()), "type": o.kind.value.upper(),
                    "side": o.side.value.upper(), "quantity": str(o.quantity), "reduce_only": o.reduce_only,
                }
                for o in self.orders.values()
            ],
            "fills": [
                {
                    "id": f.trade_id, "side": f.side.value.upper(), "qty": str(f.quantity), "price": str(f.price),
                    "commission": str(f.fee),
                }
                for f in self.fills
            ],
            "positions": {symbol: {"amount": str(quantity)} for symbol, quantity in self.position_quantities().items()},
        }

    def stops(self, symbol: str) -> list[VenueOrder]:
        """Open conditional orders of the symbol."""
        return [o for o in self.orders.values() if o.symbol == symbol and o.conditional and not o.state.terminal]

    def _accept(self, intent: OrderIntent) -> VenueOrder:
        request, key = intent.request, intent.client_order_id
        self.accepts[key] += 1
        order = VenueOrder(
            request.symbol, key, self._id(), request.side, request.kind, OrderState.OPEN, request.quantity, Decimal(0),
            request.price, request.trigger, request.reduce_only, request.kind in CONDITIONAL_KINDS,
        )
        if request.kind is OrderKind.MARKET:
            filled = request.quantity * self.fill_share
            self._fill(order, filled, order.venue_order_id)
            state = OrderState.FILLED if filled == request.quantity else OrderState.PARTIALLY_FILLED
            order = replace(order, filled=filled, state=state)
        self.orders[key] = order
        return order

    def _fill(self, order: VenueOrder, quantity: Decimal, venue_order_id: str) -> None:
        price = self.prices[order.symbol]
        self.fills.append(
            Fill(self.venue, self.account, order.symbol, self._id(), None, venue_order_id, order.side, quantity, price,
                 quantity * price * FEE, "USDT", False, self.clock.wire_ms())
        )

    def _id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _answer(self, read: str) -> None:
        if self.down or self.failing == read:
            raise TransientError("fake venue: no answer")
