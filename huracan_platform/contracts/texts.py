"""Scored texts as they cross borders, and their contract. pandera takes 1.5 s to import: it is imported where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64, Series

FIRST_MS = 1_230_940_800_000  # 2009-01-03
# Clocks of publishers are not ours: so much in the future is skew, more is a wrong date.
CLOCK_SKEW_MS = 5 * 60_000
SENTIMENT_COLUMNS = ("score", "texts", "coverage")


@dataclass(frozen=True)
class Text:
    """One text as a source delivered it; `published_ms` and `seen_ms` in ms UTC, market time."""

    source: str
    url: str
    title: str
    body: str
    content_hash: str
    published_ms: int
    seen_ms: int


@dataclass(frozen=True)
class ScoredText:
    """A text with the score that a scorer gave it, −1 to 1, and the symbols that it speaks of."""

    source: str
    url: str
    content_hash: str
    title: str
    published_ms: int
    seen_ms: int
    scorer: str
    score: float
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Sentiment(Series):
    """Sentiment in windows: `ts_ms` their begin, mean `score`, number of `texts`, `coverage` of the window."""

    score: Float64
    texts: Float64
    coverage: Float64


def refused(texts: Sequence[ScoredText]) -> dict[int, str]:
    """Which texts break the contract, by their place, and why."""
    if not texts:
        return {}
    import pandas as pd
    from pandera.errors import SchemaErrors

    frame = pd.DataFrame([asdict(text) for text in texts]).drop(columns="symbols").convert_dtypes(
        convert_boolean=False, convert_floating=False, convert_integer=False
    )
    try:
        _schema().validate(frame, lazy=True)
    except SchemaErrors as errors:
        reasons: dict[int, list[str]] = {}
        for case in errors.failure_cases.to_dict("records"):
            if case["index"] is None or np.isnan(case["index"]):
                return dict.fromkeys(range(len(texts)), f"{case['column']}: expected {case['check']}, got {case['failure_case']}")
            got = f"{case['column']}: expected {case['check']}, got {str(case['failure_case'])[:80]!r}"
            reasons.setdefault(int(case["index"]), []).append(got)
        return {at: "; ".join(found) for at, found in reasons.items()}
    return {}


def _schema() -> Any:
    import pandera.pandas as pa

    not_empty = pa.Check(lambda s: s.str.strip() != "", error="some text")
    return pa.DataFrameSchema(
        {
            "source": pa.Column("string", not_empty),
            "url": pa.Column("string", pa.Check(lambda s: s.str.match("https?://."), error="an http address")),
            "content_hash": pa.Column("string", pa.Check(lambda s: s.str.fullmatch("[0-9a-f]{64}"), error="a SHA-256")),
            "title": pa.Column("string", not_empty),
            "published_ms": pa.Column(int, pa.Check(lambda s: s >= FIRST_MS, error="a time since 2009-01-03")),
            "seen_ms": pa.Column(int),
            "scorer": pa.Column("string", not_empty),
            "score": pa.Column(float, pa.Check(lambda s: s.between(-1, 1), error="a score of −1 to 1")),
        },
        checks=pa.Check(
            lambda f: f["published_ms"] <= f["seen_ms"] + CLOCK_SKEW_MS, error="published before it was seen", name="order",
        ),
        strict=True,
    )
