"""What makes one synthetic symbol differ from another."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.simulator.exchange.instruments import Instrument


@dataclass(frozen=True)
class Character:
    """What makes a symbol: its instrument, long-run price level in USDT, annual volatility, base units per minute, and
    the correlation of its shock with the common factor."""

    instrument: Instrument
    level: float
    volatility: float
    volume: float
    beta: float

    @property
    def usual_lots(self) -> float:
        """Lots of a usual minute's volume."""
        return self.volume * 10.0**self.instrument.quantity_decimals


CHARACTERS = {
    "BTC": Character(Instrument("BTC", 1, 3, min_notional=Decimal(100)), 95_000.0, 0.70, 90.0, 0.90),
    "ETH": Character(Instrument("ETH", 2, 3, min_notional=Decimal(20)), 3_300.0, 0.85, 1_500.0, 0.85),
    "SOL": Character(Instrument("SOL", 2, 2), 190.0, 1.00, 12_000.0, 0.80),
}


def character_of(base: str) -> Character:
    """The symbol's character; one that is not in the table gets a plain one whose level is drawn from its name."""
    if base in CHARACTERS:
        return CHARACTERS[base]
    level = float(10 ** (zlib.crc32(base.encode()) % 3))
    return Character(Instrument(base, 4, 1), level, 0.95, 150_000.0 / level, 0.75)
