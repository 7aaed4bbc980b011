"""`huracan data` with sources: the same commands as for any dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.source import SourceRows
from huracan_platform.data.sources.kind import frame_of
from huracan_platform.venues.market import MarketData
from tests.market_data.test_commands import huracan  # noqa: F401
from tests.sources.conftest import BTC, FIRST

Huracan = Callable


def day_of_ratios(market: MarketData) -> pd.DataFrame:
    start = day_start_ms(FIRST)
    return frame_of(SourceRows.of(market.account_ratios(BTC, start, start + DAY_MS)))


def backfill(huracan: Huracan, dataset: str, *more: str):  # noqa: F811
    words = ("--dataset", dataset, "--from", str(FIRST), "--to", str(FIRST), "--symbols", BTC, "--json")
    return huracan("data", "backfill", *words, *more)


def test_a_source_is_backfilled_by_its_name(huracan: Huracan) -> None:  # noqa: F811
    for name in ("mark_prices", "account_ratios", "taker_volumes"):
        done = backfill(huracan, name)
        told = json.loads(done.out)
        assert (done.code, told["dataset"], told["coverage"], told["symbol_days"]["good"]) == (0, name, 1.0, 1)


def test_a_file_of_a_source_is_the_same_as_what_the_venue_tells(
    huracan: Huracan, market: MarketData, tmp_path: Path  # noqa: F811
) -> None:
    day_of_ratios(market).to_parquet(tmp_path / "day.parquet")
    done = huracan("data", "load", str(tmp_path / "day.parquet"), "--dataset", "account_ratios", "--symbol", BTC, "--json")
    assert (done.code, json.loads(done.out)["rows"]) == (0, 287)
    assert json.loads(backfill(huracan, "account_ratios").out)["unchanged"] == 287


def test_a_file_in_percent_is_refused_with_its_rows_kept(
    huracan: Huracan, market: MarketData, tmp_path: Path  # noqa: F811
) -> None:
    frame = day_of_ratios(market)
    frame.assign(long_share=frame["long_share"] * 100).to_parquet(tmp_path / "percent.parquet")
    done = huracan("data", "load", str(tmp_path / "percent.parquet"), "--dataset", "account_ratios", "--symbol", BTC)
    assert done.code == 65
    assert "expected long_share: a fraction of 0 to 1; got" in done.err
    (entry,) = json.loads(huracan("data", "quarantine", "list", "--json").out)
    assert (entry["dataset"], entry["row_count"]) == ("account_ratios", 287)


def test_a_hole_that_is_explained_is_not_missed(huracan: Huracan, market: MarketData, tmp_path: Path) -> None:  # noqa: F811
    frame = day_of_ratios(market)
    frame.drop(index=np.arange(100, 112)).to_parquet(tmp_path / "holed.parquet")
    first, last = frame["ts"][100], frame["ts"][112]
    window = ("--from", f"{first:%Y-%m-%dT%H:%M}", "--to", f"{last:%Y-%m-%dT%H:%M}", "--reason", "the venue was closed")
    assert huracan("data", "explain", "--dataset", "account_ratios", "--symbol", BTC, *window).code == 0
    done = huracan("data", "load", str(tmp_path / "holed.parquet"), "--dataset", "account_ratios", "--symbol", BTC, "--json")
    assert json.loads(done.out)["checks"]["completeness"]["passed"]


def test_a_dataset_that_there_is_not_is_named_with_those_that_there_are(huracan: Huracan) -> None:  # noqa: F811
    done = backfill(huracan, "tea_leaves")
    assert done.code == 2
    assert "candles" in done.err
    assert "taker_volumes" in done.err
