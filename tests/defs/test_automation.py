"""What the automation conditions of the graph ask for, after real runs against a real venue."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from huracan_platform.definitions import defs
from tests.defs.conftest import BTC, Launch
from tests.venue_process import running_venue

DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
FEATURES, IMPORTANCE, GATES = (dg.AssetKey([name]) for name in ("features", "feature_importance", "gate_verdicts"))
# The last minute of an hour of the second day: its close is the hour's.
END_OF_HOUR_MS = 1_735_689_600_000 + (24 * 60 + 5 * 60 + 59) * 60_000

Asked = Callable[[], dict[str, set[str]]]


@pytest.fixture
def asked(instance: dg.DagsterInstance) -> Asked:
    """Partitions by asset that the conditions ask for since the evaluation before."""
    cursor = None

    def evaluate() -> dict[str, set[str]]:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
        cursor = result.cursor
        keys = defs.resolve_asset_graph().materializable_asset_keys
        found = {key.to_user_string(): set(result.get_requested_partitions(key)) for key in keys}
        return {name: partitions for name, partitions in found.items() if partitions and name != "instruments"}

    return evaluate


@pytest.fixture
def venue() -> Iterator[str]:
    # Seed 10 begins with three quiet days, which pass every check.
    with running_venue(days=3, seed=10, symbols=BTC) as url:
        yield url


def spoil_the_second_day(url: str) -> None:
    fault = {"kind": "revised_candle", "path": "/fapi/v1/klines", "count": 1, "candle_ms": END_OF_HOUR_MS}
    body, headers = json.dumps(fault).encode(), {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{url}/control/faults", body, headers)).close()


@pytest.mark.slow
def test_a_bad_day_stops_downstream_and_its_repair_asks_for_exactly_that_day(
    venue: str, point_at: Callable, launch: Launch, asked: Asked
) -> None:
    point_at(venue)
    for day in DAYS:
        assert launch("market_data_job", day).failed_checks() == {}
    assert asked() == {}, "a first build is the schedule's"
    assert launch("feature_job", DAYS[0], DAYS[2]).success
    assert asked() == {}

    spoil_the_second_day(venue)
    assert launch("market_data_job", DAYS[1]).failed_checks()["consistency"] == "ERROR"
    assert asked() == {}
    assert launch("market_data_job", DAYS[1]).success
    assert asked() == {"features": {DAYS[1]}}
    assert asked() == {}, "asked for once"
    assert launch("feature_job", DAYS[1]).success
    assert asked() == {}


def test_new_versions_are_ranked_and_judged_without_anyone_asking(instance: dg.DagsterInstance, asked: Asked) -> None:
    key = "BTC-USDT:USDT"

    def made(*assets: str) -> None:
        for name in assets:
            instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=key))

    made("trained_models", "feature_importance", "gate_verdicts")
    assert asked() == {}
    made("trained_models")
    assert asked() == {"feature_importance": {key}}, "market data was never checked: nothing to judge by"


def test_what_a_schedule_makes_is_asked_for_by_no_condition() -> None:
    graph = defs.resolve_asset_graph()
    conditions = {
        key.to_user_string(): condition.get_label()
        for key in graph.materializable_asset_keys if (condition := graph.get(key).automation_condition) is not None
    }
    assert conditions == {
        "instruments": "daily", "features": "repaired", "positioning_features": "repaired",
        "feature_importance": "trained", "gate_verdicts": "trained",
    }


def test_the_sensor_that_evaluates_conditions_runs_without_anyone_switching_it_on() -> None:
    sensor = defs.get_repository_def().get_sensor_def("default_automation_condition_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
