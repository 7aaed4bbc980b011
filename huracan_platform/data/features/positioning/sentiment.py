"""What is said, and whether the price agrees."""

from __future__ import annotations

import math

from huracan_platform.data.features.kernels.state import Record, Row, compiled
from huracan_platform.data.features.positioning.columns import Column
from huracan_platform.data.features.positioning.rings import DAY_MIN, LOG_CLOSE, SCORE, at, change, enough, sums

LEAST_VARIANCE = 1e-18      # under it all scores of the window are one


@compiled
def return_in_sigmas(s: Record, minutes: int) -> float:
    """Log return of the window over the root of the sum of squared 1-minute returns; 0 where nothing moved."""
    known, squares, before = 0, 0.0, at(s, LOG_CLOSE, s.minute - minutes)
    for minute in range(s.minute - minutes + 1, s.minute + 1):
        now = at(s, LOG_CLOSE, minute)
        if not math.isnan(now - before):
            known += 1
            squares += (now - before) ** 2
        before = now
    if not enough(s, known, minutes):
        return math.nan
    moved = change(s, LOG_CLOSE, minutes)
    return moved / math.sqrt(squares) if squares > 0.0 else 0.0 * moved


@compiled
def write_sentiment(s: Record, fear_greed: float, values: Row) -> None:
    """The columns of sentiment and of the index."""
    score = at(s, SCORE, s.minute)
    known, total, squares, _ = sums(s, SCORE, s.minute, DAY_MIN)
    values[Column.SENTIMENT_SCORE] = score
    values[Column.SENTIMENT_MOMENTUM] = values[Column.SENTIMENT_DIVERGENCE] = math.nan
    if enough(s, known, DAY_MIN):
        mean = total / known
        variance = squares / known - mean * mean
        z = (score - mean) / math.sqrt(variance) if variance > LEAST_VARIANCE else 0.0 * score
        values[Column.SENTIMENT_MOMENTUM] = score - mean
        values[Column.SENTIMENT_DIVERGENCE] = z - return_in_sigmas(s, DAY_MIN)
    values[Column.FEAR_GREED] = fear_greed
