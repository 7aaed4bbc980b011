"""Unmodified ccxt for Bybit, sync and async, over TCP."""

from __future__ import annotations

from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.simulator.bybit.known import DAY, DAYS, HOUR, MINUTE, START, Known
from tests.simulator.bybit.pointing import BTC, ETH, keys, point
from tests.simulator.known import Known as KnownSymbol
from tests.simulator.raw import get, post


@pytest.fixture(scope="module")
def reader(still: str) -> Any:
    """A client of the venue that stands still."""
    exchange = point(ccxt.bybit(keys()), still)
    exchange.load_markets()
    return exchange


@pytest.fixture(scope="module")
def trader(own: str) -> Any:
    """A client of the module's own venue."""
    exchange = point(ccxt.bybit(keys()), own)
    exchange.load_markets()
    return exchange


def test_markets_carry_the_filters(reader: Any, known: Known) -> None:
    assert sorted(reader.symbols) == [BTC, ETH]
    market, instrument = reader.market(BTC), known.listed("BTCUSDT").instrument
    assert (market["swap"], market["linear"], market["settle"], market["active"]) == (True, True, "USDT", True)
    assert market["precision"] == {**market["precision"], "price": 0.1, "amount": 0.001}
    assert market["limits"]["cost"]["min"] == float(instrument.min_notional)
    assert market["limits"]["leverage"] == {"min": 1.0, "max": 125.0}
    assert market["created"] == START


@pytest.mark.parametrize(("timeframe", "step"), [
    ("1m", MINUTE), ("3m", 3 * MINUTE), ("5m", 5 * MINUTE), ("15m", 15 * MINUTE), ("30m", 30 * MINUTE), ("1h", HOUR),
    ("2h", 2 * HOUR), ("4h", 4 * HOUR), ("6h", 6 * HOUR), ("12h", 12 * HOUR), ("1d", DAY),
])
def test_candles_of_an_interval_are_those_of_the_market(reader: Any, known: Known, timeframe: str, step: int) -> None:
    count = min(2 * DAY // step, 40)
    candles = reader.fetch_ohlcv(ETH, timeframe, since=START, limit=count)
    assert candles == known.candles("ETHUSDT", timeframe, 0, count)
    assert [c[0] for c in candles] == [START + i * step for i in range(count)]


def test_a_thousand_candles_at_most_and_the_latest_without_a_time(reader: Any, known: Known) -> None:
    assert reader.fetch_ohlcv(BTC, "1m", since=START, limit=1_000) == known.candles("BTCUSDT", "1m", 0, 1_000)
    latest = reader.fetch_ohlcv(BTC, "1m", limit=5)
    assert latest[:-1] == known.candles("BTCUSDT", "1m", 2_876, 4)
    assert latest[-1][0] == known.now
    assert latest[-1][4] == known.last("BTCUSDT")


def test_both_bounds_give_the_latest_candles_before_the_second(reader: Any, known: Known) -> None:
    candles = reader.fetch_ohlcv(BTC, "1m", since=START, limit=3, params={"until": START + 9 * MINUTE})
    assert [c[0] for c in candles] == [START + i * MINUTE for i in (7, 8, 9)]
    assert candles == known.candles("BTCUSDT", "1m", 7, 3)


def test_months_and_weeks_add_up(reader: Any, known: Known) -> None:
    days = known.candles("BTCUSDT", "1d", 0, 2)
    running = reader.fetch_ohlcv(BTC, "1d", limit=1)[0]
    month = reader.fetch_ohlcv(BTC, "1M", limit=5)
    assert [m[0] for m in month] == [START]
    assert month[0][1] == days[0][1]
    assert month[0][2] == max(c[2] for c in [*days, running])
    assert month[0][5] == pytest.approx(sum(c[5] for c in [*days, running]))
    week = reader.fetch_ohlcv(BTC, "1w", limit=5)
    assert [w[0] for w in week] == [START - 2 * DAY]
    assert week[0][1:] == month[0][1:]


def test_mark_candles_are_those_of_the_trades(reader: Any, known: Known) -> None:
    candles = reader.fetch_ohlcv(BTC, "1h", since=START, limit=3, params={"price": "mark"})
    assert [c[:5] for c in candles] == [c[:5] for c in known.candles("BTCUSDT", "1h", 0, 3)]


def test_index_and_premium_candles_are_what_the_other_protocol_shows_of_the_market(reader: Any, known: Known) -> None:
    market = KnownSymbol("BTCUSDT", DAYS)
    hours = [START + i * HOUR for i in range(3)]
    index = reader.fetch_ohlcv(BTC, "1h", since=START, limit=3, params={"price": "index"})
    assert [c[:5] for c in index] == [market.index_candle(hour, 60) for hour in hours]
    premium = reader.fetch_premium_index_ohlcv(BTC, "1h", since=START, limit=3)
    assert [c[:5] for c in premium] == [market.premium_candle(hour, 60) for hour in hours]
    month = reader.fetch_ohlcv(BTC, "1M", limit=1, params={"price": "index"})[0]
    assert month[1] == market.index_candle(START)[1]
    assert month[4] == market.index(round(known.last("BTCUSDT") * 10), DAYS * 1_440 - 1)


def test_the_ticker_tells_the_last_day(reader: Any, known: Known) -> None:
    ticker, minutes = reader.fetch_ticker(BTC), known.candles("BTCUSDT", "1m", 1_440, 1_440)
    last = known.last("BTCUSDT")
    assert ticker["last"] == last
    assert (ticker["open"], ticker["high"], ticker["low"]) == (
        minutes[0][1], max(last, *(m[2] for m in minutes)), min(last, *(m[3] for m in minutes)),
    )
    assert ticker["bid"] < ticker["ask"]
    assert ticker["percentage"] == pytest.approx((ticker["last"] / ticker["open"] - 1) * 100, abs=1e-3)
    assert float(ticker["info"]["openInterest"]) == known.open_interest("BTCUSDT", known.now)
    assert sorted(reader.fetch_tickers()) == [BTC, ETH]


def test_the_book_has_its_levels_in_order(reader: Any, known: Known) -> None:
    book = reader.fetch_order_book(BTC, 50)
    assert (len(book["bids"]), len(book["asks"])) == (50, 50)
    assert [b[0] for b in book["bids"]] == sorted((b[0] for b in book["bids"]), reverse=True)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert known.last("BTCUSDT") in (book["bids"][0][0], book["asks"][0][0])
    assert book["timestamp"] == known.now


def test_recent_trades_end_with_the_last_price(reader: Any, known: Known) -> None:
    trades = reader.fetch_trades(BTC, limit=100)
    assert len(trades) == 100
    assert len({t["id"] for t in trades}) == 100
    assert trades[-1]["price"] == known.last("BTCUSDT")
    row = known.listed("BTCUSDT").bars.row_at(known.now) - 1
    minute = [t for t in trades if known.now - MINUTE <= t["timestamp"] < known.now]
    assert sum(t["amount"] for t in minute) == pytest.approx(known.candles("BTCUSDT", "1m", row, 1)[0][5])


def test_funding_rates_are_those_settled(reader: Any, known: Known) -> None:
    funding = known.listed("BTCUSDT").funding
    rates = reader.fetch_funding_rate_history(BTC, since=START, limit=10)
    settled = [i for i in range(len(funding.ts_ms)) if START <= funding.ts_ms[i] <= known.now]
    assert [(r["timestamp"], r["fundingRate"]) for r in rates] == [
        (int(funding.raw_ms[i]), pytest.approx(float(funding.rate[i]), abs=1e-9)) for i in settled
    ]
    assert len(rates) == 6
    now = reader.fetch_funding_rate(BTC)
    assert (now["markPrice"], now["interval"]) == (known.last("BTCUSDT"), "8h")
    assert now["fundingTimestamp"] == known.now + 8 * HOUR


def test_open_interest_is_exact_and_pages_by_cursor(reader: Any, known: Known) -> None:
    history = reader.fetch_open_interest_history(BTC, "5m", since=START, limit=200, params={"until": START + 12 * HOUR})
    assert [h["timestamp"] for h in history] == [START + i * 5 * MINUTE for i in range(1, 145)]
    assert [h["openInterestAmount"] for h in history[:3]] == [
        known.open_interest("BTCUSDT", START + i * 5 * MINUTE) for i in (1, 2, 3)
    ]
    bounds = {"until": known.now, "paginate": True, "paginationCalls": 4}
    paged = reader.fetch_open_interest_history(BTC, "5m", since=START, params=bounds)
    assert len({h["timestamp"] for h in paged}) == 576
    assert reader.fetch_open_interest(BTC)["openInterestAmount"] == known.open_interest("BTCUSDT", known.now)


def test_the_account_ratio_is_that_of_the_market(reader: Any, known: Known) -> None:
    positioning = known.listed("BTCUSDT").positioning
    assert positioning is not None
    history = reader.fetch_long_short_ratio_history(BTC, "1h", limit=5)
    assert [h["timestamp"] for h in history] == [known.now - i * HOUR for i in range(4, -1, -1)]
    long = int(positioning.long[list(positioning.ts_ms).index(known.now)])
    assert history[-1]["longShortRatio"] == pytest.approx(long / (10_000 - long), rel=1e-9)


def test_leverage_tiers_begin_with_the_smallest_position(reader: Any) -> None:
    tiers = reader.fetch_market_leverage_tiers(BTC)
    assert [(t["minNotional"], t["maxNotional"], t["maintenanceMarginRate"], t["maxLeverage"]) for t in tiers[:2]] == [
        (0.0, 300_000.0, 0.004, 125.0), (300_000.0, 800_000.0, 0.005, 100.0),
    ]


def test_time_is_the_wall_clock(reader: Any) -> None:
    assert abs(reader.fetch_time() - reader.milliseconds()) < 2_000


def test_a_round_trip_with_a_stop_from_entry_to_flat(trader: Any) -> None:
    before = trader.fetch_balance()["USDT"]["total"]
    bought = trader.create_order(BTC, "market", "buy", 0.5, None, {"clientOrderId": "round-in"})
    found = trader.fetch_order(bought["id"], BTC, {"acknowledged": True})
    assert (found["status"], found["filled"], found["clientOrderId"]) == ("closed", 0.5, "round-in")
    assert found["fee"] == {"cost": pytest.approx(found["cost"] * 0.0005), "currency": "USDT"}
    trigger = float(trader.price_to_precision(BTC, found["average"] * 0.98))
    stop = trader.create_order(BTC, "market", "sell", 0.5, None, {"stopLossPrice": trigger, "clientOrderId": "round-stop"})
    waiting = trader.fetch_open_orders(BTC)
    assert [(o["id"], o["triggerPrice"], o["stopLossPrice"], o["info"]["orderStatus"]) for o in waiting] == [
        (stop["id"], trigger, trigger, "Untriggered"),
    ]
    position = trader.fetch_position(BTC)
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.5, found["average"])
    assert position["initialMargin"] == pytest.approx(position["notional"] / 20)
    trader.cancel_order(stop["id"], BTC, {"trigger": True})
    sold = trader.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True})
    sold = trader.fetch_order(sold["id"], BTC, {"acknowledged": True})
    assert trader.fetch_positions([BTC])[0]["contracts"] == 0.0
    assert trader.fetch_positions() == []
    fees = sum(t["fee"]["cost"] for t in trader.fetch_my_trades(BTC))
    assert fees == pytest.approx((found["cost"] + sold["cost"]) * 0.0005)
    after = trader.fetch_balance()["USDT"]["total"]
    assert after == pytest.approx(before + sold["cost"] - found["cost"] - fees, abs=1e-6)
    closed = trader.fetch_positions_history([BTC])[0]
    assert (closed["side"], closed["contracts"]) == ("long", 0.5)
    assert closed["realizedPnl"] == pytest.approx(sold["cost"] - found["cost"] - fees, abs=1e-6)
    ledger = trader.fetch_ledger("USDT")
    assert sum(entry["amount"] * (1 if entry["direction"] == "in" else -1) for entry in ledger) == pytest.approx(after - before)


def test_a_limit_order_rests_is_amended_found_and_cancelled(trader: Any) -> None:
    last = trader.fetch_ticker(ETH)["last"]
    price, other = (float(trader.price_to_precision(ETH, last * part)) for part in (0.98, 0.985))
    order = trader.create_order(ETH, "limit", "buy", 1, price, {"clientOrderId": "resting"})
    assert [(o["id"], o["price"], o["timeInForce"]) for o in trader.fetch_open_orders(ETH)] == [(order["id"], price, "GTC")]
    trader.edit_order(order["id"], ETH, "limit", "buy", 2, other)
    found = trader.fetch_open_order(order["id"], ETH)
    assert (found["amount"], found["price"], found["remaining"], found["clientOrderId"]) == (2.0, other, 2.0, "resting")
    trader.cancel_order(order["id"], ETH)
    assert trader.fetch_open_orders(ETH) == []
    ended = trader.fetch_canceled_and_closed_orders(ETH)[-1]
    assert (ended["id"], ended["status"], ended["filled"]) == (order["id"], "canceled", 0.0)
    trader.create_order(ETH, "limit", "buy", 1, price, {"postOnly": True})
    trader.create_order(ETH, "limit", "buy", 1, other, {"clientOrderId": "second"})
    assert len(trader.cancel_all_orders(ETH)) == 2
    assert trader.fetch_open_orders(ETH) == []


@pytest.mark.parametrize(("parameters", "amount", "reason"), [
    ({"postOnly": True}, 0.1, "EC_PostOnlyWillTakeLiquidity"), ({"timeInForce": "FOK"}, 15, "EC_NoEnoughQtyToFill"),
])
def test_an_order_that_its_time_in_force_keeps_out_is_accepted_and_cancelled(
    trader: Any, parameters: dict[str, Any], amount: float, reason: str
) -> None:
    ask = trader.fetch_order_book(BTC, 1)["asks"][0][0]
    order = trader.create_order(BTC, "limit", "buy", amount, ask, parameters)
    ended = trader.fetch_order(order["id"], BTC, {"acknowledged": True})
    assert (ended["status"], ended["filled"], ended["info"]["rejectReason"]) == ("canceled", 0.0, reason)


@pytest.mark.parametrize(("error", "code", "arguments"), [
    (ccxt.InsufficientFunds, "110007", (BTC, "market", "buy", 40)),
    (ccxt.InvalidOrder, "110017", (BTC, "market", "sell", 0.1, None, {"reduceOnly": True})),
    (ccxt.InvalidOrder, "110094", (BTC, "market", "buy", 0.001)),
    (ccxt.InvalidOrder, "110003", (BTC, "limit", "buy", 0.1, 2e5)),
    (ccxt.InvalidOrder, "110092", (BTC, "market", "buy", 0.1, None, {"triggerPrice": 1_000, "triggerDirection": "ascending"})),
    (ccxt.InvalidOrder, "110093", (BTC, "market", "sell", 0.1, None, {"triggerPrice": 2e5, "triggerDirection": "descending"})),
    (ccxt.BadRequest, "10001", (BTC, "limit", "buy", 2_000_000, 80_000)),
])
def test_refusals_arrive_as_the_errors_they_are(
    trader: Any, error: type[Exception], code: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(error, match=f'"retCode":{code}'):
        trader.create_order(*arguments)


def test_a_client_id_of_an_open_order_is_refused_once_more(trader: Any) -> None:
    price = float(trader.price_to_precision(BTC, trader.fetch_ticker(BTC)["last"] * 0.97))
    order = trader.create_order(BTC, "limit", "buy", 0.1, price, {"clientOrderId": "twice"})
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        trader.create_order(BTC, "limit", "buy", 0.1, price, {"clientOrderId": "twice"})
    trader.cancel_order(order["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        trader.cancel_order(order["id"], BTC)


def test_unknown_orders_symbols_and_keys_arrive_as_the_errors_they_are(own: str, trader: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        trader.cancel_order("00000000-0000-0000-0000-000000000099", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        trader.fetch_open_order("99", BTC)
    with pytest.raises(ccxt.BadRequest, match="Not supported symbols"):
        trader.publicGetV5MarketKline({"category": "linear", "symbol": "NOPEUSDT", "interval": "1"})
    for wrong in ({"secret": "wrong"}, {"apiKey": "nobody"}):
        with pytest.raises(ccxt.AuthenticationError):
            point(ccxt.bybit(keys(**wrong)), own).fetch_balance()


def test_leverage_is_set_once(trader: Any) -> None:
    trader.set_leverage(10, ETH)
    assert trader.fetch_leverage(ETH)["longLeverage"] == 10
    with pytest.raises(ccxt.BadRequest, match="110043"):
        trader.set_leverage(10, ETH)


def test_fees_and_position_mode(trader: Any) -> None:
    fee = trader.fetch_trading_fee(BTC)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.0005)
    with pytest.raises(ccxt.NoChange):
        trader.set_position_mode(False, BTC)


def test_a_stop_of_the_position_closes_it_and_is_found_by_its_id(own: str, trader: Any) -> None:
    trader.create_order(ETH, "market", "buy", 1)
    last = trader.fetch_ticker(ETH)["last"]
    stop, gain = (float(trader.price_to_precision(ETH, last * part)) for part in (0.999, 1.5))
    trader.create_order(ETH, "market", "sell", 0, None, {"stopLossPrice": stop, "takeProfitPrice": gain})
    position = trader.fetch_position(ETH)
    assert (position["stopLossPrice"], position["takeProfitPrice"]) == (stop, gain)
    attached = {o["info"]["stopOrderType"]: o for o in trader.fetch_open_orders(ETH)}
    assert sorted(attached) == ["StopLoss", "TakeProfit"]
    now = get(own, "/control/clock")["market_ms"]
    post(own, "/control/clock", {"market_ms": now + 12 * HOUR})
    fired = trader.fetch_order(attached["StopLoss"]["id"], ETH, {"acknowledged": True})
    assert (fired["status"], fired["filled"], fired["info"]["stopOrderType"]) == ("closed", 1.0, "StopLoss")
    assert fired["average"] <= stop
    assert trader.fetch_position(ETH)["contracts"] == 0.0
    assert trader.fetch_order(attached["TakeProfit"]["id"], ETH, {"acknowledged": True})["status"] == "canceled"


def test_funding_is_among_the_executions(own: str, trader: Any, known: Known) -> None:
    trader.create_order(BTC, "market", "sell", 0.2)
    now = get(own, "/control/clock")["market_ms"]
    post(own, "/control/clock", {"market_ms": now + 8 * HOUR})
    paid = trader.fetch_funding_history(BTC)[-1]
    settled = (now // (8 * HOUR) + 1) * 8 * HOUR
    funding = known.listed("BTCUSDT").funding
    rate = float(funding.rate[list(funding.ts_ms).index(settled)])
    mark = float(paid["info"]["markPrice"])
    assert (paid["timestamp"], paid["rate"]) == (settled, pytest.approx(-rate, abs=1e-9))
    assert paid["amount"] == pytest.approx(-rate * 0.2 * mark, abs=1e-6)
    trader.create_order(BTC, "market", "buy", 0.2, None, {"reduceOnly": True})


async def test_the_async_client_trades_too(own: str, known: Known) -> None:
    exchange = point(ccxt.async_support.bybit(keys()), own)
    try:
        await exchange.load_markets()
        assert await exchange.fetch_ohlcv(ETH, "1h", since=START, limit=24) == known.candles("ETHUSDT", "1h", 0, 24)
        order = await exchange.create_order(ETH, "market", "sell", 2)
        found = await exchange.fetch_order(order["id"], ETH, {"acknowledged": True})
        assert (found["status"], found["filled"], found["remaining"]) == ("closed", 2.0, 0.0)
        position = await exchange.fetch_position(ETH)
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 2.0, found["average"])
        back = await exchange.create_order(ETH, "market", "buy", 2, None, {"reduceOnly": True})
        assert (await exchange.fetch_closed_order(back["id"], ETH))["filled"] == 2.0
    finally:
        await exchange.close()
