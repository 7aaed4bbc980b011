"""Small numbers for (venue, symbol), so that millions of rows need not repeat the names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg


def find_series(connection: psycopg.Connection[Any], venue: str, symbols: Iterable[str]) -> dict[str, int]:
    """Numbers of the symbols that the library has heard of, by symbol."""
    query = "SELECT symbol, series_id FROM series WHERE venue = %s AND symbol = ANY(%s)"
    return dict(connection.execute(query, (venue, list(symbols))).fetchall())


def ensure_series(connection: psycopg.Connection[Any], venue: str, symbols: Iterable[str]) -> dict[str, int]:
    """Numbers of all the symbols, by symbol; new ones are made."""
    wanted = sorted(set(symbols))
    known = find_series(connection, venue, wanted)
    missing = [symbol for symbol in wanted if symbol not in known]
    if missing:
        connection.execute(
            "INSERT INTO series (venue, symbol) SELECT %s, unnest(%s::text[]) ON CONFLICT (venue, symbol) DO NOTHING",
            (venue, missing),
        )
        known = find_series(connection, venue, wanted)
    return known
