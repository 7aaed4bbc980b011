"""Our own books: live orders and positions in memory, every change journalled before it is believed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.brain.execution.orders import OrderRepository
from huracan_platform.clock import Clock
from huracan_platform.contracts.order import Fill, OrderIntent, OrderKind, OrderState
from huracan_platform.contracts.order_life import EventKind, Lease, OrderEvent, StoredOrder
from huracan_platform.execution.ids import client_order_id
from huracan_platform.execution.order_life import UNSETTLED, apply_event, new_status
from huracan_platform.execution.positions import PositionBook
from huracan_platform.venues.gateway import CONDITIONAL_KINDS


class Books:
    """Orders, fills and positions of one account. Calls are short and synchronous; the engine lets one in at a time."""

    def __init__(self, orders: OrderRepository, fills: FillRepository, clock: Clock) -> None:
        self._orders = orders
        self._fills = fills
        self._clock = clock
        self._alive: dict[str, StoredOrder] = {}
        self.positions = PositionBook()
        self.trades_to_come: set[str] = set()  # orders that the venue showed more filled than by the trades it gave us
        self.vanished: frozenset[str] = frozenset()  # acknowledged orders that the venue denied at the last pass

    def load(self) -> None:
        """Read everything anew from the database."""
        self._alive = {order.intent.client_order_id: order for order in self._orders.alive()}
        self.positions = PositionBook(self._fills.all())

    def alive(self, symbol: str | None = None) -> list[StoredOrder]:
        """Orders that are not in a terminal state, oldest first."""
        return [o for o in list(self._alive.values()) if symbol in (None, o.intent.request.symbol)]

    def unsettled(self) -> list[StoredOrder]:
        """Orders of which it is not known whether the venue has them."""
        return [order for order in self.alive() if order.status.state in UNSETTLED]

    def stops(self, symbol: str) -> list[StoredOrder]:
        """The symbol's live protective orders."""
        candidates = [o for o in self.alive(symbol) if o.intent.client_order_id not in self.vanished]
        return [o for o in candidates if o.intent.request.kind is OrderKind.STOP_MARKET and o.intent.request.reduce_only]

    def find(self, client_order_id: str | None) -> StoredOrder | None:
        """Our order of that id, alive or not."""
        if client_order_id is None:
            return None
        return self._alive.get(client_order_id) or self._orders.by_client_order_id(client_order_id)

    def commit(self, draft: OrderIntent, lease: Lease) -> StoredOrder:
        """Write an intent ahead; its id, client order id and epoch are given here."""

        def make(installation: str, sequence: int) -> OrderIntent:
            identifier = client_order_id(installation, draft.account, draft.strategy, sequence)
            return replace(draft, intent_id=sequence, client_order_id=identifier, epoch=lease.epoch)

        intent = self._orders.commit_intent(make, lease, draft.created_ms)
        stored = StoredOrder(intent, new_status(intent.request.quantity))
        self._alive[intent.client_order_id] = stored
        return stored

    def record(self, order: StoredOrder, event: OrderEvent, lease: Lease | None = None) -> tuple[StoredOrder, bool]:
        """Journal an event that changes the order; the order after it and whether anything changed.

        Raises
        ------
        HaltTradingError
            The event contradicts what is proven, or the lease is gone.
        """
        after = apply_event(order.status, event)
        if after == order.status:
            return order, False
        self._orders.append(order.intent.intent_id, event, after, lease)
        stored = replace(order, status=after)
        if after.filled > order.status.filled:
            self.trades_to_come.add(order.intent.client_order_id)
        if after.state.terminal:
            self._alive.pop(order.intent.client_order_id, None)
        else:
            self._alive[order.intent.client_order_id] = stored
        return stored, True

    def owner(self, fill: Fill) -> StoredOrder | None:
        """The order of ours that a venue's trade belongs to."""
        return self._orders.by_venue_order_id(fill.symbol, fill.venue_order_id)

    def add_fill(self, fill: Fill, owner: StoredOrder | None) -> Fill | None:
        """Store a trade and move the position; the fill with our id on it, None when it was known already.

        The order's own filled quantity follows from the sum of its trades, whatever the venue's order view lags behind.
        """
        fill = replace(fill, client_order_id=owner.intent.client_order_id if owner else None)
        new = self._fills.record([(fill, owner.intent.intent_id if owner else None)], self._clock.wire_ms())
        self.positions.add(new)
        if owner is not None and new:
            self._follow_fills(owner)
        return new[0] if new else None

    def journalled_stop(self, symbol: str) -> tuple[Decimal, OrderIntent] | None:
        """The stop price last committed for the symbol, and the intent that named it."""
        return self._orders.protect_prices().get(symbol)

    def _follow_fills(self, owner: StoredOrder) -> None:
        current = self._alive.get(owner.intent.client_order_id, owner)
        total = self._fills.filled(owner.intent.intent_id)
        if total > current.status.filled:
            event = OrderEvent(EventKind.OBSERVED, self._clock.wire_ms(), state=OrderState.OPEN, filled=total, message="trades")
            current, _ = self.record(current, event)
        if total == current.status.filled:
            self.trades_to_come.discard(owner.intent.client_order_id)


def is_conditional(order: StoredOrder) -> bool:
    """Whether the venue holds the order in its trigger book."""
    return order.intent.request.kind in CONDITIONAL_KINDS
