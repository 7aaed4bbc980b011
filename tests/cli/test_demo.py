"""The demo's way through the graph: nothing is forgotten, nothing comes before what it needs."""

from __future__ import annotations

from datetime import date

import pytest

from huracan_platform.cli.demo import KEPT_DAYS, Chain
from huracan_platform.cli.demo_chain import AFTER_SESSION, BEFORE_SESSION, QUICK_POLICY, SESSION, Over
from huracan_platform.cli.demo_report import print_assets
from huracan_platform.definitions import defs
from huracan_platform.defs.launch import AssetRun, asset_keys_of, assets_in_order
from huracan_platform.errors import PermanentError

CHAIN = (*BEFORE_SESSION, SESSION, *AFTER_SESSION)


def test_the_demo_makes_every_asset_of_the_definitions() -> None:
    made = set().union(*(asset_keys_of(defs, step.job) for step in CHAIN))
    assert made == {asset for _, asset in assets_in_order(defs)}


def test_every_asset_is_made_after_those_it_is_made_of() -> None:
    graph, made = defs.resolve_asset_graph(), set[str]()
    for step in CHAIN:
        made |= asset_keys_of(defs, step.job)
        for asset in asset_keys_of(defs, step.job):
            node = next(n for n in graph.asset_nodes if n.key.to_user_string() == asset)
            parents = {key.to_user_string() for key in node.parent_keys if graph.get(key).is_materializable}
            assert parents <= made, f"{asset} in {step.job}"


def test_steps_run_over_the_history_the_new_days_or_what_the_venue_still_keeps() -> None:
    chain = Chain(0.0, date(2025, 1, 1), date(2025, 12, 26))
    assert chain.partitions(Over.NOTHING) is None
    assert chain.partitions(Over.HISTORY) == ("2025-01-01", "2025-12-26")
    chain.until = date(2025, 12, 27)
    assert chain.partitions(Over.NEW_DAYS) == ("2025-12-27", "2025-12-27")
    assert chain.partitions(Over.KEPT_DAYS) == ("2025-11-27", "2025-12-27")
    assert KEPT_DAYS == 30
    short = Chain(0.0, date(2025, 5, 5), date(2025, 5, 20))
    assert short.partitions(Over.KEPT_DAYS) == ("2025-05-05", "2025-05-20")


def test_the_short_training_of_policies_fits_the_configuration_of_their_asset() -> None:
    from huracan_platform.defs.policies.assets import PolicyConfig

    config = PolicyConfig(**QUICK_POLICY["ops"]["rl_policies"]["config"])
    assert (config.timesteps, config.seeds) == (10_000, 3)


def test_a_report_that_lacks_an_asset_shows_the_others_and_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    made = [AssetRun(asset, 2, 1_440, 0.25) for _, asset in assets_in_order(defs) if asset != "model_drift"]
    with pytest.raises(PermanentError, match="got none of model_drift"):
        print_assets(made)
    assert "1,440" in capsys.readouterr().out
