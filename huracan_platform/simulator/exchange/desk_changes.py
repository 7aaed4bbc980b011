"""Changes of working orders: amending one, several at once, and the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from huracan_platform.simulator.exchange import order_rules
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Amendment, Order, Status
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal, invalid, missing
from huracan_platform.simulator.venue import Venue

Sent = Mapping[str, str]
MOST_PLACED_AT_ONCE = 5
MOST_CANCELLED_AT_ONCE = 10
MOST_AMENDMENTS = 10_000


class DeskChanges:
    """Amends, batches and countdowns over one account's desk."""

    def __init__(self, venue: Venue, matching: Matching, desk: OrderDesk) -> None:
        self._venue, self._matching, self._desk = venue, matching, desk
        self.amendments: list[Amendment] = []
        self._cancel_at_wire_ms: dict[str, int] = {}

    def amend(self, sent: Sent) -> Order:
        """Give a working limit order another price and quantity, at the end of the queue of its price.

        One that has already executed as much, or is post-only and would now take, is cancelled instead.
        """
        self._matching.advance()
        order = self._working(sent)
        instrument = order.instrument
        if order_rules.read_side(sent) is not order.request.side:
            raise invalid("side")
        lots = order_rules.read_quantity(sent, instrument, market=False)
        self.change(order, lots, order_rules.read_price(sent, "price", instrument))
        return order

    def change(self, order: Order, lots: int, price: int) -> None:
        """Amend a working limit order to a quantity in lots, executed ones included, and a price in ticks."""
        instrument = order.instrument
        before, after = (order.request.price or 0, order.request.lots), (price, lots)
        if before == after:
            raise VenueRefusal(-5027, "No need to modify the order.")
        count = sum(a.order is order for a in self.amendments) + 1
        if count > MOST_AMENDMENTS:
            raise VenueRefusal(-5026, "Exceed maximum modify order limit.")
        working = self._desk.records.working_in(instrument.symbol)
        working.remove(order)  # so that its own margin is free for it
        try:
            # Checked as if it were new, but for what amending does itself where a post-only order would take.
            rest = replace(order.request, lots=max(1, lots - order.executed), price=price, time_in_force="GTC")
            self._desk.check_market(rest, instrument)
        finally:
            working.add(order)
        self._matching.pull(order)
        order.request = replace(order.request, lots=lots, price=price)
        self.amendments.append(Amendment(len(self.amendments) + 1, order, before, after, self._matching.cursor_ms, count))
        self._enter_again(order)

    def _working(self, sent: Sent) -> Order:
        order = self._desk.find(sent)
        if not order.open:
            raise VenueRefusal(-2013, "Order does not exist.")
        return order

    def _enter_again(self, order: Order) -> None:
        matching, now = self._matching, self._matching.cursor_ms
        takes = matching.book(order.instrument.symbol).crosses(order.request.side, order.request.price)
        if order.remaining <= 0 or (order.request.time_in_force == "GTX" and takes):
            order.request = replace(order.request, lots=max(order.request.lots, order.executed))
            matching.finish(order, Status.CANCELED, now)
            return
        order.update_ms = now
        matching.enter(order, now, execution="AMENDMENT")

    def place_several(self, sent: Sent) -> list[Order | VenueRefusal]:
        """Place up to five orders; each is accepted or refused by itself."""
        return [_tried(self._desk.place, one) for one in _read_batch(sent)]

    def amend_several(self, sent: Sent) -> list[Order | VenueRefusal]:
        """Amend up to five orders, each by itself."""
        return [_tried(self.amend, one) for one in _read_batch(sent)]

    def cancel_several(self, sent: Sent) -> list[Order | VenueRefusal]:
        """Cancel up to ten orders by the venue's or the client's ids, each by itself."""
        symbol, folded = parameters.text(sent, "symbol"), {name.lower(): value for name, value in sent.items()}
        self._venue.listed(symbol)
        for name, field in (("orderIdList", "orderId"), ("origClientOrderIdList", "origClientOrderId")):
            if folded.get(name.lower()):
                keys = _read_list(folded[name.lower()], name, MOST_CANCELLED_AT_ONCE)
                return [_tried(self._desk.cancel, {"symbol": symbol, field: str(key)}) for key in keys]
        raise missing("orderIdList")

    def start_countdown(self, sent: Sent) -> tuple[str, int]:
        """Cancel all ordinary orders of a symbol after so many wall ms unless asked again; 0 calls it off."""
        symbol, countdown = parameters.text(sent, "symbol"), parameters.integer(sent, "countdownTime")
        self._venue.listed(symbol)
        if countdown is None:
            raise missing("countdownTime")
        if countdown < 0:
            raise invalid("countdownTime")
        self.expire_countdowns()
        self._cancel_at_wire_ms.pop(symbol, None)
        if countdown:
            self._cancel_at_wire_ms[symbol] = self._venue.clock.wire_ms() + countdown
        return symbol, countdown

    def expire_countdowns(self) -> None:
        """Cancel the orders of every symbol whose countdown has run out."""
        now = self._venue.clock.wire_ms()
        for symbol in [s for s, at in self._cancel_at_wire_ms.items() if at <= now]:
            del self._cancel_at_wire_ms[symbol]
            self._desk.cancel_all(symbol)


def _tried(act: Callable[[Sent], Order], sent: Sent) -> Order | VenueRefusal:
    try:
        return act(sent)
    except VenueRefusal as refusal:
        return refusal


def _read_list(text: str, name: str, most: int) -> list[object]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid(name) from None
    if not isinstance(values, list) or not values:
        raise invalid(name)
    if len(values) > most:
        raise VenueRefusal(-4082, f"Invalid number of batch orders: expected at most {most}, got {len(values)}.")
    return values


def _read_batch(sent: Sent) -> list[dict[str, str]]:
    """The orders of `batchOrders`, their values as text like those of a single order."""
    orders = _read_list(parameters.text(sent, "batchOrders"), "batchOrders", MOST_PLACED_AT_ONCE)
    if not all(isinstance(order, dict) for order in orders):
        raise invalid("batchOrders")
    return [{k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in order.items()}  # type: ignore[attr-defined]
            for order in orders]
