"""Measured arrival delays: what is counted, what follows from it, and what a pin sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.clock import DAY_MS, HOUR_MS, to_datetime
from huracan_platform.contracts.arrival import ArrivalDelay
from huracan_platform.settings.arrival import ArrivalSettings

HOUR = 500_000 * HOUR_MS
DEFAULT_MS = 2_000


def test_documented_delay_holds_until_enough_arrivals_were_measured(brain: Brain) -> None:
    delays = ArrivalDelays(brain, ArrivalSettings(fewest=100))
    delays.add("binance", "candles", np.full(99, 700), HOUR)
    assert delays.model("binance", "candles", DEFAULT_MS) == ArrivalDelay("binance", "candles", DEFAULT_MS, None, 99)
    delays.add("binance", "candles", np.full(1, 700), HOUR)
    assert delays.model("binance", "candles", DEFAULT_MS).delay_ms == pytest.approx(700, rel=0.05)


def test_sources_and_datasets_are_measured_apart(brain: Brain) -> None:
    delays = ArrivalDelays(brain, ArrivalSettings(fewest=1))
    delays.add("binance", "candles", np.full(10, 100), HOUR)
    delays.add("bybit", "candles", np.full(10, 900), HOUR)
    delays.add("binance", "liquidations", np.full(10, 5_000), HOUR)
    told = [delays.model(*name, DEFAULT_MS).delay_ms for name in
            (("binance", "candles"), ("bybit", "candles"), ("binance", "liquidations"), ("bybit", "liquidations"))]
    assert told == [pytest.approx(100, rel=0.05), pytest.approx(900, rel=0.05), pytest.approx(5_000, rel=0.05), DEFAULT_MS]


def test_a_source_whose_clock_is_ahead_has_no_negative_delay(brain: Brain) -> None:
    delays = ArrivalDelays(brain, ArrivalSettings(fewest=1))
    delays.add("binance", "candles", np.array([-400, -3, 0]), HOUR)
    assert delays.model("binance", "candles", DEFAULT_MS).delay_ms == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.integers(-50, 10**7), max_size=40), min_size=1, max_size=8), st.integers(0, 8),
    st.sampled_from([0.5, 0.9, 0.99]), st.integers(1, 40),
)
def test_pinned_model_is_the_quantile_of_the_hours_that_were_over(
    module_brain: Brain, hours: list[list[int]], pinned: int, quantile: float, fewest: int
) -> None:
    """Against all measurements kept in a list; nothing measured later changes what a pin sees."""
    delays = ArrivalDelays(module_brain, ArrivalSettings(quantile=quantile, fewest=fewest))
    with module_brain.connect() as connection:
        connection.execute("DELETE FROM arrival_delays")
    pin, seen = to_datetime(HOUR + pinned * HOUR_MS), None
    for at, measured in enumerate(hours):
        if at == pinned:
            seen = delays.model("binance", "candles", DEFAULT_MS, recorded_before=pin)
        for part in (measured[::2], measured[1::2]):
            delays.add("binance", "candles", np.array(part, np.int64), HOUR + at * HOUR_MS + 59)
    model = delays.model("binance", "candles", DEFAULT_MS, recorded_before=pin)
    assert seen is None or seen == model
    counted = sorted(max(one, 1) for measured in hours[:pinned] for one in measured)
    assert model.measurements == len(counted)
    if len(counted) < fewest:
        assert model.delay_ms == DEFAULT_MS
    else:
        exact = counted[int(np.ceil(quantile * len(counted) - 1e-9)) - 1]
        assert exact <= model.delay_ms <= exact * 1.05 + 1


def test_measurements_older_than_the_window_do_not_count(brain: Brain) -> None:
    delays = ArrivalDelays(brain, ArrivalSettings(fewest=1, window_days=2))
    delays.add("binance", "candles", np.full(10, 60_000), HOUR)
    delays.add("binance", "candles", np.full(10, 300), HOUR + 2 * DAY_MS)
    assert delays.model("binance", "candles", DEFAULT_MS).delay_ms == pytest.approx(300, rel=0.05)
    before = to_datetime(HOUR + DAY_MS)
    assert delays.model("binance", "candles", DEFAULT_MS, recorded_before=before).delay_ms == pytest.approx(60_000, rel=0.05)


def test_what_is_being_written_has_arrived_but_never_before_its_documented_delay() -> None:
    model, ends = ArrivalDelay("binance", "candles", 2_000, 30_000, 5_000), np.array([0, 60_000, 100_000])
    assert model.known_at(ends + 2_000, 101_000).tolist() == [30_000, 90_000, 102_000]


def test_a_quick_source_is_known_sooner_than_documented() -> None:
    model = ArrivalDelay("binance", "candles", 2_000, 400, 5_000)
    assert model.known_at(np.array([62_000]), 10**9).tolist() == [60_400]
