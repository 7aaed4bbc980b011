"""Matching of the clients' orders with each other, with the public book and with the tape.

Clients move no price of the market's. A market order walks the book as it stands, by price and then by time; a resting
order is part of it and waits behind the quantity that stood at its price, which trades there and a share of cancels take
away. A trade of the market through its price, or one that would leave the other side's best there, fills it first.
What clients do among themselves is on no public tape: that one is the market's, and adds up to its bars.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import count

from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.liquidation import Liquidation
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.exchange.orders import LIQUIDATION, Fill, Order, OrderRequest, SelfTrade, Side, Status
from huracan_platform.simulator.exchange.progress import Progress
from huracan_platform.simulator.exchange.triggers import Triggers
from huracan_platform.simulator.venue import Venue

# Of each lot that trades at a price, another half is taken to be cancelled ahead of the client's order.
CANCEL_SHARE = 0.5
_UNKNOWN = Decimal("NaN")
FIRST_ORDER_ID = 8_000_000_001


class Matching:
    """The working orders of all accounts, `cursor_ms` the market time that they have reached."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.accounts: list[Account] = []
        self.books = {s: OrderBook(venue.book(s), self.advance) for s in venue.symbols}
        self.triggers = Triggers(self, venue.symbols)
        self.cursor_ms = venue.clock.market_ms()
        self.liquidations: list[Liquidation] = []
        self._marks: dict[str, tuple[int, Decimal]] = {}
        self._order_ids, self._trade_ids = count(FIRST_ORDER_ID), count(1)
        self._progress = Progress(venue, self)

    def advance(self) -> None:
        """Let everything happen that the market clock has reached since the last call."""
        self._progress.advance()

    def instrument(self, symbol: str) -> Instrument:
        """What the symbol is."""
        return self._venue.listed(symbol).instrument

    def mark(self, symbol: str) -> Decimal:
        """Mark price of a symbol now, USDT."""
        seen_ms, mark = self._marks.get(symbol, (-1, _UNKNOWN))
        if seen_ms != self.cursor_ms:
            mark = self._venue.history(symbol).mark_price(self.cursor_ms)
            self._marks[symbol] = (self.cursor_ms, mark)
        return mark

    def marks(self, account: Account) -> dict[str, Decimal]:
        """Mark prices of all symbols in which an account has a position, USDT."""
        return {s: self.mark(s) for s, p in account.positions.items() if p.amount}

    def book(self, symbol: str) -> OrderBook:
        """The book of a symbol at the cursor."""
        return self.books[symbol].seek(self.cursor_ms)

    def admit(self, account: Account, request: OrderRequest, instrument: Instrument, moment: int) -> Order:
        """Number and record an order that is accepted at a market time."""
        order = Order(next(self._order_ids), account, instrument, request, moment, self._venue.clock.wire_ms(), moment)
        account.records.add(order)
        return order

    def enter(self, order: Order, moment: int, execution: str = "NEW") -> None:
        """Take an accepted or amended order into the market: match what crosses, rest or expire what is left."""
        order.account.listener.order_changed(order, execution, None, moment)
        request, book = order.request, self.book(order.instrument.symbol)
        limit = request.price if request.kind == "LIMIT" else None
        if book.crosses(request.side, limit):
            if not self.permitted(order.account, request, order.instrument.symbol):
                self.finish(order, Status.EXPIRED, moment)
                return
            self._take(order, book, limit, moment)
        if not order.open:
            return
        if request.kind == "LIMIT" and request.time_in_force in ("GTC", "GTX"):
            book.add(order)
            order.account.records.working_in(order.instrument.symbol).add(order)
        else:
            self.finish(order, Status.EXPIRED, moment)

    def permitted(self, account: Account, request: OrderRequest, symbol: str) -> bool:
        """Whether its time in force lets a limit order in that would trade: post-only never, fill-or-kill if it is filled."""
        if request.kind != "LIMIT" or request.time_in_force not in ("GTX", "FOK"):
            return True
        return request.time_in_force == "FOK" and self._reach(account, request, symbol) >= request.lots

    def _reach(self, account: Account, request: OrderRequest, symbol: str) -> int:
        """Lots that an order would get at once, up to its own."""
        reached, given = 0, Counter[Account]()
        for _, lots, maker in self.book(symbol).quotes(request.side, request.price):
            if maker is not None:
                if maker.account is account and request.self_trade is not SelfTrade.NONE:
                    if request.self_trade is SelfTrade.EXPIRE_MAKER:
                        continue
                    break
                if maker.request.reduce_only:
                    lots = min(lots, max(0, self.closable(maker.account, symbol, maker.request.side) - given[maker.account]))
                given[maker.account] += lots
            reached += lots
            if reached >= request.lots:
                break
        return reached

    def _take(self, order: Order, book: OrderBook, limit: int | None, moment: int) -> None:
        for price, lots, maker in book.quotes(order.request.side, limit):
            if maker is None:
                taken = self.fill(order, price, lots, moment, maker=False)
                book.took(order.request.side.opposite, price, taken)
            elif not maker.open:
                continue  # ended by what this order has just done
            elif maker.account is order.account and order.request.self_trade is not SelfTrade.NONE:
                self._prevent(order, maker, moment)
            else:
                self._trade(order, maker, price, moment)
            if not order.open:
                return

    def _prevent(self, order: Order, maker: Order, moment: int) -> None:
        """Expire one or both of two orders of the same account, as the incoming one wants it."""
        if order.request.self_trade is not SelfTrade.EXPIRE_TAKER:
            self.withdraw(maker, Status.EXPIRED, moment)
        if order.request.self_trade is not SelfTrade.EXPIRE_MAKER:
            self.finish(order, Status.EXPIRED, moment)

    def _trade(self, order: Order, maker: Order, price: int, moment: int) -> None:
        """Two clients' orders meet: one trade, told to the one who waited first."""
        lots = min(self._fillable(order), self._fillable(maker))
        if lots == 0:
            unable = maker if self._fillable(maker) == 0 else order
            self._expire_reducing(unable, moment)
            return
        trade_id = next(self._trade_ids)
        self._execute(maker, price, lots, moment, trade_id, maker=True)
        self._execute(order, price, lots, moment, trade_id, maker=False)

    def fill(self, order: Order, price: int, lots: int, moment: int, *, maker: bool) -> int:
        """Let an order trade with the market, a reduce-only one never beyond the position; how many lots it got."""
        lots = min(lots, self._fillable(order))
        if lots == 0:
            self._expire_reducing(order, moment)
        else:
            self._execute(order, price, lots, moment, next(self._trade_ids), maker=maker)
        return lots

    def _fillable(self, order: Order) -> int:
        request = order.request
        if not (request.reduce_only or request.close_position):
            return order.remaining
        return min(order.remaining, self.closable(order.account, order.instrument.symbol, request.side))

    def _execute(self, order: Order, price: int, lots: int, moment: int, trade_id: int, *, maker: bool) -> None:
        """Book an execution of an order, and take it out of the book where it is done."""
        account, instrument, side = order.account, order.instrument, order.request.side
        before = account.position(instrument.symbol).amount
        realised, commission = account.apply_fill(
            instrument.symbol, instrument.quantity(lots) * side.sign, instrument.price(price), maker=maker, market_ms=moment,
            trade_id=trade_id,
        )
        if maker:
            account.records.working_in(instrument.symbol).shrink(order, lots)
            self.books[instrument.symbol].touch(order)
        order.executed += lots
        order.value += price * lots
        order.update_ms = moment
        order.status = Status.FILLED if order.remaining == 0 else Status.PARTIALLY_FILLED
        if maker and not order.open:
            self.pull(order)
        fill = Fill(trade_id, order, price, lots, commission, realised, maker, moment, self._venue.clock.wire_ms())
        account.records.fills.add(fill)
        account.listener.account_changed("ORDER", instrument.symbol, moment)
        account.listener.order_changed(order, "CALCULATED" if order.request.kind == LIQUIDATION else "TRADE", fill, moment)
        if before and before * account.position(instrument.symbol).amount <= 0:
            self._end_reducing(account, instrument.symbol, moment)
        if order.open and self._fillable(order) == 0:
            self._expire_reducing(order, moment)

    def _end_reducing(self, account: Account, symbol: str, moment: int) -> None:
        """A position has been closed or turned: end the resting orders that could only reduce what there was."""
        for resting in list(account.records.working_in(symbol).orders.values()):
            if self._fillable(resting) == 0:
                self.withdraw(resting, Status.EXPIRED, moment)

    def _expire_reducing(self, order: Order, moment: int) -> None:
        """End an order that may only reduce a position, of which nothing is left."""
        if order.order_id in order.account.records.working_in(order.instrument.symbol).orders:
            self.withdraw(order, Status.EXPIRED, moment)
        else:
            self.finish(order, Status.EXPIRED, moment)

    def finish(self, order: Order, status: Status, moment: int) -> None:
        """End an order that does not rest, unfilled or partly filled."""
        order.status, order.update_ms = status, moment
        order.account.listener.order_changed(order, status.value, None, moment)

    def withdraw(self, order: Order, status: Status, moment: int) -> None:
        """End a resting order."""
        self.pull(order)
        self.finish(order, status, moment)

    def pull(self, order: Order) -> None:
        """Take a resting order out of the book, to be ended or put back."""
        order.account.records.working_in(order.instrument.symbol).remove(order)
        self.books[order.instrument.symbol].remove(order)

    def closable(self, account: Account, symbol: str, side: Side) -> int:
        """Lots that an order of this side would take off the account's position."""
        position = account.positions.get(symbol)
        if position is None or position.amount * side.sign >= 0:
            return 0
        return self._venue.listed(symbol).instrument.lots(abs(position.amount))

    def meet(self, symbol: str, price: int, lots: int, *, bought: bool, moment: int) -> None:
        """A public trade against the clients' orders in the book, the best price first."""
        book = self.books[symbol]
        for side, queue in book.queues.items():
            # A buyer's trade leaves the best ask at its price, a seller's the best bid: what waits there is filled before.
            locks = bought == (side is Side.BUY)
            while (best := queue.best) is not None and ((best - price) * side.sign > 0 or (best == price and locks)):
                for order in queue.at(best):
                    if order.open:
                        self.fill(order, best, order.remaining, moment, maker=True)
            if queue.best == price:
                self._share(queue.at(price), price, lots, moment)

    def _share(self, orders: list[Order], price: int, lots: int, moment: int) -> None:
        """A public trade at a price of the book works off the queue and fills who is next."""
        for order in orders:
            past_queue = lots - order.queue_ahead
            order.queue_ahead = max(0, order.queue_ahead - int(lots * (1 + CANCEL_SHARE)))
            if past_queue > 0 and order.open:
                lots -= self.fill(order, price, past_queue, moment, maker=True)
