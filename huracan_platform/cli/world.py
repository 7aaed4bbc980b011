"""The services that a whole platform needs on one machine: database, venue, Dagster's own files."""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from huracan_platform.brain.connection import embedded_server, ensure_server
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.migrate import open_brain
from huracan_platform.cli.processes import Processes
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_of
from huracan_platform.errors import ConfigurationError, PermanentError, TransientError
from huracan_platform.settings import Settings, export, load_settings

PROJECT = Path(__file__).parent.parent.parent

# Recordings of a few weeks cannot fill windows of 30 and 90 days nor half a year of out-of-sample folds. These settings
# let the job run on them; feature manifests name the profile, and the gates say what evidence is missing.
SHORT_HISTORY = {
    "HURACAN_FEATURES__PROFILE": "short_history",
    "HURACAN_TRAINING__WALK_FORWARD_TRAIN_DAYS": "10",
    "HURACAN_TRAINING__WALK_FORWARD_TEST_DAYS": "5",
}
SHORT_HISTORY_DAYS = 120

# Dagster opens a connection per stored event; a run of 360 days writes its materialisations in batches instead.
EVENT_BATCH = "200"


@dataclass(frozen=True)
class World:
    """A running platform: settings with addresses filled in, and the full days of history the venue has."""

    settings: Settings
    processes: Processes
    first_day: date | None
    last_day: date | None

    def set_speed(self, speed: float) -> None:
        """Market seconds per wall second at the simulated venue and its alternatives, which show one market."""
        for url in (self.settings.venue.url, *(other.url for other in self.settings.venue.alternatives)):
            _ask(url, "/control/clock", {"speed": speed})


@contextmanager
def running_world(*, replay: Path | None, tell: Callable[[str], None] = lambda text: None) -> Iterator[World]:
    """Start what is not there yet, and stop on the way out what was started here, whatever ends the block.

    `tell` gets a word before each part that takes seconds.
    """
    settings = load_settings()
    owned = settings.database.dsn is None and embedded_server(settings).status().state != "running"
    tell("database")
    endpoint = ensure_server(settings)
    dagster_home = settings.home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "dagster.yaml", dagster_home / "dagster.yaml")
    export(
        {
            "DAGSTER_HOME": str(dagster_home),
            "DAGSTER_STORAGE_DSN": endpoint.dagster_dsn,
            "DAGSTER_EVENT_BATCH_SIZE": EVENT_BATCH,
            "HURACAN_DATABASE__DSN": endpoint.brain_dsn,
            **_compiled_modules(settings),
        }
    )
    try:
        with Processes(settings.home / "logs") as processes:
            first, last = None, None
            if settings.venue.kind == "simulated":
                if settings.venue.url is None:
                    tell("simulated venues")
                    _start_venues(processes, settings, replay)
                    go_on(load_settings())
                first, last = _history(load_settings())
                export(_partitions(load_settings()))
                if (last - first).days < SHORT_HISTORY_DAYS:
                    export(SHORT_HISTORY)
            elif replay is not None:
                raise ConfigurationError("expected HURACAN_VENUE__KIND=simulated with a replay, got real")
            yield World(load_settings(), processes, first, last)
    finally:
        if owned:
            embedded_server(settings).stop()


def _compiled_modules(settings: Settings) -> dict[str, str]:
    """Where none may be left beside the sources they go into home: without any, a dozen processes compile all of Dagster each."""
    if not sys.dont_write_bytecode:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(settings.home / "bytecode")}


def _start_venues(processes: Processes, settings: Settings, replay: Path | None) -> None:
    """The venue, and beside it, where the settings name no alternatives, one that speaks Bybit over the same market."""
    if replay is not None and not replay.is_dir():
        raise PermanentError(f"expected a directory of recorded data, got {replay}")
    arguments = ["-m", "huracan_platform.cli.main", "venue", "--port", "0", "--no-limits"]
    arguments += ["--symbols", ",".join(settings.symbols)]
    arguments += ["--replay", str(replay.resolve())] if replay else []
    commands = {"venue": arguments}
    if not settings.venue.alternatives:
        commands["venue-bybit"] = [*arguments, "--protocol", "bybit"]
    urls = {name: line.split()[-1] for name, line in processes.start_together(commands, ready="venue ready").items()}
    export({"HURACAN_VENUE__URL": urls["venue"], "HURACAN_VENUE__RATE_LIMIT": "false"})
    if "venue-bybit" in urls:
        other = {"name": "bybit", "ccxt_id": "bybit", "url": urls["venue-bybit"]}
        export({"HURACAN_VENUE__ALTERNATIVES": json.dumps([other])})


def go_on(settings: Settings) -> None:
    """Set the market's clock to where the library's newest bar ended: a venue that starts again begins at the same moment.

    Else a day that is in the library would be lived, and traded, a second time.
    """
    clock, venue = control(settings, "/control/clock"), control(settings, "/control/identity")["venue"]
    candles = CandleRepository(open_brain(settings))
    ends = [bounds[1] + MINUTE_MS for symbol in settings.symbols if (bounds := candles.bounds(venue, symbol)) is not None]
    reached = max(ends, default=0)
    if clock["market_ms"] < reached < (clock["market_end_ms"] or reached + 1):
        for url in (settings.venue.url, *(other.url for other in settings.venue.alternatives)):
            _ask(url, "/control/clock", {"market_ms": reached})


def _history(settings: Settings) -> tuple[date, date]:
    clock = control(settings, "/control/clock")
    first_ms, now_ms = clock["history_start_ms"], clock["market_ms"]
    first = day_of(first_ms) if first_ms % DAY_MS == 0 else day_of(first_ms) + timedelta(days=1)
    return first, day_of(now_ms) - timedelta(days=1)


def _partitions(settings: Settings) -> dict[str, str]:
    """Days end with the simulated market: what comes after it on the wall's calendar could never be filled."""
    end_ms = control(settings, "/control/clock")["market_end_ms"]
    if settings.last_day is not None or end_ms is None:
        return {}
    return {"HURACAN_LAST_DAY": day_of(end_ms - 1).isoformat()}


def control(settings: Settings, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the simulated venue's control side; POST when there is a body.

    Raises
    ------
    ConfigurationError
        The venue's address is none.
    TransientError
        Nothing answers there, or what answers is no simulated venue.
    """
    return _ask(settings.venue.url, path, body)


def _ask(url: str | None, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    if url is None or not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"HURACAN_VENUE__URL: expected http://HOST:PORT, got {url!r}")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", headers={"Content-Type": "application/json"}, data=data)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            result: dict[str, Any] = json.load(answer)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise TransientError(f"HURACAN_VENUE__URL: expected a simulated venue at {url}, got {error}") from None
    return result
