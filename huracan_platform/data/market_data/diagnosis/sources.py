"""What a delivery can be held against beside what came along: asked only where its own evidence is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.market import Candles, FundingRates, MarkPrices
from huracan_platform.data.sources.mark_prices import MarkPriceSource
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.logs import get_logger

_log = get_logger("market_data.diagnosis")
# Days of the library on either side of funding: 3 settlements a day make a history of 90.
FUNDING_DAYS = 30
# A bad day is no reason to ask a venue about hundreds of symbols.
MOST_ASKED = 20
T = TypeVar("T")


@runtime_checkable
class MarkSource(Protocol):
    """A venue that tells its mark and index prices."""

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
        """Closes of the 5-minute bars that opened in [start_ms, end_ms)."""
        ...


@runtime_checkable
class OtherVenue(Protocol):
    """What is asked of a second venue, and of the first one about its other symbols."""

    def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """The closed 1-hour bars that opened in [start_ms, end_ms)."""
        ...

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        """Rates settled in [start_ms, end_ms)."""
        ...


@dataclass(frozen=True)
class SecondSources:
    """The library, the venue and the other venues, for one ingest. What does not answer is left out."""

    brain: Brain
    venue: str
    market: object
    known_symbols: frozenset[str]
    others: Callable[[], Sequence[tuple[str, OtherVenue]]] = lambda: ()

    def marks(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices | None:
        """The venue's mark and index prices, the library's where the venue tells none; None where neither has some."""
        market = self.market
        told = _answered(partial(market.mark_prices, symbol, start_ms, end_ms)) if isinstance(market, MarkSource) else None
        if told is not None and len(told.ts_ms):
            return told
        rows = SourceRepository(self.brain, MarkPriceSource.contract).read(self.venue, [symbol], start_ms, end_ms)[symbol]
        return MarkPrices(symbol, rows.ts_ms, rows["mark"], rows["index"], rows["premium"]) if len(rows) else None

    def elsewhere(self, symbol: str, start_ms: int, end_ms: int) -> Iterable[tuple[str, Candles]]:
        """Hours of other venues with their names."""
        for name, other in self.others():
            hours = _answered(partial(other.hourly, symbol, start_ms, end_ms))
            if hours is not None and len(hours):
                yield name, hours

    def stored(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """The library's bars of the venue."""
        return CandleRepository(self.brain).read(self.venue, [symbol], start_ms, end_ms)[symbol]

    def other_symbols(self, symbol: str, start_ms: int, end_ms: int) -> Iterable[Candles]:
        """The library's bars of the venue's other symbols, where it has some."""
        others = sorted(self.known_symbols - {symbol})
        held = CandleRepository(self.brain).read(self.venue, others, start_ms, end_ms) if others else {}
        return [bars for bars in held.values() if len(bars)]

    def other_hours(self, symbol: str, start_ms: int, end_ms: int) -> Iterable[Candles]:
        """The venue's hours of its other symbols, of the first `MOST_ASKED`."""
        market = self.market
        if not isinstance(market, OtherVenue):
            return
        for other in sorted(self.known_symbols - {symbol})[:MOST_ASKED]:
            hours = _answered(partial(market.hourly, other, start_ms, end_ms))
            if hours is not None and len(hours):
                yield hours

    def rates_near(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        """The library's settlements of the venue in a window and in the month before and after it."""
        library = FundingRepository(self.brain)
        return library.read(self.venue, [symbol], start_ms - FUNDING_DAYS * DAY_MS, end_ms + FUNDING_DAYS * DAY_MS)[symbol]

    def rates_told(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates | None:
        """What the venue itself tells now; None where it tells none."""
        market = self.market
        if not isinstance(market, OtherVenue):
            return None
        rates = _answered(partial(market.funding, symbol, start_ms, end_ms))
        return rates if rates is not None and len(rates) else None

    def rates_elsewhere(self, symbol: str, start_ms: int, end_ms: int) -> dict[str, FundingRates]:
        """Settlements of the symbol at other venues, by their names."""
        found = {name: _answered(partial(other.funding, symbol, start_ms, end_ms)) for name, other in self.others()}
        return {name: rates for name, rates in found.items() if rates is not None and len(rates)}

    def rates_of_others(self, symbol: str, start_ms: int, end_ms: int) -> dict[str, FundingRates]:
        """The library's settlements of that time of the venue's other symbols."""
        library, others = FundingRepository(self.brain), sorted(self.known_symbols - {symbol})
        found = library.read(self.venue, others, start_ms, end_ms) if others else {}
        return {name: rates for name, rates in found.items() if len(rates)}


def _answered(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (TransientError, PermanentError, DataContractError) as error:
        _log.warning("second source did not answer", error=str(error))
        return None
