"""What a source of market facts is. One file that keeps this protocol, named in `registry.py`, is a dataset of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.source import SourceContract, SourceRows
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.settings import Settings

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Origin:
    """Where a source may read: the market whose symbols are collected, and the web."""

    market: MarketSource
    settings: Settings

    def read(self, url: str) -> bytes:
        """The body at an address, tried as often as a venue's is.

        Raises
        ------
        TransientError
            No answer, or one of 429 and 5xx, after all tries.
        PermanentError
            Any other answer than 200, or no http address.
        """
        from huracan_platform.data.sentiment.feeds import fetch  # requests: 0.1 s
        from huracan_platform.venues.retry import ReadRetry

        return ReadRetry(self.settings.quality.fetch_tries)(lambda: fetch(url))


@dataclass(frozen=True)
class Compared:
    """Row by row: whether there was something to hold it against, and whether it agrees."""

    could: Mask
    fits: Mask


@dataclass(frozen=True)
class Rule:
    """What the rows of a source must agree with. `expected` says it in errors.

    `compare` gets the rows, in time order, and the library's own 1-minute candles of the same venue, symbol and days.
    """

    expected: str
    compare: Callable[[SourceRows, Candles], Compared]


class Source(Protocol):
    """One source: what its rows are, how they are had, and what they must agree with."""

    @property
    def contract(self) -> SourceContract:
        """Name of the dataset and asset, columns with units and ranges, grid."""
        ...

    @property
    def description(self) -> str:
        """What it is, in a sentence for the web UI."""
        ...

    def delay_ms(self, settings: Settings) -> int:
        """A row can be known this long after its span is over; counts until delays of it were measured."""
        ...

    def kept_ms(self, origin: Origin) -> int | None:
        """How far back its origin keeps it; None: to the listing. Older days are unavailable, which is no failure."""
        ...

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        """Rows with start_ms ≤ ts < end_ms (ms UTC), as delivered: neither sorted nor repaired.

        Raises
        ------
        TransientError
            Worth another try, later.
        UntoldError
            The origin does not tell this of the symbol: its days are unavailable, which is no failure.
        PermanentError
            Asking again cannot help, and a person must look.
        MalformedRowsError
            An answer that holds no such rows; it goes to quarantine as it came.
        """
        ...

    def rules(self, settings: Settings) -> Sequence[Rule]:
        """What the rows must agree with, for the consistency check; may be empty."""
        ...
