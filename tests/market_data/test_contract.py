"""What breaks the contract never reaches the library, and the message says what was expected and what was got."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS
from huracan_platform.data.market_data.contract import Neighbours, arrays_of, enforce, frame_of, refused_batch
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.venues.market import Listing
from tests.market_data.made import DAY, START, SYMBOL, bars, pick, rates

NEXT = DAY + timedelta(days=1)
KNOWN = Neighbours(frozenset({SYMBOL, "ETH/USDT:USDT"}))
Edit = Callable[[pd.DataFrame], pd.DataFrame]


def delivery(frame: pd.DataFrame, days=(DAY,), observed_ms: int = START + 3 * DAY_MS) -> Delivery:
    return Delivery(SYMBOL, days, frame, observed_ms, Listing(0, None))


def put(column: str, at: int, value: object) -> Edit:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[at, column] = value
        return frame

    return edit


def times(change: Callable[[np.ndarray], np.ndarray]) -> Edit:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        ms = change(frame["ts"].to_numpy("M8[ms]").astype(np.int64))
        return frame.assign(ts=pd.Series(ms.astype("M8[ms]")).dt.tz_localize("UTC"))

    return edit


NAMES = {
    "unsorted": "rows out of order", "a duplicate": "duplicated rows", "another time zone": "time-zone shifted",
    "seconds for ms": "times in a wrong unit", "µs for ms": "times in a wrong unit", "off the minute": "shifted in time",
    "prices times 1000 from noon": "prices in a wrong unit", "text for numbers": "numbers as text",
    "no time zone": "times without a time zone", "another symbol's rows": "another symbol's data",
    "unknown symbol": "another symbol's data",
}
CANDLE_FAULTS: dict[str, tuple[Edit, str]] = {
    "a column is missing": (
        lambda f: f.drop(columns="high"), r"expected columns symbol, ts, open, high.*got symbol, ts, open, lo"),
    "a column is unknown": (lambda f: f.assign(vwap=1.0), r"expected columns .*; got .*vwap"),
    "text for numbers": (lambda f: f.assign(open=f["open"].astype(str)), r"expected open as float64, got str"),
    "unsorted": (lambda f: f.iloc[[1, 0, *range(2, 1440)]], r"expected rows in time order .*\(1 of 1440 rows\)"),
    "a duplicate": (
        lambda f: f.iloc[[*range(700), 699, *range(700, 1440)]], r"expected each symbol and ts once.*\(1 of 1441 rows\)"),
    "NaN": (put("close", 3, np.nan), r"close: no missing values; got nan at 2024-03-01 00:03"),
    "infinite": (put("volume", 3, np.inf), r"volume: finite numbers; got inf"),
    "a price of zero": (put("low", 3, 0.0), r"low: a price above 0; got 0.0"),
    "negative volume": (put("volume", 3, -0.5), r"volume: 0 or more; got -0.5"),
    "another time zone": (
        lambda f: f.assign(ts=f["ts"].dt.tz_convert("Europe/Berlin")), r"expected ts as timestamps in UTC, ms, got .*Berlin"),
    "no time zone": (lambda f: f.assign(ts=f["ts"].dt.tz_localize(None)), r"got timestamps without a time zone"),
    "seconds for ms": (times(lambda ms: ms // 1000), r"since 2009-01-03 .*seconds taken for ms.*got 1970-01-20"),
    "µs for ms": (times(lambda ms: ms * 1000), r"nothing unfinished \(far later: µs taken for ms"),
    "off the minute": (times(lambda ms: ms + 250), r"times on whole minutes; got 2024-03-01 00:00:00.250"),
    "prices times 1000 from noon": (
        lambda f: f.assign(close=np.where(f.index >= 720, f["close"] * 1000, f["close"])), r"a factor 10 .*2024-03-01 12:00"),
    "unknown symbol": (lambda f: f.assign(symbol=pd.Series(["DOGE"] * 1440, dtype="str")), r"symbol: one of .*; got DOGE"),
    "another symbol's rows": (
        lambda f: f.assign(symbol=pd.Series(["ETH/USDT:USDT"] * 1440, dtype="str")), r"expected rows of BTC.*got 1440 of ETH"),
    "another day's rows": (times(lambda ms: ms + DAY_MS), r"expected times within 2024-03-01, got 2024-03-02"),
}


@pytest.mark.parametrize("fault", CANDLE_FAULTS)
def test_a_broken_batch_of_candles_is_refused_with_expected_and_got(fault) -> None:
    edit, message = CANDLE_FAULTS[fault]
    enforced = enforce("candles", delivery(edit(frame_of(bars()))), KNOWN)
    assert len(enforced.frame) == 0
    assert set(enforced.refused) == {DAY}
    name = f"{NAMES[fault]}: " if fault in NAMES else ""
    assert enforced.refused[DAY].startswith(f"candles {SYMBOL} 2024-03-01: {name}expected ")
    assert re.search(message, enforced.refused[DAY])


def test_a_sound_batch_comes_through_unchanged() -> None:
    candles = bars()
    enforced = enforce("candles", delivery(frame_of(candles)), KNOWN)
    assert enforced.refused == {}
    arrays = arrays_of(enforced.frame, CANDLE_COLUMNS)
    assert all((arrays[name] == getattr(candles, name)).all() for name in ("ts_ms", *CANDLE_COLUMNS))


def test_no_rows_keep_the_contract() -> None:
    assert enforce("candles", delivery(frame_of(pick(bars(), slice(0)))), KNOWN).refused == {}


def test_an_unfinished_bar_is_refused() -> None:
    observed = START + DAY_MS - MINUTE_MS // 2
    assert "nothing unfinished" in enforce("candles", delivery(frame_of(bars()), observed_ms=observed), KNOWN).refused[DAY]


@pytest.mark.parametrize("side", ["before", "after"])
def test_prices_share_the_scale_of_the_library_on_either_side(side) -> None:
    closes = {"before": None, "after": None, side: 60.0}
    refused = enforce("candles", delivery(frame_of(bars())), Neighbours(KNOWN.known_symbols, **closes)).refused
    assert "within a factor 10 of their neighbours" in refused[DAY]


def test_only_the_bad_day_of_a_delivery_is_refused() -> None:
    two_days = put("open", 1500, np.nan)(frame_of(bars(2880)))
    enforced = enforce("candles", delivery(two_days, (DAY, NEXT)), KNOWN)
    assert set(enforced.refused) == {NEXT}
    assert (len(enforced.frame), len(enforced.parts[NEXT])) == (1440, 1440)


def test_days_delivered_in_the_wrong_order_are_refused_as_a_whole() -> None:
    two_days = frame_of(bars(2880))
    swapped = pd.concat([two_days.iloc[1440:], two_days.iloc[:1440]])
    enforced = enforce("candles", delivery(swapped, (DAY, NEXT)), KNOWN)
    assert set(enforced.refused) == {DAY, NEXT}
    assert "time order" in enforced.refused[DAY]


FUNDING_FAULTS: dict[str, tuple[Edit, str]] = {
    "a rate in percent": (lambda f: f.assign(rate=f["rate"] * 10_000), r"rate: a fraction within"),
    "NaN": (put("rate", 1, np.nan), r"rate: no missing values"),
    "half an hour": (put("interval_h", 1, 0.5), r"interval_h: whole hours"),
    "off the hour": (times(lambda ms: ms + 5 * MINUTE_MS), r"times on whole hours"),
    "a duplicate": (lambda f: f.iloc[[0, 1, 1, 2]], r"each symbol and ts once"),
}


@pytest.mark.parametrize("fault", FUNDING_FAULTS)
def test_a_broken_batch_of_funding_is_refused(fault) -> None:
    edit, message = FUNDING_FAULTS[fault]
    reason = enforce("funding", delivery(edit(frame_of(rates()))), KNOWN).refused[DAY]
    assert re.search(message, reason)


def test_refused_rows_are_kept_as_they_came_even_of_mixed_types() -> None:
    frame = pd.DataFrame({"ts": [1, "two"], "open": [1.5, 2.5]})
    batch = refused_batch("candles", SYMBOL, DAY, frame, "why", "venue")
    assert pq.read_table(io.BytesIO(batch.rows)).to_pylist() == [{"ts": "1", "open": "1.5"}, {"ts": "two", "open": "2.5"}]
    assert (batch.row_count, len(batch.content_hash)) == (2, 64)
