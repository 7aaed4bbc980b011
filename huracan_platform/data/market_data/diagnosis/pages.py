"""Holes of the size of a page: one answer of a venue that was never asked for or never stored."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

FEWEST_OF_SEVERAL = 500


def missing_pages(missing: Int64, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether holes among due bars are as long as whole pages. `missing` are opens in time order, over as many days as came."""
    holes = ranges(missing)
    sizes = [(last - first) // MINUTE_MS + 1 for first, last in holes]
    pages = [(hole, told) for hole, size in zip(holes, sizes, strict=True) if (told := _told(size, settings.page_sizes))]
    if not pages:
        return None
    found = tuple(hole for hole, _ in pages)
    sentence = "; ".join(dict.fromkeys(told for _, told in pages))
    return Diagnosis(Fault.MISSING_PAGE, f"expected every page, got none of {in_words(found)}: {sentence}", False, found)


def _told(size: int, pages: Sequence[int]) -> str:
    """`a page of 1000 bars is missing`, `2 pages of 500 bars are missing`; empty where the size is no page's."""
    for page in pages:
        # Several small pages are as long as outages of whole hours are.
        if size == page or (page >= FEWEST_OF_SEVERAL and size % page == 0):
            count = size // page
            return f"a page of {page} bars is missing" if count == 1 else f"{count} pages of {page} bars are missing"
    return ""
