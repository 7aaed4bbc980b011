"""Mark price, index price and premium index: the basis of a perpetual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.source import Change, Column, SourceContract, SourceRows
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.sources.source import Compared, Origin, Rule
from huracan_platform.settings import Settings


def _price(name: str) -> Column:
    # Not looked through for jumps: the candles are, and an index that moves without them breaks the rule on traded prices.
    return Column(name, "a price", 0, above_low=True, one_scale=True, change=Change.FREE)


@dataclass(frozen=True)
class MarkPriceSource:
    """Closes of 5-minute bars."""

    contract = SourceContract(
        "mark_prices", (_price("mark"), _price("index"), Column("premium", "a fraction", -1, 1)),
        step_ms=5 * MINUTE_MS, span_ms=5 * MINUTE_MS,
    )
    description = "Mark price, index price and premium index at the close of each 5 minutes: what the basis and funding rest on."

    def delay_ms(self, settings: Settings) -> int:
        """As late as a candle's close."""
        return settings.sources.mark_price_delay_ms

    def kept_ms(self, origin: Origin) -> int | None:
        """As the venue says."""
        return origin.market.kept_ms("mark_prices")

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        """As the venue tells them."""
        return SourceRows.of(origin.market.mark_prices(symbol, start_ms, end_ms))

    def rules(self, settings: Settings) -> Sequence[Rule]:
        """The three agree with one another, and the index with what was traded."""
        apart, beyond = settings.sources.premium_tolerance, settings.sources.index_tolerance
        return (
            Rule(f"a premium within {apart:.2%} of mark ÷ index − 1", lambda rows, candles: _premium(rows, apart)),
            Rule(f"an index within the hour's traded prices ± {beyond:.1%}", lambda rows, candles: _index(rows, candles, beyond)),
        )


def _premium(rows: SourceRows, apart: float) -> Compared:
    with np.errstate(invalid="ignore", divide="ignore"):
        fits = np.abs(rows["premium"] - (rows["mark"] / rows["index"] - 1)) <= apart
    return Compared(np.ones(len(rows), bool), fits)


def _index(rows: SourceRows, candles: Candles, beyond: float) -> Compared:
    hours = roll_up(candles, HOUR_MS).candles
    hour = rows.ts_ms // HOUR_MS * HOUR_MS
    could = np.isin(hour, hours.ts_ms)
    at = np.searchsorted(hours.ts_ms, hour[could])
    fits = np.ones(len(rows), bool)
    index = rows["index"][could]
    fits[could] = (index >= hours.low[at] * (1 - beyond)) & (index <= hours.high[at] * (1 + beyond))
    return Compared(could, fits)
