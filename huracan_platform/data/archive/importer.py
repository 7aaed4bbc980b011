"""Files of an archive into the library: through the same contract, checks and books as what a venue delivers.

A file that is no good is refused with its reason and kept in quarantine, the others go on. The ledger has what was taken, written
after the rows are there: a run that was killed goes on where it was, and the same files twice change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import Clock, SystemClock
from huracan_platform.contracts.archive import ArchivedFile, FileState
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive import depth
from huracan_platform.data.archive.contents import Checksum
from huracan_platform.data.archive.intake import ArchiveIntake, days_of
from huracan_platform.data.archive.jobs import Job, ReadFile, holes, plan, read_job, runs
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind, Hints, find_files, recognise
from huracan_platform.data.archive.report import ImportReport, merged
from huracan_platform.data.market_data.ahead import fetched_ahead
from huracan_platform.data.market_data.contract import refused_batch
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings

Progress = Callable[[int, int], None]
# Where refused files of a kind are kept.
DATASETS = {
    ArchiveKind.KLINES: "candles", ArchiveKind.FUNDING: "funding", ArchiveKind.METRICS: "open_interest",
    ArchiveKind.TRADES: "trades", ArchiveKind.DEPTH: depth.DATASET, ArchiveKind.LIQUIDATIONS: "liquidations",
}


@dataclass
class _Tally:
    """What an import has gathered so far."""

    files: list[ArchivedFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unnamed: dict[str, str] = field(default_factory=dict)
    unvouched: list[str] = field(default_factory=list)
    reports: list[IngestReport] = field(default_factory=list)


class ArchiveImport:
    """One import of files under the name of `venue`.

    Parameters
    ----------
    again
        Files that were taken before are taken once more.
    require_checksums
        Files without a `.CHECKSUM` beside them are refused.
    hints
        What files are whose path does not say it.
    progress
        Called with (files done, files in all).
    """

    def __init__(
        self, brain: Brain, venue: str, settings: Settings, *, again: bool = False, require_checksums: bool = False,
        hints: Hints = Hints(), progress: Progress | None = None, clock: Clock | None = None,
    ) -> None:
        self._brain, self._venue, self._settings, self._hints = brain, venue, settings, hints
        self._again, self._must_vouch, self._clock = again, require_checksums, clock or SystemClock()
        self._progress = progress or (lambda done, total: None)
        self._ledger, self._books = ArchiveLedger(brain), QualityRepository(brain)
        self._intake = ArchiveIntake(brain, venue, settings, self._clock)
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
        files = self._recognised(find_files(paths))
        jobs = plan(files)
        taken = {} if self._again else self._ledger.taken(self._venue)
        done, total = 0, sum(len(job.files) for job in jobs)
        self._progress(done, total)
        last_jobs = {(job.symbol, job.files[0].kind, job.files[0].interval): job for job in jobs}

        def read(job: Job) -> list[ReadFile]:
            now_ms = self._clock.market_ms()
            return read_job(job, taken, self._venue, now_ms, self._settings, require_checksums=self._must_vouch)

        for job, came in fetched_ahead(jobs, read):
            first = job.files[0]
            self._settle(job, came, is_last=last_jobs[job.symbol, first.kind, first.interval] is job)
            done += len(came)
            self._progress(done, total)
        self._tally.reports += self._intake.judge_again()
        tally = self._tally
        return ImportReport(
            self._venue, tuple(tally.files), tuple(tally.skipped), tally.unnamed, tuple(tally.unvouched), merged(tally.reports),
            (*holes(files), *self._intake.notices),
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
        whole = runs(files)
        reports = [
            report for run in whole for report in self._intake.take(job, run, is_last=is_last and run is whole[-1])
        ]
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


def _entry(read: ReadFile, reports: Sequence[IngestReport]) -> ArchivedFile:
    """A file's line in the ledger."""
    file = read.file
    entry = ArchivedFile(
        file.path.name, read.sha256, file.kind.value, file.symbol, file.interval, FileState.REFUSED, read.refusal
    )
    if read.rows is None:
        return entry
    days = days_of([read])
    bad = [d for r in reports for d in r.in_state(DayState.QUARANTINED) if days[0] <= d.day <= days[-1]]
    return replace(
        entry, state=FileState.QUARANTINED if bad else FileState.TAKEN, reason="; ".join(bad[0].reasons) if bad else None,
        rows=read.rows.rows, duplicates=read.rows.duplicates, first_ms=read.rows.first_ms, last_ms=read.rows.last_ms,
    )
