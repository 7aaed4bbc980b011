"""Files in the order in which they are taken, runs of days of one kind and symbol at a time, read one ahead of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from huracan_platform.clock import days_between
from huracan_platform.contracts.archive import ArchivedFile
from huracan_platform.data.archive.contents import Checksum, Contents, open_contents, sha256_of
from huracan_platform.data.archive.names import ArchiveFile, ArchiveKind
from huracan_platform.data.archive.rows import FileRows, read_rows
from huracan_platform.data.market_data.contract import frame_of_rows
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import ArchiveSettings, Settings

# A month: days of a symbol judged and written at a time.
MOST_DAYS = 31
MOST_HOLES = 8


@dataclass(frozen=True)
class Job:
    """Files of one kind, symbol and interval, of days that follow one another."""

    files: tuple[ArchiveFile, ...]

    @property
    def symbol(self) -> str:
        """Unified."""
        return self.files[0].symbol

    @property
    def source(self) -> str:
        """Its files, as reports name them."""
        first, last = self.files[0].path.name, self.files[-1].path.name
        return first if first == last else f"{first} … {last}"


@dataclass(frozen=True)
class ReadFile:
    """A file as it was read: its rows, or why it has none. `known`: it was taken before; evidence alone is read again."""

    file: ArchiveFile
    sha256: str
    checksum: Checksum | None = None
    rows: FileRows | None = None
    refusal: str | None = None
    refused: pd.DataFrame | None = None
    known: ArchivedFile | None = None


def runs(files: Iterable[ReadFile]) -> list[list[ReadFile]]:
    """Files that have rows, in runs of days without a hole."""
    found: list[list[ReadFile]] = []
    for read in files:
        if read.rows is None:
            continue
        last = found[-1][-1].file.days if found else ()
        if last and read.file.days and read.file.days[0] == last[-1] + timedelta(days=1):
            found[-1].append(read)
        else:
            found.append([read])
    return found


def plan(files: Iterable[ArchiveFile]) -> list[Job]:
    """Jobs by symbol: hours before the minutes that are held against them, prices before what is checked with them."""
    order = list(ArchiveKind)
    ranked = sorted(files, key=lambda f: (f.symbol, order.index(f.kind), -f.bar_ms, f.days or (date.min,), f.path))
    jobs: list[list[ArchiveFile]] = []
    for file in ranked:
        if jobs and _follows(jobs[-1], file):
            jobs[-1].append(file)
        else:
            jobs.append([file])
    return [Job(tuple(job)) for job in jobs]


def holes(files: Iterable[ArchiveFile]) -> list[str]:
    """Days between the first and the last of a kind and symbol that no file is of, in words."""
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    for file in files:
        days[f"{file.kind} {file.interval or ''}".strip(), file.symbol].update(file.days)
    found = []
    for (kind, symbol), there in sorted(days.items()):
        missing = [day for day in days_between(min(there), max(there)) if day not in there] if there else []
        if missing:
            more = f" and {len(missing) - MOST_HOLES} more" if len(missing) > MOST_HOLES else ""
            found.append(f"{kind} {symbol}: no file of {', '.join(map(str, missing[:MOST_HOLES]))}{more}")
    return found


def read_job(
    job: Job, taken: Mapping[str, Sequence[ArchivedFile]], venue: str, now_ms: int, settings: Settings, *, require_checksums: bool
) -> list[ReadFile]:
    """Every file of a job that was not taken before. `taken` are the ledger's files by content."""
    return [_read(file, taken, venue, now_ms, settings, require_checksums) for file in job.files]


def _read(
    file: ArchiveFile, taken: Mapping[str, Sequence[ArchivedFile]], venue: str, now_ms: int, settings: Settings, must_vouch: bool
) -> ReadFile:
    sha256 = sha256_of(file.path)
    known = taken.get(sha256, ())
    same = next((k for k in known if (k.kind, k.symbol, k.interval) == (file.kind.value, file.symbol, file.interval)), None)
    if same is not None and not file.is_evidence:
        return ReadFile(file, sha256, known=same)
    contents: Contents | None = None
    try:
        if known and same is None and file.kind is ArchiveKind.KLINES:
            raise DataContractError(f"{file.path.name}: expected bars of {file.symbol}, got the content of {known[0].file}")
        contents = open_contents(file.path, sha256, settings.archive)
        if must_vouch and contents.checksum is Checksum.MISSING:
            raise DataContractError(f"{file.path.name}: expected {file.path.name}.CHECKSUM beside it, got none")
        rows = read_rows(file, contents.csv, venue, now_ms, settings)
    except (DataContractError, PermanentError) as error:
        return ReadFile(file, sha256, refusal=str(error), refused=_kept(file, sha256, contents, settings.archive))
    return ReadFile(file, sha256, contents.checksum, rows, known=same)


def _kept(file: ArchiveFile, sha256: str, contents: Contents | None, settings: ArchiveSettings) -> pd.DataFrame:
    """What quarantine keeps: the lines of a CSV, of what cannot be read or is too large its name and SHA-256."""
    if contents is not None and len(contents.csv) <= settings.keep_refused_mb * 2**20:
        return pd.DataFrame({"row": contents.csv.decode("utf-8", "replace").splitlines()}, dtype="str")
    return frame_of_rows([{"file": str(file.path), "sha256": sha256, "bytes": file.path.stat().st_size}])


def _follows(job: Sequence[ArchiveFile], file: ArchiveFile) -> bool:
    last = job[-1]
    if (last.symbol, last.kind, last.interval) != (file.symbol, file.kind, file.interval) or not (last.days and file.days):
        return False
    days = sum(len(f.days) for f in job) + len(file.days)
    return file.days[0] == last.days[-1] + timedelta(days=1) and days <= MOST_DAYS
