"""What each error code of the venue becomes, in ccxt and then in ours, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ccxt
import pytest

from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.alternatives import alternative_settings
from huracan_platform.venues.client import RateLimitedError, acall, build_client, call

TABLE = {
    ccxt.InsufficientFunds: (-2018, -2019, -2024),
    ccxt.OrderImmediatelyFillable: (-2021,),
    ccxt.InvalidOrder: (-2022, -4116, -4120, -4164),
    ccxt.OrderNotFillable: (-5021, -5022),
    ccxt.OrderNotFound: (-2011, -2013),
    ccxt.InvalidNonce: (-1021,),
    ccxt.AuthenticationError: (-1022, -2014, -2015),
    ccxt.BadSymbol: (-1121,),
    ccxt.BadRequest: (-1102, -1111, -1130, -4016, -4024),
    ccxt.OperationFailed: (-1006,),
    ccxt.RequestTimeout: (-1007,),
}
TRANSIENT_CODES = {-1006, -1007, -1021}


class _Answers(BaseHTTPRequestHandler):
    """GET /fapi/v1/klines?answer=STATUS|BODY answers just that."""

    def do_GET(self) -> None:
        status, _, body = self.server.answer.partition("|")  # type: ignore[attr-defined]
        self.send_response(int(status))
        self.send_header("Content-Type", "application/json")
        if status in ("418", "429"):
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def answering() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def client(answering: ThreadingHTTPServer) -> ccxt.Exchange:
    url = f"http://127.0.0.1:{answering.server_address[1]}"
    return build_client(Settings(venue=VenueSettings(url=url, rate_limit=False)))


def error_body(code: int) -> str:
    return f"400|{json.dumps({'code': code, 'msg': 'no.'})}"


@pytest.mark.parametrize(("code", "expected"), [(code, error) for error, codes in TABLE.items() for code in codes])
def test_each_code_becomes_the_error_of_the_linear_table(answering, client, code, expected) -> None:
    answering.answer = error_body(code)
    with pytest.raises(ccxt.BaseError) as caught:
        client.fapiPublicGetKlines({"symbol": "BTCUSDT"})
    assert type(caught.value) is expected


@pytest.mark.parametrize("code", [code for codes in TABLE.values() for code in codes])
def test_a_code_is_transient_only_where_a_retry_can_help(answering, client, code) -> None:
    answering.answer = error_body(code)
    with pytest.raises(TransientError if code in TRANSIENT_CODES else PermanentError, match=str(code)):
        call(client, "fapiPublicGetKlines", {"symbol": "BTCUSDT"})


@pytest.mark.parametrize("status", [418, 429])
def test_a_ban_is_rate_limited_and_carries_what_retry_after_said(answering, client, status) -> None:
    answering.answer = f'{status}|{{"code": -1003, "msg": "Too many requests."}}'
    with pytest.raises(ccxt.DDoSProtection):
        client.fapiPublicGetKlines({"symbol": "BTCUSDT"})
    with pytest.raises(RateLimitedError) as caught:
        call(client, "fapiPublicGetKlines")
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("answer", ["502|<html>Bad Gateway</html>", "500|", "503|Service Unavailable"])
def test_a_broken_gateway_is_transient(answering, client, answer) -> None:
    answering.answer = answer
    with pytest.raises(TransientError):
        call(client, "fapiPublicGetKlines")


def test_a_refused_connection_is_transient_and_shows_no_query() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as gone:
        port = gone.server_address[1]
    venue = VenueSettings(url=f"http://127.0.0.1:{port}", api_key="planted-key", api_secret="planted-secret")
    lonely = build_client(Settings(venue=venue))
    with pytest.raises(TransientError) as caught:
        call(lonely, "fapiPrivateV3GetAccount")
    assert "signature" not in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_venue_that_is_not_there_is_named_with_its_address_and_the_setting_that_gives_it() -> None:
    other = {"name": "second", "ccxt_id": "bybit", "url": "http://127.0.0.1:9/there"}
    settings = Settings(venue=VenueSettings(url="http://127.0.0.1:9", alternatives=[other]))
    with pytest.raises(TransientError) as first:
        call(build_client(settings), "fapiPublicGetTime")
    assert str(first.value) == (
        "fapiPublicGetTime: expected an answer of binanceusdm at http://127.0.0.1:9 (HURACAN_VENUE__URL), "
        "got Connection refused (NetworkError)"
    )
    with pytest.raises(TransientError) as second:
        call(build_client(alternative_settings(settings)["second"]), "publicGetV5MarketTime")
    assert "of bybit at http://127.0.0.1:9/there (HURACAN_VENUE__ALTERNATIVES, second), got Conn" in str(second.value)


async def test_a_venue_that_is_not_there_is_named_by_async_clients_too() -> None:
    client = build_client(Settings(venue=VenueSettings(url="http://127.0.0.1:9")), flavour="async")
    try:
        with pytest.raises(TransientError) as caught:
            await acall(client, "fapiPublicGetTime")
    finally:
        await client.close()
    assert "binanceusdm at http://127.0.0.1:9 (HURACAN_VENUE__URL), got Connect call failed (Exch" in str(caught.value)


def test_what_is_no_answer_of_the_exchange_names_where_it_came_from(
    client: ccxt.Exchange, answering: ThreadingHTTPServer
) -> None:
    answering.answer = "404|not here"  # type: ignore[attr-defined]
    with pytest.raises((TransientError, PermanentError)) as caught:
        call(client, "fapiPublicGetKlines", {"symbol": "BTCUSDT"})
    port = answering.server_address[1]
    assert f"of binanceusdm at http://127.0.0.1:{port} (HURACAN_VENUE__URL), got 404 Not Found not here" in str(caught.value)
    assert "/fapi/v1" not in str(caught.value)
