"""What venues say of perpetuals that no longer trade, that are to end, and that are to come.

Unrecorded but for the shape of Binance's rows: statuses and dates are those of the vendors' documentation.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from huracan_platform.contracts.market import Listed
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.klines import MalformedRowsError
from huracan_platform.venues.market import MarketData
from huracan_platform.venues.retry import ReadRetry

LISTED, ENDED = 1_600_000_000_000, 1_652_400_000_000
FOREVER = 4_133_404_800_000
Answer = Callable[[str, dict[str, str]], Any]


@contextmanager
def venue(ccxt_id: str, answer: Answer) -> Iterator[MarketData]:
    """A venue that answers a path and a query with JSON, under the name `v`."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            control = {"venue": "v"} if parts.path == "/control/identity" else {
                "market_anchor_ms": FOREVER, "wire_anchor_ms": 0, "speed": 0, "history_start_ms": 0, "market_end_ms": None,
            }
            told = control if parts.path.startswith("/control/") else answer(parts.path, dict(parse_qsl(parts.query)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield MarketData(Settings(venue=VenueSettings(url=url, ccxt_id=ccxt_id, rate_limit=False)), ReadRetry(1))
    finally:
        server.shutdown()
        server.server_close()


def binance_row(base: str, **changed: Any) -> dict[str, Any]:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002",
        "maxQty": "1000"}, {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    row = {
        "symbol": f"{base}USDT", "pair": f"{base}USDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": base,
        "quoteAsset": "USDT", "marginAsset": "USDT", "onboardDate": LISTED, "deliveryDate": FOREVER, "filters": filters,
    }
    return {**row, **changed}


def bybit_row(base: str, **changed: Any) -> dict[str, Any]:
    row = {
        "symbol": f"{base}USDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": base, "quoteCoin": "USDT",
        "settleCoin": "USDT", "launchTime": str(LISTED), "deliveryTime": "0", "priceFilter": {"tickSize": "0.10"},
        "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.002", "maxOrderQty": "1000", "minNotionalValue": "5"},
    }
    return {**row, **changed}


def summary(universe: list[Listed]) -> list[tuple[str, str, int, int | None]]:
    return [(u.symbol, u.status, u.listed_ms, u.delisted_ms) for u in universe]


def test_binance_keeps_what_it_delisted_in_its_rules() -> None:
    rows = [
        binance_row("LUNA", status="SETTLING", deliveryDate=ENDED), binance_row("BTC"),
        binance_row("NEW", status="PENDING_TRADING", onboardDate=ENDED), binance_row("OLD", deliveryDate=ENDED + 1),
        binance_row("HELD", status="PRE_SETTLE"), binance_row("ETH", contractType="CURRENT_QUARTER", deliveryDate=ENDED),
        binance_row("COIN", marginAsset="BTC"),
    ]
    with venue("binanceusdm", lambda path, asked: {"symbols": rows}) as market:
        assert summary(market.universe()) == [
            ("BTC/USDT:USDT", "trading", LISTED, None), ("HELD/USDT:USDT", "halted", LISTED, None),
            ("LUNA/USDT:USDT", "delisted", LISTED, ENDED), ("NEW/USDT:USDT", "pending", ENDED, None),
            ("OLD/USDT:USDT", "trading", LISTED, ENDED + 1),
        ]
        gone = market.listing("LUNA/USDT:USDT")
        assert (gone.first_ms, gone.last_ms) == (LISTED, ENDED)
        assert market.listing("BTC/USDT:USDT").last_ms is None
        told = market.instruments(["LUNA/USDT:USDT"])[0]
        assert [str(value) for value in (told.tick_size, told.lot_size, told.min_quantity, told.min_notional)] == [
            "0.10", "0.001", "0.002", "5"
        ]


def test_bybit_tells_what_it_delisted_when_asked_for_it_page_by_page() -> None:
    closed = [bybit_row(f"GONE{i}", status="Closed", deliveryTime=str(ENDED + i)) for i in range(5)]
    # A cursor comes as it stands in a URL, and goes back as it came.
    pages = {"": (closed[:2], "a%3D"), "a=": (closed[2:4], "b"), "b": (closed[4:], "")}
    asked_for = []

    def answer(path: str, asked: dict[str, str]) -> Any:
        assert path == "/v5/market/instruments-info"
        asked_for.append((asked["status"], asked.get("cursor", "")))
        rows, cursor = {
            "Trading": ([bybit_row("BTC"), bybit_row("USDC", quoteCoin="USDC")], ""),
            "PreLaunch": ([bybit_row("NEW", status="PreLaunch", launchTime=str(ENDED))], ""), "Delivering": ([], ""),
        }.get(asked["status"]) or pages[asked.get("cursor", "")]
        return {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows, "nextPageCursor": cursor}}

    with venue("bybit", answer) as market:
        universe = market.universe()
    assert summary(universe) == [
        ("BTC/USDT:USDT", "trading", LISTED, None),
        *((f"GONE{i}/USDT:USDT", "delisted", LISTED, ENDED + i) for i in range(5)),
        ("NEW/USDT:USDT", "pending", ENDED, None),
    ]
    assert [status for status, _ in asked_for].count("Closed") == 3


def test_a_symbol_that_was_listed_again_means_the_one_that_trades_and_is_in_the_universe_twice() -> None:
    rows = [
        binance_row("LUNA", symbol="LUNAUSDT_OLD", status="SETTLING", deliveryDate=ENDED),
        binance_row("LUNA", symbol="LUNAUSDT", onboardDate=ENDED + 1),
    ]
    for told in (rows, rows[::-1]):
        with venue("binanceusdm", lambda path, asked, told=told: {"symbols": told}) as market:
            assert [(u.status, u.listed_ms) for u in market.universe()] == [("delisted", LISTED), ("trading", ENDED + 1)]
            assert market.listing("LUNA/USDT:USDT").first_ms == ENDED + 1


@pytest.mark.parametrize("broken", [{"filters": []}, {"onboardDate": None}, {"baseAsset": 5, "filters": None}])
def test_a_contract_that_is_not_told_in_full_is_refused_with_the_rows(broken: dict[str, Any]) -> None:
    rows = [binance_row("BTC"), binance_row("ETH", **broken)]
    with (
        venue("binanceusdm", lambda path, asked: {"symbols": rows}) as market,
        pytest.raises(MalformedRowsError, match="exchangeInfo of v: expected rows of contracts, got") as caught,
    ):
        market.universe()
    assert caught.value.rows == rows
