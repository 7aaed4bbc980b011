"""Failpoints: one registry, armed by the settings."""

from __future__ import annotations

import pytest

from huracan_platform.errors import ConfigurationError, TransientError
from huracan_platform.execution.failpoints import Failpoint, Failpoints


def test_only_the_armed_point_acts() -> None:
    failpoints = Failpoints("after_mark_sent:raise")
    failpoints.reach(Failpoint.AFTER_INTENT_COMMIT)
    with pytest.raises(TransientError, match="after_mark_sent"):
        failpoints.reach(Failpoint.AFTER_MARK_SENT)


@pytest.mark.parametrize("armed", ["nowhere:kill", "after_mark_sent", "after_mark_sent:explode", ":kill"])
def test_an_unknown_point_or_action_is_refused(armed: str) -> None:
    with pytest.raises(ConfigurationError, match="expected one of before_intent_commit"):
        Failpoints(armed)
