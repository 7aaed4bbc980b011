"""One ingest: a symbol's run of days at a time, the next one fetched meanwhile, from fetch to books."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.clock import DAY_MS, day_of, day_start_ms, days_between
from huracan_platform.contracts.quality import DayReport, DayState, ExplainedGap, Ruling
from huracan_platform.data.market_data.ahead import day_jobs, fetched_ahead
from huracan_platform.data.market_data.contract import Neighbours, arrays_of, enforce, frame_of_rows
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.fallback import Fallback
from huracan_platform.data.market_data.gaps import is_refetched
from huracan_platform.data.market_data.judge import Judgement, judge, judge_malformed
from huracan_platform.data.market_data.kinds import Kind
from huracan_platform.data.market_data.own_bars import read_own
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.market_data.standing import STANDS, standing
from huracan_platform.data.market_data.stored import stored_days
from huracan_platform.data.market_data.tally import Tally
from huracan_platform.data.market_data.universe import Universe
from huracan_platform.data.sources.kind import SourceKind
from huracan_platform.errors import ConfigurationError, PermanentError, TransientError, UntoldError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.venues.klines import MalformedRowsError
from huracan_platform.venues.market import MarketData

# Days of a symbol fetched, judged and written at a time: 43 k bars.
DAYS_AT_A_TIME = 30
Progress = Callable[[int, int], None]
_Job = tuple[str, tuple[date, ...]]
_Came = Delivery | TransientError | PermanentError | MalformedRowsError
_log = get_logger("market_data.ingest")


class IngestRun:
    """One dataset's days from a venue into the library.

    `others` are asked for what the venue does not deliver, `witnesses` about rows that look wrong. So is the market itself where
    it `vouches`: files say of themselves what they say.
    """

    def __init__(
        self, brain: Brain, market: MarketSource, kind: Kind, progress: Progress | None = None, others: Fallback | None = None,
        witnesses: Fallback | None = None, *, vouches: bool = True,
    ) -> None:
        self._brain, self._market, self._kind, self._others = brain, market, kind, others
        self._witnesses, self._vouches = witnesses or others, vouches
        self._progress = progress or (lambda done, total: None)
        self._books = QualityRepository(brain)
        # Asked once: a venue that goes down in the middle must not keep what came before from being written.
        self._clock = market.clock()
        # One model for the whole run, whatever is measured meanwhile.
        self._arrival = ArrivalDelays(brain, kind.quality.arrival).model(market.venue, kind.name, kind.documented_delay_ms)
        self._known: frozenset[str] = frozenset()
        self._tally = Tally()

    def run(self, symbols: Sequence[str], first_day: date, last_day: date) -> IngestReport:
        """Days from first to last, both included, as far as the symbols were listed on them by what the library knows.

        Raises
        ------
        PermanentError
            A symbol that the venue does not trade; last before first; the venue refused everything.
        TransientError
            Nothing at all could be fetched, or the database went away.
        """
        if last_day < first_day:
            raise PermanentError(f"days: expected the last not before the first, got {first_day} to {last_day}")
        due = self._due(symbols, days_between(first_day, last_day))
        self._save_instruments(list(due))
        total, due = sum(map(len, due.values())), self._kept(due)
        done = total - sum(map(len, due.values()))
        if done:
            self._progress(done, total)
        late: list[_Job] = []
        for job, came in fetched_ahead(day_jobs(due, DAYS_AT_A_TIME), self._fetch):
            if isinstance(came, TransientError):
                late.append(job)
            else:
                self._settle(job, came)
                done += len(job[1])
            self._progress(done, total)
        for job in late:
            self._settle(job, self._fetch(job))
            done += len(job[1])
            self._progress(done, total)
        if self._tally.unfetched and not self._tally.days:
            raise self._tally.kind("; ".join(f"{symbol}: {why}" for symbol, why in self._tally.unfetched.items()))
        return self._tally.report(self._market.venue, self._kind.name)

    def take(self, delivery: Delivery) -> IngestReport:
        """A delivery that is there already.

        A day of it that is refused and good in the library stays good: a wrong file says nothing of the rows that are there.
        """
        self._save_instruments([delivery.symbol])
        self._store(delivery, asked=False)
        return self._tally.report(self._market.venue, self._kind.name)

    def breaches(self, delivery: Delivery) -> dict[date, str]:
        """Why the contract refuses days of a delivery, in its place in the series; empty where it does not. Stores no rows."""
        self._save_instruments([delivery.symbol])
        return enforce(self._kind.name, delivery, self._neighbours(delivery)).refused

    def _due(self, symbols: Sequence[str], days: Sequence[date]) -> dict[str, tuple[date, ...]]:
        """The days to ask for by symbol. What the venue has dropped from its catalogue cannot be asked for any more."""
        universe, found = Universe(self._brain, self._market.venue), {}
        for symbol in symbols:
            due = universe.due(symbol, days)
            self._tally.not_due += len(days) - len(due)
            if universe.is_dropped(symbol):
                self._lose(symbol, due, "its venue has dropped it from its catalogue, and it was not recorded in time")
            elif due:
                found[symbol] = due
        return found

    def _kept(self, due: Mapping[str, tuple[date, ...]]) -> dict[str, tuple[date, ...]]:
        """Those of the days that the source keeps; the others are passed over."""
        kept_from, found = self._kind.kept_from_ms(self._market, self._clock.market_ms()), {}
        for symbol, days in due.items():
            found[symbol] = tuple(day for day in days if day_start_ms(day) >= kept_from)
            lost = days[: len(days) - len(found[symbol])]
            self._pass_over(symbol, lost, "not available from its source any more, and not recorded in time")
        return found

    def _settle(self, job: _Job, came: _Came) -> None:
        """Store what came; where nothing did, what other venues have of it, unless asking again can never help."""
        if isinstance(came, Delivery):
            self._store(came)
        elif isinstance(came, MalformedRowsError):
            self._write(judge_malformed(self._kind, *job, frame_of_rows(came.rows), str(came)))
        elif isinstance(came, UntoldError):
            self._pass_over(*job, str(came))
        else:
            lent = self._borrow(job) if isinstance(came, TransientError) else []
            self._give_up((job[0], tuple(day for day in job[1] if day not in lent)), came)

    def _fetch(self, job: _Job) -> _Came:
        """What came, or why it did not."""
        symbol, days = job
        try:
            return self._kind.fetch(self._market, symbol, days)
        except ConfigurationError:
            raise
        except (TransientError, PermanentError) as error:
            _log.warning("not fetched", dataset=self._kind.name, symbol=symbol, first_day=str(days[0]), error=str(error))
            return error
        except MalformedRowsError as error:
            return error

    def _store(self, delivery: Delivery, *, asked: bool = True) -> None:
        gaps = self._gaps(delivery.symbol, delivery.start_ms, delivery.end_ms)
        if self._others is not None:
            delivery = self._others.completed(delivery, gaps)
        judged = self._judged(delivery, gaps)
        refused = [] if asked else [day.day for day in judged.days if day.state is DayState.QUARANTINED]
        self._write(judged, delivery, standing(self._brain, self._market.venue, self._kind, delivery, refused))

    def _judged(self, delivery: Delivery, gaps: Sequence[ExplainedGap]) -> Judgement:
        return judge(self._kind, delivery, self._neighbours(delivery), gaps, self._releases(delivery))

    def _borrow(self, job: _Job) -> list[date]:
        """Take from other venues what this one did not deliver; returns the days of which they had some."""
        if self._others is None:
            return []
        symbol, days = job
        gaps = self._gaps(symbol, day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS)
        lent = self._others.instead(symbol, days, self._clock.market_ms(), gaps)
        for delivery in lent:
            self._write(self._judged(delivery, gaps), delivery)
        return [day for delivery in lent for day in delivery.days]

    def _gaps(self, symbol: str, start_ms: int, end_ms: int) -> list[ExplainedGap]:
        return self._books.explained_gaps(self._market.venue, self._kind.name, symbol, start_ms, end_ms)

    def _releases(self, delivery: Delivery) -> dict[str, Ruling]:
        released = Quarantine(self._brain).releases
        return released(self._market.venue, self._kind.name, delivery.symbol, delivery.days[0], delivery.days[-1])

    def _neighbours(self, delivery: Delivery) -> Neighbours:
        asked = self._market if self._vouches else None
        sources = SecondSources(self._brain, self._market.venue, asked, self._known, self._alternatives)
        if isinstance(self._kind, SourceKind):
            return Neighbours(self._known, declared=self._kind.source.contract, sources=sources)
        beside = Neighbours(self._known, sources=sources, diagnosis=self._kind.quality.diagnosis)
        if self._kind.name != "candles":
            return beside
        span = (self._market.venue, [delivery.symbol])
        earlier = read_own(self._brain, *span, delivery.start_ms - DAY_MS, delivery.start_ms)[delivery.symbol]
        later = read_own(self._brain, *span, delivery.end_ms, delivery.end_ms + DAY_MS)[delivery.symbol]
        return replace(
            beside, before=float(earlier.close[-1]) if len(earlier) else None,
            after=float(later.close[0]) if len(later) else None, earlier=earlier, later=later,
        )

    def _alternatives(self) -> list[tuple[str, MarketData]]:
        return [] if self._witnesses is None else self._witnesses.venues()

    def _write(self, judged: Judgement, delivery: Delivery | None = None, stand: Collection[date] = ()) -> None:
        """Rows first, then the books, but of days that `stand`: a day is never called good before its rows are there.

        What others lent is noted before its rows are there: a window too many is closed by the venue's own rows, but rows
        without a window would pass for the venue's own for ever.
        """
        reach(Failpoint.AFTER_FETCH)
        wire, market_ms, venue = self._clock.wire_ms(), self._clock.market_ms(), self._market.venue
        stored = UpsertResult(0, 0, 0)
        if delivery is not None and delivery.refetched:
            kept = {day.day for day in judged.days if day.state is not DayState.QUARANTINED}
            lent = [one for one in delivery.refetched if day_of(one.start_ms) in kept]
            RefetchedWindows(self._brain).lend(venue, self._kind.name, lent, wire)
        if len(judged.frame):
            later = {} if delivery is None else delivery.later_ms
            rows = self._as_known(self._kind.table(judged.frame), market_ms, later)
            stored = self._kind.repository(self._brain).upsert(venue, rows, wire, revision_known_at_ms=market_ms)
        reach(Failpoint.AFTER_FACTS_BEFORE_BOOKS)
        days = list(self._hashed(judged.days))
        if delivery is not None and self._kind.name == "candles" and len(judged.frame):
            ts = arrays_of(judged.frame, ())["ts_ms"]
            own = np.sort(ts[~is_refetched(ts, delivery.refetched)])
            RefetchedWindows(self._brain).replace(venue, self._kind.name, delivery.symbol, own, wire, market_ms)
        told = [day for day in days if day.day not in stand]
        results = [result for result in judged.results if result.day not in stand]
        self._books.record(venue, self._kind.name, told, results, judged.refused, wire)
        reports = [replace(day, reasons=(*day.reasons, STANDS)) if day.day in stand else day for day in days]
        self._tally.add(reports, judged.results, stored)

    def _as_known(self, rows: pa.Table, market_ms: int, later_ms: Mapping[int, int]) -> pa.Table:
        """The rows with the delay that this source's events were measured to arrive with; some are known later, by their ts."""
        if self._arrival.measured_ms is None and not later_ms:
            return rows
        known = self._arrival.known_at(rows.column("known_at_ms").to_numpy(), market_ms)
        if later_ms:
            known = np.maximum(known, [later_ms.get(ts, 0) for ts in rows.column("ts_ms").to_pylist()])
        return rows.set_column(rows.column_names.index("known_at_ms"), "known_at_ms", pa.array(known, pa.int64()))

    def _hashed(self, days: Sequence[DayReport]) -> Iterator[DayReport]:
        """The reports with row counts and content hashes of what the library holds now."""
        stored = [day for day in days if day.rows]
        if not stored:
            yield from days
            return
        repository, symbol = self._kind.repository(self._brain), days[0].symbol
        found = stored_days(repository, self._market.venue, symbol, days_between(stored[0].day, stored[-1].day))
        for day in days:
            rows, content_hash = found.get(day.day, (0, ""))
            yield replace(day, rows=rows, content_hash=content_hash) if day.rows else day

    def _pass_over(self, symbol: str, days: Sequence[date], why: str) -> None:
        """Days that the venue has lost or never tells: what the library has of them stays, what it has not is unavailable."""
        if days:
            listing = self._market.listing(symbol)
            ended_ms = listing.last_ms or self._clock.market_ms()
            self._lose(symbol, [day for day in days if listing.first_ms - DAY_MS < day_start_ms(day) < ended_ms], why)

    def _lose(self, symbol: str, days: Sequence[date], why: str) -> None:
        """Mark days as unavailable where the library has nothing of them."""
        name, venue = self._kind.name, self._market.venue
        if days:
            self._books.mark_unavailable(venue, name, symbol, days, why, self._clock.wire_ms())
            self._tally.days += self._books.days(venue, name, [symbol], days[0], days[-1])

    def _give_up(self, job: _Job, error: TransientError | PermanentError) -> None:
        symbol, days = job
        if not days:
            return
        why = str(error) + ("" if self._others is None else self._others.in_vain(symbol))
        self._tally.unfetched[symbol], self._tally.kind = why, type(error)
        self._tally.given_up[symbol] = (*self._tally.given_up.get(symbol, ()), *days)
        reason = f"{self._kind.name} {symbol} {days[0]} to {days[-1]}: expected an answer, got {why}"
        self._books.mark_unfetched(self._market.venue, self._kind.name, symbol, days, reason, self._clock.wire_ms())

    def _save_instruments(self, symbols: Sequence[str]) -> None:
        instruments = InstrumentRepository(self._brain)
        try:
            found = self._market.instruments(symbols)
        except TransientError:
            # Terms of contracts that are known already need no answer where others may lend the rows.
            self._known = frozenset(instruments.load(self._market.venue))
            if self._others is None or not self._known.issuperset(symbols):
                raise
            return
        instruments.save(found, self._clock.wire_ms(), known_at_ms=self._clock.market_ms())
        # The source answered for these; files do, and tell no terms.
        self._known = frozenset(instruments.load(self._market.venue)).union(symbols)
