"""Higher bars read from the library: closed ones only, equal to the venue's own hours, and pinned like any read."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import CANDLE_COLUMNS, Pin
from huracan_platform.data.market_data.candles.higher import BARS, read_bars
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.errors import PermanentError
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, without
from tests.market_data.test_commands import huracan  # noqa: F401

BTC = "BTC/USDT:USDT"
START = day_start_ms(FIRST)
END = START + 2 * DAY_MS
DELAY = 2_000


@pytest.fixture
def stored(brain, market, settings):
    ingest_candles(brain, market, (BTC,), FIRST, SECOND, settings)
    return brain


def read(brain, market, bar: str, start_ms: int = START, end_ms: int = END, pin: Pin | None = None):
    return read_bars(brain, market.venue, [BTC], bar, start_ms, end_ms, arrival_delay_ms=DELAY, pin=pin)[BTC]


def test_hours_are_those_of_the_venue(stored, market) -> None:
    rolled, own = read(stored, market, "1h").candles, market.hourly(BTC, START, END)
    assert rolled.ts_ms.tolist() == own.ts_ms.tolist()
    for column in CANDLE_COLUMNS:
        np.testing.assert_allclose(getattr(rolled, column), getattr(own, column), rtol=1e-9)


@pytest.mark.parametrize("bar", BARS)
def test_every_bar_is_whole_and_on_its_grid(stored, market, bar) -> None:
    rolled = read(stored, market, bar)
    assert len(rolled.candles) == 2 * DAY_MS // BARS[bar]
    assert set(rolled.minutes) == {BARS[bar] // MINUTE_MS}
    assert (rolled.candles.ts_ms % BARS[bar] == 0).all()


def test_a_bar_that_is_not_over_is_not_there(stored, market) -> None:
    half_past = to_datetime(START + 10 * HOUR_MS + 30 * MINUTE_MS)
    assert int(read(stored, market, "1h", pin=Pin(as_of=half_past)).candles.ts_ms[-1]) == START + 9 * HOUR_MS
    at_ten = to_datetime(START + 10 * HOUR_MS)
    assert int(read(stored, market, "1h", pin=Pin(as_of=at_ten)).candles.ts_ms[-1]) == START + 8 * HOUR_MS
    known = read(stored, market, "1h", pin=Pin(as_of=at_ten + timedelta(milliseconds=DELAY)))
    assert (int(known.candles.ts_ms[-1]), int(known.minutes[-1])) == (START + 9 * HOUR_MS, 60)
    assert len(read(stored, market, "1d", pin=Pin(as_of=half_past)).candles) == 0


def test_the_newest_bar_waits_for_its_last_candle(brain, market, settings) -> None:
    cut = SpoiledMarket(market, candles=lambda c: c.at(slice(0, len(c) - 1)))
    ingest_candles(brain, cut, (BTC,), FIRST, SECOND, settings)
    assert int(read(brain, market, "1h").candles.ts_ms[-1]) == END - 2 * HOUR_MS
    assert int(read(brain, market, "5m").candles.ts_ms[-1]) == END - 10 * MINUTE_MS


def test_a_bar_says_how_many_minutes_it_was_made_of(brain, market, settings) -> None:
    holed = SpoiledMarket(market, candles=lambda c: without(c, range(60, 75)))
    ingest_candles(brain, holed, (BTC,), FIRST, SECOND, settings)
    assert read(brain, market, "1h").minutes[:3].tolist() == [60, 45, 60]
    assert START + HOUR_MS + 5 * MINUTE_MS not in read(brain, market, "5m").candles.ts_ms


def test_a_window_within_bars_gives_those_that_open_in_it(stored, market) -> None:
    found = read(stored, market, "1h", START + 30 * MINUTE_MS, START + 2 * HOUR_MS + 30 * MINUTE_MS).candles
    assert found.ts_ms.tolist() == [START + HOUR_MS, START + 2 * HOUR_MS]
    with pytest.raises(PermanentError, match="expected one of 5m, 15m, 1h, 4h, 1d, got 7m"):
        read(stored, market, "7m")


def test_the_command_prints_them(stored, market, huracan) -> None:  # noqa: F811
    done = huracan("data", "bars", BTC, "--from", str(FIRST), "--to", str(SECOND), "--bar", "4h", "--json")
    told = json.loads(done.out)
    assert (done.code, told["venue"], len(told["bars"])) == (0, market.venue, 6)
    assert told["bars"][1]["close"] == float(read(stored, market, "4h").candles.close[1])
    assert "240" in huracan("data", "bars", BTC, "--from", str(FIRST), "--to", str(SECOND), "--bar", "4h").out
    assert "ETH" in huracan("data", "bars", "ETH/USDT:USDT", "--from", str(FIRST), "--to", str(SECOND)).err
