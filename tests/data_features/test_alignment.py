"""Funding beside bars: what was known at the close, in one unit."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import FundingRates
from huracan_platform.data.features.alignment import align_funding

T = 1_735_689_600_000
BEFORE, AT = T - MINUTE_MS, T  # bars that close at T and a minute later


def rates(ts_ms: list[int], rate: list[float], interval_h: list[float]) -> FundingRates:
    return FundingRates("BTC/USDT:USDT", np.array(ts_ms, np.int64), np.array(rate), np.array(interval_h))


def test_a_rate_is_seen_by_the_first_bar_that_closes_after_it_was_known() -> None:
    got = align_funding(np.array([BEFORE, AT]), rates([T - 8 * HOUR_MS, T], [1e-4, 2e-4], [8.0, 8.0]), delay_ms=5_000)
    assert got.tolist() == [1e-4, 2e-4]
    at_once = align_funding(np.array([BEFORE]), rates([T], [2e-4], [8.0]), delay_ms=0)
    assert at_once.tolist() == [2e-4]


def test_rates_are_per_eight_hours_whatever_the_interval() -> None:
    got = align_funding(np.array([AT, AT + HOUR_MS]), rates([T, T + HOUR_MS], [1e-4, 1e-4], [1.0, 4.0]), delay_ms=0)
    np.testing.assert_allclose(got, [8e-4, 2e-4])


def test_no_rate_and_an_old_rate_are_nan() -> None:
    assert np.isnan(align_funding(np.array([AT]), rates([], [], []), delay_ms=0)).all()
    assert np.isnan(align_funding(np.array([BEFORE]), rates([T], [1e-4], [8.0]), delay_ms=5_000)).all()
    assert np.isnan(align_funding(np.array([AT + 3 * DAY_MS]), rates([T], [1e-4], [8.0]), delay_ms=0)).all()
