"""A backfill of candles started in the web UI: what Dagster adds to the work, and whether the UI stays usable meanwhile.

For each size a platform of its own (`huracan up`: database, simulated venues, recorders, daemon, web server) begins with an
empty library, and Chromium chooses all days of `candles` and presses the button. The peer is the work itself: `ingest_candles`
of the same symbols and days in one plain process, into a library of its own, from the same venue. Overhead per partition is
the difference of the two wall times over the days. While the backfill runs, Chromium opens the pages that a person would look
at, one after the other, each until its content is there and some seconds longer: on this machine it competes with the work, and
opening a page costs it a second of a core. Event-log rows are counted in Dagster's own database.

    python -m benchmarks.backfill [--sizes 50x5,100x10,200x20]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Page, expect

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.migrate import migrate
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.market import MarketData
from tests.ui.browser import find_browser, running_browser
from tests.ui.running import ask, free_port, running_up
from tests.venue_process import running_venue

FIRST_DAY = date(2025, 1, 1)
BASES = (
    "BTC", "ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "AVAX", "LINK", "DOT",
    "LTC", "UNI", "AAVE", "ATOM", "ETC", "FIL", "APT", "ARB", "OP", "NEAR",
)
OVERHEAD_BAR_S, ANSWER_BAR_S, GROWTH_BAR = 0.3, 2.0, 1.25
PATIENCE_MS = 120_000
BACKFILL_S = 3_600.0
READS_S = 3.0  # a page, before the next one is opened
# What a person looks at while a backfill runs, and what must be on the page for it to count as answered.
PAGES = {
    "/assets/candles": "Materialize",
    "/assets/candles?view=partitions": "Partitions",
    "/runs?view=backfills": "Backfill",
    "/asset-groups": "market_data",
}


@dataclass(frozen=True)
class Size:
    """Days and symbols of a backfill."""

    days: int
    symbols: int

    @property
    def last_day(self) -> date:
        """Last day, included."""
        return FIRST_DAY + timedelta(days=self.days - 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Unified symbols."""
        return tuple(f"{base}/USDT:USDT" for base in BASES[: self.symbols])


@dataclass(frozen=True)
class Measured:
    """Wall seconds of the backfill and of the work alone, seconds of each page, rows of the event log."""

    size: Size
    backfill_s: float
    work_s: float
    pages_s: Sequence[float]
    events: int

    @property
    def overhead_s(self) -> float:
        """Beyond the work itself, per partition."""
        return (self.backfill_s - self.work_s) / self.size.days

    @property
    def symbol_day_s(self) -> float:
        """Wall seconds per symbol and day."""
        return self.backfill_s / (self.size.days * self.size.symbols)


def main() -> None:
    """Print a line per size, then one JSON line per bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="50x5,100x10,200x20", help="days x symbols, from small to large")
    sizes = [Size(*map(int, text.split("x"))) for text in parser.parse_args().sizes.split(",")]
    found = [measure(size) for size in sizes]
    for one in found:
        _print(one)
    smallest, largest = found[0], found[-1]
    _bar("backfill: seconds of overhead per partition", "the work itself", largest.overhead_s, OVERHEAD_BAR_S)
    _bar("backfill: slowest page of the UI meanwhile, s", "none", max(largest.pages_s), ANSWER_BAR_S)
    _bar("backfill: time per symbol-day", "the smallest size", largest.symbol_day_s / smallest.symbol_day_s, GROWTH_BAR)
    events = [one.events / one.size.days for one in (smallest, largest)]
    _bar("backfill: event-log rows per partition", "the smallest size", events[1] / events[0], GROWTH_BAR)


def _print(one: Measured) -> None:
    pages = sorted(one.pages_s)
    print(
        f"{one.size.days} days x {one.size.symbols} symbols: backfill {one.backfill_s:.1f} s, the work alone {one.work_s:.1f} s, "
        f"overhead {one.overhead_s:.3f} s a partition, {one.symbol_day_s * 1000:.1f} ms a symbol-day, "
        f"{one.events / one.size.days:.1f} event-log rows a partition; {len(pages)} pages looked at, "
        f"median {statistics.median(pages):.2f} s, slowest {pages[-1]:.2f} s"
    )


def _bar(area: str, peer: str, ratio: float, bar: float) -> None:
    print(json.dumps({"area": area, "peer": peer, "ratio": round(ratio, 3), "bar": bar, "holds": ratio <= bar}))


def measure(size: Size) -> Measured:
    """One size from an empty home, every symbol-day good at the end."""
    home = Path(tempfile.mkdtemp(prefix="huracan-bench-"))
    home.chmod(0o755)  # the database runs under another user
    symbols = ",".join(size.names)
    try:
        # A day more than is asked for: the newest one is still open.
        with running_venue(days=size.days + 1, seed=7, symbols=symbols) as venue:
            work_s = _work_alone(size, venue, home / "plain")
            port = free_port()
            environment = os.environ | {
                "HURACAN_HOME": str(home / "up"), "HURACAN_VENUE__URL": venue, "HURACAN_VENUE__RATE_LIMIT": "false",
                "HURACAN_SYMBOLS": symbols, "HURACAN_UI__PORT": str(port),
            }
            url = f"http://127.0.0.1:{port}"
            with running_up(environment, url, home / "up.log"), running_browser(find_browser(), home / "chrome") as browser:
                page = browser.new_page()
                page.set_default_timeout(PATIENCE_MS)
                backfill_s, pages_s = _backfill(page, url, size)
                server = EmbeddedServer(home / "up").ensure_running()
                _expect_good(Brain(server.brain_dsn), venue, size)
                with psycopg.connect(server.dagster_dsn) as connection:
                    (events,) = connection.execute(
                        "SELECT count(*) FROM event_logs JOIN run_tags USING (run_id) WHERE key = 'dagster/backfill'"
                    ).fetchone() or (0,)
        return Measured(size, backfill_s, work_s, pages_s, events)
    finally:
        for part in ("plain", "up"):
            EmbeddedServer(home / part).destroy()
        shutil.rmtree(home, ignore_errors=True)


def _work_alone(size: Size, venue: str, home: Path) -> float:
    """Wall seconds of the same ingest without Dagster."""
    settings = Settings(home=home, venue=VenueSettings(url=venue, rate_limit=False), symbols=size.names)
    brain = Brain(EmbeddedServer(home).ensure_running().brain_dsn)
    migrate(brain)
    market = MarketData(settings)
    market.instruments(size.names)  # loaded markets, as the code server has them
    began = time.perf_counter()
    ingest_candles(brain, market, size.names, FIRST_DAY, size.last_day, settings)
    took = time.perf_counter() - began
    _expect_good(brain, venue, size)
    EmbeddedServer(home).stop()
    return took


def _expect_good(brain: Brain, venue: str, size: Size) -> None:
    name = MarketData(Settings(venue=VenueSettings(url=venue, rate_limit=False))).venue
    days = QualityRepository(brain).days(name, "candles", size.names, FIRST_DAY, size.last_day)
    good = sum(day.state is DayState.GOOD and day.rows == 1440 for day in days)
    assert good == size.days * size.symbols, f"expected {size.days * size.symbols} good symbol-days, got {good}"


def _backfill(page: Page, url: str, size: Size) -> tuple[float, list[float]]:
    """Wall seconds from the press of the button to the end, and those of every page looked at meanwhile."""
    page.goto(f"{url}/assets/candles")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Confirm").click()  # `instruments` was never made: candles do not read it
    days = dialog.get_by_role("textbox").first
    days.fill(f"[{FIRST_DAY}...{size.last_day}]")
    days.press("Enter")
    expect(dialog.get_by_text(f"{size.days} partitions", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    began, looks, pages = time.perf_counter(), list[float](), itertools.cycle(PAGES.items())
    expect(page.get_by_text("Created backfill")).to_be_visible()
    while (backfill := _newest(url))["status"] in ("REQUESTED", "STARTED"):
        assert time.perf_counter() - began < BACKFILL_S, f"expected the backfill to end within {BACKFILL_S:g} s, got {backfill}"
        path, text = next(pages)
        looks.append(_look(page, f"{url}{path}", text))
        time.sleep(READS_S)
    assert backfill["status"] == "COMPLETED_SUCCESS", f"expected the backfill to succeed, got {backfill}"
    return backfill["endTimestamp"] - backfill["timestamp"], looks


def _look(page: Page, address: str, text: str) -> float:
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.get_by_text(text, exact=False).first.wait_for(state="visible")
    return time.perf_counter() - began


def _newest(url: str) -> dict[str, Any]:
    fields = "status timestamp endTimestamp"
    query = f"{{partitionBackfillsOrError(limit: 1) {{... on PartitionBackfills {{results {{{fields}}}}}}}}}"
    found: dict[str, Any] = ask(url, query)["partitionBackfillsOrError"]["results"][0]
    return found


if __name__ == "__main__":
    main()
