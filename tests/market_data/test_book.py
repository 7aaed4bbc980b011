"""Books and trades per second, message by message: what is final, what is a gap, what is out of order."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from huracan_platform.contracts.microstructure import DepthUpdate, Pulse, Quote, Trade
from huracan_platform.data.market_data.book.local_book import LocalBook
from huracan_platform.data.market_data.book.order_flow import order_flow
from huracan_platform.data.market_data.book.summary import BookSummary
from huracan_platform.data.market_data.microstructure.runs import Run
from huracan_platform.data.market_data.trades.seconds import trade_seconds
from huracan_platform.data.market_data.trades.summary import TradeSummary, as_arrays
from huracan_platform.venues.microstructure.binance import BinanceStreams

BTC = "BTC/USDT:USDT"
T0 = 1_735_689_600_000
BIDS, ASKS = ((100.0, 1.0), (99.9, 2.0), (99.0, 3.0)), ((100.1, 1.5), (100.2, 2.5), (101.0, 3.5))


def depth(at: int, last: int, bids=(), asks=(), *, previous: int | None = None, snapshot: bool = False) -> DepthUpdate:
    previous = last - 1 if previous is None else previous
    return DepthUpdate(BTC, T0 + at, previous + 1, last, previous, tuple(bids), tuple(asks), snapshot)


def quote(at: int, number: int, bid=(100.0, 1.0), ask=(100.1, 1.5)) -> Quote:
    return Quote(BTC, T0 + at, number, *bid, *ask)


def trade(at: int, number: int, base: float = 1.0, *, bought: bool = True, price: float = 100.0) -> Trade:
    return Trade(BTC, T0 + at, number, price, base, bought, number, number)


def begun() -> tuple[BookSummary, list[Run]]:
    """A book that is known from 100 ms on; its first whole second begins at 1000 ms."""
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0)
    for message in (depth(50, 9), depth(0, 10, BIDS, ASKS, snapshot=True), quote(100, 10)):
        summary.hear(message, T0 + 100)
    return summary, runs


def traded() -> tuple[TradeSummary, list[Run]]:
    runs: list[Run] = []
    return TradeSummary(BTC, runs, settle_ms=0, correct_ms=60_000), runs


def rows_of(run: Run, name: str) -> list[float]:
    return [float(v) for one in run.finished for v in getattr(one.seconds, name)]


def seconds_of(runs: list[Run]) -> list[int]:
    return [int(ts) - T0 for run in runs for one in run.finished for ts in one.seconds.ts_ms]


def test_depth_is_the_worth_of_the_levels_within_a_distance_of_the_mid_and_says_how_far_it_is_known() -> None:
    book = LocalBook(snapshot_levels=3, most_levels=100)
    book.begin(depth(0, 1, BIDS, ASKS, snapshot=True))
    assert book.best() == (BIDS[0], ASKS[0])
    bid_5, bid_10, bid_25, ask_5, ask_10, ask_25, bid_best, ask_best, reach = book.depth()
    assert (bid_5, bid_10, bid_25) == pytest.approx((100.0, 100.0, 100.0 + 199.8))  # the mid is 100.05: 99.9 is 15 bps away
    assert (ask_5, ask_10, ask_25) == pytest.approx((150.15, 150.15, 150.15 + 250.5))
    assert (bid_best, ask_best) == pytest.approx((100 + 199.8 + 297, 150.15 + 250.5 + 353.5))
    assert reach == pytest.approx(0.95 / 100.05 * 1e4)  # the snapshot was full: below 101 − 99 nothing is said
    book.apply(depth(1, 2, [(100.0, 0.0)], [(100.05, 4.0)]))
    assert book.best() == ((99.9, 2.0), (100.05, 4.0))


def test_a_book_keeps_no_more_levels_than_it_may_and_then_knows_less_far() -> None:
    book = LocalBook(snapshot_levels=1000, most_levels=50)
    book.begin(depth(0, 1, BIDS, ASKS, snapshot=True))
    assert book.depth()[-1] == 10_000  # fewer levels than were asked for: that is all there are
    book.apply(depth(1, 2, [(99.0 - i / 10, 1.0) for i in range(1, 60)]))
    assert len(book) == 25 + 3
    assert book.depth()[-1] == pytest.approx((100.05 - (99.0 - 2.2)) / 100.05 * 1e4)


def test_order_flow_adds_what_bids_gain_and_takes_away_what_asks_gain() -> None:
    bid, bid_base = np.array([10.0, 10.0, 10.1, 10.0]), np.array([1.0, 3.0, 2.0, 5.0])
    ask, ask_base = np.array([10.2, 10.2, 10.3, 10.2]), np.array([4.0, 1.0, 7.0, 6.0])
    # equal prices: +2 bids, −3 asks; both up: +2 bids, and the asks of before are gone; both down: −2 bids, 6 asks come
    assert order_flow(bid, bid_base, ask, ask_base).tolist() == [2.0 + 3.0, 2.0 + 1.0, -2.0 - 6.0]


def test_a_second_tells_the_book_at_its_end_and_is_known_with_the_frame_that_closes_it() -> None:
    summary, runs = begun()
    more = (100.0, 4.0)
    for message in (quote(1500, 11, bid=more), depth(1500, 11, [more]), quote(2000, 12), depth(2000, 12, BIDS[:1])):
        summary.hear(message, T0 + 2_070)
    (run,) = runs
    (closed,) = run.finished
    assert (run.began_ms, run.until_ms, closed.known_ms) == (T0 + 1000, T0 + 2000, T0 + 2_070)
    assert (rows_of(run, "bid_base"), rows_of(run, "ofi_base"), rows_of(run, "updates")) == ([4.0], [3.0], [1.0])
    assert rows_of(run, "bid_usd_5bps") == [400.0]


def test_seconds_in_which_nothing_changes_carry_the_book_on() -> None:
    summary, runs = begun()
    for message in (quote(4200, 11), depth(4200, 11, [(99.9, 7.0)])):
        summary.hear(message, T0 + 4_200)
    assert seconds_of(runs) == [1000, 2000, 3000]
    assert rows_of(runs[0], "updates") == [0.0, 0.0, 0.0]
    assert rows_of(runs[0], "bid_usd_25bps") == pytest.approx([100.0 + 199.8] * 3)


def test_seconds_that_close_together_each_have_the_book_of_their_own_end() -> None:
    summary, runs = begun()
    for message in (depth(1500, 11, [(99.9, 7.0)]), depth(2500, 12, [(99.9, 8.0)]), depth(3100, 13), quote(3100, 14)):
        summary.hear(message, T0 + 3_100)
    assert rows_of(runs[0], "bid_usd_25bps") == pytest.approx([100.0 + 99.9 * 7, 100.0 + 99.9 * 8])


def test_a_difference_that_does_not_follow_ends_the_run_and_a_snapshot_begins_another() -> None:
    summary, runs = begun()
    for message in (quote(2100, 12), depth(2100, 11), depth(2500, 14, previous=13), quote(2600, 15)):
        summary.hear(message, T0 + 2_600)
    assert summary.needs_snapshot
    assert runs[0].ended == f"book {BTC}: expected the difference after 11, got the one after 13"
    for message in (depth(2700, 15, BIDS, ASKS, snapshot=True), quote(2800, 16), depth(4100, 16), quote(4100, 17)):
        summary.hear(message, T0 + 4_100)
    assert seconds_of(runs) == [1000, 3000]  # of the second of the gap nothing is known, and it is no row
    assert [run.ended is None for run in runs] == [False, True]


def test_a_snapshot_that_is_too_old_is_asked_for_again() -> None:
    runs: list[Run] = []
    summary = BookSummary(BTC, LocalBook(1000, 5000), runs, settle_ms=0)
    for message in (quote(0, 20), depth(100, 20, previous=18), depth(0, 10, BIDS, ASKS, snapshot=True)):
        summary.hear(message, T0)
    assert summary.needs_snapshot
    summary.hear(depth(150, 19, BIDS, ASKS, snapshot=True), T0)
    assert not summary.needs_snapshot


def test_repeated_differences_and_quotes_change_nothing() -> None:
    messages = [
        quote(1500, 11, bid=(100.0, 4.0)), depth(1500, 11, [(100.0, 4.0)]), quote(1600, 12, bid=(100.0, 2.0)),
        depth(1600, 12, [(100.0, 2.0)]), quote(2100, 13), depth(2100, 13, BIDS[:1]),
    ]
    told = []
    for repeated in (1, 2):
        summary, runs = begun()
        for message in messages:
            for _ in range(repeated):
                summary.hear(message, T0)
        told.append([(rows_of(run, "ofi_base"), rows_of(run, "updates"), rows_of(run, "bid_usd_5bps")) for run in runs])
    assert told[0] == told[1] == [([1.0], [2.0], [200.0])]
    assert summary.duplicates == 6


def test_quotes_that_overtake_one_another_count_in_the_order_of_their_numbers() -> None:
    first, second = quote(1500, 11, bid=(100.0, 4.0)), quote(1600, 12, bid=(99.9, 2.0))
    told = []
    for order in ((first, second), (second, first)):
        summary, runs = begun()
        for message in (*order, quote(2100, 13), depth(2100, 11)):
            summary.hear(message, T0)
        told.append((rows_of(runs[0], "ofi_base"), rows_of(runs[0], "bid"), rows_of(runs[0], "updates")))
    assert told[0] == told[1] == ([3.0 - 4.0], [99.9], [2.0])
    assert summary.late == 1


def test_quotes_that_were_missed_are_found_out_by_the_book_of_the_same_number() -> None:
    summary, runs = begun()
    worse = (99.9, 2.0)
    gone, back = depth(1500, 11, [(100.0, 0.0)]), depth(2500, 12, [(100.0, 1.0)])
    for message in (gone, back, quote(2600, 13), depth(2700, 13, BIDS[:1])):
        summary.hear(message, T0 + 2_700)
    assert seconds_of(runs) == []  # the bid was worse at its end, and no quote has said so
    summary, runs = begun()
    for message in (quote(1500, 11, bid=worse), gone, back, quote(2600, 13)):
        summary.hear(message, T0 + 2_700)
    assert rows_of(runs[0], "bid") == [99.9]


def test_a_market_that_stands_still_is_told_while_the_connection_lives() -> None:
    summary, runs = begun()
    summary.advance(T0 + 3_500, T0 + 6_500)  # other symbols have moved
    assert seconds_of(runs) == [1000, 2000]
    assert not summary.needs_snapshot


def test_trades_of_a_second_add_up_by_the_aggressor_s_side_and_one_without_trades_is_zeros() -> None:
    trades = [trade(100, 1, 2.0), trade(200, 2, 1.0, bought=False, price=99.0), trade(2500, 3, 0.5)]
    rows = trade_seconds(as_arrays(BTC, [*trades, trades[0]]), T0, T0 + 3000)
    assert (rows.buy_base.tolist(), rows.sell_base.tolist()) == ([2.0, 0.0, 0.5], [1.0, 0.0, 0.0])
    assert (rows.trades.tolist(), rows.signed_base.tolist()) == ([2.0, 0.0, 1.0], [1.0, 0.0, 0.5])
    assert rows.vwap[[0, 2]].tolist() == [(200 + 99) / 3, 100.0]
    assert np.isnan(rows.vwap[1])


def test_only_whole_seconds_within_the_window_are_told() -> None:
    rows = trade_seconds(as_arrays(BTC, [trade(100, 1), trade(1200, 2), trade(2100, 3)]), T0 + 100, T0 + 2000)
    assert (rows.ts_ms - T0).tolist() == [1000]
    assert rows.buy_base.tolist() == [1.0]


def test_a_quiet_second_is_final_once_the_venue_says_that_no_trade_is_missing() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), Pulse(BTC, T0 + 500, 7), Pulse(BTC, T0 + 2_100)):
        summary.hear(message, T0 + 2_100)
    assert seconds_of(runs) == []  # a pulse alone proves nothing
    summary.hear(Pulse(BTC, T0 + 3_100, 7), T0 + 3_150)
    assert seconds_of(runs) == [1000, 2000]
    assert rows_of(runs[0], "trades") == [0.0, 0.0]
    assert runs[0].finished[0].known_ms == T0 + 3_150


def test_trades_that_the_venue_tells_of_and_that_never_come_are_a_gap_and_no_zeros() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), Pulse(BTC, T0 + 500, 7), Pulse(BTC, T0 + 2_000, 7), Pulse(BTC, T0 + 3_100, 9)):
        summary.hear(message, T0 + 3_100)
    summary.advance(T0 + 3_100, T0 + 6_100)
    assert runs[0].ended == f"trades {BTC}: expected the trade numbered 9, got others up to 7"
    for message in (Pulse(BTC, T0 + 6_500, 9), trade(7_300, 10), Pulse(BTC, T0 + 9_000, 10)):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == [1000, 4000, 5000, 6000, 7000, 8000]


def test_trades_that_go_on_after_a_silence_do_not_hide_those_that_are_missing() -> None:
    summary, runs = traded()
    told = [(2_000, 7), (2_500, 9), (6_100, 10)]
    pulses = [Pulse(BTC, T0 + at, number) for at, number in told]
    for message in (trade(100, 7), *pulses[:2], trade(5_200, 10), pulses[2]):
        summary.hear(message, T0 + 6_100)
    summary.advance(T0 + 3_000, T0 + 6_100)
    assert seconds_of(runs) == [1000]
    summary.advance(T0 + 5_300, T0 + 8_400)
    summary.hear(Pulse(BTC, T0 + 8_500, 10), T0 + 8_500)
    assert seconds_of(runs) == [1000, 6000, 7000]


def test_a_hole_in_the_numbers_is_a_gap_of_the_seconds_in_which_it_lies_with_its_reason() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), trade(1_500, 8), trade(2_200, 9), trade(2_300, 12), trade(3_400, 13), trade(4_500, 14)):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == [1000]  # of the next second two trades may still come
    summary.advance(T0 + 2_300, T0 + 5_300)
    assert seconds_of(runs) == [1000, 3000]
    assert [run.ended for run in runs] == [f"trades {BTC}: expected the trade numbered 10, got 12 after 9", None]
    assert (runs[0].until_ms - T0, runs[1].began_ms - T0) == (2_000, 3_000)
    assert runs[1].finished[0].known_ms == T0 + 5_300


def test_a_hole_that_the_venue_s_newest_number_does_not_show_is_found_all_the_same() -> None:
    summary, runs = traded()
    pulses = [Pulse(BTC, T0 + at, number) for at, number in ((900, 7), (1_400, 9), (5_400, 9))]
    for message in (trade(100, 7), pulses[0], trade(1_300, 9), *pulses[1:]):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == []
    summary.advance(T0 + 1_400, T0 + 5_400)
    assert seconds_of(runs) == [2000, 3000, 4000]


def test_each_hole_of_several_is_given_up_in_its_turn() -> None:
    summary, runs = traded()
    for message in (trade(100, 1), trade(1_500, 3), trade(2_500, 5), trade(4_100, 6), trade(5_100, 7)):
        summary.hear(message, message.ts_ms)
    summary.advance(T0 + 1_500, T0 + 5_100)
    assert seconds_of(runs) == []
    summary.advance(T0 + 2_500, T0 + 5_500)
    assert seconds_of(runs) == [3000, 4000]


def test_a_trade_that_was_overtaken_is_waited_for_and_one_told_again_counts_once() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), trade(1_500, 8), trade(2_500, 10)):
        summary.hear(message, T0 + 2_600)
    assert seconds_of(runs) == []
    for message in (trade(1_600, 9, 3.0), trade(1_600, 9, 3.0)):
        summary.hear(message, T0 + 2_700)
    (run,) = runs
    assert (rows_of(run, "buy_base"), run.finished[0].known_ms, run.corrected) == ([4.0], T0 + 2_700, [])
    summary.advance(T0 + 2_500, T0 + 5_500)
    assert (run.ended, summary.late, summary.duplicates) == (None, 0, 1)


def test_trades_before_the_first_that_was_heard_begin_the_run_later() -> None:
    summary, runs = traded()
    for message in (Pulse(BTC, T0 + 100, 7), trade(1_300, 9), Pulse(BTC, T0 + 4_200, 9)):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == [2000, 3000]  # the eighth was in the second of the ninth or before


def test_single_trades_that_are_numbered_and_not_streamed_are_no_hole() -> None:
    summary, runs = traded()
    adl = Trade(BTC, T0 + 1_300, 8, 100.0, 1.0, True, 109, 110)  # 108 was a deleveraging
    first = Trade(BTC, T0 + 100, 7, 100.0, 1.0, True, 106, 107)
    for message in (first, Pulse(BTC, T0 + 1_200, 108), adl, Pulse(BTC, T0 + 4_200, 110)):
        summary.hear(message, message.ts_ms)
    summary.advance(T0 + 2_000, T0 + 5_000)
    assert seconds_of(runs) == [1000, 2000, 3000]
    assert [run.ended for run in runs] == [None]


def test_a_late_trade_of_a_time_that_was_lost_makes_no_row() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), trade(1_500, 8), Pulse(BTC, T0 + 2_100, 8), Pulse(BTC, T0 + 3_100, 10)):
        summary.hear(message, message.ts_ms)
    summary.advance(T0 + 3_100, T0 + 6_100)
    (run,) = runs
    assert run.ended is not None
    summary.hear(trade(1_900, 9, 5.0), T0 + 6_200)
    assert (rows_of(run, "buy_base"), run.corrected) == ([1.0], [])  # what else that second held is forgotten by now


def test_a_late_trade_corrects_its_second_and_one_that_is_too_late_is_counted() -> None:
    summary, runs = traded()
    for message in (trade(100, 7), trade(1_500, 8), trade(2_500, 9), trade(1_600, 10, 3.0), trade(1_600, 10, 3.0)):
        summary.hear(message, T0 + 2_600)
    (run,) = runs
    assert rows_of(run, "buy_base") == [1.0]
    (corrected,) = run.corrected
    assert (corrected.seconds.buy_base.tolist(), corrected.known_ms) == ([4.0], T0 + 2_600)
    assert (summary.late, summary.duplicates) == (1, 1)
    summary.hear(trade(90_000, 11), T0 + 90_000)
    summary.hear(trade(1_700, 12), T0 + 90_000)
    assert (len(run.corrected), summary.late) == (1, 2)


def test_a_sum_runs_in_the_order_of_the_numbers_whatever_the_order_in_which_trades_came() -> None:
    amounts = (1e16, 1.0, 1.0)  # added the other way round they are 1e16 + 2
    came = [trade(100, number, amounts[number - 1]) for number in (2, 3, 1)]
    rows = trade_seconds(as_arrays(BTC, came), T0, T0 + 1000)
    assert rows.buy_base.tolist() == [1e16]


def test_nothing_before_the_first_number_that_is_told_is_called_whole() -> None:
    summary, runs = traded()
    for message in (Pulse(BTC, T0 + 100), Pulse(BTC, T0 + 3_500, 7), trade(4_200, 8), trade(6_100, 9)):
        summary.hear(message, message.ts_ms)
    assert seconds_of(runs) == [4000, 5000]


@pytest.mark.parametrize(("told", "expected"), [
    ({"E": T0 + 60_250, "k": {"T": T0 + 59_999, "L": 7}}, Pulse(BTC, T0 + 60_000, 7)),  # of a minute that was over by then
    ({"E": T0 + 60_250, "k": {"T": T0 + 119_999, "L": -1}}, Pulse(BTC, T0 + 60_250, 0)),
])
def test_a_running_minute_tells_the_newest_trade_up_to_its_own_end(told: dict, expected: Pulse) -> None:
    frame = orjson.dumps({"stream": "btcusdt@kline_1m", "data": {"e": "kline", "s": "BTCUSDT", **told}}).decode()
    assert BinanceStreams(None, {"BTCUSDT": BTC}, 1000).read(frame) == (expected,)
