"""Open interest and ratios: what they follow, how far back they are told, and that bars and funding know nothing of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import ccxt
import numpy as np
import pytest

from huracan_platform.simulator.market.positioning import trailing_mean
from huracan_platform.simulator.market.synthetic import generate_symbol
from tests.simulator.markets import START_MS
from tests.simulator.pointing import BTC, keys, point
from tests.simulator.raw import fetch, get
from tests.venue_process import running_venue

DAY, STEP = 86_400_000, 300_000
NOW = START_MS + 40 * DAY


@pytest.fixture(scope="module")
def month() -> Iterator[str]:
    """A venue that stands still after forty days."""
    with running_venue(days=40, symbols="BTCUSDT") as url:
        yield url


@pytest.mark.parametrize(("base", "digest"), [
    ("BTC", "dfde9b5733e4c048"), ("ETH", "b05d787ffdb956bc"), ("SOL", "7b7ca85b4e3110ca"),
])
def test_everything_of_a_seed_is_the_bytes_that_it_has_always_been(base: str, digest: str) -> None:
    """Another digest is another market: it asks for another GENERATION."""
    listed, _ = generate_symbol(base, 7, START_MS, 20 * 1_440)
    found = hashlib.sha256()
    for part, names in (
        (listed.bars, ("ts_ms", "open", "high", "low", "close", "volume", "taker_buy")),
        (listed.funding, ("ts_ms", "raw_ms", "rate", "mark_ticks")),
        (listed.positioning, ("ts_ms", "open_interest", "long", "top_long")),
        (listed.liquidations, ("ts_ms", "long", "lots", "price_ticks")),
    ):
        for name in names:
            found.update(getattr(part, name).tobytes())
    assert found.hexdigest()[:16] == digest


def test_open_interest_grows_with_volume_and_is_cut_by_large_moves() -> None:
    listed, _ = generate_symbol("BTC", 7, START_MS, 120 * 1_440)
    known = listed.positioning
    assert known is not None
    change = np.diff(np.log(known.open_interest[11::12]))
    moves = np.abs(np.diff(np.log(listed.bars.close[59::60])))
    volume = listed.bars.volume.reshape(-1, 60).sum(axis=1).astype(np.float64)
    surprise = np.log(volume / trailing_mean(volume, 24))[1:]
    large = moves > 3 * np.sqrt(trailing_mean(moves**2, 24))
    assert change[large].mean() < -0.02
    assert abs(change[~large].mean()) < 0.001
    assert np.corrcoef(change[~large], surprise[~large])[0, 1] > 0.15
    days = known.open_interest / (90 * 1_440 * 1_000)
    assert 0.2 < days.min() < days.max() < 1.2


def test_small_accounts_buy_falls_and_large_ones_follow() -> None:
    listed, _ = generate_symbol("BTC", 7, START_MS, 120 * 1_440)
    known = listed.positioning
    assert known is not None
    closes = np.log(listed.bars.close[4::5])
    day = closes[288:] - closes[:-288]
    assert np.corrcoef(day, known.long[288:])[0, 1] < -0.4
    assert np.corrcoef(day, known.top_long[288:])[0, 1] > 0.2
    assert 0.5 < known.long.mean() / 10_000 < 0.65


def test_positioning_keeps_its_past_when_days_are_added() -> None:
    short, long = (generate_symbol("SOL", 5, START_MS, days * 1_440)[0].positioning for days in (4, 9))
    assert short is not None
    assert long is not None
    for name in ("ts_ms", "open_interest", "long", "top_long"):
        assert np.array_equal(getattr(short, name), getattr(long, name)[: len(short.ts_ms)]), name


def data(url: str, path: str, **query: Any) -> Any:
    text = "&".join(f"{k}={v}" for k, v in {"symbol": "BTCUSDT", "period": "5m", **query}.items())
    return get(url, f"/futures/data/{path}?{text}")


@pytest.mark.parametrize("path", [
    "openInterestHist", "topLongShortAccountRatio", "globalLongShortAccountRatio", "takerlongshortRatio",
])
def test_history_reaches_a_month_back_in_rows_of_five_hundred(month: str, path: str) -> None:
    latest = 0 if path != "takerlongshortRatio" else STEP  # volumes are told once their period is over, by its open
    assert [r["timestamp"] for r in data(month, path, limit=3)] == [NOW - latest - i * STEP for i in (2, 1, 0)]
    assert len(data(month, path)) == 30
    month_ago = NOW - 30 * DAY
    rows = data(month, path, startTime=month_ago, limit=500)
    assert [r["timestamp"] for r in rows] == [month_ago + i * STEP for i in range(500)]
    assert data(month, path, startTime=month_ago - DAY) == {"code": -1130, "msg": "parameter 'startTime' is invalid."}
    assert data(month, path, limit=501)["code"] == -1130
    assert data(month, path, period="7m")["code"] == -1130
    assert data(month, path, symbol="NOPEUSDT")["code"] == -1121
    daily = data(month, path, period="1d", endTime=NOW - DAY, limit=500)
    assert [r["timestamp"] for r in daily] == [month_ago + i * DAY for i in range(30)]


def test_values_agree_with_each_other_and_with_the_bars(month: str) -> None:
    row = data(month, "openInterestHist", limit=1)[0]
    now = get(month, "/fapi/v1/openInterest?symbol=BTCUSDT")
    assert (now["openInterest"], now["time"]) == (row["sumOpenInterest"], NOW)
    bar = get(month, f"/fapi/v1/klines?symbol=BTCUSDT&interval=5m&startTime={NOW - STEP}&limit=1")[0]
    assert float(row["sumOpenInterestValue"]) == pytest.approx(float(row["sumOpenInterest"]) * float(bar[4]), rel=1e-12)
    taker = data(month, "takerlongshortRatio", limit=1)[0]
    assert float(taker["buyVol"]) == float(bar[9])
    assert float(taker["sellVol"]) == pytest.approx(float(bar[5]) - float(bar[9]), abs=1e-9)
    assert float(taker["buySellRatio"]) == pytest.approx(float(taker["buyVol"]) / float(taker["sellVol"]), abs=1e-4)
    for path in ("topLongShortAccountRatio", "globalLongShortAccountRatio"):
        share = data(month, path, limit=1)[0]
        long, short = float(share["longAccount"]), float(share["shortAccount"])
        assert long + short == pytest.approx(1)
        assert float(share["longShortRatio"]) == pytest.approx(long / short, abs=1e-4)


def test_the_same_seed_gives_the_same_positioning_in_another_process(month: str) -> None:
    with running_venue(days=40, symbols="BTCUSDT,ETHUSDT") as other:
        for path in ("openInterestHist", "globalLongShortAccountRatio"):
            query = f"/futures/data/{path}?symbol=BTCUSDT&period=1h&limit=500"
            assert fetch(month + query)[1] == fetch(other + query)[1]
            assert len(json.loads(fetch(month + query)[1])) == 500


def test_ccxt_reads_open_interest_and_ratios(month: str) -> None:
    client = point(ccxt.binanceusdm(keys()), month)
    client.load_markets()
    history = client.fetch_open_interest_history(BTC, "5m", limit=5)
    assert [r["timestamp"] for r in history] == [NOW - i * STEP for i in (4, 3, 2, 1, 0)]
    assert client.fetch_open_interest(BTC)["openInterestAmount"] == history[-1]["openInterestAmount"]
    ratios = client.fetch_long_short_ratio_history(BTC, "1h", limit=3)
    assert [r["longShortRatio"] for r in ratios] == [
        float(r["longShortRatio"]) for r in data(month, "globalLongShortAccountRatio", period="1h", limit=3)
    ]
