"""The assets on a real Dagster instance, a real library and a real venue: what a run writes, says and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.importance import ImportanceRepository
from huracan_platform.brain.learning.trials import TrialLog
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.brain.roles import Role
from huracan_platform.contracts.model import GateStatus
from huracan_platform.contracts.quality import DayReport, DayState
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.report import CheckSummary, IngestReport
from huracan_platform.defs.data.assets import candles, funding_rates, instruments
from huracan_platform.defs.data.checks import CHECKS, results
from huracan_platform.defs.features.assets import features
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, ETH, Launch
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
START = pd.Timestamp("2025-01-01", tz="UTC")


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Three days of two symbols."""
    # Seed 10 begins with three quiet days; genuine moves of ten robust sigmas are warnings, and a quarter of all days has one.
    with running_venue(days=3, seed=10, symbols=f"{BTC},{ETH}") as url:
        yield url


def stored_features(symbol: str) -> list[str]:
    """Days of the symbol in the feature store."""
    platform = Platform()
    settings, store = platform.settings(), platform.feature_store(platform.brain(Role.VIEWER))
    definition = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    days = store.days(platform.market().venue, definition, date(2025, 1, 1), date(2025, 12, 31))
    return [str(d.day) for d in days if symbol in d.symbols]


def test_three_days_materialise_and_a_second_run_changes_nothing(venue: str, point_at: Callable, launch: Launch) -> None:
    point_at(venue, f"{BTC},{ETH}")
    assert launch("instruments_job").metadata["instruments"]["dagster/row_count"] == 2
    data, built = launch("market_data_job", DAYS[0], DAYS[2]), launch("feature_job", DAYS[0], DAYS[2])
    assert (data.success, built.success) == (True, True), data.errors + built.errors
    assert {**data.failed_checks(), **built.failed_checks()} == {}
    assert data.metadata["candles"]["coverage"] == 1.0
    assert [values["dagster/row_count"] for values in data.partitions["candles"].values()] == [2 * 1440] * 3
    assert [values["dagster/row_count"] for values in data.partitions["funding_rates"].values()][1:] == [6, 6]
    assert sorted(built.partitions["features"]) == DAYS
    again, built_again = launch("market_data_job", DAYS[0], DAYS[2]), launch("feature_job", DAYS[0], DAYS[2])
    assert again.metadata["candles"]["revised"] == 0
    for asset, run, rerun in (
        ("candles", data, again), ("funding_rates", data, again), ("features", built, built_again)
    ):
        hashes = [{day: values["hash"] for day, values in r.partitions[asset].items()} for r in (run, rerun)]
        assert hashes[0] == hashes[1], asset


def test_every_day_of_a_run_is_a_partition_with_its_own_metadata(
    venue: str, point_at: Callable, launch: Launch, instance: dg.DagsterInstance
) -> None:
    point_at(venue)
    launch("market_data_job", DAYS[0], DAYS[1])
    assert sorted(instance.get_materialized_partitions(candles.key)) == DAYS[:2]


def test_a_run_narrowed_to_one_symbol_merges_into_the_day(venue: str, point_at: Callable, launch: Launch) -> None:
    point_at(venue, f"{BTC},{ETH}")
    both = launch("market_data_job", DAYS[0])
    launch("feature_job", DAYS[0])
    assert stored_features(BTC) == stored_features(ETH) == DAYS[:1]
    launch("market_data_job", DAYS[1], symbols=[BTC])
    narrowed = launch("feature_job", DAYS[1], symbols=[BTC])
    assert (stored_features(BTC), stored_features(ETH)) == (DAYS[:2], DAYS[:1])
    assert narrowed.success, narrowed.errors
    later = launch("market_data_job", DAYS[1], symbols=[ETH])
    launch("feature_job", DAYS[1], symbols=[ETH])
    assert stored_features(BTC) == stored_features(ETH) == DAYS[:2]
    assert later.metadata["candles"]["dagster/row_count"] == 1440
    again, first = (run.partitions["candles"][DAYS[0]] for run in (launch("market_data_job", DAYS[0]), both))
    # The other days that the page shows beside it have come since.
    assert {name: value for name, value in again.items() if name != "last_60_days"} == {
        name: value for name, value in first.items() if name != "last_60_days"
    }


def recorded(directory: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    """Seven recorded days of BTC as plain CSV, spoiled."""
    minutes = 7 * 1440
    rng = np.random.default_rng(3)
    close = np.round(50_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, minutes))), 1)
    open_ = np.concatenate([[50_000.0], close[:-1]])
    frame = pd.DataFrame({
        "ts": (START + pd.to_timedelta(np.arange(minutes), "min")).strftime("%Y-%m-%dT%H:%M:%SZ"), "open": open_,
        "high": np.maximum(open_, close) + 2.0, "low": np.minimum(open_, close) - 2.0, "close": close,
        "volume": np.round(rng.uniform(1, 5, minutes), 3),
    })
    spoil(frame).to_csv(directory / "BTCUSDT_1m_ohlcv.csv", index=False)
    return directory


def a_second_day_in_another_unit(frame: pd.DataFrame) -> pd.DataFrame:
    prices = ["open", "high", "low", "close"]
    day = (frame.index >= 1440) & (frame.index < 2880)
    return frame.assign(**{name: np.where(day, frame[name] * 100, frame[name]) for name in prices})


def a_second_day_with_a_hole(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(index=range(1440 + 300, 1440 + 900))


@pytest.mark.parametrize(("spoil", "check", "state"), [
    (a_second_day_in_another_unit, "contract", "quarantined"), (a_second_day_with_a_hole, "completeness", "degraded"),
])
def test_one_bad_day_is_named_and_features_skip_exactly_that_day(
    tmp_path: Path, point_at: Callable, launch: Launch, brain: Brain, spoil, check, state
) -> None:
    with running_venue(symbols="", replay=recorded(tmp_path, spoil), start="2025-01-06") as url:
        point_at(url)
        data = launch("market_data_job", DAYS[0], "2025-01-04")
        assert data.success, data.errors
        assert data.partitions["candles"][DAYS[1]]["states"] == f"{BTC} {state}"
        assert data.failed_checks().get(check) == "WARN"
        failed = data.checks["candles", check]
        assert f"candles {BTC} 2025-01-02" in (failed.description or "")
        built = launch("feature_job", DAYS[0], "2025-01-04")
        assert built.success, built.errors
        assert built.metadata["features"]["skipped_days"] == "2025-01-02"
        assert stored_features(BTC) == ["2025-01-01", "2025-01-03", "2025-01-04"]
        assert good_days(brain, Platform().market().venue, "candles", [BTC], date(2025, 1, 1), date(2025, 1, 4)) == [
            date(2025, 1, 1), date(2025, 1, 3), date(2025, 1, 4)
        ]


def test_a_run_of_nothing_but_a_bad_day_fails_its_check_and_stops_what_comes_after(
    tmp_path: Path, point_at: Callable, launch: Launch, instance: dg.DagsterInstance
) -> None:
    with running_venue(symbols="", replay=recorded(tmp_path, a_second_day_in_another_unit), start="2025-01-06") as url:
        point_at(url)
        launch("market_data_job", DAYS[0])
        data = launch("market_data_job", DAYS[1])
        assert (data.success, data.failed_checks()["contract"]) == (False, "ERROR")
        result = dg.materialize(
            [instruments, candles, funding_rates, features], partition_key=DAYS[1], instance=instance,
            resources={"platform": Platform()}, selection=[candles, features], raise_on_error=False,
        )
        assert not result.success
        assert {e.step_key for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_START} == {"candles"}
        alone = launch("feature_job", DAYS[1])
        assert alone.failed_checks() == {"rebuild_is_identical": "ERROR"}
        assert stored_features(BTC) == []


def test_a_symbol_that_cannot_be_fetched_fails_completeness_though_the_others_are_whole() -> None:
    day = DayReport(ETH, date(2025, 1, 1), DayState.GOOD, 1440, 1440, "hash")
    passed = tuple(CheckSummary(name, 1, ()) for name in CHECKS)
    report = IngestReport("sim", "candles", (day,), passed, 1440, 0, 0, {BTC: "no answer"})
    (failed,) = [found for found in results("candles", report) if not found.passed]
    assert (failed.check_name, failed.severity) == ("completeness", dg.AssetCheckSeverity.WARN)
    assert f"{BTC} could not be fetched: no answer" in (failed.description or "")


def test_models_and_verdicts_of_a_short_window_name_their_run_and_what_they_lack(
    point_at: Callable, launch: Launch, brain: Brain
) -> None:
    short = {
        "HURACAN_FEATURES__PROFILE": "short_history", "HURACAN_FEATURES__SHORT_WINDOW_DAYS": "2",
        "HURACAN_LABELS__SAMPLE_EVERY_MIN": "5", "HURACAN_TRAINING__WALK_FORWARD_TRAIN_DAYS": "10",
        "HURACAN_TRAINING__WALK_FORWARD_TEST_DAYS": "2",
    }
    with running_venue(days=14, symbols=BTC) as url:
        point_at(url, **short)
        for job in ("market_data_job", "feature_job"):
            assert launch(job, "2025-01-01", "2025-01-14").success
        run = launch("training_job", symbol_key(BTC))
        assert run.success, run.errors
        registry, venue = Platform().registry(brain), Platform().market().venue
        cards = registry.cards(venue=venue, symbol=BTC)
        assert {c.architecture for c in cards} == {"linear", "xgboost"}
        (told,) = run.partitions["trained_models"].values()
        ranked = run.partitions["feature_importance"][symbol_key(BTC)]
        assert {name for name in ranked if name.startswith("ranking_")} == {"ranking_linear", "ranking_xgboost"}
        rankings = [ImportanceRepository(brain).of(card.model_id) for card in cards]
        assert all(len(ranking) == len(cards[0].manifest["dataset"]["columns"]) for ranking in rankings)
        assert rankings[0] != rankings[1]
        assert {c.manifest["dataset"]["hash"] for c in cards} == {told["dataset_hash"]}
        assert all(str(c.model_id) in str(told["models"]) for c in cards)
        for card in cards:
            verdicts = {v.gate: v for v in VerdictRepository(brain).latest(card.model_id)}
            assert sorted(verdicts) == [1, 2, 3, 4, 5, 6, 7]
            assert verdicts[1].status is verdicts[4].status is GateStatus.INSUFFICIENT
            assert "lacks" in verdicts[1].reason
            assert verdicts[5].status is GateStatus.PASS, verdicts[5].reason
        assert TrialLog(brain).count() == 2
        shown = {f"{what}_{card.architecture}" for what in ("verdicts", "equity", "reliability") for card in cards}
        assert shown <= set(run.partitions["gate_verdicts"][symbol_key(BTC)])
        assert launch("training_job", symbol_key(BTC)).success
        assert [c.model_id for c in registry.cards(venue=venue, symbol=BTC)] == [c.model_id for c in cards]
