"""The core of the simulated venue in one process, without HTTP: how many orders a second its desks take.

Four accounts place orders in two symbols while the market runs in real time, as parameters like those of a request: of ten
orders seven rest and are cancelled, one rests within the spread, one takes that, and one is a market order. What is counted
are placements; the cancels come on top. At the end the records hold every one of them.

    python -m benchmarks.venue --areas matching
"""

from __future__ import annotations

import statistics
import time
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from huracan_platform.simulator.binance.clients import Client, Clients
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.market.synthetic import DEFAULT_START, generate_market
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.venue_clock import VenueClock

ORDERS_BAR = 20_000
ACCOUNTS = 4
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
QUANTITY = {"BTCUSDT": "0.01", "ETHUSDT": "0.2"}


def open_venue() -> tuple[Matching, list[Client]]:
    """A venue whose market runs in real time, and its clients."""
    market = generate_market(SYMBOLS, 7, 2, DEFAULT_START)
    venue = Venue(market, VenueClock.starting_at(market.now_ms, market.end_ms, 1.0))
    matching = Matching(venue)
    clients = Clients(venue, matching, Faults(venue.clock.wire_ms))
    return matching, [clients.add(SecretStr(f"c{i}"), SecretStr("s"), Decimal(1_000_000)) for i in range(ACCOUNTS)]


def place_ten(matching: Matching, client: Client, other: Client, symbol: str, number: int) -> None:
    """Ten orders of a client, and one of the ten is another's."""
    book, instrument = matching.book(symbol), matching.instrument(symbol)
    common = {"symbol": symbol, "quantity": QUANTITY[symbol]}
    limit = {**common, "type": "LIMIT", "timeInForce": "GTC"}
    mine = []
    for i in range(7):
        price = instrument.price(book.best_bid * (991 + i) // 1000)
        mine.append(client.desk.place({**limit, "side": "BUY", "price": f"{price}", "newClientOrderId": f"r{number}-{i}"}))
    between = f"{instrument.price((book.best_bid + book.best_ask) // 2)}"
    sides = ("BUY", "SELL") if number % 2 else ("SELL", "BUY")
    inside = client.desk.place({**limit, "side": sides[0], "price": between, "newClientOrderId": f"i{number}"})
    other.desk.place({**limit, "side": sides[1], "price": between, "newClientOrderId": f"t{number}"})
    client.desk.place({**common, "type": "MARKET", "side": sides[1], "newClientOrderId": f"m{number}"})
    for order in mine:
        client.desk.cancel({"symbol": symbol, "orderId": str(order.order_id)})
    if inside.open:
        client.desk.cancel({"symbol": symbol, "origClientOrderId": f"i{number}"})


def matching_benchmark(repeats: int, orders: int = 20_000) -> dict[str, Any]:
    """Placements a second against the bar."""
    matching, clients = open_venue()
    rates, cpus, number = [], [], 0
    for repeat in range(repeats + 1):
        began, cpu, symbols = time.perf_counter(), time.process_time(), list(QUANTITY)
        for _ in range(orders // 10):
            client, other = clients[number % ACCOUNTS], clients[(number + 1) % ACCOUNTS]
            place_ten(matching, client, other, symbols[number // ACCOUNTS % len(symbols)], number)
            number += 1
        if repeat:
            rates.append(orders // 10 * 10 / (time.perf_counter() - began))
            cpus.append(orders // 10 * 10 / (time.process_time() - cpu))
    kept = sum(len(client.account.records.orders) for client in clients)
    fills = sum(len(client.account.records.fills) for client in clients)
    assert kept == number * 10, (kept, number)
    # Three of ten trade, but where the market moves between two of them.
    assert fills >= number * 3 * 0.999, (fills, number)
    print(f"matching: {', '.join(f'{r:,.0f}' for r in rates)} orders a second, each cancelled or filled; {kept:,} in the records")
    print(f"matching: {statistics.median(cpus):,.0f} orders a second of CPU")
    ratio = round(statistics.median(rates) / ORDERS_BAR, 2)
    return {
        "area": "venue, orders matched in one process", "peer": f"{ORDERS_BAR:,} orders/s", "ratio": ratio, "bar": 1.0,
        "holds": ratio >= 1.0,
    }
