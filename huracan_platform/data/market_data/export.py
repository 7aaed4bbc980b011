"""Facts into files that say what they are: venue, days, pin and content hash go along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import Pin
from huracan_platform.errors import PermanentError

METADATA = b"huracan"
_ENDINGS = (".parquet", ".csv")


def write_facts(
    facts: FactRepository, file: Path, venue: str, symbol: str, start_ms: int, end_ms: int, pin: Pin
) -> dict[str, Any]:
    """Write a symbol's rows with start_ms ≤ ts < end_ms (ms UTC) as the pin sees them; returns what the file says of itself.

    Columns `symbol`, `ts` (UTC, ms) and the values. A CSV file holds no metadata.

    Raises
    ------
    PermanentError
        Another ending than .parquet or .csv, no rows, or a file that cannot be written.
    """
    if file.suffix not in _ENDINGS:
        raise PermanentError(f"{file}: expected a file ending in .parquet or .csv, got {file.suffix or 'no ending'}")
    rows = facts.read_table(venue, [symbol], start_ms, end_ms, pin)
    if rows.num_rows == 0:
        raise PermanentError(f"{facts.table.name} {symbol}: expected rows of {venue} in these days under this pin, got none")
    told: dict[str, Any] = {
        "dataset": facts.table.name, "venue": venue, "symbol": symbol, "rows": rows.num_rows,
        "as_of": pin.as_of and pin.as_of.isoformat(), "recorded_before": pin.recorded_before and pin.recorded_before.isoformat(),
        "content_hash": _content_hash(facts, rows, venue, symbol),
    }
    ts = pc.cast(rows.column("ts_ms"), pa.timestamp("ms", tz="UTC"))
    table = rows.drop_columns(["ts_ms"]).add_column(1, "ts", ts)
    try:
        if file.suffix == ".parquet":
            described = table.replace_schema_metadata({METADATA: json.dumps(told).encode()})
            pyarrow.parquet.write_table(described, file, compression="zstd")
        else:
            pyarrow.csv.write_csv(table, file)
    except OSError as error:
        raise PermanentError(f"{file}: expected a file that can be written, got {error.strerror or error}") from None
    return told


def _content_hash(facts: FactRepository, rows: pa.Table, venue: str, symbol: str) -> str:
    """Of these rows, as the library hashes a range."""
    arrays = {name: rows.column(name).to_numpy() for name in ("ts_ms", *facts.table.values)}
    return hash_arrays(arrays, header={"dataset": facts.table.name, "venue": venue, "symbol": symbol})
