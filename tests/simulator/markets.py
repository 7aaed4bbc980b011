"""Small markets and venues inside the test's process, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from pydantic import SecretStr

from huracan_platform.clock import ManualClock, MarketTime
from huracan_platform.simulator.binance.clients import Client, Clients
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.book import BookView
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.desk_changes import DeskChanges
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.logs import FillLog
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.market.bars import FundingHistory, ListedSymbol, Market, MinuteBars
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.venue_clock import VenueClock

START_MS = 1_735_689_600_000  # 2025-01-01
MINUTE = 60_000
WIRE_MS = 1_790_000_000_000


def listed(
    bars: list[tuple[int, int, int, int, int]], funding: Sequence[tuple[int, float]] = (), start_ms: int = START_MS,
    base: str = "BTC",
) -> ListedSymbol:
    """A symbol with a tick of 0.1 and a lot of 0.001. `bars`: open, high, low, close in ticks, volume in lots; `funding`: the
    minute after the start at which it settles, rate."""
    array = np.array(bars, np.int64)
    ts = start_ms + MINUTE * np.arange(len(bars), dtype=np.int64)
    settled = np.array([start_ms + MINUTE * at for at, _ in funding], np.int64)
    rates = np.array([rate for _, rate in funding], np.float64)
    columns = [np.ascontiguousarray(array[:, i]) for i in range(5)]
    history = FundingHistory(settled, settled, rates, np.zeros(len(settled), np.int64))
    return ListedSymbol(
        Instrument(base, 1, 3, min_notional=Decimal(100)), MinuteBars(ts, *columns, columns[4] // 2), history, 12_345
    )


@dataclass
class Floor:
    """A venue with one symbol, the desk of its first account, and the user events that were told to that."""

    wire: ManualClock
    venue: Venue
    matching: Matching
    clients: Clients
    told: list[dict[str, Any]]

    @property
    def desk(self) -> OrderDesk:
        """The first account's."""
        return self.clients.first.desk

    @property
    def changes(self) -> DeskChanges:
        """The first account's."""
        return self.clients.first.changes

    @property
    def account(self) -> Account:
        """The first one."""
        return self.clients.first.account

    @property
    def fills(self) -> FillLog:
        """The first account's."""
        return self.account.records.fills

    def book(self, symbol: str = "BTCUSDT") -> BookView:
        """The book as it is shown now."""
        return self.matching.books[symbol].at(self.matching.cursor_ms)

    def open_account(self, name: str, wallet: int = 100_000) -> Client:
        """Another account."""
        return self.clients.add(SecretStr(name), SecretStr("s"), Decimal(wallet))

    def go_to(self, minute: float) -> None:
        """Move the market clock to so many minutes after the start and let everything happen."""
        self.wire.advance(round(START_MS + minute * MINUTE) - self.venue.clock.market_ms())
        self.matching.advance()

    def order(self, **sent: object) -> Any:
        """Place an ordinary order; quantity 1 unless told."""
        return self.desk.place({"symbol": "BTCUSDT", "quantity": "1", **{k: str(v) for k, v in sent.items()}})

    def stop(self, **sent: object) -> Any:
        """Place a STOP_MARKET unless told otherwise."""
        base = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "type": "STOP_MARKET"}
        return self.desk.place_conditional({**base, **{k: str(v) for k, v in sent.items()}})


def open_floor(symbol: ListedSymbol, minute: float = 0.5, wallet: int = 100_000, others: Sequence[ListedSymbol] = ()) -> Floor:
    """A trading floor whose market stands at so many minutes after the start, at speed 1 on a manual wire clock."""
    now = round(START_MS + minute * MINUTE)
    wire = ManualClock(WIRE_MS)
    clock = VenueClock(MarketTime(now, WIRE_MS, 1.0), symbol.end_ms, wire)
    listing = {s.instrument.symbol: s for s in (symbol, *others)}
    venue = Venue(Market("test", listing, START_MS, now, symbol.end_ms), clock)
    matching = Matching(venue)
    floor = Floor(wire, venue, matching, Clients(venue, matching, Faults(wire.wire_ms)), [])
    events = floor.open_account("k", wallet).events
    events.account_event = None
    events.listeners.append(lambda _name, message: floor.told.append(orjson.loads(message)))
    return floor


def flat(price: int, minutes: int, volume: int = 40_000) -> list[tuple[int, int, int, int, int]]:
    """Minutes that trade at one price in ticks."""
    return [(price, price, price, price, volume)] * minutes
