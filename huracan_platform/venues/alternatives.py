"""The venues beside the first one, in the order in which they are asked."""

from __future__ import annotations

from huracan_platform.settings import Settings
from huracan_platform.venues.client import is_loopback
from huracan_platform.venues.market import MarketData


def alternative_settings(settings: Settings) -> dict[str, Settings]:
    """Settings that have an alternative as their venue, by its name, in their order."""
    found = {}
    for other in settings.venue.alternatives:
        local = other.url is not None and is_loopback(other.url)
        venue = settings.venue.instead(other, rate_limit=settings.venue.rate_limit or not local)
        found[other.name] = settings.model_copy(update={"venue": venue})
    return found


def alternative_markets(settings: Settings) -> dict[str, MarketData]:
    """Market data of each alternative of the settings by its name, in their order; nothing is asked of them yet.

    Facts of an alternative are kept under what `MarketData.venue` says of it.
    """
    return {name: MarketData(alone) for name, alone in alternative_settings(settings).items()}
