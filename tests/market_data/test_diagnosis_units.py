"""Volumes in another unit, bars of another length, values in another format: named by the rows and the days beside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, day_of, day_start_ms
from huracan_platform.contracts.market import Candles
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.diagnosis.lengths import other_length
from huracan_platform.data.market_data.diagnosis.ticks import finer_lot
from huracan_platform.data.market_data.diagnosis.volumes import of_no_market, unlike_the_days_beside, untraded
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.errors import DataContractError
from huracan_platform.settings.diagnosis import DiagnosisSettings
from tests.market_data.conftest import FIRST
from tests.market_data.dirty import hours_of, judged, longer, of_day, recorded_candles, spread
from tests.market_data.made import bars, pick

SETTINGS = DiagnosisSettings()
RNG = np.random.default_rng(1)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ENAUSDT", "LAYERUSDT")
BTC = "BTC/USDT:USDT"


@pytest.mark.parametrize(("length", "volume", "told"), [
    (2, "whole", "2 min"), (5, "parts", "5 min"), (30, "whole", "30 min"), (60, "parts", "1 h"), (5, "none", "one of 5 minutes"),
])
def test_the_length_of_bars_under_minutes_is_told(length, volume, told) -> None:
    made = bars(1440)
    found = other_length(spread(length, volume)(made, RNG), SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("bars of another length", True)
    assert f"{told}" in found.sentence
    assert other_length(made, SETTINGS) is None


@pytest.mark.parametrize(("length", "told"), [(3, "3 min"), (60, "1 h"), (240, "4 h")])
def test_bars_as_far_apart_as_they_are_long_are_no_minutes(length, told) -> None:
    found = other_length(longer(length)(bars(3 * 1440), RNG), SETTINGS)
    assert found is not None
    assert f"bars {told} apart, each opens at the close before" in found.sentence


def test_every_fifth_minute_is_a_minute_still() -> None:
    assert other_length(pick(bars(1440), slice(None, None, 5)), SETTINGS) is None


def test_one_bar_copied_for_an_hour_is_no_longer_bar() -> None:
    at = np.arange(1440)
    at[600:660] = 599
    made = bars(1440)
    assert other_length(replace(pick(made, at), ts_ms=made.ts_ms), SETTINGS) is None


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_genuine_day_has_an_odd_volume_or_length(symbol) -> None:
    candles = recorded_candles(symbol)
    assert other_length(candles, SETTINGS) is None
    assert list(untraded(candles, SETTINGS)) == []
    for start in range(int(candles.ts_ms[0]), int(candles.ts_ms[-1]), DAY_MS):
        before, day, after = (candles.at(candles.ts_ms // DAY_MS == start // DAY_MS + k) for k in (-1, 0, 1))
        assert of_no_market(day, SETTINGS) is None
        assert unlike_the_days_beside(day, before, after, SETTINGS) is None
        assert finer_lot(day, before, after, SETTINGS) is None


@pytest.mark.parametrize(("symbol", "factor"), [("BTCUSDT", 0), ("ETHUSDT", 0), ("BTCUSDT", 1000), ("ETHUSDT", 1e8)])
def test_more_dollars_than_any_market_trades_are_no_volume_in_base(symbol, factor) -> None:
    day = recorded_candles(symbol).at(slice(0, 1440))
    found = of_no_market(replace(day, volume=day.volume * (factor or day.close)), SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("volume in a wrong unit", True)
    in_yen = replace(day, symbol="BTC/JPY:JPY", volume=day.volume * 1e6)
    assert of_no_market(in_yen, SETTINGS) is None


def test_volume_unlike_that_of_the_days_on_both_sides_is_in_another_unit() -> None:
    made = bars(3 * 1440)
    before, day, after = (made.at(slice(k * 1440, (k + 1) * 1440)) for k in range(3))
    found = unlike_the_days_beside(replace(day, volume=day.volume * day.close), before, after, SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("volume in a wrong unit", True)
    assert found.sentence.endswith("volume in quote")
    small = unlike_the_days_beside(replace(day, volume=day.volume / 1000), before, None, SETTINGS)
    assert small is not None
    assert (small.certain, "contracts or another unit" in small.sentence) == (False, True)
    assert unlike_the_days_beside(replace(day, volume=day.volume * 90), before, after, SETTINGS) is None
    more, too = (replace(part, volume=part.volume * 1000) for part in (day, after))
    assert unlike_the_days_beside(more, before, too, SETTINGS) is None  # a market that came to life


def test_volumes_of_finer_lots_than_the_days_on_both_sides_are_another_market_s() -> None:
    made = bars(3 * 1440)
    before, day, after = (made.at(slice(k * 1440, (k + 1) * 1440)) for k in range(3))
    other = replace(day, volume=np.round(day.volume * 0.3, 5))
    found = finer_lot(other, before, after, SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("spot labelled as perpetual", True)
    hint = finer_lot(other, before, None, SETTINGS)
    assert hint is not None
    assert not hint.certain
    assert finer_lot(day, before, after, SETTINGS) is None
    assert finer_lot(other, replace(before, volume=before.volume / 7), after, SETTINGS) is None  # lots there are finer still


def test_volumes_that_are_lots_only_after_division_by_the_price_are_in_quote() -> None:
    made = bars(3 * 1440)
    single = np.arange(len(made)) % 100 == 0
    made = replace(made, **{name: np.where(single, made.close, getattr(made, name)) for name in ("open", "high", "low")})
    before, day, after = (made.at(slice(k * 1440, (k + 1) * 1440)) for k in range(3))
    found = finer_lot(replace(day, volume=day.volume * day.close), before, after, SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("volume in a wrong unit", True)


@pytest.mark.parametrize("contract", [1, 100])
def test_contracts_of_so_many_dollars_follow_the_price(contract) -> None:
    genuine = recorded_candles("ETHUSDT").at(slice(0, 3 * 1440))
    day = day_of(int(genuine.ts_ms[0]) + DAY_MS)
    inverse = replace(genuine, volume=np.round(genuine.volume * genuine.close / contract))
    found = judged(of_day(inverse, day), day, hours=hours_of(genuine))
    assert {r.fault for r in found.results if r.blocking} == {"volume in a wrong unit"}


Written = Callable[[pd.DataFrame], pd.DataFrame]
FORMATS: dict[str, tuple[Written, str]] = {
    "times of no zone": (
        lambda f: f.assign(ts=f.ts.dt.strftime("%Y-%m-%d %H:%M:%S")),
        "times without a time zone: expected times in UTC, got times that tell no zone: 2025-01-01 00:00:00",
    ),
    "times as they are written in America": (
        lambda f: f.assign(ts=f.ts.dt.strftime("%m/%d/%Y %H:%M")), "times without a time zone: expected times in UTC",
    ),
    "offsets of summer and winter": (
        lambda f: f.assign(ts=[f"{t:%Y-%m-%dT%H:%M:%S}+0{1 + k // 720}:00" for k, t in enumerate(f.ts)]),
        "time-zone shifted: expected times in UTC, got offsets that change: 2025-01-01T00:00:00+01:00",
    ),
    "another symbol by name": (
        lambda f: f.assign(symbol="ETH/USDT:USDT"), f"another symbol's data: expected rows of {BTC}, got 1440 of ETH/USDT:USDT",
    ),
    "the spot market by name": (
        lambda f: f.assign(symbol="BTC/USDT"), f"spot labelled as perpetual: expected rows of {BTC}, got 1440 of BTC/USDT",
    ),
    "seconds with decimals": (
        lambda f: f.assign(ts=f.ts.astype("int64") / 1000), "times in a wrong unit: expected whole ms since 1970, got seconds",
    ),
    "seconds from the middle on": (
        lambda f: f.assign(ts=np.where(np.arange(len(f)) < len(f) // 2, f.ts.astype("int64"), f.ts.astype("int64") // 1000)),
        "times in a wrong unit: expected ms since 1970, got seconds in 720 of 1440 rows",
    ),
    "a decimal comma": (
        lambda f: f.assign(close=f.close.map(lambda v: f"{v:.1f}".replace(".", ","))),
        "numbers as text: expected close as numbers",
    ),
    "marks between thousands": (
        lambda f: f.assign(open=f.open.map(lambda v: f"{v:,.1f}")), "numbers as text: expected open as numbers",
    ),
}


@pytest.mark.parametrize("written", FORMATS)
def test_a_file_in_another_format_is_refused_by_name(brain, market, settings, tmp_path, written) -> None:
    write, told = FORMATS[written]
    start = day_start_ms(FIRST)
    write(frame_of(market.candles(BTC, start, start + DAY_MS))).to_csv(tmp_path / "c.csv", index=False)
    with suppress(DataContractError):  # of times that belong to no day
        load_batch(brain, market, tmp_path / "c.csv", "candles", BTC, settings)
    (entry,) = Quarantine(brain).entries()
    assert told in entry.reason
    assert entry.row_count == 1440


def test_a_format_that_nobody_can_read_has_no_name(brain, market, settings, tmp_path) -> None:
    start = day_start_ms(FIRST)
    rows: Candles = market.candles(BTC, start, start + DAY_MS)
    frame_of(rows).assign(close="n/a!").to_csv(tmp_path / "c.csv", index=False)
    load_batch(brain, market, tmp_path / "c.csv", "candles", BTC, settings)
    (entry,) = Quarantine(brain).entries()
    assert "numbers as text" not in entry.reason
