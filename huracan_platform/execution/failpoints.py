"""Named crash points. `HURACAN_FAILPOINT=after_intent_commit:kill` ends the process there as a power cut would."""

from __future__ import annotations

import os
import signal
from enum import StrEnum

from huracan_platform.errors import ConfigurationError, TransientError


class Failpoint(StrEnum):
    """The one registry: every point at which a fault test may stop the send path."""

    BEFORE_INTENT_COMMIT = "before_intent_commit"
    AFTER_INTENT_COMMIT = "after_intent_commit"
    AFTER_MARK_SENT = "after_mark_sent"
    AFTER_SEND_BEFORE_ACK_STORED = "after_send_before_ack_stored"
    AFTER_ACK_STORED = "after_ack_stored"
    AFTER_FILL_BEFORE_STOP = "after_fill_before_stop"
    AFTER_STOP_SENT = "after_stop_sent"
    DURING_CANCEL = "during_cancel"


class Failpoints:
    """The armed point of this process, if any.

    Parameters
    ----------
    armed
        `NAME:kill` (SIGKILL to this process) or `NAME:raise` (TransientError); None arms nothing.

    Raises
    ------
    ConfigurationError
        For a name or an action that is not registered.
    """

    def __init__(self, armed: str | None) -> None:
        name, _, self._action = (armed or "").partition(":")
        if armed and (name not in set(Failpoint) or self._action not in ("kill", "raise")):
            raise ConfigurationError(f"failpoint: expected one of {', '.join(Failpoint)} with :kill or :raise, got {armed!r}")
        self._armed = Failpoint(name) if armed else None

    def reach(self, point: Failpoint) -> None:
        """Do what is armed for this point; nothing otherwise."""
        if point is not self._armed:
            return
        if self._action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise TransientError(f"failpoint {point}")
