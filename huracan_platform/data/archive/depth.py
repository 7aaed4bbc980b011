"""Depth bands of the archive's book snapshots: a source that no venue tells live, so files alone fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Float64, Series
from huracan_platform.contracts.source import Change, Column, SourceContract, SourceRows
from huracan_platform.data.sources.source import Origin, Rule
from huracan_platform.errors import UntoldError
from huracan_platform.settings import Settings

DATASET = "depth_bands"
PERCENT = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class DepthBands(Series):
    """USD of bids and asks within 1 to 5 % of the price, in the last snapshot of each minute. `ts_ms` is the minute's begin."""

    bid_usd_1pct: Float64
    bid_usd_2pct: Float64
    bid_usd_3pct: Float64
    bid_usd_4pct: Float64
    bid_usd_5pct: Float64
    ask_usd_1pct: Float64
    ask_usd_2pct: Float64
    ask_usd_3pct: Float64
    ask_usd_4pct: Float64
    ask_usd_5pct: Float64


@dataclass(frozen=True)
class DepthBandSource:
    """Depth bands out of files, `rows` of one symbol."""

    rows: Series | None = None
    contract = SourceContract(
        DATASET,
        tuple(
            Column(f"{side}_usd_{percent}pct", "USD", 0, above_low=True, change=Change.RATIO)
            for side in ("bid", "ask") for percent in PERCENT
        ),
        step_ms=MINUTE_MS, span_ms=MINUTE_MS,
    )
    description = "USD of bids and asks within 1 to 5 % of the price, each minute; files of the public archive alone tell it."

    def delay_ms(self, settings: Settings) -> int:
        """As a candle's."""
        return settings.quality.arrival_delay_ms

    def kept_ms(self, origin: Origin) -> int | None:
        """Files lose nothing."""
        return None

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        """Those of the window."""
        if self.rows is None:
            raise UntoldError(f"{DATASET} {symbol}: expected files of the archive, got a venue, which does not tell them")
        return SourceRows.of(self.rows.at((self.rows.ts_ms >= start_ms) & (self.rows.ts_ms < end_ms)))

    def rules(self, settings: Settings) -> Sequence[Rule]:
        """None: no other number follows from the depth of a book."""
        return ()
