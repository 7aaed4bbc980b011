"""What each answer to a send proves: one case per status, code and exception, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from huracan_platform.clock import SystemClock
from huracan_platform.contracts.order import OrderIntent, OrderKind, OrderRequest, Side
from huracan_platform.contracts.order_life import QueryResult, SendResult
from huracan_platform.errors import ConfigurationError, HaltTradingError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.order_wire import REJECT_CODES, classify_failure
from huracan_platform.venues.orders import PaperGateway

D = Decimal
BTC = "BTC/USDT:USDT"
CLIENT_ID = "A" * 32
HTML = "<html><body>Bad Gateway</body></html>"
MARKET = {
    "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "BTC",
    "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 1, "quantityPrecision": 3, "baseAssetPrecision": 8,
    "quotePrecision": 8, "underlyingType": "COIN", "orderTypes": ["LIMIT", "MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET"],
    "timeInForce": ["GTC"], "onboardDate": 0, "deliveryDate": 4133404800000,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
    ],
}
ACCEPTED = {
    "orderId": 9, "clientOrderId": CLIENT_ID, "symbol": "BTCUSDT", "status": "NEW", "side": "BUY", "type": "LIMIT",
    "origQty": "0.010", "executedQty": "0.000", "price": "50000.0", "stopPrice": "0", "reduceOnly": False,
}


def error(code: int) -> str:
    return json.dumps({"code": code, "msg": "no"})


@dataclass
class ScriptedVenue:
    """Answers order requests with what the test wrote; counts what arrived."""

    status: int = 200
    body: str = "{}"
    behaviour: str = "answer"
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def orders(self, request: web.Request) -> web.Response:
        sent = dict(request.query) | {k: str(v) for k, v in (await request.post()).items()}
        self.requests.append((request.method, request.path, sent))
        if self.behaviour == "reset":
            assert request.transport is not None
            request.transport.abort()
        if self.behaviour == "hang":
            await asyncio.sleep(3)
        return web.Response(status=self.status, text=self.body, content_type="application/json")


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[ScriptedVenue, PaperGateway]]:
    venue = ScriptedVenue()

    def constant(value: Any) -> Any:
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response(value)

        return answer

    app = web.Application()
    app.router.add_get("/fapi/v1/exchangeInfo", constant({"symbols": [MARKET], "serverTime": 0}))
    app.router.add_get("/fapi/v1/time", constant({"serverTime": SystemClock().wire_ms()}))
    app.router.add_get("/control/identity", constant({"venue": "scripted", "incarnation": "12345678-0000"}))
    app.router.add_route("*", "/fapi/v1/{order:order|algoOrder|openOrders|openAlgoOrders}", venue.orders)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    gateway = PaperGateway(Settings(venue={"url": f"http://127.0.0.1:{port}", "request_timeout_s": 0.5}), SystemClock())
    await gateway.open()
    yield venue, gateway
    await gateway.close()
    await runner.cleanup()


def intent(kind: OrderKind = OrderKind.LIMIT, quantity: str = "0.01", symbol: str = BTC) -> OrderIntent:
    now = SystemClock().wire_ms()
    request = OrderRequest(symbol, Side.BUY, kind, D(quantity), False, price=D(50000) if kind is OrderKind.LIMIT else None)
    return OrderIntent(1, CLIENT_ID, "a", "s", request, None, None, 1, now, now + 5000)


CASES = [
    ("acknowledged", 200, json.dumps(ACCEPTED), "answer", SendResult.ACK),
    ("another's order", 200, json.dumps({**ACCEPTED, "clientOrderId": "B"}), "answer", SendResult.UNKNOWN),
    ("accepted with 201", 201, json.dumps(ACCEPTED), "answer", SendResult.UNKNOWN),
    ("truncated", 200, json.dumps(ACCEPTED)[:40], "answer", SendResult.UNKNOWN),
    ("empty", 200, "", "answer", SendResult.UNKNOWN),
    ("empty object", 200, "{}", "answer", SendResult.UNKNOWN),
    ("a list", 200, "[]", "answer", SendResult.UNKNOWN),
    ("no status", 200, json.dumps({k: v for k, v in ACCEPTED.items() if k != "status"}), "answer", SendResult.UNKNOWN),
    ("new status", 200, json.dumps({**ACCEPTED, "status": "NEW_INSURANCE"}), "answer", SendResult.UNKNOWN),
    ("200 with an error body", 200, error(-2019), "answer", SendResult.UNKNOWN),
    ("html with 200", 200, HTML, "answer", SendResult.UNKNOWN),
    ("html with 404", 404, HTML, "answer", SendResult.UNKNOWN),
    ("html with 403", 403, HTML, "answer", SendResult.UNKNOWN),
    ("html with 429", 429, HTML, "answer", SendResult.UNKNOWN),
    *[(f"html with {s}", s, HTML, "answer", SendResult.UNKNOWN) for s in (500, 502, 503, 504)],
    *[(f"{c} with 503", 503, error(c), "answer", SendResult.UNKNOWN) for c in (-1006, -1007, -1008, -2019)],
    *[(f"{c} with 400", 400, error(c), "answer", SendResult.UNKNOWN) for c in (-1000, -1001, -1006, -1007, -4116, -9999, -2013)],
    *[(f"{c} with 400", 400, error(c), "answer", SendResult.REJECT) for c in sorted(REJECT_CODES)],
    ("-1003 with 429", 429, error(-1003), "answer", SendResult.REJECT),
    ("-1003 with 418", 418, error(-1003), "answer", SendResult.REJECT),
    ("connection reset", 200, "", "reset", SendResult.UNKNOWN),
    ("time-out", 200, json.dumps(ACCEPTED), "hang", SendResult.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "behaviour", "result"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
async def test_a_send_proves_what_its_answer_says_and_happens_once(
    scripted: tuple[ScriptedVenue, PaperGateway], status: int, body: str, behaviour: str, result: SendResult
) -> None:
    venue, gateway = scripted
    venue.status, venue.body, venue.behaviour = status, body, behaviour
    answer = await gateway.send(intent())
    assert answer.result is result
    assert len(venue.requests) == 1


async def test_a_refused_connection_is_unknown(scripted: tuple[ScriptedVenue, PaperGateway]) -> None:
    _, gateway = scripted
    for name, url in list(gateway._client.urls["api"].items()):
        if isinstance(url, str):
            gateway._client.urls["api"][name] = url.replace(url.split("/")[2], "127.0.0.1:1")
    assert (await gateway.send(intent())).result is SendResult.UNKNOWN


@pytest.mark.parametrize("bad", [intent(quantity="0.0001"), intent(symbol="NO/USDT:USDT")], ids=["below a lot", "unknown symbol"])
async def test_what_the_client_refuses_never_left_and_is_a_refusal(
    scripted: tuple[ScriptedVenue, PaperGateway], bad: OrderIntent
) -> None:
    venue, gateway = scripted
    assert (await gateway.send(bad)).result is SendResult.REJECT
    assert venue.requests == []


async def test_an_order_is_sent_as_it_was_committed(scripted: tuple[ScriptedVenue, PaperGateway]) -> None:
    venue, gateway = scripted
    venue.body = json.dumps(ACCEPTED)
    await gateway.send(intent())
    method, path, sent = venue.requests[0]
    assert (method, path) == ("POST", "/fapi/v1/order")
    assert {k: sent[k] for k in ("symbol", "side", "type", "quantity", "price", "newClientOrderId")} == {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "50000", "newClientOrderId": CLIENT_ID
    }
    assert 0 < int(sent["recvWindow"]) <= 5000


@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.STOP_MARKET])
async def test_the_receive_window_ends_at_the_deadline_and_not_a_millisecond_later(
    scripted: tuple[ScriptedVenue, PaperGateway], kind: OrderKind
) -> None:
    venue, gateway = scripted
    deadline = SystemClock().wire_ms() + 5000
    price, trigger = (D(50000), None) if kind is OrderKind.LIMIT else (None, D(49000))
    request = OrderRequest(BTC, Side.SELL, kind, D("0.01"), True, price=price, trigger=trigger)
    await gateway.send(OrderIntent(1, CLIENT_ID, "a", "s", request, None, None, 1, 0, deadline))
    sent = venue.requests[0][2]
    assert int(sent["timestamp"]) + int(sent["recvWindow"]) == deadline


async def test_a_stop_goes_to_the_trigger_book_reduce_only(scripted: tuple[ScriptedVenue, PaperGateway]) -> None:
    venue, gateway = scripted
    request = OrderRequest(BTC, Side.SELL, OrderKind.STOP_MARKET, D("0.01"), True, trigger=D("49000.1"))
    await gateway.send(OrderIntent(1, CLIENT_ID, "a", "s", request, None, None, 1, 0, 10**15))
    method, path, sent = venue.requests[0]
    assert (method, path) == ("POST", "/fapi/v1/algoOrder")
    assert {k: sent[k] for k in ("type", "triggerPrice", "quantity", "clientAlgoId", "reduceOnly", "algoType")} == {
        "type": "STOP_MARKET", "triggerPrice": "49000.1", "quantity": "0.01", "clientAlgoId": CLIENT_ID, "reduceOnly": "true",
        "algoType": "CONDITIONAL",
    }


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, json.dumps(ACCEPTED), QueryResult.FOUND),
        (400, error(-2013), QueryResult.NOT_FOUND),
        (503, error(-2013), QueryResult.NO_ANSWER),
        (200, error(-2013), QueryResult.NO_ANSWER),
        (400, error(-1021), QueryResult.NO_ANSWER),
        (404, HTML, QueryResult.NO_ANSWER),
        (200, "{", QueryResult.NO_ANSWER),
    ],
)
async def test_only_the_venues_own_not_found_is_one(
    scripted: tuple[ScriptedVenue, PaperGateway], status: int, body: str, result: QueryResult
) -> None:
    venue, gateway = scripted
    venue.status, venue.body = status, body
    assert (await gateway.query(BTC, CLIENT_ID, conditional=False)).result is result


@pytest.mark.parametrize(
    ("status", "body"), [(502, HTML), (200, HTML), (200, '{"code":-1007,"msg":"x"}'), (200, '[{"orderId":1}]')]
)
async def test_a_mangled_list_of_orders_is_no_list(scripted: tuple[ScriptedVenue, PaperGateway], status: int, body: str) -> None:
    venue, gateway = scripted
    venue.status, venue.body = status, body
    with pytest.raises(TransientError):
        await gateway.open_orders(None)


async def test_a_request_to_a_foreign_host_is_refused_before_it_leaves(scripted: tuple[ScriptedVenue, PaperGateway]) -> None:
    _, gateway = scripted
    gateway._client.urls["api"]["fapiPrivate"] = "https://exchange.example/fapi/v1"
    with pytest.raises(HaltTradingError, match=r"refused a request to https://exchange\.example/fapi/v1/order"):
        await gateway.send(intent())


@pytest.mark.parametrize("url", [None, "https://exchange.example", "http://10.0.0.1:8799"])
def test_paper_needs_a_venue_on_loopback(url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="on loopback"):
        PaperGateway(Settings(venue={"url": url}), SystemClock())


def test_what_never_left_is_refused_whatever_the_rest_says() -> None:
    assert classify_failure(left=False, status=None, code=None) is SendResult.REJECT
    assert classify_failure(left=True, status=None, code=None) is SendResult.UNKNOWN
