"""The account's private streams, watched at once through an unmodified ccxt.pro client of whichever protocol."""

from __future__ import annotations

import asyncio
from typing import Any


async def watch_an_order_of_one(client: Any, symbol: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Buy one at the market under the client order id `name`, with orders, trades, positions and balance watched.

    Returns the order as it was answered and what each watcher heard of it, the orders until the closed one.
    """
    await client.watch_positions([symbol])  # answers with the positions so far; the next call with the next change
    watchers = {
        method: asyncio.create_task(getattr(client, method)(*arguments))
        for method, arguments in (
            ("watch_orders", (symbol,)), ("watch_my_trades", (symbol,)), ("watch_positions", ([symbol],)), ("watch_balance", ()),
        )
    }
    await asyncio.sleep(1.0)
    order = await client.create_order(symbol, "market", "buy", 1, None, {"clientOrderId": name})
    async with asyncio.timeout(20):
        heard = {method: await task for method, task in watchers.items()}
        while heard["watch_orders"][-1]["status"] != "closed":
            heard["watch_orders"] = await client.watch_orders(symbol)
    return order, heard
