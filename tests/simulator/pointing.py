"""Unmodified ccxt clients pointed at a local venue."""

from __future__ import annotations

from typing import Any

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
_REST = {
    "fapiPublic": "/fapi/v1", "fapiPrivate": "/fapi/v1", "fapiPublicV2": "/fapi/v2", "fapiPrivateV2": "/fapi/v2",
    "fapiPublicV3": "/fapi/v3", "fapiPrivateV3": "/fapi/v3", "fapiData": "/futures/data",
}


def point(exchange: Any, url: str) -> Any:
    """Every URL of the client to `url`, and the venue's own error table."""
    exchange.urls["api"] = _rewritten(exchange.urls["api"], url) | {name: url + path for name, path in _REST.items()}
    exchange.urls["api"]["ws"] = {name: url.replace("http", "ws", 1) + "/ws" for name in exchange.urls["api"].get("ws", {})}
    exchange.options["fetchCurrencies"] = False
    exchange.exceptions = exchange.deep_extend(exchange.exceptions, {"exact": exchange.exceptions["linear"]["exact"]})
    return exchange


def keys() -> dict[str, Any]:
    """Constructor arguments with the venue's default key, its limiter off."""
    return {"apiKey": "k", "secret": "s", "enableRateLimit": False}


def _rewritten(tree: dict[str, Any], url: str) -> dict[str, Any]:
    return {name: _rewritten(branch, url) if isinstance(branch, dict) else url for name, branch in tree.items()}
