"""OKX's ways over real HTTP: exclusive bounds, contracts, unconfirmed bars, two endpoints of candles, its errors.

Unrecorded: the server's shapes are those that ccxt's parsers read, which is tested here, and of the vendor's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from huracan_platform.contracts.market import STEP_MS
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.simulator.market.bars import FundingHistory, Market
from huracan_platform.simulator.market.synthetic import generate_market
from huracan_platform.venues.client import build_client
from huracan_platform.venues.market import MarketData
from huracan_platform.venues.retry import ReadRetry
from tests.fakes.okx_server import OkxServer, okx_server

BTC = "BTC/USDT:USDT"
START = 1_735_689_600_000
END = START + DAY_MS


@pytest.fixture(scope="module")
def shown() -> Market:
    return generate_market((BTC,), 7, 1, ahead=1)


@pytest.fixture
def server(shown: Market) -> Iterator[OkxServer]:
    with okx_server(shown) as served:
        yield served


def settings(server: OkxServer) -> Settings:
    return Settings(venue=VenueSettings(url=server.url, ccxt_id="okx", rate_limit=False))


def reader(server: OkxServer) -> MarketData:
    return MarketData(settings(server), ReadRetry(3, sleep=lambda seconds: None))


def test_the_server_tells_what_ccxt_parses(server) -> None:
    ours, ccxt = reader(server), build_client(settings(server))
    rows = ccxt.fetch_ohlcv(BTC, "1m", START, 300)
    bars = ours.candles(BTC, START, START + 300 * MINUTE_MS)
    assert [[*row[:5]] for row in rows] == [
        [int(ts), *values] for ts, *values in zip(bars.ts_ms, bars.open, bars.high, bars.low, bars.close, strict=True)
    ]
    assert [row[5] for row in rows] == bars.volume.tolist()
    for kind, ours_at in (("mark", "mark"), ("index", "index")):
        rows = ccxt.fetch_ohlcv(BTC, "5m", START, 100, {"price": kind})
        assert [row[4] for row in rows] == getattr(ours.mark_prices(BTC, START, START + 100 * STEP_MS), ours_at).tolist()
    funding = ours.funding(BTC, START, END + 1)
    assert [row["fundingRate"] for row in ccxt.fetch_funding_rate_history(BTC, START, 10)] == funding.rate.tolist()
    held = ours.open_interest(BTC, START, START + HOUR_MS)
    told = ccxt.fetch_open_interest_history(BTC, "5m", START + STEP_MS, 11)
    assert [row["baseVolume"] for row in told] == held.contracts.tolist()
    assert [row["openInterestValue"] for row in told] == held.value_usd.tolist()
    ratios = ours.account_ratios(BTC, START, START + HOUR_MS)
    parsed = [row["longShortRatio"] for row in ccxt.fetch_long_short_ratio_history(BTC, "5m", START + STEP_MS, 11)]
    assert parsed == pytest.approx((ratios.long_share / (1 - ratios.long_share)).tolist())
    market, instrument = ccxt.market(BTC), ours.instruments([BTC])[0]
    assert market["contractSize"] * market["precision"]["amount"] == pytest.approx(float(instrument.lot_size))
    assert market["precision"]["price"] == float(instrument.tick_size)


@pytest.mark.parametrize("bars", [1, 299, 300, 301, 601])
def test_exclusive_bounds_neither_lose_nor_repeat_a_bar_where_pages_meet(server, bars) -> None:
    first = START + 17 * MINUTE_MS
    assert reader(server).candles(BTC, first, first + bars * MINUTE_MS).ts_ms.tolist() == [
        first + i * MINUTE_MS for i in range(bars)
    ]
    pages = [asked for path, asked in server.requests if path == "market/history-candles"]
    assert len(pages) == -(-bars // 300)
    assert all(int(page["limit"]) <= 300 for page in pages)


def test_a_bar_that_is_not_confirmed_is_no_bar(server) -> None:
    server.market = replace(server.market, now_ms=END + 30_000)
    wire = reader(server)._wire
    ts, values = wire.bars("BTC-USDT-SWAP", "1m", END - 3 * MINUTE_MS, END + MINUTE_MS, "bars")
    assert ts.tolist() == [END - 3 * MINUTE_MS, END - 2 * MINUTE_MS, END - MINUTE_MS]
    assert values.shape == (3, 5)
    assert wire.prices("mark", "BTC-USDT-SWAP", END - STEP_MS, END + STEP_MS, "mark")[0].tolist() == [END - STEP_MS]


def test_the_last_bars_come_from_the_endpoint_that_has_them() -> None:
    first_day = datetime.now(UTC).date() - timedelta(days=2)
    market = generate_market((BTC,), 7, 4, str(first_day), ahead=0)
    now = SystemClock().wire_ms() // MINUTE_MS * MINUTE_MS
    with okx_server(replace(market, now_ms=now)) as today:
        ours = reader(today)
        for start, endpoint in ((now - 10 * MINUTE_MS, "market/candles"), (now - 30 * HOUR_MS, "market/history-candles")):
            bars = ours.candles(BTC, start, start + 10 * MINUTE_MS)
            assert bars.ts_ms.tolist() == [start + i * MINUTE_MS for i in range(10)]
            assert today.requests[-1][0] == endpoint


def test_funding_reads_back_page_by_page_with_intervals_that_change(server) -> None:
    btc = server.market.symbols["BTCUSDT"]
    ts = [START + i * HOUR_MS for i in range(150)] + [START + (149 + 4 * i) * HOUR_MS for i in range(1, 60)]
    rates = [1e-6 * i for i in range(len(ts))]
    funding = FundingHistory(np.array(ts), np.array(ts), np.array(rates), np.zeros(len(ts), np.int64))
    server.market = replace(
        server.market, symbols={"BTCUSDT": replace(btc, funding=funding)}, now_ms=START + 40 * DAY_MS, end_ms=START + 41 * DAY_MS
    )
    told = reader(server).funding(BTC, START, START + 30 * DAY_MS)
    assert told.ts_ms.tolist() == ts
    assert told.rate.tolist() == pytest.approx(rates)
    assert told.interval_h.tolist() == [1.0] * 150 + [4.0] * 59
    assert len([path for path, _ in server.requests if path == "public/funding-rate-history"]) == 4


@pytest.mark.parametrize("trouble", ["limited", "busy", "timeout", "broken", "cut"])
def test_a_passing_trouble_is_retried_and_a_lasting_one_is_transient(server, trouble) -> None:
    ours = reader(server)
    ours.instruments([BTC])
    server.trouble, server.times = trouble, 2
    assert len(ours.candles(BTC, START, START + 5 * MINUTE_MS)) == 5
    server.times = 3
    with pytest.raises(TransientError):
        ours.candles(BTC, START, START + 5 * MINUTE_MS)


def test_an_instrument_that_is_gone_is_a_permanent_error_at_once(server) -> None:
    ours = reader(server)
    ours.instruments([BTC])
    server.market, asked = replace(server.market, symbols={}), len(server.requests)
    with pytest.raises(PermanentError, match="51001"):
        ours.candles(BTC, START, START + MINUTE_MS)
    assert len(server.requests) == asked + 1


def test_an_announced_delisting_ends_the_listing(server) -> None:
    server.closing["BTC"] = END + HOUR_MS
    ours = reader(server)
    (btc,) = ours.universe()
    assert (btc.listed_ms, btc.delisted_ms, btc.status) == (START, END + HOUR_MS, "trading")
    assert ours.listing(BTC).last_ms == END + HOUR_MS


def test_a_venue_without_its_passphrase_tells_no_fees_and_says_how_far_back_it_goes(server) -> None:
    ours = reader(server)
    assert ours.fees(BTC) is None
    assert (ours.kept_ms("open_interest"), ours.kept_ms("funding")) == (5 * DAY_MS, 90 * DAY_MS)
