"""Prices or volumes with more decimals than the symbol's own: another market's, or another unit's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

MOST_DECIMALS = 10
# Of a unit in the last decimal; prices of five digits carry errors of a millionth of that.
_ROUNDING = 1e-4


def finer_tick(
    candles: Candles, earlier: Candles | None, later: Candles | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Closes with more decimals than the library's bars before and after, which a venue that changed its tick would keep.

    With bars on one side only it is a hint.
    """
    beside = [part for part in (earlier, later) if part is not None and len(part) >= settings.fewest_bars]
    if not beside or len(candles) == 0:
        return None
    usual = max(decimals(part.close) for part in beside)
    off = ~_within(candles.close, usual)
    if off.sum() < max(settings.fewest_bars, _tenth(len(candles))):
        return None
    bad = ranges(candles.ts_ms[off])
    span = ((bad[0][0], bad[-1][1]),)
    sides = "both sides" if len(beside) > 1 else "one side"
    return Diagnosis(
        Fault.SPOT, f"expected prices of {usual} decimals as the library's on {sides}, got {int(off.sum())} of {len(candles)} "
        f"closes with {decimals(candles.close)} ({in_words(span)}): another market's", len(beside) > 1, span,
    )


def finer_lot(
    candles: Candles, earlier: Candles | None, later: Candles | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Volumes with more decimals than the library's bars before and after: another market's lots, or quote.

    Of bars of one price, volume in quote is that price times a number of lots. With the library on one side only it is a hint.
    """
    beside = [part for part in (earlier, later) if part is not None and len(part) >= settings.fewest_bars]
    if not beside or len(candles) == 0:
        return None
    usual = max(decimals(part.volume) for part in beside)
    off = ~_within(candles.volume, usual)
    if usual == MOST_DECIMALS or off.sum() < max(settings.fewest_bars, _tenth(len(candles))):
        return None
    single = (candles.high == candles.low) & (candles.volume > 0)
    in_quote = single.sum() >= settings.fewest_bars and _within(candles.volume[single] / candles.close[single], usual).all()
    bad = ranges(candles.ts_ms[off])
    span = ((bad[0][0], bad[-1][1]),)
    sides = "both sides" if len(beside) > 1 else "one side"
    told = f"expected volumes of {usual} decimals as the library's on {sides}, got {int(off.sum())} of {len(candles)} with more"
    if in_quote:
        told += f", whole lots only after division by the price: volume in quote ({in_words(span)})"
        return Diagnosis(Fault.VOLUME_UNIT, told, len(beside) > 1, span)
    return Diagnosis(Fault.SPOT, f"{told} ({in_words(span)}): another market's lots, or another unit", len(beside) > 1, span)


def _tenth(bars: int) -> int:
    """A tenth of the bars: a few odd closes are no other market's."""
    return bars // 10


def decimals(prices: Float64) -> int:
    """The fewest decimals that all prices can be told with."""
    return next((n for n in range(MOST_DECIMALS) if _within(prices, n).all()), MOST_DECIMALS)


def _within(prices: Float64, places: int) -> npt.NDArray[np.bool_]:
    steps = prices * 10.0**places
    within: npt.NDArray[np.bool_] = np.abs(steps - np.rint(steps)) < _ROUNDING
    return within
