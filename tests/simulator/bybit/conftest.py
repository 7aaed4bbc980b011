"""Venues that speak Bybit, in processes of their own, and the market that they must show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.bybit.known import DAYS, SEED, SYMBOLS, Known, known_market
from tests.venue_process import running_venue


@pytest.fixture(scope="package")
def known() -> Known:
    """What the venues below have as their past."""
    return known_market()


@pytest.fixture(scope="package")
def still() -> Iterator[str]:
    """A venue whose market stands still: for reads only."""
    with running_venue(days=DAYS, seed=SEED, symbols=SYMBOLS, protocol="bybit") as url:
        yield url


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    """A venue whose market and accounts only the module's tests touch."""
    with running_venue(days=DAYS, seed=SEED, symbols=SYMBOLS, protocol="bybit") as url:
        yield url


@pytest.fixture(scope="module")
def fast() -> Iterator[str]:
    """A venue whose market runs at 720 market seconds a second: a minute in 83 ms."""
    with running_venue(days=1, seed=SEED, symbols=SYMBOLS, speed=720.0, protocol="bybit") as url:
        yield url
