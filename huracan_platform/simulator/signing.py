"""Who asks: API key, HMAC-SHA256 over the raw bytes, and the age of the request on the wire clock."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from pydantic import SecretStr

from huracan_platform.simulator.parameters import integer
from huracan_platform.simulator.problems import VenueRefusal, missing

DEFAULT_RECV_WINDOW_MS = 5_000
MOST_RECV_WINDOW_MS = 60_000
AHEAD_MS = 1_000
_SIGNATURE = b"signature="


class Credentials:
    """The one API key of the venue."""

    def __init__(self, key: SecretStr, secret: SecretStr, wire_ms: Callable[[], int]) -> None:
        self._key, self._secret, self._wire_ms = key, secret, wire_ms

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Refuse a request without the key: -2014 where there is none, -2015 where it is another's."""
        key = headers.get("X-MBX-APIKEY", "")
        if not key:
            raise VenueRefusal(-2014, "API-key format invalid.", 401)
        if not hmac.compare_digest(key.encode(), self._key.get_secret_value().encode()):
            raise VenueRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def signed(self, headers: Mapping[str, str], query: bytes, body: bytes, skew_ms: int = 0) -> dict[str, str]:
        """Parameters of a request that is signed and fresh.

        `query` and `body` are the bytes as sent; the signature covers both, one after the other, without itself.
        `skew_ms` is how far the venue takes its wall clock to be ahead.

        Raises
        ------
        VenueRefusal
            -2014, -2015 key; -1102 parameter missing; -1021 too old or too far ahead; -1022 signature wrong.
        """
        self.check_key(headers)
        parameters = dict(parse_qsl(query.decode(), keep_blank_values=True) + parse_qsl(body.decode(), keep_blank_values=True))
        given = parameters.pop("signature", "")
        if not given:
            raise missing("signature")
        secret = self._secret.get_secret_value().encode()
        expected = hmac.new(secret, _without_signature(query) + _without_signature(body), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, given.lower()):
            raise VenueRefusal(-1022, "Signature for this request is not valid.")
        self._check_age(parameters, self._wire_ms() + skew_ms)
        return parameters

    def _check_age(self, parameters: Mapping[str, str], now: int) -> None:
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
