"""How Bybit's bars, books and errors look to faults."""

from __future__ import annotations

from typing import Any

from huracan_platform.simulator.bybit.signing import KEY_HEADER
from huracan_platform.simulator.faults.armed import BODIES
from huracan_platform.simulator.faults.wires import BarNames, FaultWire


def _ahead(answer: Any, ms: int) -> Any:
    now = answer["time"] + ms
    result = {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}
    return {**answer, "result": result, "time": now}


def _problem(code: int, message: str) -> str:
    return f'{{"retCode":{code},"retMsg":"{message}","result":{{}},"retExtInfo":{{}},"time":0}}'


BYBIT_WIRE = FaultWire(
    key_header=KEY_HEADER,
    kept_headers="X-Bapi",
    time_path="/v5/market/time",
    candle_paths=("/v5/market/kline",),
    ahead=_ahead,
    rows=lambda answer: answer["result"]["list"],
    difference=b'"type":"delta"',
    klines="kline.",
    bar=lambda event: event["data"][0],
    bar_names=BarNames("start", "confirm", "high", "low", "close"),
    bodies={
        **BODIES,
        "unknown_503": (503, "application/json", _problem(10016, "Server error.")),
        "timeout_503": (503, "application/json", _problem(10000, "Server Timeout")),
        "truncated": (200, "application/json", '{"retCode":0,"retMsg":"OK","result":{"list":['),
        "ok_error": (200, "application/json", _problem(10016, "Server error.")),
        "limit_429": (200, "application/json", _problem(10006, "Too many visits. Exceeded the API Rate Limit.")),
        "banned_418": (403, "text/plain", "access too frequent"),
    },
)
