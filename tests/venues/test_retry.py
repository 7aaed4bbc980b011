"""When a read is tried again, how long it waits, and when it gives up at once."""

from __future__ import annotations

import random

import pytest

from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.venues.client import RateLimitedError
from huracan_platform.venues.retry import LONGEST_PAUSE_S, ReadRetry


class Reading:
    """Fails with the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def retry(pauses: list[float]) -> ReadRetry:
    return ReadRetry(3, sleep=pauses.append, jitter=random.Random(1))


def test_a_transient_failure_is_tried_again_after_2_and_4_seconds_give_or_take_a_quarter(retry, pauses) -> None:
    assert retry(Reading(TransientError("a"), TransientError("b"))) == "answer"
    assert 1.5 <= pauses[0] <= 2.5
    assert 3.0 <= pauses[1] <= 5.0


def test_after_the_last_try_the_last_error_comes_out(retry) -> None:
    reading = Reading(*(TransientError(str(k)) for k in range(9)))
    with pytest.raises(TransientError, match="2"):
        retry(reading)
    assert reading.calls == 3


def test_a_permanent_error_is_never_tried_again(retry, pauses) -> None:
    reading = Reading(PermanentError("no such symbol"))
    with pytest.raises(PermanentError):
        retry(reading)
    assert (reading.calls, pauses) == (1, [])


def test_a_mistake_of_the_caller_is_never_tried_again(retry) -> None:
    reading = Reading(TypeError("argument of type 'NoneType' is not iterable"))
    with pytest.raises(TypeError):
        retry(reading)
    assert reading.calls == 1


def test_retry_after_is_honoured(retry, pauses) -> None:
    assert retry(Reading(RateLimitedError("429", 7.0))) == "answer"
    assert 7.0 <= pauses[0] <= 7.25


def test_a_ban_longer_than_the_bound_fails_at_once(retry, pauses) -> None:
    with pytest.raises(RateLimitedError):
        retry(Reading(RateLimitedError("418", LONGEST_PAUSE_S + 1)))
    assert pauses == []
