"""What datasets that are recorded live have in common: windows that the recorder was there for, and checks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import MINUTE_MS, Clock, day_of, day_start_ms, to_datetime
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.contracts.recording import Recording
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.series_checks import each_once
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.settings import QualitySettings, Settings

# Nobody can fetch these again: what no recorder heard is gone.
RECORDED_LIVE = frozenset({"sentiment", "liquidations", "trades", "book"})
# A recorder of streams writes every few seconds of wall time; one that has not for so long is not running.
LIVE_FOR_MS = 60_000


@dataclass(frozen=True)
class RecordedKind:
    """What every dataset has that is recorded live: of the settings, in the library, and nothing from before its recorder."""

    settings: Settings
    brain: Brain
    name: str = field(kw_only=True)

    @property
    def quality(self) -> QualitySettings:
        """Thresholds of the checks."""
        return self.settings.quality

    @property
    def documented_delay_ms(self) -> int:
        """Of the settings."""
        return self.quality.arrival_delay_ms

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """Begin of the first day on which a recorder was running; `observed_ms` where none ever was."""
        first = self.since_ms(market)
        return observed_ms if first is None else day_start_ms(day_of(first))

    def since_ms(self, market: MarketSource) -> int | None:
        """When the venue's recorder of this dataset first started, market time; None where it never did."""
        return RecordingLedger(self.brain).first_ms(self.name, market.venue)


def settled_ms(recordings: Sequence[Recording], clock: Clock, live_for_ms: int) -> int:
    """Market time up to which nothing more can come: how far the recorders that are running have got, else now.

    A recorder counts as running when its ledger moved within `live_for_ms` wall time.
    """
    now = clock.market_ms()
    running = [r.until_ms for r in recordings if r.ended is None and clock.wire_ms() - r.recorded_ms <= live_for_ms]
    return min([now, *running])


def due_windows(window: DueWindow, step_ms: int) -> Int64:
    """Begins of the windows of `step_ms` that are due."""
    first = -(-window.start_ms // step_ms) * step_ms
    return window.unexplained(np.arange(first, window.due_ms - step_ms + 1, step_ms, dtype=np.int64))


def completeness(
    subject: Subject, ts_ms: Int64, coverage: Float64, due: Int64, step_ms: int, quality: QualitySettings
) -> CheckResult:
    """The recorder was there for all that is due; explained gaps aside. Never blocking: what was recorded is genuine.

    Windows count by the share of them that was covered. A window without a row was not recorded at all.
    """
    at = np.searchsorted(ts_ms, due)
    there = np.isin(due, ts_ms)
    share = np.zeros(len(due))
    share[there] = coverage[at[there]]
    missing = due[share < 1]
    got, bad = float(share.sum()), ranges(missing, step_ms)
    covered = got / len(due) if len(due) else 1.0
    return check_result(
        subject, "completeness", len(missing) == 0, got, len(due),
        f"expected {len(due)} windows of {_span(step_ms)} recorded, got {floor(got * 100) / 100:.10g}, the recorder was away or "
        f"cut off in {in_words(bad, step_ms)}",
        severity=Severity.ERROR if covered < quality.coverage_alert else Severity.WARNING, bad=bad, blocking=False,
    )


def _span(step_ms: int) -> str:
    return f"{step_ms // MINUTE_MS} min" if step_ms >= MINUTE_MS else f"{step_ms // 1000} s"


def uniqueness(subject: Subject, ts_ms: Int64, step_ms: int) -> CheckResult:
    """Each window once, in time order."""
    return each_once(subject, ts_ms, step_ms, "window")


def validity(subject: Subject, ts_ms: Int64, good: np.ndarray, expected: str, step_ms: int) -> CheckResult:
    """Every window keeps the rule that `expected` says."""
    bad = ranges(ts_ms[~good], step_ms)
    return check_result(
        subject, "validity", bool(good.all()), int(good.sum()), len(good),
        f"expected {expected}; got {int((~good).sum())} other windows ({in_words(bad, step_ms)})", bad=bad,
    )


def freshness(
    subject: Subject, ts_ms: Int64, window: DueWindow, observed_ms: int, *, newest: bool, step_ms: int, limit_ms: int
) -> CheckResult:
    """In the newest partition the newest window ended less than `limit_ms` ago, market time."""
    reference = min(observed_ms, window.end_ms)
    last = int(ts_ms.max()) + step_ms if len(ts_ms) else window.start_ms
    age = max(0, reference - last)
    return check_result(
        subject, "freshness", not newest or age < limit_ms, age / MINUTE_MS, limit_ms / MINUTE_MS,
        f"expected a window recorded less than {limit_ms / MINUTE_MS:g} min before {to_datetime(reference):%Y-%m-%d %H:%M}, got "
        f"the newest up to {to_datetime(last):%Y-%m-%d %H:%M}, {age / MINUTE_MS:.1f} min before; is the recorder running?",
        bad=((last, reference),), blocking=False,
    )
