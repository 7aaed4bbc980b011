"""What an account has asked for and what came of it: its orders, conditional orders and fills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from huracan_platform.simulator.exchange.logs import FillLog
from huracan_platform.simulator.exchange.orders import LIQUIDATION, Conditional, Order, Side


@dataclass(eq=False)
class Working:
    """Orders of one account and symbol that rest, by number; `value` what those bind that may add, in ticks × lots, and
    `lots` what is left of all, by side."""

    orders: dict[int, Order] = field(default_factory=dict)
    conditionals: dict[int, Conditional] = field(default_factory=dict)
    value: int = 0
    lots: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))

    def add(self, order: Order) -> None:
        """An order rests."""
        self.orders[order.order_id] = order
        self.shrink(order, -order.remaining)

    def remove(self, order: Order) -> None:
        """It rests no more."""
        del self.orders[order.order_id]
        self.shrink(order, order.remaining)

    def shrink(self, order: Order, lots: int) -> None:
        """A resting order has so many lots less to trade."""
        self.lots[order.request.side] -= lots
        if not order.request.reduce_only:
            self.value -= lots * order.limit


@dataclass(eq=False)
class OrderRecords:
    """Orders by number, fills in the order in which they happened."""

    orders: dict[int, Order] = field(default_factory=dict)
    conditionals: dict[int, Conditional] = field(default_factory=dict)
    fills: FillLog = field(default_factory=FillLog)
    working: dict[str, Working] = field(default_factory=dict)
    _named: dict[str, Order | list[Order]] = field(default_factory=dict)  # alone as nearly always, or all of that name
    _named_conditionals: dict[str, list[Conditional]] = field(default_factory=dict)

    def working_in(self, symbol: str) -> Working:
        """What rests in a symbol."""
        found = self.working.get(symbol)
        if found is None:
            found = self.working[symbol] = Working()
        return found

    def add(self, order: Order) -> None:
        """Keep an order that is accepted."""
        self.orders[order.order_id] = order
        name = order.request.client_order_id
        known = self._named.get(name)
        if known is None:
            self._named[name] = order
        elif isinstance(known, list):
            known.append(order)
        else:
            self._named[name] = [known, order]

    def add_conditional(self, conditional: Conditional) -> None:
        """Keep a conditional order that is accepted."""
        self.conditionals[conditional.algo_id] = conditional
        self._named_conditionals.setdefault(conditional.request.client_order_id, []).append(conditional)

    def named(self, client_order_id: str, symbol: str) -> Order | None:
        """The order of that client id: the open one, else the latest."""
        found = [o for o in self._all_named(client_order_id) if o.instrument.symbol == symbol]
        return max(found, key=lambda o: (o.open, o.order_id), default=None)

    def _all_named(self, client_order_id: str) -> Sequence[Order]:
        found = self._named.get(client_order_id, ())
        return (found,) if isinstance(found, Order) else found

    def named_conditional(self, client_order_id: str) -> Conditional | None:
        """The conditional order of that client id: the open one, else the latest."""
        return max(self._named_conditionals.get(client_order_id, ()), key=lambda c: (c.open, c.algo_id), default=None)

    def is_open(self, client_order_id: str) -> bool:
        """Whether an order or a conditional order of that client id works now."""
        return self.was_used(client_order_id) and (
            any(o.open for o in self._all_named(client_order_id))
            or any(c.open for c in self._named_conditionals.get(client_order_id, ()))
        )

    def was_used(self, client_order_id: str) -> bool:
        """Whether an order or a conditional order ever had that client id."""
        return client_order_id in self._named or client_order_id in self._named_conditionals

    @property
    def accepts(self) -> Counter[str]:
        """How many times an order of each client id was accepted of the client; those that a trigger made are not counted again,
        those of a liquidation not at all."""
        orders = (o.request for o in self.orders.values() if o.algo_id is None and o.request.kind != LIQUIDATION)
        return Counter(r.client_order_id for r in (*orders, *(c.request for c in self.conditionals.values())))
