"""What a person does in the web UI that `huracan up` serves, done by a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.clock import DAY_MS
from huracan_platform.definitions import defs
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.ui.browser import open_all_groups
from tests.ui.conftest import BTC, HISTORY_DAYS, Stack
from tests.ui.running import ask

pytestmark = pytest.mark.slow

FIRST = date(2025, 1, 1)
CHOSEN = [date(2025, 1, 14), date(2025, 1, 15), date(2025, 1, 16)]
PATIENCE_MS = 60_000
BACKFILL_MS = 300_000

expect.set_options(timeout=PATIENCE_MS)

# The web server answers 200 where a query failed, and says so inside.
TELL_FAILED_QUERIES = """
const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await ask(...request);
  if (answer.url.includes("/graphql")) answer.clone().text().then(text => {
    if (/"errors": *\\[|"__typename": *"PythonError"/.test(text)) console.error(answer.url + ": " + text.slice(0, 500));
  }).catch(() => {});
  return answer;
};
"""


@pytest.fixture
def page(browser: BrowserContext, stack: Stack) -> Iterator[Page]:
    """A tab that has seen no error at the end: none on the console, none in an answer, nothing asked of another host."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(TELL_FAILED_QUERIES)
    problems: list[str] = []
    page.on("console", lambda message: problems.extend(_told(message)))
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("request", lambda request: problems.extend(_foreign(request, stack.url)))
    page.on("response", lambda response: problems.extend(_refused(response)))
    yield page
    page.close()
    assert problems == []


@pytest.fixture
def picture(page: Page, tmp_path: Path) -> Callable[[str], None]:
    """Keeps what the page looks like under the test's own folder, whose path pytest tells when the test fails."""

    def take(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png")

    return take


def test_lineage_shows_every_asset_by_name(page: Page, stack: Stack, picture: Callable[[str], None]) -> None:
    graph = defs.resolve_asset_graph()
    page.goto(f"{stack.url}/asset-groups")
    for group in {node.group_name for node in graph.asset_nodes}:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    picture("groups")
    page.set_viewport_size({"width": 4800, "height": 2700})  # long names are cut on a smaller one
    open_all_groups(page, stack.url)
    for node in graph.asset_nodes:
        expect(page.get_by_text(node.key.to_user_string(), exact=True).first).to_be_attached()
    picture("assets")


def test_a_models_page_shows_its_plot(page: Page, stack: Stack, picture: Callable[[str], None]) -> None:
    page.goto(f"{stack.url}/assets/feature_importance?view=partitions&partition=BTC-USDT%3AUSDT")
    expect(page.get_by_text("ranking_linear")).to_be_visible()
    picture("partition")
    plot = page.locator("img[src^='data:image/png']")
    if not plot.count():
        page.get_by_text("[Show Markdown]").first.click()
    expect(plot).to_be_visible()
    picture("plot")
    assert plot.evaluate("image => image.complete && image.naturalWidth") > 300


def test_a_failed_check_says_what_is_missing(page: Page, stack: Stack, picture: Callable[[str], None]) -> None:
    page.goto(f"{stack.url}/assets/candles")
    page.get_by_role("tab", name="Checks").click()
    page.get_by_text("completeness", exact=True).first.click()
    expect(page.get_by_text("rows got against rows expected", exact=False).first).to_be_visible()
    picture("check")
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text(f"candles {BTC} 2025-01-08: expected 1440 bars, got 1439 (missing 12:07)").first).to_be_visible()


def test_three_days_are_backfilled_from_the_ui(page: Page, stack: Stack, picture: Callable[[str], None]) -> None:
    before = stored_days(stack)
    assert before.isdisjoint(CHOSEN)
    page.goto(f"{stack.url}/assets/candles")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    days = dialog.get_by_role("textbox").first
    days.fill(f"[{CHOSEN[0]}...{CHOSEN[-1]}]")
    days.press("Enter")
    expect(dialog.get_by_text("3 partitions", exact=True)).to_be_visible()
    picture("chosen")
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()
    page.goto(f"{stack.url}/runs?view=backfills")
    page.locator("a[href^='/runs/b/']").first.click()
    page.wait_for_url("**/runs/b/*")
    picture("launched")
    expect(page.get_by_text("100% completed")).to_be_visible(timeout=BACKFILL_MS)
    picture("completed")
    backfill = page.url.split("?")[0].rpartition("/")[2]
    assert wait_for_end(stack, backfill) == "COMPLETED_SUCCESS"
    assert sorted(stored_days(stack) - before) == CHOSEN


def test_every_sensor_is_on_and_none_fails_its_first_tick(stack: Stack) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not all((ticks := sensor_ticks(stack)).values()) and time.monotonic() < deadline:
        time.sleep(1)
    assert [name for name, statuses in ticks.items() if not statuses] == []
    assert [name for name, statuses in ticks.items() if "FAILURE" in statuses] == []


def sensor_ticks(stack: Stack) -> dict[str, list[str]]:
    """How the evaluations of each sensor ended."""
    sensors = "sensors {name sensorState {ticks(limit: 100) {status}}}"
    answer = ask(stack.url, f"{{repositoriesOrError {{... on RepositoryConnection {{nodes {{{sensors}}}}}}}}}")
    return {
        sensor["name"]: [tick["status"] for tick in sensor["sensorState"]["ticks"]]
        for sensor in answer["repositoriesOrError"]["nodes"][0]["sensors"]
    }


def wait_for_end(stack: Stack, backfill: str) -> str:
    """How it ended; it is closed some seconds after its last partition."""
    query = f'{{partitionBackfillOrError(backfillId: "{backfill}") {{... on PartitionBackfill {{status}}}}}}'
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (status := str(ask(stack.url, query)["partitionBackfillOrError"]["status"])) == "REQUESTED":
        assert time.monotonic() < deadline, status
        time.sleep(1)
    return status


def stored_days(stack: Stack) -> set[date]:
    """Days of the history with at least a day's bars but one, the newest aside: schedules load that."""
    brain = Brain(EmbeddedServer(stack.home).ensure_running().brain_dsn)
    venue = MarketData(Settings(home=stack.home, venue={"url": stack.venue})).venue
    start_ms = int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp() * 1000)
    bars = CandleRepository(brain).read(venue, [BTC], start_ms, start_ms + (HISTORY_DAYS - 1) * DAY_MS)[BTC]
    days = (bars.ts_ms - start_ms) // DAY_MS
    return {FIRST + timedelta(days=int(day)) for day in set(days.tolist()) if (days == day).sum() >= 1439}


def _told(message: ConsoleMessage) -> list[str]:
    return [f"console: {message.text}"] if message.type == "error" else []


def _foreign(request: Request, url: str) -> list[str]:
    return [] if request.url.startswith((url, url.replace("http", "ws"), "data:", "blob:")) else [f"asked {request.url}"]


def _refused(response: Response) -> list[str]:
    return [f"{response.status} {response.url}"] if response.status >= 400 else []
