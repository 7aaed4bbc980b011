"""The parts of a mirror by themselves: book in step, growing history, clock, rules, gaps and pauses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.gaps import Gap, Gaps
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory, minute_rows
from huracan_platform.simulator.mirror.book import MirroredBook
from huracan_platform.simulator.mirror.clock import MirrorClock
from huracan_platform.simulator.mirror.feed import LONGEST_PAUSE_S, pause_s
from huracan_platform.simulator.mirror.history import LiveHistory
from huracan_platform.simulator.mirror.listing import identity_of, instruments_of
from huracan_platform.simulator.mirror.sockets import stream_base
from huracan_platform.simulator.mirror.source import Trade
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import MINUTE, START_MS, WIRE_MS, flat, listed

BARS = [*flat(900_000, 3), (900_000, 900_400, 899_000, 900_100, 5_000), *flat(900_100, 4)]


def live(minutes: int) -> tuple[SymbolHistory, LiveHistory]:
    """A whole history, and one that has grown to its first minutes; the last of them is under way."""
    whole = SymbolHistory(listed(BARS))
    return whole, LiveHistory(listed(BARS[:minutes]), minute_rows(whole.listed)[:minutes])


def trade_in(history: SymbolHistory, row: int) -> list[Trade]:
    """The trades of a minute as the source tells them."""
    tape, opened = history.tape(row), START_MS + row * MINUTE
    return [
        Trade(int(tape.ids[i]), int(tape.price[i]), int(tape.lots[i]), int(tape.ids[i]), int(tape.ids[i]),
              opened + int(tape.told_ms[i]), bool(tape.buyer[i]))
        for i in range(len(tape))
    ]


def test_a_minute_made_of_its_trades_is_the_sources_bar() -> None:
    whole, grown = live(4)
    for trade in trade_in(whole, 3):
        assert grown.add_trade(trade, trade.time_ms)
        assert not grown.add_trade(trade, trade.time_ms)
    assert grown.traded().tolist() == minute_rows(whole.listed)[3].tolist()
    assert grown.running("1m", START_MS + 4 * MINUTE - 1)[0].tolist() == minute_rows(whole.listed)[3].tolist()
    tape = grown.tape(3)
    for name in ("offset_ms", "told_ms", "price", "lots", "buyer", "ids"):
        assert getattr(tape, name).tolist() == getattr(whole.tape(3), name).tolist()


@pytest.mark.parametrize("interval", ["1m", "3m", "1h"])
def test_pages_of_a_grown_series_are_those_of_the_whole(interval: str) -> None:
    whole, grown = live(2)
    rows = minute_rows(whole.listed)
    for minute in range(1, 7):
        series = grown.series(interval)
        series.slice_bytes(0, len(series.rows))  # the page is made while its last bar is under way
        for trade in trade_in(whole, minute):
            grown.add_trade(trade, trade.time_ms)
        grown.close_minute(rows[minute], START_MS + (minute + 1) * MINUTE)
        now = START_MS + (minute + 1) * MINUTE
        complete = grown.series(interval).complete_before(now)
        assert complete == (minute + 1) * MINUTE // INTERVALS_MS[interval]
        assert grown.series(interval).slice_bytes(0, complete) == whole.series(interval).slice_bytes(0, complete)


def test_a_minute_without_trades_stands_at_the_last_close() -> None:
    _, grown = live(5)
    assert grown.last_price(START_MS + 4 * MINUTE + 500) == 900_100
    assert grown.running("1m", START_MS + 4 * MINUTE + 500)[0].tolist() == [START_MS + 4 * MINUTE, *[900_100] * 4, 0, 0, 0, 0, 0]


def test_a_trade_that_comes_late_is_seen_late_and_told_with_its_own_time() -> None:
    whole, grown = live(4)
    first, second = trade_in(whole, 3)[:2]
    grown.add_trade(second, second.time_ms)
    grown.add_trade(first, second.time_ms + 40)
    tape = grown.tape(3)
    assert tape.offset_ms.tolist() == [second.time_ms - START_MS - 3 * MINUTE, second.time_ms + 40 - START_MS - 3 * MINUTE]
    assert tape.told_ms.tolist() == [second.time_ms - START_MS - 3 * MINUTE, first.time_ms - START_MS - 3 * MINUTE]


def event(first: int, last: int, before: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    """A depth difference."""
    return {"e": "depthUpdate", "U": first, "u": last, "pu": before, "b": bids, "a": asks}


@pytest.fixture
def book() -> MirroredBook:
    """A book with a snapshot of number 100."""
    made = MirroredBook(live(2)[1])
    made.take_snapshot({"lastUpdateId": 100, "bids": [["99.9", "1"], ["99.8", "2"]], "asks": [["100.1", "3"], ["100.2", "4"]]})
    return made


def sides(book: MirroredBook) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Bids and asks in ticks and lots, best first."""
    state = book.after_trade(0, -1)
    return list(state.levels(1, np.iinfo(np.int64).max)), list(state.levels(-1, 0))


def test_the_first_difference_spans_the_snapshot_and_the_next_ones_join_on(book: MirroredBook) -> None:
    book.take_difference(event(90, 99, 89, [["99.9", "7"]], []))  # all of it is in the snapshot
    assert sides(book) == ([(999, 1_000), (998, 2_000)], [(1_001, 3_000), (1_002, 4_000)])
    book.take_difference(event(98, 103, 97, [["99.9", "0"], ["99.7", "5"]], [["100.1", "1"]]))
    book.take_difference(event(105, 106, 103, [], [["100.2", "0"]]))
    assert book.in_step
    assert sides(book) == ([(998, 2_000), (997, 5_000)], [(1_001, 1_000)])


@pytest.mark.parametrize(
    ("first", "second"), [(event(102, 103, 101, [], []), None), (event(99, 103, 98, [], []), event(105, 106, 104, [], []))]
)
def test_a_difference_that_does_not_join_on_puts_the_book_out_of_step(
    book: MirroredBook, first: dict[str, Any], second: dict[str, Any] | None
) -> None:
    book.take_difference(first)
    if second is not None:
        assert book.in_step
        book.take_difference(second)
    assert not book.in_step
    book.take_snapshot({"lastUpdateId": 200, "bids": [["99.5", "1"]], "asks": [["99.6", "1"]]})
    assert book.in_step
    assert sides(book) == ([(995, 1_000)], [(996, 1_000)])


def test_a_newer_best_price_hides_what_it_has_passed_until_a_difference_is_as_new(book: MirroredBook) -> None:
    book.take_best({"u": 105, "b": "99.8", "B": "9", "a": "100.0", "A": "8"})
    assert sides(book) == ([(998, 9_000)], [(1_000, 8_000), (1_001, 3_000), (1_002, 4_000)])
    book.take_difference(event(101, 106, 100, [["99.9", "0"]], []))
    assert sides(book) == ([(998, 2_000)], [(1_001, 3_000), (1_002, 4_000)])


def test_every_price_that_has_changed_between_two_states_is_named(book: MirroredBook) -> None:
    book.take_difference(event(101, 103, 100, [["99.7", "5"]], [["100.1", "0"]]))
    book.take_difference(event(104, 105, 103, [["99.7", "0"]], []))
    assert book.passed((0, 0, 101), (0, 0, 105), 1, None) == {997}
    assert book.passed((0, 0, 101), (0, 0, 103), -1, None) == {1_001}


def test_orders_meet_the_levels_of_now_also_where_only_the_book_has_moved(book: MirroredBook) -> None:
    orders = OrderBook(book, lambda: None)
    book.changed = orders.moved
    assert orders.seek(START_MS).best_ask == 1_001
    book.take_difference(event(101, 103, 100, [], [["100.1", "0"]]))
    assert orders.seek(START_MS).best_ask == 1_002


def test_the_clock_follows_its_source_and_never_passes_the_wire() -> None:
    wire = ManualClock(WIRE_MS)
    clock = MirrorClock(START_MS, wire)
    for _ in range(20):
        clock.reach(clock.market_ms() + 30_000)
        wire.advance(500)
    assert clock.market_time.speed == 60.0
    clock.reach(START_MS)
    assert clock.market_ms() == START_MS + 20 * 30_000
    clock.reach(WIRE_MS * 2)
    assert clock.market_ms() == wire.wire_ms()
    with pytest.raises(VenueRefusal):
        clock.set_speed(1.0)
    with pytest.raises(VenueRefusal):
        clock.set_market(WIRE_MS)


def rules(**changed: Any) -> dict[str, Any]:
    """An exchangeInfo of one symbol."""
    filters: list[dict[str, Any]] = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "556.80", "maxPrice": "4529764"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200}, {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
    ]
    filters = [{**f, **changed} if set(changed) <= set(f) else f for f in filters]
    symbol = {"symbol": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "BTC", "filters": filters}
    return {"symbols": [symbol, {"symbol": "BTCUSDT_260327", "contractType": "CURRENT_QUARTER", "status": "TRADING"}]}


def test_ticks_lots_and_limits_are_read_from_the_rules() -> None:
    (instrument,) = instruments_of(rules(), ("BTC/USDT:USDT",))
    assert (instrument.symbol, instrument.price_decimals, instrument.quantity_decimals) == ("BTCUSDT", 1, 3)
    assert (instrument.min_notional, instrument.max_market_quantity) == (Decimal(100), Decimal(120))
    assert instrument.price_band == Decimal("0.0500")


@pytest.mark.parametrize(
    ("info", "wanted", "reason"),
    [
        (rules(), ("ETHUSDT",), r"expected some of the 1 perpetuals that the source lists, got \['ETHUSDT'\]"),
        (rules(), ("BTCUSDT", "BTC/USDT:USDT"), "symbols: expected one or more different ones"),
        (rules(tickSize="0.05"), ("BTCUSDT",), "expected steps of BTCUSDT like 0.001, got 0.05"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(info: dict[str, Any], wanted: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        instruments_of(info, wanted)


def test_the_exchange_is_named_by_its_host_and_streams_from_another() -> None:
    assert identity_of("https://fapi.binance.com") == "mirror-fapi.binance.com"
    assert stream_base("https://fapi.binance.com") == "wss://fstream.binance.com"
    assert stream_base("http://127.0.0.1:8799") == "ws://127.0.0.1:8799"
    with pytest.raises(ConfigurationError):
        identity_of("fapi.binance.com")


def test_gaps_that_join_are_one() -> None:
    gaps = Gaps()
    for symbol, minute, what in (("A", 0, "trades"), ("B", 0, "trades"), ("A", 1, "trades"), ("A", 2, "bars"), ("A", 4, "bars")):
        gaps.add(Gap(symbol, minute * MINUTE, (minute + 1) * MINUTE, what))
    assert [(g["symbol"], g["from_ms"] // MINUTE, g["to_ms"] // MINUTE, g["what"]) for g in gaps.told()] == [
        ("A", 0, 2, "trades"), ("B", 0, 1, "trades"), ("A", 2, 3, "bars"), ("A", 4, 5, "bars"),
    ]


def test_pauses_grow_with_jitter_up_to_a_bound() -> None:
    for failures, longest in ((1, 0.5), (2, 1.0), (5, 8.0), (50, LONGEST_PAUSE_S)):
        drawn = {pause_s(failures) for _ in range(50)}
        assert longest / 2 <= min(drawn) < max(drawn) <= longest
