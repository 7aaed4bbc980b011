"""Files of an archive into the library: through the same contract, checks and books as what a venue delivers.

A file that is no good is refused with its reason and kept in quarantine, the others go on. The ledger has what was taken, written
after the rows are there: a run that was killed goes on where it was, and the same files twice change nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import MINUTE_MS, Clock, SystemClock, day_of, days_between
from huracan_platform.contracts.archive import ArchivedFile, FileState
from huracan_platform.contracts.market import Candles, Series
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.contents import Checksum
from huracan_platform.data.archive.jobs import Job, ReadFile, plan, read_job
from huracan_platform.data.archive.market import HOURS, ArchiveMarket, joined
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind, Hints, find_files, recognise
from huracan_platform.data.archive.report import ImportReport, merged
from huracan_platform.data.market_data.ahead import fetched_ahead
from huracan_platform.data.market_data.contract import refused_batch
from huracan_platform.data.market_data.ingest import kind_of
from huracan_platform.data.market_data.ingest_run import IngestRun
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.market import Listing

Progress = Callable[[int, int], None]
# Where refused files of a kind are kept.
DATASETS = {
    ArchiveKind.KLINES: "candles", ArchiveKind.FUNDING: "funding", ArchiveKind.METRICS: "open_interest",
    ArchiveKind.TRADES: "trades", ArchiveKind.DEPTH: "book", ArchiveKind.LIQUIDATIONS: "liquidations",
}


@dataclass
class _Tally:
    """What an import has gathered so far."""

    files: list[ArchivedFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unnamed: dict[str, str] = field(default_factory=dict)
    unvouched: list[str] = field(default_factory=list)
    reports: list[IngestReport] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


class ArchiveImport:
    """One import of files under the name of `venue`.

    Parameters
    ----------
    require_checksums
        Files without a `.CHECKSUM` beside them are refused.
    hints
        What files are whose path does not say it.
    progress
        Called with (files done, files in all).
    """

    def __init__(
        self, brain: Brain, venue: str, settings: Settings, *, require_checksums: bool = False, hints: Hints = Hints(),
        progress: Progress | None = None, clock: Clock | None = None,
    ) -> None:
        self._brain, self._venue, self._settings, self._hints = brain, venue, settings, hints
        self._must_vouch, self._clock = require_checksums, clock or SystemClock()
        self._progress = progress or (lambda done, total: None)
        self._ledger, self._books = ArchiveLedger(brain), QualityRepository(brain)
        self._instruments = InstrumentRepository(brain).load(venue)
        self._hours: dict[str, list[Candles]] = defaultdict(list)
        self._spans: dict[tuple[str, str], tuple[int, int] | None] = {}
        self._tally = _Tally()

    def run(self, paths: Iterable[Path]) -> ImportReport:
        """Take every file under the paths that was not taken before.

        Raises
        ------
        PermanentError
            No such path, or no files there.
        TransientError
            The database went away; what was written is whole, and the next run goes on from there.
        """
        jobs = plan(self._recognised(find_files(paths)))
        taken = self._ledger.taken(self._venue)
        done, total = 0, sum(len(job.files) for job in jobs)
        self._progress(done, total)
        last_jobs = {(job.symbol, job.files[0].kind, job.files[0].interval): job for job in jobs}

        def read(job: Job) -> list[ReadFile]:
            return read_job(job, taken, self._clock, self._settings.archive, require_checksums=self._must_vouch)

        for job, files in fetched_ahead(jobs, read):
            first = job.files[0]
            self._settle(job, files, is_last=last_jobs[job.symbol, first.kind, first.interval] is job)
            done += len(files)
            self._progress(done, total)
        tally = self._tally
        return ImportReport(
            self._venue, tuple(tally.files), tuple(tally.skipped), tally.unnamed, tuple(tally.unvouched), merged(tally.reports),
            tuple(tally.notices),
        )

    def _recognised(self, paths: Sequence[Path]) -> list[ArchiveFile]:
        files = []
        for path in paths:
            try:
                files.append(recognise(path, self._hints))
            except PermanentError as error:
                self._tally.unnamed[path.name] = str(error)
        return files

    def _settle(self, job: Job, files: Sequence[ReadFile], *, is_last: bool) -> None:
        """Rows before books, books before the ledger: a file is never called taken before its rows are there."""
        self._tally.skipped += [read.file.path.name for read in files if read.known is not None]
        self._tally.unvouched += [read.file.path.name for read in files if read.checksum is Checksum.MISSING]
        good = [read for read in files if read.rows is not None]
        reports = self._store(job, good, is_last=is_last) if good else []
        entries = [_entry(read, reports) for read in files if read.known is None]
        for read in files:
            if read.refused is not None and read.refusal is not None:
                day = read.file.days[0] if read.file.days else None
                dataset, source = DATASETS[read.file.kind], read.file.path.name
                batch = refused_batch(dataset, read.file.symbol, day, read.refused, read.refusal, source)
                self._books.quarantine(self._venue, batch, self._clock.wire_ms())
        self._ledger.enter(self._venue, entries, self._clock.wire_ms())
        self._tally.files += entries
        self._tally.reports += reports

    def _store(self, job: Job, files: Sequence[ReadFile], *, is_last: bool) -> list[IngestReport]:
        """Every dataset that the files tell of, through ingest."""
        parts: dict[str, list[Series]] = defaultdict(list)
        for read in files:
            assert read.rows is not None
            for dataset, series in read.rows.series.items():
                parts[dataset].append(series)
        rows = {dataset: joined(found) for dataset, found in parts.items()}
        hours = rows.pop(HOURS, None)
        if isinstance(hours, Candles):
            self._hours[job.symbol].append(hours)
        days = _days(files)
        return [self._deliver(job, dataset, series, days, is_last=is_last) for dataset, series in rows.items()]

    def _deliver(
        self, job: Job, dataset: str, series: Series, days: tuple[date, ...], *, is_last: bool
    ) -> IngestReport:
        evidence = {HOURS: joined(self._hours[job.symbol])} if self._hours[job.symbol] else {}
        listing = self._listing(job, dataset, series, days, is_last=is_last)
        market = ArchiveMarket(
            self._venue, self._clock, job.symbol, {dataset: series, **evidence}, listing, self._instruments
        )
        kind = kind_of(dataset, self._brain, market, self._settings)
        delivery = replace(kind.fetch(market, job.symbol, days), source=job.source)
        return IngestRun(self._brain, market, kind).take(delivery)

    def _listing(
        self, job: Job, dataset: str, series: Series, days: tuple[date, ...], *, is_last: bool
    ) -> Listing:
        """Days of a month before the very first rows, and after the very last, are days without trading, not missing ones."""
        first, last = int(series.ts_ms.min()), int(series.ts_ms.max())
        span = self._span(job.symbol, dataset)
        began = day_of(first) > days[0] and (span is None or span[0] >= first)
        ended = is_last and day_of(last) < days[-1] and (span is None or span[1] <= last)
        self._spans[job.symbol, dataset] = (first, last) if span is None else (min(first, span[0]), max(last, span[1]))
        for what, when, happened in (("begin", first, began), ("end", last, ended)):
            if happened:
                self._tally.notices.append(
                    f"{dataset} {job.symbol} {what} on {day_of(when)} within {job.source}: taken for the {what} of its trading"
                )
        return Listing(first if began else 0, last + MINUTE_MS if ended else None)

    def _span(self, symbol: str, dataset: str) -> tuple[int, int] | None:
        """First and last time that the library has."""
        if (symbol, dataset) not in self._spans:
            market = ArchiveMarket(self._venue, self._clock, symbol, {}, Listing(0, None), self._instruments)
            repository = kind_of(dataset, self._brain, market, self._settings).repository(self._brain)
            self._spans[symbol, dataset] = repository.bounds(self._venue, symbol)
        return self._spans[symbol, dataset]


def _days(files: Sequence[ReadFile]) -> tuple[date, ...]:
    """The days that the files say they hold, else those that their rows are of."""
    first, last = [], []
    for read in files:
        assert read.rows is not None
        first.append(read.file.days[0] if read.file.days else day_of(read.rows.first_ms))
        last.append(read.file.days[-1] if read.file.days else day_of(read.rows.last_ms))
    return tuple(days_between(min(first), max(last)))


def _entry(read: ReadFile, reports: Sequence[IngestReport]) -> ArchivedFile:
    """A file's line in the ledger."""
    file = read.file
    entry = ArchivedFile(
        file.path.name, read.sha256, file.kind.value, file.symbol, file.interval, FileState.REFUSED, read.refusal
    )
    if read.rows is None:
        return entry
    days = _days([read])
    bad = [d for r in reports for d in r.in_state(DayState.QUARANTINED) if days[0] <= d.day <= days[-1]]
    return replace(
        entry, state=FileState.QUARANTINED if bad else FileState.TAKEN, reason="; ".join(bad[0].reasons) if bad else None,
        rows=read.rows.rows, duplicates=read.rows.duplicates, first_ms=read.rows.first_ms, last_ms=read.rows.last_ms,
    )
