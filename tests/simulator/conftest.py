"""Venues in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.armed import A, B
from tests.simulator.raw import fetch, post
from tests.venue_process import running_venue


@pytest.fixture(scope="package")
def paused() -> Iterator[str]:
    """A venue whose market stands still after three days: for reads only."""
    with running_venue(days=3) as url:
        yield url


@pytest.fixture
def fresh() -> Iterator[str]:
    """A venue of the test's own, its market paused: a fresh account."""
    with running_venue(days=1, symbols="BTC/USDT:USDT,ETH/USDT:USDT") as url:
        yield url


@pytest.fixture(scope="module")
def fast() -> Iterator[str]:
    """A venue whose market runs at 720 market seconds a second: a minute in 83 ms."""
    with running_venue(days=1, speed=720.0) as url:
        yield url


@pytest.fixture(scope="package")
def floor() -> Iterator[str]:
    """A venue whose market stands still, where each test trades through an account of its own."""
    with running_venue(days=2, symbols="BTC/USDT:USDT,ETH/USDT:USDT") as url:
        yield url


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """A venue whose market makes a minute in 20 ms, with two accounts more."""
    with running_venue(days=1, symbols="BTCUSDT,ETHUSDT", speed=3_000.0) as url:
        for key in (A, B):
            assert post(url, "/control/accounts", {"api_key": key, "api_secret": "s"})[0] == 200
        yield url


@pytest.fixture
def disarmed(venue: str) -> None:
    """No fault of another test."""
    fetch(venue + "/control/faults", "DELETE")
