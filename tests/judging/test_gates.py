from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.model import GateStatus, Verdict
from huracan_platform.judging.backtest.engine import BacktestResult
from huracan_platform.judging.backtest.equity import HourlyEquity
from huracan_platform.judging.backtest.trades import TRADE_DTYPE
from huracan_platform.judging.evaluation.calibration_evidence import CalibrationEvidence
from huracan_platform.judging.evaluation.leakage import LeakageFinding
from huracan_platform.judging.gates.evidence import JudgingEvidence, Trials
from huracan_platform.judging.gates.judge import judge
from huracan_platform.judging.gates.leakage import CHECKS
from huracan_platform.settings import GateSettings
from tests.judging.world import COSTLY, START_MS

GATES = GateSettings(bootstrap_draws=200)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASS, FAIL, INSUFFICIENT = GateStatus.PASS, GateStatus.FAIL, GateStatus.INSUFFICIENT


def account(days: int, mean: float, sd: float, trades: int, *, win: float = 0.6, seed: int = 1) -> BacktestResult:
    """A backtest with `days` daily returns and `trades` trades that win `win` of the time, gaining as much as they lose."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(mean, sd, days)
    returns += mean - returns.mean()
    rows = np.zeros(trades, dtype=TRADE_DTYPE)
    rows["equity"] = 1.0
    wins = np.arange(trades) * win % 1.0 < win
    rows["gross"] = np.where(wins, 0.002, -0.002 if win < 0.75 else -0.001)
    day_ms = START_MS + np.arange(days, dtype=np.int64) * DAY_MS
    return BacktestResult("BTC/USDT:USDT", COSTLY, rows, HourlyEquity(day_ms, np.cumprod(1.0 + returns)), days * 1_440, trades)


def calibrated(n: int, *, informed: bool = True, seed: int = 2) -> CalibrationEvidence:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.3, 0.7, n)
    y = (rng.random(n) < (p if informed else 0.5)).astype(np.float64)
    return CalibrationEvidence(p, y, 100, 96)


def drift(level: DriftLevel, effective: float = 2_000.0) -> ColumnDrift:
    return ColumnDrift("atr_14", 0.3 if level is DriftLevel.CRITICAL else 0.05, 0.2, 0.1, 0.5, 4_000, effective, level)


WINNER = account(270, 0.0015, 0.006, 300, win=0.8)
GOOD = JudgingEvidence(
    "m1", "BTC/USDT:USDT", "linear", account(270, 0.0015, 0.006, 300), account(270, 0.0014, 0.006, 300), calibrated(8_000),
    tuple(LeakageFinding(c, 0, 10) for c in CHECKS), (drift(DriftLevel.NONE),), Trials(2),
)


def verdicts(evidence: JudgingEvidence) -> dict[int, Verdict]:
    found = judge(evidence, GATES, judged_at=NOW, rng=np.random.default_rng(0))
    assert [v.gate for v in found] == [1, 2, 3, 4, 5, 6, 7]
    return {v.gate: v for v in found}


def criterion(verdict: Verdict, name: str) -> GateStatus:
    return next(c.status for c in verdict.criteria if c.name == name)


def test_good_evidence_passes_the_five_gates_and_the_other_two_say_they_have_none() -> None:
    found = verdicts(replace(GOOD, account=WINNER, founding=WINNER))
    assert {g: v.status for g, v in found.items()} == {
        1: PASS, 2: PASS, 3: PASS, 4: INSUFFICIENT, 5: PASS, 6: PASS, 7: INSUFFICIENT,
    }
    assert "0 of 8 stress scenarios" in found[4].reason
    assert "lacks 30 trades" in found[7].reason


def test_verdicts_are_equal_for_equal_evidence_and_generator() -> None:
    assert verdicts(GOOD) == verdicts(GOOD)


@pytest.mark.parametrize(
    ("mean", "win", "name"),
    [
        (0.0002, 0.8, "sharpe (account)"), (0.0015, 0.45, "win rate (account)"), (0.0015, 0.55, "profit factor (account)"),
        (-0.001, 0.8, "probabilistic sharpe (account)"),
    ],
)
def test_performance_fails_on_the_criterion_that_falls_short(mean: float, win: float, name: str) -> None:
    verdict = verdicts(replace(GOOD, account=account(270, mean, 0.006, 300, win=win)))[1]
    assert verdict.status is FAIL
    assert criterion(verdict, name) is FAIL
    assert name in verdict.reason


def test_founding_fees_alone_can_fail_performance() -> None:
    verdict = verdicts(replace(GOOD, account=WINNER, founding=account(270, 0.0001, 0.006, 300, win=0.8)))[1]
    assert verdict.status is FAIL
    assert criterion(verdict, "sharpe (account)") is PASS
    assert criterion(verdict, "sharpe (founding)") is FAIL


def test_many_trials_deflate_a_sharpe_that_passed_alone() -> None:
    decent = replace(GOOD, account=account(270, 0.0009, 0.006, 300, win=0.8), founding=WINNER)
    assert criterion(verdicts(decent)[1], "deflated sharpe (account)") is PASS
    assert criterion(verdicts(replace(decent, trials=Trials(500)))[1], "deflated sharpe (account)") is FAIL


def test_trials_that_look_alike_do_not_soften_the_deflation() -> None:
    decent = replace(GOOD, account=account(270, 0.0009, 0.006, 300, win=0.8), founding=WINNER)
    alike = verdicts(replace(decent, trials=Trials(500, 1e-9)))[1]
    assert criterion(alike, "deflated sharpe (account)") is FAIL
    scattered, unknown = (
        next(c.observed for c in verdicts(replace(decent, trials=t))[1].criteria if c.name == "deflated sharpe (account)")
        for t in (Trials(50, 0.05), Trials(50))
    )
    assert (scattered or 0.0) < (unknown or 0.0)


@pytest.mark.parametrize(
    ("days", "trades", "lack"), [(100, 300, "lacks 80 days"), (270, 60, "lacks 40 trades"), (7, 3, "lacks 173 days")],
)
def test_too_small_a_sample_is_insufficient_and_says_what_it_lacks(days: int, trades: int, lack: str) -> None:
    few = account(days, 0.0015, 0.006, trades, win=0.8)
    verdict = verdicts(replace(GOOD, account=few, founding=few))[1]
    assert verdict.status is INSUFFICIENT
    assert lack in verdict.reason


def test_just_enough_days_and_trades_are_enough() -> None:
    verdict = verdicts(replace(GOOD, account=account(180, 0.0015, 0.006, 100, win=0.8), founding=WINNER))[1]
    assert criterion(verdict, "out-of-sample days (account)") is PASS
    assert criterion(verdict, "closed trades (account)") is PASS


def test_account_that_never_trades_is_insufficient_not_good() -> None:
    idle = replace(account(270, 0.0, 0.0, 0), hourly=HourlyEquity(np.arange(270) * DAY_MS, np.ones(270)))
    found = verdicts(replace(GOOD, account=idle, founding=idle))
    assert found[1].status is INSUFFICIENT
    assert found[2].status is INSUFFICIENT
    assert "lacks 100 trades" in found[1].reason


def test_no_walk_forward_at_all_is_insufficient() -> None:
    no_rows = CalibrationEvidence(np.empty(0), np.empty(0), 0, 96)
    found = verdicts(replace(GOOD, account=None, founding=None, calibration=no_rows, drift=()))
    assert {found[g].status for g in (1, 2, 3, 6)} == {INSUFFICIENT}


def test_risk_fails_on_drawdown_volatility_and_losing_runs() -> None:
    wild = verdicts(replace(GOOD, account=account(270, 0.0015, 0.03, 300)))[2]
    assert criterion(wild, "annual volatility") is FAIL
    assert criterion(wild, "max drawdown") is FAIL
    losing = account(270, 0.0015, 0.006, 300)
    losing.trades["gross"] = 0.002
    losing.trades["gross"][50:58] = -0.002
    assert criterion(verdicts(replace(GOOD, account=losing))[2], "consecutive losses") is FAIL


def test_losing_run_may_be_as_long_as_luck_makes_it_over_many_trades() -> None:
    many = account(270, 0.0015, 0.006, 600)
    rng = np.random.default_rng(4)
    many.trades["gross"] = np.where(rng.permutation(600) < 300, 0.002, -0.002)
    verdict = verdicts(replace(GOOD, account=many))[2]
    bound = next(c for c in verdict.criteria if c.name == "consecutive losses")
    assert bound.threshold > 5
    assert bound.status is PASS
    assert verdict.evidence["fixed_losing_run"] == 5


def test_calibration_fails_without_skill_and_lacks_rows_when_few() -> None:
    noise = verdicts(replace(GOOD, calibration=calibrated(4_000, informed=False)))[3]
    assert noise.status is FAIL
    assert criterion(noise, "brier skill, lower bound") is FAIL
    few = verdicts(replace(GOOD, calibration=calibrated(499)))[3]
    assert few.status is INSUFFICIENT
    assert "lacks 1 rows" in few.reason
    assert verdicts(replace(GOOD, calibration=calibrated(3_000)))[3].status is PASS


def test_overconfident_probabilities_fail_calibration_error() -> None:
    honest = calibrated(4_000)
    shouted = replace(honest, p_up=np.where(honest.p_up > 0.5, 0.95, 0.05))
    assert criterion(verdicts(replace(GOOD, calibration=shouted))[3], "expected calibration error") is FAIL


@pytest.mark.parametrize("check", CHECKS)
def test_one_leak_of_any_kind_fails_and_a_check_that_saw_nothing_is_insufficient(check: str) -> None:
    others = [f for f in GOOD.leakage if f.check != check]
    leaky = verdicts(replace(GOOD, leakage=(*others, LeakageFinding(check, 1, 10))))[5]
    assert leaky.status is FAIL
    assert criterion(leaky, check) is FAIL
    assert verdicts(replace(GOOD, leakage=(*others, LeakageFinding(check, 0, 0))))[5].status is INSUFFICIENT
    assert verdicts(replace(GOOD, leakage=tuple(others)))[5].status is INSUFFICIENT


def test_drift_fails_on_a_critical_column_and_needs_one_that_can_be_measured() -> None:
    critical = verdicts(replace(GOOD, drift=(drift(DriftLevel.NONE), drift(DriftLevel.CRITICAL))))[6]
    assert critical.status is FAIL
    assert "atr_14 PSI 0.300 > 0.200" in critical.reason
    assert verdicts(replace(GOOD, drift=(drift(DriftLevel.WARNING),)))[6].status is PASS
    slow = verdicts(replace(GOOD, drift=(drift(DriftLevel.UNMEASURED, 20.0),)))[6]
    assert slow.status is INSUFFICIENT
    assert "lacks 480 effective observations" in slow.reason


def test_every_criterion_carries_observed_threshold_and_sample_size() -> None:
    for verdict in verdicts(GOOD).values():
        for c in verdict.criteria:
            assert c.relation in (">=", "<=", ">")
            assert math.isfinite(c.threshold)
            assert c.sample_size is not None
            assert (c.observed is None) == (c.sample_size == 0 and c.status is INSUFFICIENT and c.observed is None)
    sharpe = next(c for c in verdicts(GOOD)[1].criteria if c.name == "sharpe (account)")
    assert sharpe.interval is not None
    assert sharpe.interval[0] < (sharpe.observed or 0.0) < sharpe.interval[1]
