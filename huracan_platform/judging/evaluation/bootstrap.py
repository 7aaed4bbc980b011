"""Resampling of dependent observations. The random generator is always passed in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from huracan_platform.contracts.market import Float64, Int64


def stationary_indices(n: int, mean_block: float, rng: np.random.Generator) -> Int64:
    """(n,) indices of one stationary bootstrap draw (Politis & Romano 1994), wrapping around the end.

    Blocks have geometric lengths of mean `mean_block`, so observations stay beside their neighbours.
    """
    if n < 1 or mean_block < 1.0:
        raise ValueError(f"expected n >= 1 and mean block >= 1, got {n} and {mean_block}")
    starts = rng.random(n) < 1.0 / mean_block
    starts[0] = True
    at = np.flatnonzero(starts)
    begin = rng.integers(0, n, len(at))
    block = np.cumsum(starts) - 1
    result: Int64 = (begin[block] + np.arange(n) - at[block]) % n
    return result


def block_permutation(n: int, block: int, rng: np.random.Generator) -> Int64:
    """(n,) permutation that moves whole blocks of neighbours, keeping the order within each."""
    if n < 1 or block < 1:
        raise ValueError(f"expected n >= 1 and block >= 1, got {n} and {block}")
    blocks = np.split(np.arange(n), np.arange(block, n, block))
    result: Int64 = np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
    return result


def bootstrap_interval(
    statistic: Callable[[Int64], float], n: int, mean_block: float, draws: int, rng: np.random.Generator, *,
    coverage: float = 0.90,
) -> tuple[float, float] | None:
    """Percentile interval of `statistic(indices)` under the stationary bootstrap.

    Draws on which the statistic is not finite (no trade of one kind, say) are left out; None where fewer than half
    of them remain.
    """
    values = np.array([statistic(stationary_indices(n, mean_block, rng)) for _ in range(draws)])
    finite = values[np.isfinite(values)]
    if len(finite) < max(draws / 2, 1):
        return None
    low, high = np.quantile(finite, [(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0])
    return float(low), float(high)


def effective_observations(values: Float64, *, least_step: int = 1) -> float:
    """Number of independent observations that carry as much as these dependent ones.

    n / (1 + 2 sum of autocorrelations of the ranks), summed up to the first negative pair (Geyer 1992), and never
    more than n / `least_step` where neighbours overlap by construction (labels over a horizon).
    """
    n = len(values)
    if n < 2:
        return float(n)
    ranks = rankdata(values)
    ranks -= ranks.mean()
    if not ranks.any():
        return float(n)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(ranks, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[: n - n % 2]
    correlation = covariance / covariance[0]
    pairs = correlation[0::2] + correlation[1::2]
    negative = np.flatnonzero(pairs < 0.0)
    last = int(negative[0]) if len(negative) else len(pairs)
    time = max(2.0 * float(pairs[:last].sum()) - 1.0, 1.0)
    return n / max(time, float(least_step))
