"""The facts of a symbol in one table, by name."""

from __future__ import annotations

import numpy as np

from huracan_platform.simulator.facts import measures
from huracan_platform.simulator.facts.forced import liquidation_facts
from huracan_platform.simulator.market.bars import F64, FundingHistory, ListedSymbol

USUAL_FUNDING = 1e-4
FORCED = {
    "liquidated of volume": "of_volume", "liquidated of open interest, a day": "of_interest", "liquidations a day": "a_day",
    "longs among the liquidated": "long", "liquidated on the busiest 1 % of days": "busiest_days",
    "median liquidation, usual minutes": "median", "largest liquidation, usual minutes": "largest",
    "sd of log open interest": "interest_sd",
}


def numbers(listed: ListedSymbol) -> dict[str, float]:
    """Facts by name, in the order of the table; nan where the market has not recorded what it takes."""
    return _of_returns(listed) | _of_funding(listed.funding) | _of_liquidations(listed)


def _of_returns(listed: ListedSymbol) -> dict[str, float]:
    r = measures.log_returns(listed)
    absolute = np.abs(r)
    day = np.array([1, 60, measures.MINUTES_PER_DAY])
    lags = dict(zip(("1m", "1h", "1d"), measures.autocorrelation(absolute, day), strict=True))
    found = {"volatility of 1m, a year": float(r.std() * np.sqrt(measures.MINUTES_PER_YEAR))}
    found |= {
        f"excess kurtosis, {name}": measures.excess_kurtosis(measures.log_returns(listed, minutes))
        for name, minutes in measures.HORIZONS.items()
    }
    found |= {
        "tail index (Hill, largest 0.5 %)": measures.hill_index(r),
        "largest minute, in sd": float(absolute.max() / r.std()),
        "autocorrelation of r, 1m": _next(r),
    }
    found |= {f"autocorrelation of |r|, {name}": float(value) for name, value in lags.items()}
    return found | {
        "day's return with the next day's log variance": float(measures.leverage_effect(listed, np.array([1]))[0]),
        "|r| with log volume": measures.volume_volatility(listed),
        "mean range over sd": float(np.log(listed.bars.high / listed.bars.low).mean() / r.std()),
    }


def _of_funding(funding: FundingHistory) -> dict[str, float]:
    bps = funding.rate * 1e4 if len(funding.rate) > 3 else np.full(4, np.nan)
    return {
        "funding mean, bps": float(bps.mean()), "funding sd, bps": float(bps.std()), "funding lowest, bps": float(bps.min()),
        "funding highest, bps": float(bps.max()), "funding autocorrelation, 8h": _next(bps),
        "funding of 1 bp exactly": float((np.abs(bps - USUAL_FUNDING * 1e4) < 1e-5).mean()) if np.isfinite(bps[0]) else np.nan,
    }


def _next(values: F64) -> float:
    """Correlation of each value with the next one."""
    return float(measures.autocorrelation(values, np.array([1]))[0])


def _of_liquidations(listed: ListedSymbol) -> dict[str, float]:
    forced = liquidation_facts(listed)
    return {name: float("nan") if forced is None else float(getattr(forced, field)) for name, field in FORCED.items()}
