"""What happened in a symbol over the last 24 hours of market time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.market.series import SymbolHistory


@dataclass(frozen=True)
class DayStatistics:
    """Prices in USDT, quantities in base units, quote volume in USDT, times in market ms; ids of public trades."""

    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    last_quantity: Decimal
    average: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_ms: int
    close_ms: int
    first_id: int
    last_id: int
    trades: int

    @property
    def change(self) -> Decimal:
        """Last price less the first, USDT."""
        return self.last - self.open

    @property
    def change_percent(self) -> str:
        """Change in percent of the first price, three decimals."""
        return f"{(self.last / self.open - 1) * 100:.3f}"


def day_statistics(history: SymbolHistory, now: int) -> DayStatistics | None:
    """Statistics up to a market time; None before the symbol's first trade."""
    instrument, series = history.listed.instrument, history.series("1m")
    complete = series.complete_before(now)
    first = int(np.searchsorted(series.rows[:, 0], now - DAY_MS))
    rows = np.concatenate([series.rows[first:complete], history.running("1m", now)])
    row, index = history.last_trade(now)
    if not len(rows) or row < 0:
        return None
    tape, lots, value = history.tape(row), int(rows[:, 5].sum()), int(rows[:, 6].sum())
    last, quote = instrument.price(int(rows[-1, 4])), instrument.price(value).scaleb(-instrument.quantity_decimals)
    average = quote / instrument.quantity(lots) if lots else last
    return DayStatistics(
        instrument.price(int(rows[0, 1])), instrument.price(int(rows[:, 2].max())), instrument.price(int(rows[:, 3].min())), last,
        instrument.quantity(int(tape.lots[index]) if index >= 0 else 0), round(average, instrument.price_decimals),
        instrument.quantity(lots), quote, int(rows[0, 0]), now, history.first_id(first), history.last_id(row, index),
        int(rows[:, 7].sum()),
    )
