"""Measured arrival delays, kept as histograms, and the delay that follows from them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import HOUR_MS, to_datetime
from huracan_platform.contracts.arrival import ArrivalDelay
from huracan_platform.contracts.market import Int64
from huracan_platform.settings.arrival import ArrivalSettings

# Bounds of the buckets lie 5 % apart: a quantile is told too high by so much at most, never too low.
_GROWTH = math.log(1.05)
_LAST_BUCKET = 500  # 1.05 ** 500 ms is more than a year


class ArrivalDelays:
    """Delays of all sources: what those who listen measured, and what follows for facts that nobody listened to.

    A pin sees the measurements of the hours (wire clock) that were over by then. They never change, so the same pin gives the
    same model for ever.
    """

    def __init__(self, brain: Brain, rule: ArrivalSettings | None = None) -> None:
        self._brain = brain
        self._rule = rule or ArrivalSettings()

    def add(self, source: str, dataset: str, delays_ms: Int64, recorded_ms: int) -> None:
        """Count measured delays, ms of the market clock from an event's end to its arrival.

        A negative one, of a source whose clock is ahead, counts as none. `recorded_ms` is of the wire clock.
        """
        if len(delays_ms) == 0:
            return
        buckets = np.ceil(np.log(np.maximum(delays_ms, 1)) / _GROWTH).astype(np.int64)
        numbers, counts = np.unique(np.minimum(buckets, _LAST_BUCKET), return_counts=True)
        hour = to_datetime(recorded_ms // HOUR_MS * HOUR_MS)
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO arrival_delays AS known (source, dataset, hour, bucket, count)
                SELECT %s, %s, %s, * FROM unnest(%s::smallint[], %s::bigint[])
                ON CONFLICT (source, dataset, hour, bucket) DO UPDATE SET count = known.count + excluded.count
                """,
                (source, dataset, hour, numbers.tolist(), counts.tolist()),
            )

    def model(
        self, source: str, dataset: str, default_ms: int, *, recorded_before: datetime | None = None
    ) -> ArrivalDelay:
        """The delay of a source's events, by what was measured in the window of `HURACAN_QUALITY__ARRIVAL__WINDOW_DAYS`.

        Parameters
        ----------
        default_ms
            The documented delay, which holds while there are too few measurements.
        recorded_before
            A pin, wire clock: only hours that were over by then count, and the window ends there. None: all hours, and the
            window ends with the newest.
        """
        found = self._histogram(source, dataset, recorded_before)
        total = sum(count for _, count in found)
        if total < self._rule.fewest:
            return ArrivalDelay(source, dataset, default_ms, None, total)
        return ArrivalDelay(source, dataset, default_ms, _quantile(found, self._rule.quantile), total)

    def table(self) -> list[dict[str, Any]]:
        """Per source and dataset: number of measurements, first and last hour, median, 99th percentile, maximum, model in ms."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT source, dataset, min(hour), max(hour) FROM arrival_delays GROUP BY source, dataset ORDER BY 1, 2"
            ).fetchall()
        told = []
        for source, dataset, first, last in rows:
            found = self._histogram(source, dataset, None)
            told.append({
                "source": source, "dataset": dataset, "measurements": sum(count for _, count in found), "first_hour": first,
                "last_hour": last, "median_ms": _quantile(found, 0.5), "p99_ms": _quantile(found, 0.99),
                "max_ms": _upper_ms(found[-1][0]), "modelled_ms": self.model(source, dataset, 0).measured_ms,
            })
        return told

    def _histogram(self, source: str, dataset: str, recorded_before: datetime | None) -> list[tuple[int, int]]:
        """Buckets in their order with how many of the window's delays fell into them."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT bucket, sum(count)::bigint FROM arrival_delays
                 WHERE source = %(source)s AND dataset = %(dataset)s
                   AND hour > coalesce(%(before)s::timestamptz, (SELECT max(hour) FROM arrival_delays
                                                  WHERE source = %(source)s AND dataset = %(dataset)s)) - %(window)s
                   AND (%(before)s::timestamptz IS NULL OR hour + interval '1 hour' <= %(before)s)
                 GROUP BY bucket ORDER BY bucket
                """,
                {
                    "source": source, "dataset": dataset, "before": recorded_before,
                    "window": timedelta(days=self._rule.window_days),
                },
            ).fetchall()
        return [(int(bucket), int(count)) for bucket, count in rows]


def _quantile(histogram: list[tuple[int, int]], share: float) -> int:
    """The smallest bound of a bucket, in whole ms, that at least `share` of the delays do not exceed."""
    buckets, counts = zip(*histogram, strict=True)
    at = int(np.searchsorted(np.cumsum(counts), share * sum(counts)))
    return _upper_ms(buckets[min(at, len(buckets) - 1)])


def _upper_ms(bucket: int) -> int:
    return math.ceil(math.exp(_GROWTH * bucket))
