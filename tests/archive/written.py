"""Archives as the venue publishes them, written by the tests themselves: a tree of zips with a CSV and a checksum each."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.data.archive.names import ArchiveKind
from huracan_platform.data.archive.tables import COLUMNS

UM = Path("data/futures/um")


def kline_table(bars: Candles, bar_ms: int = MINUTE_MS, per_ms: int = 1, seed: int = 3) -> pa.Table:
    """Bars as the archive's columns; what a bar does not say is made up to fit it. `per_ms` 1000 for times in µs."""
    rng = np.random.default_rng(seed)
    opens = bars.ts_ms * per_ms
    mean = (bars.low + bars.high) / 2
    taken = np.round(bars.volume * rng.uniform(0.2, 0.8, len(bars)), 3)
    columns: dict[str, Any] = {
        "open_time": opens, "open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close, "volume": bars.volume,
        "close_time": opens + bar_ms * per_ms - 1, "quote_volume": np.round(bars.volume * mean, 7),
        "count": rng.integers(1, 5000, len(bars)), "taker_buy_volume": taken,
        "taker_buy_quote_volume": np.round(taken * mean, 7), "ignore": np.zeros(len(bars), np.int64),
    }
    return pa.table(columns)


def table_of(kind: ArchiveKind, rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Rows in the order of a kind's columns."""
    found = list(rows)
    return pa.table({name: [row[at] for row in found] for at, name in enumerate(COLUMNS[kind])})


def csv_bytes(table: pa.Table, *, header: bool = True) -> bytes:
    """A table as the archive writes it: no quotes."""
    sink = io.BytesIO()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=header, quoting_style="none"))
    return sink.getvalue()


def place(root: Path, kind: str, native: str, period: str, interval: str | None = None, market: Path = UM) -> Path:
    """Where the archive keeps a file: `period` is a day or a month."""
    folder = root / market / ("daily" if period.count("-") == 2 else "monthly") / kind / native
    return (folder / interval if interval else folder) / f"{native}-{interval or kind}-{period}.zip"


def write_zip(path: Path, text: bytes, *, member: str | None = None, checksum: bool = True) -> Path:
    """One CSV in a zip, its checksum beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or f"{path.stem}.csv", text)
    if checksum:
        vouch(path)
    return path


def vouch(path: Path, sha256: str | None = None) -> None:
    """Put a checksum beside a file: its own unless another is given."""
    told = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{told}  {path.name}\n")
