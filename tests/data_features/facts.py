"""Facts with their versions, as a library would hold them of some days: arrivals, a correction, gaps and what was told late."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Int64
from huracan_platform.data.features.positioning.alignment import PositioningFacts
from tests.data_features.synthetic import START_MS

OI_STEP_MS, WINDOW_MS = 5 * MINUTE_MS, 15 * MINUTE_MS


def versions(ts_ms: Int64, delay_ms: int, **values: np.ndarray) -> FactVersions:
    """One version of each, known so long after its ts."""
    return in_order(FactVersions(ts_ms, ts_ms + delay_ms, {n: np.asarray(v, np.float64) for n, v in values.items()}))


def in_order(given: FactVersions) -> FactVersions:
    """As the library tells them: in the order in which they became known."""
    return taken(given, np.argsort(given.known_ms, kind="stable"))


def taken(given: FactVersions, rows: np.ndarray) -> FactVersions:
    """Some of the versions."""
    return FactVersions(given.ts_ms[rows], given.known_ms[rows], {n: v[rows] for n, v in given.values.items()})


def without(given: FactVersions, start_ms: int, end_ms: int) -> FactVersions:
    """A gap."""
    return taken(given, (given.ts_ms < start_ms) | (given.ts_ms >= end_ms))


def late(given: FactVersions, start_ms: int, end_ms: int, by_ms: int) -> FactVersions:
    """The facts of a span, known so much later."""
    of_span = (given.ts_ms >= start_ms) & (given.ts_ms < end_ms)
    return in_order(replace(given, known_ms=given.known_ms + np.where(of_span, by_ms, 0)))


def corrected(given: FactVersions, row: int, column: str, value: float, by_ms: int) -> FactVersions:
    """A further version of one fact, known so much later than the first."""
    values = {n: np.append(v, value if n == column else v[row]) for n, v in given.values.items()}
    return in_order(FactVersions(
        np.append(given.ts_ms, given.ts_ms[row]), np.append(given.known_ms, given.known_ms[row] + by_ms), values,
    ))


def facts_of(days: int, seed: int, start_ms: int = START_MS) -> PositioningFacts:
    """Some days from `start_ms` on, and the day before them."""
    rng = np.random.default_rng(seed)
    first, end = start_ms - DAY_MS, start_ms + days * DAY_MS
    settled, snapshots = np.arange(first, end, 8 * HOUR_MS), np.arange(first, end, OI_STEP_MS)
    windows, minutes = np.arange(first, end, WINDOW_MS), np.arange(first, end, MINUTE_MS)
    dates, n = np.arange(first, end, DAY_MS), len(minutes)
    usd = [rng.exponential(5e4, n) * (rng.random(n) < 0.3) for _ in range(2)]
    return PositioningFacts(
        funding=versions(settled, 5_000, rate=rng.normal(0, 1e-4, len(settled)), interval_h=np.full(len(settled), 8.0)),
        funding_elsewhere=versions(settled, 5_000, rate=rng.normal(0, 1e-4, len(settled)), interval_h=np.full(len(settled), 4.0)),
        open_interest=versions(
            snapshots, 300_000, contracts=1e4 * np.exp(np.cumsum(rng.normal(0, 2e-3, len(snapshots)))),
            value_usd=np.ones(len(snapshots)),
        ),
        sentiment=versions(
            windows, WINDOW_MS, score=rng.uniform(-1, 1, len(windows)), texts=np.ones(len(windows)),
            coverage=np.ones(len(windows)),
        ),
        fear_greed=versions(dates, 90 * MINUTE_MS, value=rng.uniform(10, 90, len(dates))),
        liquidations=versions(
            minutes, 62_000, long_usd=usd[0], short_usd=usd[1], in_cascade=(rng.random(n) < 0.1), coverage=np.ones(n)
        ),
    )


def known_by(facts: PositioningFacts, moment_ms: int) -> PositioningFacts:
    """What could be known by a moment."""
    return PositioningFacts(**{
        f.name: taken(given, given.known_ms <= moment_ms) for f in fields(facts) for given in (getattr(facts, f.name),)
    })
