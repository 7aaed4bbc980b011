"""Trades and books per second on a real Dagster instance, a real library and a real venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.seconds import TradeSecondRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, Launch
from tests.defs.seconds import record_seconds
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

WHOLE = date(2025, 1, 2)
CUT, FALSE, NEVER = (WHOLE + timedelta(days=n) for n in (1, 2, 3))


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    with running_venue(days=7, symbols=BTC) as url:
        yield url


def test_recorded_days_are_judged_against_the_candles_and_their_gaps_are_told(
    venue: str, point_at: Callable, launch: Launch, brain: Brain
) -> None:
    point_at(venue)
    market = Platform().market()
    for day, hours, lost in ((WHOLE, 24, 0.0), (CUT, 20, 0.0), (FALSE, 24, 0.05)):
        record_seconds(brain, market, BTC, day, hours=hours, lost=lost)
    assert launch("market_data_job", str(WHOLE), str(NEVER)).success
    run = launch("microstructure_job", str(WHOLE), str(NEVER))
    assert run.success, run.errors
    states = {
        asset: [run.partitions[asset][str(day)]["states"] for day in (WHOLE, CUT, FALSE, NEVER)] for asset in ("trades", "book")
    }
    assert states["trades"] == [f"{BTC} {state}" for state in ("good", "degraded", "quarantined", "degraded")]
    assert states["book"] == [f"{BTC} {state}" for state in ("good", "degraded", "good", "degraded")]
    assert run.partitions["book"][str(WHOLE)]["dagster/row_count"] == 86_400
    check = run.checks["trades", "consistency"]
    assert "in 1440 whole minutes, got 1440 others" in check.description
    assert "20:00" in run.checks["book", "completeness"].description
    assert "data:image/png;base64" in run.metadata["book"]["spread and depth"]
    again = launch("microstructure_job", str(WHOLE), str(NEVER))
    for asset in ("trades", "book"):
        told = again.metadata[asset]
        assert (told["revised"], told["content_hash"]) == (0, run.metadata[asset]["content_hash"])
    rows = TradeSecondRepository(brain).read(market.venue, [BTC], day_start_ms(WHOLE), day_start_ms(WHOLE) + DAY_MS)[BTC]
    bars = market.candles(BTC, day_start_ms(WHOLE), day_start_ms(WHOLE) + DAY_MS)
    assert rows.signed_base.sum() == pytest.approx(bars.volume.sum())
