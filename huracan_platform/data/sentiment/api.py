"""JSON over HTTP with a token: refusals told apart, pauses obeyed, no secret in a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import requests

from huracan_platform.clock import Clock
from huracan_platform.data.sentiment.source import RefusedAnswerError
from huracan_platform.errors import PermanentError, TransientError

TIMEOUT_S = 10.0
LONGEST_QUOTE = 200
# Without a word from the server a refused client waits so long before it asks again.
PAUSE_S = 60.0


class JsonApi:
    """Reads of one service.

    Parameters
    ----------
    name
        Told in errors.
    token
        Gives a token; called again once when the service says that it is no longer good.
    pause_s
        Reads the seconds of a pause out of the headers of a 429 at a wire time in ms; None where they do not tell it.
    """

    def __init__(
        self, name: str, base: str, token: Callable[[], str], user_agent: str,
        pause_s: Callable[[Mapping[str, str], int], float | None],
    ) -> None:
        self._name, self._base, self._ask_token, self._pause_s = name, base.rstrip("/"), token, pause_s
        self._agent = user_agent
        self._token: str | None = None
        self._not_before_ms = 0

    def get(self, clock: Clock, path: str, params: Mapping[str, str | int]) -> Any:
        """The answer's JSON.

        Raises
        ------
        TransientError
            No answer, 429 or 5xx; at once, without a request, until a pause that was asked for is over.
        PermanentError
            Any other refusal.
        RefusedAnswerError
            The body is no JSON.
        """
        wire_ms = clock.wire_ms()
        if wire_ms < self._not_before_ms:
            left_s = (self._not_before_ms - wire_ms) / 1000
            raise TransientError(f"{self._name}: expected an answer, got a pause of {left_s:.0f} s more")
        answer = self._request(path, params)
        if answer.status_code == requests.codes.unauthorized:  # a token lives for an hour or a day
            self._token = None
            answer = self._request(path, params)
        if answer.status_code == requests.codes.too_many_requests:
            told_s = self._pause_s(answer.headers, wire_ms)
            pause_s = PAUSE_S if told_s is None else max(told_s, 0.0)
            self._not_before_ms = wire_ms + int(1000 * pause_s)
            raise TransientError(f"{self._name} {path}: expected 200, got 429 and a pause of {pause_s:.0f} s")
        if answer.status_code != requests.codes.ok:
            kind = TransientError if answer.status_code >= requests.codes.server_error else PermanentError
            raise kind(f"{self._name} {path}: expected 200, got {answer.status_code} {answer.text[:LONGEST_QUOTE]!r}")
        try:
            return answer.json()
        except requests.JSONDecodeError:
            quoted = answer.text[:LONGEST_QUOTE]
            raise RefusedAnswerError(f"{self._name} {path}: expected JSON, got {quoted!r}", answer.text) from None

    def _request(self, path: str, params: Mapping[str, str | int]) -> requests.Response:
        if self._token is None:
            self._token = self._ask_token()
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": self._agent}
        return sent(self._name, lambda: requests.get(self._base + path, params=dict(params), headers=headers, timeout=TIMEOUT_S))


def sent(name: str, request: Callable[[], requests.Response]) -> requests.Response:
    """A request's answer, whatever it says.

    Raises
    ------
    TransientError, PermanentError
        None came; the address is none.
    """
    try:
        return request()
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TransientError(f"{name}: expected an answer, got {type(error).__name__}") from None
    except requests.RequestException as error:
        raise PermanentError(f"{name}: expected an http address, got {type(error).__name__}") from None
