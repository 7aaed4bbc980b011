"""Recorders and the ingest of every market hour for half an hour of real time, over a network that is lost at random.

A real venue in a process of its own, its market running fast, behind a TCP proxy that cuts connections and goes away for
seconds to minutes by a printed seed. At the end: every gap in the ledger has a reason and every loss of network is one, no row
is there twice, the days of candles are whole, and the memory of each recorder has not grown since minute 10.

    MINUTES=30 SEED=1 python -m scripts.soak
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.migrate import migrate
from huracan_platform.clock import DAY_MS, day_of
from huracan_platform.contracts.recording import KILLED, Gap, explained_gaps, gaps
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding, ingest_liquidations, ingest_open_interest
from huracan_platform.errors import HuracanError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.fakes.tcp_proxy import TcpProxy, proxied
from tests.feeds_process import running_feeds
from tests.venue_process import running_venue

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
RECORDERS = ("liquidations", "sentiment", "book")
SPEED, START_S = 60.0, 180.0
SETTLED_AFTER_MIN, MOST_GROWTH = 10.0, 0.02
# A recorder that backs off comes back three quarters of a minute after the network at the latest: losses lie further apart.
LONGEST_LOSS_S, QUIET_S = 40.0, (60.0, 120.0)
HURACAN = (sys.executable, "-m", "huracan_platform.cli.main")


@dataclass
class Soak:
    """What happened: losses of the network as (wall s, kind, seconds), memory in bytes by recorder, ingests, failures."""

    losses: list[tuple[float, str, float]] = field(default_factory=list)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    ingests: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


def main() -> None:
    """Run it; exit code 1 where something is not as it should be."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    minutes, seed = float(os.environ.get("MINUTES", "30")), int(os.environ.get("SEED", str(random.randrange(10_000))))
    print(f"soak: {minutes:g} min, SEED={seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="huracan-soak-"))
    home.chmod(0o755)
    server = EmbeddedServer(home)
    try:
        dsn = server.ensure_running().brain_dsn
        migrate(Brain(dsn))
        told = _soaked(Brain(dsn), dsn, home, minutes, random.Random(seed))
    finally:
        server.destroy()
    told["seed"] = seed
    for name, value in told.items():
        print(f"{name:<24} {value}")
    print(json.dumps({"bench": "soak", **told}))
    raise SystemExit(1 if told["troubles"] else 0)


def _soaked(brain: Brain, dsn: str, home: Path, minutes: float, rng: random.Random) -> dict[str, object]:
    symbols = ",".join(SYMBOLS)
    with (
        running_venue(days=3, symbols=symbols) as first, running_venue(days=3, symbols=symbols, protocol="bybit") as second,
        running_feeds(first, symbols=symbols) as feeds, proxied(first) as one, proxied(second) as other, proxied(feeds) as texts,
    ):
        environment = {
            **os.environ, "HURACAN_HOME": str(home), "HURACAN_DATABASE__DSN": dsn, "HURACAN_VENUE__URL": one.url,
            "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_SYMBOLS": symbols, "HURACAN_SENTIMENT__POLL_S": "2",
            "HURACAN_SENTIMENT__FEEDS": json.dumps({"news": f"{texts.url}/news.rss"}),
            "HURACAN_VENUE__ALTERNATIVES": json.dumps([{"name": "bybit", "ccxt_id": "bybit", "url": other.url}]),
        }
        recorders = {
            what: subprocess.Popen(
                [*HURACAN, "record", what], env=environment, stdout=(home / f"{what}.log").open("w"), stderr=subprocess.STDOUT
            ) for what in RECORDERS
        }
        settings = Settings(home=home, database={"dsn": dsn}, venue={"url": first, "rate_limit": False}, symbols=SYMBOLS)
        lost = settings.model_copy(update={"venue": settings.venue.model_copy(update={"url": one.url})})
        soak = Soak()
        try:
            for url in (first, second):
                requests.post(f"{url}/control/clock", json={"speed": SPEED}, timeout=10).raise_for_status()
            _expect_begun(brain, 5)  # liquidations of two venues, texts, trades, books
            _run(soak, brain, lost, (one, other, texts), recorders, 60 * minutes, rng)
        finally:
            for process in recorders.values():
                process.terminate()
            for process in recorders.values():
                process.wait(30)
        for url in (first, second):
            requests.post(f"{url}/control/clock", json={"speed": 0}, timeout=10).raise_for_status()
        soak.failures += _ingest(soak, brain, settings, days=3)
        return _judged(soak, brain, settings)


def _expect_begun(brain: Brain, sources: int) -> None:
    """Wait until every source is recorded."""
    give_up = time.monotonic() + START_S
    while True:
        with brain.connect() as connection:
            row = connection.execute("SELECT count(DISTINCT (source, dataset)) FROM recordings").fetchone()
        if row is not None and row[0] >= sources:
            return
        if time.monotonic() > give_up:
            raise TransientError(f"soak: expected {sources} sources recorded within {START_S:g} s, got {row and row[0]}")
        time.sleep(0.5)


def _run(
    soak: Soak, brain: Brain, settings: Settings, proxies: tuple[TcpProxy, ...],
    recorders: dict[str, subprocess.Popen[bytes]], seconds: float, rng: random.Random,
) -> None:
    def hourly() -> None:
        soak.refused += len(_ingest(soak, brain, settings, days=1))

    began, ingesting = time.monotonic(), threading.Thread(target=hourly)
    ingesting.start()
    next_loss, back_at, hour = QUIET_S[0] / 2, 0.0, 0
    while (now := time.monotonic() - began) < seconds:
        for name, process in recorders.items():
            if process.poll() is not None:
                soak.failures.append(f"recorder {name} ended with {process.returncode}")
                return
            soak.memory.setdefault(name, []).append((now, _resident(process.pid)))
        if back_at and now >= back_at:
            for proxy in proxies:
                proxy.up()
            back_at, next_loss = 0.0, now + rng.uniform(*QUIET_S)
        elif not back_at and now >= next_loss and now < seconds - LONGEST_LOSS_S - QUIET_S[0]:
            back_at, next_loss = _lose(soak, proxies, now, rng)
        if now // 60 > hour:  # an hour of the market each minute
            hour = int(now // 60)
            if not ingesting.is_alive():
                ingesting = threading.Thread(target=hourly)
                ingesting.start()
        time.sleep(0.5)
    for proxy in proxies:
        proxy.up()
    ingesting.join()


def _lose(soak: Soak, proxies: tuple[TcpProxy, ...], now: float, rng: random.Random) -> tuple[float, float]:
    """Cut every connection, or lose the network for a while; returns when it is back (0: at once) and when the next loss is."""
    if rng.random() < 0.5:
        for proxy in proxies:
            proxy.cut()
        soak.losses.append((now, "cut", 0.0))
        return 0.0, now + rng.uniform(*QUIET_S)
    away = rng.uniform(2.0, LONGEST_LOSS_S)
    for proxy in proxies:
        proxy.down()
    soak.losses.append((now, "down", away))
    return now + away, now + away


def _ingest(soak: Soak, brain: Brain, settings: Settings, *, days: int) -> list[str]:
    """The market's day so far and what the day before lacks; returns what failed."""
    failed = []
    for ingest in (ingest_candles, ingest_funding, ingest_open_interest, ingest_liquidations):
        soak.ingests += 1
        try:
            market = MarketData(settings)
            now = market.clock().market_ms()
            ingest(brain, market, SYMBOLS, day_of(now - days * DAY_MS), day_of(now), settings)
        except HuracanError as error:
            failed.append(f"{ingest.__name__}: {error}")
    return failed


def _resident(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _judged(soak: Soak, brain: Brain, settings: Settings) -> dict[str, object]:
    troubles: list[str] = list(soak.failures)
    told: dict[str, object] = {}
    market = MarketData(settings)
    for source in ("", "-bybit"):
        name = market.venue + source
        found = RecordingLedger(brain).between("liquidations", 0, 4_000_000_000_000, source=name)
        if not found:
            troubles.append(f"{name}: no recording")
            continue
        span = found[0].began_ms, max(r.until_ms for r in found)
        explained = explained_gaps(found, *span)
        if len(explained) != len(gaps(found, *span)) or _unexplained(explained):
            troubles.append(f"{name}: a gap without a reason")
        told[f"gaps {name}"] = len(explained)
        if len(explained) != len(soak.losses):
            troubles.append(f"{name}: expected {len(soak.losses)} gaps, one for each loss of the network, got {len(explained)}")
    for dataset in ("trades", "book"):
        for symbol in SYMBOLS:
            found = RecordingLedger(brain).between(dataset, 0, 4_000_000_000_000, source=market.venue, symbol=symbol)
            if not found:
                troubles.append(f"{dataset} {symbol}: no recording")
                continue
            explained = explained_gaps(found, found[0].began_ms, max(r.until_ms for r in found))
            away_s = sum(gap.end_ms - gap.start_ms for gap in explained) / 1000
            told[f"gaps {dataset} {symbol}"] = f"{len(explained)}, {away_s:.0f} s of market time"
            troubles += [f"{dataset} {symbol}: a gap without a reason"] if _unexplained(explained) else []
            if len(explained) < len(soak.losses):
                troubles.append(f"{dataset} {symbol}: expected a gap for each of {len(soak.losses)} losses, got {len(explained)}")
    with brain.connect() as connection:
        for what, query in {
            "liquidations": "SELECT count(*) - count(DISTINCT (liquidation_id, version)) FROM liquidations",
            "texts": "SELECT count(*) - count(DISTINCT (source, url, content_hash)) FROM sentiment_scores",
            "candles revised": "SELECT count(*) FROM candles_history",
        }.items():
            row = connection.execute(query).fetchone()
            if row is None or row[0]:
                troubles.append(f"{what}: expected no row twice, got {row and row[0]}")
        row = connection.execute(
            "SELECT (extract(epoch FROM max(ts) - min(ts)) / 60 + 1) * count(DISTINCT series_id) - count(*) FROM candles"
        ).fetchone()
        if row is None or row[0]:
            troubles.append(f"candles: expected every minute, got {row and row[0]} missing")
        counted = connection.execute("SELECT count(*) FROM liquidations WHERE version = 1").fetchone()
        told["liquidations"] = counted and counted[0]
    for name, seen in soak.memory.items():
        settled = [rss for at, rss in seen if at >= 60 * SETTLED_AFTER_MIN]
        if not settled:
            told[f"memory of {name}"] = f"{seen[-1][1] / 1e6:.1f} MB, not judged in so short a time"
            continue
        part = max(1, len(settled) // 10)
        growth = sorted(settled[-part:])[part // 2] / sorted(settled[:part])[part // 2] - 1
        told[f"memory of {name}"] = f"{settled[-1] / 1e6:.1f} MB, {growth:+.2%} since minute {SETTLED_AFTER_MIN:g}"
        if growth >= MOST_GROWTH:
            troubles.append(f"memory of {name}: expected less than {MOST_GROWTH:.0%} more, got {growth:.2%}")
    cuts = sum(kind == "cut" for _, kind, _ in soak.losses)
    return {
        "losses": f"{cuts} cuts, {len(soak.losses) - cuts} of {sum(s for *_, s in soak.losses):.0f} s together", **told,
        "ingests": f"{soak.ingests}, {soak.refused} of them without the network", "troubles": troubles,
    }


def _unexplained(found: Sequence[Gap]) -> bool:
    """No recorder was killed here: one that says nothing at its end has a gap that it cannot explain."""
    return any(not gap.reason or gap.reason == KILLED for gap in found)


if __name__ == "__main__":
    main()
