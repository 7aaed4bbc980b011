"""From bars that changed their nature to a version trained because of it: every part real, sensors ticked as the daemon does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.trigger import TriggerKind
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.learning.sensors import drifted_models, requested_trainings
from huracan_platform.defs.operations.sensors import failed_checks
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, ETH, Launch
from tests.defs.daemon import Daemon
from tests.defs.drifting import DAYS, SMALL, come_in
from tests.venue_process import running_venue

MOVED = "volume_zscore_1440"
TRAINED, LIVE = 12, 21
CHECK = ("model_drift", "no_critical_drift")


@pytest.fixture
def venue(point_at: Callable) -> Iterator[str]:
    """A paused venue whose today lies after all days of these tests; it gives the clock and the fees."""
    with running_venue(days=DAYS + 1, symbols=f"{BTC},{ETH}") as url:
        point_at(url, f"{BTC},{ETH}", **SMALL)
        yield Platform().market().venue


@pytest.mark.slow
def test_a_drift_planted_in_one_column_fails_the_check_and_is_trained_for_once(
    brain: Brain, instance: dg.DagsterInstance, launch: Launch, venue: str
) -> None:
    daemon, requests, registry = Daemon(instance), RetrainingRepository(brain), Platform().registry(brain)
    key = symbol_key(BTC)
    daemon.tick(failed_checks)
    come_in(brain, BTC, 1, TRAINED)
    trained = launch("training_job", key)
    assert trained.success, trained.errors
    first = registry.newest(venue, BTC, "linear")
    assert first is not None

    come_in(brain, BTC, TRAINED + 1, LIVE, parted_from=TRAINED + 1)
    pages = set[str]()
    for _ in range(2):  # measured twice: the sensor between and after
        measured = launch("drift_job", key)
        assert measured.success, measured.errors
        assert measured.failed_checks() == {"no_critical_drift": "WARN"}
        assert DriftRepository(brain).critical_columns(first.model_id) == (MOVED,)
        assert (measured.checks[CHECK].description or "").startswith(f"{first.model_id} {MOVED} PSI ")
        pages.add(str(measured.partitions["model_drift"][key][f"page_{first.model_id}"]))
        daemon.tick(drifted_models)
        daemon.tick(drifted_models)
    page, = pages
    assert f"{MOVED}, critical, critical above" in Path(page).read_text()
    request, = requests.open()
    assert (request.trigger.kind, request.trigger.by) == (TriggerKind.DRIFT, "drifted_models")
    assert request.trigger.reason == f"{first.model_id}: critical drift of {MOVED}"
    assert launch("drift_job", symbol_key(ETH)).failed_checks() == {}
    daemon.tick(failed_checks)
    told, = IncidentRepository(brain).open("check|model_drift")
    assert (told.occurrences, told.incident.partition, MOVED in told.incident.title) == (2, key, True)

    _, (run,) = daemon.tick(requested_trainings)
    assert run.success
    assert daemon.tick(requested_trainings)[1] == []
    assert requests.open() == []
    second = registry.newest(venue, BTC, "linear")
    assert second is not None
    assert (second.version, second.manifest["trigger"]) == (2, {
        "kind": "drift", "reason": request.trigger.reason, "by": "drifted_models",
        "requested_ms": request.trigger.requested_ms, "request_id": request.request_id,
    })

    registry.authorise(first.model_id, "paper", 30, SystemClock(), by="test", reason="test")
    assert launch("drift_job", key).failed_checks() == {"no_critical_drift": "WARN"}, "the first version may still trade"
    assert daemon.tick(drifted_models) == ("no new critical drift", []), "the cool-down"
    assert requests.open() == []
