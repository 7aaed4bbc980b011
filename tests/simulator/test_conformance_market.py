"""Market data through four clients: what each of them reads is the market that the seed makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest
import requests
from binance import Client

from tests.simulator.known import DAY, FUNDING_STEP, HOUR, MINUTE, START, Known
from tests.simulator.pointing import BTC, ETH, keys, point
from tests.simulator.raw import get
from tests.simulator.test_conformance_sdk import rest_of

NOW = START + 3 * DAY
KNOWN = {BTC: Known("BTCUSDT", 3), ETH: Known("ETHUSDT", 3)}
Read = Callable[[str, str, int, int], list[list[float]]]


@pytest.fixture(scope="module")
def by_ccxt(paused: str) -> Any:
    exchange = point(ccxt.binanceusdm(keys()), paused)
    exchange.load_markets()
    return exchange


@pytest.fixture(scope="module")
def by_python_binance(paused: str) -> Any:
    client = Client("k", "s", ping=False)
    client.FUTURES_URL, client.FUTURES_DATA_URL = paused + "/fapi", paused + "/futures/data"
    return client


@pytest.fixture(scope="module")
def by_sdk(paused: str) -> Any:
    return rest_of(paused)


@pytest.fixture(scope="module")
def readers(paused: str, by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> dict[str, Read]:
    """Klines by symbol, interval, start and limit, through each client, as numbers."""

    def numbers(rows: list[Any]) -> list[list[float]]:
        return [[int(r[0]), *(float(x) for x in r[1:6])] for r in rows]

    def plainly(symbol: str, interval: str, since: int, limit: int) -> list[list[float]]:
        query = {"symbol": symbol, "interval": interval, "startTime": since, "limit": limit}
        return numbers(requests.get(paused + "/fapi/v1/klines", params=query, timeout=20).json())

    return {
        "ccxt": lambda s, i, t, n: by_ccxt.fetch_ohlcv(s.replace("USDT", "/USDT:USDT"), i, t, n),
        "python-binance": lambda s, i, t, n: numbers(
            by_python_binance.futures_klines(symbol=s, interval=i, startTime=t, limit=n)
        ),
        "sdk": lambda s, i, t, n: numbers(by_sdk.kline_candlestick_data(symbol=s, interval=i, start_time=t, limit=n).data()),
        "requests": plainly,
    }


@pytest.mark.parametrize("name", ["ccxt", "python-binance", "sdk", "requests"])
@pytest.mark.parametrize(("symbol", "interval", "minutes", "since", "count"), [
    (BTC, "1m", 1, START, 3),
    (ETH, "1m", 1, START + 1_439 * MINUTE, 2),
    (BTC, "5m", 5, START + 7 * HOUR, 100),
    (BTC, "1h", 60, START + DAY - HOUR, 4),
    (ETH, "4h", 240, START, 18),
    (BTC, "1d", 1_440, START, 3),
])
def test_klines_are_those_of_the_generated_market(
    readers: dict[str, Read], name: str, symbol: str, interval: str, minutes: int, since: int, count: int
) -> None:
    rows = readers[name](KNOWN[symbol].symbol, interval, since, count)
    assert rows == KNOWN[symbol].candles(since, count, minutes)


def test_the_largest_page_through_ccxt_is_a_thousand_and_through_the_others_fifteen_hundred(readers: dict[str, Read]) -> None:
    expected = KNOWN[BTC].candles(START, 1_500)
    assert readers["ccxt"]("BTCUSDT", "1m", START, 1_500) == expected[:1_000]
    assert readers["python-binance"]("BTCUSDT", "1m", START, 1_500) == expected
    assert readers["sdk"]("BTCUSDT", "1m", START, 1_500) == expected


def test_ccxt_pages_through_a_day_of_minutes_without_a_gap_or_an_overlap(by_ccxt: Any) -> None:
    rows = by_ccxt.fetch_ohlcv(BTC, "1m", START, None, {"until": START + DAY - 1, "paginate": True, "maxEntriesPerRequest": 500})
    assert rows == KNOWN[BTC].candles(START, 1_440)


def test_python_binance_walks_through_history_by_itself(by_python_binance: Any) -> None:
    rows = by_python_binance.futures_historical_klines("ETHUSDT", "15m", START, START + 2 * DAY - 1)
    assert [[r[0], *(float(x) for x in r[1:6])] for r in rows] == KNOWN[ETH].candles(START, 192, 15)


@pytest.mark.parametrize(("query", "first", "count"), [
    ({"startTime": START, "endTime": START + 3 * MINUTE}, START, 4),
    ({"endTime": START + 9 * MINUTE, "limit": 5}, START + 5 * MINUTE, 5),
    ({"startTime": START - DAY, "limit": 2}, START, 2),
    ({"startTime": START + 30_000, "limit": 2}, START + MINUTE, 2),
    ({"limit": 99}, NOW - 98 * MINUTE, 99),
    ({}, NOW - 499 * MINUTE, 500),
    ({"startTime": START + MINUTE, "endTime": START}, START, 0),
    ({"startTime": NOW + DAY}, START, 0),
])
def test_klines_begin_and_end_where_python_binance_asks(
    by_python_binance: Any, query: dict[str, int], first: int, count: int
) -> None:
    rows = by_python_binance.futures_klines(symbol="BTCUSDT", interval="1m", **query)
    assert [r[0] for r in rows] == [first + i * MINUTE for i in range(count)]


def test_a_continuous_contract_is_its_perpetual(by_python_binance: Any, by_sdk: Any) -> None:
    query = {"pair": "ETHUSDT", "contractType": "PERPETUAL", "interval": "1h", "startTime": START, "limit": 5}
    rows = by_python_binance.futures_continuous_klines(**query)
    assert [[r[0], *(float(x) for x in r[1:6])] for r in rows] == KNOWN[ETH].candles(START, 5, 60)
    typed = by_sdk.continuous_contract_kline_candlestick_data(
        pair="ETHUSDT", contract_type="PERPETUAL", interval="1h", start_time=START, limit=5
    ).data()
    assert [list(r) for r in typed] == rows


def test_mark_bars_have_the_prices_of_the_trades_and_no_volume(by_ccxt: Any, by_sdk: Any) -> None:
    expected = [[*row[:5], 0.0] for row in KNOWN[BTC].candles(START, 10, 15)]
    assert [[*row[:5], 0.0] for row in by_ccxt.fetch_mark_ohlcv(BTC, "15m", START, 10)] == expected
    rows = by_sdk.mark_price_kline_candlestick_data(symbol="BTCUSDT", interval="15m", start_time=START, limit=10).data()
    assert [[int(r[0]), *(float(x) for x in r[1:6])] for r in rows] == expected


def test_index_bars_are_what_the_premium_leaves_of_the_mark(by_ccxt: Any, by_sdk: Any) -> None:
    expected = [KNOWN[BTC].index_candle(START + i * 15 * MINUTE, 15) for i in range(10)]
    assert [row[:5] for row in by_ccxt.fetch_index_ohlcv(BTC, "15m", START, 10)] == expected
    rows = by_sdk.index_price_kline_candlestick_data(pair="BTCUSDT", interval="15m", start_time=START, limit=10).data()
    assert [[int(r[0]), *(float(x) for x in r[1:6])] for r in rows] == [[*candle, 0.0] for candle in expected]


def test_the_premium_index_is_what_the_next_funding_rate_is_made_of(by_ccxt: Any) -> None:
    rows = by_ccxt.fetch_premium_index_ohlcv(BTC, "1h", START, 4)
    assert [r[:5] for r in rows] == [KNOWN[BTC].premium_candle(START + i * HOUR, 60) for i in range(4)]
    told = by_ccxt.fetch_funding_rate(BTC)
    assert told["indexPrice"] == KNOWN[BTC].index(round(told["markPrice"] * 10), 3 * 1_440 - 1) != told["markPrice"]
    minutes = [KNOWN[BTC].premium(row) for row in range(8 * 60)]
    assert float(KNOWN[BTC].rate(START + FUNDING_STEP)) == pytest.approx(1e-4 + sum(minutes) / len(minutes), abs=1e-8)


def test_funding_is_paged_from_a_start_and_ends_where_it_is_asked_to(by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> None:
    known = KNOWN[ETH]
    times = [START + i * FUNDING_STEP for i in range(1, 10)]
    expected = [(t, known.rate(t)) for t in times]
    first = by_python_binance.futures_funding_rate(symbol="ETHUSDT", startTime=START, limit=4)
    rest = by_python_binance.futures_funding_rate(symbol="ETHUSDT", startTime=first[-1]["fundingTime"] + 1, limit=100)
    assert [(r["fundingTime"], r["fundingRate"]) for r in first + rest] == expected
    inside = by_sdk.get_funding_rate_history(symbol="ETHUSDT", start_time=times[2], end_time=times[5]).data()
    assert [(r.funding_time, r.funding_rate) for r in inside] == expected[2:6]
    latest = by_ccxt.fetch_funding_rate_history(ETH, limit=2)
    assert [(r["timestamp"], r["fundingRate"]) for r in latest] == [(t, float(r)) for t, r in expected[-2:]]


def test_funding_of_every_symbol_comes_in_order_of_time(by_python_binance: Any) -> None:
    rows = by_python_binance.futures_funding_rate(startTime=START + FUNDING_STEP, endTime=START + 2 * FUNDING_STEP)
    assert [(r["symbol"], r["fundingTime"]) for r in rows] == [
        (s, START + i * FUNDING_STEP) for i in (1, 2) for s in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    ]


def test_caps_floors_and_intervals_of_funding(by_ccxt: Any, by_sdk: Any) -> None:
    assert {s: r["interval"] for s, r in by_ccxt.fetch_funding_intervals().items()} == dict.fromkeys(by_ccxt.symbols, "8h")
    row = by_sdk.get_funding_rate_info().data()[0]
    assert (row.symbol, row.funding_interval_hours, row.adjusted_funding_rate_cap) == ("BTCUSDT", 8, "0.00750000")


def test_the_premium_index_tells_mark_last_rate_and_next_settlement(by_ccxt: Any, by_python_binance: Any) -> None:
    rate = by_ccxt.fetch_funding_rate(BTC)
    assert (rate["fundingRate"], rate["fundingTimestamp"]) == (float(KNOWN[BTC].rate(NOW)), NOW + FUNDING_STEP)
    assert rate["markPrice"] == float(KNOWN[BTC].last())
    assert set(by_ccxt.fetch_funding_rates()) == set(by_ccxt.symbols)
    marks = {m["symbol"]: m["markPrice"] for m in by_python_binance.futures_mark_price()}
    assert marks["ETHUSDT"] == str(KNOWN[ETH].last())


@pytest.mark.parametrize("limit", [5, 10, 20, 50, 100, 500, 1_000])
def test_depth_has_as_many_levels_as_asked_sorted_and_never_crossed(by_python_binance: Any, limit: int) -> None:
    book = by_python_binance.futures_order_book(symbol="BTCUSDT", limit=limit)
    bids, asks = ([float(p) for p, _ in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == limit
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] <= float(KNOWN[BTC].last()) <= asks[0]
    assert bids[0] < asks[0]
    assert all(float(q) > 0 for _, q in book["bids"] + book["asks"])


def test_best_prices_are_the_first_level_of_the_book_in_every_client(by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> None:
    book = by_ccxt.fetch_order_book(ETH, 5)
    best = (book["bids"][0][0], book["asks"][0][0])
    ticker = by_ccxt.fetch_bids_asks()[ETH]
    assert (ticker["bid"], ticker["ask"]) == best
    plain = by_python_binance.futures_orderbook_ticker(symbol="ETHUSDT")
    assert (float(plain["bidPrice"]), float(plain["askPrice"])) == best
    typed = by_sdk.symbol_order_book_ticker(symbol="ETHUSDT").data().actual_instance
    assert (float(typed.bid_price), float(typed.ask_price)) == best
    assert (typed.bid_qty, typed.ask_qty) == (plain["bidQty"], plain["askQty"])


def test_the_last_price_is_the_same_at_every_door(by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> None:
    last = KNOWN[BTC].last()
    assert by_ccxt.fetch_ticker(BTC)["last"] == float(last)
    assert by_ccxt.fetch_last_prices()[BTC]["price"] == float(last)
    assert by_python_binance.futures_symbol_ticker(symbol="BTCUSDT")["price"] == str(last)
    assert by_sdk.symbol_price_ticker_v2(symbol="BTCUSDT").data().actual_instance.price == str(last)
    assert by_ccxt.fetch_trades(BTC, limit=1)[0]["price"] == float(last)


def test_the_day_ticker_sums_up_the_last_day(by_ccxt: Any, by_python_binance: Any) -> None:
    bars = KNOWN[BTC].listed.bars
    day = slice(2 * 1_440, 3 * 1_440)
    ticker = by_ccxt.fetch_ticker(BTC)
    low, high = (float(KNOWN[BTC].price(t)) for t in (bars.low[day].min(), bars.high[day].max()))
    assert low >= ticker["low"]
    assert high <= ticker["high"]
    assert ticker["open"] == float(KNOWN[BTC].price(bars.open[2 * 1_440]))
    assert ticker["change"] == pytest.approx(ticker["last"] - ticker["open"])
    assert ticker["baseVolume"] == pytest.approx(float(bars.volume[day].sum()) / 1_000, rel=0.01)
    assert [t["symbol"] for t in by_python_binance.futures_ticker()] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


def test_aggregate_trades_from_an_id_a_time_and_the_latest_agree(by_python_binance: Any, by_sdk: Any) -> None:
    since = START + 100 * MINUTE
    first = by_python_binance.futures_aggregate_trades(symbol="BTCUSDT", startTime=since, limit=30)
    assert len(first) == 30
    assert first[0]["p"] == KNOWN[BTC].price(KNOWN[BTC].listed.bars.open[100])
    ids = [t["a"] for t in first]
    assert ids == sorted(ids)
    again = by_python_binance.futures_aggregate_trades(symbol="BTCUSDT", fromId=first[10]["a"], limit=20)
    assert again == first[10:]
    minute = {"startTime": since, "endTime": since + MINUTE - 1, "limit": 1_000}
    within = by_python_binance.futures_aggregate_trades(symbol="BTCUSDT", **minute)
    assert sum(round(float(t["q"]) * 1_000) for t in within) == int(KNOWN[BTC].listed.bars.volume[100])
    typed = by_sdk.compressed_aggregate_trades_list(symbol="BTCUSDT", from_id=ids[0], limit=3).data()
    assert [(t.a, t.p, t.q, t.m) for t in typed] == [(t["a"], t["p"], t["q"], t["m"]) for t in first[:3]]


def test_recent_and_historical_trades_meet(by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> None:
    recent = by_python_binance.futures_recent_trades(symbol="ETHUSDT", limit=40)
    assert len(recent) == 40
    assert by_python_binance.futures_historical_trades(symbol="ETHUSDT", fromId=recent[0]["id"], limit=40) == recent
    assert [t.id for t in by_sdk.recent_trades_list(symbol="ETHUSDT", limit=5).data()] == [t["id"] for t in recent[-5:]]
    assert [t.id for t in by_sdk.old_trades_lookup(symbol="ETHUSDT", limit=5).data()] == [t["id"] for t in recent[-5:]]
    assert [float(t["quoteQty"]) for t in recent] == [pytest.approx(float(t["price"]) * float(t["qty"])) for t in recent]
    assert by_ccxt.fetch_trades(ETH, limit=3)[-1]["price"] == float(recent[-1]["price"])


def test_open_interest_and_its_history_meet(by_ccxt: Any, by_python_binance: Any) -> None:
    known = KNOWN[BTC].listed
    assert known.positioning is not None
    row = int((known.positioning.ts_ms <= NOW).sum()) - 1
    amount = float(known.instrument.quantity(int(known.positioning.open_interest[row])))
    assert by_ccxt.fetch_open_interest(BTC)["openInterestAmount"] == amount
    history = by_ccxt.fetch_open_interest_history(BTC, "5m", limit=3)
    assert [h["timestamp"] for h in history] == [NOW - 10 * MINUTE, NOW - 5 * MINUTE, NOW]
    assert history[-1]["openInterestAmount"] == amount
    assert float(by_python_binance.futures_open_interest(symbol="BTCUSDT")["openInterest"]) == amount
    assert len(by_python_binance.futures_open_interest_hist(symbol="BTCUSDT", period="1h", limit=500)) == 72


@pytest.mark.parametrize(("method", "typed"), [
    ("futures_global_longshort_ratio", "long_short_ratio"),
    ("futures_top_longshort_account_ratio", "top_trader_long_short_ratio_accounts"),
    ("futures_top_longshort_position_ratio", "top_trader_long_short_ratio_positions"),
])
def test_ratios_of_long_and_short_accounts_add_up(by_python_binance: Any, by_sdk: Any, method: str, typed: str) -> None:
    rows = getattr(by_python_binance, method)(symbol="BTCUSDT", period="15m", limit=4)
    assert [r["timestamp"] for r in rows] == [NOW - (3 - i) * 15 * MINUTE for i in range(4)]
    for row in rows:
        long, short = float(row["longAccount"]), float(row["shortAccount"])
        assert long + short == pytest.approx(1)
        assert float(row["longShortRatio"]) == pytest.approx(long / short, abs=1e-4)
    same = getattr(by_sdk, typed)(symbol="BTCUSDT", period="15m", limit=4).data()
    assert [(r.timestamp, r.long_short_ratio) for r in same] == [(r["timestamp"], r["longShortRatio"]) for r in rows]


def test_the_taker_ratio_is_that_of_the_bars(by_python_binance: Any) -> None:
    row = by_python_binance.futures_taker_longshort_ratio(symbol="ETHUSDT", period="1h", limit=1)[0]
    bars, first = KNOWN[ETH].listed.bars, (row["timestamp"] - START) // MINUTE
    bought, volume = (int(x[first : first + 60].sum()) for x in (bars.taker_buy, bars.volume))
    assert row["timestamp"] == NOW - HOUR
    assert float(row["buyVol"]) == bought / 1_000
    assert float(row["sellVol"]) == (volume - bought) / 1_000


def test_the_basis_is_that_of_the_last_trade_over_the_index(by_python_binance: Any, by_sdk: Any) -> None:
    rows = by_python_binance.futures_basis(pair="BTCUSDT", contractType="PERPETUAL", period="1h", limit=2)
    closes = [KNOWN[BTC].price(KNOWN[BTC].listed.bars.close[3 * 1_440 - 1 - back]) for back in (60, 0)]
    assert [(r["timestamp"], r["futuresPrice"]) for r in rows] == [(NOW - HOUR, closes[0]), (NOW, closes[1])]
    index = [KNOWN[BTC].index(KNOWN[BTC].listed.bars.close[row], row) for row in (3 * 1_440 - 61, 3 * 1_440 - 1)]
    assert [float(r["indexPrice"]) for r in rows] == index
    assert [float(r["basis"]) for r in rows] == [pytest.approx(float(closes[i]) - index[i]) for i in range(2)]
    typed = by_sdk.basis(pair="BTCUSDT", contract_type="PERPETUAL", period="1h", limit=1).data()
    assert float(typed[0].index_price or 0) == index[1]


def test_the_rule_book_carries_every_filter(paused: str, by_ccxt: Any) -> None:
    symbols = get(paused, "/fapi/v1/exchangeInfo")["symbols"]
    assert [s["symbol"] for s in symbols] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    filters = {f["filterType"]: f for f in symbols[0]["filters"]}
    assert set(filters) >= {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE", "MAX_NUM_ORDERS"}
    assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == ("0.1", "0.001")
    assert (filters["PERCENT_PRICE"]["multiplierUp"], filters["PERCENT_PRICE"]["multiplierDown"]) == ("1.05", "0.95")
    assert "STOP_MARKET" in symbols[0]["orderTypes"]
    limits = by_ccxt.market(BTC)["limits"]
    assert (limits["amount"]["min"], limits["cost"]["min"], limits["price"]["max"]) == (0.001, 100.0, 10_000_000.0)


def test_the_time_is_wall_time_whatever_the_market_shows(by_ccxt: Any, by_python_binance: Any, by_sdk: Any) -> None:
    now = by_ccxt.milliseconds()
    assert abs(by_ccxt.fetch_time() - now) < 2_000
    assert abs(by_python_binance.futures_time()["serverTime"] - now) < 4_000
    assert abs(by_sdk.check_server_time().data().server_time - now) < 6_000
