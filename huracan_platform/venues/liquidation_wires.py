"""How each exchange is asked for liquidations over a WebSocket, and how its frames tell how far they are whole.

Bybit's and OKX's words are those of their v5 documentation; of OKX only frames of liquidations were recorded, not its pulse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from huracan_platform.errors import ConfigurationError
from huracan_platform.venues.liquidations import Wire

BINANCE_PULSE = "markPrice@1s"
# Bybit bundles liquidations for half a second while its tickers go on.
BYBIT_BUNDLE_MS = 500


@dataclass(frozen=True)
class LiquidationWire:
    """One exchange's stream of liquidations.

    `address` and `hello` take the venue's names of contracts; `hello` is the request to send first, None where the address
    says all. `beat` is what the server must hear now and then. `whole_ms` is the time up to which a frame shows that nothing
    is missing, None where it does not say; `refusal` what a frame that refuses the request says.
    """

    wire: Wire
    address: Callable[[Any, Sequence[str]], str]
    hello: Callable[[Sequence[str]], Mapping[str, Any] | None]
    beat: str | None
    whole_ms: Callable[[Mapping[str, Any]], int | None]
    tells: Callable[[Mapping[str, Any]], bool]
    refusal: Callable[[Mapping[str, Any]], str | None]


def liquidation_wire(ccxt_id: str) -> LiquidationWire:
    """The stream of an exchange by ccxt's id.

    Raises
    ------
    ConfigurationError
        Its liquidations are not known here.
    """
    if ccxt_id not in LIQUIDATION_WIRES:
        raise ConfigurationError(f"liquidations: expected {' or '.join(LIQUIDATION_WIRES)}, got {ccxt_id!r}")
    return LIQUIDATION_WIRES[ccxt_id]


def _binance_address(client: Any, names: Sequence[str]) -> str:
    base = client.urls["api"]["ws"]["linear"] if "linear" in client.urls["api"]["ws"] else client.urls["api"]["ws"]["future"]
    streams = "/".join(f"{name.lower()}@{kind}" for name in sorted(names) for kind in ("forceOrder", BINANCE_PULSE))
    return f"{base.removesuffix('/ws')}/market/stream?streams={streams}"


def _bybit_address(client: Any, names: Sequence[str]) -> str:
    return str(client.implode_hostname(client.urls["api"]["ws"]["public"]["linear"]))


def _bybit_hello(names: Sequence[str]) -> Mapping[str, Any]:
    return {"op": "subscribe", "args": [f"{topic}.{name}" for topic in ("allLiquidation", "tickers") for name in sorted(names)]}


def _bybit_whole_ms(message: Mapping[str, Any]) -> int | None:
    if "topic" not in message:
        return None
    return int(message["ts"]) - (0 if message["topic"].startswith("allLiquidation") else BYBIT_BUNDLE_MS)


def _okx_hello(names: Sequence[str]) -> Mapping[str, Any]:
    pulses = [{"channel": "mark-price", "instId": name} for name in sorted(names)]
    return {"op": "subscribe", "args": [{"channel": "liquidation-orders", "instType": "SWAP"}, *pulses]}


def _okx_channel(message: Mapping[str, Any]) -> str:
    return "" if "event" in message else str(message["arg"]["channel"])


def _okx_whole_ms(message: Mapping[str, Any]) -> int | None:
    """A liquidation's own time does not say how far the stream is: it is told when it is over."""
    return max(int(row["ts"]) for row in message["data"]) if _okx_channel(message) == "mark-price" else None


LIQUIDATION_WIRES: Mapping[str, LiquidationWire] = MappingProxyType({
    "binanceusdm": LiquidationWire(
        "binance_usdm", _binance_address, lambda names: None, None,
        whole_ms=lambda message: int(message["data"]["E"]),
        tells=lambda message: message["data"]["e"] == "forceOrder",
        refusal=lambda message: None,
    ),
    "bybit": LiquidationWire(
        "bybit_linear", _bybit_address, _bybit_hello, '{"op":"ping"}',
        whole_ms=_bybit_whole_ms,
        tells=lambda message: str(message.get("topic", "")).startswith("allLiquidation"),
        refusal=lambda message: str(message.get("ret_msg")) if message.get("success") is False else None,
    ),
    "okx": LiquidationWire(
        "okx_swap", lambda client, names: f"{client.urls['api']['ws']}/public", _okx_hello, "ping",
        whole_ms=_okx_whole_ms,
        tells=lambda message: _okx_channel(message) == "liquidation-orders",
        refusal=lambda message: str(message.get("msg")) if message.get("event") == "error" else None,
    ),
})


def read_frame(text: str) -> Mapping[str, Any] | None:
    """A frame as JSON; None for the answer to a beat.

    Raises
    ------
    ValueError
        It is none.
    """
    if text == "pong":
        return None
    message = orjson.loads(text)
    if not isinstance(message, dict):
        raise ValueError(f"expected an object, got {text[:80]!r}")
    return None if message.get("op") in ("ping", "pong") else message
