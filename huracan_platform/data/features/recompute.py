"""One feature row again, from nothing but the library at a pin and a stored state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.feature_days import FeatureDay
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.market import Pin
from huracan_platform.data.features.engine import FeatureEngine, feature_row
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError


def recompute_row(
    store: FeatureStore, venue: str, symbol: str, feature_set: FeatureSet, ts_ms: int, pin: Pin, *,
    state_from_ms: int | None = None, checkpoint_hash: str | None = None,
) -> FeatureRow:
    """The row of the bar that opened at `ts_ms`: restore a state, run the library's bars up to that one.

    Parameters
    ----------
    state_from_ms, checkpoint_hash
        First bar to run (ms UTC) and SHA-256 of the state before it, as a decision's record names them; a hash of
        None begins empty. Both None take the stored state before the bar's day at the pin, or the genesis; bars of days
        in between that were passed over stay out, as they did when the day was built.

    Raises
    ------
    DataContractError
        The library holds no such bar at the pin.
    PermanentError
        No such checkpoint, or it is of another feature set.
    """
    engine = FeatureEngine(feature_set)
    start_ms = 0
    if state_from_ms is not None:
        start_ms = state_from_ms
        if checkpoint_hash is not None:
            engine.restore(store.checkpoint(checkpoint_hash))
    else:
        day = day_of(ts_ms)
        stored = store.checkpoint_before(venue, symbol, feature_set, day, pin)
        if stored is not None:
            engine.restore(stored[0])
            start_ms = day_start_ms(stored[1]) + DAY_MS
        if any(symbol in built.symbols for built in store.days(venue, feature_set, day, day, pin)):
            start_ms = day_start_ms(day)
    given = store.inputs(venue, symbol, feature_set, pin).between(symbol, start_ms, ts_ms + MINUTE_MS)
    if len(given.candles) == 0 or given.candles.ts_ms[-1] != ts_ms:
        last = given.candles.ts_ms[-1] if len(given.candles) else None
        raise DataContractError(f"features {symbol}: expected a bar at {ts_ms} at the pin, got {last} as the last one")
    rows = engine.run(given.candles, *(given.known[name] for name in feature_set.inputs))
    return feature_row(symbol, ts_ms, rows[-1], feature_set)


@dataclass(frozen=True)
class Verification:
    """Whether stored rows were found again bit for bit, and a sentence that says which."""

    identical: bool
    message: str


def verify_newest_row(store: FeatureStore, venue: str, feature_set: FeatureSet, built: Sequence[FeatureDay]) -> Verification:
    """Recompute the last row of the newest of the built days for each of its symbols, and compare it with the stored one.

    Nothing built is no success: there was nothing to verify.
    """
    if not built:
        return Verification(False, "no day was built: expected at least one good day with bars")
    newest = built[-1]
    for symbol, part in newest.symbols.items():
        start_ms = day_start_ms(newest.day)
        stored = store.load(venue, symbol, feature_set, start_ms, start_ms + DAY_MS)
        ts_ms = int(stored.ts_ms[-1])
        again = recompute_row(store, venue, symbol, feature_set, ts_ms, Pin(part.as_of, part.recorded_before))
        if again.values.tobytes() != stored.values[-1].tobytes():
            return Verification(False, f"{symbol} {newest.day}: the row at {ts_ms} differs when recomputed from the library")
    return Verification(True, f"{newest.day}: last row of {len(newest.symbols)} symbols found again bit for bit")
