"""A venue's own bars: a series without what other venues lent to it."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.data.market_data.gaps import is_refetched


def read_own(
    brain: Brain, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
) -> dict[str, Candles]:
    """Bars with start_ms ≤ ts < end_ms (ms UTC) by symbol, as `CandleRepository.read`; what was lent at the pin is a hole."""
    ledger, own = RefetchedWindows(brain), {}
    for symbol, bars in CandleRepository(brain).read(venue, symbols, start_ms, end_ms, pin).items():
        lent = ledger.standing(venue, CandleRepository.table.name, symbol, start_ms, end_ms, pin)
        own[symbol] = bars.at(~is_refetched(bars.ts_ms, lent)) if lent else bars
    return own
