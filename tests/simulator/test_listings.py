"""Symbols that begin late and symbols that end: what the venue lists, tells and refuses before, between and after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.market.bars import NOTICE_MS
from huracan_platform.simulator.market.listings import Listings, read_moments, with_listings
from huracan_platform.simulator.market.synthetic import generate_market
from tests.simulator.bybit.pointing import point as point_bybit
from tests.simulator.markets import START_MS
from tests.simulator.pointing import keys, point
from tests.simulator.raw import fetch, get, post, signed
from tests.venue_process import running_venue

SYMBOLS = "BTC/USDT:USDT,ETH/USDT:USDT,SOL/USDT:USDT"
NOW = START_MS + 2 * DAY_MS
ETH_ENDED, SOL_BEGINS, BTC_ENDS = START_MS + DAY_MS + 9 * HOUR_MS + 30 * MINUTE_MS, NOW + HOUR_MS, NOW + 40 * MINUTE_MS
ENDS, BEGINS = "ETHUSDT=2025-01-02T09:30", "SOLUSDT=2025-01-03T01:00"
NOT_TRADING = {"code": -4108, "msg": "Symbol is on delivering or delivered or settling or closed or pre-trading."}
FOREVER = 4_133_404_800_000


@pytest.fixture(scope="module")
def listed() -> Iterator[str]:
    """A paused venue: ETH has ended in the middle of an hour, SOL is to come, BTC trades."""
    with running_venue(days=2, symbols=SYMBOLS, ends=ENDS, begins=BEGINS) as url:
        yield url


@pytest.fixture(scope="module")
def always() -> Iterator[str]:
    """The same market without listings."""
    with running_venue(days=2, symbols=SYMBOLS) as url:
        yield url


def klines(url: str, symbol: str, interval: str, start_ms: int, limit: int = 1_000) -> bytes:
    return fetch(f"{url}/fapi/v1/klines?symbol={symbol}&interval={interval}&startTime={start_ms}&limit={limit}")[1]


def test_rules_tell_what_trades_what_has_ended_and_what_is_to_come(listed: str) -> None:
    told = {
        row["symbol"]: (row["status"], row["onboardDate"], row["deliveryDate"])
        for row in get(listed, "/fapi/v1/exchangeInfo")["symbols"]
    }
    assert told == {
        "BTCUSDT": ("TRADING", START_MS, FOREVER), "ETHUSDT": ("SETTLING", START_MS, ETH_ENDED),
        "SOLUSDT": ("PENDING_TRADING", SOL_BEGINS, FOREVER),
    }


def test_ccxt_says_that_only_what_trades_is_active(listed: str) -> None:
    exchange = point(ccxt.binanceusdm(keys()), listed)
    markets = exchange.load_markets()
    assert {name: market["active"] for name, market in markets.items()} == {
        "BTC/USDT:USDT": True, "ETH/USDT:USDT": False, "SOL/USDT:USDT": False,
    }
    last = exchange.fetch_ohlcv("ETH/USDT:USDT", "1m", NOW - DAY_MS, 1_000)[-1]
    assert last[0] == ETH_ENDED - MINUTE_MS
    with pytest.raises(ccxt.ExchangeError, match="-4108"):
        exchange.create_order("ETH/USDT:USDT", "market", "buy", 1)
    assert list(exchange.fetch_tickers()) == ["BTC/USDT:USDT"]


def test_bars_up_to_the_end_are_byte_for_byte_those_of_the_market_without_listings(listed: str, always: str) -> None:
    assert klines(listed, "BTCUSDT", "1m", START_MS) == klines(always, "BTCUSDT", "1m", START_MS)
    for interval, step in (("1m", MINUTE_MS), ("1h", HOUR_MS)):
        since, whole = ETH_ENDED // HOUR_MS * HOUR_MS - 5 * step, json.loads(klines(always, "ETHUSDT", interval, START_MS))
        found = json.loads(klines(listed, "ETHUSDT", interval, since))
        full = [row for row in found if row[0] + step <= ETH_ENDED]
        assert full == [row for row in json.loads(klines(always, "ETHUSDT", interval, since)) if row[0] + step <= ETH_ENDED]
        assert len(whole) > len(full) > 4
    half = found[-1]
    assert (half[0], half[8]) == (ETH_ENDED - 30 * MINUTE_MS, sum(row[8] for row in json.loads(
        klines(listed, "ETHUSDT", "1m", ETH_ENDED - 30 * MINUTE_MS)
    )))


@pytest.mark.parametrize("symbol", ["ETHUSDT", "SOLUSDT"])
def test_of_a_symbol_that_does_not_trade_there_is_neither_a_price_nor_a_book_nor_an_order(listed: str, symbol: str) -> None:
    for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker", "depth", "premiumIndex", "openInterest"):
        assert get(listed, f"/fapi/v1/{path}?symbol={symbol}") == NOT_TRADING, path
    order = {"symbol": symbol, "side": "BUY", "quantity": "1"}
    assert signed(listed, "POST", "/fapi/v1/order", type="MARKET", **order) == (400, NOT_TRADING)
    stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "9000"}
    assert signed(listed, "POST", "/fapi/v1/algoOrder", **stop, **order) == (400, NOT_TRADING)
    assert [row["symbol"] for row in get(listed, "/fapi/v1/premiumIndex")] == ["BTCUSDT"]


def test_before_its_first_minute_nothing_of_a_symbol_is_known(listed: str) -> None:
    assert klines(listed, "SOLUSDT", "1m", START_MS) == b"[]"
    assert get(listed, f"/fapi/v1/fundingRate?symbol=SOLUSDT&startTime={START_MS}") == []
    assert get(listed, "/futures/data/openInterestHist?symbol=SOLUSDT&period=5m") == []


def test_funding_is_settled_until_the_end_and_never_after(listed: str) -> None:
    times = [row["fundingTime"] for row in get(listed, f"/fapi/v1/fundingRate?symbol=ETHUSDT&startTime={START_MS}")]
    assert times == [START_MS + hours * HOUR_MS for hours in (8, 16, 24, 32)]


def test_the_end_cancels_what_rests_and_closes_positions_at_the_last_price() -> None:
    with running_venue(days=2, symbols=SYMBOLS, ends="BTCUSDT=2025-01-03T00:40") as url:
        order = {"symbol": "BTCUSDT", "type": "MARKET", "quantity": "0.010"}
        assert signed(url, "POST", "/fapi/v1/order", side="BUY", **order)[0] == 200
        price = float(get(url, "/fapi/v1/ticker/price?symbol=BTCUSDT")["price"])
        low = {"type": "LIMIT", "timeInForce": "GTC", "price": f"{price * 0.96:.1f}"}
        status, resting = signed(url, "POST", "/fapi/v1/order", side="BUY", **{**order, **low})
        assert status == 200
        stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": f"{price * 0.8:.1f}", "quantity": "0.010"}
        assert signed(url, "POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side="SELL", **stop)[0] == 200
        assert post(url, "/control/clock", {"market_ms": BTC_ENDS + HOUR_MS})[0] == 200
        assert signed(url, "GET", "/fapi/v3/positionRisk")[1] == []
        assert signed(url, "GET", "/fapi/v1/openAlgoOrders")[1] == []
        orders = signed(url, "GET", "/fapi/v1/allOrders", symbol="BTCUSDT")[1]
        assert {o["orderId"]: o["status"] for o in orders}[resting["orderId"]] == "CANCELED"
        closing = orders[-1]
        last = json.loads(klines(url, "BTCUSDT", "1m", BTC_ENDS - MINUTE_MS))[-1]
        assert closing["clientOrderId"].startswith("settlement_autoclose-")
        assert (closing["status"], closing["side"], Decimal(closing["avgPrice"])) == ("FILLED", "SELL", Decimal(last[4]))
        assert (closing["updateTime"], last[0]) == (BTC_ENDS, BTC_ENDS - MINUTE_MS)
        booked = signed(url, "GET", "/fapi/v1/income", symbol="BTCUSDT", startTime=BTC_ENDS)[1]
        assert {(one["incomeType"], one["time"]) for one in booked} == {("REALIZED_PNL", BTC_ENDS), ("COMMISSION", BTC_ENDS)}
        assert signed(url, "POST", "/fapi/v1/order", side="BUY", **order) == (400, NOT_TRADING)


async def _heard(url: str, streams: list[str], until_ms: int) -> list[dict[str, Any]]:
    """Everything that is told from now on up to a market time that a trade of ETH is past."""
    found = []
    async with aiohttp.ClientSession() as session, session.ws_connect(
        f"{url.replace('http', 'ws', 1)}/stream?streams={'/'.join(streams)}"
    ) as socket:
        await asyncio.sleep(0.2)
        fetch(f"{url}/control/clock", "POST", b'{"speed": 1200}')
        async with asyncio.timeout(30):
            async for message in socket:
                event = json.loads(message.data)["data"]
                found.append(event)
                if isinstance(event, dict) and event["e"] == "trade" and event["s"] == "ETHUSDT" and event["T"] > until_ms:
                    return found
    raise AssertionError("the venue closed the connection")


async def test_the_last_bar_is_told_closed_and_then_the_streams_are_silent() -> None:
    ends = NOW + 5 * MINUTE_MS
    with running_venue(days=2, symbols="BTCUSDT,ETHUSDT", ends="BTCUSDT=2025-01-03T00:05") as url:
        streams = ["btcusdt@kline_1m", "btcusdt@kline_1h", "btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@markPrice@1s",
                   "ethusdt@trade", "!markPrice@arr@1s"]
        heard = await _heard(url, streams, ends + 40 * MINUTE_MS)
    lists, single = [e for e in heard if isinstance(e, list)], [e for e in heard if isinstance(e, dict)]
    own = [event for event in single if event["s"] == "BTCUSDT"]
    closed = {e["k"]["i"]: (e["k"]["t"], e["E"]) for e in own if e["e"] == "kline" and e["k"]["x"]}
    assert closed == {"1m": (ends - MINUTE_MS, ends), "1h": (NOW, ends)}
    assert max(event["E"] for event in own) == ends
    assert [event["E"] for event in own if event["e"] == "trade"]
    assert lists
    for marks in lists:
        assert {mark["s"] for mark in marks} == ({"BTCUSDT", "ETHUSDT"} if marks[0]["E"] < ends else {"ETHUSDT"})


def test_bybit_tells_closed_and_pre_launch_contracts_when_asked_for_them() -> None:
    with running_venue(days=2, symbols=SYMBOLS, ends=ENDS, begins=BEGINS, protocol="bybit") as url:
        assert get(url, "/control/identity")["venue"].endswith("-bybit")
        told = {
            status: [(row["symbol"], int(row["launchTime"]), int(row["deliveryTime"])) for row in get(
                url, f"/v5/market/instruments-info?category=linear&status={status}"
            )["result"]["list"]]
            for status in ("Trading", "Closed", "PreLaunch", "Delivering")
        }
        assert told == {
            "Trading": [("BTCUSDT", START_MS, 0)], "Closed": [("ETHUSDT", START_MS, ETH_ENDED)],
            "PreLaunch": [("SOLUSDT", SOL_BEGINS, 0)], "Delivering": [],
        }
        rows = get(url, f"/v5/market/kline?category=linear&symbol=ETHUSDT&interval=1&limit=1&end={NOW}")["result"]["list"]
        assert int(rows[0][0]) == ETH_ENDED - MINUTE_MS
        assert get(url, "/v5/market/tickers?category=linear&symbol=ETHUSDT")["retCode"] == 110074
        assert [row["symbol"] for row in get(url, "/v5/market/tickers?category=linear")["result"]["list"]] == ["BTCUSDT"]
        exchange = point_bybit(ccxt.bybit(keys()), url)
        exchange.load_markets()
        assert exchange.market("BTC/USDT:USDT")["active"]
        with pytest.raises(ccxt.ExchangeError, match="110074"):
            exchange.private_post_v5_order_create(
                {"category": "linear", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Market", "qty": "1"}
            )


def test_listings_give_the_market_another_identity_and_none_leave_it_as_it_is() -> None:
    market = generate_market(("BTCUSDT", "ETHUSDT"), 7, 3)
    assert with_listings(market, Listings({}, {})) is market
    ended = with_listings(market, Listings({}, {"ETHUSDT": ETH_ENDED}))
    later = with_listings(market, Listings({}, {"ETHUSDT": ETH_ENDED + MINUTE_MS}))
    assert market.identity == "sim2-s7"
    assert len({market.identity, ended.identity, later.identity}) == 3
    assert ended.identity.startswith("sim2-s7-l")
    assert ended.symbols["BTCUSDT"] is market.symbols["BTCUSDT"]
    assert ended.notes == ("ETHUSDT trades from 2025-01-01 00:00 until 2025-01-02 09:30 UTC",)


def test_an_end_and_a_beginning_are_told_a_week_ahead() -> None:
    market = generate_market(("BTCUSDT", "ETHUSDT"), 7, 3)
    end, begin = START_MS + 20 * DAY_MS, START_MS + 15 * DAY_MS
    one = with_listings(market, Listings({"ETHUSDT": begin}, {"ETHUSDT": end})).symbols["ETHUSDT"]
    assert [one.told_end_ms(end - NOTICE_MS - 1), one.told_end_ms(end - NOTICE_MS)] == [None, end]
    assert [one.is_announced(begin - NOTICE_MS - 1), one.is_announced(begin - NOTICE_MS)] == [False, True]
    assert [one.trades_at(at) for at in (begin - 1, begin, end - 1, end)] == [False, True, True, False]


@pytest.mark.parametrize(("listings", "told"), [
    (Listings({}, {"XRPUSDT": NOW}), "listings: expected symbols of the market, BTCUSDT; got XRPUSDT"),
    (Listings({"BTCUSDT": NOW}, {"BTCUSDT": NOW}), "expected BTCUSDT to begin and end, in this order, within 2025-01-01"),
    (Listings({"BTCUSDT": START_MS - DAY_MS}, {}), "got 2024-12-31 00:00 to"),
])
def test_listings_outside_of_the_market_are_refused(listings: Listings, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        with_listings(generate_market(("BTCUSDT",), 7, 2), listings)


def test_moments_are_read_as_days_and_minutes_and_nothing_else() -> None:
    assert read_moments("ends", f"{ENDS}, SOL/USDT:USDT=2025-01-03") == {"ETHUSDT": ETH_ENDED, "SOLUSDT": NOW}
    assert read_moments("ends", "") == {}
    for wrong in ("ETHUSDT", "ETHUSDT=soon", "ETHUSDT=2025-01-03T00:00:30", "ETHUSDT=2025-01-03,ETHUSDT=2025-01-04"):
        with pytest.raises(ConfigurationError, match="ends: expected SYMBOL=2025-01-03 or SYMBOL=2025-01-03T09:00"):
            read_moments("ends", wrong)
