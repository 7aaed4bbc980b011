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

    @property
    def quote(self) -> str:
        """Quote currency, `USDT`."""
        return self.symbol.split("/")[1].split(":")[0]

    def trades_at(self, moment: datetime) -> bool:
        """Whether it could be traded at a moment, whatever became of it."""
        ended = self.delisted_at is not None and self.delisted_at <= moment
        return self.listed_at <= moment and not ended and self.status != "pending"

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether a part of [start, end) lies within it."""
        return self.listed_at < end and (self.delisted_at is None or start < self.delisted_at)


@dataclass(frozen=True)
class Member:
    """A listing that is chosen as of a day. `turnover` in quote, of the days before it; None: not asked for."""

    listing: Membership
    turnover: float | None = None

    @property
    def symbol(self) -> str:
        """ccxt's unified form."""
        return self.listing.symbol


@dataclass(frozen=True)
class CatalogueChanges:
    """What a reading of a catalogue brought: symbols that are new, that ended, and that changed otherwise."""

    listings: int
    added: tuple[str, ...]
    ended: tuple[str, ...]
    changed: tuple[str, ...]
