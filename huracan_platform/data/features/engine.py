"""Feature rows bar by bar, over history or live: the same compiled code, the same bits."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, Int64
from huracan_platform.data.features.kernel import Windows
from huracan_platform.data.features.kernels.state import NEVER, State
from huracan_platform.data.features.kernels.step import BAD_PRICE, BAD_VOLUME, GOOD, NOT_LATER, NOT_WHOLE_MINUTE
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.errors import DataContractError, PermanentError

MAGIC = b"HRCNFEAT"
DIGEST_BYTES = 32
LENGTH_BYTES = 4


class FeatureEngine:
    """One symbol's feature state and the rows that come out of it.

    `run` and `step` are one compiled function over any number of bars, so that streamed rows equal batch rows bit for
    bit. A minute without a bar is passed over, never filled: each feature says by NaN that it cannot be had.
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        self.feature_set = feature_set
        self._kernel = feature_set.kernel
        self._windows = Windows(feature_set.rank_hours, feature_set.regime_hours)
        self._state: State = self._kernel.new_state()
        self._one_ts = np.empty(1, np.int64)
        self._one_bar = np.empty((1, len(CANDLE_COLUMNS)))
        self._one_known = tuple(np.empty(1) for _ in feature_set.inputs)

    @property
    def newest_ms(self) -> int | None:
        """Open of the newest bar taken, ms UTC; None before the first."""
        return None if self._state[0]["minute"] == NEVER else int(self._state[0]["minute"]) * MINUTE_MS

    @property
    def genesis_ms(self) -> int | None:
        """Open of the very first bar that this state goes back to, ms UTC; None before it."""
        return None if self._state[0]["genesis_minute"] == NEVER else int(self._state[0]["genesis_minute"]) * MINUTE_MS

    def run(self, candles: Candles, *inputs: Float64) -> Float64:
        """Rows of bars in time order, later than any taken before.

        Parameters
        ----------
        candles
            n bars.
        inputs
            What was known at each bar's close: an (n,) array for each of the set's inputs, in their order; NaN = nothing known.
            Of the set `core` that is the funding rate per 8 h (see `align_funding`).

        Returns
        -------
        (n, k) float64, rounded to float32 precision; NaN where a feature is warming up or misses a bar.

        Raises
        ------
        DataContractError
            A bar is out of order, not on a whole minute, or not a bar; or an input is missing or not as long as the bars. The
            state has not moved then.
        """
        bars = np.column_stack([getattr(candles, name) for name in CANDLE_COLUMNS])
        return self._run(candles.symbol, candles.ts_ms, bars, inputs)

    def step(self, ts_ms: int, open_: float, high: float, low: float, close: float, volume: float, *inputs: float) -> Float64:
        """The row (k,) of one closed bar; arguments and errors as in `run`."""
        self._one_ts[0] = ts_ms
        self._one_bar[0] = open_, high, low, close, volume
        for held, value in zip(self._one_known, inputs, strict=True):
            held[0] = value
        row: Float64 = self._run("bar", self._one_ts, self._one_bar, self._one_known)[0]
        return row

    def _run(self, symbol: str, ts_ms: Int64, bars: Float64, inputs: tuple[Float64, ...]) -> Float64:
        names = self.feature_set.inputs
        if len(inputs) != len(names):
            raise DataContractError(f"features {symbol}: expected the inputs {', '.join(names)}, got {len(inputs)} arrays")
        for name, values in zip(names, inputs, strict=True):
            if values.shape != ts_ms.shape:
                raise DataContractError(f"features {symbol}: expected {name} of shape {ts_ms.shape}, got {values.shape}")
        out = np.empty((len(ts_ms), len(self.feature_set.columns)))
        row, fault = self._kernel.run(self._state, np.ascontiguousarray(ts_ms), bars, inputs, self._windows, out)
        if fault != GOOD:
            raise DataContractError(f"features {symbol}: {self._complaint(fault, ts_ms, bars, row)}")
        return out

    def _complaint(self, fault: int, ts_ms: Int64, bars: Float64, row: int) -> str:
        got = int(ts_ms[row])
        before = int(ts_ms[row - 1]) if row else self.newest_ms
        return {
            NOT_LATER: f"expected a bar later than {before}, got {got}",
            NOT_WHOLE_MINUTE: f"expected bars on whole minutes, got ts {got} ms",
            BAD_PRICE: f"expected finite positive prices with low <= open, close <= high, got {bars[row, :4].tolist()} at {got}",
            BAD_VOLUME: f"expected finite volume >= 0, got {bars[row, 4]} at {got}",
        }[fault]

    def checkpoint(self) -> bytes:
        """The whole state: magic, header, raw little-endian record, SHA-256 of all before. Equal states give equal bytes."""
        header = json.dumps(self._header(), sort_keys=True, separators=(",", ":")).encode()
        body = MAGIC + len(header).to_bytes(LENGTH_BYTES, "little") + header + self._state.tobytes()
        return body + hashlib.sha256(body).digest()

    def restore(self, checkpoint: bytes) -> None:
        """Go on from a checkpoint of the same feature set.

        Raises
        ------
        PermanentError
            Not a checkpoint, damaged, or of another feature set, version or layout.
        """
        body, digest = checkpoint[:-DIGEST_BYTES], checkpoint[-DIGEST_BYTES:]
        if not body.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
            raise PermanentError(f"feature checkpoint: expected {MAGIC!r} and its SHA-256, got {len(checkpoint)} other bytes")
        start = len(MAGIC) + LENGTH_BYTES
        end = start + int.from_bytes(body[len(MAGIC):start], "little")
        header = json.loads(body[start:end])
        size = self._kernel.layout.itemsize
        if header != self._header() or len(body) - end != size:
            got = f"{header} with {len(body) - end} bytes of state"
            raise PermanentError(f"feature checkpoint: expected {self._header()}, got {got}")
        self._state = np.frombuffer(body[end:], self._kernel.layout).copy()

    def _header(self) -> dict[str, int | str]:
        return {
            "format": self._kernel.format_version, "set_hash": self.feature_set.set_hash, "size": self._kernel.layout.itemsize,
        }


def feature_row(symbol: str, ts_ms: int, values: Float64, feature_set: FeatureSet) -> FeatureRow:
    """One bar's features with the hash of its canonical bytes; symbol, time, set and values are in it."""
    header = {"symbol": symbol, "ts_ms": ts_ms, "set_hash": feature_set.set_hash}
    return FeatureRow(
        symbol=symbol, ts_ms=ts_ms, values=values, columns=feature_set.columns, set_hash=feature_set.set_hash,
        row_hash=hash_arrays({"values": values}, header=header),
    )
