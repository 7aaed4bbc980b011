"""Sentiment's way through ingest: from the texts that were collected to windows per symbol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.sentiment import SentimentRepository, TextRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.contracts.recording import Recording, coverage
from huracan_platform.contracts.texts import SENTIMENT_COLUMNS, ScoredText, Sentiment
from huracan_platform.data.market_data import recorded
from huracan_platform.data.market_data.candles.checks import MAD_TO_SIGMA, MEAN_TO_SIGMA
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.sentiment.collect import DATASET, POLLS_TO_A_GAP

STEP_MS = 15 * MINUTE_MS


@dataclass(frozen=True)
class SentimentKind(recorded.RecordedKind):
    """Texts that became known per symbol and 15 minutes. What was not collected in time cannot be had later."""

    name: str = DATASET
    grace_ms: int = STEP_MS

    @property
    def documented_delay_ms(self) -> int:
        """A window is made of when its texts were seen."""
        return 0

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Windows made of the library's texts."""
        clock, listing = market.clock(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        found = RecordingLedger(self.brain).between(self.name, start, end)
        live_for_ms = int(POLLS_TO_A_GAP * self.settings.sentiment.poll_s * 1000)
        settled = recorded.settled_ms(found, clock, live_for_ms)
        until = min(end, settled)
        ts = np.arange(start, until - STEP_MS + 1, STEP_MS, dtype=np.int64)
        covered = _coverage(found, ts, RecordingLedger(self.brain).first_of_sources(self.name))
        rows = _windows(symbol, ts, covered, self._counted(symbol, start, end))
        return Delivery(
            symbol, days, frame_of(rows), settled, listing, source="feeds", since_ms=self.since_ms(market)
        )

    def since_ms(self, market: MarketSource) -> int | None:
        """When the first collector of any source started: texts are of no venue."""
        return RecordingLedger(self.brain).first_ms(self.name)

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        series = Sentiment(delivery.symbol, **arrays_of(frame, SENTIMENT_COLUMNS))
        counted = self._counted(delivery.symbol, delivery.start_ms, delivery.end_ms)
        results = {}
        for window in windows:
            rows, subject = series.of_day(window.day), Subject(self.name, delivery.symbol, window.day)
            due = recorded.due_windows(window, STEP_MS)
            results[window.day] = [
                recorded.completeness(subject, rows.ts_ms, rows.coverage, due, STEP_MS, self.quality),
                *self._own_checks(rows, subject),
                recorded.freshness(
                    subject, rows.ts_ms, window, delivery.observed_ms, newest=window.day == newest_day(delivery),
                    step_ms=STEP_MS, limit_ms=(1 + self.quality.freshness_bars) * STEP_MS,
                ),
                plausibility(rows, subject, self.quality.plausibility_mad_sigma, delivery.since_ms),
                consistency(rows, subject, counted),
            ]
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Uniqueness and validity of a refused day."""
        if not is_numeric(part, SENTIMENT_COLUMNS):
            return []
        rows = Sentiment(delivery.symbol, **arrays_of(part, SENTIMENT_COLUMNS))
        return self._own_checks(rows, Subject(self.name, delivery.symbol, window.day))

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last window is there, or overdue."""
        return window.due_ms >= window.end_ms or (newest_ms is not None and newest_ms >= window.end_ms - STEP_MS)

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A window is known when it is over."""
        return fact_table(frame, SENTIMENT_COLUMNS, STEP_MS)

    def repository(self, brain: Brain) -> FactRepository:
        """Sentiment of the Brain Library."""
        return SentimentRepository(brain)

    def _own_checks(self, rows: Sentiment, subject: Subject) -> list[CheckResult]:
        good = (np.abs(rows.score) <= 1) & (rows.texts >= 0) & (rows.coverage > 0) & (rows.coverage <= 1)
        return [
            recorded.uniqueness(subject, rows.ts_ms, STEP_MS),
            recorded.validity(subject, rows.ts_ms, good, "scores of −1 to 1, counts from 0, coverage above 0", STEP_MS),
        ]

    def _counted(self, symbol: str, start_ms: int, end_ms: int) -> list[ScoredText]:
        """Texts first seen in [start_ms, end_ms) that count: news when they were seen, each content once.

        The same content again within `stale_after_h`, from whatever source, counts no second time.
        """
        stale_ms = int(self.settings.sentiment.stale_after_h * 3_600_000)
        last_seen: dict[str, int] = {}
        counted = []
        for text in TextRepository(self.brain).seen(start_ms - stale_ms, end_ms, self.settings.sentiment.scorer, symbol):
            repeated = text.seen_ms - last_seen.get(text.content_hash, -stale_ms) < stale_ms
            last_seen[text.content_hash] = text.seen_ms
            if text.seen_ms >= start_ms and not repeated and text.seen_ms - text.published_ms <= stale_ms:
                counted.append(text)
        return counted


def plausibility(rows: Sentiment, subject: Subject, sigmas: float, since_ms: int | None) -> CheckResult:
    """No window with more texts than `sigmas` robust sigmas above the day's median: a flood; a warning.

    The window of the very first look, at `since_ms`, is not judged: all that had been published before became known in it.
    """
    late = rows.ts_ms > (since_ms or 0)
    ts_ms, texts = rows.ts_ms[late], rows.texts[late]
    off = np.abs(texts - np.median(texts)) if len(texts) else np.empty(0)
    sigma = (float(MAD_TO_SIGMA * np.median(off)) or float(MEAN_TO_SIGMA * off.mean())) if len(texts) else 0.0
    bad = np.flatnonzero(off > sigmas * sigma) if sigma else np.empty(0, np.int64)
    found = ranges(ts_ms[bad], STEP_MS)
    return check_result(
        subject, "plausibility", len(bad) == 0, float(off[bad].max() / sigma) if len(bad) else 0.0, sigmas,
        f"expected numbers of texts within {sigmas:g} MAD-sigmas of the day's, got {len(bad)} windows beyond ({in_words(found)})",
        severity=Severity.WARNING, blocking=False, bad=found,
    )


def consistency(rows: Sentiment, subject: Subject, counted: Sequence[ScoredText]) -> CheckResult:
    """Every text of the day is in a window: none came while the ledger says that nobody was there."""
    start = day_start_ms(subject.day)
    texts = [text for text in counted if start <= text.seen_ms < start + DAY_MS]
    until = int(rows.ts_ms[-1]) + STEP_MS if len(rows) else start
    due = sum(text.seen_ms < until for text in texts)
    return check_result(
        subject, "consistency", due == rows.texts.sum(), rows.texts.sum(), due,
        f"expected the day's {due} texts in its windows, got {rows.texts.sum():g}: some came while no collector was noted",
        severity=Severity.WARNING, blocking=False,
    )


def _windows(symbol: str, ts_ms: Int64, covered: Float64, texts: Sequence[ScoredText]) -> Sentiment:
    """A row for each window that was covered at all; mean score of its texts, 0 without any."""
    count, total = np.zeros(len(ts_ms)), np.zeros(len(ts_ms))
    for text in texts:
        at = int(np.searchsorted(ts_ms, text.seen_ms, side="right")) - 1
        if at >= 0 and text.seen_ms < ts_ms[at] + STEP_MS:
            count[at] += 1
            total[at] += text.score
    kept = covered > 0
    score = np.divide(total, count, out=np.zeros(len(ts_ms)), where=count > 0)
    return Sentiment(symbol, ts_ms[kept], score[kept], count[kept], covered[kept])


def _coverage(recordings: Sequence[Recording], ts_ms: Int64, first_ms: Mapping[str, int]) -> Float64:
    """Share of each window that was covered, the mean over the sources that were read at all on that day.

    A source counts from the first window that began after it was first read, `first_ms` by source; before, only where it is
    alone.
    """
    by_source: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_source[recording.source].append(recording)
    day = ts_ms // DAY_MS
    early, due = (np.zeros((2, len(ts_ms))) for _ in range(2))  # shares summed, and sources
    for source, found in by_source.items():
        share = coverage(found, ts_ms, STEP_MS)
        read, is_due = np.isin(day, day[share > 0]), ts_ms >= first_ms[source]
        early += share, read & (share > 0)
        due += share * is_due, read & is_due
    total, sources = np.where(due[1] > 0, due, early)
    mean: Float64 = np.divide(total, sources, out=np.zeros(len(ts_ms)), where=sources > 0)
    return mean
