"""Matching of the clients' orders against the tape and the public book, in the order in which things happened.

Their orders move no price. A market order walks the book as it stands at the present market instant; a resting
order waits behind the quantity that stood at its price, which trades there and a share of cancels take away; triggers
are looked at on each trade, so that none is missed at any speed of the market clock.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.account import Account
from huracan_platform.simulator.book import BookModel, BookView
from huracan_platform.simulator.instruments import Instrument
from huracan_platform.simulator.liquidation import KIND, Liquidation, liquidate
from huracan_platform.simulator.margin import could_be_liquidated, held, must_be_liquidated
from huracan_platform.simulator.orders import AlgoStatus, Conditional, Fill, Order, OrderRequest, Side, Status
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.window import Step, Window, settlement_at

# Of each lot that trades at a price, another half is taken to be cancelled ahead of the client's order.
CANCEL_SHARE = 0.5


FIRST_ORDER_ID = 8_000_000_001
FIRST_ALGO_ID = 2_000_000_001


class Matching:
    """The working orders of all accounts, advanced along the market clock; `resting` and `waiting` by symbol."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.accounts: list[Account] = []
        self.books: dict[str, BookModel] = {s: BookModel(venue.history(s)) for s in venue.symbols}
        self.resting: dict[str, list[Order]] = {s: [] for s in venue.symbols}
        self.waiting: dict[str, list[Conditional]] = {s: [] for s in venue.symbols}
        self.cursor_ms = venue.clock.market_ms()
        self.liquidations: list[Liquidation] = []
        self._order_ids, self._trade_ids = count(FIRST_ORDER_ID), count(1)
        self.algo_ids = count(FIRST_ALGO_ID)

    def admit(self, account: Account, request: OrderRequest, instrument: Instrument, moment: int) -> Order:
        """Number and record an order that is accepted at a market time."""
        order = Order(next(self._order_ids), account, instrument, request, moment, self._venue.clock.wire_ms(), moment)
        account.records.orders[order.order_id] = order
        return order

    def instrument(self, symbol: str) -> Instrument:
        """What the symbol is."""
        return self._venue.listed(symbol).instrument

    def mark(self, symbol: str) -> Decimal:
        """Mark price of a symbol now, USDT."""
        return self._venue.history(symbol).mark_price(self.cursor_ms)

    def marks(self, account: Account) -> dict[str, Decimal]:
        """Mark prices of all symbols in which an account has or had a position, USDT."""
        return {s: self.mark(s) for s in account.positions}

    def book(self, symbol: str) -> BookView:
        """The public book of a symbol at the cursor."""
        return self.books[symbol].at(self.cursor_ms)

    def advance(self) -> None:
        """Let everything happen that the market clock has reached since the last call."""
        now = self._venue.clock.market_ms()
        while self.cursor_ms < now:
            concerned = self._concerned()
            upto = min(now, (self.cursor_ms // MINUTE_MS + 1) * MINUTE_MS) if concerned else now
            if concerned:
                self._pass(Window(self._venue, self.cursor_ms, upto), concerned)
            self.cursor_ms = upto

    def _concerned(self) -> list[str]:
        """Symbols with an order or a position."""
        taken = {s for account in self.accounts for s in held(account)}
        return [s for s in self._venue.symbols if self.resting[s] or self.waiting[s] or s in taken]

    def _pass(self, window: Window, concerned: list[str]) -> None:
        """Walk through a window, trade by trade where anything could come of it."""
        touched = any(self._touched(s, *window.extremes(s)) for s in concerned)
        settles = any(window.settles(s) for s in concerned)
        risky = [a for a in self.accounts if self._risky(a, window)]
        if not (touched or settles or risky):
            return
        booked = self._booked()
        for step in window.steps(concerned):
            self.cursor_ms = step.moment
            if step.index < 0:
                self._settle(step.symbol, step.moment)
            else:
                self._meet(step)
            if self._booked() != booked:
                booked, risky = self._booked(), [a for a in self.accounts if self._risky(a, window)]
            for account in risky:
                if must_be_liquidated(account, self.marks(account)):
                    liquidate(self, account, step.moment)

    def _booked(self) -> int:
        return sum(len(account.income) for account in self.accounts)

    def _risky(self, account: Account, window: Window) -> bool:
        """Whether the extremes of the window could call for a liquidation."""
        lows, highs = {}, {}
        for symbol in held(account):
            instrument, (low, high) = self.instrument(symbol), window.extremes(symbol)
            lows[symbol], highs[symbol] = instrument.price(low), instrument.price(high)
        return could_be_liquidated(account, lows, highs)

    def _touched(self, symbol: str, low: int, high: int) -> bool:
        resting = any(low <= (o.request.price or 0) if o.request.side is Side.BUY else high >= (o.request.price or 0)
                      for o in self.resting[symbol])
        return resting or any(c.fires_at(low) or c.fires_at(high) for c in self.waiting[symbol])

    def _meet(self, step: Step) -> None:
        """One public trade against everything that waits for it."""
        symbol, tape = step.symbol, self._venue.history(step.symbol).tape(step.row)
        price, lots, bought = int(tape.price[step.index]), int(tape.lots[step.index]), bool(tape.buyer[step.index])
        for conditional in [c for c in self.waiting[symbol] if c.fires_at(price)]:
            self._trigger(conditional, self.books[symbol].at_trade(step.row, step.index), step.moment)
        for order in list(self.resting[symbol]):
            self._meet_trade(order, price, lots, bought, step.moment)

    def _meet_trade(self, order: Order, price: int, lots: int, bought: bool, moment: int) -> None:
        """A public trade against a resting order: through its price fills it, at its price works off the queue first."""
        limit, side = order.request.price, order.request.side
        assert limit is not None
        if (limit - price) * side.sign > 0:
            self.fill(order, limit, order.remaining, moment, maker=True)
        elif price == limit and bought == (side is Side.SELL):
            past_queue = lots - order.queue_ahead
            order.queue_ahead = max(0, order.queue_ahead - int(lots * (1 + CANCEL_SHARE)))
            if past_queue > 0:
                self.fill(order, limit, min(past_queue, order.remaining), moment, maker=True)
        if not order.open:
            self.resting[order.instrument.symbol].remove(order)

    def _trigger(self, conditional: Conditional, book: BookView, moment: int) -> None:
        request, symbol = conditional.request, conditional.instrument.symbol
        self.waiting[symbol].remove(conditional)
        closable = self.closable(conditional.account, symbol, request.side)
        lots = closable if request.close_position else request.lots
        if lots == 0 or (request.reduce_only and closable == 0):
            conditional.status, conditional.update_ms = AlgoStatus.EXPIRED, moment
            conditional.account.listener.conditional_changed(conditional, moment)
            return
        conditional.status = AlgoStatus.TRIGGERED
        conditional.triggered_ms = conditional.update_ms = moment
        conditional.order = self._made_by(conditional, lots, moment)
        conditional.account.listener.conditional_changed(conditional, moment)
        self.enter(conditional.order, book, moment)
        conditional.status = AlgoStatus.FINISHED
        conditional.account.listener.conditional_changed(conditional, moment)

    def _made_by(self, conditional: Conditional, lots: int, moment: int) -> Order:
        """The ordinary order that a trigger makes."""
        kind = "MARKET" if conditional.request.kind.endswith("MARKET") else "LIMIT"
        request = replace(conditional.request, kind=kind, lots=lots)
        order = self.admit(conditional.account, request, conditional.instrument, moment)
        order.algo_id, order.original_kind, order.trigger = conditional.algo_id, conditional.request.kind, conditional.trigger
        return order

    def enter(self, order: Order, book: BookView, moment: int, execution: str = "NEW") -> None:
        """Take an accepted or amended order into the market: match what crosses, rest or expire what is left."""
        order.account.listener.order_changed(order, execution, None, moment)
        for price, lots in crossing(order.request, book):
            if order.remaining == 0 or not order.open:
                break
            self.fill(order, price, min(lots, order.remaining), moment, maker=False)
        if not order.open:
            return
        if order.request.kind == "LIMIT" and order.request.time_in_force in ("GTC", "GTX"):
            order.queue_ahead = _standing(order, book)
            self.resting[order.instrument.symbol].append(order)
        else:
            self.finish(order, Status.EXPIRED, moment)

    def fill(self, order: Order, price: int, lots: int, moment: int, *, maker: bool) -> None:
        """Execute a part of an order; a reduce-only one never beyond the position."""
        account, instrument, side = order.account, order.instrument, order.request.side
        if order.request.reduce_only or order.request.close_position:
            lots = min(lots, self.closable(account, instrument.symbol, side))
            if lots == 0:
                self.finish(order, Status.EXPIRED, moment)
                return
        signed = instrument.quantity(lots) * side.sign
        trade_id = next(self._trade_ids)
        realised, commission = account.apply_fill(
            instrument.symbol, signed, instrument.price(price), maker=maker, market_ms=moment, trade_id=trade_id
        )
        order.executed += lots
        order.value += price * lots
        order.update_ms = moment
        order.status = Status.FILLED if order.remaining == 0 else Status.PARTIALLY_FILLED
        fill = Fill(trade_id, order, price, lots, commission, realised, maker, moment, self._venue.clock.wire_ms())
        account.records.fills.append(fill)
        account.listener.account_changed("ORDER", instrument.symbol, moment)
        account.listener.order_changed(order, "CALCULATED" if order.request.kind == KIND else "TRADE", fill, moment)

    def finish(self, order: Order, status: Status, moment: int) -> None:
        """End an order unfilled or partly filled."""
        order.status, order.update_ms = status, moment
        order.account.listener.order_changed(order, status.value, None, moment)

    def closable(self, account: Account, symbol: str, side: Side) -> int:
        """Lots that an order of this side would take off the account's position."""
        amount = account.position(symbol).amount
        return self._venue.listed(symbol).instrument.lots(abs(amount)) if amount * side.sign < 0 else 0

    def _settle(self, symbol: str, moment: int) -> None:
        """Pay funding where the minute that begins at `moment` is a settlement."""
        listed = self._venue.listed(symbol)
        settlement = settlement_at(listed, moment)
        if settlement is None:
            return
        rate, recorded = settlement
        mark = listed.instrument.price(recorded) if recorded else self._venue.history(symbol).mark_price(moment)
        for account in self.accounts:
            if symbol in account.positions and account.positions[symbol].amount:
                account.apply_funding(symbol, rate, mark, moment)
                account.listener.account_changed("FUNDING_FEE", None, moment)


def crossing(request: OrderRequest, book: BookView) -> list[tuple[int, int]]:
    """Levels (ticks, lots) that an order would trade with at once, best first."""
    buy = request.side is Side.BUY
    ticks, lots = (book.ask_ticks, book.ask_lots) if buy else (book.bid_ticks, book.bid_lots)
    limit = request.price if request.kind == "LIMIT" else None
    reach = len(ticks) if limit is None else int(np.count_nonzero(ticks <= limit if buy else ticks >= limit))
    return [(int(ticks[i]), int(lots[i])) for i in range(reach)]


def _standing(order: Order, book: BookView) -> int:
    """Lots already waiting at the order's price on its own side."""
    ticks, lots = (book.bid_ticks, book.bid_lots) if order.request.side is Side.BUY else (book.ask_ticks, book.ask_lots)
    return int(lots[ticks == order.request.price].sum())
