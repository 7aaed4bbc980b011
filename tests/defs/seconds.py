"""Seconds as a recorder would have left them of a day of a venue."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.clock import HOUR_MS, day_start_ms
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, TRADE_SECOND_COLUMNS
from huracan_platform.venues.market import MarketData

SECONDS = np.arange(60)


def record_seconds(brain: Brain, market: MarketData, symbol: str, day: date, *, hours: int, lost: float = 0.0) -> None:
    """Hours of trades and books that agree with the venue's candles, but for a share of every trade that is `lost`.

    All of a minute is bought in its first second; the book stands at its close, a basis point wide.
    """
    start = day_start_ms(day)
    bars = market.candles(symbol, start, start + hours * HOUR_MS)
    ts = (bars.ts_ms[:, None] + 1000 * SECONDS).ravel()
    base, close = np.where(SECONDS == 0, bars.volume[:, None] * (1 - lost), 0.0).ravel(), np.repeat(bars.close, 60)
    traded = {"buy_base": base, "buy_usd": base * close, "trades": (base > 0).astype(float)}
    depth = {"bid": close, "ask": close * 1.0001, "bid_base": 1.0, "ask_base": 2.0, "bid_usd_25bps": 9.0, "ask_usd_25bps": 8.0}
    for library, names, values in (
        (TradeSecondRepository(brain), TRADE_SECOND_COLUMNS, traded), (BookSecondRepository(brain), BOOK_SECOND_COLUMNS, depth),
    ):
        columns = {name: np.broadcast_to(values.get(name, 0.0), len(ts)).astype(float) for name in names}
        rows = pa.table({"symbol": [symbol] * len(ts), "ts_ms": ts, **columns, "known_at_ms": ts + 1_300})
        library.upsert(market.venue, rows, start + hours * HOUR_MS)
    ledger = RecordingLedger(brain)
    for dataset in ("trades", "book"):
        number = ledger.begin(market.venue, dataset, start, 1, symbol=symbol)
        ledger.extend(number, start + hours * HOUR_MS, 1, ended="stopped")
