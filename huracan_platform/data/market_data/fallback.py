"""What the alternative venues have: bars that the first one did not deliver, and a second opinion on jumps.

Bars are lent only where the venue's own are missing. The ledger `refetched_windows` says which they are, the day is degraded,
and the venue's own rows take their place as soon as it delivers them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import chain, groupby

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Int64
from huracan_platform.contracts.quality import DayState, ExplainedGap, Refetched
from huracan_platform.data.market_data.candles.checks import DATASET, uniqueness, validity
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.gaps import absent, due_window, is_refetched, refetched_windows
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.alternatives import alternative_markets
from huracan_platform.venues.market import Listing, MarketData

# Missing or doubtful minutes closer than this are asked for in one request, which brings the minutes between along.
NEAR_MS = HOUR_MS
# An alternative that failed all its tries is not asked again for so long, so that its outage does not hold up the first venue.
SILENCE_S = 60.0
_log = get_logger("market_data.fallback")


@dataclass(frozen=True)
class _Held:
    """What the library has: the venue's own bars, and those of each standing window with the name of its lender."""

    own: Candles
    lent: Sequence[tuple[str, Candles]]


class Fallback:
    """The alternative venues of the settings, for candles of one venue."""

    def __init__(self, brain: Brain, venue: str, settings: Settings) -> None:
        self._brain, self._venue, self._settings = brain, venue, settings
        self._refusals: dict[str, dict[str, str]] = {}
        self._silent: dict[str, tuple[float, TransientError]] = {}

    @cached_property
    def _markets(self) -> dict[str, MarketData]:
        return alternative_markets(self._settings)

    def completed(self, delivery: Delivery, gaps: Sequence[ExplainedGap]) -> Delivery:
        """The delivery with the bars that it lacks, from the library where it has the venue's own, else from other venues.

        As it is where it lacks none.
        """
        came = Candles(delivery.symbol, **arrays_of(delivery.frame, CANDLE_COLUMNS))
        held = self._held(delivery.symbol, delivery.start_ms, delivery.end_ms)
        if (np.diff(came.ts_ms) <= 0).any():
            # A day of it is refused by its contract. The others are taken as they came, but what was lent to them still stands.
            left = (refetched_windows(part.symbol, absent(part.ts_ms, came.ts_ms), name) for name, part in held.lent)
            return replace(delivery, refetched=_in_order([one for windows in left for one in windows]))
        grace_ms = self._settings.quality.freshness_bars * MINUTE_MS
        due = self._due(delivery, delivery.days, gaps, grace_ms)
        missing = absent(due, came.ts_ms)
        kept = held.own.at(np.isin(held.own.ts_ms, missing))
        own = _joined(came.symbol, [came, kept]) if len(kept) else came
        filled = self._with_lent(delivery, own, due, held.lent)
        return replace(delivery, frame=frame_of(own)) if filled is delivery and len(kept) else filled

    def instead(
        self, symbol: str, days: Sequence[date], observed_ms: int, gaps: Sequence[ExplainedGap]
    ) -> list[Delivery]:
        """Deliveries of the days that the venue could not deliver and others have bars of: those and the library's own.

        Days that are good are left alone.
        """
        listing = self._listing(symbol)
        if listing is None:
            return []
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        held = self._held(symbol, start, end)
        known = QualityRepository(self._brain).days(self._venue, DATASET, [symbol], days[0], days[-1])
        good = {report.day for report in known if report.state is DayState.GOOD}
        whole = Delivery(symbol, tuple(days), frame_of(held.own), observed_ms, listing)
        due = self._due(whole, [day for day in days if day not in good], gaps, grace_ms=0)
        return _runs(self._with_lent(whole, held.own, due, held.lent))

    def witness(self, symbol: str, ts_ms: Int64) -> Candles | None:
        """Bars around the given opens from the first alternative that answers; None where none does."""
        reach = (self._settings.quality.plausibility_confirm_bars + 1) * MINUTE_MS
        for name in self._markets:
            spans = _near(np.unique(ts_ms))
            parts = [self._asked(name, symbol, first - reach, last + reach + MINUTE_MS) for first, last in spans]
            came = [part for part in parts if part is not None]
            if len(came) == len(parts):
                return _joined(symbol, came)
        return None

    def venues(self) -> list[tuple[str, MarketData]]:
        """The alternatives by name, in their order."""
        return list(self._markets.items())

    def in_vain(self, symbol: str) -> str:
        """`; bybit: …` for each alternative that did not answer about the symbol, and why."""
        return "".join(f"; {name}: {why}" for name, why in self._refusals.get(symbol, {}).items())

    def _due(self, delivery: Delivery, days: Sequence[date], gaps: Sequence[ExplainedGap], grace_ms: int) -> Int64:
        listed = delivery.listing
        windows = [due_window(day, listed.first_ms, listed.last_ms, delivery.observed_ms, grace_ms, gaps) for day in days]
        return np.concatenate([np.empty(0, np.int64), *(window.minutes() for window in windows)])

    def _with_lent(
        self, delivery: Delivery, own: Candles, due: Int64, before: Sequence[tuple[str, Candles]]
    ) -> Delivery:
        """The delivery of own bars with what was lent `before` where they lack it, and with due bars that nobody has lent yet."""
        parts, lent = [own], list[Refetched]()
        # Lent bars stand until own ones replace them, also where the hole was explained meanwhile.
        still = [(source, bars.at(~np.isin(bars.ts_ms, own.ts_ms))) for source, bars in before]
        missing = absent(due, np.concatenate([own.ts_ms, *(bars.ts_ms for _, bars in still)]))
        for source, bars in chain(still, self._offers(delivery.symbol, missing)):
            parts.append(bars)
            lent += refetched_windows(delivery.symbol, bars.ts_ms, source)
        if not lent:
            return delivery
        hours = delivery.hours
        if hours is not None:  # the venue's own hour does not equal minutes of which another lent some
            touched = [range(one.start_ms // HOUR_MS, -(-one.end_ms // HOUR_MS)) for one in lent]
            hours = hours.at(~np.isin(hours.ts_ms // HOUR_MS, [hour for span in touched for hour in span]))
        return replace(delivery, frame=frame_of(_joined(delivery.symbol, parts)), hours=hours, refetched=_in_order(lent))

    def _offers(self, symbol: str, missing: Int64) -> Iterator[tuple[str, Candles]]:
        """Some of the missing bars with the name of their venue, the alternatives in their order."""
        for name in self._markets if len(missing) else ():
            parts = [self._asked(name, symbol, a, b + MINUTE_MS) for a, b in _near(missing)]
            bars = _joined(symbol, [part for part in parts if part is not None])
            bars = bars.at(np.isin(bars.ts_ms, missing))
            if len(bars):
                missing = absent(missing, bars.ts_ms)
                yield name, bars

    def _asked(self, name: str, symbol: str, start_ms: int, end_ms: int) -> Candles | None:
        """Sound bars of an alternative in time order; None where it does not answer."""
        try:
            bars = self._market(name).candles(symbol, start_ms, end_ms)
            for result in (uniqueness(bars, day_of(start_ms)), validity(bars, day_of(start_ms))):
                if not result.passed:
                    raise DataContractError(result.message)
        except (TransientError, PermanentError, DataContractError) as error:
            self._refuse(name, symbol, error)
            return None
        return bars

    def _listing(self, symbol: str) -> Listing | None:
        for name in self._markets:
            try:
                return self._market(name).listing(symbol)
            except (TransientError, PermanentError) as error:
                self._refuse(name, symbol, error)
        return None

    def _market(self, name: str) -> MarketData:
        """The alternative, unless it failed all its tries a moment ago."""
        until, error = self._silent.get(name, (0.0, None))
        if error is not None and time.monotonic() < until:
            raise error
        return self._markets[name]

    def _refuse(self, name: str, symbol: str, error: Exception) -> None:
        if isinstance(error, TransientError) and time.monotonic() >= self._silent.get(name, (0.0, error))[0]:
            self._silent[name] = (time.monotonic() + SILENCE_S, error)
        if name not in self._refusals.setdefault(symbol, {}):
            _log.warning("alternative did not answer", alternative=name, symbol=symbol, error=str(error))
        self._refusals[symbol][name] = str(error)

    def _held(self, symbol: str, start_ms: int, end_ms: int) -> _Held:
        standing = RefetchedWindows(self._brain).standing(self._venue, DATASET, symbol, start_ms, end_ms)
        stored = CandleRepository(self._brain).read(self._venue, [symbol], start_ms, end_ms)[symbol]
        lent = [(one.source, stored.at(is_refetched(stored.ts_ms, [one]))) for one in standing]
        return _Held(stored.at(~is_refetched(stored.ts_ms, standing)), lent)


def _near(ts_ms: Int64) -> list[tuple[int, int]]:
    """First and last of each run of minutes that have no gap of NEAR_MS between them."""
    if len(ts_ms) == 0:
        return []
    breaks = np.flatnonzero(np.diff(ts_ms) > NEAR_MS)
    firsts, lasts = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(ts_ms) - 1]])
    return [(int(ts_ms[a]), int(ts_ms[b])) for a, b in zip(firsts, lasts, strict=True)]


def _in_order(windows: Sequence[Refetched]) -> tuple[Refetched, ...]:
    return tuple(sorted(windows, key=lambda one: one.start_ms))


def _joined(symbol: str, parts: Sequence[Candles]) -> Candles:
    """Bars of several pieces in time order, each open once."""
    ts = np.concatenate([np.empty(0, np.int64), *(part.ts_ms for part in parts)])
    _, at = np.unique(ts, return_index=True)
    columns = {name: np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)])[at] for name in CANDLE_COLUMNS}
    return Candles(symbol, ts[at], **columns)


def _runs(delivery: Delivery) -> list[Delivery]:
    """The parts of a delivery whose days have lent bars, days that follow one another together."""
    lent = sorted({day_of(one.start_ms) for one in delivery.refetched})
    candles = Candles(delivery.symbol, **arrays_of(delivery.frame, CANDLE_COLUMNS))
    runs = []
    for _, group in groupby(enumerate(lent), key=lambda place: place[1].toordinal() - place[0]):
        days = tuple(day for _, day in group)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        part = candles.at((candles.ts_ms >= start) & (candles.ts_ms < end))
        windows = tuple(one for one in delivery.refetched if start <= one.start_ms < end)
        runs.append(replace(delivery, days=days, frame=frame_of(part), refetched=windows))
    return runs
