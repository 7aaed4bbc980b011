"""The asset graph as a whole: keys, groups, order, and what every asset must carry."""

from __future__ import annotations

import dagster as dg
import pytest

from huracan_platform.definitions import defs
from huracan_platform.defs.house import GROUPS, symbol_key, symbol_of

EXPECTED = {
    "instruments",
    "candles",
    "funding_rates",
    "open_interest",
    "mark_prices",
    "account_ratios",
    "taker_volumes",
    "sentiment",
    "liquidations",
    "trades",
    "book",
    "liquidation_stream",
    "data_repair",
    "data_inventory",
    "data_summary",
    "features",
    "positioning_features",
    "trained_models",
    "feature_importance",
    "model_drift",
    "shadow_returns",
    "gate_verdicts",
    "rl_policies",
    "paper_session",
}


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def keys(graph):
    return {k.to_user_string() for k in graph.get_all_asset_keys()}


def test_the_asset_keys_are_exactly_the_expected_ones(graph):
    assert keys(graph) == EXPECTED


def test_what_is_recorded_outside_is_observed_and_lies_before_what_is_made_of_it(graph):
    stream = graph.get(dg.AssetKey("liquidation_stream"))
    assert stream.is_external
    assert dg.AssetKey("liquidation_stream") in graph.get(dg.AssetKey("liquidations")).parent_keys
    assert "observe_liquidation_stream" in {s.name for s in defs.get_repository_def().sensor_defs}


def test_every_edge_goes_to_the_same_or_a_later_group(graph):
    edges = 0
    for node in graph.asset_nodes:
        for parent in node.parent_keys:
            edges += 1
            upper, lower = graph.get(parent).group_name, node.group_name
            assert GROUPS.index(upper) <= GROUPS.index(lower), (
                f"{parent.to_user_string()} ({upper}) → {node.key.to_user_string()} ({lower})"
            )
    assert edges >= 6


def test_every_asset_says_what_it_is_and_who_owns_it(graph):
    for node in graph.asset_nodes:
        assert node.group_name in GROUPS
        assert len(node.description or "") > 40, node.key
        assert node.owners, node.key
        assert node.kinds, node.key


def test_every_asset_fed_by_another_waits_for_its_blocking_checks(graph):
    for node in graph.asset_nodes:
        if node.automation_condition is not None and node.parent_keys:
            assert "all_deps_blocking_checks_passed" in repr(node.automation_condition), node.key


def test_market_data_carries_the_contract_and_the_six_checks_and_they_block(graph):
    expected = {"contract", "completeness", "uniqueness", "validity", "freshness", "plausibility", "consistency"}
    found = {(k.asset_key.to_user_string(), k.name): graph.get(k).blocking for k in graph.asset_check_keys}
    sources = ("mark_prices", "account_ratios", "taker_volumes")
    for asset in ("candles", "funding_rates", "open_interest", "sentiment", "liquidations", "trades", "book", *sources):
        assert {name for of, name in found if of == asset} == expected
        assert all(blocking for (of, _), blocking in found.items() if of == asset)


def test_jobs_schedules_and_sensors_are_there():
    repository = defs.get_repository_def()
    jobs = {
        "market_data_job", "market_facts_job", "feature_job", "positioning_job", "training_job", "policy_job",
        "paper_session_job", "microstructure_job",
    }
    assert jobs <= {j.name for j in repository.get_all_jobs()}
    schedules = {
        "hourly_market_data", "hourly_market_facts", "daily_features", "daily_positioning", "daily_training", "weekly_policies",
        "hourly_microstructure",
    }
    assert schedules <= {s.name for s in repository.schedule_defs}
    assert {"hand_off_authorised_models"} <= {s.name for s in repository.sensor_defs}


def test_a_partition_key_goes_to_a_symbol_and_back():
    assert symbol_of(symbol_key("BTC/USDT:USDT")) == "BTC/USDT:USDT"


def test_the_web_ui_can_say_what_every_job_schedule_sensor_and_check_is_for(graph):
    repository = defs.get_repository_def()
    automatic = [*repository.schedule_defs, *repository.sensor_defs]
    by_us = [a for a in automatic if a.name != "default_automation_condition_sensor"]
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert [thing.name for thing in (*by_us, *jobs) if not thing.description] == []
    assert [key for key in graph.asset_check_keys if not graph.get(key).description] == []


def test_schedules_run_without_anyone_switching_them_on():
    assert {s.default_status for s in defs.get_repository_def().schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}
