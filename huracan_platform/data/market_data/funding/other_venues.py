"""Funding rates of the alternative venues, each under its own name, so that what venues pay can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.data.market_data.ingest import ingest_funding
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

_log = get_logger("market_data.other_funding")


def ingest_other_funding(
    brain: Brain, others: Mapping[str, MarketData], symbols: Sequence[str], first_day: date, last_day: date, settings: Settings
) -> dict[str, IngestReport | str]:
    """As `ingest_funding` for each alternative by name: its report, or why it has none. None of them fails another.

    Symbols that an alternative does not list are left out there.
    """
    return {name: _ingested(brain, name, market, symbols, (first_day, last_day), settings) for name, market in others.items()}


def _ingested(
    brain: Brain, name: str, market: MarketData, symbols: Sequence[str], days: tuple[date, date], settings: Settings
) -> IngestReport | str:
    try:
        listed = [symbol for symbol in symbols if market.lists(symbol)]
        if not listed:
            return f"lists none of {', '.join(symbols)}"
        return ingest_funding(brain, market, listed, *days, settings)
    except (TransientError, PermanentError) as error:
        _log.warning("funding of an alternative not fetched", alternative=name, error=str(error))
        return str(error)
