"""A real Dagster instance, the real graph, and the test's own library, artefacts and venue behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from huracan_platform.definitions import defs
from huracan_platform.defs.launch import RANGE_END, RANGE_START
from huracan_platform.settings import Settings

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@dataclass
class Run:
    """One finished run: its success, its checks by (asset, name), and the metadata of its assets and of their partitions."""

    success: bool
    checks: dict[tuple[str, str], dg.AssetCheckEvaluation]
    metadata: dict[str, dict[str, object]]
    partitions: dict[str, dict[str, dict[str, object]]]
    errors: str

    def failed_checks(self) -> dict[str, str]:
        """Name and severity of each check that failed."""
        return {name: found.severity.value for (_, name), found in self.checks.items() if not found.passed}


Launch = Callable[..., Run]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Callable[..., None]:
    """Let assets find the test's library and home, and the venue at a URL; more settings by their environment names."""

    def point(url: str, symbols: str = BTC, **more: str) -> None:
        assert settings.database.dsn is not None
        values = {
            "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": settings.database.dsn.get_secret_value(),
            "HURACAN_VENUE__URL": url, "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_SYMBOLS": symbols, **more,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return point


@pytest.fixture
def launch(instance: dg.DagsterInstance) -> Launch:
    """Run a job of the graph over a closed range of partitions, in this process."""

    def run(job: str, first: str | None = None, last: str | None = None, *, symbols: list[str] | None = None) -> Run:
        definition = defs.resolve_job_def(job)
        config = {"ops": {name: {"config": {"symbols": symbols}} for name in definition.graph.node_dict}} if symbols else {}
        result = definition.execute_in_process(
            instance=instance, run_config=config, raise_on_error=False,
            tags={RANGE_START: first, RANGE_END: last or first} if first else None,
        )
        metadata: dict[str, dict[str, object]] = {}
        partitions: dict[str, dict[str, dict[str, object]]] = {}
        for event in result.get_asset_materialization_events():
            told = event.step_materialization_data.materialization
            values = {name: value.value for name, value in told.metadata.items()}
            metadata[told.asset_key.to_user_string()] = values
            if told.partition:
                partitions.setdefault(told.asset_key.to_user_string(), {})[told.partition] = values
        checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
        errors = "; ".join(str(e.step_failure_data.error) for e in result.get_step_failure_events())
        return Run(result.success, checks, metadata, partitions, errors)

    return run
