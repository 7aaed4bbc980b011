"""No asset answers by heart: what every asset of the graph tells of itself follows its input, and nothing but its input.

The assets are those of the definitions. One that is added is materialised here as well, and fails until it tells its
rows and a content hash.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import SystemClock
from huracan_platform.definitions import defs
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.launch import RANGE_END, RANGE_START
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, ETH
from tests.defs.seconds import record_seconds
from tests.defs.test_market_facts import record_day
from tests.operations.versions import put_in_charge
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

GRAPH = defs.resolve_asset_graph()
ASSETS = [key.to_user_string() for key in GRAPH.toposorted_asset_keys if GRAPH.get(key).is_materializable]
FIRST, BEFORE, DAY, NEXT = "2025-01-01", "2025-01-16", "2025-01-17", "2025-01-18"
NEVER_TWICE = "paper_session"  # its input is a market that goes on
Told = tuple[object, object]  # rows, content hash


@dataclass(frozen=True)
class Input:
    """What there is to work on: the newest day, the symbols traded, how long the market is followed."""

    day: str
    symbols: str
    market_hours: float


ONE, OTHER = Input(DAY, BTC, 0.2), Input(NEXT, f"{BTC},{ETH}", 0.4)


@dataclass
class House:
    """An instance, a library and a venue; `told` holds what each asset said, in the order in which it was asked."""

    url: str
    instance: dg.DagsterInstance
    environment: pytest.MonkeyPatch
    told: dict[str, list[Told]] = field(default_factory=lambda: {name: [] for name in ASSETS})

    def materialise(self, name: str, first: str, last: str, config: dict[str, object] | None = None) -> Told:
        """One run of one asset over a range of its partitions."""
        asset = defs.resolve_assets_def(name)
        result = dg.materialize(
            [asset], instance=self.instance, raise_on_error=False,
            tags={RANGE_START: first, RANGE_END: last} if asset.partitions_def else None,
            run_config={"ops": {name: {"config": config}}} if config else None,
        )
        errors = [str(e.step_failure_data.error) for e in result.get_step_failure_events()]
        assert not errors, (name, errors)
        metadata = result.get_asset_materialization_events()[-1].step_materialization_data.materialization.metadata
        values = {key: value.value for key, value in metadata.items()}
        return values.get("dagster/row_count"), values.get("content_hash")

    def run_all(self, given: Input, *, again: bool = False) -> None:
        """Every asset once, upstream first."""
        self.environment.setenv("HURACAN_SYMBOLS", given.symbols)
        for name in ASSETS:
            if again and name == NEVER_TWICE:
                continue
            partitions = defs.resolve_assets_def(name).partitions_def
            key = given.day if isinstance(partitions, dg.DailyPartitionsDefinition) else symbol_key(BTC)
            self.told[name].append(self.materialise(name, key, key, self._config(name, given)))

    def _config(self, name: str, given: Input) -> dict[str, object] | None:
        if name == "rl_policies":
            return {"timesteps": 512}
        if name == NEVER_TWICE:
            self.market_moves(300)
            return {"market_hours": given.market_hours}
        return None

    def market_moves(self, speed: float) -> None:
        """Market seconds per wall second from now on."""
        body = json.dumps({"speed": speed}).encode()
        request = urllib.request.Request(f"{self.url}/control/clock", data=body, headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def told(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Told]]]:
    """Sixteen days with a version in charge; then every asset on one day more, on the same again, and on the day after it."""
    home: Path = tmp_path_factory.mktemp("no_constants") / "home"
    with (
        pytest.MonkeyPatch.context() as environment, dg.DagsterInstance.ephemeral() as instance,
        running_venue(days=18, seed=10, symbols=f"{BTC},{ETH}") as url,
    ):
        for name, value in {
            "HOME": str(home), "DATABASE__DSN": module_brain.dsn, "VENUE__URL": url, "VENUE__RATE_LIMIT": "false", "SYMBOLS": BTC,
            "FEATURES__PROFILE": "short_history", "TRAINING__ARCHITECTURES": '["linear"]', "RISK_POLICY__SEEDS": "3",
            "TRAINING__WALK_FORWARD_TRAIN_DAYS": "10", "TRAINING__WALK_FORWARD_TEST_DAYS": "2",
            "EXECUTION__LEASE_TTL_S": "3", "EXECUTION__HEARTBEAT_S": "1", "EXECUTION__RECONCILE_EVERY_S": "1",
        }.items():
            environment.setenv(f"HURACAN_{name}", value)
        house = House(url, instance, environment)
        with_a_version_in_charge(house, module_brain)
        house.run_all(ONE)
        house.run_all(ONE, again=True)
        house.run_all(OTHER)
        yield house.told


def with_a_version_in_charge(house: House, brain: Brain) -> None:
    """Market data and features of the days before, recordings of the days that follow, a version that may trade."""
    market = Platform().market()
    for name in ("candles", "funding_rates", "features"):
        house.materialise(name, FIRST, BEFORE)
    for day, events in ((DAY, 50), (NEXT, 40)):
        record_day(brain, market.venue, date.fromisoformat(day), hours=24, events=events)
        record_seconds(brain, market, BTC, date.fromisoformat(day), hours=2)
    house.materialise("trained_models", symbol_key(BTC), symbol_key(BTC))
    registry = Platform().registry(brain)
    put_in_charge(registry, registry.cards(venue=market.venue)[-1], SystemClock())


@pytest.mark.parametrize("asset", ASSETS)
def test_another_input_gives_other_rows_or_another_content(asset: str, told: dict[str, list[Told]]) -> None:
    rows, _ = told[asset][0]
    assert isinstance(rows, int)
    assert told[asset][-1] != told[asset][0]


@pytest.mark.parametrize("asset", [name for name in ASSETS if name != NEVER_TWICE])
def test_the_same_input_gives_the_same_content(asset: str, told: dict[str, list[Told]]) -> None:
    (_, first), (_, again), _ = told[asset]
    assert isinstance(first, str)
    assert again == first
