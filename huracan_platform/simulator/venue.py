"""The venue itself: its market, clocks and identity, shared by every endpoint."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from huracan_platform.simulator.exchange.book import BookModel
from huracan_platform.simulator.exchange.book_states import BookStates
from huracan_platform.simulator.gaps import Gaps
from huracan_platform.simulator.market.bars import ListedSymbol, Market
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.serving.problems import VenueRefusal, bad_symbol, not_trading
from huracan_platform.simulator.venue_clock import MarketClock


class Venue:
    """Market data of all listed symbols at the present market time.

    `histories` and `books` None: those of the market's own bars. `gaps` what is known to be missing; `outage` why prices
    stand still, "" while they do not.
    """

    def __init__(
        self, market: Market, clock: MarketClock, histories: Mapping[str, SymbolHistory] | None = None,
        books: Mapping[str, BookStates] | None = None,
    ) -> None:
        self.market, self.clock = market, clock
        self.incarnation = str(uuid.uuid4())
        self._histories = histories or {s: SymbolHistory(listed) for s, listed in market.symbols.items()}
        self._books = books or {s: BookModel(history) for s, history in self._histories.items()}
        self.gaps, self.outage = Gaps(), ""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the listed symbols."""
        return tuple(self._histories)

    def history(self, symbol: str) -> SymbolHistory:
        """History of a listed symbol; refuses an unknown one as the venue does."""
        found = self._histories.get(symbol)
        if found is None:
            raise bad_symbol()
        return found

    def book(self, symbol: str) -> BookStates:
        """The market's own book of a listed symbol."""
        return self._books[symbol]

    def expect_prices(self) -> None:
        """Refuse an order while prices stand still: what it would trade at is not known."""
        if self.outage:
            raise VenueRefusal(-1001, "Internal error; unable to process your request. Please try again.", 503)

    def listed(self, symbol: str) -> ListedSymbol:
        """A listed symbol; refuses an unknown one."""
        return self.history(symbol).listed

    def trading(self, symbol: str) -> ListedSymbol:
        """A symbol that can be traded now; refuses one that has not begun or has ended, as the venue does."""
        listed = self.listed(symbol)
        if not listed.trades_at(self.clock.market_ms()):
            raise not_trading()
        return listed

    @property
    def traded(self) -> tuple[str, ...]:
        """Names of the symbols that can be traded now."""
        now = self.clock.market_ms()
        return tuple(s for s, history in self._histories.items() if history.listed.trades_at(now))
