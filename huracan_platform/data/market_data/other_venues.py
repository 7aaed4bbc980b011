"""Datasets of the alternative venues, each under its own name, so that venues can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.alternative_venues import AlternativeVenues
from huracan_platform.clock import SystemClock
from huracan_platform.data.market_data.ingest import SECONDS, ingest_dataset
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.sources.registry import SOURCES
from huracan_platform.errors import ConfigurationError, PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

_log = get_logger("market_data.other_venues")


def ingest_others(
    dataset: str, brain: Brain, others: Mapping[str, MarketData], symbols: Sequence[str], first_day: date, last_day: date,
    settings: Settings,
) -> dict[str, IngestReport | str]:
    """As `ingest_dataset` for each alternative by name: its report, or why it has none. None of them fails another.

    Empty where the settings do not want the dataset of alternatives. Symbols that an alternative does not list are left out.

    Raises
    ------
    ConfigurationError
        The settings want a dataset of alternatives that they cannot have.
    """
    able = ("funding", "open_interest", "liquidations", *(source.contract.name for source in SOURCES), *SECONDS)
    wrong = [name for name in settings.sources.alternatives if name not in able]
    if wrong:
        raise ConfigurationError(f"HURACAN_SOURCES__ALTERNATIVES: expected some of {', '.join(able)}, got {', '.join(wrong)}")
    if dataset not in settings.sources.alternatives:
        return {}
    days = (first_day, last_day)
    # The library has no candles of alternatives, which cascades are set against.
    settings = settings.model_copy(update={"liquidations": settings.liquidations.model_copy(update={"ask_volume": True})})
    return {name: _ingested(dataset, brain, name, market, symbols, days, settings) for name, market in others.items()}


def _ingested(
    dataset: str, brain: Brain, name: str, market: MarketData, symbols: Sequence[str], days: tuple[date, date], settings: Settings
) -> IngestReport | str:
    try:
        listed = [symbol for symbol in symbols if market.lists(symbol)]
        if not listed:
            return f"lists none of {', '.join(symbols)}"
        address = {other.name: other.address for other in settings.venue.alternatives}[name]
        AlternativeVenues(brain).remember(address, market.venue, SystemClock().wire_ms())
        return ingest_dataset(dataset, brain, market, listed, *days, settings)
    except ConfigurationError:
        raise
    except (TransientError, PermanentError) as error:
        _log.warning("not fetched from an alternative", dataset=dataset, alternative=name, error=str(error))
        return str(error)
