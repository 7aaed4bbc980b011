"""From the rows of files to the library: each dataset as if the venue had delivered it, with the evidence that came along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import groupby

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, day_of, day_start_ms, days_between
from huracan_platform.contracts.market import Candles, Series
from huracan_platform.contracts.quality import DayState
from huracan_platform.contracts.recording import Recording, gaps
from huracan_platform.data.archive import depth
from huracan_platform.data.archive.jobs import Job, ReadFile
from huracan_platform.data.archive.klines import repeated
from huracan_platform.data.archive.market import HOURS, ArchiveMarket, joined
from huracan_platform.data.archive.names import ArchiveKind
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.fallback import Fallback
from huracan_platform.data.market_data.ingest import kind_of
from huracan_platform.data.market_data.ingest_run import IngestRun
from huracan_platform.data.market_data.kinds import Kind
from huracan_platform.data.market_data.own_bars import read_own
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.data.market_data.trades.kind import TradesKind
from huracan_platform.data.sources.kind import SourceKind
from huracan_platform.settings import Settings
from huracan_platform.venues.market import Listing

CANDLES, LIQUIDATIONS, TRADES = "candles", "liquidations", "trades"


class ArchiveIntake:
    """Takes what files of one venue held, a job at a time. `notices` say what a person may want to know.

    Parameters
    ----------
    listing
        When its symbol was traded; None where the files alone can tell.
    others
        Alternative venues, for minutes that the files lack; None for none.
    """

    def __init__(
        self, brain: Brain, venue: str, settings: Settings, clock: Clock, *, listing: Listing | None = None,
        others: Fallback | None = None,
    ) -> None:
        self._brain, self._venue, self._settings, self._clock = brain, venue, settings, clock
        self._listed, self._others = listing, others
        self._instruments = InstrumentRepository(brain).load(venue)
        self._hours: dict[str, list[Series]] = defaultdict(list)
        self._told_later: dict[str, tuple[Job, set[date]]] = {}
        self._spans: dict[tuple[str, str], tuple[int, int] | None] = {}
        self.notices: list[str] = []

    def take(self, job: Job, files: Sequence[ReadFile], *, is_last: bool) -> list[IngestReport]:
        """Every dataset that the files tell of, through its contract and checks. `is_last`: of its symbol and kind."""
        rows = _joined(files)
        hours = rows.pop(HOURS, None)
        if hours is not None:
            self._hours[job.symbol].append(hours)
            if new := [read for read in files if read.known is None]:
                self._told_later.setdefault(job.symbol, (job, set()))[1].update(days_of(new))
        days = days_of(files)
        if CANDLES in rows and job.symbol in self._told_later:
            self._told_later[job.symbol][1].difference_update(days)
        if job.files[0].kind is ArchiveKind.LIQUIDATIONS:
            self._keep_liquidations(job, files, days)
            return [self._deliver(job, LIQUIDATIONS, None, days, Listing(0, None))]
        if job.files[0].kind is ArchiveKind.METRICS:
            rows = {dataset: self._with_midnight(job, dataset, series, days[0]) for dataset, series in rows.items()}
        return [
            self._deliver(job, dataset, series, days, self._listing(job, dataset, series, days, is_last=is_last))
            for dataset, series in rows.items()
        ]

    def judge_again(self) -> list[IngestReport]:
        """Good days of minutes that were stored before the hours came which they must agree with: each is judged once more."""
        return [report for symbol in list(self._told_later) for report in self._judged_again(*self._told_later.pop(symbol))]

    def _judged_again(self, job: Job, told: set[date]) -> Iterator[IngestReport]:
        """A run of days at a time. Bars of the library itself are delivered: rows stay as they are, books and checks are new."""
        if not told:
            return
        books = QualityRepository(self._brain).days(self._venue, CANDLES, [job.symbol], min(told), max(told))
        good = sorted(one.day for one in books if one.day in told and one.state is DayState.GOOD)
        bounds = CandleRepository(self._brain).bounds(self._venue, job.symbol)
        if bounds is None:
            return
        listing = Listing(bounds[0], bounds[1] + MINUTE_MS)
        for _, run in groupby(enumerate(good), key=lambda place: place[1].toordinal() - place[0]):
            days = tuple(day for _, day in run)
            span = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
            own = read_own(self._brain, self._venue, [job.symbol], *span)[job.symbol]
            yield self._deliver(job, CANDLES, own, days, listing)

    def _deliver(
        self, job: Job, dataset: str, series: Series | None, days: tuple[date, ...], listing: Listing
    ) -> IngestReport:
        rows = {} if series is None else {dataset: series}
        hours = self._evidence(job.symbol, dataset, days)
        if hours is not None:
            rows[HOURS] = hours
        market = self._market(job.symbol, rows, listing)
        kind = self._kind(dataset, market, series)
        after = days[-1] + timedelta(days=1)
        reaches_over = series is not None and int(series.ts_ms.max()) >= day_start_ms(after)
        if series is not None and dataset == TRADES:  # a recorder writes its seconds itself, and its kind fetches none
            delivery = Delivery(job.symbol, days, frame_of(series), self._clock.market_ms(), listing)
        else:
            delivery = kind.fetch(market, job.symbol, (*days, after) if reaches_over else days)
        if reaches_over:
            # The day after has only begun, as far as these files go.
            begun = min(delivery.observed_ms, day_start_ms(after) + kind.grace_ms)
            delivery = replace(delivery, observed_ms=begun)
        others = self._others if dataset == CANDLES else None
        return IngestRun(self._brain, market, kind, others=others, vouches=False).take(replace(delivery, source=job.source))

    def _market(self, symbol: str, rows: dict[str, Series], listing: Listing) -> ArchiveMarket:
        return ArchiveMarket(self._venue, self._clock, symbol, rows, listing, self._instruments)

    def _kind(self, dataset: str, market: ArchiveMarket, series: Series | None) -> Kind:
        if dataset == depth.DATASET:
            return SourceKind(depth.DepthBandSource(series), self._brain, market, self._settings)
        if dataset == TRADES:
            return TradesKind(self._settings, self._brain, self._venue)
        return kind_of(dataset, self._brain, market, self._settings)

    def _evidence(self, symbol: str, dataset: str, days: tuple[date, ...]) -> Series | None:
        """Hours of the venue's own files; open interest's prices may be held against the library's candles as well."""
        if self._hours[symbol]:
            self._hours[symbol] = [joined(self._hours[symbol])]
            return self._hours[symbol][0]
        if dataset != "open_interest":
            return None
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        candles: Candles = CandleRepository(self._brain).read(self._venue, [symbol], start, end)[symbol]
        return roll_up(candles, HOUR_MS).candles

    def _with_midnight(self, job: Job, dataset: str, series: Series, first_day: date) -> Series:
        """A day's file may end with the midnight after it: what the file of the day before brought of this day comes along."""
        start, first = day_start_ms(first_day), int(series.ts_ms.min())
        if first == start:
            return series
        repository = self._kind(dataset, self._market(job.symbol, {}, Listing(0, None)), series).repository(self._brain)
        stored = repository.read_table(self._venue, [job.symbol], start, first)
        names = [field.name for field in fields(series) if field.name != "symbol"]
        earlier = type(series)(job.symbol, *(np.asarray(stored.column(name).to_numpy()) for name in names))
        return joined([earlier, series])

    def _keep_liquidations(self, job: Job, files: Sequence[ReadFile], days: tuple[date, ...]) -> None:
        """Rows before the ledger: a time is never called recorded before its rows are there."""
        wire_ms = self._clock.wire_ms()
        found = [one for read in files if read.rows is not None for one in read.rows.liquidations]
        if found:
            LiquidationRepository(self._brain).save(found, wire_ms)
        ledger, start, end = RecordingLedger(self._brain), day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        known = ledger.between(LIQUIDATIONS, start, end, source=self._venue, symbol=job.symbol)
        for began, until in gaps(known, start, end):
            whole = Recording(self._venue, began, until, f"a file of the archive: {job.source}", wire_ms)
            ledger.enter(whole, LIQUIDATIONS, symbol=job.symbol)

    def _listing(self, job: Job, dataset: str, series: Series, days: tuple[date, ...], *, is_last: bool) -> Listing:
        """Days of a month before the very first rows, and after the very last, are days without trading, not missing ones."""
        if self._listed is not None:
            return self._listed
        first, last = int(series.ts_ms.min()), int(series.ts_ms.max())
        span = self._span(job.symbol, dataset, series)
        began = day_of(first) > days[0] and (span is None or span[0] >= first)
        ended = is_last and day_of(last) < days[-1] and (span is None or span[1] <= last)
        self._spans[job.symbol, dataset] = (first, last) if span is None else (min(first, span[0]), max(last, span[1]))
        for what, when, happened in (("begin", first, began), ("end", last, ended)):
            if happened:
                self.notices.append(
                    f"{dataset} {job.symbol} {what} on {day_of(when)} within {job.source}: taken for the {what} of its trading"
                )
        return Listing(first if began else 0, last + MINUTE_MS if ended else None)

    def _span(self, symbol: str, dataset: str, series: Series) -> tuple[int, int] | None:
        """First and last time that the library has."""
        if (symbol, dataset) not in self._spans:
            kind = self._kind(dataset, self._market(symbol, {}, Listing(0, None)), series)
            self._spans[symbol, dataset] = kind.repository(self._brain).bounds(self._venue, symbol)
        return self._spans[symbol, dataset]


def days_of(files: Sequence[ReadFile]) -> tuple[date, ...]:
    """The days that files say they hold, else those that their rows are of."""
    first, last = [], []
    for read in files:
        assert read.rows is not None
        first.append(read.file.days[0] if read.file.days else day_of(read.rows.first_ms))
        last.append(read.file.days[-1] if read.file.days else day_of(read.rows.last_ms))
    return tuple(days_between(min(first), max(last)))


def _joined(files: Sequence[ReadFile]) -> dict[str, Series]:
    """What several files tell of each dataset, one after the other; a row that two of them tell alike once."""
    parts: dict[str, list[Series]] = defaultdict(list)
    for read in files:
        assert read.rows is not None
        for dataset, series in read.rows.series.items():
            if len(series):
                parts[dataset].append(series)
    rows = {dataset: joined(found) for dataset, found in parts.items()}
    for dataset, series in rows.items():
        columns = [getattr(series, field.name) for field in fields(series) if field.name not in ("symbol", "ts_ms")]
        again = repeated(series.ts_ms, *columns)
        if again.any():
            rows[dataset] = series.at(~again)
    return rows
