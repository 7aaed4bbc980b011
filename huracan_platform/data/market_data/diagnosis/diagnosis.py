"""How a fault of data is named and told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from huracan_platform.contracts.market import Int64


class Fault(StrEnum):
    """Faults that have a name. The name leads every sentence about the day."""

    TIME_ZONE = "time-zone shifted"
    CLOSE_STAMPED = "stamped at the close"
    SHIFTED = "shifted in time"
    TIME_UNIT = "times in a wrong unit"
    NO_ZONE = "times without a time zone"
    NEWEST_FIRST = "newest-first order"
    SHUFFLED = "rows out of order"
    CLOCK_BACK = "clock set back"
    DUPLICATED_PAGE = "duplicated page"
    DUPLICATES = "duplicated rows"
    MISSING_PAGE = "missing page"
    COLUMNS_SWAPPED = "columns swapped"
    NUMBER_FORMAT = "numbers as text"
    SPOT = "spot labelled as perpetual"
    OTHER_MARKET = "another market's data"
    OTHER_SYMBOL = "another symbol's data"
    PRICE_UNIT = "prices in a wrong unit"
    VOLUME_UNIT = "volume in a wrong unit"
    SPLICED = "spliced series"
    STALE = "stale bars"
    BAR_LENGTH = "bars of another length"
    VALUE_UNIT = "values in a wrong unit"
    FUNDING_UNIT = "funding with a wrong unit"
    INTERVAL = "funding with a wrong interval"
    FUNDING_FABRICATED = "fabricated funding"


@dataclass(frozen=True)
class Diagnosis:
    """One fault and the evidence for it; None: nothing is known to be wrong, nor to be right.

    `sentence` says what was expected and what was got, with numbers; `certain` evidence quarantines the day, other evidence
    is a warning. `bad` are the (first, last) event times concerned, ms UTC, both included.
    """

    fault: Fault | None
    sentence: str
    certain: bool
    bad: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return f"{'unverified' if self.fault is None else self.fault.value}: {self.sentence}"


def fault_in(message: str) -> str:
    """The name of the fault that a message about a day tells, empty where it tells none."""
    return next((one.value for one in Fault if f": {one.value}: " in message), "")


def worst(found: list[Diagnosis]) -> Diagnosis | None:
    """The first certain one, else the first."""
    return next((one for one in found if one.certain), found[0] if found else None)


def span(ts: Int64) -> tuple[tuple[int, int], ...]:
    """From the first to the last time, as the bad times of a diagnosis."""
    return ((int(ts.min()), int(ts.max())),)


def span_text(minutes: int) -> str:
    """`+1 h`, `-5 h 30 min`, `+1 min`."""
    sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
    hours, rest = divmod(size, 60)
    return sign + " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))
