"""1-minute candles with their versions."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Pin


class CandleRepository(FactRepository):
    """Candles of any venue. Prices in quote, volume in base; `ts` is the bar's open."""

    table = FactTable("candles", CANDLE_COLUMNS)

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, Candles]:
        """Bars with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order.

        Empty arrays where there is nothing. `pin` None reads the newest version of everything.
        """
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: Candles(symbol=symbol, **arrays) for symbol, arrays in found.items()}
