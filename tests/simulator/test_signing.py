"""Signatures and parameters of requests, against the standard library's way."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from huracan_platform.simulator.binance.signing import signed_parameters
from huracan_platform.simulator.serving.problems import VenueRefusal

NOW = 1_800_000_000_000
TEXTS = st.text(st.sampled_from("ab=%2B+é&;"), max_size=12)


def signed(secret: str, query: str, body: str = "") -> str:
    return hmac.new(secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", ["s", "é", "x" * 63, "x" * 64, "x" * 65, "y" * 200])
def test_a_secret_of_any_length_signs_as_the_standard_library_does(secret: str) -> None:
    query, body = f"timestamp={NOW}", "symbol=BTCUSDT"
    sent = f"{body}&signature={signed(secret, query, body)}"
    found = signed_parameters(SecretStr(secret), query.encode(), sent.encode(), NOW)
    assert found == {"timestamp": str(NOW), "symbol": "BTCUSDT"}


@given(TEXTS)
def test_parameters_are_read_as_the_standard_library_does(text: str) -> None:
    query = f"{text}&timestamp={NOW}"
    sent = f"{query}&signature={signed('s', query)}"
    expected = dict(parse_qsl(query, keep_blank_values=True))
    assert signed_parameters(SecretStr("s"), sent.encode(), b"", NOW) == expected


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_signature_may_stand_anywhere(place: int) -> None:
    parts = [f"timestamp={NOW}", "symbol=BTCUSDT"]
    mac = signed("s", "&".join(parts))
    parts.insert(place, f"signature={mac.upper()}")
    assert signed_parameters(SecretStr("s"), "&".join(parts).encode(), b"", NOW)["symbol"] == "BTCUSDT"


@pytest.mark.parametrize("change", ["symbol=ETHUSDT", "symbol=BTCUSDT&x=1", "symbol=BTCUSDT&xsignature=1", "symbol=BTCUSDT&"])
def test_a_changed_message_is_refused(change: str) -> None:
    query = f"timestamp={NOW}&symbol=BTCUSDT"
    sent = f"timestamp={NOW}&{change}&signature={signed('s', query)}"
    with pytest.raises(VenueRefusal) as caught:
        signed_parameters(SecretStr("s"), sent.encode(), b"", NOW)
    assert caught.value.code == -1022
