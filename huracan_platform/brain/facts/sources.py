"""Facts of sources that declare their columns themselves. Their tables are made when the first rows are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository, UpsertResult
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.brain.roles import SOURCE_TABLES
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.source import SourceContract, SourceRows
from huracan_platform.errors import PermanentError


class SourceRepository(FactRepository):
    """Facts of one source, in `source_<name>` and its history. A source that wrote nothing yet reads as empty."""

    def __init__(self, brain: Brain, contract: SourceContract) -> None:
        super().__init__(brain)
        self._name = contract.name
        self.table = FactTable(f"{SOURCE_TABLES}{contract.name}", contract.names)

    def upsert(
        self, venue: str, batch: pa.Table, recorded_at_ms: int, *, revision_known_at_ms: int | None = None
    ) -> UpsertResult:
        """As `FactRepository.upsert`; the tables are made where there are none.

        Raises
        ------
        PermanentError
            Also: a name that no table can have; tables of that name with other columns.
        """
        try:
            with self._brain.connect() as connection:
                connection.execute("SELECT make_source_tables(%s, %s)", (self._name, list(self.table.values)))
        except psycopg.errors.InvalidParameterValue as error:
            raise PermanentError(str(error.diag.message_primary)) from None
        return super().upsert(venue, batch, recorded_at_ms, revision_known_at_ms=revision_known_at_ms)

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, SourceRows]:
        """Rows with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order.

        Empty arrays where there is nothing. `pin` None reads the newest version of everything.
        """
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: SourceRows(symbol, arrays.pop("ts_ms"), arrays) for symbol, arrays in found.items()}

    def read_versions(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, FactVersions]:
        """As `FactRepository.read_versions`."""
        try:
            return super().read_versions(venue, symbols, start_ms, end_ms, pin)
        except psycopg.errors.UndefinedTable:
            return {symbol: self._versions(None) for symbol in symbols}

    def bounds(self, venue: str, symbol: str) -> tuple[int, int] | None:
        """As `FactRepository.bounds`."""
        try:
            return super().bounds(venue, symbol)
        except psycopg.errors.UndefinedTable:
            return None

    def _read(self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin) -> dict[str, dict[str, Any]]:
        try:
            return super()._read(venue, symbols, start_ms, end_ms, pin)
        except psycopg.errors.UndefinedTable:
            return {symbol: self._empty() for symbol in symbols}

    def _empty(self) -> dict[str, Any]:
        return {"ts_ms": np.empty(0, np.int64), **{name: np.empty(0) for name in self.table.values}}
