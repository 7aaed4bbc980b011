from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.decision import Action, DecisionInputs, StrategyParameters
from huracan_platform.contracts.market import Candles, Float64, FundingRates
from huracan_platform.decision.costs import CostModel, account_costs, founding_costs
from huracan_platform.decision.decide import decide
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.engine import BacktestResult, run_backtest
from huracan_platform.judging.backtest.equity import equal_shares
from huracan_platform.judging.backtest.trades import ExitReason, cost_breakdown, net_pnl
from huracan_platform.settings import CostSettings
from tests.judging.world import COSTLY, FREE, PARAMETERS, START_MS, bars, random_walk

SIGMA = 0.01  # of the horizon: barriers at 1.5 %
FLAT = (100.0, 100.1, 99.9, 100.0)


def opinion(n: int, **at: float) -> Float64:
    p = np.full(n, np.nan)
    for bar, value in at.items():
        p[int(bar[1:])] = value
    return p


def run(candles: Candles, p_up: Float64, costs: CostModel = FREE, **kwargs: object) -> BacktestResult:
    parameters = kwargs.pop("parameters", PARAMETERS)
    return run_backtest(candles, kwargs.pop("funding", None), p_up, np.full(len(candles), SIGMA), parameters, costs, **kwargs)  # type: ignore[arg-type]


def busy(seed: int, days: int = 20) -> tuple[Candles, FundingRates, Float64, Float64]:
    candles = random_walk(days, seed)
    rng = np.random.default_rng(seed + 1)
    p_up = np.full(len(candles), np.nan)
    p_up[14::15] = rng.uniform(0.2, 0.8, len(p_up[14::15]))
    settled = candles.ts_ms[::480].copy()
    funding = FundingRates(candles.symbol, settled, rng.normal(1e-4, 1e-4, len(settled)), np.full(len(settled), 8.0))
    return candles, funding, p_up, np.full(len(candles), 8e-4 * 60**0.5)


def slow_replay(
    candles: Candles, funding: FundingRates, p_up: Float64, sigma: Float64, p: StrategyParameters, costs: CostModel,
) -> tuple[list[tuple[int, int, int]], float]:
    """The same rules in plain Python around `decide()`: entry and exit times, sides, and final equity."""
    cash, equity, trade, pending, done = 1.0, 1.0, None, None, []
    friction = costs.half_spread + costs.slippage
    rates = dict(zip(funding.ts_ms.tolist(), funding.rate.tolist(), strict=True))

    def leave(reference: float, ts: int) -> None:
        nonlocal cash, trade
        price = reference * (1.0 - trade["side"] * friction)
        cash += trade["side"] * trade["q"] * (price - trade["price"]) - trade["q"] * price * costs.taker_fee
        done.append((trade["ts"], ts, trade["side"]))
        trade = None

    for i, ts in enumerate(candles.ts_ms.tolist()):
        o, h, low, c = candles.open[i], candles.high[i], candles.low[i], candles.close[i]
        if trade and ts in rates:
            cash -= trade["side"] * trade["q"] * o * rates[ts]
        if pending and pending.action is Action.EXIT:
            leave(o, ts)
        elif pending:
            side = 1 if pending.target > 0 else -1
            price = o * (1.0 + side * friction)
            q = abs(pending.target) * equity / candles.close[i - 1]
            cash -= q * price * costs.taker_fee
            trade = {"side": side, "q": q, "price": price, "ts": ts, "stop": pending.stop_price, "take": pending.take_price}
        if trade and trade["side"] > 0 and low <= trade["stop"]:
            leave(min(o, trade["stop"]), ts)
        elif trade and trade["side"] < 0 and h >= trade["stop"]:
            leave(max(o, trade["stop"]), ts)
        equity = cash + (trade["side"] * trade["q"] * (c - trade["price"]) if trade else 0.0)
        inputs = DecisionInputs(
            candles.symbol, ts, c, p_up[i], sigma[i], trade["side"] * trade["q"] * c / equity if trade else 0.0, 0.0,
            trade["stop"] if trade else 0.0, trade["take"] if trade else 0.0,
            (ts - trade["ts"]) // MINUTE_MS + 1 if trade else 0, equity, 1.0, p,
        )
        decision = decide(inputs)
        pending = decision if decision.action is not Action.HOLD else None
    if trade:
        leave(c, ts + MINUTE_MS)
    return done, cash


@pytest.mark.parametrize("seed", [1, 2])
def test_backtest_trades_what_decide_decides_bar_by_bar(seed: int) -> None:
    world = busy(seed, days=6)
    result = run_backtest(*world, PARAMETERS, COSTLY)
    trades, equity = slow_replay(*world, PARAMETERS, COSTLY)
    assert len(trades) > 30
    assert list(zip(*(result.trades[c].tolist() for c in ("entry_ms", "exit_ms", "side")), strict=True)) == trades
    assert 1.0 + result.net == pytest.approx(equity, abs=1e-12)


def test_profit_is_gross_less_every_cost_plus_funding_to_the_last_digit() -> None:
    result = run_backtest(*busy(3), PARAMETERS, COSTLY)
    parts = cost_breakdown(result.trades)
    assert len(result.trades) > 100
    assert min(parts["fees"], parts["spread"], parts["slippage"]) > 0
    assert parts["funding"] != 0
    assert parts["net"] == pytest.approx(
        parts["gross"] - parts["fees"] - parts["spread"] - parts["slippage"] + parts["funding"], abs=1e-12
    )
    assert result.daily.equity[-1] - 1.0 == pytest.approx(parts["net"], abs=1e-12)
    by_price = result.trades["side"] * result.trades["quantity"] * (result.trades["exit_price"] - result.trades["entry_price"])
    assert by_price - result.trades["fees"] + result.trades["funding"] == pytest.approx(net_pnl(result.trades), abs=1e-12)
    assert result.bars == 20 * 1_440


def test_decision_on_a_close_fills_at_the_next_open_worsened_by_spread_and_slippage() -> None:
    candles = bars([FLAT, (100.0, 100.1, 99.9, 100.0), (100.5, 100.6, 100.4, 100.5), FLAT, FLAT])
    result = run(candles, opinion(5, b1=0.9), COSTLY)
    (trade,) = result.trades
    assert trade["entry_ms"] == START_MS + 2 * MINUTE_MS
    assert trade["entry_reference"] == 100.5
    assert trade["entry_price"] == pytest.approx(100.5 * (1 + 1.5e-4))
    assert trade["exit_price"] == pytest.approx(100.0 * (1 - 1.5e-4))
    assert trade["quantity"] * 100.0 == pytest.approx(min(0.01 / (0.015 + COSTLY.round_trip), 1.0))


def test_knowing_the_bar_one_decides_on_earns_nothing() -> None:
    """An engine that filled on the decision's own bar would turn this signal into money; shifting it by a bar does."""
    candles = random_walk(30, 5)
    told = np.where(candles.close > candles.open, 0.9, 0.1)
    sigma = np.full(len(candles), 8e-4)
    quick = replace(PARAMETERS, horizon_bars=1, barrier_sigma=20.0, max_leverage=1.0, risk_per_trade=1.0)

    def z_of(p_up: Float64) -> float:
        gross = run_backtest(candles, None, p_up, sigma, quick, FREE).trades["gross"]
        return float(gross.mean() / (gross.std() / np.sqrt(len(gross))))

    assert abs(z_of(told)) < 4.0
    same_bar = np.append(told[1:], np.nan)
    assert z_of(same_bar) > 20.0


def test_stop_fires_inside_the_bar_at_its_price() -> None:
    candles = bars([FLAT, FLAT, (99.0, 99.5, 98.0, 99.4), FLAT])
    (trade,) = run(candles, opinion(4, b0=0.9)).trades
    assert trade["reason"] == ExitReason.NATIVE_STOP
    assert trade["exit_reference"] == pytest.approx(98.5)
    assert trade["exit_ms"] == START_MS + 2 * MINUTE_MS


def test_stop_fills_at_the_open_when_the_market_gaps_through_it() -> None:
    candles = bars([FLAT, FLAT, (97.0, 98.0, 96.0, 97.5), FLAT])
    assert run(candles, opinion(4, b0=0.9)).trades[0]["exit_reference"] == 97.0
    up = bars([FLAT, FLAT, (103.0, 104.0, 102.0, 102.5), FLAT])
    assert run(up, opinion(4, b0=0.1)).trades[0]["exit_reference"] == 103.0


def test_bar_that_reaches_both_barriers_counts_as_stopped() -> None:
    candles = bars([FLAT, FLAT, (100.0, 103.0, 98.0, 102.0), FLAT])
    (trade,) = run(candles, opinion(4, b0=0.9)).trades
    assert trade["reason"] == ExitReason.NATIVE_STOP
    assert trade["gross"] < 0


def test_take_profit_and_horizon_leave_at_the_open_after_the_close_that_saw_them() -> None:
    candles = bars([FLAT, FLAT, (100.0, 102.0, 99.9, 101.8), (101.7, 101.8, 101.6, 101.7), FLAT])
    (trade,) = run(candles, opinion(5, b0=0.9)).trades
    assert (trade["reason"], trade["exit_reference"]) == (ExitReason.TAKE_PROFIT, 101.7)
    (late,) = run(bars([FLAT] * 80), opinion(80, b0=0.9)).trades
    assert late["reason"] == ExitReason.TIME_EXIT
    assert late["exit_ms"] - late["entry_ms"] == PARAMETERS.horizon_bars * MINUTE_MS


def test_longs_pay_positive_funding_on_positions_carried_into_the_settlement() -> None:
    candles = bars([FLAT] * 10)
    settled = FundingRates("BTC/USDT:USDT", np.array([START_MS + 5 * MINUTE_MS + 7]), np.array([0.001]), np.array([8.0]))
    (long,) = run(candles, opinion(10, b2=0.9), funding=settled).trades
    assert long["funding"] == pytest.approx(-long["quantity"] * 100.0 * 0.001)
    (short,) = run(candles, opinion(10, b2=0.1), funding=settled).trades
    assert short["funding"] == pytest.approx(short["quantity"] * 100.0 * 0.001)
    (opened_after,) = run(candles, opinion(10, b4=0.9), funding=settled).trades
    assert opened_after["entry_ms"] == START_MS + 5 * MINUTE_MS
    assert opened_after["funding"] == 0.0


def test_nothing_fills_in_a_hole_of_the_data() -> None:
    candles = bars([FLAT] * 12)
    keep = np.r_[0:3, 7:12]
    holed = Candles(candles.symbol, *(getattr(candles, c)[keep] for c in ("ts_ms", "open", "high", "low", "close", "volume")))
    assert len(run(holed, opinion(8, b2=0.9)).trades) == 0
    quick = replace(PARAMETERS, horizon_bars=2)
    (trade,) = run(holed, opinion(8, b0=0.9), parameters=quick).trades
    assert trade["exit_ms"] == START_MS + 7 * MINUTE_MS


def test_every_day_is_marked_including_flat_and_missing_ones() -> None:
    candles = bars([FLAT] * (3 * 1_440))
    keep = np.r_[0:1_440, 2 * 1_440:3 * 1_440]
    holed = Candles(candles.symbol, *(getattr(candles, c)[keep] for c in ("ts_ms", "open", "high", "low", "close", "volume")))
    result = run(holed, opinion(2_880, b100=0.9), COSTLY)
    assert result.daily.day_ms.tolist() == [START_MS, START_MS + DAY_MS, START_MS + 2 * DAY_MS]
    assert result.daily.returns[0] == pytest.approx(result.net, abs=1e-15)
    assert result.daily.returns[1:].tolist() == [0.0, 0.0]


def test_open_position_is_marked_at_the_days_last_close() -> None:
    rows = [FLAT] * 1_438 + [(100.0, 101.0, 99.9, 101.0), (101.0, 101.1, 100.9, 101.0), (101.0, 101.1, 100.9, 101.0)]
    result = run(bars(rows), opinion(len(rows), b1430=0.9))
    assert result.daily.equity[0] - 1.0 == pytest.approx(result.trades[0]["quantity"] * 1.0)


def test_risk_multiplier_refuses_entries_at_zero_and_forces_exits_below() -> None:
    candles = bars([FLAT] * 10)
    assert len(run(candles, opinion(10, b2=0.9), risk_multiplier=np.zeros(10)).trades) == 0
    forced = np.ones(10)
    forced[5:] = -1.0
    (trade,) = run(candles, opinion(10, b2=0.9), risk_multiplier=forced).trades
    assert trade["reason"] == ExitReason.FORCED_EXIT
    assert trade["exit_ms"] == START_MS + 6 * MINUTE_MS


def test_founding_schedule_costs_more_than_the_accounts_as_taker() -> None:
    world = busy(7)
    schedules = account_costs(CostSettings()), founding_costs(CostSettings())
    account, founding = (run_backtest(*world, PARAMETERS, costs) for costs in schedules)
    assert len(account.trades) == len(founding.trades)
    assert cost_breakdown(founding.trades)["fees"] > cost_breakdown(account.trades)["fees"] > 0


def test_ruined_account_stops_and_is_marked_at_what_is_left() -> None:
    candles = bars([FLAT, FLAT, (250.0, 260.0, 240.0, 250.0), FLAT, FLAT])
    result = run(candles, opinion(5, b0=0.1, b3=0.1), parameters=replace(PARAMETERS, risk_per_trade=1.0))
    assert result.bars == 3
    assert len(result.trades) == 1
    assert result.daily.equity[-1] <= 0.0


def test_equal_shares_average_accounts_and_count_absent_days_as_flat() -> None:
    first = run(random_walk(3, 1), np.full(3 * 1_440, np.nan)).daily
    later = replace(first, day_ms=first.day_ms + DAY_MS, equity=np.array([1.1, 1.2, 1.3]))
    both = equal_shares([first, later])
    assert both.equity == pytest.approx([1.0, 1.05, 1.1, 1.15])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {"p_up": np.zeros(3)}, r"expected p_up of shape \(5,\), got \(3,\)"),
        (lambda c: {"candles": replace(c, ts_ms=c.ts_ms[::-1].copy())}, "rising order"),
        (lambda c: {"candles": replace(c, ts_ms=np.repeat(c.ts_ms[:1], 5))}, "duplicates"),
        (lambda c: {"candles": replace(c, low=np.array([1.0, np.nan, 1.0, 1.0, 1.0]))}, "finite positive low, got nan"),
        (lambda c: {"candles": replace(c, open=np.zeros(5))}, "finite positive open, got 0.0"),
    ],
)
def test_bad_input_is_refused_with_expected_and_got(change: object, message: str) -> None:
    candles = bars([FLAT] * 5)
    arguments = {"candles": candles, "p_up": np.full(5, np.nan)} | change(candles)  # type: ignore[operator]
    with pytest.raises(DataContractError, match=message):
        run_backtest(arguments["candles"], None, arguments["p_up"], np.full(5, SIGMA), PARAMETERS, FREE)
