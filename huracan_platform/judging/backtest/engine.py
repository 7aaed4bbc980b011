"""Event-driven replay of one symbol over its 1-minute bars, deciding with the kernel that trades live.

Every bar is decided at its close by `decision.kernel.decide_bar`, the function the session calls, and what it
decides fills at the open of the next bar: never on the bar that was looked at. The order of events inside a bar:

1. Funding settled up to the bar's open is paid on the position carried into it (longs pay positive rates).
2. The order decided at the previous close fills at the open. Over a hole in the data an entry is dropped and an exit
   waits for the first bar after it: nothing fills where there was no bar.
3. The stop that rests at the venue fires where low or high reaches it, at the stop price, or at the open when that is
   already beyond it. A bar that reaches both barriers counts as stopped.
4. The account is marked at the close, and the bar is decided.

All fills are taker fills: reference price plus half the spread and slippage against us, and the taker fee on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.market import Candles, Float64, FundingRates, Int64
from huracan_platform.decision.costs import CostModel
from huracan_platform.decision.kernel import EXIT, HOLD, decide_bar
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.equity import DailyEquity, HourlyEquity
from huracan_platform.judging.backtest.trades import TRADE_DTYPE, ExitReason, Trades, net_pnl

_NATIVE_STOP, _END_OF_DATA, _RUIN = int(ExitReason.NATIVE_STOP), int(ExitReason.END_OF_DATA), int(ExitReason.RUIN)


@dataclass(frozen=True)
class BacktestResult:
    """What one account on one symbol did. Amounts are in units of starting equity.

    `bars` counts the bars that were decided (all of them, unless the account was ruined), `decisions` those with an
    opinion to weigh.
    """

    symbol: str
    costs: CostModel
    trades: Trades
    hourly: HourlyEquity
    bars: int
    decisions: int

    @property
    def daily(self) -> DailyEquity:
        """Equity at the end of every UTC day."""
        return self.hourly.daily()

    @property
    def net(self) -> float:
        """Final equity less the starting 1.0; equals the sum of the trades' net."""
        return float(net_pnl(self.trades).sum())


@numba.njit(inline="always")
def _enter(
    trade: Any, ts: int, target: float, equity: float, reference: float, decided_close: float, hs: float, slip: float, fee: float
) -> float:
    side = 1.0 if target > 0.0 else -1.0
    quantity = abs(target) * equity / decided_close
    price = reference * (1.0 + side * (hs + slip))
    trade.entry_ms, trade.side, trade.quantity, trade.equity = ts, int(side), quantity, equity
    trade.entry_reference, trade.entry_price = reference, price
    trade.fees, trade.spread, trade.slippage = quantity * price * fee, quantity * reference * hs, quantity * reference * slip
    trade.gross = trade.funding = 0.0
    return side * quantity


@numba.njit(inline="always")
def _leave(trade: Any, ts: int, reference: float, reason: int, hs: float, slip: float, fee: float) -> float:
    price = reference * (1.0 - trade.side * (hs + slip))
    trade.exit_ms, trade.exit_reference, trade.exit_price, trade.reason = ts, reference, price, reason
    trade.gross = trade.side * trade.quantity * (reference - trade.entry_reference)
    trade.fees += trade.quantity * price * fee
    trade.spread += trade.quantity * reference * hs
    trade.slippage += trade.quantity * reference * slip
    net: float = trade.gross - trade.fees - trade.spread - trade.slippage + trade.funding
    return net


@numba.njit(inline="always")
def _mark(trade: Any, close: float) -> float:
    paid = trade.fees + trade.spread + trade.slippage
    value: float = trade.side * trade.quantity * (close - trade.entry_reference) - paid + trade.funding
    return value


# Not cached on disk: numba would not notice a change of the kernel that is compiled in, and replay an old decision.
@numba.njit()
def _replay(
    ts: Int64, open_: Float64, high: Float64, low: Float64, close: Float64, p_up: Float64, sigma: Float64, risk: Float64,
    funding_ts: Int64, funding_rate: Float64, p: tuple[float, ...], hs: float, slip: float, fee: float, trades: Trades,
    hourly: Float64,
) -> tuple[int, int]:
    cash, quantity, stop, take, target, decided_equity = 1.0, 0.0, 0.0, 0.0, 0.0, 1.0
    pending, reason, k, f, i = HOLD, 0, 0, 0, 0
    first_hour = ts[0] // HOUR_MS
    for i in range(len(ts)):
        while f < len(funding_ts) and funding_ts[f] <= ts[i]:
            if quantity != 0.0:
                trades[k].funding -= quantity * open_[i] * funding_rate[f]
            f += 1
        if pending == EXIT:
            cash += _leave(trades[k], ts[i], open_[i], reason, hs, slip, fee)
            quantity, k = 0.0, k + 1
        elif pending != HOLD and ts[i] - ts[i - 1] == MINUTE_MS:
            quantity = _enter(trades[k], ts[i], target, decided_equity, open_[i], close[i - 1], hs, slip, fee)
        if (quantity > 0.0 and low[i] <= stop) or (quantity < 0.0 and high[i] >= stop):
            at = min(open_[i], stop) if quantity > 0.0 else max(open_[i], stop)
            cash += _leave(trades[k], ts[i], at, _NATIVE_STOP, hs, slip, fee)
            quantity, k = 0.0, k + 1
        equity = cash if quantity == 0.0 else cash + _mark(trades[k], close[i])
        hourly[ts[i] // HOUR_MS - first_hour] = equity
        if equity <= 0.0:
            break
        held = (ts[i] + MINUTE_MS - trades[k].entry_ms) // MINUTE_MS if quantity != 0.0 else 0
        pending, reason, target, new_stop, new_take, _ = decide_bar(
            close[i], p_up[i], sigma[i], quantity * close[i] / equity, stop, take, held, risk[i if len(risk) > 1 else 0],
            p[0], p[1], p[2], p[3], int(p[4]), p[5], p[6], p[7],
        )
        if quantity == 0.0 and pending != HOLD:
            stop, take, decided_equity = new_stop, new_take, equity
    if quantity != 0.0:
        cash += _leave(trades[k], ts[i] + MINUTE_MS, close[i], _RUIN if equity <= 0.0 else _END_OF_DATA, hs, slip, fee)
        k += 1
    hourly[ts[i] // HOUR_MS - first_hour] = cash
    return k, i + 1


def run_backtest(
    candles: Candles, funding: FundingRates | None, p_up: Float64, sigma: Float64, parameters: StrategyParameters,
    costs: CostModel, *, risk_multiplier: Float64 | None = None,
) -> BacktestResult:
    """Replay one symbol on an account of its own that starts at equity 1.0.

    Parameters
    ----------
    candles
        Sorted closed 1-minute bars; holes are allowed.
    funding
        Settled rates; None: no funding. A settlement counts at the minute it falls in.
    p_up
        (n,) calibrated probability of up per bar; NaN: no opinion at this bar.
    sigma
        (n,) trailing standard deviation of the horizon's log return per bar.
    parameters
        Kernel parameters; their `round_trip_cost` should be that of `costs`.
    costs
        Fee schedule, half spread and slippage, fractions of notional.
    risk_multiplier
        (n,) what a governor leaves of the size; 0 refuses entries, negative forces exits. None is 1 throughout.

    Raises
    ------
    DataContractError
        Arrays of another length, no bars, unsorted or duplicate bars, prices that are not finite and positive.
    """
    risk = np.ones(1) if risk_multiplier is None else risk_multiplier
    _check(candles, p_up, sigma, None if risk_multiplier is None else risk)
    opinions = int(np.count_nonzero(~np.isnan(p_up)))
    trades = np.zeros(opinions + 1, dtype=TRADE_DTYPE)
    first, last = int(candles.ts_ms[0]) // HOUR_MS, int(candles.ts_ms[-1]) // HOUR_MS
    equity = np.full(last - first + 1, np.nan)
    settled, rates = _settlements(candles, funding)
    q = parameters
    packed = (q.enter_probability, q.min_edge, q.round_trip_cost, q.barrier_sigma, float(q.horizon_bars), q.risk_per_trade,
              q.max_leverage, q.max_stop_distance)
    count, bars = _replay(
        candles.ts_ms, candles.open, candles.high, candles.low, candles.close, p_up, sigma, risk, settled, rates, packed,
        costs.half_spread, costs.slippage, costs.taker_fee, trades, equity,
    )
    hours = np.arange(first, last + 1, dtype=np.int64) * HOUR_MS
    return BacktestResult(candles.symbol, costs, trades[:count], HourlyEquity(hours, _carry(equity)), int(bars), opinions)


def _settlements(candles: Candles, funding: FundingRates | None) -> tuple[Int64, Float64]:
    """Settlement minutes and rates after the first bar's open: what was settled before cannot be ours to pay."""
    if funding is None:
        return np.empty(0, dtype=np.int64), np.empty(0)
    minute = funding.ts_ms // MINUTE_MS * MINUTE_MS
    kept = minute > candles.ts_ms[0]
    return minute[kept], funding.rate[kept]


def _carry(equity: Float64) -> Float64:
    known = np.maximum.accumulate(np.where(np.isnan(equity), 0, np.arange(len(equity))))
    return equity[known]


def _check(candles: Candles, p_up: Float64, sigma: Float64, risk: Float64 | None) -> None:
    n = len(candles)
    name = f"backtest {candles.symbol}"
    if n == 0:
        raise DataContractError(f"{name}: expected at least 1 bar, got 0")
    for label, array in (("p_up", p_up), ("sigma", sigma), ("risk_multiplier", risk)):
        if array is not None and array.shape != (n,):
            raise DataContractError(f"{name}: expected {label} of shape ({n},), got {array.shape}")
    steps = np.diff(candles.ts_ms)
    if n > 1 and steps.min() <= 0:
        at = int(candles.ts_ms[int(steps.argmin()) + 1])
        raise DataContractError(f"{name}: expected bars in rising order without duplicates, got {at} out of order")
    for label in ("open", "high", "low", "close"):
        prices = getattr(candles, label)
        wrong = ~(np.isfinite(prices) & (prices > 0.0))
        if wrong.any():
            at = int(wrong.argmax())
            raise DataContractError(f"{name}: expected finite positive {label}, got {prices[at]} at {int(candles.ts_ms[at])}")
