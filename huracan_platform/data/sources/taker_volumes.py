"""Taker volumes: what those who crossed the spread bought and sold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.source import Change, Column, SourceContract, SourceRows
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.sources.source import Compared, Origin, Rule
from huracan_platform.settings import Settings

STEP_MS = 5 * MINUTE_MS
# Sums of decimals that were rounded by their venue differ in the last digits; a window may hold next to nothing.
SMALLEST = 1e-9


@dataclass(frozen=True)
class TakerVolumeSource:
    """Sums of 5 minutes."""

    contract = SourceContract(
        "taker_volumes", tuple(Column(name, "base", 0, change=Change.RATIO) for name in ("buy", "sell")),
        step_ms=STEP_MS, span_ms=STEP_MS,
    )
    description = "What aggressors bought and sold in each 5 minutes, in base; together it is the volume of the candles."

    def delay_ms(self, settings: Settings) -> int:
        """As the venue publishes them."""
        return settings.sources.taker_volume_delay_ms

    def kept_ms(self, origin: Origin) -> int | None:
        """As the venue says."""
        return origin.market.kept_ms("taker_volumes")

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        """As the venue tells them."""
        return SourceRows.of(origin.market.taker_volumes(symbol, start_ms, end_ms))

    def rules(self, settings: Settings) -> Sequence[Rule]:
        """Bought and sold together are what was traded."""
        apart = settings.sources.taker_volume_tolerance
        return (Rule(f"buy + sell within {apart:.1%} of the candles' volume", lambda rows, of: _volume(rows, of, apart)),)


def _volume(rows: SourceRows, candles: Candles, apart: float) -> Compared:
    """Only windows whose five candles are all there can be held against them."""
    rolled = roll_up(candles, STEP_MS)
    whole = rolled.minutes == STEP_MS // MINUTE_MS
    opens, volume = rolled.candles.ts_ms[whole], rolled.candles.volume[whole]
    could = np.isin(rows.ts_ms, opens)
    traded = volume[np.searchsorted(opens, rows.ts_ms[could])]
    fits = np.ones(len(rows), bool)
    fits[could] = np.abs((rows["buy"] + rows["sell"])[could] - traded) <= apart * traded + SMALLEST
    return Compared(could, fits)
