"""What there is to see of the recorders of liquidations from outside."""

from __future__ import annotations

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.clock import day_of, day_start_ms, to_ms
from huracan_platform.data.market_data.liquidations.book import DATASET
from huracan_platform.data.market_data.recorders import RecorderReport, recorder_reports


def observed_liquidations(brain: Brain, wire_ms: int) -> tuple[list[RecorderReport], dict[str, int]]:
    """The recorders of each venue, and how many liquidations each has stored of the market's day of its last frame."""
    reports, store = recorder_reports(brain, wire_ms, DATASET), LiquidationRepository(brain)
    days = {r.source: day_start_ms(day_of(to_ms(r.last_frame))) for r in reports if r.last_frame is not None}
    return reports, {source: store.count(source, since) for source, since in days.items()}
