"""How the market happens to the accounts: settlements, trades, triggers and liquidations in the order of market time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.delisting import delist
from huracan_platform.simulator.exchange.liquidation import liquidate
from huracan_platform.simulator.exchange.margin import held, pools
from huracan_platform.simulator.exchange.window import ENDS, Step, Window, settlement_at
from huracan_platform.simulator.venue import Venue

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.matching import Matching


class Progress:
    """Moves the matching's cursor along the market clock, minute by minute where anything could come of it."""

    def __init__(self, venue: Venue, matching: Matching) -> None:
        self._venue, self._matching = venue, matching

    def advance(self) -> None:
        """Let everything happen that the market clock has reached since the last call."""
        now, matching = self._venue.clock.market_ms(), self._matching
        while matching.cursor_ms < now:
            concerned = self._concerned()
            upto = min(now, (matching.cursor_ms // MINUTE_MS + 1) * MINUTE_MS) if concerned else now
            if concerned:
                self._pass(Window(self._venue, matching.cursor_ms, upto), concerned)
            matching.cursor_ms = upto

    def _concerned(self) -> list[str]:
        """Symbols with an order or a position."""
        matching = self._matching
        taken: set[str] = set()
        for account in matching.accounts:
            if account.positions:
                taken.update(held(account))
        waiting = matching.triggers.waiting
        return [s for s, book in matching.books.items() if s in taken or waiting[s] or not book.idle]

    def _pass(self, window: Window, concerned: list[str]) -> None:
        if not any(window.happens(s) for s in concerned):
            return
        touched = any(self._touched(s, *window.extremes(s)) for s in concerned)
        settles = any(window.settles(s) or window.ends(s) for s in concerned)
        risky = [a for a in self._matching.accounts if self._risky(a, window)]
        if not (touched or settles or risky):
            return
        booked = self._booked()
        for step in window.steps(concerned):
            self._happen(step)
            if self._booked() != booked:
                booked, risky = self._booked(), [a for a in self._matching.accounts if self._risky(a, window)]
            for account in risky:
                liquidate(self._matching, account, step.moment)

    def _happen(self, step: Step) -> None:
        """A settlement, a public trade, or the end of a symbol."""
        matching = self._matching
        matching.cursor_ms = step.moment
        if step.index == ENDS:
            delist(matching, step.symbol, step.moment)
            return
        if step.index < 0:
            self._settle(step.symbol, step.moment)
            return
        tape = self._venue.history(step.symbol).tape(step.row)
        matching.books[step.symbol].follow(step.row, step.index, step.moment)
        price, lots, bought = int(tape.price[step.index]), int(tape.lots[step.index]), bool(tape.buyer[step.index])
        # What rested took part in the trade; an order that it triggers comes after it.
        matching.meet(step.symbol, price, lots, bought=bought, moment=step.moment)
        matching.triggers.fire(step.symbol, price, step.moment)

    def _booked(self) -> int:
        return sum(len(account.income) for account in self._matching.accounts)

    def _risky(self, account: Account, window: Window) -> bool:
        """Whether the extremes of the window could call for a liquidation."""
        lows, highs = {}, {}
        for symbol in held(account):
            instrument, (low, high) = self._matching.instrument(symbol), window.extremes(symbol)
            lows[symbol], highs[symbol] = instrument.price(low), instrument.price(high)
        return any(pool.could_fall_short(lows, highs) for pool in pools(account))

    def _touched(self, symbol: str, low: int, high: int) -> bool:
        return self._matching.books[symbol].within(low, high) or self._matching.triggers.near(symbol, low, high)

    def _settle(self, symbol: str, moment: int) -> None:
        """Pay funding where the minute that begins at `moment` is a settlement."""
        listed = self._venue.listed(symbol)
        settlement = settlement_at(listed, moment)
        if settlement is None:
            return
        rate, recorded = settlement
        mark = listed.instrument.price(recorded) if recorded else self._matching.mark(symbol)
        for account in self._matching.accounts:
            if symbol in account.positions and account.positions[symbol].amount:
                account.apply_funding(symbol, rate, mark, moment)
                account.listener.account_changed("FUNDING_FEE", None, moment)
