"""A session under a policy: what the policy is told, and that its answer is among the decision's recorded inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pytest

from huracan_platform.clock import HOUR_MS, MINUTE_MS, ManualClock
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.journal import FeatureSource
from huracan_platform.contracts.order import Fill, Side
from huracan_platform.contracts.policy import RiskObservation, RiskParameters
from huracan_platform.decision.decide import decide
from huracan_platform.execution.journal import Observation
from huracan_platform.execution.policy_desk import PolicyDesk, open_policy_desk
from huracan_platform.execution.report import Tally
from huracan_platform.execution.trader import Terms, Trader
from huracan_platform.learning.policies.observation import MARKET_FIGURES
from huracan_platform.settings import Settings
from tests.session.test_trader import INSTRUMENT, PARAMETERS, SYMBOL, TS, RecordingEngine, RecordingJournal

ASK_AT_EVERY_BAR = Settings(risk_policy={"adjust_every_s": 0.001})
FIGURES = (0.0005, 0.0, 1.0, 0.0, 0.0, 0.4, 0.6)


@dataclass
class ScriptedPolicy:
    """Always the same answer; remembers what it was told last."""

    answer: RiskParameters
    told: RiskObservation | None = None

    def risk_parameters(self, observation: RiskObservation) -> RiskParameters:
        self.told = observation
        return self.answer


@dataclass
class RecordedFills:
    """An account's fills."""

    fills: list[Fill]

    def all(self) -> list[Fill]:
        return self.fills


def fill(number: int, side: Side, price: str, ms: int) -> Fill:
    return Fill(
        "sim", "a", SYMBOL, str(number), None, str(number), side, Decimal(1), Decimal(price), Decimal(0), "USDT", False, ms
    )


def seen(*, asked: bool = True, figures: tuple[float, ...] = FIGURES) -> Observation:
    row = FeatureRow(SYMBOL, TS, np.array(figures), MARKET_FIGURES, "s", "h")
    seen_ms = TS + MINUTE_MS
    return Observation(row, FeatureSource("core", "full", 0, None), 90_000.0, seen_ms, seen_ms, asked, None, 0.9, 0.01)


def later(bar: Observation, ms: int) -> Observation:
    """The same figures on another bar."""
    return replace(bar, row=replace(bar.row, ts_ms=bar.row.ts_ms + ms))


def desk_of(policy: ScriptedPolicy, fills: list[Fill] | None = None, settings: Settings = ASK_AT_EVERY_BAR) -> PolicyDesk:
    recorded = RecordedFills(fills or [])
    policies = {SYMBOL: ("btc-risk-v1-00000000", policy)}
    return PolicyDesk(settings, policies, recorded, None, "sim", 80_000.0)  # type: ignore[arg-type]


async def decided(policy: ScriptedPolicy, observation: Observation) -> RecordingJournal:
    journal, engine = RecordingJournal(), RecordingEngine()
    terms = {SYMBOL: Terms(INSTRUMENT, PARAMETERS)}
    clock = ManualClock(TS + MINUTE_MS)
    trader = Trader(Settings(), clock, engine, journal, terms, "a", Tally(), desk_of(policy))  # type: ignore[arg-type]
    await trader.on_observations([observation])
    return journal


async def test_the_policys_answer_is_among_the_recorded_inputs_and_they_alone_give_the_decision() -> None:
    (record,) = (await decided(ScriptedPolicy(RiskParameters(2.0, 0.5, 0.006)), seen())).written
    assert record.inputs.risk_multiplier == 0.5
    assert record.inputs.parameters == replace(
        PARAMETERS, max_leverage=PARAMETERS.max_leverage * 0.4, max_stop_distance=0.006, risk_policy="btc-risk-v1-00000000",
        risk_leverage=2.0, risk_size_multiplier=0.5, risk_stop_loss=0.006,
    )
    assert record.decision.stop_price == 90_000.0 * (1.0 - 0.006)
    assert decide(record.inputs) == record.decision


async def test_the_configured_leverage_and_a_wide_stop_decide_as_without_a_policy() -> None:
    (record,) = (await decided(ScriptedPolicy(RiskParameters(5.0, 1.0, 0.10)), seen())).written
    assert record.decision == decide(replace(record.inputs, parameters=PARAMETERS, risk_multiplier=1.0))


async def test_a_figure_that_is_no_number_takes_no_new_risk() -> None:
    (record,) = (await decided(ScriptedPolicy(RiskParameters(5.0, 2.0, 0.1)), seen(figures=(np.nan, *FIGURES[1:])))).written
    assert record.inputs.risk_multiplier == 0.0
    assert record.decision.target == 0.0


async def test_between_decision_bars_no_policy_is_asked() -> None:
    policy = ScriptedPolicy(RiskParameters(5.0, 1.0, 0.1))
    await decided(policy, seen(asked=False))
    assert policy.told is None


def test_the_policy_is_told_of_the_symbols_trades_and_the_accounts_money() -> None:
    now = TS + MINUTE_MS
    fills = [
        fill(1, Side.BUY, "100", now - 9 * HOUR_MS), fill(2, Side.SELL, "130", now - 8 * HOUR_MS),
        fill(3, Side.BUY, "100", now - 7 * HOUR_MS), fill(4, Side.SELL, "90", now - 6 * HOUR_MS),
        fill(5, Side.SELL, "100", now - 5 * HOUR_MS), fill(6, Side.BUY, "105", now - 3 * HOUR_MS),
    ]
    policy = ScriptedPolicy(RiskParameters(3.0, 1.0, 0.1))
    desk, snapshot = desk_of(policy, fills), RecordingEngine().snapshot()
    desk.limit(later(seen(), -1), snapshot, PARAMETERS, 1.0)
    desk.limit(seen(), snapshot, PARAMETERS, 1.0)
    told = policy.told
    assert told is not None
    assert (told.win_rate, told.profit_factor, told.consecutive_losses) == (pytest.approx(1 / 3), 2.0, 2.0)
    assert (told.equity_ratio, told.drawdown, told.hours_since_trade, told.open_positions) == (1.25, 0.0, 3.0, 0.0)
    assert (told.phase_markup, told.temperature, told.entropy) == (1.0, 0.4, 0.6)
    assert told.volatility == pytest.approx(0.0005 * np.sqrt(525_600))
    assert told.leverage == 3.0, "the one that the bar before had set"


def test_an_answer_holds_until_its_time_is_over() -> None:
    policy = ScriptedPolicy(RiskParameters(3.0, 0.5, 0.02))
    settings = Settings(risk_policy={"adjust_every_s": 600})
    desk, snapshot, bar = desk_of(policy, settings=settings), RecordingEngine().snapshot(), seen()
    first = desk.limit(bar, snapshot, PARAMETERS, 1.0)
    policy.answer = RiskParameters(2.0, 0.8, 0.01)
    assert desk.limit(later(bar, 599_999), snapshot, PARAMETERS, 1.0) == first
    after, scaled = desk.limit(later(bar, 600_000), snapshot, PARAMETERS, 1.0)
    assert (after.risk_leverage, after.risk_stop_loss, scaled) == (2.0, 0.01, 0.8)


def test_while_policies_are_off_there_is_no_desk() -> None:
    assert open_policy_desk(Settings(), None, None, (SYMBOL,), 1.0) is None  # type: ignore[arg-type]
