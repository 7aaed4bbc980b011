"""Every stream of the exchange's own SDK that the venue has: combined frames on /public and /market, parsed by typed models."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.raw import get
from tests.simulator.test_conformance_sdk import configuration, sdk

B = {"symbol": "btcusdt"}
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
# Streams of other products, and those that nothing is told on here.
ABSENT = {
    "asset_index", "composite_index_symbol_information_streams", "contract_info_stream", "rpi_diff_book_depth_streams",
    "trading_session_stream",
}
# Told only where someone is liquidated; in the module of forced orders.
RARE = {"liquidation_order_streams", "all_market_liquidation_order_streams"}


def known_bar(url: str, bar: Any) -> bool:
    """Whether a bar opens as the fetched one."""
    path = f"/fapi/v1/klines?symbol=BTCUSDT&interval={bar.i}&startTime={bar.t}&limit=1"
    return bool(get(url, path)[0][:2] == [bar.t, bar.o])


def known_trade(url: str, trade: Any) -> bool:
    """Whether a trade is the fetched one of its number."""
    row = get(url, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={trade.a}&limit=1")[0]
    return bool((row["p"], row["q"], row["T"], row["m"]) == (trade.p, trade.q, trade.T, trade.m))


def day(ticker: Any) -> bool:
    """Whether the prices of a day enclose its last one."""
    return float(ticker.l) <= float(ticker.c) <= float(ticker.h) and float(ticker.v) > 0


def uncrossed(book: Any) -> bool:
    return float(book.b[0][0]) < float(book.a[0][0]) and book.pu < book.u


STREAMS: list[tuple[str, dict[str, Any], Callable[[str, Any], bool]]] = [
    ("kline_candlestick_streams", {**B, "interval": "1m"}, lambda url, m: m.s == "BTCUSDT" and known_bar(url, m.k)),
    ("continuous_contract_kline_candlestick_streams", {"pair": "btcusdt", "contract_type": "perpetual", "interval": "5m"},
     lambda url, m: m.ps == "BTCUSDT" and known_bar(url, m.k)),
    ("aggregate_trade_streams", B, lambda url, m: m.s == "BTCUSDT" and known_trade(url, m)),
    ("individual_symbol_book_ticker_streams", B, lambda url, m: m.s == "BTCUSDT" and float(m.b) < float(m.a)),
    ("all_book_tickers_stream", {}, lambda url, m: m.s in SYMBOLS and float(m.b) < float(m.a)),
    ("mark_price_stream", {**B, "update_speed": "1s"}, lambda url, m: m.s == "BTCUSDT" and float(m.p) > 0 and m.T > m.E),
    ("mark_price_stream_for_all_market", {"update_speed": "1s"}, lambda url, m: [row.s for row in m] == SYMBOLS),
    ("individual_symbol_mini_ticker_stream", B, lambda url, m: m.s == "BTCUSDT" and day(m)),
    ("all_market_mini_tickers_stream", {}, lambda url, m: {row.s for row in m} <= set(SYMBOLS) and all(map(day, m))),
    ("individual_symbol_ticker_streams", B, lambda url, m: m.s == "BTCUSDT" and day(m)),
    ("all_market_tickers_streams", {}, lambda url, m: {row.s for row in m} <= set(SYMBOLS) and all(map(day, m))),
    ("diff_book_depth_streams", B, lambda url, m: m.s == "BTCUSDT" and m.pu < m.U <= m.u),
    ("partial_book_depth_streams", {**B, "levels": "10"}, lambda url, m: len(m.b) == len(m.a) == 10 and uncrossed(m)),
]


async def first_messages(url: str) -> dict[str, Any]:
    """The first message of each stream, over one connection."""
    client = sdk.DerivativesTradingUsdsFutures(
        config_ws_streams=configuration.ConfigurationWebSocketStreams(stream_url=url.replace("http", "ws", 1))
    ).websocket_streams
    connection, told = await client.create_connection(), dict[str, Any]()
    try:
        for name, arguments, _ in STREAMS:
            stream = await getattr(connection, name)(**arguments)
            stream.on("message", lambda message, n=name: told.setdefault(n, message))
        async with asyncio.timeout(20):
            while len(told) < len(STREAMS):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass  # what is missing is told by its own test
    finally:
        await connection.close_connection(close_session=True)
    return told


@pytest.fixture(scope="module")
def told(fast: str) -> dict[str, Any]:
    return asyncio.run(first_messages(fast))


@pytest.mark.parametrize(("name", "holds"), [(n, h) for n, _, h in STREAMS], ids=[n for n, _, _ in STREAMS])
def test_a_stream_is_parsed_into_its_model_with_the_values_of_the_venue(
    fast: str, told: dict[str, Any], name: str, holds: Callable[[str, Any], bool]
) -> None:
    assert name in told
    assert holds(fast, told[name]), told[name]


def test_every_stream_of_the_sdk_is_tried_or_known_to_be_silent() -> None:
    from binance_sdk_derivatives_trading_usds_futures.websocket_streams import websocket_streams

    streams = websocket_streams.DerivativesTradingUsdsFuturesWebSocketStreams
    own = {n for n, f in vars(streams).items() if inspect.isfunction(f)}
    names = {n for n in own if n.endswith(("_stream", "_streams", "_market", "asset_index"))}
    assert names - {n for n, _, _ in STREAMS} == ABSENT | RARE
