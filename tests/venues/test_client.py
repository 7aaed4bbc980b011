"""Where a client may point, and that it points nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from huracan_platform.errors import ConfigurationError
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.client import build_client, is_loopback, urls_of

LOCAL = Settings(venue=VenueSettings(url="http://127.0.0.1:8799"))


@pytest.mark.parametrize("flavour", ["sync", "async", "pro"])
@pytest.mark.parametrize("purpose", ["market", "orders"])
async def test_every_url_of_every_client_points_at_the_configured_venue(purpose, flavour) -> None:
    client = build_client(LOCAL, purpose, flavour)
    assert {urlsplit(url).netloc for url in urls_of(client.urls["api"])} == {"127.0.0.1:8799"}
    assert not {"test", "demo"} & set(client.urls)
    if flavour != "sync":
        await client.close()


@pytest.mark.parametrize("ccxt_id", ["bybit", "okx"])
@pytest.mark.parametrize("flavour", ["sync", "pro"])
async def test_host_names_that_are_templates_are_replaced_too(ccxt_id, flavour) -> None:
    client = build_client(Settings(venue=VenueSettings(url="http://127.0.0.1:8799", ccxt_id=ccxt_id)), "market", flavour)
    assert {urlsplit(url).netloc for url in urls_of(client.urls["api"])} == {"127.0.0.1:8799"}
    assert client.sign("time", ["public"])["url"].startswith("http://127.0.0.1:8799/")
    if flavour != "sync":
        await client.close()


def test_paths_are_those_of_the_venue() -> None:
    api = build_client(LOCAL).urls["api"]
    paths = [urlsplit(api[name]).path for name in ("fapiPublic", "fapiPrivateV2", "fapiPrivateV3", "fapiData")]
    assert paths == ["/fapi/v1", "/fapi/v2", "/fapi/v3", "/futures/data"]


async def test_stream_urls_end_where_ccxt_derives_its_categories_from() -> None:
    client = build_client(LOCAL, "market", "pro")
    assert client.urls["api"]["ws"]["linear"] == "ws://127.0.0.1:8799/ws"
    assert client.get_ws_url("linear", "market") == "ws://127.0.0.1:8799/market/ws"
    await client.close()


@pytest.mark.parametrize("url", [None, "http://10.0.0.7:8799", "https://venue.example", "http://127.0.0.1.venue.example"])
def test_paper_orders_are_refused_outside_loopback(url) -> None:
    with pytest.raises(ConfigurationError, match="expected HURACAN_VENUE__URL on loopback, got"):
        build_client(Settings(venue=VenueSettings(url=url)), "orders")


def test_the_limiter_stays_on_outside_loopback() -> None:
    with pytest.raises(ConfigurationError, match="RATE_LIMIT"):
        build_client(Settings(venue=VenueSettings(rate_limit=False)))


def test_the_two_purposes_do_not_share_a_limiter() -> None:
    market, orders = build_client(LOCAL, "market"), build_client(LOCAL, "orders")
    market.throttle(0)
    market.lastRestRequestTimestamp = market.milliseconds()
    assert orders.lastRestRequestTimestamp == 0


def test_an_unknown_exchange_is_named() -> None:
    with pytest.raises(ConfigurationError, match="got 'nyse'"):
        build_client(Settings(venue=VenueSettings(ccxt_id="nyse")))


def test_an_order_is_not_valid_at_the_venue_past_its_deadline() -> None:
    assert build_client(LOCAL, "orders").options["recvWindow"] == 5000


@pytest.mark.parametrize(("url", "expected"), [
    ("http://127.0.0.1:1", True), ("http://localhost:1", True), ("http://[::1]:1", True), ("http://127.8.8.8", True),
    ("http://192.168.0.1", False), ("http://localhost.example", False), ("", False)])
def test_loopback_is_this_machine_only(url, expected) -> None:
    assert is_loopback(url) is expected
