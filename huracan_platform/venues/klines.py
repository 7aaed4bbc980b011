"""Klines as the venue sends them, to arrays: the text of an answer in one pass, without an object for any field.

What the pass does not know word for word goes the long way, through JSON and row by row, and is refused there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
from numba import njit

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import DataContractError, TransientError

PRICES = 5
# The shortest row there is, so that the arrays hold every row of a text.
_FEWEST_ROW_BYTES = len('[0,"0","0","0","0","0"],')
# A whole number up to 2^53 over a power of ten up to 22 is rounded once, and so is the nearest float to the text.
_MOST_DECIMALS = 22
_POWERS = np.array([float(10**k) for k in range(_MOST_DECIMALS + 1)])
_EXACT = 2**53
_MOST_TIME = 10**17
_values = itemgetter(1, 2, 3, 4, 5)


class MalformedRowsError(DataContractError):
    """The venue answered with rows that are not what it documents; `rows` are they, for quarantine."""

    def __init__(self, message: str, rows: Sequence[Any]) -> None:
        super().__init__(message)
        self.rows = rows


@dataclass(frozen=True)
class KlineText:
    """An answer that begins like klines, not taken apart yet."""

    text: str


def keep_kline_text(client: Any) -> None:
    """Let a client of ccxt hand on klines as `KlineText`; other answers come as before."""
    parse = client.on_json_response
    client.on_json_response = lambda text: KlineText(text) if text.startswith("[[") else parse(text)


def parse_kline_text(answer: KlineText, what: str) -> tuple[Int64, Float64]:
    """`parse_klines` of an answer's text.

    Raises
    ------
    TransientError
        The text ends before its rows do, or is no JSON.
    MalformedRowsError
        As `parse_klines`.
    """
    raw = np.frombuffer(answer.text.encode(), np.uint8)
    ts = np.empty(len(raw) // _FEWEST_ROW_BYTES + 1, np.int64)
    values = np.empty((len(ts), PRICES))
    count = _scan(raw, ts, values, _POWERS)
    if count >= 0:
        return ts[:count], values[:count]
    try:
        rows = orjson.loads(answer.text)
    except orjson.JSONDecodeError as error:
        raise TransientError(f"{what}: expected a list of rows, got {answer.text[:80]!r} … ({error})") from None
    return parse_klines(rows, what)


def parse_klines(rows: Sequence[Sequence[Any]], what: str) -> tuple[Int64, Float64]:
    """Open times (n,) int64 ms and open, high, low, close, volume (n, 5) float64 of the venue's rows.

    Raises
    ------
    MalformedRowsError
        A row is too short, or a price is not the text of a number.
    """
    try:
        ts = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        texts = pa.array([text for row in rows for text in _values(row)], pa.string())
        if texts.null_count:
            raise ValueError(f"{texts.null_count} empty prices")
        return ts, texts.cast(pa.float64()).to_numpy().reshape(-1, PRICES)
    except (TypeError, ValueError, LookupError, OverflowError, pa.ArrowException) as error:
        reason = f"{what}: expected rows [open time, open, high, low, close, volume, …], got {error}"
        raise MalformedRowsError(reason, rows) from None


@njit(cache=True)
def _whole(raw: npt.NDArray[np.uint8], at: int, most: int) -> tuple[int, int]:
    """Digits from `at` as a number below `most`, and where they end; -1 where there are none or too many."""
    value, first = 0, at
    while at < len(raw) and 48 <= raw[at] <= 57:
        value = value * 10 + raw[at] - 48
        at += 1
        if value >= most:
            return 0, -1
    return value, (at if at > first else -1)


@njit(cache=True)
def _price(raw: npt.NDArray[np.uint8], at: int, powers: Float64) -> tuple[float, int]:
    """`,"123.45"` from `at`, and where it ends; -1 where it is anything else."""
    if at + 2 >= len(raw) or raw[at] != 44 or raw[at + 1] != 34:
        return 0.0, -1
    value, at = _whole(raw, at + 2, _EXACT)
    if at < 0 or at >= len(raw):
        return 0.0, -1
    decimals = 0
    if raw[at] == 46:
        first = at + 1
        at = first
        while at < len(raw) and 48 <= raw[at] <= 57:
            value = value * 10 + raw[at] - 48
            at += 1
            if value >= _EXACT:
                return 0.0, -1
        decimals = at - first
        if decimals == 0 or decimals >= len(powers):
            return 0.0, -1
    if at >= len(raw) or raw[at] != 34:
        return 0.0, -1
    return value / powers[decimals], at + 1


@njit(cache=True)
def _rest(raw: npt.NDArray[np.uint8], at: int) -> int:
    """Where the plain numbers and number texts after the volume end in `]`; -1 where there is anything else."""
    quotes = 0
    while at < len(raw) and raw[at] != 93:
        byte = raw[at]
        quotes += byte == 34
        if not (48 <= byte <= 57 or byte == 34 or byte == 44 or byte == 45 or byte == 46):
            return -1
        at += 1
    return at if at < len(raw) and quotes % 2 == 0 else -1


@njit(cache=True)
def _scan(raw: npt.NDArray[np.uint8], ts: Int64, values: Float64, powers: Float64) -> int:
    """Rows of a klines answer into `ts` and `values`; how many, or -1 where the text is not word for word one."""
    at, row = 1, 0
    if len(raw) == 0 or raw[0] != 91:
        return -1
    while at < len(raw) and raw[at] == 91:
        ts[row], at = _whole(raw, at + 1, _MOST_TIME)
        for column in range(values.shape[1]):
            if at < 0:
                return -1
            values[row, column], at = _price(raw, at, powers)
        if at < 0 or at >= len(raw) or (raw[at] != 44 and raw[at] != 93):
            return -1
        at = _rest(raw, at)
        if at < 0 or at + 1 >= len(raw):
            return -1
        row += 1
        if raw[at + 1] == 93:
            return row if at + 2 == len(raw) else -1
        if raw[at + 1] != 44:
            return -1
        at += 2
    return -1
