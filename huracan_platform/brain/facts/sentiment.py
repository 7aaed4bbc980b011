"""Scored texts, what they add up to per symbol, and the Fear & Greed index."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.market import Float64, Int64, Pin
from huracan_platform.contracts.texts import SENTIMENT_COLUMNS, ScoredText, Sentiment


class TextRepository:
    """Texts of all sources; none is ever changed, an edited one is a further row."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, texts: Sequence[ScoredText], recorded_at_ms: int) -> int:
        """Store the texts that are new; returns how many. One seen before keeps the time at which it was first seen."""
        at = to_datetime(recorded_at_ms)
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO sentiment_scores
                    (source, url, content_hash, title, symbols, published_at, seen_at, recorded_at, scorer, score)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (source, url, content_hash, scorer) DO NOTHING
                """,
                [
                    (t.source, t.url, t.content_hash, t.title, list(t.symbols), to_datetime(t.published_ms),
                     to_datetime(t.seen_ms), at, t.scorer, t.score)
                    for t in texts
                ],
            )
            return cursor.rowcount

    def known(self, keys: Sequence[tuple[str, str, str]], scorer: str) -> set[tuple[str, str, str]]:
        """Those of the (source, url, content hash) that this scorer has scored."""
        sources, urls, hashes = ([key[i] for key in keys] for i in range(3))
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT source, url, content_hash FROM sentiment_scores
                  JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted (source, url, content_hash)
                 USING (source, url, content_hash) WHERE scorer = %s
                """,
                (sources, urls, hashes, scorer),
            ).fetchall()
        return {(str(source), str(url), str(found)) for source, url, found in rows}

    def newest(self, source: str) -> str | None:
        """Address of the text that came last from a source, of several at once the one published last; None: there is none."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT url FROM sentiment_scores WHERE source = %s "
                "ORDER BY seen_at DESC, published_at DESC, score_id DESC LIMIT 1", (source,),
            ).fetchone()
        return None if row is None else str(row[0])

    def seen(self, start_ms: int, end_ms: int, scorer: str, symbol: str | None = None) -> list[ScoredText]:
        """Texts first seen in [start_ms, end_ms), ms UTC, in that order; of one symbol, or of all when None.

        `scorer` is how the scorer's name begins: any version of it counts.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT source, url, content_hash, title, published_at, seen_at, scorer, score, symbols FROM sentiment_scores
                 WHERE seen_at >= %(start)s AND seen_at < %(end)s AND starts_with(scorer, %(scorer)s)
                   AND (%(symbol)s::text IS NULL OR %(symbol)s = ANY(symbols)) ORDER BY seen_at, score_id
                """,
                {"start": to_datetime(start_ms), "end": to_datetime(end_ms), "scorer": scorer, "symbol": symbol},
            ).fetchall()
        return [
            ScoredText(source, url, digest, title, to_ms(published), to_ms(seen), by, score, tuple(symbols))
            for source, url, digest, title, published, seen, by, score, symbols in rows
        ]


class SentimentRepository(FactRepository):
    """Mean score, number of texts and coverage per symbol and window of 15 minutes."""

    table = FactTable("sentiment", SENTIMENT_COLUMNS)

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, Sentiment]:
        """Windows with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order. A window that is not there is a gap."""
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: Sentiment(symbol=symbol, **arrays) for symbol, arrays in found.items()}


class FearGreedRepository(FactRepository):
    """The index per day, 0 extreme fear to 100 extreme greed."""

    table = FactTable("fear_greed", ("value",))

    def read(self, source: str, start_ms: int, end_ms: int, pin: Pin | None = None) -> tuple[Int64, Float64]:
        """Days (ms UTC) and values with start_ms ≤ day < end_ms, in time order."""
        found = self._read(source, [MARKET], start_ms, end_ms, pin or Pin())[MARKET]
        return found["ts_ms"], found["value"]


MARKET = "MARKET"  # the index is of no single symbol
