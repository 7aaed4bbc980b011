"""Higher bars as the library has them: rolled up from its 1-minute candles when they are read, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, to_ms
from huracan_platform.contracts.market import Pin
from huracan_platform.data.market_data.candles.rollup import RolledUp, roll_up
from huracan_platform.errors import PermanentError

BARS: Mapping[str, int] = MappingProxyType(
    {"5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
)


def read_bars(
    brain: Brain, venue: str, symbols: Sequence[str], bar: str, start_ms: int, end_ms: int, *, arrival_delay_ms: int,
    pin: Pin | None = None,
) -> dict[str, RolledUp]:
    """Closed bars that opened in [start_ms, end_ms), ms UTC, by symbol, in time order.

    A bar is closed when its last minute can be known: under a pin with `as_of`, `arrival_delay_ms` after its end; else when the
    library has a candle of its end or later. `minutes` of a bar is less than its length where candles are missing; a bar without
    any is left out. Opens are on whole bars of UTC, a day begins at midnight.

    Parameters
    ----------
    bar : {"5m", "15m", "1h", "4h", "1d"}
    pin
        As in `CandleRepository.read`; None reads the newest version of everything.

    Raises
    ------
    PermanentError
        Another bar.
    """
    if bar not in BARS:
        raise PermanentError(f"bar: expected one of {', '.join(BARS)}, got {bar}")
    length, library = BARS[bar], CandleRepository(brain)
    first, last = -(-start_ms // length) * length, -(-end_ms // length) * length
    found = {}
    for symbol in symbols:
        if pin is not None and pin.as_of is not None:
            until = to_ms(pin.as_of) - arrival_delay_ms
        else:
            bounds = library.bounds(venue, symbol)
            until = first if bounds is None else bounds[1] + MINUTE_MS
        closed = max(first, min(last, until // length * length))
        found[symbol] = roll_up(library.read(venue, [symbol], first, closed, pin)[symbol], length)
    return found
