"""Recorders of what cannot be had later."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Section


class LiquidationSettings(Section):
    """The recorder of liquidations, and what counts as a cascade."""

    stale_s: float = Field(20.0, gt=0, description="wall seconds without any frame after which the stream counts as lost")
    flush_s: float = Field(1.0, gt=0, description="wall seconds between two writes of what came")
    most_waiting: int = Field(
        100_000, ge=1, description="liquidations kept in memory while the library takes no writes; beyond it they are a gap"
    )
    days_ahead: int = Field(3, ge=0, description="days for which the table's partitions are made ahead")
    window_min: int = Field(5, ge=1, description="a cascade is looked for in so many minutes, and ends after as many without one")
    fewest: int = Field(3, ge=1, description="liquidations in the window")
    one_sided: float = Field(0.80, ge=0.5, le=1, description="share of the window's USD on one side")
    percentile: float = Field(0.95, gt=0, lt=1, description="of the trailing non-empty windows, to be reached in USD")
    volume_share: float = Field(0.005, ge=0, description="of the USD traded in the window, which its liquidations must reach")
    ask_volume: bool = Field(
        False, description="ask the venue what was traded where the library has none of its candles; always of alternatives"
    )
    trailing_days: int = Field(7, ge=1, description="days that a window and a minute are set against")
    fewest_windows: int = Field(30, ge=1, description="non-empty windows or minutes needed for a percentile; fewer call nothing")
