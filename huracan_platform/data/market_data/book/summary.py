"""One symbol's book and best prices as they come, summed per second; where the book is not known there is no second.

Differences follow on one another by their numbers; one that does not ends the run, and a new snapshot begins another. A second
is final when both streams have gone beyond it, or when the connection has and both agree on the best prices: a stream that has
fallen silent would not. Where quotes bear the numbers of the differences and tell every change, each is held against the book of
its number besides; quotes that come at a pace of their own cannot be.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.microstructure import SECOND_MS, BookSeconds, DepthUpdate, Pulse, Quote
from huracan_platform.data.market_data.book.local_book import LocalBook
from huracan_platform.data.market_data.book.seconds import book_seconds
from huracan_platform.data.market_data.microstructure.runs import Run

MOST_WAITING = 1_000  # differences kept until a snapshot comes: 100 s of a stream of ten a second


class BookSummary:
    """Book of one symbol on one connection.

    Parameters
    ----------
    runs
        Where a new run is put as soon as it has a second.
    settle_ms
        Market ms that both streams must have gone beyond a second before it is final.
    aligned
        Whether quotes bear the numbers of the book's differences and tell every change.
    keeps_early
        Whether differences that come before a whole book may follow on it, as where it is had by request.
    """

    def __init__(
        self, symbol: str, book: LocalBook, runs: list[Run[BookSeconds]], *, settle_ms: int, aligned: bool = True,
        keeps_early: bool = True,
    ) -> None:
        self.symbol = symbol
        self._book, self._settle, self._aligned = book, settle_ms, aligned
        self._runs = runs
        self._run: Run[BookSeconds] | None = None
        self.late = self.duplicates = 0
        self.needs_snapshot, self.lost = True, False
        self._waiting: deque[DepthUpdate] = deque(maxlen=MOST_WAITING if keeps_early else 0)
        self._last_id = -1  # of the newest difference that is in the book
        self._fits = False  # whether a difference has followed on the snapshot
        self._depth_ms = self._quote_ms = 0
        self._apart_ms = 0  # since when one of both streams has told more than the other; 0 where they agreed when last looked at
        self._quotes: list[Quote] = []  # in order, after `_before`
        self._before: Quote | None = None
        self._depths: list[tuple[int, Float64]] = []
        self._bests: list[tuple[int, float, float]] = []  # beside each of `_depths` its number and best prices
        self._next_ms = 0  # begin of the first second that is not final; 0 while something is unknown

    def hear(self, message: DepthUpdate | Quote | Pulse, arrived_ms: int) -> None:
        """Take a message that arrived at a market time. That the connection is alive says nothing of the book."""
        if isinstance(message, Pulse):
            return
        if isinstance(message, Quote):
            self._hear_quote(message)
        elif message.snapshot:
            self._begin_book(message, arrived_ms)
        elif self.needs_snapshot:
            self._waiting.append(message)
        else:
            self._hear_depth(message, arrived_ms)
        self._close(min(self._depth_ms, self._quote_ms) - self._settle, arrived_ms)

    def advance(self, settled_ms: int, arrived_ms: int) -> None:
        """Up to `settled_ms` the connection was heard long enough ago: what has not come of it by now is missing."""
        if not self._next_ms or settled_ms < self._next_ms + SECOND_MS:
            return
        if self._agree():
            self._apart_ms = 0
            self._close(settled_ms, arrived_ms)
        elif settled_ms >= self._apart_ms:  # else what the other stream has to say may be under way
            self._lose(f"expected one best price from book and quotes, got {self._told_apart()}")

    def end(self, reason: str) -> None:
        """The connection is over."""
        if self._run is not None and self._run.ended is None:
            self._run.ended = reason

    def _hear_quote(self, quote: Quote) -> None:
        newest = self._newest_quote()
        if newest is None or quote.update_id > newest.update_id:
            if not self._next_ms:
                self._quotes.clear()  # the newest will do to begin with
            self._quotes.append(quote)
        elif self._before is not None and quote.update_id <= self._before.update_id:
            self.late += 1  # its second is final, or nothing was known yet
            return
        else:
            at = bisect_left(self._quotes, quote.update_id, key=lambda one: one.update_id)
            if at < len(self._quotes) and self._quotes[at].update_id == quote.update_id:
                self.duplicates += 1
                return
            self.late += 1
            self._quotes.insert(at, quote)
        self._overtake(quote.ts_ms, self._quote_ms, self._depth_ms)
        self._quote_ms = max(self._quote_ms, quote.ts_ms)
        self._start()

    def _begin_book(self, snapshot: DepthUpdate, arrived_ms: int) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        if self._next_ms:  # the venue begins its book anew by itself
            self._lose("expected differences, got a whole book")
        self._book.begin(snapshot)
        self.needs_snapshot, self._fits, self._last_id = False, False, snapshot.last_id
        self._depth_ms = max(snapshot.ts_ms, self._depth_ms)
        self._start()
        for update in waiting:
            if self.needs_snapshot:
                self._waiting.append(update)
            else:
                self._hear_depth(update, arrived_ms)

    def _hear_depth(self, update: DepthUpdate, arrived_ms: int) -> None:
        if update.last_id <= self._last_id and update.previous_id != self._last_id:  # numbers may begin anew behind the last one
            self.duplicates += self._fits
            return
        follows = update.previous_id == self._last_id or (not self._fits and update.first_id <= self._last_id + 1)
        if not follows:
            self._lose(f"expected the difference after {self._last_id}, got the one after {update.previous_id}")
            self._waiting.append(update)
            return
        self._freeze(update.ts_ms // SECOND_MS * SECOND_MS)
        self._book.apply(update)
        self._last_id, self._fits = update.last_id, True
        self._overtake(update.ts_ms, self._depth_ms, self._quote_ms)
        self._depth_ms = max(self._depth_ms, update.ts_ms)
        self._start()

    def _overtake(self, told_ms: int, before_ms: int, other_ms: int) -> None:
        """Note when a stream tells more than the other one has told so far."""
        if not self._apart_ms or before_ms <= other_ms < told_ms:
            self._apart_ms = told_ms

    def _freeze(self, until_ms: int) -> None:
        """Keep the book as it stood at the ends of seconds up to a time, before it changes."""
        if self._next_ms and until_ms > self._next_ms and (not self._depths or self._depths[-1][0] < until_ms):
            depth, best = self._book.depth(), self._book.best()
            if depth is not None and best is not None:
                self._depths.append((until_ms, depth))
                self._bests.append((self._last_id, best[0][0], best[1][0]))

    def _start(self) -> None:
        """Begin with the first whole second after both streams were heard."""
        if self._next_ms or not self._quotes or self.needs_snapshot:
            return
        known_ms = max(self._depth_ms, self._quotes[0].ts_ms)
        self._next_ms = known_ms // SECOND_MS * SECOND_MS + SECOND_MS
        self._before = self._quotes.pop(0)

    def _close(self, final_ms: int, arrived_ms: int) -> None:
        until = final_ms // SECOND_MS * SECOND_MS
        if not self._next_ms or until <= self._next_ms:
            return
        self._freeze(until)  # for the ends of seconds that no difference came after, the book as it is
        if not self._depths or self._depths[-1][0] < until or self._before is None:
            self._lose("expected a bid below an ask, got none")
            return
        over = bisect_right(self._depths, until, key=lambda one: one[0])
        if self._aligned and not self._quotes_are_whole(self._bests[:over]):
            self._lose("expected quotes of the book's best prices, got others; some are missing")
            return
        first = bisect_left(self._quotes, self._next_ms, key=lambda one: one.ts_ms)
        stop = bisect_left(self._quotes, until, key=lambda one: one.ts_ms)
        before = self._quotes[first - 1] if first else self._before
        run = self._run
        if run is None or run.ended is not None:
            run = self._run = Run(self.symbol, self._next_ms, self._next_ms)
            self._runs.append(run)
        rows = book_seconds(self.symbol, self._next_ms, until, before, self._quotes[first:stop], self._depths)
        run.add(rows, until, max(arrived_ms, self._depth_ms, self._quote_ms))
        self._before = self._quotes[stop - 1] if stop else self._before
        del self._quotes[:stop]
        del self._depths[:over], self._bests[:over]
        self._next_ms = until

    def _quotes_are_whole(self, bests: list[tuple[int, float, float]]) -> bool:
        """Whether the newest quote up to each number of the book had its best prices; a missing one would differ."""
        for number, bid, ask in bests:
            at = bisect_right(self._quotes, number, key=lambda one: one.update_id)
            quote = self._quotes[at - 1] if at else self._before
            if quote is not None and quote.update_id <= number and (quote.bid, quote.ask) != (bid, ask):
                return False
        return True

    def _agree(self) -> bool:
        quote = self._newest_quote()
        return quote is not None and self._book.best() == ((quote.bid, quote.bid_base), (quote.ask, quote.ask_base))

    def _told_apart(self) -> str:
        best, quote = self._book.best(), self._newest_quote()
        if best is None or quote is None:
            return "no book"
        return f"{best[0][0]:g} / {best[1][0]:g} of {self._depth_ms} and {quote.bid:g} / {quote.ask:g} of {self._quote_ms}"

    def _newest_quote(self) -> Quote | None:
        return self._quotes[-1] if self._quotes else self._before

    def _lose(self, reason: str) -> None:
        """What is not final is unknown; another snapshot and another quote begin anew."""
        self.end(f"book {self.symbol}: {reason}")
        self.needs_snapshot, self.lost, self._next_ms, self._apart_ms = True, True, 0, 0
        self._depths.clear()
        self._bests.clear()
        self._quotes.clear()
        self._before = None
