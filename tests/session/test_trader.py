"""What a session makes of one observation, with the order engine and the journal replaced by recorders."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from huracan_platform.clock import MINUTE_MS, ManualClock
from huracan_platform.contracts.decision import Action, Reason, StrategyParameters
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.journal import FeatureSource
from huracan_platform.contracts.market import ClosedBar, Instrument
from huracan_platform.contracts.order import OrderIntent, OrderKind, OrderRequest, Side, TradingState
from huracan_platform.contracts.order_life import StoredOrder
from huracan_platform.data.features.registry import feature_set
from huracan_platform.decision.risk.governor import new_governor
from huracan_platform.errors import TransientError
from huracan_platform.execution.journal import Observation
from huracan_platform.execution.observer import Observer
from huracan_platform.execution.order_engine import EngineSnapshot
from huracan_platform.execution.order_life import new_status
from huracan_platform.execution.positions import Position
from huracan_platform.execution.protect import SubmitResult
from huracan_platform.execution.report import Tally
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.execution.scoring import probability
from huracan_platform.execution.trader import TOO_SMALL, Terms, Trader
from huracan_platform.settings import LabelSettings, Settings
from tests.session.world import scripted_model

SYMBOL = "BTC/USDT:USDT"
TS = 1_735_690_440_000
PARAMETERS = StrategyParameters(0.6, 0.0, 0.001, 1.5, 60, 0.0025, 0.5, 0.1)
INSTRUMENT = Instrument(
    "sim", SYMBOL, Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(5), Decimal(1000)
)


@dataclass
class RecordingEngine:
    """Fills nothing; remembers what was asked."""

    position: Position = field(default_factory=lambda: Position(SYMBOL))
    sent: list[tuple[OrderRequest, OrderContext]] = field(default_factory=list)
    open_orders: tuple[StoredOrder, ...] = ()
    down: bool = False

    def snapshot(self) -> EngineSnapshot:
        equity = Decimal(100_000)
        return EngineSnapshot(TradingState.ACTIVE, "", new_governor(equity), equity, (self.position,), self.open_orders, (), ())

    def on_mark(self, symbol: str, price: Decimal, market_ms: int) -> None:
        return None

    async def submit(self, request: OrderRequest, decision_id: str, model_id: str | None, context: OrderContext) -> SubmitResult:
        if self.down:
            raise TransientError("venue down")
        self.sent.append((request, context))
        return SubmitResult(())


@dataclass
class RecordingJournal:
    """Keeps what was written, in the order of writing."""

    written: list[Any] = field(default_factory=list)
    outcomes: list[tuple[Any, ...]] = field(default_factory=list)
    entry: Any = None

    def record(self, seen: Observation, inputs: Any, decision: Any) -> Any:
        return _Record("d", None, inputs, decision)

    def write(self, records: list[Any]) -> None:
        self.written += records

    def outcome(self, *told: Any) -> None:
        self.outcomes.append(told)

    def entry_of(self, account: str, symbol: str) -> Any:
        return self.entry


@dataclass(frozen=True)
class _Record:
    decision_id: str
    model_id: str | None
    inputs: Any
    decision: Any


@dataclass
class Desk:
    """A trader with its recorders."""

    clock: ManualClock
    engine: RecordingEngine
    journal: RecordingJournal
    tally: Tally
    trader: Trader


@pytest.fixture
def desk() -> Desk:
    clock, engine, journal, tally = ManualClock(TS + MINUTE_MS), RecordingEngine(), RecordingJournal(), Tally()
    terms = {SYMBOL: Terms(INSTRUMENT, PARAMETERS)}
    return Desk(clock, engine, journal, tally, Trader(Settings(), clock, engine, journal, terms, "a", tally))  # type: ignore[arg-type]


def observed(p_up: float, *, sigma: float = 0.01, close: float = 90_000.0, ts: int = TS, asked: bool = True) -> Observation:
    row = FeatureRow(SYMBOL, ts, np.array([0.0]), ("x",), "s", "h")
    seen_ms = ts + MINUTE_MS
    return Observation(row, FeatureSource("core", "full", 0, None), close, seen_ms, seen_ms, asked, None, p_up, sigma)


async def test_an_entry_is_sized_in_decimals_on_the_lot_grid_and_names_its_stop(desk: Desk) -> None:
    await desk.trader.on_observations([observed(0.9)])
    request, context = desk.engine.sent[0]
    assert request.side is Side.BUY
    assert not request.reduce_only
    assert request.quantity % INSTRUMENT.lot_size == 0
    assert context.stop_price == Decimal(str(desk.journal.written[0].decision.stop_price))
    assert context.feature_close_ms == TS + MINUTE_MS
    assert desk.tally.actions == {"ENTER_LONG": 1}


async def test_a_missing_feature_suppresses_the_signal_and_says_so(desk: Desk) -> None:
    features = feature_set("core", "short_history")
    model = scripted_model(features, {"log_return_5": 1.0})
    values = np.zeros(len(features.columns))
    values[3] = np.nan
    row = FeatureRow(SYMBOL, TS, values, features.columns, features.set_hash, "h")
    p_up = probability(model, row)
    assert math.isinf(p_up)
    await desk.trader.on_observations([observed(p_up)])
    assert desk.engine.sent == []
    assert desk.journal.written[0].decision.reason is Reason.MISSING_FEATURE


@pytest.mark.parametrize("sigma", [math.nan, 0.0, math.inf])
async def test_a_volatility_that_is_no_number_suppresses_the_signal(desk: Desk, sigma: float) -> None:
    await desk.trader.on_observations([observed(0.9, sigma=sigma)])
    assert desk.engine.sent == []
    assert desk.tally.decisions == {"MISSING_FEATURE": 1}


async def test_a_stale_bar_takes_no_new_risk(desk: Desk) -> None:
    desk.clock.advance(150_000)
    await desk.trader.on_observations([observed(0.9)])
    assert len(desk.engine.sent) == 1, "exactly at the bound the bar still counts"
    desk.clock.advance(1)
    await desk.trader.on_observations([observed(0.9)])
    assert len(desk.engine.sent) == 1
    assert desk.tally.stale_bars == 1
    assert desk.journal.written[-1].decision.reason is Reason.GOVERNOR


async def test_a_stale_bar_still_lets_a_position_out(desk: Desk) -> None:
    desk.engine.position = Position(SYMBOL, Decimal("0.5"), Decimal(90_000))
    desk.clock.advance(10 * 60_000)
    await desk.trader.on_observations([observed(math.nan, asked=False)])
    request, _ = desk.engine.sent[0]
    assert (request.side, request.quantity, request.reduce_only) == (Side.SELL, Decimal("0.5"), True)


@pytest.mark.parametrize(("symbol", "reduce_only", "sent"), [(SYMBOL, False, 0), (SYMBOL, True, 1), ("ETH/USDT:USDT", False, 1)])
async def test_an_entry_on_its_way_is_not_followed_by_a_second_one(
    desk: Desk, symbol: str, reduce_only: bool, sent: int
) -> None:
    request = OrderRequest(symbol, Side.BUY, OrderKind.MARKET, Decimal("0.1"), reduce_only)
    intent = OrderIntent(1, "c", "a", "s", request, None, None, 1, TS, TS)
    desk.engine.open_orders = (StoredOrder(intent, new_status(request.quantity)),)
    await desk.trader.on_observations([observed(0.9)])
    assert len(desk.engine.sent) == sent
    assert desk.journal.written[0].inputs.risk_multiplier == (1.0 if sent else 0.0)


async def test_bars_behind_one_that_failed_are_decided_and_journalled_at_the_next_call(desk: Desk) -> None:
    desk.engine.down = True
    with pytest.raises(TransientError):
        await desk.trader.on_observations([observed(0.5), observed(0.9, ts=TS + MINUTE_MS), observed(0.5, ts=TS + 2 * MINUTE_MS)])
    desk.engine.down = False
    await desk.trader.on_observations([])
    assert [r.inputs.ts_ms - TS for r in desk.journal.written] == [MINUTE_MS, 0, 2 * MINUTE_MS]
    assert desk.engine.sent == [], "the one that failed is not sent again"


async def test_a_position_that_nobody_planned_is_left_at_once(desk: Desk) -> None:
    desk.engine.position = Position(SYMBOL, Decimal("-0.5"), Decimal(90_000))
    await desk.trader.on_observations([observed(math.nan, asked=False)])
    assert desk.journal.written[0].decision.reason is Reason.TIME_EXIT
    assert desk.engine.sent[0][0].side is Side.BUY


async def test_a_target_under_what_the_venue_takes_is_denied_with_a_code(desk: Desk) -> None:
    await desk.trader.on_observations([observed(0.9, close=1e9)])
    assert desk.engine.sent == []
    assert desk.tally.denials == {TOO_SMALL: 1}
    assert desk.journal.outcomes[0][2:4] == ("denied", TOO_SMALL)


async def test_bars_between_decisions_are_counted_and_not_journalled(desk: Desk) -> None:
    await desk.trader.on_observations([observed(math.nan, asked=False, ts=TS + i * MINUTE_MS) for i in range(4)])
    assert desk.journal.written == []
    assert desk.tally.bars == {SYMBOL: 4}
    assert (desk.tally.first_bar_ms, desk.tally.last_bar_ms) == (TS, TS + 4 * MINUTE_MS)


async def test_an_action_is_written_before_the_order_it_leads_to(desk: Desk) -> None:
    order: list[str] = []
    write, submit = desk.journal.write, desk.engine.submit

    def noted_write(records: list[Any]) -> None:
        order.extend("written" for r in records if r.decision.action is not Action.HOLD)
        write(records)

    async def noted_submit(*given: Any) -> SubmitResult:
        order.append("sent")
        return await submit(*given)

    desk.journal.write, desk.engine.submit = noted_write, noted_submit  # type: ignore[method-assign]
    await desk.trader.on_observations([observed(0.9)])
    assert order == ["written", "sent"]


class _Library:
    def __init__(self) -> None:
        self.down = False
        self.bars: dict[int, ClosedBar] = {}

    def record(self, bars: list[ClosedBar]) -> int:
        if self.down:
            raise TransientError("library down")
        self.bars |= {bar.ts_ms: bar for bar in bars}
        return 7


class _Stream:
    source = FeatureSource("core", "full", 0, None)

    def __init__(self) -> None:
        self.fail_at: int | None = None
        self.stepped: list[int] = []
        self.rebuilt = 0

    def rebuild(self, clock: ManualClock) -> None:
        self.rebuilt += 1

    def step(self, bar: ClosedBar) -> FeatureRow:
        if bar.ts_ms == self.fail_at:
            raise TransientError("venue down")
        self.stepped.append(bar.ts_ms)
        return FeatureRow(bar.symbol, bar.ts_ms, np.array([0.001]), ("realised_vol_1440",), "s", "h")


class _Models:
    in_charge: dict[str, Any] = {}  # noqa: RUF012 - nobody is


def test_no_bar_is_lost_or_seen_twice_when_library_or_venue_do_not_answer() -> None:
    library, stream = _Library(), _Stream()
    observer = Observer(library, {SYMBOL: stream}, _Models(), LabelSettings(), ManualClock(0))  # type: ignore[arg-type]
    bars = [ClosedBar(SYMBOL, TS + i * MINUTE_MS, 1.0, 1.0, 1.0, 1.0, 1.0, 0) for i in range(4)]
    library.down = True
    with pytest.raises(TransientError):
        observer.observe(bars[:2])
    library.down, stream.fail_at = False, bars[1].ts_ms
    assert [o.row.ts_ms for o in observer.observe(bars[2:])] == [bars[0].ts_ms]
    with pytest.raises(TransientError):
        observer.observe([])
    stream.fail_at = None
    assert [o.row.ts_ms for o in observer.observe([])] == [b.ts_ms for b in bars[1:]]
    assert stream.stepped == [b.ts_ms for b in bars]
    assert observer.observe([]) == []


def test_a_restated_bar_is_stored_and_its_symbol_rebuilt_once_even_if_the_library_was_down() -> None:
    library, stream = _Library(), _Stream()
    observer = Observer(library, {SYMBOL: stream}, _Models(), LabelSettings(), ManualClock(0))  # type: ignore[arg-type]
    bar = ClosedBar(SYMBOL, TS, 1.0, 1.0, 1.0, 1.0, 1.0, 0)
    observer.observe([bar])
    restated = replace(bar, close=2.0)
    library.down = True
    with pytest.raises(TransientError):
        observer.observe([], [restated])
    library.down = False
    observer.observe([])
    observer.observe([])
    assert library.bars[TS] == restated
    assert stream.rebuilt == 1
    assert stream.stepped == [TS]
