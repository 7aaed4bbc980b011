"""A simulated market that starts again goes on where the library ends."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.cli.world import go_on
from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.settings import Settings
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"


def told(url: str, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.load(urllib.request.urlopen(f"{url}{path}"))
    return answer


def store_bar(brain: Brain, venue: str, ts_ms: int) -> None:
    prices = {name: [100.0] for name in ("open", "high", "low", "close")}
    bar = pa.table({"symbol": [BTC], "ts_ms": [ts_ms], **prices, "volume": [1.0], "known_at_ms": [ts_ms + MINUTE_MS]})
    CandleRepository(brain).upsert(venue, bar, ts_ms)


def test_the_clock_moves_to_the_end_of_the_newest_bar_and_never_back(brain: Brain) -> None:
    with running_venue(days=1, symbols=BTC) as url:
        settings = Settings(symbols=(BTC,), database={"dsn": brain.dsn}, venue={"url": url})
        venue, begun = told(url, "/control/identity")["venue"], told(url, "/control/clock")["market_ms"]
        go_on(settings)
        assert told(url, "/control/clock")["market_ms"] == begun
        store_bar(brain, "another-market", begun + HOUR_MS)
        store_bar(brain, venue, begun - HOUR_MS)
        go_on(settings)
        assert told(url, "/control/clock")["market_ms"] == begun
        store_bar(brain, venue, begun + HOUR_MS)
        go_on(settings)
        assert told(url, "/control/clock")["market_ms"] == begun + HOUR_MS + MINUTE_MS
