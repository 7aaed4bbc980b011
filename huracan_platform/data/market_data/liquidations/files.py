"""Old days of liquidations into files and back: written, read back and compared before anything is dropped."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.detached import COLUMNS, DATASET, DetachedDays
from huracan_platform.contracts.detached import DetachedDay
from huracan_platform.errors import PermanentError
from huracan_platform.settings import LiquidationSettings

_TIME, _TEXT, _NUMBER = pa.timestamp("us", tz="UTC"), pa.string(), pa.float64()
_SCHEMA = pa.schema(list(zip(
    COLUMNS, (_TEXT, pa.int32(), _TIME, _TIME, _TIME, _TEXT, _TEXT, _TEXT, _NUMBER, _NUMBER, _TEXT), strict=True
)))


def detach_before(brain: Brain, before: date, out: Path, rule: LiquidationSettings, wire_ms: int) -> list[DetachedDay]:
    """Move the days before a date into files under `out`, a parquet file each; returns them in order.

    A day whose file does not read back the same stays in the library.

    Raises
    ------
    PermanentError
        Days that cascades of the newest day are set against would go; a file is there already or differs when read back.
    """
    library = DetachedDays(brain)
    newest = library.newest()
    last = None if newest is None else newest - timedelta(days=rule.trailing_days + 1)
    if last is not None and before > last:
        raise PermanentError(
            f"before: expected {last} or earlier, as cascades are set against {rule.trailing_days} days, got {before}"
        )
    out.mkdir(parents=True, exist_ok=True)
    moved = []
    for day in library.partitions():
        if day < before:
            told = _written(day, library.rows(day), out)
            library.detach(told, wire_ms)
            moved.append(told)
    return moved


def attach(brain: Brain, day: date, file: Path | None = None) -> int:
    """Bring a detached day back from its file, or from where the file is now; returns its rows.

    Raises
    ------
    PermanentError
        The day was not detached, or the file is not the one that was written.
    """
    library = DetachedDays(brain)
    told = next((d for d in library.all() if d.dataset == DATASET and d.day == day), None)
    if told is None:
        raise PermanentError(f"attach: expected a day that was detached, got {day}")
    path = file or Path(told.file)
    if not path.is_file():
        raise PermanentError(f"attach {day}: expected the file {path}, got none there (--file says where it is now)")
    if (found := _sha256(path)) != told.sha256:
        raise PermanentError(f"attach {day}: expected {path} with SHA-256 {told.sha256}, got {found}")
    return library.attach(day, [tuple(row.values()) for row in pq.read_table(path).to_pylist()])


def _written(day: date, rows: list[tuple[Any, ...]], out: Path) -> DetachedDay:
    path = (out / f"liquidations_{day:%Y%m%d}.parquet").absolute()
    if path.exists():
        raise PermanentError(f"detach {day}: expected no file {path}, got one")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    table = pa.table([pa.array(list(column), kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)], schema=_SCHEMA)
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial)
    if not pq.read_table(partial).equals(table):
        raise PermanentError(f"detach {day}: expected {partial} to read back as written, got other rows")
    partial.rename(path)
    digest = _sha256(path)
    path.with_suffix(".parquet.sha256").write_text(f"{digest}  {path.name}\n")
    return DetachedDay(DATASET, day, len(rows), str(path), digest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
