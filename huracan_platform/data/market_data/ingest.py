"""Market data into the library: fetch, contract, checks, write. The same window twice changes nothing.

A bad day is quarantined and named, the others go on. A symbol that cannot be fetched is tried again at the end of the
run; candles that still cannot be had come from the alternative venues, and the days are marked degraded either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from huracan_platform.brain.connection import Brain
from huracan_platform.data.market_data.book.kind import BookKind
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.fallback import Fallback
from huracan_platform.data.market_data.funding.kind import FundingKind
from huracan_platform.data.market_data.ingest_run import IngestRun, Progress
from huracan_platform.data.market_data.kinds import Kind
from huracan_platform.data.market_data.liquidations.kind import LiquidationKind
from huracan_platform.data.market_data.open_interest.kind import OpenInterestKind
from huracan_platform.data.market_data.recorded import RECORDED_LIVE
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.market_data.trades.kind import TradesKind
from huracan_platform.data.sentiment.kind import SentimentKind
from huracan_platform.data.sources.kind import SourceKind
from huracan_platform.data.sources.registry import SOURCES, find_source
from huracan_platform.data.sources.source import Source
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings


def ingest_candles(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Candles of the days from first to last, both included, of the symbols; other symbols of those days stay as they are.

    What the venue does not deliver comes from the alternatives of the settings, and they are asked about jumps.

    Parameters
    ----------
    progress
        Called with (symbol-days done, symbol-days in all).

    Raises
    ------
    PermanentError
        A symbol that the venue does not trade; last before first.
    TransientError
        Nothing at all could be fetched, or the database went away.
    """
    others = Fallback(brain, market.venue, settings)
    kind = CandleKind(settings.quality, others.witness)
    return IngestRun(brain, market, kind, progress, others).run(symbols, first_day, last_day)


def ingest_funding(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Funding rates, as `ingest_candles`."""
    return IngestRun(brain, market, FundingKind(settings.quality), progress).run(symbols, first_day, last_day)


def ingest_open_interest(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Open interest, as `ingest_candles`.

    Days that the venue does not keep any more are no failure: one that the library does not have is marked unavailable, one
    that it has stays as it is.
    """
    return IngestRun(brain, market, OpenInterestKind(settings.quality), progress).run(symbols, first_day, last_day)


def ingest_sentiment(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Windows of the texts that were collected, as `ingest_candles`. Days before the first collector are unavailable."""
    return IngestRun(brain, market, SentimentKind(settings, brain), progress).run(symbols, first_day, last_day)


def ingest_liquidations(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Minutes of the liquidations that were recorded, as `ingest_candles`. Days before the first recorder are unavailable.

    Liquidations of a cascade get a version that says so, where the library has the candles that the rule needs.
    """
    return IngestRun(brain, market, LiquidationKind(settings, brain), progress).run(symbols, first_day, last_day)


def ingest_source(
    source: Source, brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date,
    settings: Settings, progress: Progress | None = None,
) -> IngestReport:
    """Rows of a source, as `ingest_candles`.

    Days that its origin does not keep any more, or of which it never tells, are no failure: as `ingest_open_interest`.
    """
    kind = SourceKind(source, brain, market, settings)
    return IngestRun(brain, market, kind, progress).run(symbols, first_day, last_day)


def ingest_dataset(
    dataset: str, brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date,
    settings: Settings, progress: Progress | None = None,
) -> IngestReport:
    """A dataset by its name, as `ingest_candles`; PermanentError where there is none of that name."""
    if dataset == "candles":
        return ingest_candles(brain, market, symbols, first_day, last_day, settings, progress)
    kind = kind_of(dataset, brain, market, settings)
    return IngestRun(brain, market, kind, progress).run(symbols, first_day, last_day)


def ingest_delivery(brain: Brain, market: MarketSource, delivery: Delivery, settings: Settings, dataset: str) -> IngestReport:
    """A batch that did not come from the venue, through the same contract and checks.

    The alternatives of the settings are asked about what looks wrong; they lend nothing to a file.
    """
    if dataset in RECORDED_LIVE:
        files = ", ".join(name for name in dataset_names() if name not in RECORDED_LIVE)
        raise PermanentError(f"dataset: expected one that files can hold ({files}), got {dataset}")
    witnesses = Fallback(brain, market.venue, settings)
    kind = CandleKind(settings.quality, witnesses.witness) if dataset == "candles" else kind_of(dataset, brain, market, settings)
    return IngestRun(brain, market, kind, witnesses=witnesses).take(delivery)


# How each dataset goes through ingest when its rows are there already: nobody is asked about them.
KINDS: Mapping[str, Callable[[Brain, Settings], Kind]] = MappingProxyType({
    "candles": lambda brain, settings: CandleKind(settings.quality),
    "funding": lambda brain, settings: FundingKind(settings.quality),
    "open_interest": lambda brain, settings: OpenInterestKind(settings.quality),
    "sentiment": lambda brain, settings: SentimentKind(settings, brain),
    "liquidations": lambda brain, settings: LiquidationKind(settings, brain),
})
# Rows of each second, which their recorder writes and judges. Repairs leave them out: no gap of theirs can be fetched.
SECONDS: Mapping[str, Callable[[Settings, Brain, str], Kind]] = MappingProxyType({"trades": TradesKind, "book": BookKind})


def dataset_names() -> tuple[str, ...]:
    """Every dataset whose days are fetched or put together, sources last."""
    return (*KINDS, *(source.contract.name for source in SOURCES))


def all_dataset_names() -> tuple[str, ...]:
    """Every dataset that there is, those of each second last."""
    return (*dataset_names(), *SECONDS)


def kind_of(dataset: str, brain: Brain, market: MarketSource, settings: Settings) -> Kind:
    """A dataset's way through ingest by its name.

    Raises
    ------
    PermanentError
        No dataset of that name.
    """
    source = find_source(dataset)
    if source is not None:
        return SourceKind(source, brain, market, settings)
    if dataset in SECONDS:
        return SECONDS[dataset](settings, brain, market.venue)
    if dataset not in KINDS:
        raise PermanentError(f"dataset: expected one of {', '.join(all_dataset_names())}, got {dataset}")
    return KINDS[dataset](brain, settings)
