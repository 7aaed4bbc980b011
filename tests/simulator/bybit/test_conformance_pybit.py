"""The exchange's own SDK, pybit, unmodified, over TCP: HTTP and WebSocket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

from tests.simulator.bybit.known import DAY, HOUR, MINUTE, START, Known, known_market
from tests.simulator.bybit.pointing import session, socket
from tests.simulator.raw import get, post

BTC = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def reader(still: str) -> HTTP:
    """A session with the venue that stands still."""
    return session(still)


@pytest.fixture(scope="module")
def trader(own: str) -> HTTP:
    """A session with the module's own venue."""
    return session(own)


@pytest.fixture
def heard() -> Iterator[Callable[..., Any]]:
    """Opens sockets, which are closed afterwards."""
    opened: list[Any] = []

    def connect(channel: str, url: str, **more: Any) -> Any:
        opened.append(socket(channel, url, **more))
        return opened[-1]

    yield connect
    for one in opened:
        one.exit()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread is told."""
    for _ in range(int(seconds * 50)):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"expected it within {seconds} s, got nothing")


def test_every_answer_has_its_envelope(reader: HTTP) -> None:
    answer = reader.get_server_time()
    assert (answer["retCode"], answer["retMsg"], answer["retExtInfo"]) == (0, "OK", {})
    assert abs(answer["time"] - time.time() * 1000) < 2_000
    assert int(answer["result"]["timeNano"]) // 1_000_000_000 == int(answer["result"]["timeSecond"])


def test_instruments_page_by_cursor(reader: HTTP) -> None:
    first = reader.get_instruments_info(category="linear", limit=1)["result"]
    second = reader.get_instruments_info(category="linear", limit=1, cursor=first["nextPageCursor"])["result"]
    assert [row["symbol"] for row in [*first["list"], *second["list"]]] == ["BTCUSDT", "ETHUSDT"]
    assert second["nextPageCursor"] == ""
    assert first["list"][0]["lotSizeFilter"]["qtyStep"] == "0.001"
    assert reader.get_instruments_info(category="spot")["result"]["list"] == []


def test_klines_come_newest_first(reader: HTTP, known: Known) -> None:
    rows = reader.get_kline(**BTC, interval=60, start=START, end=START + 4 * HOUR)["result"]["list"]
    assert [[int(row[0]), *map(float, row[1:6])] for row in rows[::-1]] == known.candles("BTCUSDT", "1h", 0, 5)
    value = int(known.history("BTCUSDT").series("1h").rows[0, 6])
    assert float(rows[-1][6]) == pytest.approx(value * 1e-4)


def test_a_start_within_a_bar_gives_that_bar(reader: HTTP) -> None:
    rows = reader.get_kline(**BTC, interval="D", start=START + 5 * HOUR, limit=1)["result"]["list"]
    assert [int(row[0]) for row in rows] == [START]


def test_funding_is_the_latest_up_to_the_end(reader: HTTP, known: Known) -> None:
    rows = reader.get_funding_rate_history(**BTC, endTime=START + DAY, limit=2)["result"]["list"]
    assert [int(row["fundingRateTimestamp"]) for row in rows] == [START + DAY, START + 16 * HOUR]
    funding = known.listed("BTCUSDT").funding
    assert rows[0]["fundingRate"] == f"{funding.rate[list(funding.ts_ms).index(START + DAY)]:.8f}"
    with pytest.raises(InvalidRequestError, match="startTime without endTime"):
        reader.get_funding_rate_history(**BTC, startTime=START)


def test_open_interest_pages_without_gap_or_overlap(reader: HTTP, known: Known) -> None:
    times: list[int] = []
    cursor = None
    while cursor != "":
        more = {"cursor": cursor} if cursor else {}
        page = reader.get_open_interest(**BTC, intervalTime="15min", limit=50, **more)["result"]
        times += [int(row["timestamp"]) for row in page["list"]]
        cursor = page["nextPageCursor"]
        assert float(page["list"][0]["openInterest"]) == known.open_interest("BTCUSDT", int(page["list"][0]["timestamp"]))
    assert times == [known.now - i * 15 * MINUTE for i in range(192)]


def test_ratio_tickers_book_trades_and_tiers(reader: HTTP, known: Known) -> None:
    ratio = reader.get_long_short_ratio(**BTC, period="1d", limit=2)["result"]["list"]
    assert [int(row["timestamp"]) for row in ratio] == [known.now, known.now - DAY]
    assert float(ratio[0]["buyRatio"]) + float(ratio[0]["sellRatio"]) == pytest.approx(1)
    ticker = reader.get_tickers(**BTC)["result"]["list"][0]
    assert (float(ticker["lastPrice"]), ticker["nextFundingTime"]) == (known.last("BTCUSDT"), str(known.now + 8 * HOUR))
    book = reader.get_orderbook(**BTC, limit=200)["result"]
    assert (len(book["b"]), len(book["a"]), book["s"], book["ts"]) == (200, 200, "BTCUSDT", known.now)
    trades = reader.get_public_trade_history(**BTC, limit=10)["result"]["list"]
    assert float(trades[0]["price"]) == known.last("BTCUSDT")
    assert [int(t["time"]) for t in trades] == sorted((int(t["time"]) for t in trades), reverse=True)
    assert reader.get_risk_limit(**BTC)["result"]["list"][0]["riskLimitValue"] == "300000"


def test_an_order_from_placement_to_closed_profit(trader: HTTP) -> None:
    bought = trader.place_order(**BTC, side="Buy", orderType="Market", qty="0.4", orderLinkId="in")["result"]
    assert bought["orderLinkId"] == "in"
    found = trader.get_order_history(category="linear", orderId=bought["orderId"])["result"]["list"][0]
    assert (found["orderStatus"], found["cumExecQty"], found["timeInForce"]) == ("Filled", "0.400", "IOC")
    assert [o["orderId"] for o in trader.get_order_history(category="linear", orderLinkId="in")["result"]["list"]] == [
        bought["orderId"],
    ]
    position = trader.get_positions(**BTC)["result"]["list"][0]
    assert (position["side"], position["size"], position["leverage"]) == ("Buy", "0.400", "20")
    sold = trader.place_order(**BTC, side="Sell", orderType="Market", qty="0.4", reduceOnly=True)["result"]
    fills = trader.get_executions(category="linear", execType="Trade")["result"]["list"]
    assert {f["orderId"] for f in fills} == {bought["orderId"], sold["orderId"]}
    assert sum(float(f["closedSize"]) for f in fills) == pytest.approx(0.4)
    closed = trader.get_closed_pnl(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    fees = sum(float(f["execFee"]) for f in fills)
    profit = sum(float(f["execPnl"]) for f in fills)
    assert (closed["orderId"], closed["side"], closed["closedSize"]) == (sold["orderId"], "Sell", "0.400")
    assert float(closed["closedPnl"]) == pytest.approx(profit - fees, abs=1e-6)
    assert float(closed["avgEntryPrice"]) == pytest.approx(float(found["avgPrice"]))
    wallet = trader.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    assert float(wallet["totalWalletBalance"]) == pytest.approx(100_000 + profit - fees, abs=1e-6)
    log = trader.get_transaction_log(accountType="UNIFIED", category="linear")["result"]["list"]
    assert log[0]["cashBalance"] == wallet["totalWalletBalance"]
    assert sum(float(row["change"]) for row in log) == pytest.approx(profit - fees, abs=1e-6)


def test_orders_of_an_account_page_by_cursor(trader: HTTP) -> None:
    last = float(trader.get_tickers(**BTC)["result"]["list"][0]["lastPrice"])
    placed = [
        trader.place_order(**BTC, side="Buy", orderType="Limit", qty="0.01", price=f"{last * 0.97 + i:.1f}")["result"]["orderId"]
        for i in range(5)
    ]
    seen: list[str] = []
    cursor = None
    while cursor != "":
        page = trader.get_open_orders(**BTC, limit=2, **({"cursor": cursor} if cursor else {}))["result"]
        seen += [row["orderId"] for row in page["list"]]
        cursor = page["nextPageCursor"]
    assert sorted(seen) == sorted(placed)
    assert len(trader.cancel_all_orders(**BTC)["result"]["list"]) == 5
    assert trader.get_open_orders(**BTC)["result"]["list"] == []
    ended = trader.get_open_orders(**BTC, openOnly=1)["result"]["list"]
    assert {row["orderId"] for row in ended} >= set(placed)


def test_a_trading_stop_is_set_moved_and_taken_away(trader: HTTP) -> None:
    with pytest.raises(InvalidRequestError, match="zero position"):
        trader.set_trading_stop(**BTC, stopLoss="1000", positionIdx=0)
    trader.place_order(**BTC, side="Sell", orderType="Market", qty="0.1")
    last = float(trader.get_tickers(**BTC)["result"]["list"][0]["lastPrice"])
    with pytest.raises(InvalidRequestError, match="should be higher"):
        trader.set_trading_stop(**BTC, stopLoss=f"{last * 0.9:.1f}", positionIdx=0)
    for part in (1.05, 1.06):
        trader.set_trading_stop(**BTC, stopLoss=f"{last * part:.1f}", positionIdx=0)
        assert trader.get_positions(**BTC)["result"]["list"][0]["stopLoss"] == f"{last * part:.1f}"
    stops = trader.get_open_orders(**BTC, orderFilter="StopOrder")["result"]["list"]
    assert [(o["stopOrderType"], o["triggerDirection"], o["side"], o["closeOnTrigger"]) for o in stops] == [
        ("StopLoss", 1, "Buy", True),
    ]
    trader.set_trading_stop(**BTC, stopLoss="0", positionIdx=0)
    assert trader.get_positions(**BTC)["result"]["list"][0]["stopLoss"] == ""
    trader.place_order(**BTC, side="Buy", orderType="Market", qty="0.1", reduceOnly=True)


def test_a_waiting_order_is_amended_fires_and_keeps_its_id(own: str, trader: HTTP) -> None:
    last = float(trader.get_tickers(category="linear", symbol="ETHUSDT")["result"]["list"][0]["lastPrice"])
    eth = {"category": "linear", "symbol": "ETHUSDT"}
    order = trader.place_order(
        **eth, side="Buy", orderType="Market", qty="1", triggerPrice=f"{last * 1.2:.2f}", triggerDirection=1, orderLinkId="waits",
    )["result"]
    trader.amend_order(**eth, orderLinkId="waits", triggerPrice=f"{last * 1.001:.2f}", qty="2")
    waiting = trader.get_open_orders(**eth)["result"]["list"][0]
    assert (waiting["orderStatus"], waiting["triggerPrice"], waiting["qty"]) == ("Untriggered", f"{last * 1.001:.2f}", "2.000")
    now = get(own, "/control/clock")["market_ms"]
    post(own, "/control/clock", {"market_ms": now + DAY})
    filled = trader.get_open_orders(**eth, orderId=order["orderId"])["result"]["list"][0]
    assert (filled["orderStatus"], filled["cumExecQty"], filled["orderLinkId"]) == ("Filled", "2.000", "waits")
    assert float(filled["avgPrice"]) >= float(filled["triggerPrice"])
    assert {f["orderId"] for f in trader.get_executions(**eth, orderLinkId="waits")["result"]["list"]} == {order["orderId"]}
    trader.place_order(**eth, side="Sell", orderType="Market", qty="2", reduceOnly=True)


def test_settings_of_the_account(trader: HTTP) -> None:
    assert trader.get_account_info()["result"]["marginMode"] == "REGULAR_MARGIN"
    assert trader.get_fee_rates(**BTC)["result"]["list"][0]["takerFeeRate"] == "0.0005"
    trader.set_leverage(**BTC, buyLeverage="15", sellLeverage="15")
    assert trader.get_positions(**BTC)["result"]["list"][0]["leverage"] == "15"
    assert trader.get_api_key_information()["result"]["apiKey"] == "k"
    for refused, call in (
        (110043, lambda: trader.set_leverage(**BTC, buyLeverage="15", sellLeverage="15")),
        (110025, lambda: trader.switch_position_mode(**BTC, mode=0)),
        (110029, lambda: trader.switch_position_mode(**BTC, mode=3)),
    ):
        with pytest.raises(InvalidRequestError) as problem:
            call()
        assert problem.value.status_code == refused


def test_streams_of_the_market(fast: str, heard: Callable[..., Any]) -> None:
    public, told = heard("linear", fast), dict[str, list[Any]]()
    public.kline_stream(1, "BTCUSDT", lambda m: told.setdefault("kline", []).append(m))
    public.trade_stream("BTCUSDT", lambda m: told.setdefault("trade", []).append(m))
    # The SDK hands out its own book each time, and goes on to change it.
    public.orderbook_stream(50, "BTCUSDT", lambda m: told.setdefault("book", []).append(deepcopy(m)))
    public.ticker_stream("BTCUSDT", lambda m: told.setdefault("ticker", []).append(m))
    until(lambda: all(len(told.get(name, [])) > 20 for name in ("kline", "trade", "book")) and len(told.get("ticker", [])) > 5)
    bars = {b["start"]: b for m in told["kline"] for b in m["data"] if b["confirm"]}
    expected = known_market(days=1)
    for start, bar in bars.items():
        row = expected.listed("BTCUSDT").bars.row_at(start)
        values = [start, *(float(bar[name]) for name in ("open", "high", "low", "close", "volume"))]
        assert values == expected.candles("BTCUSDT", "1m", row, 1)[0]
        assert bar["end"] == start + MINUTE - 1
    numbers = [t["i"] for m in told["trade"] for t in m["data"]]
    assert len(set(numbers)) == len(numbers)
    for book in (m["data"] for m in told["book"]):
        assert max(float(b[0]) for b in book["b"]) < min(float(a[0]) for a in book["a"])
        assert (len(book["b"]), len(book["a"])) == (50, 50)
    updates = [m["data"]["u"] for m in told["book"]]
    assert updates == list(range(updates[0], updates[0] + len(updates)))
    assert float(told["ticker"][-1]["data"]["bid1Price"]) < float(told["ticker"][-1]["data"]["ask1Price"])


def test_streams_of_the_account(own: str, heard: Callable[..., Any]) -> None:
    private, told = heard("private", own, api_key="k", api_secret="s", private_auth_expire=60), dict[str, list[Any]]()
    for name in ("order", "execution", "position", "wallet"):
        getattr(private, f"{name}_stream")(lambda m, n=name: told.setdefault(n, []).extend(m["data"]))
    until(lambda: private.auth)
    time.sleep(0.5)
    http = session(own)
    before = float(http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["totalWalletBalance"])
    order = http.place_order(**BTC, side="Sell", orderType="Market", qty="0.2", orderLinkId="told")["result"]
    until(lambda: len(told) == 4 and told["order"][-1]["orderStatus"] == "Filled")
    assert (told["order"][-1]["orderId"], told["order"][-1]["orderLinkId"]) == (order["orderId"], "told")
    assert sum(float(e["execQty"]) for e in told["execution"]) == pytest.approx(0.2)
    assert (told["position"][-1]["side"], told["position"][-1]["size"]) == ("Sell", "0.200")
    fees = sum(float(e["execFee"]) for e in told["execution"])
    assert float(told["wallet"][-1]["coin"][0]["walletBalance"]) == pytest.approx(before - fees)
    http.place_order(**BTC, side="Buy", orderType="Market", qty="0.2", reduceOnly=True)
