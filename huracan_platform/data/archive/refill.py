"""Days that a venue does not deliver, out of a folder of archive files: those days only, whatever else the files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, HOUR_MS, day_of, day_start_ms
from huracan_platform.data.archive.intake import ArchiveIntake
from huracan_platform.data.archive.jobs import Job, ReadFile, read_job
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind, find_files, recognise
from huracan_platform.data.market_data.fallback import Fallback
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import Settings

# Where the archive has a dataset.
KINDS: Mapping[str, ArchiveKind] = MappingProxyType({
    "candles": ArchiveKind.KLINES, "taker_volumes": ArchiveKind.KLINES, "funding": ArchiveKind.FUNDING,
    "open_interest": ArchiveKind.METRICS, "account_ratios": ArchiveKind.METRICS, "liquidations": ArchiveKind.LIQUIDATIONS,
})
WITH_EVIDENCE = frozenset({"candles", "open_interest"})


class ArchiveShelf:
    """A folder of archive files, as the settings name it."""

    def __init__(self, folder: Path, brain: Brain, market: MarketSource, settings: Settings) -> None:
        self._folder, self._brain, self._market = folder, brain, market
        # A day that is asked for is wanted: what takers traded need not be switched on for the whole archive.
        told = settings.archive.model_copy(update={"taker_volumes": True})
        self._settings = settings.model_copy(update={"archive": told})

    @cached_property
    def _files(self) -> list[ArchiveFile]:
        found = []
        for path in find_files([self._folder]):
            try:
                found.append(recognise(path))
            except PermanentError:
                continue  # what is none of the archive's is the importer's to tell
        return found

    def refill(self, dataset: str, symbol: str, days: Sequence[date]) -> list[str]:
        """Take days that follow one another from the files; returns the names of those that held some, none where none did.

        Rows go through the same contract, checks and books as what the venue delivers. The ledger of files stays as it is: none
        of them was taken whole.

        Raises
        ------
        DataContractError
            The files of these days are no good; why.
        PermanentError
            There is no such folder, or no files in it.
        """
        chosen = self._chosen(dataset, symbol, days)
        if not chosen:
            return []
        clock = self._market.clock()
        job = Job(tuple(chosen))
        read = read_job(job, {}, self._market.venue, clock.market_ms(), self._settings, require_checksums=False)
        parts = [part for one in read if (part := _part(one, dataset, days)) is not None]
        names = [part.file.path.name for part in parts if not part.file.is_evidence]
        if not names:
            refusals = [one.refusal for one in read if one.refusal is not None]
            if refusals:
                raise DataContractError(refusals[0])
            return []
        intake = ArchiveIntake(
            self._brain, self._market.venue, self._settings, clock, listing=self._market.listing(symbol),
            others=Fallback(self._brain, self._market.venue, self._settings),
        )
        for evidence in (True, False):
            of_kind = [part for part in parts if part.file.is_evidence is evidence]
            if of_kind:
                intake.take(Job(tuple(part.file for part in of_kind)), of_kind, is_last=False)
        return names

    def _chosen(self, dataset: str, symbol: str, days: Sequence[date]) -> list[ArchiveFile]:
        """Of each day one file, the shortest that has it, and the hours that it is held against."""
        kind, wanted = KINDS.get(dataset), set(days)
        if kind is ArchiveKind.METRICS:
            wanted.add(days[0] - timedelta(days=1))  # a day's file may end with the midnight after it
        sought = [(kind, True)] + ([(ArchiveKind.KLINES, False)] if dataset in WITH_EVIDENCE else [])
        found: dict[Path, ArchiveFile] = {}
        for of_kind, is_told in sought:
            files = [
                file for file in self._files
                if (file.symbol, file.kind) == (symbol, of_kind) and (not file.is_evidence if is_told else file.bar_ms == HOUR_MS)
            ]
            for day in sorted(wanted):
                holding = sorted((file for file in files if day in file.days), key=lambda file: (len(file.days), file.path))
                found.update({file.path: file for file in holding[:1]})
        return list(found.values())


def _part(read: ReadFile, dataset: str, days: Sequence[date]) -> ReadFile | None:
    """What a file has of the days; None for nothing."""
    if read.rows is None:
        return None
    start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
    series = {
        name: rows.at((rows.ts_ms >= start) & (rows.ts_ms < end)) for name, rows in read.rows.series.items()
        if read.file.is_evidence or name == dataset
    }
    told = [rows.ts_ms for rows in series.values() if len(rows)]
    held = tuple(day for day in days if day in read.file.days)
    if dataset == "liquidations":
        liquidations = tuple(one for one in read.rows.liquidations if start <= one.ts_ms < end)
        return replace(read, file=replace(read.file, days=held), rows=replace(read.rows, liquidations=liquidations))
    if not told:
        return None
    first, last = min(int(ts.min()) for ts in told), max(int(ts.max()) for ts in told)
    rows = replace(read.rows, series=series, first_ms=first, last_ms=last)
    return replace(read, file=replace(read.file, days=held or (day_of(first),)), rows=rows)
