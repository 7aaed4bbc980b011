"""Places where two series were joined: a bar opens far from the close before, which trading never does."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Candles, Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.settings.diagnosis import DiagnosisSettings


def spliced(
    candles: Candles, settings: DiagnosisSettings, vouched: Int64, earlier: Candles | None, later: Candles | None
) -> list[Diagnosis]:
    """Seams of a symbol's bars in time order, one diagnosis each, also against the library's bars right `earlier` and `later`.

    A stretch of fewer than `fewest_bars` between two seams is a spike and left to the other checks. A seam after a minute
    without trades may be a halt's end, and one that lies in an hour of `vouched` (the venue's own agree there) is the venue's:
    both are uncertain.
    """
    chain = _with_neighbours(candles, earlier, later)
    at, ratio = _seams(chain, settings)
    at = _without_spikes(at, chain.ts_ms, settings.fewest_bars)
    found = []
    for k in at:
        ts = int(chain.ts_ms[k])
        halted = chain.volume[k - 1] == 0
        known = bool(np.isin(ts // _HOUR, vouched)) and bool(np.isin((ts - MINUTE_MS) // _HOUR, vouched))
        bad = ((max(ts, int(candles.ts_ms[0])), int(candles.ts_ms[-1])),) if ts <= candles.ts_ms[-1] else ((ts - MINUTE_MS,) * 2,)
        found.append(Diagnosis(Fault.SPLICED, _told(chain, int(k), float(ratio[k]), settings), not (halted or known), bad))
    return found


_HOUR = 60 * MINUTE_MS
_DAY = 1_440  # bars
# Of the usual move of a minute, by which the jumps to another level and back may differ: they are a minute's moves apart.
_BACK = 4.0


def of_another_level(
    candles: Candles, earlier: Candles | None, later: Candles | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Whether prices jump from the library's at the first bar and back by as much after the last, with no seam between.

    A jump is a seam, or the two are further from the close before, by the range of their bars, than any other bar of a day or
    more: that both ends are so is a chance of one in the square of the bars (genuine: none of 568 ends was, five symbols).
    """
    if earlier is None or later is None or not len(earlier) or not len(later) or len(candles) < settings.fewest_bars:
        return None
    chain = _with_neighbours(candles, earlier, later)
    found, ratio = _seams(chain, settings)
    at = _without_spikes(found, chain.ts_ms, settings.fewest_bars)
    ends = [len(earlier), len(earlier) + len(candles)]
    if at.tolist() != ends and not (len(at) == 0 and _stand_out(ratio, ends)):
        return None
    there, back = (float(np.log(chain.open[k] / chain.close[k - 1])) for k in ends)
    if abs(there + back) > _BACK * float(np.median(np.abs(np.diff(np.log(candles.close))))):
        return None
    factor = float(np.exp(there))
    fault = Fault.SPOT if abs(factor - 1) <= settings.other_market else Fault.PRICE_UNIT
    return Diagnosis(
        fault, f"expected prices on the level of the library's on both sides, got {factor:.6g} times it from the first bar to "
        f"the last ({there * 1e4:+.1f} bps there, {back * 1e4:+.1f} bps back)", True,
        ((int(candles.ts_ms[0]), int(candles.ts_ms[-1])),),
    )


def _stand_out(ratio: Float64, ends: list[int]) -> bool:
    """Whether both ends leap further than every other of the bars, of which there is a day or more."""
    others = np.delete(ratio, ends)
    return len(others) >= _DAY and bool(ratio[ends].min() > others.max())


def _told(chain: Candles, k: int, ratio: float, settings: DiagnosisSettings) -> str:
    gap = float(np.log(chain.open[k] / chain.close[k - 1])) * 1e4
    return (
        f"expected the bar of {to_datetime(int(chain.ts_ms[k])):%Y-%m-%d %H:%M} to open at the close before, "
        f"{chain.close[k - 1]:g}, got {chain.open[k]:g} ({gap:+.1f} bps, {ratio:.1f} times the range of its bars; "
        f"trading leaves less than {settings.seam_ratio:g})"
    )


def _seams(chain: Candles, settings: DiagnosisSettings) -> tuple[Int64, Float64]:
    """Positions of bars that do not open at the close before, and the ratio of every bar (0 for the first)."""
    ratio = np.zeros(len(chain))
    if len(chain) < 2:
        return np.empty(0, np.int64), ratio
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.abs(np.log(chain.open[1:] / chain.close[:-1]))
        width = np.log(chain.high / chain.low)
        moves = np.abs(np.diff(np.log(chain.close)))
        adjacent = np.diff(chain.ts_ms) == MINUTE_MS
        usual = float(np.median(moves[adjacent])) if adjacent.any() else 0.0
        scale = np.maximum(width[1:], width[:-1]) + max(usual, _tick(chain))
        ratio[1:] = np.where(adjacent & np.isfinite(gap) & (scale > 0), gap / scale, 0.0)
    return np.flatnonzero(ratio > settings.seam_ratio), ratio


def _tick(chain: Candles) -> float:
    """A step of the price between neighbouring closes, as a fraction; a quiet market moves by none or one."""
    steps = np.abs(np.diff(chain.close))
    steps = steps[steps > 0]
    return float(steps.min() / np.median(chain.close)) if len(steps) else 0.0


def _without_spikes(at: Int64, ts: Int64, fewest: int) -> Int64:
    """Seams without the pairs around a short stretch."""
    kept: list[int] = []
    for k in at:
        if kept and ts[k] - ts[kept[-1]] < fewest * MINUTE_MS:
            kept.pop()
        else:
            kept.append(int(k))
    return np.array(kept, np.int64)


def _with_neighbours(candles: Candles, earlier: Candles | None, later: Candles | None) -> Candles:
    """The bars with those of the library that lie right before and after."""
    parts = [part for part in (earlier, candles, later) if part is not None and len(part)]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Candles(candles.symbol, **columns)


_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume")
