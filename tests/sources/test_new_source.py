"""The source that docs/sources.md adds, run as it stands there: a local server, a real Dagster instance, a real library."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, ManualClock, day_start_ms
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.ingest import ingest_source
from huracan_platform.data.sources.source import Source
from huracan_platform.defs.data.sources import source_asset
from huracan_platform.defs.launch import RANGE_END, RANGE_START
from huracan_platform.defs.resources import Platform
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.defs.conftest import point_at  # noqa: F401
from tests.market_data.made import SpoiledMarket
from tests.sources.conftest import BTC, ETH, FIRST, SECOND
from tests.venue_process import running_venue

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"
NAME, PAGE = "volatility_index", 20


def high_at(ts_ms: int) -> float:
    """Some level that changes by a little from hour to hour."""
    return 61.0 + (ts_ms // HOUR_MS) ** 2 * 31 % 97 / 50


class Deribit:
    """Hourly bars of the index as its API tells them, newest page first; `spoil` sees every bar on its way out."""

    def __init__(self) -> None:
        self.spoil: Callable[[int, list[float]], list[object]] = lambda ts, bar: list(bar)

    def answer(self, start_ms: int, end_ms: int) -> dict[str, object]:
        opens = range(-(-start_ms // HOUR_MS) * HOUR_MS, end_ms + 1, HOUR_MS)
        page = opens[-PAGE:]
        bars = [[ts, *self.spoil(ts, [60.0, high_at(ts), 59.0, 60.5])] for ts in page]
        return {"jsonrpc": "2.0", "result": {"data": bars, "continuation": page[0] - 1 if len(opens) > PAGE else None}}


@pytest.fixture
def deribit() -> Deribit:
    return Deribit()


@pytest.fixture
def url(deribit: Deribit) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = json.dumps(deribit.answer(int(asked["start_timestamp"]), int(asked["end_timestamp"]))).encode()
            self.send_response(200 if asked["resolution"] == "3600" else 400)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The file in the page, word for word."""
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    path = tmp_path / f"{NAME}.py"
    path.write_text(found.group(1))
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, NAME, module)  # dataclasses look their module up by name
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(module: ModuleType, url: str) -> Source:
    source: Source = module.VolatilityIndexSource(url)
    return source


@pytest.fixture
def materialise(venue_url: str, point_at: Callable, source: Source) -> Callable[[], dg.ExecuteInProcessResult]:  # noqa: F811
    """One run of the source's asset over both days."""

    def run(symbols: str = BTC) -> dg.ExecuteInProcessResult:
        point_at(venue_url, symbols)
        with dg.DagsterInstance.ephemeral() as instance:
            return dg.materialize(
                [source_asset(source)], instance=instance, raise_on_error=False, resources={"platform": Platform()},
                tags={RANGE_START: str(FIRST), RANGE_END: str(SECOND)},
            )

    return run


def test_one_file_is_an_asset_whose_rows_reach_the_library(
    materialise: Callable, source: Source, brain: Brain, market: MarketData
) -> None:
    run = materialise(f"{BTC},{ETH}")
    assert run.success
    days = [event.step_materialization_data.materialization.metadata for event in run.get_asset_materialization_events()]
    assert [(day["dagster/row_count"].value, day["coverage"].value) for day in days] == [(48, 1.0), (48, 1.0)]
    told = days[-1]
    checks = {check.check_name: check.passed for check in run.get_asset_check_evaluations()}
    names = ("contract", "completeness", "uniqueness", "validity", "freshness", "plausibility", "consistency")
    assert checks == dict.fromkeys(names, True)
    start = day_start_ms(FIRST)
    rows = SourceRepository(brain, source.contract).read(market.venue, [BTC], start, start + 2 * DAY_MS)[BTC]
    assert rows.ts_ms.tolist() == [start + k * HOUR_MS for k in range(48)]
    assert rows["high"].tolist() == [high_at(ts) for ts in rows.ts_ms.tolist()]
    again = materialise(f"{BTC},{ETH}")
    content = again.get_asset_materialization_events()[-1].step_materialization_data.materialization.metadata["content_hash"]
    assert content == told["content_hash"]


@pytest.mark.parametrize(("check", "spoil"), [
    ("consistency", lambda bar: [bar[0], bar[1], bar[2], 99.0]),
    ("contract", lambda bar: [bar[0], bar[1], -1.0, bar[3]]),
    ("contract", lambda bar: [bar[0], bar[1] / 100, bar[2] / 100, bar[3] / 100]),
    ("contract", lambda bar: ["none"] * 4),
])
def test_a_bad_bar_fails_its_check_and_its_day_is_kept_apart_until_it_comes_right(
    materialise: Callable, deribit: Deribit, brain: Brain, market: MarketData, check: str, spoil: Callable
) -> None:
    bad = day_start_ms(SECOND) + 5 * HOUR_MS
    deribit.spoil = lambda ts, bar: spoil(bar) if ts == bad else list(bar)
    run = materialise()
    failed = {found.check_name for found in run.get_asset_check_evaluations() if not found.passed}
    assert check in failed
    states = {day.day: day.state for day in QualityRepository(brain).days(market.venue, NAME, [BTC], FIRST, SECOND)}
    assert states[SECOND] is DayState.QUARANTINED
    assert {entry.dataset for entry in Quarantine(brain).entries()} == {NAME}
    deribit.spoil = lambda ts, bar: list(bar)
    assert {found.passed for found in materialise().get_asset_check_evaluations()} == {True}
    assert Quarantine(brain).entries() == []


def test_a_symbol_that_it_does_not_know_is_unavailable_and_fails_nothing(
    module: ModuleType, url: str, brain: Brain, settings: Settings
) -> None:
    sol = "SOL/USDT:USDT"
    with running_venue(days=2, symbols=sol) as venue:
        market = MarketData(Settings(venue={"url": venue, "rate_limit": False}))
        report = ingest_source(module.VolatilityIndexSource(url), brain, market, (sol,), FIRST, SECOND, settings)
    report.raise_if_bad()
    assert {day.state for day in report.days} == {DayState.UNAVAILABLE}
    assert report.days[0].reasons == ("volatility index: expected one of BTC, ETH, got SOL",)


def test_a_bar_whose_span_is_not_over_is_not_asked_for_and_the_day_stays_open(
    module: ModuleType, url: str, brain: Brain, market: MarketData, settings: Settings
) -> None:
    half_past_ten = day_start_ms(SECOND) + 10 * HOUR_MS + HOUR_MS // 2
    early = SpoiledMarket(market, clock=ManualClock(market.clock().wire_ms(), half_past_ten))
    report = ingest_source(module.VolatilityIndexSource(url), brain, early, (BTC,), FIRST, SECOND, settings)
    assert [(day.state, day.rows) for day in report.days] == [(DayState.GOOD, 24), (DayState.OPEN, 10)]
    assert all(check.passed for check in report.checks)
