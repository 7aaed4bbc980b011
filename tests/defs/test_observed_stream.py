"""The recorded stream of liquidations as Dagster sees it: observed, not made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import dagster as dg

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import HOUR_MS, MINUTE_MS, SystemClock, day_start_ms
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.definitions import defs
from huracan_platform.defs.data.recorded.sensors import observe_liquidation_stream
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC

START = day_start_ms(date(2025, 1, 3))


def looked(instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=defs, resources={"platform": Platform()}
    )
    return observe_liquidation_stream(context)


def test_the_stream_is_observed_when_it_has_moved_and_tells_gaps_and_coverage(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    point_at("http://127.0.0.1:1")
    assert isinstance(looked(instance, None), dg.SkipReason)
    ledger, beats, wire = RecordingLedger(brain), RecorderBeats(brain), SystemClock().wire_ms()
    first = ledger.begin("sim", "liquidations", START, wire)
    ledger.extend(first, START + 30 * MINUTE_MS + 1_234, wire, ended="the venue closed")
    ledger.extend(ledger.begin("sim", "liquidations", START + 45 * MINUTE_MS, wire), START + HOUR_MS, wire)
    beats.beat("sim", "liquidations", wire, state="recording", heard_ms=START + HOUR_MS, frames=90)
    LiquidationRepository(brain).save([Liquidation("sim", BTC, START + 5, "long", 100.0, 1.0, START + 5)], wire)
    result = looked(instance, None)
    assert isinstance(result, dg.SensorResult)
    (event,) = result.asset_events
    assert event.asset_key == dg.AssetKey("liquidation_stream")
    told = {name: value.value for name, value in event.metadata.items()}
    assert (told["frames"], told["liquidations"], told["gaps_today"], told["coverage_last_hour"]) == (90, 1, 1, 0.7503)
    assert told["last_event"] == "2025-01-03 01:00:00 UTC"
    assert told["venues"].splitlines()[2] == (
        "| sim | recording | 2025-01-03 01:00:00 UTC | 90 | 1 | 75.03% | 1 | the venue closed |"
    )
    assert isinstance(looked(instance, result.cursor), dg.SkipReason)
    beats.beat("sim", "liquidations", wire, state="trying again", heard_ms=START + HOUR_MS, frames=90, said="away")
    assert isinstance(looked(instance, result.cursor), dg.SensorResult)
