"""Levels of a book as exchanges write them: rows of texts, price and size first."""

from __future__ import annotations

from collections.abc import Sequence

Levels = tuple[tuple[float, float], ...]


def levels(rows: Sequence[Sequence[str]], base_per_size: float = 1.0) -> Levels:
    """Price in quote and size in base of each row."""
    return tuple((float(row[0]), float(row[1]) * base_per_size) for row in rows)
