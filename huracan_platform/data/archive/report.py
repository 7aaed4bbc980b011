"""What an import did: per file, per dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from huracan_platform.contracts.archive import ArchivedFile, FileState
from huracan_platform.data.market_data.report import CheckSummary, IngestReport
from huracan_platform.errors import DataContractError


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one import.

    `files` were read now, `skipped` were taken before; `unnamed` maps files that are none of the archive's to why; `unvouched`
    had no checksum beside them; `reports` has one per dataset; `notices` say what a person may want to know.
    """

    venue: str
    files: tuple[ArchivedFile, ...]
    skipped: tuple[str, ...]
    unnamed: dict[str, str]
    unvouched: tuple[str, ...]
    reports: tuple[IngestReport, ...]
    notices: tuple[str, ...] = field(default=())

    def in_state(self, state: FileState) -> list[ArchivedFile]:
        """Files in a state."""
        return [file for file in self.files if file.state is state]

    @property
    def duplicates(self) -> int:
        """Rows left out because they said the same as another of their file."""
        return sum(file.duplicates for file in self.files)

    def raise_if_bad(self) -> None:
        """For callers that end with an exit code.

        Raises
        ------
        DataContractError
            A file was refused, or a day of one was quarantined.
        """
        bad = [file.reason or "" for file in self.files if file.state is not FileState.TAKEN]
        bad += self.unnamed.values()
        if bad:
            more = f" (and {len(bad) - 1} more files)" if len(bad) > 1 else ""
            raise DataContractError(bad[0] + more)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "venue": self.venue,
            "files": {state.value: len(self.in_state(state)) for state in FileState} | {"skipped": len(self.skipped)},
            "rows": sum(file.rows for file in self.files), "duplicates": self.duplicates,
            "not_taken": {file.file: file.reason for file in self.files if file.state is not FileState.TAKEN} | self.unnamed,
            "without_checksum": list(self.unvouched), "skipped": list(self.skipped), "notices": list(self.notices),
            "datasets": [report.as_dict() for report in self.reports],
        }


def merged(reports: Sequence[IngestReport]) -> tuple[IngestReport, ...]:
    """One report per dataset, in order of first appearance."""
    by_dataset: dict[str, list[IngestReport]] = {}
    for report in reports:
        by_dataset.setdefault(report.dataset, []).append(report)
    return tuple(_one(name, parts) for name, parts in by_dataset.items())


def _one(dataset: str, parts: Sequence[IngestReport]) -> IngestReport:
    # A day that several files tell of counts as its last one left it.
    days = {(day.day, day.symbol): day for part in parts for day in part.days}
    checks: dict[str, list[CheckSummary]] = {}
    for part in parts:
        for check in part.checks:
            checks.setdefault(check.name, []).append(check)
    return IngestReport(
        parts[0].venue, dataset, tuple(days[key] for key in sorted(days)),
        tuple(
            CheckSummary(name, sum(c.days for c in found), tuple(failure for c in found for failure in c.failing))
            for name, found in checks.items()
        ),
        sum(part.inserted for part in parts), sum(part.revised for part in parts), sum(part.unchanged for part in parts), {},
    )
