"""Named crash points. `HURACAN_FAILPOINT=after_intent_commit:kill` ends the process there as a power cut would."""

from __future__ import annotations

import os
import signal
from enum import StrEnum

from huracan_platform.errors import ConfigurationError, TransientError


class Failpoint(StrEnum):
    """The one registry: every point at which a fault test may stop a process."""

    # an order on its way
    BEFORE_INTENT_COMMIT = "before_intent_commit"
    AFTER_INTENT_COMMIT = "after_intent_commit"
    AFTER_MARK_SENT = "after_mark_sent"
    AFTER_SEND_BEFORE_ACK_STORED = "after_send_before_ack_stored"
    AFTER_ACK_STORED = "after_ack_stored"
    AFTER_FILL_BEFORE_STOP = "after_fill_before_stop"
    AFTER_STOP_SENT = "after_stop_sent"
    DURING_CANCEL = "during_cancel"
    AFTER_RECONCILE_EVENT = "after_reconcile_event"
    # an executor and its session
    AFTER_LEASE_TAKEN = "after_lease_taken"
    AFTER_LEASE_RENEWED = "after_lease_renewed"
    AFTER_COMMAND_CLAIMED = "after_command_claimed"
    AFTER_COMMAND_DONE = "after_command_done"
    AFTER_DECISION_WRITTEN = "after_decision_written"
    BEFORE_SESSION_END = "before_session_end"
    # facts and features
    AFTER_FETCH = "after_fetch"
    AFTER_STAGING = "after_staging"
    AFTER_FACTS_BEFORE_BOOKS = "after_facts_before_books"
    AFTER_RECORDED_BEFORE_LEDGER = "after_recorded_before_ledger"
    AFTER_FEATURE_FILES = "after_feature_files"
    BEFORE_MANIFEST_COMMIT = "before_manifest_commit"
    # models and who is in charge
    AFTER_ARTEFACT_STORED = "after_artefact_stored"
    AFTER_MODEL_ENTERED = "after_model_entered"
    BEFORE_ACTIVATION_COMMIT = "before_activation_commit"
    AFTER_ACTIVATION_COMMIT = "after_activation_commit"
    BEFORE_ROLLBACK_COMMIT = "before_rollback_commit"
    AFTER_RETRAINING_REQUEST = "after_retraining_request"
    # telling people
    AFTER_DELIVERY_BEGUN = "after_delivery_begun"
    AFTER_POST_BEFORE_MARK = "after_post_before_mark"


class _Armed:
    """The armed point of this process, if any, and what happens there."""

    point: Failpoint | None = None
    action = ""


def arm(text: str | None) -> None:
    """Arm one point of this process.

    Parameters
    ----------
    text
        `NAME:kill` (SIGKILL to this process) or `NAME:raise` (TransientError); None arms nothing.

    Raises
    ------
    ConfigurationError
        For a name or an action that is not registered.
    """
    name, _, action = (text or "").partition(":")
    if text and (name not in set(Failpoint) or action not in ("kill", "raise")):
        raise ConfigurationError(f"failpoint: expected one of {', '.join(Failpoint)} with :kill or :raise, got {text!r}")
    _Armed.point, _Armed.action = Failpoint(name) if text else None, action


def reach(point: Failpoint) -> None:
    """Do what is armed for this point; nothing otherwise."""
    if point is not _Armed.point:
        return
    if _Armed.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise TransientError(f"failpoint {point}")
