"""How the fifteen figures of an observation come about, in the replay and in a session alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numba
import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.policy import OBSERVATIONS, RiskObservation
from huracan_platform.errors import DataContractError

RECENT = 20            # closed trades that win rate and profit factor are of
MOST_HOURS = 168       # without a trade; longer is all the same
MOST_PROFIT_FACTOR = 10.0
MINUTES_A_YEAR = 365 * 1440
VOLATILITY_COLUMN = "realised_vol_1440"

# The figures that come from the feature row, in the order of the observation.
MARKET_FIGURES = (
    VOLATILITY_COLUMN, "phase_accumulation", "phase_markup", "phase_distribution", "phase_markdown", "temperature", "entropy",
)


def market_figures(columns: Sequence[str], x: Float64) -> Float64:
    """(m, 7) volatility (annualised), phases, temperature and entropy from feature rows (m, k).

    Raises
    ------
    DataContractError
        A column is missing.
    """
    missing = [name for name in MARKET_FIGURES if name not in columns]
    if missing:
        raise DataContractError(f"risk observation: expected feature columns {MARKET_FIGURES}, got none of {missing}")
    figures: Float64 = x[:, [columns.index(name) for name in MARKET_FIGURES]].copy()
    figures[:, 0] *= math.sqrt(MINUTES_A_YEAR)
    return figures


@numba.njit(cache=True)
def write_observation(
    out: Float64, market: Float64, recent: Float64, trades: int, equity: float, peak: float, leverage: float, is_open: bool,
    losses: float, hours: float,
) -> None:
    """Fill `out` (15,). `recent` holds the net returns of the last trades in any order, `trades` counts all of them."""
    known = min(trades, len(recent))
    wins, gains, lost = 0, 0.0, 0.0
    for k in range(known):
        wins += recent[k] > 0.0
        gains += max(recent[k], 0.0)
        lost -= min(recent[k], 0.0)
    out[0] = max(1.0 - equity / peak, 0.0)
    out[1] = wins / known if known else 0.5
    out[2] = 1.0 if known == 0 else MOST_PROFIT_FACTOR if lost == 0.0 else min(gains / lost, MOST_PROFIT_FACTOR)
    out[3:10] = market
    out[10] = leverage
    out[11] = 1.0 if is_open else 0.0
    out[12] = equity
    out[13] = losses
    out[14] = min(hours, MOST_HOURS)


def observation(
    market: Float64, returns: Sequence[float], *, equity_ratio: float, drawdown: float, leverage: float, is_open: bool,
    hours_since_trade: float,
) -> RiskObservation:
    """A session's observation; `market` (7,) from `market_figures`, `returns` net of the closed trades, oldest first."""
    recent = np.zeros(RECENT)
    newest = list(returns)[-RECENT:]
    recent[: len(newest)] = newest
    losses = next((k for k, r in enumerate(reversed(returns)) if r >= 0.0), len(returns))
    out = np.empty(len(OBSERVATIONS))
    write_observation(out, market, recent, len(newest), equity_ratio, 1.0, leverage, is_open, float(losses), hours_since_trade)
    out[0] = drawdown
    return RiskObservation.of_array(out)
