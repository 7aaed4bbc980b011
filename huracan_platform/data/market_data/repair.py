"""Days that need it are filled again: from the venue, then from the alternatives, then from the archive's files.

What stays bad stays marked and is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.refill import ArchiveShelf
from huracan_platform.data.market_data.ingest import ingest_dataset
from huracan_platform.data.market_data.inventory import Finding, find_lacks
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Repaired:
    """What became of a finding. `state` is the day's afterwards, None where it has none; `left` what is still wrong, or empty.

    `files` are those of the archive that had some of the day; none where none was asked for it or none had it.
    """

    finding: Finding
    state: DayState | None
    left: str
    files: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Nothing is wrong with the day any more."""
        return not self.left

    def __str__(self) -> str:
        whence = f" from the archive ({', '.join(self.files)})" if self.files else ""
        done = f"repaired{whence}" if self.is_well else f"not repaired, {self.state or 'missing'}: {self.left}"
        found = self.finding
        return f"{found.dataset} {found.symbol} {found.day}: was {found.lack}; {done}"


def repair(
    brain: Brain, market: MarketSource, settings: Settings, findings: Sequence[Finding]
) -> list[Repaired]:
    """Ingest the days of the findings once more, in their order; says of each what became of it.

    What the venue does not deliver of candles the alternatives lend: such a day is degraded. What is still wrong then is looked
    for in the archive's files, where the settings name their folder: they have the venue's own rows. A dataset and symbol that
    cannot be fetched holds nobody else up.
    """
    refused: dict[tuple[str, str], str] = {}
    for (dataset, symbol), days in _runs(findings):
        try:
            report = ingest_dataset(dataset, brain, market, [symbol], days[0], days[-1], settings)
        except (TransientError, PermanentError, DataContractError) as error:
            refused[dataset, symbol] = str(error)
        else:
            refused.update({(dataset, name): why for name, why in report.unfetched.items()})
    done = {found: _outcome(brain, market, settings, found, refused) for found in findings}
    folder, left = settings.archive.dir, [found for found, one in done.items() if not one.is_well]
    if folder is not None and left:
        shelf = ArchiveShelf(folder, brain, market, settings)
        for (dataset, symbol), days in _runs(left):
            of_run = [found for found in left if (found.dataset, found.symbol) == (dataset, symbol) and found.day in days]
            files, why = _from_archive(shelf, dataset, symbol, days)
            for found in of_run if files else []:
                done[found] = replace(_outcome(brain, market, settings, found, refused), files=files)
            done.update({found: replace(done[found], left=f"{done[found].left}; the archive: {why}") for found in of_run if why})
    return list(done.values())


def _from_archive(shelf: ArchiveShelf, dataset: str, symbol: str, days: Sequence[date]) -> tuple[tuple[str, ...], str]:
    """The files that had some of the days, and why they could not be taken."""
    try:
        return tuple(shelf.refill(dataset, symbol, days)), ""
    except (TransientError, PermanentError, DataContractError) as error:
        return (), str(error)


def _outcome(
    brain: Brain, market: MarketSource, settings: Settings, found: Finding, refused: dict[tuple[str, str], str]
) -> Repaired:
    left = find_lacks(brain, market, settings, found.day, found.day, datasets=[found.dataset], symbols=[found.symbol])
    books = QualityRepository(brain).days(market.venue, found.dataset, [found.symbol], found.day, found.day)
    state = books[0].state if books else None
    if not left:
        return Repaired(found, state, "")
    return Repaired(found, state, left[0].why or refused.get((found.dataset, found.symbol), ""))


def _runs(findings: Sequence[Finding]) -> Iterator[tuple[tuple[str, str], list[date]]]:
    """Days of one dataset and symbol that follow one another."""
    ordered = sorted(findings, key=lambda f: (f.dataset, f.symbol, f.day))
    for series, of_series in groupby(ordered, key=lambda f: (f.dataset, f.symbol)):
        days = sorted({found.day for found in of_series})
        for _, run in groupby(enumerate(days), key=lambda place: place[1].toordinal() - place[0]):
            yield series, [day for _, day in run]
