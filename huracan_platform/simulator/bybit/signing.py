"""Signed requests: HMAC-SHA256 over timestamp, key, window and the bytes sent; and the sign-on of a private socket."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson
from pydantic import SecretStr

from huracan_platform.simulator.bybit.problems import refusal, wrong

KEY_HEADER = "X-BAPI-API-KEY"
DEFAULT_WINDOW_MS = 5_000
AHEAD_MS = 1_000
_SOCKET_PATH = "GET/realtime"


def signature(secret: SecretStr, message: bytes) -> str:
    """HMAC-SHA256 in lower-case hexadecimal digits."""
    return hmac.new(secret.get_secret_value().encode(), message, hashlib.sha256).hexdigest()


def check_signed(secret: SecretStr, headers: Mapping[str, str], sent: bytes, now: int) -> None:
    """Refuse a request that is not fresh at `now`, wall ms (10002), or not signed with the secret (10004).

    `sent` is the query or the body, as it came.
    """
    timestamp, window = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", "")
    if not timestamp.isdecimal() or not (window or "0").isdecimal():
        raise refusal(10001, "Params Error: X-BAPI-TIMESTAMP and X-BAPI-RECV-WINDOW must be whole numbers of ms")
    length = int(window) if window else DEFAULT_WINDOW_MS
    if not now - length <= int(timestamp) < now + AHEAD_MS:
        raise refusal(
            10002, "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{timestamp}],server_timestamp[{now}],recv_window[{length}]"
        )
    message = (timestamp + headers[KEY_HEADER] + window).encode() + sent
    if not hmac.compare_digest(signature(secret, message), headers.get("X-BAPI-SIGN", "").lower()):
        raise refusal(10004, "error sign! please check your signature generation algorithm.")


def signs_on(secret: SecretStr, expires: object, given: object, now: int) -> bool:
    """Whether a private socket's sign-on is signed with the secret and has not expired at `now`, wall ms."""
    text = str(expires)
    fresh = text.isdecimal() and int(text) > now
    return fresh and hmac.compare_digest(signature(secret, (_SOCKET_PATH + text).encode()), str(given).lower())


def read_query(sent: bytes) -> dict[str, str]:
    """Parameters of a GET."""
    return dict(parse_qsl(sent.decode(), keep_blank_values=True))


def read_body(sent: bytes) -> dict[str, str]:
    """Parameters of a POST, a JSON object, as text like those of a GET."""
    try:
        body = orjson.loads(sent or b"{}")
    except orjson.JSONDecodeError:
        raise wrong("the request body is no JSON object") from None
    if not isinstance(body, dict):
        raise wrong("the request body is no JSON object")
    given = {name: value for name, value in body.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
