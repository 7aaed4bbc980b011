"""Signed requests: HMAC-SHA256 over the raw bytes, and the age of the request on the wire clock."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from pydantic import SecretStr

from huracan_platform.simulator.parameters import integer
from huracan_platform.simulator.problems import VenueRefusal, missing

DEFAULT_RECV_WINDOW_MS = 5_000
MOST_RECV_WINDOW_MS = 60_000
AHEAD_MS = 1_000
_SIGNATURE = b"signature="


def signed_parameters(secret: SecretStr, query: bytes, body: bytes, now: int) -> dict[str, str]:
    """Parameters of a request that is signed with the secret and fresh at `now`, wall ms.

    `query` and `body` are the bytes as sent; the signature covers both, one after the other, without itself.

    Raises
    ------
    VenueRefusal
        -1102 parameter missing; -1021 too old or too far ahead; -1022 signature wrong.
    """
    # What is no text becomes one that no parameter has, so that it is refused as a wrong value.
    texts = (query.decode(errors="replace"), body.decode(errors="replace"))
    parameters = {name: value for text in texts for name, value in parse_qsl(text, keep_blank_values=True)}
    given = parameters.pop("signature", "")
    if not given:
        raise missing("signature")
    message = _without_signature(query) + _without_signature(body)
    expected = hmac.new(secret.get_secret_value().encode(), message, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.lower().encode()):
        raise VenueRefusal(-1022, "Signature for this request is not valid.")
    _check_age(parameters, now)
    return parameters


def _check_age(parameters: Mapping[str, str], now: int) -> None:
    timestamp, window = integer(parameters, "timestamp"), integer(parameters, "recvWindow")
    if timestamp is None:
        raise missing("timestamp")
    window = DEFAULT_RECV_WINDOW_MS if window is None else window
    if not 0 < window <= MOST_RECV_WINDOW_MS:
        raise VenueRefusal(-1131, f"recvWindow must be less than {MOST_RECV_WINDOW_MS}.")
    if timestamp >= now + AHEAD_MS:
        raise VenueRefusal(-1021, f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time.")
    if now - timestamp > window:
        raise VenueRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def _without_signature(raw: bytes) -> bytes:
    return b"&".join(part for part in raw.split(b"&") if not part.startswith(_SIGNATURE))
