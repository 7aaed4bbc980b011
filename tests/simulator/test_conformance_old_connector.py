"""The exchange's old connector over TCP, unmodified, in a process of its own: REST and the legacy `/ws` and `/stream` paths."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.known import HOUR, MINUTE, START, Known
from tests.simulator.pointing import open_account
from tests.simulator.raw import get
from tests.venue_process import running_venue

HERE = Path(__file__).parent
CONNECTOR = HERE.parents[1] / "build" / "connector"
WANTED = "expected uv pip install --target build/connector -r tests/simulator/old_connector.txt"
pytestmark = pytest.mark.skipif(not CONNECTOR.is_dir(), reason=WANTED)


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """A venue whose market runs at half a minute a second."""
    with running_venue(days=1, symbols="BTCUSDT,ETHUSDT", speed=30.0) as url:
        yield url


@pytest.fixture(scope="module")
def told(venue: str) -> dict[str, Any]:
    """What the connector has read and done."""
    command = [sys.executable, str(HERE / "old_connector.py"), venue, *open_account(venue)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False, env={"PYTHONPATH": str(CONNECTOR)}, cwd=CONNECTOR
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_it_reads_the_market_that_the_seed_makes(told: dict[str, Any]) -> None:
    rows = [[r[0], *(float(x) for x in r[1:6])] for r in told["klines"][:2]]
    assert rows == Known("BTCUSDT", 1).candles(START + 22 * HOUR, 2, 60)
    assert [r["fundingTime"] for r in told["funding"]] == [START + 16 * HOUR, START + 24 * HOUR]
    assert float(told["depth"]["bids"][0][0]) < float(told["depth"]["asks"][0][0])
    assert float(told["mark"]["markPrice"]) == pytest.approx(float(told["price"]["price"]), rel=0.01)
    assert told["trades"][1]["a"] > told["trades"][0]["a"]
    assert 0 < float(told["ratio"][0]["longAccount"]) < 1


def test_it_trades_and_is_refused(told: dict[str, Any]) -> None:
    assert (told["bought"]["status"], told["bought"]["executedQty"]) == ("FILLED", "0.100")
    assert told["refused"] == [400, -2019]
    assert [o["orderId"] for o in told["open"]] == [told["resting"]["orderId"]]
    assert told["cancelled"]["status"] == "CANCELED"
    assert told["position"][0]["positionAmt"] == "0.100"
    spent = float(told["bought"]["cumQuote"]) * 0.0005
    assert float(told["balance"][0]["balance"]) == pytest.approx(100_000 - spent)


def test_its_raw_socket_has_bare_events_and_its_combined_one_names_the_stream(venue: str, told: dict[str, Any]) -> None:
    bars = [m["k"] for m in told["raw"] if m.get("e") == "kline"]
    assert bars
    assert all((b["i"], b["s"], b["t"] % MINUTE) == ("1m", "BTCUSDT", 0) for b in bars)
    framed = [m for m in told["combined"] if "stream" in m]
    assert {m["stream"] for m in framed} == {"btcusdt@kline_1m"}
    assert framed[0]["data"]["k"]["o"] == get(
        venue, f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={framed[0]['data']['k']['t']}&limit=1"
    )[0][1]


def test_it_hears_its_own_orders(told: dict[str, Any]) -> None:
    assert (told["user"]["o"]["s"], told["user"]["o"]["S"], told["user"]["o"]["q"]) == ("ETHUSDT", "BUY", "1.000")
