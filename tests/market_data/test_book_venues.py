"""What differs between venues' trades and books, message by message: numbers, paces, windows, words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from huracan_platform.contracts.microstructure import DepthUpdate, Pulse, Quote, Trade
from huracan_platform.data.market_data.book.local_book import LocalBook
from huracan_platform.data.market_data.book.summary import BookSummary
from huracan_platform.data.market_data.microstructure.runs import Run
from huracan_platform.data.market_data.trades.summary import TradeSummary
from huracan_platform.errors import ConfigurationError, DataContractError, TransientError
from huracan_platform.venues.listed import Contract
from huracan_platform.venues.microstructure import streams_of
from huracan_platform.venues.microstructure.bybit import BybitStreams

BTC = "BTC/USDT:USDT"
T0 = 1_735_689_600_000
BIDS, ASKS = ((100.0, 1.0), (99.9, 2.0), (99.0, 3.0)), ((100.1, 1.5), (100.2, 2.5), (101.0, 3.5))
UUID = "20f43950-d8dd-5b31-9112-a178eb6023af"


def traded() -> tuple[TradeSummary, list[Run]]:
    runs: list[Run] = []
    return TradeSummary(BTC, runs, settle_ms=0, correct_ms=60_000), runs


def trade(at: int, number: int, base: float = 1.0, step: int | None = None) -> Trade:
    return Trade(BTC, T0 + at, number, 100.0, base, True, 0, 0, step)


def depth(at: int, last: int, bids=(), asks=(), *, previous: int | None = None, snapshot: bool = False) -> DepthUpdate:
    previous = last - 1 if previous is None else previous
    return DepthUpdate(BTC, T0 + at, previous + 1, last, previous, tuple(bids), tuple(asks), snapshot)


def quote(at: int, number: int, bid=(100.0, 1.0), ask=(100.1, 1.5)) -> Quote:
    return Quote(BTC, T0 + at, number, *bid, *ask)


def seconds_of(runs: list[Run]) -> list[int]:
    return [int(ts) - T0 for run in runs for one in run.finished for ts in one.seconds.ts_ms]


def test_where_no_word_tells_of_the_newest_trade_a_quiet_second_waits_for_the_next_one_whatever_else_is_heard() -> None:
    summary, runs = traded()
    for message in (trade(100, 900), trade(1_500, 3, 2.0), Pulse(BTC, T0 + 9_000)):
        summary.hear(message, message.ts_ms)
    summary.advance(T0 + 9_000, T0 + 12_000)
    assert seconds_of(runs) == []  # the stream may have fallen silent: that is not yet nobody's trading
    summary.hear(trade(3_200, 77), T0 + 12_100)
    assert seconds_of(runs) == [1000, 2000]
    assert [float(v) for one in runs[0].finished for v in one.seconds.buy_base] == [2.0, 0.0]
    assert runs[0].finished[0].known_ms == T0 + 12_100


def test_trades_without_numbers_leave_no_holes_and_one_told_again_counts_once() -> None:
    summary, runs = traded()
    for message in (trade(100, 900), trade(1_200, 7), trade(1_200, 7), trade(1_300, 12_345), trade(2_100, 1)):
        summary.hear(message, message.ts_ms)
    summary.advance(T0 + 2_100, T0 + 5_100)
    assert seconds_of(runs) == [1000]
    assert runs[0].finished[0].seconds.trades.tolist() == [2.0]
    assert (runs[0].ended, summary.duplicates) == (None, 1)


def test_a_trade_that_takes_several_numbers_follows_on_the_one_before_them() -> None:
    summary, runs = traded()
    for message in (trade(100, 10, step=1), trade(1_500, 14, step=4), trade(2_500, 16, step=2), trade(3_100, 18, step=1)):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == [1000]  # 17 is missing: after 2500 ms nothing is whole
    summary.advance(T0 + 3_100, T0 + 6_100)
    assert runs[0].ended == f"trades {BTC}: expected the trade numbered 17, got 18 after 16"


def test_a_trade_that_several_others_overtook_is_waited_for() -> None:
    summary, runs = traded()
    for number, step, at in ((10, 1, 100), (15, 2, 1_400), (18, 3, 1_600), (20, 2, 2_100), (13, 3, 1_200)):
        summary.hear(trade(at, number, step=step), T0 + 2_200)
    assert seconds_of(runs) == [1000]
    assert runs[0].finished[0].seconds.trades.tolist() == [3.0]


@pytest.mark.parametrize(("aligned", "seconds"), [(True, [1000]), (False, [1000, 2000])])
def test_quotes_at_a_pace_of_their_own_are_not_held_against_the_book_of_a_number(aligned: bool, seconds: list[int]) -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0, aligned=aligned)
    gone = depth(1_990, 11, [(100.0, 0.0)])  # its quote comes 20 ms later, with a later number and after the second's end
    begin, after = (depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10)), depth(3_100, 14, previous=11)
    for message in (*begin, gone, quote(2_010, 13, bid=(99.9, 2.0)), after, quote(3_100, 15, bid=(99.9, 2.0))):
        summary.hear(message, T0 + 3_100)
    assert seconds_of(runs) == seconds
    assert summary.needs_snapshot == aligned


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("silent", ["book", "quotes"])
def test_one_stream_that_falls_silent_while_the_other_moves_is_a_gap_not_a_standstill(silent: str, aligned: bool) -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0, aligned=aligned)
    for message in (depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10)):
        summary.hear(message, T0 + 100)
    for i in range(1, 60):
        moved = (100.0, 1.0 + i)
        told = quote(100 * i + 100, 10 + i, bid=moved) if silent == "book" else depth(100 * i + 100, 10 + i, [moved])
        summary.hear(told, T0)
        summary.advance(told.ts_ms - 3_000, T0)
    assert summary.needs_snapshot
    assert seconds_of(runs) == []


@pytest.mark.parametrize("aligned", [True, False])
def test_a_best_price_that_the_slower_stream_has_yet_to_tell_is_no_silence(aligned: bool) -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0, aligned=aligned)
    moved = (100.0, 9.0)
    for message in (depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10)):
        summary.hear(message, T0 + 100)
    summary.advance(T0 + 3_500, T0 + 6_500)  # other symbols have moved
    summary.hear(quote(7_010, 11, bid=moved), T0 + 7_010)
    summary.advance(T0 + 4_100, T0 + 7_100)
    assert (seconds_of(runs), summary.needs_snapshot) == ([1000, 2000], False)
    summary.hear(depth(7_100, 11, [moved]), T0 + 7_100)
    assert seconds_of(runs) == [1000, 2000, 3000, 4000, 5000, 6000]
    summary.hear(quote(9_000, 12, bid=(100.0, 1.0)), T0 + 9_000)
    summary.advance(T0 + 9_000, T0 + 12_000)  # by now the book has had its time
    assert summary.needs_snapshot


def test_numbers_that_begin_anew_behind_the_last_one_go_on() -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0, aligned=False)
    for message in (depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10), depth(1_500, 3, previous=10), depth(2_500, 4)):
        summary.hear(message, T0 + 2_500)
    assert not summary.needs_snapshot
    summary.hear(depth(2_600, 4), T0 + 2_600)
    assert summary.duplicates == 1


def test_what_a_stream_told_before_it_began_anew_is_of_no_matter() -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0, aligned=False, keeps_early=False)
    lost = (depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10), depth(1_500, 500), depth(1_600, 501))
    for message in (*lost, depth(1_700, 2, BIDS, ASKS, snapshot=True), quote(1_800, 11), depth(2_100, 3)):
        summary.hear(message, T0 + 2_100)
    assert not summary.needs_snapshot


def test_what_leaves_a_window_is_forgotten_though_the_venue_does_not_take_it_back() -> None:
    book = LocalBook(snapshot_levels=3, most_levels=100, windowed=True)
    book.begin(depth(0, 1, BIDS, ASKS, snapshot=True))
    book.apply(depth(1, 2, [(100.05, 4.0)]))
    assert len(book) == 6
    assert book.depth()[-1] == pytest.approx((100.075 - 99.9) / 100.075 * 1e4)
    book.apply(depth(2, 3, [(100.05, 0.0), (100.0, 0.0)]))
    assert book.best()[0] == (99.9, 2.0)
    assert book.depth()[2] == pytest.approx(99.9 * 2.0)


def bybit() -> BybitStreams:
    client = SimpleNamespace(implode_hostname=lambda url: url, urls={"api": {"ws": {"public": {"linear": "ws://v/linear"}}}})
    return BybitStreams(client, {"BTCUSDT": Contract(BTC)})


def read(streams: BybitStreams, topic: str, data: Any, kind: str = "delta") -> list[Any]:
    told = {"topic": f"{topic}.BTCUSDT", "type": kind, "ts": T0 + 9, "cts": T0 + 3, "data": data}
    return list(streams.read(orjson.dumps(told).decode()))


def test_bybit_is_asked_for_every_topic_on_one_address() -> None:
    streams = bybit()
    assert streams.url("book") == "ws://v/linear"
    args = ["orderbook.200.BTCUSDT", "orderbook.1.BTCUSDT", "tickers.BTCUSDT"]
    assert streams.hello("book") == {"op": "subscribe", "args": args}
    assert streams.hello("trades") == {"op": "subscribe", "args": ["publicTrade.BTCUSDT", "tickers.BTCUSDT"]}


def test_bybit_s_trades_tell_the_taker_and_no_number_and_block_trades_are_left_out() -> None:
    row = {"T": T0 + 1, "s": "BTCUSDT", "S": "Sell", "v": "0.25", "p": "16578.50", "i": UUID, "BT": False, "seq": 9}
    other = {**row, "i": UUID[:-1] + "e", "S": "Buy"}
    sold, bought = read(bybit(), "publicTrade", [row, {**row, "BT": True}, other], "snapshot")
    assert (sold.ts_ms, sold.price, sold.base, sold.bought, sold.step) == (T0 + 1, 16578.5, 0.25, False, None)
    assert bought.bought
    assert 0 < sold.trade_id != bought.trade_id < 1 << 63


def test_bybit_s_books_are_whole_at_the_begin_and_when_the_service_was_restarted() -> None:
    data = {"s": "BTCUSDT", "b": [["100.0", "1.5"]], "a": [["100.1", "0"]], "u": 18, "seq": 99}
    (whole,), (update,) = read(bybit(), "orderbook.200", data, "snapshot"), read(bybit(), "orderbook.200", data)
    (anew,) = read(bybit(), "orderbook.200", {**data, "u": 1})
    assert update == DepthUpdate(BTC, T0 + 3, 18, 18, 17, ((100.0, 1.5),), ((100.1, 0.0),))
    assert [one.snapshot for one in (whole, update, anew)] == [True, False, True]


def test_bybit_s_best_prices_are_kept_from_the_sides_that_changed() -> None:
    streams = bybit()
    first = {"s": "BTCUSDT", "b": [["100.0", "1.5"]], "a": [["100.1", "2"]], "u": 7, "seq": 50}
    read(streams, "orderbook.1", first, "snapshot")
    (moved,) = read(streams, "orderbook.1", {**first, "b": [], "a": [["100.1", "0"], ["100.2", "4"]], "u": 8, "seq": 60})
    assert moved == Quote(BTC, T0 + 3, 60, 100.0, 1.5, 100.2, 4.0)
    (anew,) = read(streams, "orderbook.1", {**first, "b": [["90.0", "1"]], "seq": 70}, "snapshot")
    assert (anew.bid, anew.ask) == (90.0, 100.1)


def test_bybit_s_answers_say_nothing_but_a_refusal_and_what_cannot_be_read() -> None:
    streams = bybit()
    assert read(streams, "tickers", {"symbol": "BTCUSDT"}) == [Pulse(BTC, T0 + 9)]
    for answer in ({"success": True, "ret_msg": "", "op": "subscribe"}, {"success": True, "ret_msg": "pong", "op": "ping"}):
        assert list(streams.read(orjson.dumps(answer).decode())) == []
    with pytest.raises(TransientError, match=r"expected to hear BTCUSDT, got Invalid symbol :\[tickers.X\]"):
        streams.read('{"success":false,"ret_msg":"Invalid symbol :[tickers.X]","op":"subscribe"}')
    expected = r"expected a frame of orderbook\.200, orderbook\.1, publicTrade, tickers, got"
    for wrong in ('{"topic":"publicTrade.BTCUSDT","data":[{"T":1}]}', '{"topic":"orderbook.200.XUSDT","data":{}}', "[]", "{"):
        with pytest.raises(DataContractError, match=expected):
            streams.read(wrong)


def test_an_exchange_whose_streams_are_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected binanceusdm or bybit or okx for trades and books, got 'kraken'"):
        streams_of("kraken", None, {}, 1000)
