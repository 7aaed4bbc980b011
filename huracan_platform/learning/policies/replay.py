"""The decisions of one model version replayed under a policy, a decision bar at a time.

The account is the backtest's: the same compiled decision, fills at the next bar's open, a stop that fires inside the bar,
funding, and all costs. What a policy sets at a decision bar holds for what is decided there; a position keeps the stop it
was entered with. The probabilities are out of sample, so no policy is trained on what its model had learnt by heart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.market import Candles, Float64, FundingRates, Int64
from huracan_platform.contracts.policy import OBSERVATIONS, RiskObservation, RiskParameters, RiskPolicy
from huracan_platform.decision.costs import CostModel
from huracan_platform.decision.kernel import EXIT, HOLD, decide_bar
from huracan_platform.decision.risk.policy import limited
from huracan_platform.errors import DataContractError
from huracan_platform.learning.policies.observation import MARKET_FIGURES, MOST_HOURS, RECENT, write_observation
from huracan_platform.settings import RiskPolicySettings

# The account between two decision bars.
(CASH, QUANTITY, ENTRY, STOP, TAKE, ENTRY_MS, EQUITY, AT_ENTRY, PEAK, LOSSES, TRADES, TRADED_MS, LEVERAGE, TURNOVER) = range(14)
FIELDS = 14

LEAST_EQUITY = 1e-4  # of a ruined account, so that its logarithm is a number


@dataclass(frozen=True)
class ReplayData:
    """Decision rows of one symbol in time order (m) over its minute bars (n).

    `ts_ms` (m,) opens of the decision bars, `bar` (m,) their positions among the bars, `p_up` and `sigma` (m,) as the decision
    gets them, `market` (m, 7) the figures of `MARKET_FIGURES`; `funding` (n,) the rate settled at each bar's open.
    """

    symbol: str
    ts_ms: Int64
    bar: Int64
    p_up: Float64
    sigma: Float64
    market: Float64
    candles: Candles
    funding: Float64
    parameters: StrategyParameters
    costs: CostModel

    def __len__(self) -> int:
        return len(self.ts_ms)

    def rows(self, first: int, end: int) -> ReplayData:
        """The rows [first, end) over the same bars."""
        parts = {name: getattr(self, name)[first:end] for name in ("ts_ms", "bar", "p_up", "sigma", "market")}
        return replace(self, **parts)


def replay_data(
    candles: Candles, funding: FundingRates | None, ts_ms: Int64, p_up: Float64, sigma: Float64, market: Float64,
    parameters: StrategyParameters, costs: CostModel,
) -> ReplayData:
    """Join decision rows with their bars; fields as in `ReplayData`.

    Raises
    ------
    DataContractError
        Fewer than two rows, a row without its bar, or market figures of another shape.
    """
    name = f"policy replay {candles.symbol}"
    if len(ts_ms) < 2:
        raise DataContractError(f"{name}: expected at least 2 decision rows, got {len(ts_ms)}")
    if market.shape != (len(ts_ms), len(MARKET_FIGURES)):
        raise DataContractError(f"{name}: expected market figures {(len(ts_ms), len(MARKET_FIGURES))}, got {market.shape}")
    bar = np.minimum(np.searchsorted(candles.ts_ms, ts_ms), len(candles) - 1)
    missing = candles.ts_ms[bar] != ts_ms
    if missing.any():
        raise DataContractError(f"{name}: expected a bar for every row, got none at {int(ts_ms[missing][0])}")
    settled = np.zeros(len(candles))
    if funding is not None:
        at = np.searchsorted(candles.ts_ms, funding.ts_ms // MINUTE_MS * MINUTE_MS)
        np.add.at(settled, at[at < len(candles)], funding.rate[at < len(candles)])
    return ReplayData(candles.symbol, ts_ms, bar, p_up, sigma, market, candles, settled, parameters, costs)


class Account:
    """One account on a replay, from equity 1.0 at row `first` on. Reused with `begin`."""

    def __init__(self, data: ReplayData, settings: RiskPolicySettings) -> None:
        p, costs, bars = data.parameters, data.costs, data.candles
        self.data = data
        self._leverage = settings.max_leverage
        self._packed = (
            p.enter_probability, p.min_edge, p.round_trip_cost, p.barrier_sigma, float(p.horizon_bars), p.risk_per_trade,
            p.max_leverage, p.max_stop_distance, costs.half_spread + costs.slippage, costs.taker_fee,
        )
        self._bars = (bars.ts_ms, bars.open, bars.high, bars.low, bars.close, data.funding)
        self._figures = np.empty(len(OBSERVATIONS))
        self.begin(0)

    def begin(self, first: int) -> None:
        """A fresh account at row `first`."""
        self.first = self.row = first
        self.state = np.zeros(FIELDS)
        self.recent = np.zeros(RECENT)
        self.state[[CASH, EQUITY, PEAK]] = 1.0
        self.state[LEVERAGE] = self._leverage
        self.state[TRADED_MS] = self.data.ts_ms[first] - MOST_HOURS * HOUR_MS

    def observe(self) -> Float64:
        """(15,) the figures of `RiskObservation` at the present row; a view that the next call overwrites."""
        s, row = self.state, self.row
        hours = (self.data.ts_ms[row] + MINUTE_MS - s[TRADED_MS]) / HOUR_MS
        write_observation(
            self._figures, self.data.market[row], self.recent, int(s[TRADES]), s[EQUITY], s[PEAK], s[LEVERAGE],
            s[QUANTITY] != 0.0, s[LOSSES], hours,
        )
        return self._figures

    @property
    def ruined(self) -> bool:
        """No equity is left."""
        return bool(self.state[EQUITY] <= 0.0)

    @property
    def equity(self) -> float:
        """Marked to market, costs of leaving not in it; 1.0 at the start."""
        return float(self.state[EQUITY])

    @property
    def drawdown(self) -> float:
        """Fraction lost of the highest equity at a bar's close so far."""
        return float(1.0 - self.state[EQUITY] / self.state[PEAK])

    def step(self, risk: RiskParameters, *, last: bool) -> float:
        """Decide the present row under the parameters and trade to the next one; the notional traded over equity.

        `last` closes what is open at the next row's close, with costs.
        """
        row, data = self.row, self.data
        self.state[LEVERAGE] = risk.leverage
        self.state[TURNOVER] = 0.0
        _advance(
            self.state, self.recent, int(data.bar[row]), int(data.bar[row + 1]), data.p_up[row], data.sigma[row],
            (risk.leverage, risk.size_multiplier, risk.stop_loss, self._leverage), self._bars, self._packed, last,
        )
        self.row += 1
        return float(self.state[TURNOVER])


@dataclass(frozen=True)
class Played:
    """One policy over a stretch of rows. `equity` and `drawdown` (m,) at each row, 1.0 and 0.0 at the first."""

    ts_ms: Int64
    equity: Float64
    drawdown: Float64
    trades: int

    @property
    def log_growth(self) -> float:
        """Log of the final equity; of the least that counts after a ruin."""
        return float(np.log(max(self.equity[-1], LEAST_EQUITY)))

    def daily(self) -> tuple[Int64, Float64]:
        """Days (00:00 UTC, ms) and log return of each, by the equity at its last row."""
        day = self.ts_ms // DAY_MS * DAY_MS
        ends = np.flatnonzero(np.diff(day, append=day[-1] + DAY_MS))
        logs = np.log(np.maximum(self.equity[ends], LEAST_EQUITY))
        return day[ends], np.diff(logs, prepend=0.0)


def play(data: ReplayData, policy: RiskPolicy, settings: RiskPolicySettings) -> Played:
    """The whole replay under one policy."""
    account = Account(data, settings)
    equity, drawdown = np.ones(len(data)), np.zeros(len(data))
    for row in range(len(data) - 1):
        risk = policy.risk_parameters(RiskObservation.of_array(account.observe()))
        account.step(risk, last=row == len(data) - 2)
        equity[row + 1], drawdown[row + 1] = account.equity, account.drawdown
        if account.ruined:
            equity[row + 1:], drawdown[row + 1:] = 0.0, 1.0
            break
    return Played(data.ts_ms, equity, drawdown, int(account.state[TRADES]))


@numba.njit(inline="always")
def _enter(s: Float64, ts: int, target: float, reference: float, decided_close: float, decided: float, slip: float,
           fee: float) -> None:
    side = 1.0 if target > 0.0 else -1.0
    price = reference * (1.0 + side * slip)
    s[AT_ENTRY] = s[CASH]
    s[QUANTITY], s[ENTRY], s[ENTRY_MS] = target * decided / decided_close, price, ts
    s[CASH] -= abs(s[QUANTITY]) * price * fee
    s[TURNOVER] += abs(target)
    s[TRADED_MS] = ts


@numba.njit(inline="always")
def _leave(s: Float64, recent: Float64, ts: int, reference: float, slip: float, fee: float) -> None:
    side = 1.0 if s[QUANTITY] > 0.0 else -1.0
    price = reference * (1.0 - side * slip)
    s[CASH] += s[QUANTITY] * (price - s[ENTRY]) - abs(s[QUANTITY]) * price * fee
    net = s[CASH] / s[AT_ENTRY] - 1.0
    s[TURNOVER] += abs(s[QUANTITY]) * reference / s[AT_ENTRY]
    recent[int(s[TRADES]) % len(recent)] = net
    s[TRADES] += 1.0
    s[LOSSES] = s[LOSSES] + 1.0 if net < 0.0 else 0.0
    s[QUANTITY], s[EQUITY], s[TRADED_MS] = 0.0, s[CASH], ts


# Not cached on disk: numba would not notice a change of the kernels that are compiled in.
@numba.njit()
def _advance(
    s: Float64, recent: Float64, first: int, end: int, p_up: float, sigma: float, risk: tuple[float, float, float, float],
    bars: tuple[Int64, Float64, Float64, Float64, Float64, Float64], p: tuple[float, ...], last: bool,
) -> None:
    ts, open_, high, low, close, funding = bars
    multiplier, max_leverage, max_stop = limited(1.0, p[6], p[7], risk[0], risk[1], risk[2], risk[3])
    wanted, target, decided, i = HOLD, 0.0, 0.0, first
    for i in range(first, end + 1):
        if i > first:
            s[CASH] -= s[QUANTITY] * open_[i] * funding[i]
            if wanted == EXIT:
                _leave(s, recent, ts[i], open_[i], p[8], p[9])
            elif wanted != HOLD and ts[i] - ts[i - 1] == MINUTE_MS:
                _enter(s, ts[i], target, open_[i], close[i - 1], decided, p[8], p[9])
            if (s[QUANTITY] > 0.0 and low[i] <= s[STOP]) or (s[QUANTITY] < 0.0 and high[i] >= s[STOP]):
                at = min(open_[i], s[STOP]) if s[QUANTITY] > 0.0 else max(open_[i], s[STOP])
                _leave(s, recent, ts[i], at, p[8], p[9])
        s[EQUITY] = s[CASH] + s[QUANTITY] * (close[i] - s[ENTRY])
        s[PEAK] = max(s[PEAK], s[EQUITY])
        if i == end or s[EQUITY] <= 0.0:
            break
        held = int((ts[i] + MINUTE_MS - s[ENTRY_MS]) // MINUTE_MS) if s[QUANTITY] != 0.0 else 0
        wanted, _, target, stop, take, _ = decide_bar(
            close[i], p_up if i == first else np.nan, sigma, s[QUANTITY] * close[i] / s[EQUITY], s[STOP], s[TAKE], held,
            multiplier, p[0], p[1], p[2], p[3], int(p[4]), p[5], max_leverage, max_stop,
        )
        decided = s[EQUITY]
        if s[QUANTITY] == 0.0 and wanted != HOLD:
            s[STOP], s[TAKE] = stop, take
    if s[QUANTITY] != 0.0 and (last or s[EQUITY] <= 0.0):
        _leave(s, recent, ts[i] + MINUTE_MS, close[i], p[8], p[9])
