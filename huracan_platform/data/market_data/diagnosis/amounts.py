"""Open interest, taker volumes and mark prices in another unit, column or time, told by what was traded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64, Int64
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, span_text
from huracan_platform.data.market_data.diagnosis.repeats import shift_fault
from huracan_platform.data.market_data.diagnosis.scale import is_power_of_ten

STEP_MIN = 5
# Rows that can be held against something, under which nothing is named.
FEWEST = 24
# Two amounts are the same one within this: an hour's prices span more than a bar's, sums of trades are exact.
NEAR_PRICE, NEAR_SUM, MOSTLY = 0.05, 1e-3, 0.9
LEAST_PREMIUM, TURNED = 1e-4, 0.2
LONGEST_SHIFT_MIN = 2_880
# A premium index is told by depth and not by the mark price: they are near, not equal.
APART = 2.0
PREMIUM_UNITS = {100.0: "percent", 10_000.0: "basis points"}
# Accounts of a symbol were at most some times as often long as short; a share in percent is far more.
LARGEST_RATIO = 10.0


def wrong_interest(ts: Int64, contracts: Float64, value_usd: Float64, hours: Candles) -> Diagnosis | None:
    """Open interest whose USD per contract is no price of the hour: columns swapped, one of them twice, another unit."""
    hour = ts // HOUR_MS * HOUR_MS
    known = np.isin(hour, hours.ts_ms)
    if known.sum() < FEWEST:
        return None
    price = hours.close[np.searchsorted(hours.ts_ms, hour[known])]
    own = value_usd[known] / contracts[known]
    if _is(own, price, NEAR_PRICE):
        return None
    expected = "expected USD per contract near the hour's prices"
    if _is(1 / own, price, NEAR_PRICE):
        return Diagnosis(
            Fault.COLUMNS_SWAPPED, f"expected contracts, value_usd; got contracts under value_usd, value_usd under contracts in "
            f"{len(ts)} rows", True, span(ts),
        )
    factor = float(np.median(own / price))
    if _is(own, np.ones(len(own)), NEAR_SUM):
        return Diagnosis(Fault.VALUE_UNIT, f"{expected}, got the same amount in both columns, one unit for two", True, span(ts))
    if is_power_of_ten(factor):
        told = f"{expected}, got {factor:.4g} times them: one of the two in another unit"
        return Diagnosis(Fault.VALUE_UNIT, told, True, span(ts))
    return None


def wrong_volumes(ts: Int64, buy: Float64, sell: Float64, candles: Candles) -> Diagnosis | None:
    """Taker volumes that do not add up to what was traded: another unit, or another time."""
    rolled = roll_up(candles, STEP_MIN * MINUTE_MS)
    bars = rolled.candles.at((rolled.minutes == STEP_MIN) & (rolled.candles.volume > 0))
    total = buy + sell
    _, mine, theirs = np.intersect1d(ts, bars.ts_ms, return_indices=True)
    if len(mine) < FEWEST or _is(total[mine], bars.volume[theirs], NEAR_SUM):
        return None
    ratio, price = total[mine] / bars.volume[theirs], bars.close[theirs]
    factor = float(np.median(ratio))
    expected = "expected buy + sell as the candles' volume"
    if _is(ratio, price, NEAR_PRICE):
        return Diagnosis(Fault.VALUE_UNIT, f"{expected}, in base, got {factor:.4g} times it, the price: quote", True, span(ts))
    if is_power_of_ten(factor) and _is(ratio, np.full(len(ratio), factor), NEAR_SUM):
        return Diagnosis(Fault.VALUE_UNIT, f"{expected}, in base, got {factor:.4g} times it: contracts", True, span(ts))
    return _late(ts, total, bars)


def wrong_marks(ts: Int64, mark: Float64, index: Float64, premium: Float64, candles: Candles) -> Diagnosis | None:
    """Mark prices whose premium is not that of mark over index, or whose level is not the trades'."""
    basis = mark / index - 1
    size = float(np.median(np.abs(basis)))
    if len(ts) >= FEWEST and size >= LEAST_PREMIUM:
        factor = float(np.median(premium[basis != 0] / basis[basis != 0])) or LEAST_PREMIUM
        if float(np.median(np.abs(premium + basis))) < TURNED * float(np.median(np.abs(premium - basis))):
            return Diagnosis(
                Fault.COLUMNS_SWAPPED, "expected premium near mark ÷ index − 1, got it with the sign turned round: mark under "
                "index, index under mark, or the premium's sign", True, span(ts),
            )
        unit = next((name for times, name in PREMIUM_UNITS.items() if times / APART < abs(factor) < times * APART), None)
        if unit is not None:
            told = f"expected premium as a fraction, got {unit}: {factor:.3g} times mark ÷ index − 1"
            return Diagnosis(Fault.VALUE_UNIT, told, True, span(ts))
    _, mine, theirs = np.intersect1d(ts, candles.ts_ms, return_indices=True)
    if len(mine) < FEWEST:
        return None
    factor = float(np.median(index[mine] / candles.close[theirs]))
    if not is_power_of_ten(factor):
        return None
    return Diagnosis(Fault.PRICE_UNIT, f"expected an index near the candles, got {factor:.4g} times them", True, span(ts))


def wrong_share(ts: Int64, long_share: Float64) -> Diagnosis | None:
    """Shares of a batch that its contract refused: percent, or the ratio of long to short."""
    usual = float(np.median(long_share)) if len(long_share) else float("nan")
    if not np.isfinite(long_share).all() or not (long_share >= 0).all() or not long_share.max() <= 100:
        return None
    if usual > LARGEST_RATIO:
        return Diagnosis(Fault.VALUE_UNIT, f"expected long_share as a fraction, got percent: median {usual:.3g}", True, span(ts))
    told = f"expected long_share as a fraction of all accounts, got up to {long_share.max():.3g}: long ÷ short"
    return Diagnosis(Fault.VALUE_UNIT, told, True, span(ts)) if long_share.max() > 1 else None


def _late(ts: Int64, total: Float64, bars: Candles) -> Diagnosis | None:
    for lag in range(-LONGEST_SHIFT_MIN, LONGEST_SHIFT_MIN + 1, STEP_MIN):
        _, mine, theirs = np.intersect1d(ts - lag * MINUTE_MS, bars.ts_ms, return_indices=True)
        if len(mine) >= FEWEST and _is(total[mine], bars.volume[theirs], NEAR_SUM):
            # Bars of 5 minutes are stamped at the close when they are 5 minutes late.
            fault = shift_fault(1 if lag == STEP_MIN else lag)
            told = f"that of other times: moved back by {span_text(lag)}, {len(mine)} agree"
            return Diagnosis(fault, f"expected buy + sell as the candles' volume, got {told}", True, span(ts))
    return None


def _is(mine: Float64, theirs: npt.NDArray[np.float64], within: float) -> bool:
    with np.errstate(invalid="ignore"):
        return bool((np.abs(mine - theirs) <= within * np.abs(theirs)).mean() >= MOSTLY)
