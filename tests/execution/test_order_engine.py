"""The order engine against a venue that misbehaves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.order import OrderState, Side, TradingState
from huracan_platform.errors import HaltTradingError, PermanentError, TransientError
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.protect import SubmitResult
from huracan_platform.execution.reconcile import certain_skew
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.settings import ExecutionSettings
from tests.execution.conftest import BTC, ETH, EngineFactory, buy, context, limit, sell
from tests.fakes.order_venue import FakeClock, FakeVenue

D = Decimal
LIMITS = ExecutionSettings()
BEYOND_DEADLINE_MS = int((LIMITS.order_deadline_s + LIMITS.clock_bound_s + LIMITS.unknown_grace_s) * 1000) + 1


async def submit(engine: OrderEngine, clock: FakeClock, request: object, stop: str = "49000") -> SubmitResult:
    return await engine.submit(request, "d1", "m1", context(clock, stop))  # type: ignore[arg-type]


def stops(venue: FakeVenue) -> list[tuple[str, Decimal, Decimal | None]]:
    return [(o.side.value, o.quantity, o.trigger) for o in venue.stops(BTC)]


async def test_an_entry_fills_and_gets_its_stop_at_the_venue(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    result = await submit(engine, clock, buy("0.1"))
    assert (result.outcome, result.order.status.state) == ("ack", OrderState.FILLED)
    assert stops(venue) == [("sell", D("0.1"), D(49000))]
    position = engine.snapshot().positions[0]
    assert (position.quantity, position.entry_price, position.fees) == (D("0.1"), D(50000), D("2.5"))


async def test_an_exit_takes_the_stop_away(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    await submit(engine, clock, buy("0.1"))
    await submit(engine, clock, sell("0.1"))
    assert stops(venue) == []
    assert venue.position_quantities() == {BTC: 0}
    assert engine.snapshot().open_orders == ()


async def test_a_partial_fill_is_guarded_for_what_filled(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.fill_share = D("0.5")
    result = await submit(engine, clock, buy("0.1"))
    assert result.order.status.state is OrderState.PARTIALLY_FILLED
    assert stops(venue) == [("sell", D("0.05"), D(49000))]


async def test_a_stop_moves_by_placing_the_new_one_first(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    await submit(engine, clock, buy("0.1"))
    await engine.ensure_stop(BTC, D(49500), "d2")
    assert stops(venue) == [("sell", D("0.1"), D(49500))]
    assert venue.cancels == [venue.sends[1].client_order_id]


async def test_a_fired_stop_is_noticed_and_leaves_nothing_behind(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    await submit(engine, clock, buy("0.1"))
    venue.prices[BTC] = D(48990)
    stop = venue.stops(BTC)[0]
    venue.fire_stop(BTC)
    report = await engine.poll()
    assert [f.client_order_id for f in report.new_fills] == [stop.client_order_id]
    assert report.unexplained == ()
    snapshot = engine.snapshot()
    assert (snapshot.positions[0].quantity, snapshot.positions[0].realised_pnl) == (0, D("-101.0"))
    assert snapshot.open_orders == ()


async def test_a_refused_stop_closes_the_position_and_says_so(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    venue.next_send = ["answer", "reject"]
    await submit(engine, clock, buy("0.1"))
    assert venue.position_quantities() == {BTC: 0}
    with brain.connect() as connection:
        assert connection.execute("SELECT kind, details->>'title' FROM incidents").fetchall() == [
            ("stop_failed", "stop of BTC/USDT:USDT reject: -2021")
        ]


async def test_a_denied_order_is_audited_and_never_written_or_sent(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    result = await submit(engine, clock, buy("0.6"))
    assert (result.outcome, [o.code for o in result.denied]) == ("denied", ["P2"])
    assert venue.sends == []
    with brain.connect() as connection:
        assert connection.execute("SELECT decision_id, code, observed, limit_value FROM pre_trade_denials").fetchall() == [
            ("d1", "P2", "30000.0 USD", "25000 USD")
        ]
        assert connection.execute("SELECT count(*) FROM order_intents").fetchone() == (0,)


async def test_an_entry_without_a_stop_price_is_a_callers_error(engine: OrderEngine, clock: FakeClock) -> None:
    with pytest.raises(PermanentError, match="expected a stop price"):
        await engine.submit(buy(), "d1", "m1", OrderContext("barrier", None, clock.market_ms()))


async def test_a_swallowed_answer_is_unknown_freezes_and_is_adopted_by_id(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    venue.next_send = ["swallow"]
    result = await submit(engine, clock, buy("0.1"))
    assert (result.outcome, result.order.status.state) == ("unknown", OrderState.UNKNOWN)
    assert [o.code for o in (await submit(engine, clock, buy("0.1"))).denied] == ["P18.unknown"]
    assert [o.code for o in (await submit(engine, clock, buy("0.1", ETH), "2400")).denied] == ["P18.unknown"]
    await engine.poll()
    assert engine.snapshot().unknown == ()
    assert stops(venue) == [("sell", D("0.1"), D(49000))]
    assert set(venue.accepts.values()) == {1}


async def test_a_lost_order_stays_unknown_until_absence_is_proven(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    venue.next_send = ["lose"]
    order = (await submit(engine, clock, buy("0.1"))).order
    for _ in range(5):
        await engine.poll()
    assert [o.status.not_founds for o in engine.snapshot().unknown] == [5]
    clock.now += BEYOND_DEADLINE_MS - 1
    await engine.poll()
    assert len(engine.snapshot().unknown) == 1
    clock.now += 1
    await engine.poll()
    assert engine.snapshot().unknown == ()
    assert len(venue.sends) == 1
    assert engine._books.find(order.intent.client_order_id).status.state is OrderState.NOT_ACCEPTED


async def test_an_order_accepted_late_is_adopted_not_given_up(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.next_send = ["late"]
    await submit(engine, clock, buy("0.1"))
    for _ in range(4):
        clock.now += 2000
        await engine.poll()
    venue.arrive()
    clock.now += BEYOND_DEADLINE_MS
    await engine.poll()
    assert engine.snapshot().unknown == ()
    assert stops(venue) == [("sell", D("0.1"), D(49000))]


async def test_a_user_event_keeps_an_order_from_being_called_absent(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    venue.next_send = ["lose"]
    order = (await submit(engine, clock, buy("0.1"))).order
    engine.on_user_event(order.intent.client_order_id)
    clock.now += BEYOND_DEADLINE_MS
    for _ in range(4):
        report = await engine.poll()
    assert report.still_unknown == (f"{BTC} {order.intent.client_order_id}: the venue shows a user event",)


async def test_a_venue_that_does_not_answer_proves_nothing(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    orders = [(await submit(engine, clock, limit("0.01"))).order for _ in range(3)]
    venue.next_send = ["lose"]
    await submit(engine, clock, limit("0.01"))
    venue.down = True
    clock.now += 600_000
    for _ in range(5):
        with pytest.raises(TransientError):
            await engine.poll()
    assert [o.status.state for o in engine.snapshot().open_orders] == [OrderState.OPEN] * 3 + [OrderState.UNKNOWN]
    venue.down = False
    for _ in range(3):
        await engine.poll()
    assert [o.intent for o in engine.snapshot().open_orders] == [o.intent for o in orders]


async def test_a_cancel_without_answer_stays_pending_until_proof(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    order = (await submit(engine, clock, limit())).order
    venue.down = True
    await engine.cancel_all()
    assert [o.status.state for o in engine.snapshot().open_orders] == [OrderState.PENDING_CANCEL]
    venue.down = False
    await engine.poll()
    assert [o.status.state for o in engine.snapshot().open_orders] == [OrderState.PENDING_CANCEL]
    await engine.cancel_all()
    assert engine._books.find(order.intent.client_order_id).status.state is OrderState.CANCELED


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
async def test_no_risk_goes_out_unless_active_but_cancels_do(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, state: TradingState
) -> None:
    await submit(engine, clock, limit())
    await engine.order_trading_state(state, "test", "anna")
    assert [o.code for o in (await submit(engine, clock, buy())).denied] == ["P14"]
    await engine.cancel_all()
    assert engine.snapshot().open_orders == ()


async def test_a_halt_holds_over_a_restart_and_still_flattens(
    new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock
) -> None:
    engine = await new_engine()
    await submit(engine, clock, buy("0.1"))
    await engine.order_trading_state(TradingState.HALTED, "test", "anna")
    engine = await new_engine()
    assert engine.snapshot().trading_state is TradingState.HALTED
    assert await engine.flatten()
    assert venue.position_quantities() == {BTC: 0}
    assert stops(venue) == []


async def test_a_position_traded_by_hand_reduces_alerts_once_and_is_guarded(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    venue.trade_by_hand(BTC, Side.SELL, D("0.2"))
    report = await engine.poll()
    assert report.unexplained == (f"trades of {BTC} that no order of ours made",)
    assert (await engine.poll()).events == 0
    assert engine.snapshot().trading_state is TradingState.REDUCING
    assert [o.code for o in (await submit(engine, clock, buy())).denied] == ["P14"]
    assert [(s, q) for s, q, _ in stops(venue)] == [("buy", D("0.2"))]
    with brain.connect() as connection:
        found = connection.execute("SELECT kind, severity, resolved_at FROM incidents").fetchall()
    assert found == [("unexplained", "critical", None)]
    venue.trade_by_hand(BTC, Side.BUY, D("0.2"))
    await engine.poll()
    assert engine.snapshot().trading_state is TradingState.ACTIVE
    with brain.connect() as connection:
        assert connection.execute("SELECT count(*) FROM incidents WHERE resolved_at IS NULL").fetchone() == (0,)


async def test_an_order_that_is_not_ours_leaves_only_reducing_orders_out(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    await submit(engine, clock, limit())
    stranger = next(iter(venue.orders.values()))
    venue.orders["x"] = type(stranger)(**{**vars(stranger), "client_order_id": "x"})
    await engine.poll()
    assert engine.snapshot().reason == f"order {BTC} x is not ours"


async def test_a_restart_finds_nothing_to_do_and_keeps_the_stop(
    new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock
) -> None:
    engine = await new_engine()
    await submit(engine, clock, buy("0.1"))
    before = engine.snapshot().positions
    sent = len(venue.sends)
    engine = await new_engine()
    assert len(venue.sends) == sent
    assert engine.snapshot().positions == before
    assert (await engine.poll()).events == 0


async def test_a_position_found_without_its_stop_gets_it_at_the_journalled_price(
    new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock
) -> None:
    engine = await new_engine()
    venue.next_send = ["answer", "lose"]
    await submit(engine, clock, buy("0.1"), stop="48888.8")
    assert stops(venue) == []
    clock.now += BEYOND_DEADLINE_MS
    engine = await new_engine()
    for _ in range(3):
        await engine.poll()
    assert stops(venue) == [("sell", D("0.1"), D("48888.8"))]


async def test_a_stop_that_vanished_at_the_venue_is_replaced_and_reported(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    await submit(engine, clock, buy("0.1"))
    lost = venue.stops(BTC)[0].client_order_id
    del venue.orders[lost]
    assert (await engine.poll()).unexplained == (f"order {lost} vanished at the venue",)
    await engine.poll()
    assert stops(venue) == [("sell", D("0.1"), D(49000))]
    assert engine.snapshot().trading_state is TradingState.REDUCING


async def test_two_executors_cannot_both_trade(new_engine: EngineFactory, venue: FakeVenue, clock: FakeClock) -> None:
    old = await new_engine()
    new = await new_engine()
    sent = len(venue.sends)
    with pytest.raises(HaltTradingError, match="lease"):
        await submit(old, clock, buy("0.1"))
    assert len(venue.sends) == sent
    assert (await submit(new, clock, buy("0.1"))).outcome == "ack"
    assert new.epoch == old.epoch + 1


async def test_skew_denies_over_half_a_second_and_halts_over_one(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    venue.skew_ms = 600
    await engine.poll()
    assert [o.code for o in (await submit(engine, clock, buy())).denied] == ["P16"]
    venue.skew_ms = -1001
    await engine.poll()
    assert engine.snapshot().trading_state is TradingState.HALTED


async def test_the_governor_is_kept_over_a_restart(new_engine: EngineFactory, venue: FakeVenue) -> None:
    engine = await new_engine()
    venue.wallet = D(94_000)
    await engine.poll()
    assert engine.snapshot().governor.state == "soft_brake"
    engine = await new_engine()
    assert (engine.snapshot().governor.state, engine.snapshot().governor.high_water_mark) == ("soft_brake", D(100_000))


async def test_a_peak_reset_is_audited_with_its_actor(engine: OrderEngine, venue: FakeVenue, brain: Brain) -> None:
    venue.wallet = D(80_000)
    await engine.poll()
    assert engine.snapshot().trading_state is TradingState.REDUCING
    engine.desk.reset_peak("anna")
    assert engine.snapshot().trading_state is TradingState.ACTIVE
    with brain.connect() as connection:
        rows = connection.execute("SELECT state, high_water_mark, actor FROM governor_states ORDER BY change_id").fetchall()
    assert rows == [("normal", 100_000, "executor"), ("hard_stop", 100_000, "executor"), ("normal", 80_000, "anna")]


@pytest.mark.parametrize(("server", "skew"), [(1000, 0), (1500, 0), (2000, 0), (999, -1), (2600, 600)])
def test_skew_is_what_one_slow_answer_proves_and_no_more(server: int, skew: int) -> None:
    assert certain_skew(1000, server, 2000) == skew


async def test_the_journal_proves_itself(engine: OrderEngine, clock: FakeClock) -> None:
    result = await submit(engine, clock, buy("0.1"))
    journal = engine._books._orders
    assert [e["kind"] for e in journal.events(result.order.intent.intent_id)] == ["committed", "sent", "observed"]
    assert journal.verify_chain() == 6
