"""What faults must know of a protocol: where it names its caller, and how its bars, books and errors look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from huracan_platform.simulator.faults.armed import BODIES


@dataclass(frozen=True)
class BarNames:
    """Names of a bar's fields in the messages of a stream."""

    opened: str
    closed: str
    high: str
    low: str
    close: str


@dataclass(frozen=True)
class FaultWire:
    """A protocol as faults see it.

    `key_header` names the caller, headers that begin with `kept_headers` survive a change of the answer. `ahead` moves the
    answer of `time_path` by so many ms; `rows` are the bars in an answer of `candle_paths`: open time, open, high, low, close.
    A message is a difference of a book where it has `difference` in it; it is of bars where its stream has `klines` in its
    name, and then `bar` is the bar in it. `bodies` are status, content type and text of what is sent instead of an answer.
    """

    key_header: str
    kept_headers: str
    time_path: str
    candle_paths: tuple[str, ...]
    ahead: Callable[[Any, int], Any]
    rows: Callable[[Any], list[list[Any]]]
    difference: bytes
    klines: str
    bar: Callable[[Any], dict[str, Any]]
    bar_names: BarNames
    bodies: dict[str, tuple[int, str, str]]


BINANCE_WIRE = FaultWire(
    key_header="X-MBX-APIKEY",
    kept_headers="X-MBX",
    time_path="/fapi/v1/time",
    candle_paths=("/fapi/v1/klines", "/fapi/v1/continuousKlines"),
    ahead=lambda answer, ms: {"serverTime": answer["serverTime"] + ms},
    rows=lambda answer: answer,
    difference=b'"depthUpdate"',
    klines="line_",
    bar=lambda event: event["k"],
    bar_names=BarNames("t", "x", "h", "l", "c"),
    bodies=BODIES,
)
