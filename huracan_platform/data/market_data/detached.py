"""Old days of what is recorded into files and back: written, read back and compared before anything is dropped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.detached import DayTable, DetachedDays
from huracan_platform.contracts.detached import DetachedDay
from huracan_platform.errors import PermanentError

_TYPES = {
    "text": pa.string(), "integer": pa.int32(), "timestamptz": pa.timestamp("us", tz="UTC"), "double precision": pa.float64(),
}


def detach_before(
    brain: Brain, dataset: str, before: date, out: Path, trailing_days: int, wire_ms: int
) -> list[DetachedDay]:
    """Move the days before a date into files under `out`, a parquet file each; returns them in order.

    A day whose file does not read back the same stays in the library.

    Raises
    ------
    PermanentError
        `out` can be no folder; some of the newest day's `trailing_days`, which it is set against, would go; a file is there
        already or differs when read back.
    """
    library = DetachedDays(brain, dataset)
    newest = library.newest()
    last = None if newest is None else newest - timedelta(days=trailing_days + 1)
    if last is not None and before > last:
        raise PermanentError(
            f"before: expected {last} or earlier, as the newest day is set against {trailing_days} days, got {before}"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"out: expected a folder that can be written to, got {out} ({error.strerror})") from None
    moved = []
    for day in library.partitions():
        if day < before:
            told = _written(library, dataset, day, out)
            library.detach(told, wire_ms)
            moved.append(told)
    return moved


def attach(brain: Brain, dataset: str, day: date, file: Path | None = None) -> int:
    """Bring a detached day back from its file, or from where the file is now; returns its rows.

    Raises
    ------
    PermanentError
        The day was not detached, or the file is not the one that was written.
    """
    library = DetachedDays(brain, dataset)
    told = next((d for d in library.all() if d.day == day), None)
    if told is None:
        raise PermanentError(f"attach: expected a day of {dataset} that was detached, got {day}")
    path = file or Path(told.file)
    if not path.is_file():
        raise PermanentError(f"attach {day}: expected the file {path}, got none there (--file says where it is now)")
    if (found := _sha256(path)) != told.sha256:
        raise PermanentError(f"attach {day}: expected {path} with SHA-256 {told.sha256}, got {found}")
    return library.attach(day, _rows(path))


def _written(library: DetachedDays, dataset: str, day: date, out: Path) -> DetachedDay:
    path = (out / f"{library.table.name}_{day:%Y%m%d}.parquet").absolute()
    if path.exists():
        raise PermanentError(f"detach {day}: expected no file {path}, got one")
    schema = _schema(library.table)
    parts = [
        pa.table([pa.array(c, kind) for c, kind in zip(zip(*rows, strict=True), schema.types, strict=True)], schema=schema)
        for rows in library.rows(day)
    ]
    table = pa.concat_tables(parts) if parts else schema.empty_table()
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial)
    if not pq.read_table(partial).equals(table):
        raise PermanentError(f"detach {day}: expected {partial} to read back as written, got other rows")
    partial.rename(path)
    digest = _sha256(path)
    path.with_suffix(".parquet.sha256").write_text(f"{digest}  {path.name}\n")
    return DetachedDay(dataset, day, len(table), str(path), digest)


def _schema(table: DayTable) -> pa.Schema:
    types = {"venue": "text", "symbol": "text", **table.columns}
    return pa.schema([(name, _TYPES[types[name]]) for name in table.filed])


def _rows(path: Path) -> Iterator[tuple[Any, ...]]:
    for batch in pq.ParquetFile(path).iter_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
