"""Faults on the way of a stream's messages to one client."""

from __future__ import annotations

import orjson

from huracan_platform.simulator.faults.armed import CANDLE_KINDS, Caller, Fault, Faults
from huracan_platform.simulator.faults.wires import BINANCE_WIRE, FaultWire


def revised(high: str, low: str, close: str) -> str:
    """Another close within the bar's range: its high, or its low where it closed there."""
    return low if close == high else high


class EventFaults:
    """What becomes of each message of a connection, and of its `caller`, who may become known only later."""

    def __init__(self, faults: Faults, caller: Caller, wire: FaultWire = BINANCE_WIRE) -> None:
        self._faults, self.caller, self._wire = faults, caller, wire
        self._held: dict[str, list[bytes]] = {}

    def arriving(self, stream: str, message: bytes) -> list[tuple[float, bytes]]:
        """Messages to send instead of the one, each after a delay in seconds; those held back come after it."""
        if not self._faults.armed and not self._held:
            return [(0.0, message)]
        fault = self._faults.of_event(self.caller, stream, lambda f: self._meets(f, stream, message))
        if fault is not None and fault.kind == "reorder_events":
            self._held.setdefault(stream, []).append(message)
            return []
        return self._affected(fault, message) + [(0.0, held) for held in self._held.pop(stream, [])]

    def _meets(self, fault: Fault, stream: str, message: bytes) -> bool:
        if fault.kind == "book_gap":
            return self._wire.difference in message
        if fault.kind not in CANDLE_KINDS:
            return True
        names = self._wire.bar_names
        if self._wire.klines not in stream:
            return False
        bar = self._wire.bar(orjson.loads(message))
        return bool(bar[names.closed]) and fault.candle_ms in (0, bar[names.opened])

    def _affected(self, fault: Fault | None, message: bytes) -> list[tuple[float, bytes]]:
        if fault is None:
            return [(0.0, message)]
        if fault.kind == "duplicate_event":
            return [(0.0, message)] * 2
        if fault.kind == "late_event":
            return [(fault.delay_ms / 1000, message)]
        if fault.kind == "revised_candle":
            event, names = orjson.loads(message), self._wire.bar_names
            bar = self._wire.bar(event)
            bar[names.close] = revised(bar[names.high], bar[names.low], bar[names.close])
            return [(0.0, orjson.dumps(event))]
        return []
