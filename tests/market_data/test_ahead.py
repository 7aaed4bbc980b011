"""One fetch ahead of the work, in order, never two at a time."""

from __future__ import annotations

import threading

import pytest

from huracan_platform.data.market_data.ahead import fetched_ahead
from huracan_platform.errors import PermanentError


def test_results_come_in_the_order_of_the_jobs() -> None:
    assert list(fetched_ahead([3, 1, 2], lambda job: job * 10)) == [(3, 30), (1, 10), (2, 20)]
    assert list(fetched_ahead([], lambda job: job)) == []


def test_the_next_is_fetched_while_the_caller_works_and_no_further_one() -> None:
    begun: list[int] = []
    came = [threading.Event() for _ in range(4)]

    def fetch(job: int) -> int:
        begun.append(job)
        came[job].set()
        return job

    for job, _ in fetched_ahead(range(4), fetch):
        if job < 3:
            assert came[job + 1].wait(10)
        assert begun == list(range(min(job + 2, 4)))


def test_two_fetches_never_run_at_once() -> None:
    running = threading.Lock()

    def fetch(job: int) -> int:
        assert running.acquire(blocking=False)
        threading.Event().wait(0.01)
        running.release()
        return job

    assert len(list(fetched_ahead(range(8), fetch))) == 8


def test_an_error_is_raised_at_its_jobs_turn_and_ends_the_fetching() -> None:
    begun: list[int] = []

    def fetch(job: int) -> int:
        begun.append(job)
        if job == 1:
            raise PermanentError("no such symbol")
        return job

    results = fetched_ahead(range(4), fetch)
    assert next(results) == (0, 0)
    with pytest.raises(PermanentError, match="no such symbol"):
        next(results)
    assert begun == [0, 1]
