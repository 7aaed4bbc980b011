"""What a venue listed, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from huracan_platform.contracts.market import ListingStatus


@dataclass(frozen=True)
class Membership:
    """One listing of a symbol as it is known: trading from `listed_at` until `delisted_at` (exclusive), market time, UTC.

    `delisted_at` None: it has not ended. Where the venue does not tell when, it is when that was noticed, at the latest.
    `in_catalogue` False: the venue does not tell of it any more.
    """

    venue: str
    symbol: str
    listed_at: datetime
    status: ListingStatus
    delisted_at: datetime | None
    in_catalogue: bool


@dataclass(frozen=True)
class CatalogueChanges:
    """What a reading of a catalogue brought: symbols that are new, that ended, and that changed otherwise."""

    listings: int
    added: tuple[str, ...]
    ended: tuple[str, ...]
    changed: tuple[str, ...]
