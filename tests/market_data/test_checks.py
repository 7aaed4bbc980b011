"""Each of the six checks fails on a planted fault and passes the repaired bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.quality import ExplainedGap, Severity
from huracan_platform.data.market_data.candles import checks
from huracan_platform.data.market_data.gaps import due_window
from huracan_platform.settings import QualitySettings
from tests.market_data.made import DAY, START, SYMBOL, bars, changed, hours, pick, window, without

QUALITY = QualitySettings()
SOUND = bars()
EVIDENCE = checks.Evidence(window(), START + 2 * DAY_MS, False, hours(SOUND))


def results(candles: Candles, evidence: checks.Evidence = EVIDENCE) -> dict[str, bool]:
    return {result.name: result.passed for result in checks.run_checks(candles, evidence, QUALITY)}


def jumped() -> Candles:
    """One minute 5 % up and back."""
    at = 700
    return replace(SOUND, **{name: _scaled(getattr(SOUND, name), at, 1.05) for name in ("open", "high", "low", "close")})


def _scaled(values: np.ndarray, at: int, factor: float) -> np.ndarray:
    values = values.copy()
    values[at] *= factor
    return values


FAULTS = {
    "completeness": without(SOUND, [180, 181, 182]),
    "uniqueness": pick(SOUND, np.r_[0:700, 699, 700:1440]),
    "validity": changed(SOUND, "high", 9, 1.0),
    "plausibility": jumped(),
    "consistency": changed(SOUND, "volume", 65, 99.0),
}


def test_sound_bars_pass_all_six() -> None:
    assert results(SOUND) == dict.fromkeys(checks.NAMES, True)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_fails_its_check(name) -> None:
    assert not results(FAULTS[name])[name]


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_validity_fails_on_numbers_that_no_bar_has(column, value) -> None:
    result = checks.validity(changed(SOUND, column, 5, value), DAY)
    assert (result.passed, result.observed, result.expected, result.blocking) == (False, 1439, 1440, True)
    assert result.bad_ranges == ((START + 5 * MINUTE_MS, START + 5 * MINUTE_MS),)


def test_uniqueness_fails_on_two_bars_in_the_wrong_order() -> None:
    assert not checks.uniqueness(pick(SOUND, [1, 0, *range(2, 1440)]), DAY).passed


def test_missing_minutes_are_named() -> None:
    result = checks.completeness(FAULTS["completeness"], window(), QUALITY)
    assert result.message == f"candles {SYMBOL} 2024-03-01: expected 1440 bars, got 1437 (missing 03:00–03:02)"
    assert result.bad_ranges == ((START + 180 * MINUTE_MS, START + 182 * MINUTE_MS),)


@pytest.mark.parametrize(("missing", "severity"), [(7, Severity.WARNING), (8, Severity.ERROR)])
def test_coverage_under_the_alert_bound_is_an_error(missing, severity) -> None:
    """99.5 % of 1440 bars are 1432.8: 1433 are enough, 1432 are not."""
    result = checks.completeness(without(SOUND, range(missing)), window(), QUALITY)
    assert (result.passed, result.severity) == (False, severity)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 1439), max_size=300))
def test_k_deleted_minutes_are_k_reported_ones(deleted) -> None:
    result = checks.completeness(without(SOUND, sorted(deleted)), window(), QUALITY)
    reported = {int(ts) for a, b in result.bad_ranges for ts in range(a, b + 1, MINUTE_MS)}
    assert reported == {START + k * MINUTE_MS for k in deleted}
    assert result.expected - result.observed == len(deleted)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1439), min_size=1, max_size=100))
def test_m_inserted_duplicates_are_m_counted_ones(doubled) -> None:
    result = checks.uniqueness(pick(SOUND, np.sort(np.r_[np.arange(1440), doubled])), DAY)
    assert (result.passed, result.observed - result.expected) == (False, len(doubled))


def test_an_explained_gap_is_not_missing() -> None:
    gap = ExplainedGap(SYMBOL, START + 180 * MINUTE_MS, START + 183 * MINUTE_MS, "venue maintenance")
    explained = due_window(DAY, 0, None, START + 2 * DAY_MS, 0, (gap,))
    assert checks.completeness(FAULTS["completeness"], explained, QUALITY).passed


def test_minutes_outside_the_listing_are_not_missing() -> None:
    listed = due_window(DAY, START + 5 * HOUR_MS, START + 20 * HOUR_MS, START + 2 * DAY_MS, 0)
    result = checks.completeness(pick(SOUND, slice(300, 1200)), listed, QUALITY)
    assert (result.passed, result.expected) == (True, 900)


@pytest.mark.parametrize(("age_min", "fresh"), [(0, True), (1.9, True), (2, False), (60, False)])
def test_freshness_is_the_age_of_the_newest_bar_in_market_time(age_min, fresh) -> None:
    half = pick(SOUND, slice(0, 720))
    observed = START + 720 * MINUTE_MS + int(age_min * MINUTE_MS)
    evidence = replace(EVIDENCE, window=window(observed_ms=observed), observed_ms=observed, newest=True)
    result = checks.freshness(half, evidence, QUALITY)
    assert (result.passed, result.blocking) == (fresh, False)


def test_an_older_partition_has_no_freshness() -> None:
    assert checks.freshness(pick(SOUND, slice(0, 720)), EVIDENCE, QUALITY).passed


def test_a_jump_is_a_warning_with_one_venue() -> None:
    result = checks.plausibility(jumped(), DAY, QUALITY)
    assert (result.passed, result.severity, result.blocking) == (False, Severity.WARNING, False)
    assert result.bad_ranges == ((START + 700 * MINUTE_MS, START + 701 * MINUTE_MS),)
    assert len(result.sample) == 2


@pytest.mark.parametrize(("shift", "confirmed"), [(0, True), (2, True), (3, False), (-2, True)])
def test_a_jump_counts_when_a_second_venue_moved_alike_within_two_bars(shift, confirmed) -> None:
    there = jumped()
    witness = replace(there, ts_ms=there.ts_ms + shift * MINUTE_MS)
    result = checks.plausibility(there, DAY, QUALITY, witness=witness)
    assert result.passed is confirmed
    if not confirmed:
        assert (result.severity, result.blocking) == (Severity.ERROR, True)


def test_a_second_venue_that_moved_the_other_way_confirms_nothing() -> None:
    down = replace(SOUND, close=_scaled(SOUND.close, 700, 1 / 1.05))
    up_only = replace(SOUND, close=np.where(np.arange(1440) >= 700, SOUND.close * 1.05, SOUND.close))
    down_only = replace(down, close=np.where(np.arange(1440) >= 700, SOUND.close / 1.05, SOUND.close))
    assert not checks.plausibility(up_only, DAY, QUALITY, witness=down_only).passed


def test_the_first_return_of_a_day_is_judged_against_the_close_before() -> None:
    result = checks.plausibility(SOUND, DAY, QUALITY, previous_close=float(SOUND.close[0]) * 1.1)
    assert result.bad_ranges == ((START, START),)


def test_a_quiet_market_has_no_outliers() -> None:
    flat = replace(SOUND, close=np.full(1440, 60_000.0))
    assert checks.plausibility(flat, DAY, QUALITY).passed


def test_inconsistency_names_the_hour_and_shows_both_bars() -> None:
    result = checks.consistency(FAULTS["consistency"], DAY, hours(SOUND))
    assert result.bad_ranges == ((START + HOUR_MS, START + 2 * HOUR_MS - MINUTE_MS),)
    assert (result.sample[0]["ours"]["volume"], result.blocking) != (result.sample[0]["venue"]["volume"], False)


def test_an_hour_with_a_missing_minute_is_left_to_completeness() -> None:
    result = checks.consistency(FAULTS["completeness"], DAY, hours(SOUND))
    assert (result.passed, result.expected) == (True, 23)
