"""What the exchange's old connector reads of a venue and does there, told as JSON. Run in a process of its own.

Its package is called `binance`, as python-binance's is, so that it lives in build/connector and is imported from there alone.
Arguments: address of the venue, API key, secret.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

from binance.error import ClientError
from binance.um_futures import UMFutures
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient


def read(client: Any) -> dict[str, Any]:
    """Market data by several of its methods."""
    return {
        "klines": client.klines("BTCUSDT", "1h", limit=3),
        "depth": client.depth("BTCUSDT", limit=5),
        "price": client.ticker_price("BTCUSDT"),
        "funding": client.funding_rate("BTCUSDT", limit=2),
        "mark": client.mark_price("BTCUSDT"),
        "trades": client.agg_trades("BTCUSDT", limit=2),
        "ratio": client.long_short_account_ratio("BTCUSDT", "5m", limit=1),
    }


def trade(client: Any) -> dict[str, Any]:
    """An order filled, one refused, one that rests and is cancelled, and the account afterwards."""
    bought = client.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    resting = client.new_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1",
        price=f"{float(client.ticker_price('BTCUSDT')['price']) * 0.97:.1f}",
    )
    try:
        client.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="99")
        refused = None
    except ClientError as error:
        refused = [error.status_code, error.error_code]
    return {
        "bought": bought, "refused": refused, "open": client.get_orders(symbol="BTCUSDT"), "resting": resting,
        "cancelled": client.cancel_order(symbol="BTCUSDT", orderId=resting["orderId"]),
        "position": client.get_position_risk(symbol="BTCUSDT"), "balance": client.balance(),
    }


def listen(address: str, client: Any) -> dict[str, Any]:
    """Messages of its raw and of its combined socket, and of the user stream beside an order."""
    url, told = address.replace("http", "ws", 1), {}
    for name, combined in (("raw", False), ("combined", True)):
        heard: queue.Queue[Any] = queue.Queue()
        socket = UMFuturesWebsocketClient(
            stream_url=url, is_combined=combined, on_message=lambda _socket, text, heard=heard: heard.put(json.loads(text))
        )
        socket.kline("btcusdt", "1m")
        if not combined:
            socket.user_data(client.new_listen_key()["listenKey"])
        told[name] = [heard.get(timeout=20) for _ in range(5)]
        if not combined:
            client.new_order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="1")
            while "user" not in told:
                message = heard.get(timeout=20)
                if message.get("e") == "ORDER_TRADE_UPDATE":
                    told["user"] = message
        socket.stop()
    return told


if __name__ == "__main__":
    venue, key, secret = sys.argv[1:]
    connector = UMFutures(key=key, secret=secret, base_url=venue)
    sys.stdout.write(json.dumps({**read(connector), **trade(connector), **listen(venue, connector)}))
