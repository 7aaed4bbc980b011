"""A venue's own bars: a series without what other venues lent to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.refetched import LentWindow, RefetchedWindows
from huracan_platform.brain.facts.revisions import PinnedSpan, Revisions
from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.data.market_data.gaps import is_refetched, ranges


def read_own(
    brain: Brain, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
) -> dict[str, Candles]:
    """Bars with start_ms ≤ ts < end_ms (ms UTC) by symbol, as `CandleRepository.read`; what was lent at the pin is a hole."""
    ledger, own = RefetchedWindows(brain), {}
    for symbol, bars in CandleRepository(brain).read(venue, symbols, start_ms, end_ms, pin).items():
        lent = ledger.standing(venue, CandleRepository.table.name, symbol, start_ms, end_ms, pin)
        own[symbol] = bars.at(~is_refetched(bars.ts_ms, lent)) if lent else bars
    return own


def changed_own(brain: Brain, venue: str, symbol: str, reads: Sequence[PinnedSpan]) -> list[int]:
    """For each read the number of the venue's own bars that are others now than it saw, as `Revisions.changed_since`.

    A bar that was lent then and is the venue's own now is another one, whatever its values; one that is lent now is none.
    """
    if not reads:
        return []
    table = CandleRepository.table
    first_ms, end_ms = min(read.start_ms for read in reads), max(read.end_ms for read in reads)
    windows = RefetchedWindows(brain).all(venue, table.name, symbol, first_ms, end_ms)
    counts, parts = [0] * len(reads), list(enumerate(reads))
    if windows:
        apart = [_apart(read, windows) for read in reads]
        counts = [replaced for replaced, _ in apart]
        parts = [(number, span) for number, (_, spans) in enumerate(apart) for span in spans]
    found = Revisions(brain, table).changed_since(venue, symbol, [span for _, span in parts])
    for (number, _), count in zip(parts, found, strict=True):
        counts[number] += count
    return counts


def _apart(read: PinnedSpan, windows: Sequence[LentWindow]) -> tuple[int, list[PinnedSpan]]:
    """How many minutes of a read were lent then and are the venue's own now, and the spans that were lent neither time."""
    minutes = np.arange(-(-read.start_ms // MINUTE_MS) * MINUTE_MS, read.end_ms, MINUTE_MS, dtype=np.int64)
    then, now = (
        is_refetched(minutes, [one.window for one in windows if one.stands(pin)]) for pin in (read.pin, Pin())
    )
    kept = ranges(minutes[~then & ~now])
    return int((then & ~now).sum()), [PinnedSpan(first, last + MINUTE_MS, read.pin) for first, last in kept]
