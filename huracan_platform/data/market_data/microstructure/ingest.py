"""Days of recorded seconds through checks into the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.data.market_data.book.kind import BookKind
from huracan_platform.data.market_data.ingest_run import IngestRun, Progress
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.data.market_data.trades.kind import TradesKind
from huracan_platform.settings import Settings


def ingest_trades(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Days of trades per second, as `ingest_candles`. Days before the first recorder are unavailable."""
    return IngestRun(brain, market, TradesKind(settings, brain, market.venue), progress).run(symbols, first_day, last_day)


def ingest_book(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Days of books per second, as `ingest_candles`. Days before the first recorder are unavailable."""
    return IngestRun(brain, market, BookKind(settings, brain, market.venue), progress).run(symbols, first_day, last_day)
