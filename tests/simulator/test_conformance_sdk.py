"""The exchange's own SDK over TCP, unmodified: its typed models must parse what the venue says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue_process import running_venue

PACKAGE = "binance_sdk_derivatives_trading_usds_futures"
WANTED = "expected pip install binance-sdk-derivatives-trading-usds-futures==18.0.1"
sdk = pytest.importorskip(f"{PACKAGE}.derivatives_trading_usds_futures", reason=WANTED)
configuration = pytest.importorskip("binance_common.configuration", reason=WANTED)
START = 1_735_689_600_000
DAY, MINUTE = 86_400_000, 60_000


@pytest.fixture(scope="module")
def moving() -> Iterator[str]:
    """A venue whose market runs at a minute a second."""
    with running_venue(days=2, speed=60.0, symbols="BTCUSDT,ETHUSDT") as url:
        yield url


@pytest.fixture(scope="module")
def still() -> Iterator[str]:
    """A venue whose market stands still."""
    with running_venue(days=2, symbols="BTCUSDT,ETHUSDT") as url:
        yield url


def rest_of(url: str) -> Any:
    return sdk.DerivativesTradingUsdsFutures(
        config_rest_api=configuration.ConfigurationRestAPI(api_key="k", api_secret="s", base_path=url)
    ).rest_api


def test_market_data(still: str) -> None:
    rest = rest_of(still)
    assert [s.symbol for s in rest.exchange_information().data().symbols] == ["BTCUSDT", "ETHUSDT"]
    rows = rest.kline_candlestick_data(symbol="BTCUSDT", interval="1m", start_time=START, limit=3).data()
    assert [r[0] for r in rows] == [START, START + MINUTE, START + 2 * MINUTE]
    book = rest.order_book(symbol="BTCUSDT", limit=5).data()
    assert float(book.bids[0][0]) < float(book.asks[0][0])
    rates = rest.get_funding_rate_history(symbol="BTCUSDT").data()
    assert [r.funding_time for r in rates] == [START + i * 28_800_000 for i in range(1, 7)]
    mark = rest.mark_price(symbol="BTCUSDT").data().actual_instance
    assert mark.last_funding_rate == rates[-1].funding_rate


def test_positioning(still: str) -> None:
    rest, query = rest_of(still), {"symbol": "BTCUSDT", "period": "5m", "limit": 2}
    history = rest.open_interest_statistics(**query).data()
    assert [h.timestamp for h in history] == [START + 2 * DAY - 5 * MINUTE, START + 2 * DAY]
    assert rest.open_interest(symbol="BTCUSDT").data().open_interest == history[-1].sum_open_interest
    taker = rest.taker_buy_sell_volume(**query).data()[-1]
    assert float(taker.buy_sell_ratio) == pytest.approx(float(taker.buy_vol) / float(taker.sell_vol), abs=1e-4)
    for ratios in (rest.long_short_ratio(**query).data(), rest.top_trader_long_short_ratio_accounts(**query).data()):
        assert float(ratios[0].long_account) + float(ratios[0].short_account) == pytest.approx(1)


def test_orders_amends_batches_and_income(still: str) -> None:
    rest = rest_of(still)
    bought = rest.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.5).data()
    assert (bought.status, bought.executed_qty) == ("FILLED", "0.500")
    last = float(rest.symbol_price_ticker(symbol="BTCUSDT").data().actual_instance.price)
    price, other = round(last * 0.98, 1), round(last * 0.985, 1)
    order = rest.new_order(symbol="BTCUSDT", side="BUY", type="LIMIT", quantity=0.1, price=price, time_in_force="GTC").data()
    amended = rest.modify_order(symbol="BTCUSDT", side="BUY", quantity=0.2, price=other, order_id=order.order_id).data()
    assert (amended.order_id, amended.orig_qty, float(amended.price)) == (order.order_id, "0.200", other)
    change = rest.get_order_modify_history(symbol="BTCUSDT", order_id=order.order_id).data()[0].amendment
    assert (float(change.price.before), float(change.price.after), change.count) == (price, other, 1)
    sold = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5"}
    assert [o.status for o in rest.place_multiple_orders(batch_orders=[sold]).data()] == ["FILLED"]
    cancelled = rest.cancel_multiple_orders(symbol="BTCUSDT", order_id_list=[order.order_id]).data()
    assert [o.status for o in cancelled] == ["CANCELED"]
    assert rest.auto_cancel_all_open_orders(symbol="BTCUSDT", countdown_time=0).data().countdown_time == "0"
    income = rest.get_income_history().data()
    balance = float(rest.futures_account_balance_v3().data()[0].balance)
    assert 100_000 + sum(float(i.income) for i in income) == pytest.approx(balance, abs=1e-6)
    assert rest.position_information_v3().data() == []


def test_account_settings_and_brackets(still: str) -> None:
    rest = rest_of(still)
    brackets = rest.notional_and_leverage_brackets(symbol="BTCUSDT").data().actual_instance[0].brackets
    assert [(b.initial_leverage, b.notional_cap, b.cum) for b in brackets[:3]] == [
        (125, 300_000, 0.0), (100, 800_000, 300.0), (75, 3_000_000, 1_500.0),
    ]
    assert rest.change_initial_leverage(symbol="ETHUSDT", leverage=10).data().max_notional_value == "230000000"
    assert [c.leverage for c in rest.symbol_configuration(symbol="ETHUSDT").data()] == [10]
    assert rest.user_commission_rate(symbol="BTCUSDT").data().taker_commission_rate == "0.0005"
    with pytest.raises(Exception, match="not valid"):
        rest.change_initial_leverage(symbol="ETHUSDT", leverage=126)


async def test_typed_streams_and_the_user_stream_by_its_listen_key(moving: str) -> None:
    rest = rest_of(moving)
    key = rest.start_user_data_stream().data().listen_key
    address = moving.replace("http", "ws", 1)
    client = sdk.DerivativesTradingUsdsFutures(
        config_ws_streams=configuration.ConfigurationWebSocketStreams(stream_url=address)
    ).websocket_streams
    connection, heard = await client.create_connection(), {}
    wanted = {
        "kline_candlestick_streams": {"symbol": "btcusdt", "interval": "1m"}, "aggregate_trade_streams": {"symbol": "btcusdt"},
        "all_book_tickers_stream": {}, "mark_price_stream_for_all_market": {"update_speed": "1s"},
        "diff_book_depth_streams": {"symbol": "btcusdt"},
    }
    try:
        for name, arguments in wanted.items():
            stream = await getattr(connection, name)(**arguments)
            stream.on("message", lambda message, n=name: heard.setdefault(n, message))
        user = await connection.user_data(key)
        user.on("message", lambda message: heard.setdefault("user", message))
        await asyncio.to_thread(rest.new_order, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.5)
        async with asyncio.timeout(20):
            while len(heard) < len(wanted) + 1:
                await asyncio.sleep(0.05)
    finally:
        await connection.close_connection(close_session=True)
    assert heard["kline_candlestick_streams"].k.i == "1m"
    assert heard["aggregate_trade_streams"].s == "BTCUSDT"
    assert [row.s for row in heard["mark_price_stream_for_all_market"]] == ["BTCUSDT", "ETHUSDT"]
    assert heard["user"].actual_instance.o.s == "BTCUSDT"
