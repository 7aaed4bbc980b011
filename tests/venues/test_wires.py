"""One market through three exchanges: Binance and Bybit as the simulated venue speaks them, OKX as a local server does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import STEP_MS, Series
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.simulator.market.synthetic import generate_market
from huracan_platform.venues.market import MarketData
from tests.fakes.okx_server import okx_server
from tests.venue_process import running_venue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
DAYS, SEED = 2, 7
START = 1_735_689_600_000
END = START + DAYS * DAY_MS
VENUES = ("binanceusdm", "bybit", "okx")
# Pages of klines hold 300, 1000 and 1000 rows, of statistics 100, 200 and 500.
WINDOWS = [(START, END), (START + 7 * STEP_MS, START + 7 * STEP_MS + 301 * MINUTE_MS), (START + DAY_MS, START + DAY_MS)]


def market_data(url: str, ccxt_id: str) -> MarketData:
    return MarketData(Settings(venue=VenueSettings(url=url, ccxt_id=ccxt_id, rate_limit=False)))


@pytest.fixture(scope="module")
def markets() -> Iterator[dict[str, MarketData]]:
    shown = {"days": DAYS, "seed": SEED, "symbols": f"{BTC},{ETH}"}
    market = generate_market((BTC, ETH), SEED, DAYS)
    with running_venue(**shown) as binance, running_venue(**shown, protocol="bybit") as bybit, okx_server(market) as okx:
        urls = {"binanceusdm": binance, "bybit": bybit, "okx": okx.url}
        yield {name: market_data(url, name) for name, url in urls.items()}


def told(markets: dict[str, MarketData], dataset: str, *window: Any, names: tuple[str, ...] = VENUES) -> dict[str, Any]:
    return {name: getattr(markets[name], dataset)(BTC, *window) for name in names}


def assert_alike(first: Series, second: Series, **tolerance: float) -> None:
    """Every column, exactly but where a tolerance is named."""
    assert first.ts_ms.tolist() == second.ts_ms.tolist()
    for column in (field.name for field in fields(first) if field.name not in ("symbol", "ts_ms")):
        values = getattr(first, column), getattr(second, column)
        np.testing.assert_allclose(*values, rtol=tolerance.get(column, 0), atol=0, err_msg=column)


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_candles_are_the_same_bars_in_base_units_oldest_first(markets, start, end) -> None:
    bars = told(markets, "candles", start, end)
    assert bars["okx"].ts_ms.tolist() == list(range(start, end, MINUTE_MS))
    assert_alike(bars["bybit"], bars["binanceusdm"])
    assert_alike(bars["okx"], bars["binanceusdm"])


def test_hours_are_the_same_bars_under_three_names_of_the_interval(markets) -> None:
    hours = told(markets, "hourly", START + HOUR_MS, END)
    assert len(hours["okx"]) == 24 * DAYS - 1
    assert_alike(hours["bybit"], hours["binanceusdm"])
    assert_alike(hours["okx"], hours["binanceusdm"])


def test_funding_is_what_was_paid_at_the_hour_whatever_the_stamp(markets) -> None:
    rates = told(markets, "funding", START, END + 1)
    assert rates["okx"].ts_ms.tolist() == list(range(START + 8 * HOUR_MS, END + 1, 8 * HOUR_MS))
    assert set(rates["okx"].interval_h) == {8.0}
    assert_alike(rates["bybit"], rates["binanceusdm"])
    assert_alike(rates["okx"], rates["binanceusdm"])


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_open_interest_is_in_base_units_and_in_usd(markets, start, end) -> None:
    held = told(markets, "open_interest", start, end)
    assert held["okx"].ts_ms.tolist() == list(range(max(start, START + STEP_MS), end, STEP_MS))
    assert_alike(held["bybit"], held["binanceusdm"], value_usd=1e-12)
    assert_alike(held["okx"], held["binanceusdm"], value_usd=1e-12)


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_mark_index_and_premium_close_alike(markets, start, end) -> None:
    prices = told(markets, "mark_prices", start, end)
    assert prices["okx"].ts_ms.tolist() == list(range(start, min(end, END), STEP_MS))
    assert_alike(prices["bybit"], prices["binanceusdm"])
    assert_alike(prices["okx"], prices["binanceusdm"])
    premium = prices["okx"].mark / prices["okx"].index - 1
    np.testing.assert_allclose(premium, prices["okx"].premium, atol=1e-6)
    assert not len(premium) or premium.std() > 1e-5


def test_the_share_of_long_accounts_comes_from_shares_and_from_ratios(markets) -> None:
    shares = told(markets, "account_ratios", START, END)
    assert len(shares["okx"]) == DAYS * 288 - 1
    assert_alike(shares["bybit"], shares["binanceusdm"])
    assert_alike(shares["okx"], shares["binanceusdm"], long_share=1e-12)
    assert 0.2 < shares["okx"].long_share.mean() < 0.9


def test_taker_volumes_are_in_base_units_and_bought_is_not_taken_for_sold(markets) -> None:
    volumes = told(markets, "taker_volumes", START, END, names=("binanceusdm", "okx"))
    assert len(volumes["okx"]) == DAYS * 288
    assert_alike(volumes["okx"], volumes["binanceusdm"])
    candles = markets["bybit"].candles(BTC, START, END)
    both = (volumes["okx"].buy + volumes["okx"].sell)
    np.testing.assert_allclose(both, candles.volume.reshape(-1, 5).sum(axis=1), rtol=1e-9)


def test_what_bybit_does_not_tell_is_a_permanent_error(markets) -> None:
    with pytest.raises(PermanentError, match=r"taker volumes BTC/USDT:USDT: expected a venue that tells them.*got bybit"):
        markets["bybit"].taker_volumes(BTC, START, END)


@pytest.mark.parametrize("name", VENUES)
def test_nothing_that_has_not_ended_is_told(markets, name) -> None:
    market = markets[name]
    assert market.mark_prices(BTC, END - STEP_MS, END + HOUR_MS).ts_ms.tolist() == [END - STEP_MS]
    assert market.open_interest(BTC, END - STEP_MS, END + HOUR_MS).ts_ms.tolist() == [END - STEP_MS, END]
    assert market.account_ratios(BTC, END, END + HOUR_MS).ts_ms.tolist() == [END]
    assert market.candles(BTC, END - MINUTE_MS, END + HOUR_MS).ts_ms.tolist() == [END - MINUTE_MS]


def test_instruments_have_the_same_steps_in_base_units(markets) -> None:
    steps = {
        name: [(i.tick_size, i.lot_size, i.min_quantity, i.max_quantity) for i in markets[name].instruments([ETH, BTC])]
        for name in VENUES
    }
    assert steps["bybit"] == steps["binanceusdm"]
    assert steps["okx"] == steps["binanceusdm"]
    assert float(steps["okx"][1][1]) == 0.001


@pytest.mark.parametrize("name", VENUES)
def test_the_universe_is_every_linear_perpetual_with_its_listing(markets, name) -> None:
    universe = markets[name].universe()
    assert [(u.symbol, u.status, u.listed_ms, u.delisted_ms) for u in universe] == [
        (BTC, "trading", START, None), (ETH, "trading", START, None)
    ]
    assert universe[0].instrument == markets[name].instruments([BTC])[0]
    assert universe[0].instrument.venue == markets[name].venue
