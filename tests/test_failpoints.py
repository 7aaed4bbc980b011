"""Failpoints: one registry, armed by the settings of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from huracan_platform.errors import ConfigurationError, TransientError
from huracan_platform.failpoints import Failpoint, arm, reach
from huracan_platform.settings import load_settings


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm(None)


def test_only_the_armed_point_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HURACAN_FAILPOINT", "after_mark_sent:raise")
    load_settings()
    reach(Failpoint.AFTER_INTENT_COMMIT)
    with pytest.raises(TransientError, match="after_mark_sent"):
        reach(Failpoint.AFTER_MARK_SENT)


@pytest.mark.parametrize("armed", ["nowhere:kill", "after_mark_sent", "after_mark_sent:explode", ":kill"])
def test_an_unknown_point_or_action_is_refused(armed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HURACAN_FAILPOINT", armed)
    with pytest.raises(ConfigurationError, match="expected one of before_intent_commit"):
        load_settings()
