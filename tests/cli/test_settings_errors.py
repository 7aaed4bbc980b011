"""Settings that are wrong: one line that names the setting, what was expected and what was got."""

from __future__ import annotations

import pytest

from huracan_platform.errors import ConfigurationError
from huracan_platform.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HURACAN_QUALITY__FETCH_TRIES", "abc", "HURACAN_QUALITY__FETCH_TRIES: expected a valid integer"),
        ("HURACAN_SYMBOLS", "", "HURACAN_SYMBOLS: expected one or more different symbols"),
        ("HURACAN_SYMBOLS", "BTCUSDT", "like BTC/USDT:USDT, got ('BTCUSDT',)"),
        ("HURACAN_SYMBOLS", "BTC/USDT:USDT,BTC/USDT:USDT", "expected one or more different symbols"),
        ("HURACAN_LABELS__HORIZON_MIN", "120", "EMBARGO_MIN: expected at least HURACAN_LABELS__HORIZON_MIN of 120, got 60"),
        ("HURACAN_FIRST_DAY", "foo", "HURACAN_FIRST_DAY: expected a day like 2025-01-01, got 'foo'"),
        ("HURACAN_SIMULATOR__START", "2025-13-01", "HURACAN_SIMULATOR__START: expected a day"),
        ("HURACAN_DATABASE__PORT", "80", "HURACAN_DATABASE__PORT: expected greater than or equal to 1024, got '80'"),
        ("HURACAN_TRAINING__ARCHITECTURES", '["forest"]', "expected 'linear' or 'xgboost', got 'forest'"),
        ("HURACAN_TRAINING__ARCHITECTURES", "forest", "expected JSON"),
        ("HURACAN_LOG_LEVEL", "loud", "'WARNING' or 'ERROR', got 'loud'"),
        ("HURACAN_QUALITY__FETCH_TIRES", "3", "HURACAN_QUALITY__FETCH_TIRES: expected the name of a setting"),
        ("HURACAN_SYMBOL", "BTC/USDT:USDT", "HURACAN_SYMBOL: expected the name of a setting"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(monkeypatch, name: str, value: str, told: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_malformed_dsn_is_refused_without_repeating_its_password(monkeypatch) -> None:
    monkeypatch.setenv("HURACAN_DATABASE__DSN", "mysql://me:hidden@db/brain")
    with pytest.raises(ConfigurationError, match="HURACAN_DATABASE__DSN: expected postgresql://") as caught:
        load_settings()
    assert "hidden" not in str(caught.value)
