"""Draws that depend on a seed and their number only, so that what is drawn can be told beforehand and again."""

from __future__ import annotations

from hashlib import blake2b


def uniform(seed: int, what: str, number: int) -> float:
    """The draw of that number, in (0, 1)."""
    digest = blake2b(f"{seed}/{what}/{number}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 11) + 0.5) / (1 << 53)
