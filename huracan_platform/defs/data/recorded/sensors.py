"""Observes the recorders."""

from datetime import datetime

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.data.market_data.recorders import RecorderReport
from huracan_platform.defs.automatic import sensor
from huracan_platform.defs.data.recorded.assets import liquidation_stream
from huracan_platform.defs.resources import Platform

# What tells Dagster that an external asset has changed since those that depend on it were made.
DATA_VERSION = "dagster/data_version"
SHARE_DIGITS = 4  # the page prints a number with all of them


@sensor(minimum_interval_seconds=300)
def observe_liquidation_stream(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SensorResult | dg.SkipReason:
    """Note how the recorder of liquidations stands at each venue, where it has heard anything since the last look."""
    from huracan_platform.data.market_data.liquidations.observed import observed_liquidations

    reports, counts = observed_liquidations(platform.brain(Role.VIEWER), SystemClock().wire_ms())
    if not reports:
        return dg.SkipReason("no recorder has begun yet")
    version = hash_json([[r.source, str(r.last_frame), r.state] for r in reports])
    if version == context.cursor:
        return dg.SkipReason("nothing was heard since the last look")
    observation = dg.AssetObservation(
        liquidation_stream.key, metadata=_told(reports, counts), tags={DATA_VERSION: version}
    )
    return dg.SensorResult(asset_events=[observation], cursor=version)


def _told(reports: list[RecorderReport], counts: dict[str, int]) -> dict[str, dg.MetadataValue]:
    rows = "\n".join(
        f"| {r.source} | {r.state} | {_moment(r.last_frame)} | {r.frames:,} | {counts.get(r.source, 0):,} | {r.covered:.2%} | "
        f"{len(r.gaps)} | {'; '.join(dict.fromkeys(gap.reason for gap in r.gaps)) or r.said} |" for r in reports
    )
    head = "| venue | recorder | last event | frames | liquidations of the day | last hour | gaps of the day | why |"
    return {
        "frames": dg.MetadataValue.int(sum(r.frames for r in reports)),
        "liquidations": dg.MetadataValue.int(sum(counts.values())),
        "coverage_last_hour": dg.MetadataValue.float(round(min(r.covered for r in reports), SHARE_DIGITS)),
        "gaps_today": dg.MetadataValue.int(sum(len(r.gaps) for r in reports)),
        "last_event": dg.MetadataValue.text(_moment(max((r.last_frame for r in reports if r.last_frame), default=None))),
        "venues": dg.MetadataValue.md(f"{head}\n|---|---|---|---|---|---|---|---|\n{rows}"),
    }


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
