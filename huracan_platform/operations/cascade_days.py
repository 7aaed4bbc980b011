"""Days of liquidations as dependents of candles: what was traded decides with whether a minute was in a cascade."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.revisions import PinnedSpan, Revisions
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.liquidation import LiquidationMinutes
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.contracts.revision import Dependent, Standing
from huracan_platform.data.market_data.liquidations.cascades import MinuteSums, find_cascades
from huracan_platform.data.market_data.own_bars import changed_own, read_own
from huracan_platform.settings import LiquidationSettings


def cascade_days(brain: Brain, venue: str, symbol: str, day: date, rule: LiquidationSettings) -> Iterator[Dependent]:
    """The stored days of liquidations that a day's candles decide on: its own, and the next one, into which a cascade may last.

    No day of liquidations has a pin. It is stale where candles are others than when its minutes were last written, and other
    minutes would be in a cascade now. One whose volume the venue was asked for, for want of candles, is made of none.
    """
    start = day_start_ms(day)
    written = Revisions(brain, LiquidationMinuteRepository.table)
    past = start - (1 + rule.trailing_days) * DAY_MS
    end = start + 2 * DAY_MS
    minutes = LiquidationMinuteRepository(brain).read(venue, [symbol], past, end)[symbol]
    candles = read_own(brain, venue, [symbol], past, end)[symbol]
    if not len(candles.of_day(day)):
        return
    would_be = _in_cascade(minutes, candles, past, end, rule)
    for made in (day, day + timedelta(days=1)):
        rows = minutes.of_day(made)
        made_at = written.last_written(venue, symbol, day_start_ms(made), day_start_ms(made) + DAY_MS)
        if made_at is None:
            continue
        (changed,) = changed_own(brain, venue, symbol, [PinnedSpan(start, start + DAY_MS, Pin(None, made_at))])
        differ = (would_be[(rows.ts_ms - past) // MINUTE_MS] != (rows.in_cascade > 0)).any()
        standing = Standing.STALE if changed and differ else Standing.CURRENT
        yield Dependent("liquidation day", f"liquidations {made}", None, made_at, standing, "the volume beside its cascades")


def _in_cascade(
    minutes: LiquidationMinutes, candles: Candles, start_ms: int, end_ms: int, rule: LiquidationSettings
) -> np.ndarray:
    def spread(ts_ms: np.ndarray, values: np.ndarray, otherwise: float) -> np.ndarray:
        found = np.full((end_ms - start_ms) // MINUTE_MS, otherwise)
        found[(ts_ms - start_ms) // MINUTE_MS] = values
        return found

    at = minutes.ts_ms
    return find_cascades(MinuteSums(
        spread(at, minutes.long_count + minutes.short_count, 0.0), spread(at, minutes.long_usd, 0.0),
        spread(at, minutes.short_usd, 0.0), spread(candles.ts_ms, candles.close * candles.volume, np.nan),
        spread(at, minutes.coverage, 0.0),
    ), rule).on
