"""The recorders of trades and books."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class MicrostructureSettings(Section):
    """How trades and books are recorded per second, and what their minutes are held against."""

    stale_s: float = Field(20.0, gt=0, description="wall seconds without any frame after which a stream counts as lost")
    flush_s: float = Field(5.0, gt=0, description="wall seconds between two writes of finished seconds")
    settle_ms: int = Field(250, ge=0, description="market ms that a stream must have gone beyond a second before it is final")
    lag_ms: int = Field(3_000, ge=1, description="wall ms after which what a stream has not told by then counts as missing")
    correct_s: int = Field(60, ge=1, description="market seconds for which a late trade still corrects its second")
    most_waiting: int = Field(
        3_600, ge=1, description="times that seconds became final, per symbol, kept while the library is away; beyond, a gap"
    )
    snapshot_levels: int = Field(1_000, ge=5, description="levels a side that Binance is asked for at a book's begin")
    most_levels: int = Field(5_000, ge=50, description="levels a side that a book keeps; beyond, the worse half goes")
    volume_tolerance: Fraction = Field(
        0.001, description="base traded in the seconds of a minute may differ from its candle's volume by this fraction"
    )
