"""What a file tells by itself, or by the prices at its edges, where nobody can be asked: hints, and none on genuine rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, FundingRates
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.diagnosis.carried import carried_over
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis
from huracan_platform.data.market_data.diagnosis.funding import diagnose_funding
from huracan_platform.data.market_data.diagnosis.rhythm import off_rhythm
from huracan_platform.data.market_data.diagnosis.settlements import FundingEvidence
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.settings import Settings
from huracan_platform.settings.diagnosis import DiagnosisSettings
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.dirty import recorded_candles
from tests.market_data.made import bars, rates
from tests.recorded import recording

SETTINGS = DiagnosisSettings()
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ENAUSDT", "LAYERUSDT")
NONE = FundingRates("x", np.empty(0, np.int64), np.empty(0), np.empty(0))


def late(candles: Candles, minutes: int) -> Candles:
    return replace(candles, ts_ms=candles.ts_ms + minutes * MINUTE_MS)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_genuine_weeks_are_off_the_rhythm(symbol) -> None:
    candles = recorded_candles(symbol)
    for days in (7, 14, 28):
        for first in range(0, len(candles) - days * 1440, 3 * 1440):
            assert off_rhythm(candles.at(slice(first, first + days * 1440)), SETTINGS) is None


@pytest.mark.parametrize(("minutes", "name"), [
    (1, "stamped at the close"), (7, "shifted in time"), (330, "time-zone shifted"), (480, "time-zone shifted"),
    (-300, "time-zone shifted"), (540, "time-zone shifted"),
])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_shifted_month_is_off_the_rhythm(symbol, minutes, name) -> None:
    found = off_rhythm(late(recorded_candles(symbol), minutes), SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == (name, False)


def test_the_recorded_month_of_ftx_is_stamped_at_the_close() -> None:
    frame = pd.read_parquet(recording("ftx_perp_1m_2022_01") / "BTC-PERP_1m_ohlcv.parquet")
    ts = frame["ts"].to_numpy("M8[ms]").astype(np.int64)
    candles = Candles("BTC/USD:USD", ts, *(frame[name].to_numpy(np.float64) for name in CANDLE_COLUMNS))
    found = off_rhythm(candles, SETTINGS)
    assert found is not None
    assert found.fault == "stamped at the close"
    assert off_rhythm(late(candles, -1), SETTINGS) is None


def test_hours_between_years_follow_the_rhythm_of_the_day() -> None:
    frame = pd.read_parquet(recording("multivenue_dex_cex_2025_2026") / "candles.parquet")
    frame = frame[frame["symbol"] == "binance:BTC"].sort_values("ts")
    ts = frame["ts"].to_numpy("M8[ms]").astype(np.int64)
    hours = Candles("BTC/USDT:USDT", ts, *(frame[name].to_numpy(np.float64) for name in CANDLE_COLUMNS))
    first = -(-int(ts[0]) // DAY_MS) * DAY_MS
    for start in range(first, int(ts[-1]) - 28 * DAY_MS, 14 * DAY_MS):
        part = hours.at((ts >= start) & (ts < start + 28 * DAY_MS))
        # Hours are all in minute :00 of theirs, so only the rhythm of the day has a say.
        assert off_rhythm(part, SETTINGS) is None


@pytest.mark.parametrize("minutes", [60, 330, -300])
def test_a_price_that_goes_on_over_a_hole_hints_at_a_shift(minutes) -> None:
    made = bars(3 * 1440)
    day = made.ts_ms // DAY_MS - made.ts_ms[0] // DAY_MS
    file = late(made.at(day == 1), minutes)
    earlier, later = made.at(day == 0), made.at(day == 2)
    found = carried_over(file, earlier, later, SETTINGS)
    assert found is not None
    assert (found.fault, found.certain) == ("time-zone shifted", False)
    assert carried_over(made.at(day == 1), earlier, later, SETTINGS) is None
    assert carried_over(made.at(slice(1440 + 300, 2 * 1440)), earlier, later, SETTINGS) is None  # a hole, and the price moved


def faults(series: FundingRates, stored: FundingRates = NONE) -> list[Diagnosis]:
    return diagnose_funding(FundingEvidence(series, NONE, stored), SETTINGS)


def at_the_interest(n: int = 60) -> FundingRates:
    made = rates(n)
    return replace(made, rate=np.where(np.arange(n) % 3 == 0, 1e-4, np.round(made.rate, 8)))


@pytest.mark.parametrize("factor", [3, 1 / 8, 1095, 100])
def test_the_interest_tells_the_unit(factor) -> None:
    made = at_the_interest()
    assert faults(made) == []
    found = faults(replace(made, rate=made.rate * factor))[0]
    assert (found.fault, found.certain) == ("funding with a wrong unit", True)


def test_a_unit_that_changes_within_the_file_is_told_from_there_on() -> None:
    made = at_the_interest()
    found = faults(replace(made, rate=np.where(np.arange(60) >= 30, made.rate * 100, made.rate)))[0]
    assert found.fault == "funding with a wrong unit"
    assert found.bad == ((int(made.ts_ms[30]), int(made.ts_ms[57])),)


def test_signs_turned_round_are_told_by_the_interest() -> None:
    made = at_the_interest()
    found = faults(replace(made, rate=-made.rate))[0]
    assert found.fault == "fabricated funding"
    assert "signs turned round" in found.sentence


@pytest.mark.parametrize("lag", [1, -2])
def test_rates_that_the_library_has_some_settlements_off_are_shifted(lag) -> None:
    made = at_the_interest()
    assert faults(made, stored=made) == []
    found = faults(replace(made, rate=np.roll(made.rate, lag)), stored=made)[0]
    assert found.fault == "time-zone shifted"
    assert f"{'-' if lag > 0 else '+'}{8 * abs(lag)} h off" in found.sentence


def test_funding_with_the_jitter_of_its_venue_is_genuine(brain, market: MarketData, settings: Settings, tmp_path) -> None:
    start = day_start_ms(FIRST)
    genuine = market.funding("BTC/USDT:USDT", start, start + 2 * DAY_MS)
    frame_of(replace(genuine, ts_ms=genuine.ts_ms + np.arange(len(genuine)) * 3)).to_parquet(tmp_path / "f.parquet")
    report = load_batch(brain, market, tmp_path / "f.parquet", "funding", "BTC/USDT:USDT", settings)
    assert [(day.day, day.state) for day in report.days] == [(FIRST, DayState.GOOD), (SECOND, DayState.GOOD)]
    assert len(genuine) == sum(day.rows for day in report.days)
    assert not (genuine.ts_ms % HOUR_MS).any()
