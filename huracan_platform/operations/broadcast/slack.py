"""Slack through its own SDK: a bot that posts, and an incoming webhook as the way around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.error import URLError

from pydantic import SecretStr
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from huracan_platform.brain.operations.outbox import Message
from huracan_platform.operations.broadcast.blocks import blocks, headline
from huracan_platform.operations.broadcast.channel import Delivered, Later, Outcome, Refused

TIMEOUT_S = 10
EVENT_TYPE = "huracan_message"
# What no repetition cures: https://docs.slack.dev/reference/methods/chat.postMessage
_CONFIGURATION = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission", "missing_scope",
    "channel_not_found", "not_in_channel", "is_archived", "ekm_access_denied", "org_login_required",
}
_LOST = (URLError, TimeoutError, ConnectionError, OSError)


class SlackBot:
    """Posts to one Slack channel; the end of an incident goes into the thread of its opening.

    Needs the scopes chat:write and, to look up posts whose answer was lost, channels:history.
    """

    name = "slack"

    def __init__(self, token: SecretStr, slack_channel: str, api_url: str) -> None:
        self._client = WebClient(token.get_secret_value(), base_url=api_url, timeout=TIMEOUT_S, retry_handlers=[])
        self._channel = slack_channel

    def post(self, messages: Sequence[Message]) -> Outcome:
        """chat.postMessage, marked with the number of the first message."""
        def call() -> Outcome:
            answer = self._client.chat_postMessage(
                channel=self._channel, text=headline(messages), blocks=blocks(messages), thread_ts=messages[0].thread,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"message_id": str(messages[0].message_id)}},
            )
            return Delivered(f"{answer['channel']}/{answer['ts']}".rpartition("/")[2])

        return _outcome(call)

    def find(self, messages: Sequence[Message]) -> Delivered | None:
        """Among the posts since then, in the channel or in the thread, the one with our mark."""
        oldest = str(messages[0].at.timestamp())
        try:
            if messages[0].thread:
                answer = self._client.conversations_replies(
                    channel=self._channel, ts=messages[0].thread, oldest=oldest, include_all_metadata=True, limit=200
                )
            else:
                answer = self._client.conversations_history(
                    channel=self._channel, oldest=oldest, include_all_metadata=True, limit=200
                )
        except (SlackApiError, *_LOST):
            return None
        for found in answer.get("messages") or []:
            if _mark(found) == str(messages[0].message_id):
                return Delivered(found["ts"])
        return None


def _mark(found: Mapping[str, Any]) -> str:
    metadata = found.get("metadata") or {}
    return str(metadata.get("event_payload", {}).get("message_id", "")) if metadata.get("event_type") == EVENT_TYPE else ""


class SlackWebhook:
    """An incoming webhook: no thread, no lookup."""

    name = "slack_webhook"

    def __init__(self, url: SecretStr) -> None:
        self._client = WebhookClient(url.get_secret_value(), timeout=TIMEOUT_S, retry_handlers=[])

    def post(self, messages: Sequence[Message]) -> Outcome:
        """One POST."""
        def call() -> Outcome:
            answer = self._client.send(text=headline(messages), blocks=blocks(messages))
            if answer.status_code == 200:
                return Delivered("")
            why = f"HTTP {answer.status_code} {answer.body[:100]}"
            if answer.status_code == 429 or answer.status_code >= 500:
                return Later(why, _retry_after(answer.headers))
            return Refused(why)

        return _outcome(call)

    def find(self, messages: Sequence[Message]) -> Delivered | None:
        """A webhook cannot look."""
        return None


def _outcome(call: Callable[[], Outcome]) -> Outcome:
    try:
        return call()
    except SlackApiError as error:
        answer = error.response
        code = answer.get("error") if hasattr(answer, "get") else None
        if code in _CONFIGURATION:
            return Refused(f"Slack says {code}")
        return Later(f"HTTP {answer.status_code} {code or ''}".strip(), _retry_after(answer.headers))
    except _LOST as error:
        return Later(f"no answer: {getattr(error, 'reason', error)}")


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            return float(value[0] if isinstance(value, list) else value)
    return None
