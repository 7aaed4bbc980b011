"""Feature days in order, each from the state that the day before left.

A restated candle changes a day's state, and so the days after it: building goes on over stored days until a day's
stored starting state is the one at hand again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from huracan_platform.brain.facts.features import FeatureDayWriter
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.feature_days import FeatureDay, FeatureDaySymbol
from huracan_platform.contracts.market import Pin
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.files import FeatureFiles, SymbolRows, checkpoints_hash, day_hash
from huracan_platform.data.features.inputs import DayInput, LibraryInputs
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.failpoints import Failpoint, reach


class _Chain:
    """One symbol's state on its way through the days; the engine is restored only when a day must be run."""

    def __init__(self, feature_set: FeatureSet, files: FeatureFiles) -> None:
        self._set = feature_set
        self._files = files
        self._path = ""
        self._engine: FeatureEngine | None = None
        self.state_hash: str | None = None

    def pass_over(self, end_checkpoint: str, path: str) -> None:
        self.state_hash, self._path, self._engine = end_checkpoint, path, None

    def engine(self) -> FeatureEngine:
        if self._engine is None:
            self._engine = FeatureEngine(self._set)
            if self.state_hash is not None:
                self._engine.restore(self._files.read_checkpoint(self._path, self.state_hash))
        return self._engine


@dataclass(frozen=True)
class BuiltDay:
    """A day that was run; `changed` is False when the stored version says the same already."""

    day: FeatureDay
    changed: bool


@dataclass(frozen=True)
class _Made:
    part: FeatureDaySymbol
    rows: SymbolRows
    checkpoint: bytes


class DayBuilder:
    """Builds days of one feature set at one venue inside one manifest transaction."""

    def __init__(self, manifest: FeatureDayWriter, files: FeatureFiles, inputs: LibraryInputs, feature_set: FeatureSet,
                 venue: str, pin: Pin) -> None:
        assert pin.as_of is not None
        assert pin.recorded_before is not None
        self._manifest = manifest
        self._files = files
        self._inputs = inputs
        self._set = feature_set
        self._venue = venue
        self._as_of, self._recorded_before = pin.as_of, pin.recorded_before

    def build(self, wanted: Mapping[str, Collection[date]]) -> Iterator[BuiltDay]:
        """Build the wanted days of each symbol and the stored later ones that no longer follow from them.

        Yields each day that was wanted or changed, in order; files are written before a day is yielded. Without bars
        a symbol-day is left out.
        """
        first = min(day for days in wanted.values() for day in days)
        stored = self._manifest.newest(first, date.max)
        chains = {symbol: self._chain_before(symbol, first) for symbol in wanted}
        for day in sorted({*stored, *(d for days in wanted.values() for d in days)}):
            old = stored.get(day)
            made = {}
            for symbol, chain in chains.items():
                result = self._one(chain, symbol, day, old, day in wanted[symbol])
                if result is not None:
                    made[symbol] = result
            if made:
                yield self._merge(day, old, made)

    def _chain_before(self, symbol: str, day: date) -> _Chain:
        chain = _Chain(self._set, self._files)
        before = self._manifest.newest_before(symbol, day)
        if before is not None:
            chain.pass_over(before.symbols[symbol].end_checkpoint, before.checkpoints_path)
        return chain

    def _one(self, chain: _Chain, symbol: str, day: date, old: FeatureDay | None, wanted: bool) -> _Made | None:
        before = old.symbols.get(symbol) if old else None
        if not wanted and (old is None or before is None):
            return None
        if not wanted and old and before and before.start_checkpoint == chain.state_hash:
            chain.pass_over(before.end_checkpoint, old.checkpoints_path)
            return None
        given = self._inputs.day(symbol, day)
        if len(given.candles) == 0:
            return None
        return self._run(chain, symbol, given)

    def _run(self, chain: _Chain, symbol: str, given: DayInput) -> _Made:
        engine = chain.engine()
        values = engine.run(given.candles, *(given.known[name] for name in self._set.inputs))
        rows = SymbolRows(symbol, given.candles.ts_ms, values)
        checkpoint = engine.checkpoint()
        genesis_ms = engine.genesis_ms
        assert genesis_ms is not None
        part = FeatureDaySymbol(
            symbol=symbol, rows=len(rows.ts_ms), rows_hash=rows.content_hash(self._set.columns),
            input_hash=given.content_hash(), genesis=to_datetime(genesis_ms), start_checkpoint=chain.state_hash,
            end_checkpoint=hashlib.sha256(checkpoint).hexdigest(), as_of=self._as_of, recorded_before=self._recorded_before,
            second_venue=self._inputs.second_venue,
        )
        chain.state_hash = part.end_checkpoint
        return _Made(part, rows, checkpoint)

    def _merge(self, day: date, old: FeatureDay | None, made: Mapping[str, _Made]) -> BuiltDay:
        kept = {s: p for s, p in old.symbols.items() if s not in made} if old else {}
        parts = dict(sorted({**kept, **{s: m.part for s, m in made.items()}}.items()))
        folder = f"features/{self._set.name}/{self._set.set_hash[:16]}/{self._venue}/{day}"
        merged = FeatureDay(
            venue=self._venue, day=day, feature_set=self._set.name, profile=self._set.profile, set_hash=self._set.set_hash,
            code_version=self._set.code_version, content_hash=day_hash(parts), path=f"{folder}/{day_hash(parts)}.parquet",
            checkpoints_path=f"{folder}/{checkpoints_hash(parts)}.checkpoints.parquet", symbols=parts,
        )
        if old and _same(old, merged):
            return BuiltDay(old, changed=False)
        rows = {s: m.rows for s, m in made.items()}
        checkpoints = {s: m.checkpoint for s, m in made.items()}
        if old:
            for symbol, part in kept.items():
                rows[symbol] = self._files.read_rows(old.path, symbol, list(old.symbols), self._set.columns)
                checkpoints[symbol] = self._files.read_checkpoint(old.checkpoints_path, part.end_checkpoint)
        self._files.write_rows(merged.path, rows, self._set.columns)
        self._files.write_checkpoints(merged.checkpoints_path, checkpoints)
        reach(Failpoint.AFTER_FEATURE_FILES)
        return BuiltDay(merged, changed=True)


def _same(old: FeatureDay, new: FeatureDay) -> bool:
    def content(day: FeatureDay) -> list[tuple[str, str, str, str | None, str]]:
        return [(s.symbol, s.rows_hash, s.input_hash, s.start_checkpoint, s.end_checkpoint) for s in day.symbols.values()]

    return content(old) == content(new)
