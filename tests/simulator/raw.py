"""Plain HTTP against a venue, without a client library in between."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode


def fetch(url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body, whatever the status."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get(url: str, path: str) -> Any:
    """JSON of a public path."""
    return json.loads(fetch(url + path)[1])


def post(url: str, path: str, value: Any) -> tuple[int, Any]:
    """Status and JSON of a posted JSON object."""
    status, body = fetch(url + path, "POST", json.dumps(value).encode())
    return status, json.loads(body)


def signed(url: str, method: str, path: str, *, secret: str = "s", key: str = "k", **parameters: Any) -> tuple[int, Any]:
    """Status and JSON of a signed request; `timestamp` defaults to now."""
    query = urlencode({"timestamp": int(time.time() * 1000), **parameters})
    query += "&signature=" + hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    status, body = fetch(f"{url}{path}?{query}", method, headers={"X-MBX-APIKEY": key})
    return status, json.loads(body)
