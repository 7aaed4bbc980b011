"""Days that need it are filled again: from the venue, then from the alternatives; what stays bad stays marked and is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.ingest import ingest_dataset
from huracan_platform.data.market_data.inventory import Finding, find_lacks
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Repaired:
    """What became of a finding. `state` is the day's afterwards, None where it has none; `left` what is still wrong, or empty."""

    finding: Finding
    state: DayState | None
    left: str

    @property
    def is_well(self) -> bool:
        """Nothing is wrong with the day any more."""
        return not self.left

    def __str__(self) -> str:
        done = "repaired" if self.is_well else f"not repaired, {self.state or 'missing'}: {self.left}"
        found = self.finding
        return f"{found.dataset} {found.symbol} {found.day}: was {found.lack}; {done}"


def repair(
    brain: Brain, market: MarketSource, settings: Settings, findings: Sequence[Finding]
) -> list[Repaired]:
    """Ingest the days of the findings once more, in their order; says of each what became of it.

    What the venue does not deliver of candles the alternatives lend: such a day is degraded, and that is told as left. A dataset
    and symbol that cannot be fetched holds nobody else up.
    """
    refused: dict[tuple[str, str], str] = {}
    for (dataset, symbol), days in _runs(findings):
        try:
            report = ingest_dataset(dataset, brain, market, [symbol], days[0], days[-1], settings)
        except (TransientError, PermanentError, DataContractError) as error:
            refused[dataset, symbol] = str(error)
        else:
            refused.update({(dataset, name): why for name, why in report.unfetched.items()})
    return [_outcome(brain, market, settings, found, refused) for found in findings]


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
