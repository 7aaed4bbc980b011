"""Recorded files as a market; files that are not what they should be are refused with what was expected and got."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from huracan_platform.clock import to_datetime
from huracan_platform.errors import ConfigurationError, DataContractError, HuracanError
from huracan_platform.simulator.market.replay import replay_market
from huracan_platform.simulator.market.tape import minute_tape
from tests.recorded import recording
from tests.simulator.raw import get
from tests.venue_process import running_venue

FIRST = pd.Timestamp("2025-05-04 15:33", tz="UTC")
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def bars(minutes: int = 4 * 1_440) -> pd.DataFrame:
    walk = 100.0 + np.cumsum(np.sin(np.arange(minutes))) / 10
    close, open_ = np.round(walk, 2), np.round(np.roll(walk, 1), 2)
    return pd.DataFrame({
        "ts": pd.date_range(FIRST, periods=minutes, freq="min").astype("datetime64[ms, UTC]"), "open": open_,
        "high": np.round(np.maximum(open_, close) + 0.02, 2), "low": np.round(np.minimum(open_, close) - 0.02, 2), "close": close,
        "volume": 1.5 + np.arange(minutes) % 7,
    })


def funding() -> pd.DataFrame:
    times = pd.to_datetime(["2025-05-04 16:00:00.005", "2025-05-05 00:00:00.000", "2025-05-05 08:00:00.003"], utc=True)
    return pd.DataFrame({"ts": times.astype("datetime64[ms, UTC]"), "funding_rate": [1e-4, -2e-5, 3e-5]})


def record(directory: Path, symbol: str = "BTC", frame: pd.DataFrame | None = None) -> Path:
    (bars() if frame is None else frame).to_parquet(directory / f"{symbol}USDT_1m_ohlcv.parquet")
    return directory


def test_the_listing_window_is_what_was_recorded_and_the_clock_starts_a_day_and_a_half_before_its_end(tmp_path: Path) -> None:
    market = replay_market(record(tmp_path), None, None)
    assert to_datetime(market.start_ms) == FIRST.to_pydatetime()
    assert market.end_ms == market.start_ms + 4 * 86_400_000
    assert f"{to_datetime(market.now_ms):%F %H:%M}" == "2025-05-07 00:00"
    assert list(market.symbols) == ["BTCUSDT"]


def test_identity_follows_the_content_not_the_place(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("a", "b", "c")]
    for place in places:
        place.mkdir()
        record(place)
    changed = bars()
    changed.loc[7, "volume"] += 1
    record(places[2], frame=changed)
    one, same, other = (replay_market(place, None, None).identity for place in places)
    assert one == same != other
    assert one.startswith("replay-")
    assert len(one) == len("replay-") + 8


def test_csv_is_read_like_parquet(tmp_path: Path) -> None:
    parquet, csv, epoch = (tmp_path / n for n in ("parquet", "csv", "epoch"))
    for place in (parquet, csv, epoch):
        place.mkdir()
    record(parquet)
    frame = bars()
    frame.assign(ts=frame["ts"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_csv(csv / "BTCUSDT_1m_ohlcv.csv", index=False)
    frame.assign(ts=frame["ts"].astype("int64")).to_csv(epoch / "BTCUSDT_1m_ohlcv.csv", index=False)
    assert len({replay_market(place, None, None).identity for place in (parquet, csv, epoch)}) == 1


def test_funding_is_snapped_and_keeps_its_raw_time(tmp_path: Path) -> None:
    record(tmp_path)
    funding().to_parquet(tmp_path / "BTCUSDT_8h_funding.parquet")
    history = replay_market(tmp_path, None, None).symbols["BTCUSDT"].funding
    assert (history.raw_ms - history.ts_ms).tolist() == [5, 0, 3]
    assert np.all(history.ts_ms % 3_600_000 == 0)


def test_what_was_not_recorded_stays_empty_and_is_named(tmp_path: Path) -> None:
    market = replay_market(record(tmp_path), None, None)
    assert len(market.symbols["BTCUSDT"].funding.ts_ms) == 0
    assert "BTCUSDT: no funding recorded" in market.notes
    assert any("aggressor sides not recorded" in note for note in market.notes)


def test_lots_are_fine_enough_for_a_bar_of_little_volume(tmp_path: Path) -> None:
    frame = bars()
    frame["volume"] = 3.0
    frame.loc[9, ["open", "close"]] = frame.loc[9, "low"] + 0.01  # first, high, low, last: four trades out of three lots
    symbol = replay_market(record(tmp_path, frame=frame), None, None).symbols["BTCUSDT"]
    assert symbol.instrument.quantity_decimals == 1
    assert minute_tape(symbol.bars, 9, symbol.key).lots.sum() == 30


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: f.drop(columns="close"), "expected columns .*missing \\['close'\\]"),
    (lambda f: f.iloc[::-1], "expected ts strictly ascending, got unsorted"),
    (lambda f: pd.concat([f.iloc[:5], f.iloc[4:]]), "expected ts strictly ascending, got duplicate"),
    (lambda f: f.assign(close=f["close"].where(f.index != 3)), "expected finite numbers in close, got 1 NaN"),
    (lambda f: f.assign(ts=f["ts"].dt.tz_convert("Asia/Tokyo")), "expected ts in UTC, got timestamp.*Tokyo"),
    (lambda f: f.assign(ts=f["ts"].dt.tz_localize(None)), "expected ts in UTC"),
    (lambda f: f.assign(ts=f["ts"].astype("int64") // 1000), "expected ts in ms since 1970"),
    (lambda f: f.assign(ts=f["ts"].astype("int64") * 1000), "expected ts in ms since 1970"),
    (lambda f: f.assign(volume=f["volume"].astype(str)), "expected numbers in volume"),
    (lambda f: f.assign(high=f["low"]), "expected high and low around open and close"),
    (lambda f: f.assign(volume=-f["volume"]), "expected volume of 0 or more"),
    (lambda f: f.assign(ts=f["ts"] + pd.Timedelta(seconds=7)), "expected ts on whole minutes"),
    (lambda f: f.iloc[:0], "expected rows, got none"),
])
def test_a_file_that_is_not_bars_is_refused(tmp_path: Path, spoil: Spoil, message: str) -> None:
    record(tmp_path, frame=spoil(bars()))
    with pytest.raises(DataContractError, match=message):
        replay_market(tmp_path, None, None)


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT_1m_ohlcv.parquet").write_text("ts,open\n")
    with pytest.raises(DataContractError, match="expected a readable parquet file"):
        replay_market(tmp_path, None, None)


@pytest.mark.parametrize(("symbols", "start", "message"), [
    (("XRPUSDT",), None, "expected bars of \\['XRP'\\], got those of \\['BTC'\\]"),
    (None, "2024-01-01", "expected a market start within the recorded bars 2025-05-04 15:33 to 2025-05-08 15:33"),
    (None, "yesterday", "expected a day like 2025-06-02"),
])
def test_what_was_not_recorded_cannot_be_asked_for(
    tmp_path: Path, symbols: tuple[str, ...] | None, start: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replay_market(record(tmp_path), symbols, start)


def test_too_short_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a market start within the recorded bars"):
        replay_market(record(tmp_path, frame=bars(600)), None, None)


@pytest.mark.parametrize("directory", ["nowhere", "empty"])
def test_a_directory_without_bars_is_refused(tmp_path: Path, directory: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HuracanError, match="expected"):
        replay_market(tmp_path / directory, None, None)


def test_the_recorded_month_is_served_as_recorded() -> None:
    market = replay_market(recording("binance_perp_1m_2025_05"), None, None)
    assert list(market.symbols) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert f"{to_datetime(market.now_ms):%F %H:%M}" == "2025-06-02 00:00"
    assert f"{to_datetime(market.end_ms):%F %H:%M}" == "2025-06-03 15:32"
    bars_of = market.symbols["BTCUSDT"].bars
    assert bars_of.open[0] == 955_054
    assert bars_of.volume[0] == 16_536
    for row in range(0, len(bars_of), 997):
        tape = minute_tape(bars_of, row, market.symbols["BTCUSDT"].key)
        assert tape.lots.sum() == bars_of.volume[row]
        assert (tape.price[0], tape.price[-1]) == (bars_of.open[row], bars_of.close[row])


def test_a_replayed_venue_serves_the_recorded_bars_and_their_absences(tmp_path: Path) -> None:
    frame = bars().drop(index=[100, 101])
    with running_venue(replay=record(tmp_path, frame=frame), symbols="") as url:
        identity = get(url, "/control/identity")
        first = int(FIRST.timestamp() * 1000)
        rows = get(url, f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={first}&limit=300")
        assert get(url, "/fapi/v1/fundingRate?symbol=BTCUSDT") == []
    assert identity["venue"].startswith("replay-")
    assert "BTCUSDT: no funding recorded" in identity["notes"]
    recorded = frame.iloc[:300]
    assert [[r[0], *(float(v) for v in r[1:6])] for r in rows] == [
        [int(b.ts.timestamp() * 1000), b.open, b.high, b.low, b.close, b.volume] for b in recorded.itertuples()
    ]
