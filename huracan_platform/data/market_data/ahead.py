"""The next fetch is under way while what came before it is judged and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import date
from typing import TypeVar

Job = TypeVar("Job")
Fetched = TypeVar("Fetched")


def day_jobs(due: Mapping[str, Sequence[date]], at_a_time: int) -> list[tuple[str, tuple[date, ...]]]:
    """The days in order of each symbol, so many of all symbols' days at a time, symbol after symbol."""
    days, found = sorted(set().union(*due.values())), []
    for at in range(0, len(days), at_a_time):
        span = days[at : at + at_a_time]
        parts = {symbol: tuple(day for day in wanted if span[0] <= day <= span[-1]) for symbol, wanted in due.items()}
        found += [(symbol, part) for symbol, part in parts.items() if part]
    return found


def fetched_ahead(jobs: Sequence[Job], fetch: Callable[[Job], Fetched]) -> Iterator[tuple[Job, Fetched]]:
    """Each job with what `fetch` returned for it, in order.

    One fetch runs at a time, in a thread of its own, and at most one result waits. What it raises is raised here, at its job's
    turn; jobs after that are not begun. A caller that stops early waits for nothing.
    """
    coming = _begun(fetch, jobs[0]) if jobs else None
    for at, job in enumerate(jobs):
        assert coming is not None
        fetched = coming.result()
        coming = _begun(fetch, jobs[at + 1]) if at + 1 < len(jobs) else None
        yield job, fetched


def _begun(fetch: Callable[[Job], Fetched], job: Job) -> Future[Fetched]:
    future: Future[Fetched] = Future()

    def run() -> None:
        try:
            future.set_result(fetch(job))
        except BaseException as error:  # the caller's, whatever it is
            future.set_exception(error)

    # A daemon: an interrupted command does not wait for an answer, nor for a pause that the venue asked for.
    threading.Thread(target=run, name="fetch-ahead", daemon=True).start()
    return future
