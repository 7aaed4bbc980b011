"""Of k candles deleted at random exactly k are reported missing, of m duplicates exactly m refused, over 200 draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.quality import DayState, Refetched
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.gaps import due_window
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.venues.market import Listing
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.dirty import QUALITY, judged
from tests.market_data.made import DAY, START, SYMBOL, bars, pick, without

DRAWS = 200
SOUND = bars()


@pytest.mark.slow
def test_exactly_the_deleted_candles_are_reported() -> None:
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(1, 1440))
        deleted = np.sort(rng.choice(1440, k, replace=False))
        result = next(r for r in judged(without(SOUND, deleted), DAY).results if r.name == "completeness")
        reported = [ts for a, b in result.bad_ranges for ts in range(a, b + 1, MINUTE_MS)]
        assert reported == (START + deleted * MINUTE_MS).tolist()
        assert (result.expected - result.observed, f"expected 1440 bars, got {1440 - k} " in result.message) == (k, True)


@pytest.mark.slow
def test_exactly_the_doubled_candles_are_refused() -> None:
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        m = int(rng.integers(1, 300))
        doubled = rng.integers(0, 1440, m)
        order = np.sort(np.r_[np.arange(1440), doubled])
        if seed % 2:  # at the end, as a page asked for twice
            order = np.r_[np.arange(1440), doubled]
        judgement = judged(pick(SOUND, order), DAY)
        assert judgement.days[0].state is DayState.QUARANTINED
        (batch,) = judgement.refused
        assert batch.row_count == 1440 + m
        assert "each symbol and ts once; got " in batch.reason
        assert f"({m} of {1440 + m} rows)" in batch.reason
        assert f"got {m} rows come again" in batch.reason
        assert judgement.results[0].fault in ("duplicated rows", "duplicated page")


@pytest.mark.parametrize("seed", range(3))
def test_what_ingest_takes_and_refuses_counts_the_same(brain, market, settings, tmp_path: Path, seed) -> None:
    rng = np.random.default_rng(seed)
    start = day_start_ms(FIRST)
    both = market.candles(SYMBOL, start, start + 2 * DAY_MS)
    k, m = int(rng.integers(1, 200)), int(rng.integers(1, 200))
    deleted = rng.choice(1440, k, replace=False)
    doubled = 1440 + rng.integers(0, 1440, m)
    rows = np.sort(np.r_[np.setdiff1d(np.arange(2880), deleted), doubled])
    frame_of(both.at(rows)).to_parquet(path := tmp_path / "rows.parquet")
    report = load_batch(brain, market, path, "candles", SYMBOL, settings)
    first, second = report.days
    assert (first.day, first.rows, first.expected) == (FIRST, 1440 - k, 1440)
    assert f"expected 1440 bars, got {1440 - k} (missing " in first.reasons[0]
    assert (second.day, second.state) == (SECOND, DayState.QUARANTINED)
    (entry,) = Quarantine(brain).entries()
    assert entry.row_count == 1440 + m
    assert f"({m} of {1440 + m} rows)" in entry.reason


def test_the_first_bar_after_lent_ones_is_no_jump_at_midnight() -> None:
    """The bar before midnight is another venue's, on another level: its close tells nothing of this venue's first move."""
    two = bars(2880)
    lent = Refetched(SYMBOL, START + DAY_MS - 60 * MINUTE_MS, START + DAY_MS, "bybit")
    other = np.where((two.ts_ms >= lent.start_ms) & (two.ts_ms < lent.end_ms), 1.1, 1.0)
    mixed = Candles(SYMBOL, two.ts_ms, *(getattr(two, n) * other for n in ("open", "high", "low", "close")), two.volume)
    days = (DAY, DAY + timedelta(days=1))
    delivery = Delivery(SYMBOL, days, frame_of(mixed), START + 9 * DAY_MS, Listing(0, None), refetched=(lent,))
    windows = [due_window(day, 0, None, delivery.observed_ms, 0) for day in days]

    def second_day(of: Delivery) -> list[str]:
        return [r.message for r in CandleKind(QUALITY).checks(of.frame, of, windows, None)[days[1]] if not r.passed]

    assert second_day(delivery) == []
    assert "got 1 beyond" in second_day(replace(delivery, refetched=()))[0]
