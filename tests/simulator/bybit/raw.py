"""Bybit's protocol without a client library: signed requests and sockets by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def call(
    url: str, method: str, path: str, sent: dict[str, Any] | None = None, *, key: str = "k", secret: str = "s", ahead_ms: int = 0,
    window: int | None = 5_000, sign: bool = True,
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON (None where it is none) of a request, signed as the protocol asks unless told otherwise."""
    text = json.dumps(sent or {}) if method == "POST" else urlencode(sent or {})
    headers = {"Content-Type": "application/json"}
    if sign:
        timestamp, shown = str(int(time.time() * 1000) + ahead_ms), "" if window is None else str(window)
        signature = hmac.new(secret.encode(), (timestamp + key + shown + text).encode(), hashlib.sha256).hexdigest()
        headers |= {"X-BAPI-API-KEY": key, "X-BAPI-TIMESTAMP": timestamp, "X-BAPI-SIGN": signature}
        headers |= {} if window is None else {"X-BAPI-RECV-WINDOW": shown}
    address = url + path + (f"?{text}" if method == "GET" and text else "")
    request = urllib.request.Request(address, text.encode() if method == "POST" else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, dict(error.headers), json.loads(body) if body.startswith(b"{") else None


def result(url: str, method: str, path: str, sent: dict[str, Any] | None = None, **more: Any) -> Any:
    """The result of a request that is carried out."""
    _, _, answer = call(url, method, path, sent, **more)
    assert answer["retCode"] == 0, answer
    return answer["result"]


def code(url: str, method: str, path: str, sent: dict[str, Any] | None = None, **more: Any) -> int:
    """`retCode` of a request, which always comes with HTTP status 200."""
    status, _, answer = call(url, method, path, sent, **more)
    assert status == 200, (status, answer)
    return int(answer["retCode"])


def sign_on(key: str = "k", secret: str = "s", seconds: float = 10.0) -> dict[str, Any]:
    """The first message of a private socket."""
    expires = int((time.time() + seconds) * 1000)
    signature = hmac.new(secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
    return {"op": "auth", "args": [key, expires, signature]}
