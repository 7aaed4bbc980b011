"""Volumes that no market has: none where the price moved, more than all markets trade, or unlike the days beside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Quotes whose unit is about a dollar, so that what a market trades has a bound.
DOLLARS = frozenset({"USDT", "USDC", "USD", "FDUSD", "BUSD", "USDE"})
# Nearly all bars of a day that moved.
NEARLY = 0.9
# A ratio within this factor of the price is the price.
NEAR_PRICE = 3.0


def untraded(candles: Candles, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Prices that move where nothing was traded, by day: a mark or index price's bars, lost volumes, or bars filled in."""
    for day in np.unique(candles.ts_ms // DAY_MS):
        one = _untraded(candles.at(candles.ts_ms // DAY_MS == day), settings)
        if one is not None:
            yield one


def of_no_market(part: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether a day trades more dollars a minute than any market did; only where the quote is a dollar."""
    quote = part.symbol.partition("/")[2].partition(":")[0]
    turnover = float(np.median(part.volume * part.close)) if quote in DOLLARS and len(part) else 0.0
    if turnover <= settings.turnover_most:
        return None
    return Diagnosis(
        Fault.VOLUME_UNIT, f"expected volume in base, got {turnover:.3g} {quote} traded in the usual minute, more than any "
        f"market ever did ({settings.turnover_most:.3g}): volume in quote or contracts, or prices in a smaller unit", True,
        ((int(part.ts_ms[0]), int(part.ts_ms[-1])),),
    )


def unlike_the_days_beside(
    candles: Candles, earlier: Candles | None, later: Candles | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Whether the median volume of a minute is far from that of the library's bars on both sides, or of the one side it has.

    With one side only it is a hint: a market may have been born or died there.
    """
    beside = [float(np.median(part.volume)) for part in (earlier, later) if part is not None and len(part) >= HALF_A_DAY]
    own = float(np.median(candles.volume)) if len(candles) >= HALF_A_DAY else 0.0
    if not beside or own <= 0 or min(beside) <= 0:
        return None
    factors = [own / one for one in beside]
    most = settings.volume_jump
    if not (min(factors) > most or max(factors) < 1 / most):
        return None
    price, factor = float(np.median(candles.close)), float(np.exp(np.mean(np.log(factors))))
    unit = "volume in quote" if 1 / NEAR_PRICE < factor / price < NEAR_PRICE else "contracts or another unit"
    sides = "both sides" if len(beside) > 1 else "one side"
    return Diagnosis(
        Fault.VOLUME_UNIT, f"expected volume as the library's on {sides}, got {factor:.3g} times it in the usual minute (price "
        f"{price:.4g}): {unit}", len(beside) > 1, ((int(candles.ts_ms[0]), int(candles.ts_ms[-1])),),
    )


HALF_A_DAY = DAY_MS // MINUTE_MS // 2


def _untraded(part: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    moved = part.high > part.low
    moved[1:] |= (np.diff(part.close) != 0) & (np.diff(part.ts_ms) == MINUTE_MS)
    odd = moved & (part.volume == 0)
    if odd.sum() < settings.fewest_bars:
        return None
    bad = ranges(part.ts_ms[odd])
    told = f"got none in {int(odd.sum())} of {int(moved.sum())} bars whose price moved ({in_words(bad)})"
    if odd.sum() >= NEARLY * moved.sum():
        told += ": left out, or bars of a mark or index price"
        return Diagnosis(Fault.VOLUME_UNIT, f"expected volume in base, {told}", True, bad)
    return Diagnosis(Fault.STALE, f"expected a price that moves by trades, {told}: filled in", True, bad)
