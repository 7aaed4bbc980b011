"""One symbol's order book: the market's own levels and the clients' orders in between, by price and then by time.

What the clients' orders have taken out of the market's levels is not put back while they stand there: the market's
levels at or through the best of the clients' other side are not shown. So the book neither crosses nor locks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from weakref import ReferenceType, ref

import numpy as np

from huracan_platform.simulator.exchange.book import MOST_LEVELS, NOWHERE, BookView
from huracan_platform.simulator.exchange.book_states import BookState, BookStates
from huracan_platform.simulator.exchange.orders import Order, Side
from huracan_platform.simulator.market.bars import I64

Quote = tuple[int, int, Order | None]


class Queue:
    """Clients' orders of one side: `keys` are prices times minus the side's sign, so that the best comes first."""

    def __init__(self, side: Side) -> None:
        self.sign = side.sign
        self.keys: list[int] = []
        self.levels: dict[int, dict[int, Order]] = {}

    @property
    def best(self) -> int | None:
        """Best price in ticks; None where nothing rests."""
        return -self.sign * self.keys[0] if self.keys else None

    def at(self, price: int) -> list[Order]:
        """Orders at a price, in the order of time."""
        return list(self.levels.get(price, {}).values())

    def ahead(self, price: int) -> int:
        """Lots of the market's ahead of the latest order at a price, no fewer than ahead of the others; 0 without one."""
        level = self.levels.get(price)
        return next(reversed(level.values())).queue_ahead if level else 0

    def prices(self) -> list[int]:
        """Prices at which something rests, best first."""
        return [-self.sign * key for key in self.keys]

    def add(self, order: Order, price: int) -> None:
        """Put an order at the end of the queue of its price."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = {}
            insort(self.keys, -self.sign * price)
        level[order.order_id] = order

    def remove(self, order: Order, price: int) -> None:
        """Take an order out."""
        level = self.levels[price]
        del level[order.order_id]
        if not level:
            del self.levels[price]
            del self.keys[bisect_left(self.keys, -self.sign * price)]


@dataclass(eq=False)
class Touched:
    """Prices in ticks at which clients' orders have changed the book since somebody last looked, by the side's sign."""

    prices: dict[int, set[int]] = field(default_factory=lambda: {1: set(), -1: set()})

    def take(self) -> dict[int, set[int]]:
        """What there is, and begin anew."""
        taken, self.prices = self.prices, {1: set(), -1: set()}
        return taken


class OrderBook:
    """The book of a symbol, of the market's own `states` and clients' orders.

    `catch_up` lets the market happen up to now, before anybody is shown the book.
    """

    def __init__(self, states: BookStates, catch_up: Callable[[], None]) -> None:
        self.states, self._catch_up = states, catch_up
        self._bids, self._asks = Queue(Side.BUY), Queue(Side.SELL)
        self.queues = {Side.BUY: self._bids, Side.SELL: self._asks}
        self._changes = 0
        self._watching: list[ReferenceType[Touched]] = []
        self._seen_ms = -1
        self._public = states.after_trade(0, -1)

    def seek(self, market_ms: int) -> OrderBook:
        """Stand at a market time."""
        if market_ms != self._seen_ms:
            self._seen_ms, self._public = market_ms, self.states.at(market_ms)
        return self

    def follow(self, row: int, index: int, market_ms: int) -> None:
        """Stand just after trade `index` of minute `row`, one of that time."""
        self._seen_ms, self._public = market_ms, self.states.after_trade(row, index)

    def moved(self) -> None:
        """The market's own levels have changed, without a trade perhaps."""
        self._seen_ms = -1

    @property
    def last(self) -> int:
        """Price in ticks of the last trade."""
        return self._public.last

    @property
    def best_bid(self) -> int:
        """Highest bid in ticks."""
        return self.best(Side.BUY)

    @property
    def best_ask(self) -> int:
        """Lowest ask in ticks."""
        return self.best(Side.SELL)

    def best(self, side: Side) -> int:
        """Best price of a side in ticks."""
        public = self._public.first(side.sign, self._beyond(side))
        mine = self.queues[side].best
        return public if mine is None or (public - mine) * side.sign > 0 else mine

    def _beyond(self, side: Side) -> int:
        """Where the market's levels of a side begin: behind the best of the clients' orders of the other."""
        other = self.queues[side.opposite].best
        return NOWHERE[side.sign] if other is None else other

    @property
    def idle(self) -> bool:
        """Whether no client's order rests."""
        return not (self._bids.keys or self._asks.keys)

    def within(self, low: int, high: int) -> bool:
        """Whether trades from a lowest to a highest price could fill a client's order."""
        bid, ask = self._bids.best, self._asks.best
        return (bid is not None and low <= bid) or (ask is not None and high >= ask)

    def add(self, order: Order) -> None:
        """Let an order rest at the end of the queue of its price."""
        price, queue = order.limit, self.queues[order.request.side]
        # Whatever is ahead of an earlier order at the price is ahead of this one too.
        order.queue_ahead = max(queue.ahead(price), self._public.standing(queue.sign, price))
        queue.add(order, price)
        self.touch(order)

    def remove(self, order: Order) -> None:
        """Take a resting order out."""
        self.queues[order.request.side].remove(order, order.limit)
        self.touch(order)

    def touch(self, order: Order) -> None:
        """Note that what an order shows has changed."""
        self._changes += 1
        for watching in self._watching:
            if (touched := watching()) is not None:
                touched.prices[order.request.side.sign].add(order.limit)

    def watch(self) -> Touched:
        """Where the clients' orders change the book from now on, for as long as the answer is kept."""
        touched = Touched()
        self._watching.append(ref(touched, self._watching.remove))
        return touched

    def crosses(self, side: Side, limit: int | None) -> bool:
        """Whether an order would trade at once."""
        return limit is None or (limit - self.best(side.opposite)) * side.sign >= 0

    def quotes(self, side: Side, limit: int | None) -> Iterator[Quote]:
        """What an order of a side meets, in order: price, lots, and whose (None: the market's). Built as it is asked for."""
        queue = self.queues[side.opposite]
        public, mine = self._public.levels(queue.sign, self._beyond(side.opposite)), iter(queue.prices())
        level, price = next(public, None), next(mine, None)
        while level is not None or price is not None:
            ours = price is not None and (level is None or (price - level[0]) * queue.sign >= 0)
            theirs = level is not None and (price is None or (price - level[0]) * queue.sign <= 0)
            at = price if ours and price is not None else level[0] if level is not None else 0
            if limit is not None and (limit - at) * side.sign < 0:
                return
            lots = level[1] if theirs and level is not None else 0
            yield from _in_line(at, lots, queue.at(at)) if ours else ((at, lots, None),)
            level = next(public, None) if theirs else level
            price = next(mine, None) if ours else price

    def took(self, side: Side, price: int, lots: int) -> None:
        """So many lots of the market's at a price are gone: those who waited behind them come forward."""
        for order in self.queues[side].at(price):
            order.queue_ahead = max(0, order.queue_ahead - lots)

    def lose_places(self) -> None:
        """What trades ahead of the clients' orders is not known any more: all that stands there now is ahead of them."""
        for side, queue in self.queues.items():
            for price in queue.prices():
                for order in queue.at(price):
                    order.queue_ahead = max(order.queue_ahead, self._public.standing(side.sign, price))

    def at(self, market_ms: int, levels: int = MOST_LEVELS) -> BookView:
        """The best levels of each side at a market time that is reached."""
        self._catch_up()
        view = self.view(self.states.at(market_ms), levels)
        return BookView(
            view.bid_ticks[:levels], view.bid_lots[:levels], view.ask_ticks[:levels], view.ask_lots[:levels], view.update_id
        )

    def view(self, public: BookState, levels: int = MOST_LEVELS) -> BookView:
        """So many of the market's levels in a state, and all of the clients' orders."""
        sides = [self._side(side, public.ladder(side.sign, self._beyond(side), levels)) for side in (Side.BUY, Side.SELL)]
        return BookView(*sides[0], *sides[1], public.number + self._changes)

    def _side(self, side: Side, public: tuple[I64, I64]) -> tuple[I64, I64]:
        queue = self.queues[side]
        if not queue.keys:
            return public
        merged = dict(zip(public[0].tolist(), public[1].tolist(), strict=True))
        for price, level in queue.levels.items():
            merged[price] = merged.get(price, 0) + sum(order.remaining for order in level.values())
        ticks = np.array(sorted(merged, reverse=side is Side.BUY), np.int64)
        return ticks, np.array([merged[price] for price in ticks.tolist()], np.int64)


def _in_line(price: int, lots: int, orders: list[Order]) -> list[Quote]:
    """A level with clients' orders: what of the market's stood there before each, the order, and the rest."""
    line: list[Quote] = []
    passed = 0
    for order in orders:
        ahead = min(order.queue_ahead, lots)
        if ahead > passed:
            line.append((price, ahead - passed, None))
            passed = ahead
        line.append((price, order.remaining, order))
    return line if passed >= lots else [*line, (price, lots - passed, None)]
