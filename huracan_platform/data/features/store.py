"""The feature store: days built from the library, read back as matrices, resumed from checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.features import FeatureDayRepository
from huracan_platform.clock import Clock, SystemClock, day_of, to_datetime
from huracan_platform.contracts.feature_days import FeatureDay, StaleDay
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.market import Pin
from huracan_platform.data.features.build import DayBuilder
from huracan_platform.data.features.files import FeatureFiles
from huracan_platform.data.features.inputs import FactSources, LibraryInputs
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.errors import PermanentError
from huracan_platform.failpoints import Failpoint, reach

READERS = 2                 # decompression lets go of the interpreter; more threads than cores gain nothing
FUNDING_DELAY_MS = 5_000


class FeatureStore:
    """Feature days of all venues and sets: manifest in the library, rows and checkpoints in files under a root.

    Parameters
    ----------
    brain
        The library: candles, other facts and the manifest.
    root_url
        Folder or fsspec URL of the artefacts.
    clock
        Tells recorded_at, and stands in for a bound that a pin leaves open. None is the system's clock.
    funding_delay_ms
        A funding rate is known this long after its settlement.
    second_venue, fear_greed
        Names, in the library, of the venue whose funding is compared and of the index's source. None: there is none.
    """

    def __init__(
        self, brain: Brain, root_url: str, *, clock: Clock | None = None, funding_delay_ms: int = FUNDING_DELAY_MS,
        second_venue: str | None = None, fear_greed: str | None = None,
    ) -> None:
        self._brain = brain
        self._days = FeatureDayRepository(brain)
        self._files = FeatureFiles(root_url)
        self._clock = clock or SystemClock()
        self._funding_delay_ms = funding_delay_ms
        self._second_venue, self._fear_greed = second_venue, fear_greed

    def build_days(
        self, venue: str, symbols: Sequence[str], days: Collection[date], feature_set: FeatureSet, pin: Pin | None = None,
        good_days: Mapping[str, Collection[date]] | None = None, progress: Callable[[int, int], None] | None = None,
    ) -> list[FeatureDay]:
        """Build days of some symbols, and stored later days that no longer follow from them.

        Other symbols of a day stay as they are. All of it is one transaction: whoever reads sees the old days or the
        new ones. Built twice from the same inputs, a day has the same hashes and no second version.

        Parameters
        ----------
        venue, symbols, days
            What to build; UTC days. The first day ever built for a symbol is its genesis.
        pin
            Versions of the facts to read; a bound left open is now. Both bounds go into the manifest.
        good_days
            Per symbol the days that passed their checks; others are not built. None trusts all days. A day that was
            stored while it was good stays part of its chain: what was refused later never reached the library.
        progress
            Called after each day with the days done and the days asked for; later days that follow come on top.

        Returns
        -------
        The days that were built, in order; a symbol-day without a bar is left out.
        """
        bounded = self._bounded(pin)
        wanted = {s: {d for d in days if good_days is None or d in good_days.get(s, ())} for s in symbols}
        if not any(wanted.values()):
            return []
        inputs = self._inputs(venue, symbols, feature_set, bounded)
        with self._days.writing(venue, feature_set.set_hash) as manifest:
            builder = DayBuilder(manifest, self._files, inputs, feature_set, venue, bounded)
            built, asked = [], len(set().union(*wanted.values()))
            for day in builder.build(wanted):
                built.append(day)
                if progress is not None:
                    progress(len(built), asked)
            manifest.append([b.day for b in built if b.changed], to_datetime(self._clock.wire_ms()))
            reach(Failpoint.BEFORE_MANIFEST_COMMIT)
        return [b.day for b in built]

    def load(
        self, venue: str, symbol: str, feature_set: FeatureSet, start_ms: int, end_ms: int, pin: Pin | None = None,
        good_days: Collection[date] | None = None,
    ) -> FeatureMatrix:
        """Rows of one symbol with start_ms ≤ ts < end_ms (ms UTC), in time order; warm-up rows are there as NaN.

        `pin` takes the newest versions whose inputs were read at a pin that is not later.
        `good_days` leaves out every other day.
        """
        chosen = [
            d for d in self.days(venue, feature_set, day_of(start_ms), day_of(max(start_ms, end_ms - 1)), pin)
            if symbol in d.symbols and (good_days is None or d.day in good_days)
        ]
        with ThreadPoolExecutor(READERS) as pool:
            parts = list(pool.map(
                lambda d: self._files.read_rows(d.path, symbol, list(d.symbols), feature_set.columns), chosen,
            ))
        ts_ms = np.concatenate([np.empty(0, np.int64), *(p.ts_ms for p in parts)])
        values = np.concatenate([np.empty((0, len(feature_set.columns))), *(p.values for p in parts)])
        first, last = np.searchsorted(ts_ms, [start_ms, end_ms])
        return FeatureMatrix(
            symbol=symbol, ts_ms=ts_ms[first:last], values=values[first:last], columns=feature_set.columns,
            set_name=feature_set.name, set_hash=feature_set.set_hash,
            day_hashes=tuple(d.symbols[symbol].rows_hash for d in chosen),
        )

    def days(self, venue: str, feature_set: FeatureSet, first: date, last: date, pin: Pin | None = None) -> list[FeatureDay]:
        """Manifest of the stored days from `first` to `last`, both inclusive, in order."""
        found = self._days.newest(venue, feature_set.set_hash, first, last, pin)
        return [found[day] for day in sorted(found)]

    def checkpoint_before(
        self, venue: str, symbol: str, feature_set: FeatureSet, day: date, pin: Pin | None = None,
    ) -> tuple[bytes, date] | None:
        """The engine's state after the last stored day before `day`, and that day; None when there is none."""
        found = self._days.newest_before(venue, feature_set.set_hash, symbol, day, pin)
        if found is None:
            return None
        return self._files.read_checkpoint(found.checkpoints_path, found.symbols[symbol].end_checkpoint), found.day

    def checkpoint(self, sha256: str) -> bytes:
        """A stored state by its SHA-256.

        Raises
        ------
        PermanentError
            No stored day ended with it, or its file is damaged.
        """
        path = self._days.checkpoint_file(sha256)
        if path is None:
            raise PermanentError(f"feature checkpoint: expected a stored day that ends with {sha256}, got none")
        return self._files.read_checkpoint(path, sha256)

    def stale_days(
        self, venue: str, symbols: Sequence[str], feature_set: FeatureSet, first: date, last: date, pin: Pin | None = None,
    ) -> list[StaleDay]:
        """Stored days whose inputs the library holds otherwise now, or that follow from another state.

        Building the first of them brings the rest along.
        """
        inputs = self._inputs(venue, symbols, feature_set, self._bounded(pin))
        stored = self.days(venue, feature_set, first, last)
        found = []
        for symbol in symbols:
            before = self._days.newest_before(venue, feature_set.set_hash, symbol, first)
            state = before.symbols[symbol].end_checkpoint if before else None
            for day in stored:
                part = day.symbols.get(symbol)
                if part is None:
                    continue
                if part.start_checkpoint != state:
                    reason = f"starts from state {part.start_checkpoint}, the day before ends in {state}"
                    found.append(StaleDay(day.day, symbol, reason))
                elif part.input_hash != (now := inputs.day(symbol, day.day).content_hash()):
                    found.append(StaleDay(day.day, symbol, f"made from input {part.input_hash}, the library holds {now}"))
                state = part.end_checkpoint
        return sorted(found, key=lambda s: (s.day, s.symbol))

    def pin_now(self) -> Pin:
        """A pin that sees what is known and recorded now."""
        return self._bounded(None)

    def inputs(self, venue: str, symbol: str, feature_set: FeatureSet, pin: Pin) -> LibraryInputs:
        """What a set is made from of one symbol at a pin, as the store reads it."""
        return self._inputs(venue, [symbol], feature_set, pin)

    def _inputs(self, venue: str, symbols: Collection[str], feature_set: FeatureSet, pin: Pin) -> LibraryInputs:
        sources = FactSources(venue, self._funding_delay_ms, self._second_venue, self._fear_greed)
        return LibraryInputs(self._brain, sources, symbols, pin, feature_set.name)

    def _bounded(self, pin: Pin | None) -> Pin:
        given = pin or Pin()
        return Pin(
            as_of=given.as_of or to_datetime(self._clock.market_ms()),
            recorded_before=given.recorded_before or to_datetime(self._clock.wire_ms()),
        )
