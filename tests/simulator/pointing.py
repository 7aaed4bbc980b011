"""Unmodified clients pointed at a local venue, and accounts for them."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.simulator.raw import post

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


_accounts = count(1)


def keys(name: str = "k", secret: str = "s") -> dict[str, Any]:
    """Constructor arguments with a key, the venue's first one by default, the client's limiter off."""
    return {"apiKey": name, "secret": secret, "enableRateLimit": False}


def open_account(url: str, balance: str = "100000") -> tuple[str, str]:
    """Key and secret of a new account with so many USDT."""
    name = f"account{next(_accounts)}"
    status, _ = post(url, "/control/accounts", {"api_key": name, "api_secret": f"secret of {name}", "balance": balance})
    assert status == 200
    return name, f"secret of {name}"


def _rewritten(tree: dict[str, Any], url: str) -> dict[str, Any]:
    return {name: _rewritten(branch, url) if isinstance(branch, dict) else url for name, branch in tree.items()}
