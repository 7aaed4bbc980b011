"""Testing by betting (Waudby-Smith & Ramdas 2024, JRSS B 86): is the mean of bounded observations above 0?

Capital of 1 is bet on each next observation, before it is seen. While no observation is expected above 0 given those before
it, capital is a nonnegative supermartingale: by Ville's inequality it ever reaches 1/α with probability α at most, however
often one looks. So a test that looks every hour and stops at 1/α errs in 5 % of versions at α = 0.05, not in 5 % of hours.
"""

from __future__ import annotations

import numpy as np

from huracan_platform.contracts.market import Float64

# Half the capital at most is at stake, so that no observation can ruin it (the c of the paper).
_MOST_AT_STAKE = 0.5
# Spread that is believed before anything was seen, in bounds; also the paper's.
_PRIOR_VARIANCE = 0.25


def betting_capital(values: Float64, bound: float) -> Float64:
    """(n,) capital after each observation, against "no value is expected above 0".

    The bet is a predictable plug-in: the approximate Kelly share μ/(σ² + μ²) of the mean and variance of what was seen
    before, never against the alternative (no negative bets).

    Parameters
    ----------
    values
        (n,) in the order in which they came, none missing.
    bound
        Values count up to ±`bound`; the hypothesis is about the values so clipped.

    Raises
    ------
    ValueError
        A value is not finite, or the bound not positive.
    """
    if not bound > 0.0 or not np.isfinite(values).all():
        raise ValueError(f"expected a positive bound and finite values, got {bound} and {values}")
    scaled = np.clip(values / bound, -1.0, 1.0)
    capital = np.empty(len(values))
    wealth, total, squares, mean, variance = 1.0, 0.0, _PRIOR_VARIANCE, 0.0, _PRIOR_VARIANCE
    for i, value in enumerate(scaled.tolist()):
        share = min(max(mean / (variance + mean * mean), 0.0), _MOST_AT_STAKE)
        wealth *= 1.0 + share * value
        capital[i] = wealth
        total += value
        mean = total / (i + 2)
        squares += (value - mean) ** 2
        variance = squares / (i + 2)
    return capital


def first_rejection(capital: Float64, alpha: float) -> int | None:
    """Index of the first observation after which capital is 1/α or more; None while it never was."""
    reached = np.flatnonzero(capital >= 1.0 / alpha)
    return int(reached[0]) if len(reached) else None


def best_capital(capital: Float64) -> float:
    """The most it ever was: the e-value of a test that stops there; 1 before anything was seen."""
    return float(capital.max()) if len(capital) else 1.0
