"""The order desk of an account: accepts, finds and cancels its orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from huracan_platform.simulator.exchange import admission, order_rules
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.matching import FIRST_ORDER_ID, Matching
from huracan_platform.simulator.exchange.orders import Conditional, Order, OrderRequest, Status
from huracan_platform.simulator.exchange.triggers import FIRST_ALGO_ID
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Sent = Mapping[str, str]


class OrderDesk:
    """The orders of one account, ordinary and conditional. Each call first lets the market catch up with its clock.

    `refuses_id` is asked for every client order id: the id, whether an open order has it, whether one ever had.
    """

    def __init__(self, venue: Venue, matching: Matching, account: Account) -> None:
        self._venue, self._matching, self.account = venue, matching, account
        self.records = account.records
        self.refuses_id: Callable[[str, bool, bool], bool] = lambda _id, open_now, _ever: open_now

    def place(self, sent: Sent) -> Order:
        """Accept an ordinary order and take it to the market, or refuse it."""
        return self.submit(*self._read(sent))

    def rehearse(self, sent: Sent) -> Order:
        """The order that `place` would accept, or its refusal; without a number, and known to nobody."""
        request, instrument = self._read(sent)
        self._check(request, instrument)
        now = self._matching.cursor_ms
        return Order(0, self.account, instrument, request, now, self._venue.clock.wire_ms(), now)

    def _read(self, sent: Sent) -> tuple[OrderRequest, Instrument]:
        self._matching.advance()
        instrument = self._venue.listed(parameters.text(sent, "symbol")).instrument
        fallback = f"web_{FIRST_ORDER_ID + len(self.records.orders)}"
        return order_rules.read_ordinary(sent, instrument, fallback), instrument

    def _check(self, request: OrderRequest, instrument: Instrument) -> None:
        self._refuse_duplicate(request.client_order_id)
        self.check_market(request, instrument)

    def submit(self, request: OrderRequest, instrument: Instrument) -> Order:
        """Take a request to the market of the present instant, or refuse it."""
        self._check(request, instrument)
        order = self._matching.admit(self.account, request, instrument, self._matching.cursor_ms)
        self._matching.enter(order, order.time_ms)
        return order

    def place_conditional(self, sent: Sent) -> Conditional:
        """Accept a conditional order, or refuse it."""
        self._matching.advance()
        instrument = self._venue.listed(parameters.text(sent, "symbol")).instrument
        fallback = f"web_{FIRST_ALGO_ID + len(self.records.conditionals)}"
        request, trigger, working_type = order_rules.read_conditional(sent, instrument, fallback)
        return self.submit_conditional(request, instrument, trigger, working_type)

    def submit_conditional(self, request: OrderRequest, instrument: Instrument, trigger: int, working_type: str) -> Conditional:
        """Let a request wait for its trigger in ticks, or refuse it."""
        self._venue.trading(instrument.symbol)
        self._refuse_duplicate(request.client_order_id)
        now, wire = self._matching.cursor_ms, self._venue.clock.wire_ms()
        number = next(self._matching.triggers.numbers)
        conditional = Conditional(number, self.account, instrument, request, trigger, working_type, now, wire, now)
        if conditional.fires_at(self._matching.triggers.watched(conditional, self._matching.book(instrument.symbol).last)):
            raise VenueRefusal(-2021, "Order would immediately trigger.")
        waiting = self.waiting(instrument.symbol)
        if request.close_position and any(_same_closing(c.request, request) for c in waiting):
            message = "An open stop or take profit order with GTE and closePosition in the direction is existing."
            raise VenueRefusal(-4130, message)
        if len(waiting) >= instrument.max_conditional_orders:
            raise VenueRefusal(-4045, "Reach max stop order limit.")
        if not request.close_position:
            order_rules.check_notional(request, instrument.price(trigger), instrument)
        self._matching.triggers.wait(conditional)
        return conditional

    def cancel(self, sent: Sent) -> Order:
        """Cancel an open order; -2011 where there is none."""
        self._matching.advance()
        order = self._find(sent, "origClientOrderId")
        if order is None or not order.open:
            raise VenueRefusal(-2011, "Unknown order sent.")
        self.withdraw(order)
        return order

    def cancel_all(self, symbol: str) -> list[Order]:
        """Cancel every open ordinary order of a symbol."""
        self._matching.advance()
        self._venue.listed(symbol)
        orders = self.resting(symbol)
        for order in orders:
            self.withdraw(order)
        return orders

    def cancel_conditional(self, sent: Sent) -> Conditional:
        """Cancel a waiting conditional order; -2011 where there is none."""
        self._matching.advance()
        conditional = self._find_conditional(sent)
        if conditional is None or not conditional.open:
            raise VenueRefusal(-2011, "Unknown order sent.")
        self.withdraw_conditional(conditional)
        return conditional

    def cancel_all_conditional(self, symbol: str) -> list[Conditional]:
        """Cancel every waiting conditional order of a symbol."""
        self._matching.advance()
        self._venue.listed(symbol)
        waiting = self.waiting(symbol)
        for conditional in waiting:
            self.withdraw_conditional(conditional)
        return waiting

    def find(self, sent: Sent) -> Order:
        """An order by orderId or origClientOrderId; -2013 where there is none."""
        self._matching.advance()
        order = self._find(sent, "origClientOrderId")
        if order is None:
            raise VenueRefusal(-2013, "Order does not exist.")
        return order

    def find_conditional(self, sent: Sent) -> Conditional:
        """A conditional order by algoId or clientAlgoId; -2013 where there is none."""
        self._matching.advance()
        conditional = self._find_conditional(sent)
        if conditional is None:
            raise VenueRefusal(-2013, "Order does not exist.")
        return conditional

    def resting(self, symbol: str) -> list[Order]:
        """The account's working orders of a symbol, oldest first."""
        return list(self.records.working_in(symbol).orders.values())

    def waiting(self, symbol: str) -> list[Conditional]:
        """The account's conditional orders of a symbol that wait, oldest first."""
        return list(self.records.working_in(symbol).conditionals.values())

    def available(self) -> Decimal:
        """Margin that is free for new orders, USDT: of the cross wallet, for isolated positions too."""
        return admission.available(self._matching, self.account)

    def order_margin(self, symbol: str) -> Decimal:
        """Margin bound by the resting orders of a symbol, USDT; reduce-only ones bind none."""
        return admission.order_margin(self._matching, self.account, symbol)

    def check_market(self, request: OrderRequest, instrument: Instrument) -> None:
        """Refuse what prices, limits, position or margin do not allow now."""
        self._venue.expect_prices()
        self._venue.trading(instrument.symbol)
        price = admission.reference(self._matching, request, instrument)
        order_rules.check_notional(request, price, instrument)
        if request.reduce_only and self._matching.closable(self.account, instrument.symbol, request.side) == 0:
            raise VenueRefusal(-2022, "ReduceOnly Order is rejected.")
        admission.check(self._matching, self.account, request, instrument, price)
        self._check_time_in_force(request, instrument)

    def _check_time_in_force(self, request: OrderRequest, instrument: Instrument) -> None:
        """GTX must not cross, FOK must fill whole; neither leaves an order behind when it does not."""
        if request.time_in_force == "FOK" and not self._matching.permitted(self.account, request, instrument.symbol):
            raise VenueRefusal(
                -5021, "Due to the order could not be filled immediately, the FOK order has been rejected. "
                "The order will not be recorded in the order history"
            )
        if request.time_in_force == "GTX" and self._matching.book(instrument.symbol).crosses(request.side, request.price):
            raise VenueRefusal(
                -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. "
                "The order will not be recorded in the order history"
            )

    def _refuse_duplicate(self, client_order_id: str) -> None:
        open_now = self.records.is_open(client_order_id)
        if self.refuses_id(client_order_id, open_now, self.records.was_used(client_order_id)):
            raise VenueRefusal(-4116, "ClientOrderId is duplicated.")

    def _find(self, sent: Sent, name: str) -> Order | None:
        symbol, order_id = parameters.text(sent, "symbol"), parameters.integer(sent, "orderId")
        self._venue.listed(symbol)
        if order_id is not None:
            order = self.records.orders.get(order_id)
            return order if order and order.instrument.symbol == symbol else None
        return self.records.named(parameters.text(sent, name), symbol)

    def _find_conditional(self, sent: Sent) -> Conditional | None:
        algo_id = parameters.integer(sent, "algoId")
        if algo_id is not None:
            return self.records.conditionals.get(algo_id)
        return self.records.named_conditional(parameters.text(sent, "clientAlgoId"))

    def withdraw(self, order: Order) -> None:
        """Cancel an order that rests."""
        self._matching.withdraw(order, Status.CANCELED, self._matching.cursor_ms)

    def withdraw_conditional(self, conditional: Conditional) -> None:
        """Cancel a conditional order that waits."""
        self._matching.triggers.cancel(conditional, self._matching.cursor_ms)


def _same_closing(one: OrderRequest, other: OrderRequest) -> bool:
    return one.close_position and one.side is other.side and one.kind == other.kind
