"""Market data into the library: fetch, contract, checks, write, a symbol's run of days at a time, the next one fetched meanwhile.

The same window twice changes nothing.

A bad day is quarantined and named, the others go on. A symbol that cannot be fetched is tried again at the end of the
run; if it still cannot, its days are marked degraded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from huracan_platform.brain.candles import CandleRepository
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts import UpsertResult
from huracan_platform.brain.instruments import InstrumentRepository
from huracan_platform.brain.quality import QualityRepository
from huracan_platform.clock import DAY_MS, day_start_ms, days_between
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.quality import CheckResult, DayReport
from huracan_platform.data.market_data.ahead import fetched_ahead
from huracan_platform.data.market_data.contract import Neighbours, frame_of_rows
from huracan_platform.data.market_data.judge import Judgement, judge, judge_malformed
from huracan_platform.data.market_data.kinds import CandleKind, FundingKind, Kind
from huracan_platform.data.market_data.liquidation_kind import LiquidationKind
from huracan_platform.data.market_data.open_interest_kind import OpenInterestKind
from huracan_platform.data.market_data.report import IngestReport, summarise
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.sources.sentiment_kind import SentimentKind
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.klines import MalformedRowsError

# Days of a symbol fetched, judged and written at a time: 43 k bars.
DAYS_AT_A_TIME = 30
Progress = Callable[[int, int], None]
_Job = tuple[str, tuple[date, ...]]
_log = get_logger("market_data.ingest")


def ingest_candles(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Candles of the days from first to last, both included, of the symbols; other symbols of those days stay as they are.

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
    return _Ingest(brain, market, CandleKind(settings.quality), progress).run(symbols, first_day, last_day)


def ingest_funding(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Funding rates, as `ingest_candles`."""
    return _Ingest(brain, market, FundingKind(settings.quality), progress).run(symbols, first_day, last_day)


def ingest_open_interest(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Open interest, as `ingest_candles`.

    Days that the venue does not keep any more are no failure: one that the library does not have is marked unavailable, one
    that it has stays as it is.
    """
    return _Ingest(brain, market, OpenInterestKind(settings.quality), progress).run(symbols, first_day, last_day)


def ingest_sentiment(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Windows of the texts that were collected, as `ingest_candles`. Days before the first collector are unavailable."""
    return _Ingest(brain, market, SentimentKind(settings, brain), progress).run(symbols, first_day, last_day)


def ingest_liquidations(
    brain: Brain, market: MarketSource, symbols: Sequence[str], first_day: date, last_day: date, settings: Settings,
    progress: Progress | None = None,
) -> IngestReport:
    """Minutes of the liquidations that were recorded, as `ingest_candles`. Days before the first recorder are unavailable.

    Liquidations of a cascade get a version that says so, where the library has the candles that the rule needs.
    """
    return _Ingest(brain, market, LiquidationKind(settings, brain), progress).run(symbols, first_day, last_day)


def ingest_delivery(brain: Brain, market: MarketSource, delivery: Delivery, settings: Settings, dataset: str) -> IngestReport:
    """A batch that did not come from the venue, through the same contract and checks."""
    kinds: dict[str, Callable[..., Kind]] = {"candles": CandleKind, "funding": FundingKind, "open_interest": OpenInterestKind}
    if dataset not in kinds:
        raise PermanentError(f"dataset: expected one that files can hold ({', '.join(kinds)}), got {dataset}")
    return _Ingest(brain, market, kinds[dataset](settings.quality), None).take(delivery)


@dataclass
class _Tally:
    """What a run has gathered so far."""

    days: list[DayReport] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    inserted: int = 0
    revised: int = 0
    unchanged: int = 0
    unfetched: dict[str, str] = field(default_factory=dict)


class _Ingest:
    def __init__(self, brain: Brain, market: MarketSource, kind: Kind, progress: Progress | None) -> None:
        self._brain, self._market, self._kind = brain, market, kind
        self._progress = progress or (lambda done, total: None)
        self._books = QualityRepository(brain)
        # Asked once: a venue that goes down in the middle must not keep what came before from being written.
        self._clock = market.clock()
        self._known: frozenset[str] = frozenset()
        self._tally = _Tally()

    def run(self, symbols: Sequence[str], first_day: date, last_day: date) -> IngestReport:
        if last_day < first_day:
            raise PermanentError(f"days: expected the last not before the first, got {first_day} to {last_day}")
        self._save_instruments(symbols)
        days = days_between(first_day, last_day)
        total, done = len(days) * len(symbols), 0
        kept_from = self._kind.kept_from_ms(self._clock.market_ms())
        lost = [day for day in days if day_start_ms(day) < kept_from]
        if lost:
            self._pass_over(symbols, lost)
            days, done = days[len(lost):], len(lost) * len(symbols)
            self._progress(done, total)
        late: list[_Job] = []
        for job, came in fetched_ahead([(s, chunk) for chunk in _chunks(days) for s in symbols], self._fetch):
            if isinstance(came, TransientError):
                late.append(job)
            else:
                self._write(self._judged(job, came))
                done += len(job[1])
            self._progress(done, total)
        for job in late:
            came = self._fetch(job)
            if isinstance(came, TransientError):
                self._give_up(job, str(came))
            else:
                self._write(self._judged(job, came))
            done += len(job[1])
            self._progress(done, total)
        if self._tally.unfetched and not self._tally.days:
            raise TransientError("; ".join(self._tally.unfetched.values()))
        return self._report()

    def take(self, delivery: Delivery) -> IngestReport:
        self._save_instruments([delivery.symbol])
        self._write(self._judge(delivery))
        return self._report()

    def _fetch(self, job: _Job) -> Delivery | TransientError | MalformedRowsError:
        """What came, or why it did not."""
        symbol, days = job
        try:
            return self._kind.fetch(self._market, symbol, days)
        except TransientError as error:
            _log.warning("not fetched", dataset=self._kind.name, symbol=symbol, first_day=str(days[0]), error=str(error))
            return error
        except MalformedRowsError as error:
            return error

    def _judged(self, job: _Job, came: Delivery | MalformedRowsError) -> Judgement:
        if isinstance(came, MalformedRowsError):
            return judge_malformed(self._kind, *job, frame_of_rows(came.rows), str(came))
        return self._judge(came)

    def _judge(self, delivery: Delivery) -> Judgement:
        gaps = self._books.explained_gaps(
            self._market.venue, self._kind.name, delivery.symbol, delivery.start_ms, delivery.end_ms
        )
        return judge(self._kind, delivery, self._neighbours(delivery), gaps)

    def _neighbours(self, delivery: Delivery) -> Neighbours:
        if self._kind.name != "candles":
            return Neighbours(self._known)
        library, venue, symbol = CandleRepository(self._brain), self._market.venue, delivery.symbol
        before = library.read(venue, [symbol], delivery.start_ms - DAY_MS, delivery.start_ms)[symbol].close
        after = library.read(venue, [symbol], delivery.end_ms, delivery.end_ms + DAY_MS)[symbol].close
        return Neighbours(self._known, float(before[-1]) if len(before) else None, float(after[0]) if len(after) else None)

    def _write(self, judged: Judgement) -> None:
        """Rows first, then the books: a day is never called good before its rows are there."""
        wire, venue = self._clock.wire_ms(), self._market.venue
        stored = UpsertResult(0, 0, 0)
        if len(judged.frame):
            repository, rows = self._kind.repository(self._brain), self._kind.table(judged.frame)
            stored = repository.upsert(venue, rows, wire, revision_known_at_ms=self._clock.market_ms())
        days = list(self._hashed(judged.days))
        self._books.record(venue, self._kind.name, days, judged.results, judged.refused, wire)
        self._tally.days += days
        self._tally.results += judged.results
        self._tally.inserted += stored.inserted
        self._tally.revised += stored.revised
        self._tally.unchanged += stored.unchanged

    def _hashed(self, days: Sequence[DayReport]) -> Iterator[DayReport]:
        """The reports with row counts and content hashes of what the library holds now."""
        stored = [day for day in days if day.rows]
        if not stored:
            yield from days
            return
        repository, symbol = self._kind.repository(self._brain), days[0].symbol
        start, end = day_start_ms(stored[0].day), day_start_ms(stored[-1].day) + DAY_MS
        table = repository.read_table(self._market.venue, [symbol], start, end)
        columns: dict[str, Any] = {n: table.column(n).to_numpy() for n in ("ts_ms", *repository.table.values)}
        header = {"dataset": repository.table.name, "venue": self._market.venue, "symbol": symbol}
        for day in days:
            first, last = np.searchsorted(columns["ts_ms"], [day_start_ms(day.day), day_start_ms(day.day) + DAY_MS])
            of_day = {name: values[first:last] for name, values in columns.items()}
            yield replace(day, rows=int(last - first), content_hash=hash_arrays(of_day, header=header)) if day.rows else day

    def _pass_over(self, symbols: Sequence[str], days: Sequence[date]) -> None:
        """Days that the venue has lost: what the library has of them stays, what it has not is unavailable."""
        name, venue = self._kind.name, self._market.venue
        for symbol in symbols:
            listing = self._market.listing(symbol)
            ended_ms = listing.last_ms or self._clock.market_ms()
            listed = [day for day in days if listing.first_ms - DAY_MS < day_start_ms(day) < ended_ms]
            if listed:
                self._books.mark_unavailable(
                    venue, name, symbol, listed, "not available from its source any more, and not recorded in time",
                    self._clock.wire_ms(),
                )
                self._tally.days += self._books.days(venue, name, [symbol], listed[0], listed[-1])

    def _give_up(self, job: _Job, why: str) -> None:
        symbol, days = job
        self._tally.unfetched[symbol] = why
        reason = f"{self._kind.name} {symbol} {days[0]} to {days[-1]}: expected an answer, got {why}"
        self._books.mark_unfetched(self._market.venue, self._kind.name, symbol, days, reason, self._clock.wire_ms())

    def _save_instruments(self, symbols: Sequence[str]) -> None:
        instruments = InstrumentRepository(self._brain)
        instruments.save(
            self._market.instruments(symbols), self._clock.wire_ms(), known_at_ms=self._clock.market_ms()
        )
        self._known = frozenset(instruments.load(self._market.venue))

    def _report(self) -> IngestReport:
        tally = self._tally
        return IngestReport(
            self._market.venue, self._kind.name, tuple(sorted(tally.days, key=lambda d: (d.day, d.symbol))),
            summarise(tally.results), tally.inserted, tally.revised, tally.unchanged, dict(tally.unfetched),
        )


def _chunks(days: Sequence[date]) -> Iterator[tuple[date, ...]]:
    for at in range(0, len(days), DAYS_AT_A_TIME):
        yield tuple(days[at:at + DAYS_AT_A_TIME])
