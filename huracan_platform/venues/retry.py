"""Retries for reads. Nothing here may ever wrap a call that places an order: no answer is not "not accepted"."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import tenacity

from huracan_platform.errors import TransientError
from huracan_platform.logs import get_logger
from huracan_platform.venues.client import RateLimitedError

T = TypeVar("T")
# A pause asked for by the venue that is longer than this fails the read at once: others go on, and this one comes again
# at the end of the run. Sleeping through a ban of hours would hold the whole run.
LONGEST_PAUSE_S = 120.0
_log = get_logger("venues.retry")


class ReadRetry:
    """Up to `tries` attempts of a read, 2, 4, 8 … s ± a quarter apart, or as long as the venue's Retry-After says.

    Only `TransientError` is retried. `sleep` and `jitter` are passed in by tests.
    """

    def __init__(
        self, tries: int, sleep: Callable[[float], None] = time.sleep, jitter: random.Random | None = None
    ) -> None:
        self._tries = tries
        self._sleep = sleep
        self._jitter = jitter or random.Random()

    def __call__(self, read: Callable[[], T]) -> T:
        """What `read` returns.

        Raises
        ------
        TransientError
            The last attempt's, when every attempt failed.
        PermanentError
            At once: a retry cannot help.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._tries),
            wait=self._pause_s,
            retry=tenacity.retry_if_exception(_worth_a_retry),
            sleep=self._sleep,
            before_sleep=_tell,
            reraise=True,
        )
        return retrying(read)

    def _pause_s(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, RateLimitedError) else None
        backoff = 2.0**state.attempt_number * self._jitter.uniform(0.75, 1.25)
        return backoff if asked is None else asked + self._jitter.uniform(0.0, 0.25)


def _worth_a_retry(error: BaseException) -> bool:
    if isinstance(error, RateLimitedError) and (error.retry_after_s or 0.0) > LONGEST_PAUSE_S:
        return False
    return isinstance(error, TransientError)


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    _log.warning("read failed, trying again", attempt=state.attempt_number, pause_s=round(pause, 2), error=str(error))
