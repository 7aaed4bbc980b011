"""Settled funding rates with their versions."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.contracts.market import FundingRates, Pin


class FundingRepository(FactRepository):
    """Funding of any venue. `rate` is a fraction per interval of `interval_h` hours; `ts` is the settlement."""

    table = FactTable("funding_rates", ("rate", "interval_h"))

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, FundingRates]:
        """Settlements with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order.

        Empty arrays where there is nothing. `pin` None reads the newest version of everything.
        """
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: FundingRates(symbol=symbol, **arrays) for symbol, arrays in found.items()}
