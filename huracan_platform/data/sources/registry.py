"""The sources that there are. A new one is a file beside this one, and its name here."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.data.sources.account_ratios import AccountRatioSource
from huracan_platform.data.sources.mark_prices import MarkPriceSource
from huracan_platform.data.sources.source import Source
from huracan_platform.data.sources.taker_volumes import TakerVolumeSource

SOURCES: Sequence[Source] = (MarkPriceSource(), AccountRatioSource(), TakerVolumeSource())


def find_source(name: str) -> Source | None:
    """The source whose dataset is called so; None where none is."""
    return next((source for source in SOURCES if source.contract.name == name), None)
