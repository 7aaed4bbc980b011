"""Files as people write them: genuine ones are taken whatever wrote them, dirty ones named wherever they come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import Candles, FundingRates
from huracan_platform.contracts.quality import CheckResult, DayState
from huracan_platform.data.archive.importer import ArchiveImport
from huracan_platform.data.archive.names import ArchiveKind, Hints
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.contract import Neighbours, frame_of
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis
from huracan_platform.data.market_data.diagnosis.funding import diagnose_funding
from huracan_platform.data.market_data.diagnosis.order import wrong_order
from huracan_platform.data.market_data.diagnosis.seams import of_another_level
from huracan_platform.data.market_data.diagnosis.settlements import FundingEvidence
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.judge import judge
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.errors import DataContractError
from huracan_platform.settings import Settings
from huracan_platform.settings.diagnosis import DiagnosisSettings
from huracan_platform.venues.market import Listing, MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.dirty import PRICES, QUALITY, around, hours_of, judged, of_day, recorded_candles, scaled
from tests.market_data.made import DAY, START, SYMBOL, SpoiledMarket, bars, rates
from tests.recorded import recording

BTC = "BTC/USDT:USDT"
SETTINGS = DiagnosisSettings()
RNG = np.random.default_rng(1)
Frame = pd.DataFrame


@pytest.fixture
def genuine(market: MarketData) -> Frame:
    """A day of the venue, without a symbol; rows are numbered from 60 on, as a part of a longer frame is."""
    day = of_day(market.candles(BTC, day_start_ms(FIRST), day_start_ms(FIRST) + DAY_MS), FIRST)
    frame = frame_of(day).drop(columns="symbol")
    return frame.set_index(np.arange(60, 60 + len(frame)))


WRITTEN: dict[str, Callable[[Frame, Path], Path]] = {
    "a part of a frame": lambda f, to: _parquet(f, to),
    "times as index": lambda f, to: _parquet(f.set_index("ts"), to),
    "symbol and times as index": lambda f, to: _parquet(f.assign(symbol=BTC).set_index(["symbol", "ts"]), to),
    "types of arrow": lambda f, to: _parquet(f.convert_dtypes(dtype_backend="pyarrow"), to),
    "the venue's name of the symbol": lambda f, to: _csv(f.assign(symbol="BTCUSDT"), to, index=False),
    "UTC by another name": lambda f, to: _parquet(f.assign(ts=f["ts"].dt.tz_convert("Etc/UTC")), to),
    "CSV with row numbers": lambda f, to: _csv(f, to, index=True),
    "CSV with times as index": lambda f, to: _csv(f.set_index("ts"), to, index=True),
}


def _parquet(frame: Frame, folder: Path) -> Path:
    frame.to_parquet(folder / "f.parquet")
    return folder / "f.parquet"


def _csv(frame: Frame, folder: Path, *, index: bool) -> Path:
    frame.to_csv(folder / "f.csv", index=index)
    return folder / "f.csv"


@pytest.mark.parametrize("how", WRITTEN)
def test_a_genuine_file_is_taken_however_pandas_wrote_it(brain, market, settings, tmp_path, genuine, how) -> None:
    report = load_batch(brain, market, WRITTEN[how](genuine, tmp_path), "candles", BTC, settings)
    assert [(day.state, day.rows, day.reasons) for day in report.days] == [(DayState.GOOD, 1440, ())]


@pytest.mark.parametrize("under", ["dates", "ms", "text"])
def test_times_that_stand_under_open_are_columns_swapped(brain, market, settings, tmp_path, genuine, under) -> None:
    times = {
        "dates": genuine["ts"], "ms": genuine["ts"].astype("int64"), "text": genuine["ts"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }[under]
    swapped = genuine.assign(ts=genuine["open"], open=times)
    with pytest.raises(DataContractError, match="columns swapped: expected times under ts, got them under open"):
        load_batch(brain, market, _parquet(swapped, tmp_path), "candles", BTC, settings)
    (entry,) = Quarantine(brain).entries()
    assert ": columns swapped: " in entry.reason


def funding_file(made: FundingRates, path: Path) -> Path:
    table = {"calc_time": made.ts_ms, "funding_interval_hours": made.interval_h.astype(int), "last_funding_rate": made.rate}
    pd.DataFrame(table).to_csv(path, index=False)
    return path


@pytest.fixture
def take(brain: Brain, settings: Settings, tmp_path: Path) -> Callable[[FundingRates], set[DayState]]:
    """Import rates as a file of the archive, without a venue; the states of their days."""
    def taken(made: FundingRates) -> set[DayState]:
        run = ArchiveImport(brain, "binanceusdm", settings, hints=Hints(ArchiveKind.FUNDING, "BTCUSDT", None))
        report = run.run([funding_file(made, tmp_path / "rates.csv")])
        return {day.state for one in report.reports for day in one.days}

    return taken


@pytest.mark.parametrize(("edit", "name"), [
    (lambda r: r * 100, "funding with a wrong unit"), (lambda r: r / 8, "funding with a wrong unit"),
    (lambda r: RNG.normal(0, 1e-4, len(r)), "fabricated funding"),
    (lambda r: np.round(RNG.normal(1e-4, 5e-5, len(r)), 8), "fabricated funding"),
    (lambda r: np.full(len(r), 3e-4), "fabricated funding"),
], ids=["percent", "per hour", "noise", "noise of eight decimals", "a constant"])
def test_a_file_of_the_archive_does_not_vouch_for_its_own_rates(brain, take, edit, name) -> None:
    made = recorded_funding("BTCUSDT").at(slice(180, 240))
    assert take(replace(made, rate=edit(made.rate))) == {DayState.QUARANTINED}
    assert all(f": {name}: expected " in entry.reason for entry in Quarantine(brain).entries())


def test_genuine_rates_that_nobody_tells_are_taken_and_told_to_be_unverified(brain, market, settings, tmp_path, take) -> None:
    assert take(recorded_funding("BTCUSDT").at(slice(180, 240))) == {DayState.GOOD, DayState.DEGRADED}
    start = day_start_ms(FIRST)
    frame_of(market.funding(BTC, start, start + DAY_MS)).to_parquet(tmp_path / "f.parquet")
    assert unverified(load_batch(brain, market, tmp_path / "f.parquet", "funding", BTC, settings).checks) == []

    class Silent(SpoiledMarket):
        def mark_prices(self, symbol: str, start_ms: int, end_ms: int):
            none = np.empty(0)
            return type(market.mark_prices(symbol, start_ms, start_ms + HOUR_MS))(symbol, np.empty(0, np.int64), none, none, none)

    silent = Silent(market, funding=lambda f: f.at(slice(0, 0)))
    ours = market.funding(BTC, day_start_ms(SECOND), day_start_ms(SECOND) + DAY_MS)
    frame_of(ours).to_parquet(tmp_path / "g.parquet")
    report = load_batch(brain, silent, tmp_path / "g.parquet", "funding", BTC, settings)
    assert [day.state for day in report.days] == [DayState.GOOD]
    (told,) = unverified(report.checks)
    assert (told.name, told.blocking, told.fault) == ("consistency", False, "")
    assert f"unverified: expected rates that {market.venue} tells or the library has" in told.message


def unverified(checks) -> list[CheckResult]:
    return [result for check in checks for result in check.failing if "unverified: " in result.message]


def recorded_funding(symbol: str) -> FundingRates:
    frame = pd.read_parquet(recording("binance_perp_1m_2025_05") / f"{symbol}_8h_funding.parquet")
    ts = frame["ts"].dt.round("h").to_numpy("M8[ms]").astype(np.int64)
    return FundingRates(BTC, ts, frame["funding_rate"].to_numpy(np.float64), np.full(len(ts), 8.0))


def named_funding(made: FundingRates, around: FundingRates) -> list[Diagnosis]:
    return diagnose_funding(FundingEvidence(made, around, venue="some venue"), SETTINGS)


def test_rates_that_step_over_the_interest_where_the_library_s_stop_at_it_are_fabricated() -> None:
    ours = recorded_funding("SOLUSDT")
    part, around = ours.at(slice(90, 180)), ours.at(np.r_[0:90, 180:len(ours)])
    assert named_funding(part, around) == []
    noise = replace(part, rate=np.round(np.random.default_rng(2).normal(5e-5, 5e-5, len(part)), 8))
    assert [(one.fault, one.certain) for one in named_funding(noise, around)] == [("fabricated funding", True)]
    free = replace(around, rate=np.round(np.random.default_rng(3).normal(5e-5, 5e-5, len(around)), 8))
    assert named_funding(noise, free) == []


def test_a_coarse_unit_is_none_where_the_library_s_rates_are_as_coarse() -> None:
    coarse = replace(rates(60), rate=np.random.default_rng(4).integers(400, 900, 60) * 1e-6)
    part, around = coarse.at(slice(30, 60)), coarse.at(slice(0, 30))
    assert [one.fault for one in named_funding(part, around.at(slice(0, 0)))] == ["funding with a wrong unit"]
    assert named_funding(part, around) == []


@pytest.mark.parametrize("share", [(500, 1000), (0, 200), (1300, 1440)])
def test_a_stretch_of_rows_turned_round_is_newest_first(share) -> None:
    a, b = share
    at = np.r_[0:a, b - 1:a - 1 if a else None:-1, b:1440] if a else np.r_[b - 1, b - 2:-1:-1, b:1440]
    found = wrong_order(bars().ts_ms[at], np.zeros((1440, 1)), SETTINGS)
    assert found is not None
    assert found.fault == "newest-first order"
    assert found.bad == ((START + a * MINUTE_MS, START + (b - 1) * MINUTE_MS),)
    shuffled = wrong_order(np.random.default_rng(1).permutation(bars().ts_ms), np.zeros((1440, 1)), SETTINGS)
    assert shuffled is not None
    assert shuffled.fault == "rows out of order"


@pytest.mark.parametrize("bps", [5, -8])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT"])
def test_a_level_of_a_few_points_is_told_by_jumps_that_no_other_minute_makes(symbol, bps) -> None:
    month = recorded_candles(symbol)
    for day in range(2, 26, 3):
        at = day * 1440 - 933
        earlier, own, later = (month.at(slice(a, a + 1440)) for a in (at - 1440, at, at + 1440))
        assert of_another_level(own, earlier, later, SETTINGS) is None
        spot = scaled(1 + bps * 1e-4)(own, RNG)
        found = of_another_level(spot, earlier, later, SETTINGS)
        assert found is not None
        assert (found.fault, found.certain) == ("spot labelled as perpetual", True)


def test_a_venue_whose_hours_are_on_another_level_too_gets_a_hint() -> None:
    month = recorded_candles("BTCUSDT")
    day = date(2025, 5, 13)
    near = around(month, day)
    spot = scaled(1.0005)(of_day(near, day), RNG)
    told = judged(spot, day, hours=hours_of(spot), genuine=near)
    assert [(r.fault, r.blocking) for r in told.results if r.fault] == [("spot labelled as perpetual", False)]
    assert [r.fault for r in judged(of_day(near, day), day, hours=hours_of(near), genuine=near).results if r.fault] == []


@pytest.mark.parametrize("minutes", [60, 330, -180])
def test_every_day_of_a_late_file_is_late_between_the_library_s_days(brain, market, settings, tmp_path, minutes) -> None:
    month = recorded_candles("BTCUSDT")
    first, last = date(2025, 5, 12), date(2025, 5, 14)
    start, end = day_start_ms(first), day_start_ms(last) + DAY_MS
    held = {"earlier": month.at((month.ts_ms >= start - DAY_MS) & (month.ts_ms < start)), "later": month.at(month.ts_ms >= end)}
    moved = replace(month, ts_ms=month.ts_ms + minutes * MINUTE_MS)
    own = moved.at((moved.ts_ms >= start) & (moved.ts_ms < end))
    delivery = Delivery(BTC, (first, date(2025, 5, 13), last), frame_of(own), end + DAY_MS, Listing(0, None), source="f.csv")
    sources = SecondSources(brain, "v", None, frozenset({BTC}))
    told = judge(CandleKind(QUALITY), delivery, Neighbours(frozenset({BTC}), sources=sources, **held), ())
    assert {r.fault for r in told.results if r.fault} == {"time-zone shifted"}
    assert [day.state for day in told.days] == [DayState.QUARANTINED] * 3


def test_a_constant_basis_is_spot_s_and_no_unit() -> None:
    made = bars(1440)
    whole = judged(scaled(1.0008)(made, RNG), DAY, hours=hours_of(made))
    assert [result.fault for result in whole.results if result.fault] == ["spot labelled as perpetual"]
    far = judged(scaled(1.5)(made, RNG), DAY, hours=hours_of(made))
    assert [result.fault for result in far.results if result.fault] == ["prices in a wrong unit"]


def test_days_of_a_zone_are_told_as_what_they_may_be_and_no_page_is_missed() -> None:
    made = bars(2 * 1440, start_ms=START + 5 * HOUR_MS)
    start, days = day_start_ms(DAY), (DAY, DAY + timedelta(days=1), DAY + timedelta(days=2))
    delivery = Delivery(SYMBOL, days, frame_of(made), start + 9 * DAY_MS, Listing(0, None), source="f.csv")
    told = judge(CandleKind(QUALITY), delivery, Neighbours(frozenset({SYMBOL})), ()).results
    assert not any(result.fault for result in told)
    late = [r for r in told if r.message.endswith("2 days that begin at 05:00, as days of UTC do whose times are +5 h late")]
    assert [(r.day, r.name, r.blocking) for r in late] == [(day, "consistency", False) for day in days]


def test_a_page_missing_between_the_library_and_a_file_is_named(brain, market, settings, tmp_path) -> None:
    rows = frame_of(market.candles(BTC, day_start_ms(FIRST), day_start_ms(FIRST) + 2 * DAY_MS))
    for part in (rows.iloc[:900], rows.iloc[1900:]):  # the page is missing over midnight
        part.to_parquet(tmp_path / "f.parquet")
        report = load_batch(brain, market, tmp_path / "f.parquet", "candles", BTC, settings)
    assert [day.state for day in report.days] == [DayState.DEGRADED]
    page = "missing page: expected every page, got none of 15:00–07:39: a page of 1000 bars is missing"
    assert page in report.days[0].reasons[0]


def test_bars_joined_at_another_price_are_spliced_whatever_their_decimals() -> None:
    month = recorded_candles("BTCUSDT")
    day = date(2025, 5, 13)
    start = day_start_ms(day)
    near = month.at((month.ts_ms >= start - DAY_MS) & (month.ts_ms < start + 2 * DAY_MS))
    own = Candles(SYMBOL, *(getattr(near, n)[1440:2880] for n in ("ts_ms", "open", "high", "low", "close", "volume")))
    late = np.arange(1440) >= 600
    joined = replace(own, **{n: np.where(late, np.round(getattr(own, n) * 1.5, 4), getattr(own, n)) for n in PRICES})
    told = judged(joined, day, genuine=replace(near, symbol=SYMBOL)).results
    assert {result.fault for result in told if result.fault} == {"spliced series"}
