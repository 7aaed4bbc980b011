"""What a series of settlements is held against, and what its rates tell of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import FundingRates, Int64, MarkPrices
from huracan_platform.data.market_data.diagnosis.units import GRID, INTEREST_8H, on_grid

# Fewer rates that differ, or are alike, are chance or a correction.
FEWEST_TELLING = 3
# Settlements under which a history says nothing of how often the interest is paid.
FEWEST_OF_HISTORY = 30
# Years of genuine rates leap over the interest now and then: once in 1,641 settlements.
LEAST_LEAPS = 0.01
# Venues that tell 8 decimals and whose premium moves the rate off the interest only where it leaves the clamp around it:
# https://www.binance.com/en/support/faq/360033525031, https://www.bybit.com/en/help-center/article/Funding-Rate-Calculation
OF_THE_FORMULA = frozenset({"binanceusdm", "bybit"})


@dataclass(frozen=True)
class FundingEvidence:
    """One symbol's settlements in time order and what they are held against; empty where there is none.

    `around` are the library's own settlements before and after, `stored` those of the same time, `told` those that the venue
    tells now, `elsewhere` those of other venues by name, `others` those of the venue's other symbols, `marks` the venue's mark
    prices over the time. `venue` is whose rates a file says that it holds, empty where the venue itself delivered them.
    """

    rates: FundingRates
    around: FundingRates
    stored: FundingRates | None = None
    told: FundingRates | None = None
    elsewhere: Mapping[str, FundingRates] = field(default_factory=dict)
    others: Mapping[str, FundingRates] = field(default_factory=dict)
    marks: MarkPrices | None = None
    venue: str = ""

    @property
    def held(self) -> bool:
        """Whether there is anything that says what the rates should be."""
        known = (self.stored, self.told, self.marks, *self.elsewhere.values())
        return any(one is not None and len(one.ts_ms) > 0 for one in known)

    @property
    def of_the_formula(self) -> bool:
        """Whether a file says that it holds rates of a venue that makes them so: known, or seen in the library's around them."""
        return self.venue in OF_THE_FORMULA or (bool(self.venue) and stops_at_interest(self.around))

    @property
    def interest_8h(self) -> float:
        """What the rates return to, a fraction per 8 h: INTEREST_8H, or nothing where they are that more often.

        Some contracts pay no interest, BNB's at Binance among them.
        """
        nothing = sum(int((part.rate == 0).sum()) for part in (self.rates, self.around))
        usual = sum(int(at_interest(part).sum()) for part in (self.rates, self.around))
        return 0.0 if nothing > usual else INTEREST_8H


def telling(rates: FundingRates) -> npt.NDArray[np.bool_]:
    """Rates that are neither the interest, nor nothing, nor a cap: two markets have those by chance."""
    cap = np.array([is_cap(value) for value in rates.rate], bool)
    found: npt.NDArray[np.bool_] = ~at_interest(rates) & (rates.rate != 0) & ~cap
    return found


def at_interest(rates: FundingRates) -> npt.NDArray[np.bool_]:
    """Rates that are the interest itself, of either sign."""
    found: npt.NDArray[np.bool_] = np.isclose(np.abs(rates.rate), INTEREST_8H * rates.interval_h / 8, rtol=1e-6, atol=0)
    return found


def stops_at_interest(rates: FundingRates) -> bool:
    """Whether rates of 8 decimals come to the interest again and again and hardly ever step over it, as a clamp around it makes.

    Of 180 genuine rates 1 at most stepped over it at Binance and Bybit, 99 at venues without a clamp.
    """
    if len(rates) < FEWEST_OF_HISTORY or not on_grid(rates.rate, GRID).all():
        return False
    return len(runs(at_interest(rates))) >= FEWEST_TELLING and len(leaps(rates, INTEREST_8H)) <= LEAST_LEAPS * len(rates)


def leaps(rates: FundingRates, interest_8h: float) -> Int64:
    """Positions of rates on the other side of the interest than the one before, where neither is it."""
    level = interest_8h * rates.interval_h / 8
    side = np.where(np.isclose(np.abs(rates.rate), level, rtol=1e-6, atol=0), 0, np.sign(rates.rate - level))
    return np.flatnonzero(side[1:] * side[:-1] < 0) + 1


def is_cap(value: float) -> bool:
    """Caps are told in whole hundredths of a percent and are far from usual."""
    return abs(value) >= 2.5e-3 and bool(on_grid(np.array([abs(value)]), 5e-5)[0])


def per_8h(rates: FundingRates) -> float:
    """Typical size of a rate, a fraction per 8 h; 0 of none."""
    return float(np.median(np.abs(rates.rate) / rates.interval_h * 8)) if len(rates) else 0.0


def runs(of: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, after the last) of each stretch of True, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], of, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def longest(of: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """(first, after the last) of the longest stretch of True; (0, 0) without one."""
    return max(runs(of), key=lambda run: run[1] - run[0], default=(0, 0))


def spans(ts: Int64, of: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """First and last times of each stretch of True."""
    return tuple((int(ts[a]), int(ts[b - 1])) for a, b in runs(of))
