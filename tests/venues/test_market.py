"""Market data read from a real simulated venue over TCP, compared with what ccxt makes of the same answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, MappedClock, SystemClock
from huracan_platform.errors import ConfigurationError, PermanentError, TransientError
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.market import MarketData
from huracan_platform.venues.retry import ReadRetry
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"
DAYS = 2


@pytest.fixture(scope="module")
def local() -> Iterator[Settings]:
    with running_venue(days=DAYS, symbols=f"{BTC},ETH/USDT:USDT") as url:
        yield Settings(venue=VenueSettings(url=url, rate_limit=False))


@pytest.fixture(scope="module")
def market(local) -> MarketData:
    return MarketData(local)


@pytest.fixture(scope="module")
def start(market) -> int:
    return market.listing(BTC).first_ms


def hasty(settings: Settings) -> MarketData:
    return MarketData(settings, ReadRetry(settings.quality.fetch_tries, sleep=lambda seconds: None))


def test_paged_candles_equal_what_ccxt_parses(local, market, start) -> None:
    candles = market.candles(BTC, start, start + DAYS * DAY_MS)
    ccxt = build_client(local)
    rows = [row for at in range(0, DAYS * 1440, 960) for row in ccxt.fetch_ohlcv(BTC, "1m", start + at * MINUTE_MS, 960)]
    ours = np.column_stack([candles.ts_ms, candles.open, candles.high, candles.low, candles.close, candles.volume])
    assert ours.shape == (DAYS * 1440, 6)
    assert (ours == np.array(rows)).all()


def test_only_closed_bars_are_returned(market, start) -> None:
    now = market.clock().market_ms()
    candles = market.candles(BTC, now - HOUR_MS, now + HOUR_MS)
    assert candles.ts_ms[-1] + MINUTE_MS == now


def test_overlapping_windows_agree(market, start) -> None:
    whole, part = market.candles(BTC, start, start + 20 * HOUR_MS), market.candles(BTC, start + 7 * HOUR_MS, start + 9 * HOUR_MS)
    assert (whole.close[420:540] == part.close).all()


def test_hourly_bars_are_the_venues_own(market, start) -> None:
    hours = market.hourly(BTC, start, start + DAY_MS)
    minutes = market.candles(BTC, start, start + DAY_MS)
    assert (hours.high == minutes.high.reshape(24, 60).max(axis=1)).all()


def test_funding_has_its_interval(market, start) -> None:
    funding = market.funding(BTC, start, start + DAYS * DAY_MS)
    assert len(funding.ts_ms) >= 3 * DAYS - 1
    assert set(funding.interval_h) == {8.0}
    assert not (funding.ts_ms % HOUR_MS).any()


def test_instruments_carry_the_venues_steps_as_decimals(market) -> None:
    (btc,) = market.instruments([BTC])
    assert (btc.venue, btc.symbol) == (market.venue, BTC)
    assert isinstance(btc.tick_size, Decimal)
    assert 0 < btc.tick_size < 10
    assert 0 < btc.min_quantity < btc.max_quantity


def test_a_simulated_venue_tells_its_name_and_market_time(market, start) -> None:
    assert market.venue == "sim2-s7"
    assert len(market.incarnation) == 36
    clock = market.clock()
    assert isinstance(clock, MappedClock)
    assert clock.market_ms() == start + DAYS * DAY_MS


def test_a_real_venue_has_one_clock_and_its_ccxt_name() -> None:
    real = MarketData(Settings())
    assert isinstance(real.clock(), SystemClock)
    assert (real.venue, real.incarnation) == ("binanceusdm", None)


def test_an_unknown_symbol_is_named_with_the_known_ones(market) -> None:
    message = r"expected a linear perpetual of sim2-s7 \(BTC/USDT:USDT, ETH/USDT:USDT\), got 'BTCUSDT'"
    with pytest.raises(PermanentError, match=message):
        market.candles("BTCUSDT", 0, DAY_MS)


def test_an_exchange_without_these_endpoints_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected one of binanceusdm, bybit, okx, got 'kraken'"):
        MarketData(Settings(venue=VenueSettings(ccxt_id="kraken")))


def test_a_venue_that_is_down_is_transient_after_the_tries() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    down = hasty(Settings(venue=VenueSettings(url=f"http://127.0.0.1:{port}", rate_limit=False)))
    with pytest.raises(TransientError, match="control/identity"):
        down.candles(BTC, 0, DAY_MS)


def test_something_else_on_the_port_is_no_venue() -> None:
    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        other = hasty(Settings(venue=VenueSettings(url=f"http://127.0.0.1:{server.server_address[1]}")))
        with pytest.raises(PermanentError, match=r"\(HURACAN_VENUE__URL\): expected a simulated venue's answer, got"):
            _ = other.venue
    finally:
        server.shutdown()
        server.server_close()
