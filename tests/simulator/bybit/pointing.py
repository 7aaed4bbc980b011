"""Unmodified Bybit clients pointed at a local venue: only addresses are changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pybit.unified_trading
from pybit.unified_trading import HTTP

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def keys(**more: Any) -> dict[str, Any]:
    """Constructor arguments with the venue's default key, its limiter off."""
    return {"apiKey": "k", "secret": "s", "enableRateLimit": False, **more}


def point(exchange: Any, url: str) -> Any:
    """Every address of a ccxt client to `url`, paths kept; none is left that is foreign."""
    exchange.urls["api"] = _rewritten(exchange.urls["api"], url)
    host = urlsplit(url).netloc
    foreign = [text for text in _texts(exchange.urls["api"]) if urlsplit(text).netloc != host]
    assert foreign == []
    exchange.has["fetchCurrencies"] = False
    return exchange


def _rewritten(tree: Any, url: str) -> Any:
    if isinstance(tree, dict):
        return {name: _rewritten(branch, url) for name, branch in tree.items()}
    scheme, _, rest = tree.partition("://")
    _, slash, path = rest.partition("/")
    return (url.replace("http", "ws", 1) if scheme == "wss" else url) + slash + path


def _texts(tree: Any) -> Iterator[str]:
    for branch in tree.values():
        if isinstance(branch, dict):
            yield from _texts(branch)
        else:
            yield branch


class _Late(dict[str, Any]):
    """Waits for what is looked up. The SDK notes a subscription after it has sent it; a venue next door answers before that."""

    def __missing__(self, key: str) -> Any:
        for _ in range(500):
            if key in self:
                return self[key]
            time.sleep(0.01)
        raise KeyError(key)


def session(url: str, **more: Any) -> HTTP:
    """A pybit session. Its `domain` and `testnet` only choose among the exchange's hosts over TLS; `endpoint` is the address."""
    made = HTTP(api_key="k", api_secret="s", **more)
    made.endpoint = url
    return made


def socket(channel: str, url: str, **more: Any) -> Any:
    """A pybit socket; it connects when it is made, to addresses that are constants of its module."""
    module, base = pybit.unified_trading, url.replace("http", "ws", 1)
    kept = module.PUBLIC_WSS, module.PRIVATE_WSS
    module.PUBLIC_WSS, module.PRIVATE_WSS = base + "/v5/public/{CHANNEL_TYPE}", base + "/v5/private"
    try:
        made = module.WebSocket(channel, testnet=False, **more)
    finally:
        module.PUBLIC_WSS, module.PRIVATE_WSS = kept
    made.subscriptions, made.callback_directory = _Late(), _Late()
    return made
