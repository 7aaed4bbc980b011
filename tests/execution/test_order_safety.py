"""Ways in which an order could go wrong between two systems that each did nothing wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.sessions import CommandRepository
from huracan_platform.contracts.journal import CommandKind
from huracan_platform.contracts.order import OrderIntent, OrderState, Side, TradingState
from huracan_platform.contracts.order_life import AccountState, SendAnswer
from huracan_platform.errors import HaltTradingError, TransientError
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.failpoints import Failpoint
from huracan_platform.settings import Settings
from tests.execution.conftest import BTC, FOREVER, INSTRUMENTS, PRICES, EngineFactory, buy, limit, sell
from tests.execution.test_order_engine import BEYOND_DEADLINE_MS, stops, submit
from tests.fakes.order_venue import FakeClock, FakeVenue

D = Decimal
LEASE_S = 1.0


def stand_still_at(monkeypatch: pytest.MonkeyPatch, wanted: Failpoint, stand_still: Callable[[], None]) -> None:
    """At one point of the send path the whole process stands still, its event loop and heartbeat with it."""
    monkeypatch.setattr("huracan_platform.execution.sender.reach", lambda point: stand_still() if point is wanted else None)


async def start_with_short_lease(settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock) -> OrderEngine:
    execution = settings.execution.model_copy(update={"lease_ttl_s": LEASE_S, "heartbeat_s": 0.2})
    short = settings.model_copy(update={"execution": execution})
    engine = OrderEngine(short, brain, venue, clock, INSTRUMENTS, lambda _model: FOREVER, uuid4)
    await engine.start()
    for symbol, price in PRICES.items():
        engine.on_mark(symbol, price, clock.market_ms())
    return engine


async def test_when_an_order_leaves_its_intent_is_committed_and_marked_sent(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    seen: list[tuple[str, list[str]]] = []
    send = venue.send

    async def look_first(intent: OrderIntent) -> SendAnswer:
        with brain.connect() as connection:
            state = connection.execute("SELECT state FROM orders WHERE intent_id = %s", (intent.intent_id,)).fetchone()
        seen.append((state[0] if state else "none", [e["kind"] for e in engine._books._orders.events(intent.intent_id)]))
        return await send(intent)

    venue.send = look_first  # type: ignore[method-assign]
    await submit(engine, clock, buy())
    assert seen == [("sent", ["committed", "sent"])] * 2, "the entry and its stop"


async def test_a_process_that_stood_still_past_its_lease_after_the_last_fence_sends_nothing(
    settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await start_with_short_lease(settings, brain, venue, clock)
    stand_still_at(monkeypatch, Failpoint.AFTER_MARK_SENT, lambda: time.sleep(LEASE_S + 0.1))
    result = await submit(engine, clock, buy())
    assert (result.outcome, result.answer.code) == ("reject", "deadline")
    assert venue.sends == []
    await engine.close()


async def test_a_process_that_stood_still_past_its_lease_before_the_fence_is_fenced_there(
    settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await start_with_short_lease(settings, brain, venue, clock)
    stand_still_at(monkeypatch, Failpoint.AFTER_INTENT_COMMIT, lambda: time.sleep(LEASE_S + 0.1))
    with pytest.raises(HaltTradingError, match="lease"):
        await submit(engine, clock, buy())
    assert venue.sends == []
    await engine.close()


async def test_an_orders_deadline_never_reaches_past_the_lease(
    settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock
) -> None:
    engine = await start_with_short_lease(settings, brain, venue, clock)
    intent = (await submit(engine, clock, buy())).order.intent
    assert 0 < intent.deadline_ms - intent.created_ms <= LEASE_S * 1000
    await engine.close()


async def test_an_order_past_its_deadline_is_not_sent(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still() -> None:
        clock.now += 5000

    stand_still_at(monkeypatch, Failpoint.AFTER_MARK_SENT, stand_still)
    assert (await submit(engine, clock, buy())).answer.code == "deadline"
    assert venue.sends == []


async def test_a_heartbeat_moves_the_end_of_the_lease_and_its_loss_ends_it(engine: OrderEngine, brain: Brain) -> None:
    before = engine._lease.remaining_s
    assert 14 < before <= 15
    await engine._lease.release()
    assert engine._lease.remaining_s == 0


@pytest.mark.parametrize("read", ["server_ms", "open_orders", "trades", "positions", "account_state"])
async def test_a_pass_whose_reads_fail_counts_no_not_found(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, read: str
) -> None:
    venue.next_send = ["lose"]
    await submit(engine, clock, buy())
    clock.now += BEYOND_DEADLINE_MS
    venue.failing = read
    for _ in range(4):
        with pytest.raises(TransientError):
            await engine.poll()
    assert [o.status.not_founds for o in engine.snapshot().unknown] == [0]
    venue.failing = ""
    await engine.poll()
    assert [o.status.not_founds for o in engine.snapshot().unknown] == [1]


async def test_an_order_that_the_venue_denies_while_its_trade_is_there_is_never_called_absent(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    venue.next_send, venue.not_found_while_open = ["swallow"], True
    identifier = (await submit(engine, clock, buy())).order.intent.client_order_id
    clock.now += BEYOND_DEADLINE_MS
    for _ in range(4):
        report = await engine.poll()
    assert report.still_unknown == (f"{BTC} {identifier}: the venue shows a trade or position",)
    assert engine.snapshot().trading_state is TradingState.REDUCING
    venue.not_found_while_open = False
    await engine.poll()
    assert engine.snapshot().trading_state is TradingState.ACTIVE
    assert stops(venue) == [("sell", D("0.1"), D(49000))]


async def test_an_exit_that_the_venue_refuses_after_the_stop_fired_finds_the_position_gone_at_once(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    await submit(engine, clock, buy("0.1"))
    venue.fire_stop(BTC)
    venue.next_send = ["reduce_only"]
    assert (await submit(engine, clock, sell("0.1"))).outcome == "reject"
    snapshot = engine.snapshot()
    assert (snapshot.positions[0].quantity, snapshot.open_orders) == (0, ())


@pytest.mark.parametrize("how", ["late", "failing"])
async def test_an_entry_whose_trades_are_not_read_yet_is_not_entered_again(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, how: str
) -> None:
    venue.trades_late, venue.failing = how == "late", "trades" if how == "failing" else ""
    assert (await submit(engine, clock, buy("0.1"))).order.status.state is OrderState.FILLED
    assert engine.snapshot().trading_state is TradingState.REDUCING
    assert [o.code for o in (await submit(engine, clock, buy("0.1"))).denied] == ["P14"]
    venue.trades_late, venue.failing = False, ""
    await engine.poll()
    assert engine.snapshot().trading_state is TradingState.ACTIVE
    assert stops(venue) == [("sell", D("0.1"), D(49000))]


@pytest.mark.parametrize("fate", ["reject", "lose", "unfilled"])
async def test_an_entry_that_filled_nothing_does_not_move_the_stop_of_the_position_held(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, fate: str
) -> None:
    await submit(engine, clock, buy("0.1"))
    venue.next_send = [] if fate == "unfilled" else [fate]
    await submit(engine, clock, limit("0.1") if fate == "unfilled" else buy("0.1"), "48000")
    clock.now += BEYOND_DEADLINE_MS
    for _ in range(3):
        await engine.poll()
    assert engine.snapshot().unknown == ()
    assert stops(venue) == [("sell", D("0.1"), D(49000))]


async def test_more_trades_than_a_finished_order_asked_for_stop_trading(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    order = (await submit(engine, clock, buy("0.1"))).order
    accepted = venue.orders[order.intent.client_order_id]
    venue._fill(accepted, D("0.01"), accepted.venue_order_id)
    with pytest.raises(HaltTradingError, match=r"expected at most 0\.1 filled"):
        await engine.poll()


async def test_a_canceled_order_whose_last_trade_comes_late_is_counted_and_guarded(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    venue.fill_share = D("0.5")
    order = (await submit(engine, clock, buy("0.1"))).order
    await engine.cancel_all()
    accepted = venue.orders[order.intent.client_order_id]
    venue._fill(accepted, D("0.02"), accepted.venue_order_id)
    venue.orders[order.intent.client_order_id] = replace(accepted, filled=D("0.07"))
    await engine.poll()
    stored = engine._books.find(order.intent.client_order_id)
    assert (stored.status.state, stored.status.filled) == (OrderState.CANCELED, D("0.07"))
    assert stops(venue) == [("sell", D("0.07"), D(49000))]


async def test_a_stop_follows_a_position_that_is_closed_in_part(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    await submit(engine, clock, buy("0.1"))
    await submit(engine, clock, sell("0.04"))
    assert stops(venue) == [("sell", D("0.06"), D(49000))]


async def test_an_entry_that_turns_the_position_around_takes_its_own_stop(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    await submit(engine, clock, buy("0.1"))
    await submit(engine, clock, replace(sell("0.3"), reduce_only=False), "51000")
    assert stops(venue) == [("buy", D("0.2"), D(51000))]


async def test_an_open_order_counts_at_its_own_price_before_any_mark_was_seen(
    engine: OrderEngine, clock: FakeClock
) -> None:
    await submit(engine, clock, limit("0.1", "49900"))
    engine.desk._marks.clear()
    assert [e.worst for e in engine.desk.exposures()] == [D("4990.0")]


async def test_an_authorisation_that_ran_out_lets_exits_out_and_nothing_in(
    settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock, new_engine: EngineFactory
) -> None:
    engine = await new_engine()
    await submit(engine, clock, buy("0.1"))
    engine.desk._authorised_until = lambda _model: clock.now
    assert [o.code for o in (await submit(engine, clock, buy("0.1"))).denied] == ["P17.authorisation"]
    assert (await submit(engine, clock, sell("0.1"))).outcome == "ack"


def test_a_command_claimed_by_a_session_that_died_is_taken_again_until_it_is_applied(brain: Brain) -> None:
    commands = CommandRepository(brain)
    halt = commands.put(CommandKind.HALT, {}, "anna")
    assert [c.command_id for c in commands.claim(1)] == [halt]
    assert [c.command_id for c in commands.claim(2)] == [halt]
    assert commands.claim(1) == [], "an older session does not take from a newer one"
    commands.applied(halt, "trading state halted")
    assert commands.claim(3) == []


@pytest.mark.parametrize("refused", ["reject", "reduce_only", "lose"])
async def test_an_unknown_order_that_would_reduce_counts_in_the_limits_all_the_same(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, refused: str
) -> None:
    await submit(engine, clock, buy("0.1"))
    venue.next_send = [refused]
    await submit(engine, clock, sell("0.1"))
    assert [e.selling for e in engine.desk.exposures()] == [D("0.1") if refused == "lose" else D(0)]


async def test_a_stop_that_came_too_late_or_too_often_is_placed_at_the_next_poll_and_closes_nothing(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock, brain: Brain
) -> None:
    venue.next_send = ["answer", "busy"]
    await submit(engine, clock, buy("0.1"))
    assert (venue.position_quantities(), stops(venue)) == ({BTC: D("0.1")}, [])
    with brain.connect() as connection:
        assert connection.execute("SELECT kind FROM incidents").fetchall() == [("stop_failed",)]
    await engine.poll()
    assert stops(venue) == [("sell", D("0.1"), D(49000))]


async def test_cancels_go_out_while_the_database_is_down(engine: OrderEngine, venue: FakeVenue, clock: FakeClock) -> None:
    orders = [(await submit(engine, clock, limit("0.01"))).order for _ in range(3)]

    def no_database(*_given: object) -> None:
        raise TransientError("database: no answer")

    append, engine._books._orders.append = engine._books._orders.append, no_database  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="no answer"):
        await engine.cancel_all()
    assert venue.cancels == [o.intent.client_order_id for o in orders]
    engine._books._orders.append = append  # type: ignore[method-assign]
    await engine.poll()
    assert engine.snapshot().open_orders == ()


async def test_without_the_lease_nothing_is_written_but_cancels_go_out(
    engine: OrderEngine, venue: FakeVenue, clock: FakeClock
) -> None:
    await submit(engine, clock, buy("0.1"))
    await submit(engine, clock, limit("0.01"))
    await engine._lease.release()
    with pytest.raises(HaltTradingError, match="expected to hold it, got none"):
        await engine.poll()
    await engine.cancel_all()
    assert [o.kind.value for o in venue.orders.values() if not o.state.terminal] == ["stop_market"]


async def test_flat_is_said_only_after_the_venue_shows_no_position(engine: OrderEngine, venue: FakeVenue) -> None:
    venue.trade_by_hand(BTC, Side.BUY, D("0.1"))
    venue.trades_late = True
    assert not await engine.flatten()
    venue.trades_late = False
    assert await engine.flatten()
    assert venue.position_quantities() == {BTC: 0}


async def test_trading_starts_after_two_passes_that_changed_nothing(new_engine: EngineFactory, venue: FakeVenue) -> None:
    passes: list[int] = []
    look = venue.account_state

    async def counted() -> AccountState:
        passes.append(len(passes) + 1)
        if passes[-1] == 1:
            venue.trade_by_hand(BTC, Side.BUY, D("0.1"))  # seen by the second pass
        return await look()

    venue.account_state = counted  # type: ignore[method-assign]
    await new_engine()
    assert passes == [1, 2, 3, 4], "one quiet, one with the trade, two quiet"


async def test_an_engine_that_never_settles_trades_nothing(
    settings: Settings, brain: Brain, venue: FakeVenue, clock: FakeClock
) -> None:
    look = venue.account_state

    async def somebody_trades() -> AccountState:
        venue.trade_by_hand(BTC, Side.BUY, D("0.1"))
        return await look()

    venue.account_state = somebody_trades  # type: ignore[method-assign]
    engine = OrderEngine(settings, brain, venue, clock, INSTRUMENTS, lambda _model: FOREVER, uuid4)
    with pytest.raises(HaltTradingError, match="two quiet passes"):
        await engine.start()
    engine.on_mark(BTC, PRICES[BTC], clock.market_ms())
    engine.desk.unexplained = ()
    assert [o.observed for o in (await submit(engine, clock, buy())).denied if o.code == "P14"] == ["halted"]
    await engine.close()
