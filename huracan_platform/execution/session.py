"""The paper session: bars in, decisions journalled, orders out, until a bound, a command or a signal ends it.

The same loop runs as a bounded Dagster job and as a plain service. Whatever ends it, entries are cancelled, native stops
stay at the venue, the lease is given back and every connection is closed.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.brain.execution.sessions import SessionRepository
from huracan_platform.brain.execution.traces import TraceRepository
from huracan_platform.clock import HOUR_MS, MappedClock
from huracan_platform.errors import HaltTradingError, HuracanError, TransientError
from huracan_platform.execution.commands import CommandDesk
from huracan_platform.execution.journal import Journal
from huracan_platform.execution.observer import Observer
from huracan_platform.execution.policy_desk import open_policy_desk
from huracan_platform.execution.report import SessionProgress, SessionReport, Tally, sorted_counts
from huracan_platform.execution.trader import STRATEGY, Trader
from huracan_platform.execution.trades import round_trips
from huracan_platform.execution.workplace import Workplace, open_workplace
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings

_log = get_logger("session")

COMMANDS_EVERY_S = 0.5
PROGRESS_EVERY_S = 1.0
LOOK_AGAIN_AFTER_S = 0.2
_PAUSE_AFTER_ERROR_S = 0.5

ENDED_BY_HOURS, ENDED_BY_TIME, ENDED_BY_MARKET = "market hours covered", "session bound reached", "market ended"
PLANNED_ENDS = (ENDED_BY_HOURS, ENDED_BY_TIME, ENDED_BY_MARKET)
Progress = Callable[[SessionProgress], None]


@dataclass(frozen=True)
class Bounds:
    """When a session ends by itself. `market_hours` None: only after `max_session_s` of wall time."""

    market_hours: float | None
    max_session_s: float
    flatten_at_end: bool


def run_session(
    settings: Settings, *, market_hours: float | None = None, session_name: str = "paper", on_progress: Progress | None = None,
    flatten_at_end: bool = True, run_id: str | None = None,
) -> SessionReport:
    """Run one paper session to its end.

    Parameters
    ----------
    market_hours
        Market time to cover; None runs until `execution.max_session_s` of wall time.
    on_progress
        Called about once a wall second.
    flatten_at_end
        Close all positions when a bound ends the session. A signal, a command or an error leaves them to their stops.
    run_id
        The Dagster run that holds the session; None for a plain service.

    Raises
    ------
    HaltTradingError
        Another executor trades this account, the lease was lost, or the venue contradicts what is proven.
    KeyboardInterrupt
        A signal came before the session had begun.
    ConfigurationError, PermanentError, TransientError, DataContractError
        It could not begin: venue, database or features are missing or wrong.
    """
    bounds = Bounds(market_hours, settings.execution.max_session_s, flatten_at_end)
    session = Session(settings, bounds, session_name, on_progress, run_id)
    try:
        return asyncio.run(session.run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


class Session:
    """One session. Use `run_session`."""

    def __init__(self, settings: Settings, bounds: Bounds, name: str, on_progress: Progress | None, run_id: str | None) -> None:
        self._settings = settings
        self._bounds = bounds
        self._name = name
        self._on_progress = on_progress
        self._run_id = run_id
        self._tally = Tally()
        self._stop: str | None = None
        self._opening: asyncio.Task[SessionReport] | None = None
        self._begun = time.monotonic()
        self._due = {"poll": 0.0, "commands": 0.0, "progress": 0.0}
        self._fills_before = 0

    async def run(self) -> SessionReport:
        """Open, trade, close."""
        with self._signals():
            async with AsyncExitStack() as stack:
                self._opening = asyncio.current_task()
                place = await open_workplace(self._settings, stack, self._name, self._run_id)
                self._opening = None
                sessions = SessionRepository(place.brain)
                await asyncio.to_thread(sessions.start, place.record)
                return await self._trade(place, sessions)

    async def _trade(self, place: Workplace, sessions: SessionRepository) -> SessionReport:
        self._fills_before = await asyncio.to_thread(self._fills(place).count)
        start_equity = str(place.engine.snapshot().equity)
        halted: HaltTradingError | None = None
        try:
            end_reason = await self._loop(place)
        except HaltTradingError as error:
            halted, end_reason = error, f"halted: {error}"
        finished = await self._finish(place, flatten=self._bounds.flatten_at_end and end_reason in PLANNED_ENDS)
        report = await asyncio.to_thread(self._report, place, start_equity, "; ".join([end_reason, *finished]))
        reach(Failpoint.BEFORE_SESSION_END)
        await asyncio.to_thread(sessions.end, place.record.session_id, place.clock.wire_ms(), report.end_reason, report.as_dict())
        if halted is not None:
            raise halted
        return report

    async def _loop(self, place: Workplace) -> str:
        observer = Observer(place.library, place.streams, place.models, self._settings.labels, place.clock)
        journal = Journal(
            place.brain, place.record, STRATEGY, place.clock, arrival_delay_ms=self._settings.quality.arrival_delay_ms
        )
        equity = float(place.engine.snapshot().equity)
        policies = await asyncio.to_thread(
            open_policy_desk, self._settings, place.brain, place.record, tuple(place.streams), equity
        )
        trader = Trader(
            self._settings, place.clock, place.engine, journal, place.terms, place.record.account, self._tally, policies
        )
        commands = CommandDesk(place.brain, place.engine, place.models, policies)
        await commands.sweep()
        last_ms = [(await asyncio.to_thread(place.market.listing, s)).last_ms for s in place.streams]
        while True:
            place.engine.epoch  # noqa: B018 - raises when the lease is gone
            if (reason := self._stop or commands.stop_asked or self._bound_reached(place, last_ms)) is not None:
                return reason
            try:
                bars = await place.feed.next_bars(self._settings.execution.heartbeat_s / 25)
                await trader.on_observations(await asyncio.to_thread(observer.observe, bars, place.feed.take_revised()))
                await self._upkeep(place, trader, commands)
            except TransientError as error:
                _log.warning("retrying", reason=str(error))
                trader.look_again = True
                await asyncio.sleep(_PAUSE_AFTER_ERROR_S)

    def _bound_reached(self, place: Workplace, last_ms: list[int | None]) -> str | None:
        if time.monotonic() - self._begun > self._bounds.max_session_s:
            return ENDED_BY_TIME
        watermark = min(place.feed.watermark_ms(s) for s in place.streams)
        if self._share(watermark) >= 1.0:
            return ENDED_BY_HOURS
        if all(last is not None and watermark >= last for last in last_ms):
            return ENDED_BY_MARKET
        return None

    def _share(self, market_ms: int) -> float:
        if self._bounds.market_hours is None or self._tally.first_bar_ms is None:
            return 0.0
        return (market_ms - self._tally.first_bar_ms) / (self._bounds.market_hours * HOUR_MS)

    async def _upkeep(self, place: Workplace, trader: Trader, commands: CommandDesk) -> None:
        named = place.user_feed.take()
        for client_order_id in named:
            place.engine.on_user_event(client_order_id)
        now = time.monotonic()
        if named or trader.look_again:
            trader.look_again = False
            self._due["poll"] = min(self._due["poll"], now + LOOK_AGAIN_AFTER_S)
        if now >= self._due["poll"]:
            self._due["poll"] = now + self._settings.execution.reconcile_every_s
            await place.engine.poll()
            await self._follow_clock(place)
            await asyncio.to_thread(place.library.measure, place.feed.take_delays())
        if now >= self._due["commands"]:
            self._due["commands"] = now + COMMANDS_EVERY_S
            await commands.obey()
        if self._on_progress is not None and now >= self._due["progress"]:
            self._due["progress"] = now + PROGRESS_EVERY_S
            self._on_progress(self._progress(place, await asyncio.to_thread(self._fills(place).count)))

    async def _follow_clock(self, place: Workplace) -> None:
        """A simulated venue's clock may be re-anchored while we run."""
        if isinstance(place.clock, MappedClock):
            told = await asyncio.to_thread(place.market.clock)
            if isinstance(told, MappedClock):
                place.clock.market_time = told.market_time

    def _progress(self, place: Workplace, fills: int) -> SessionProgress:
        now = place.engine.snapshot()
        market_ms = self._tally.last_bar_ms or place.clock.market_ms()
        return SessionProgress(
            market_ms, min(self._share(market_ms), 1.0), sum(self._tally.bars.values()), sum(self._tally.decisions.values()),
            sum(self._tally.orders.values()), fills - self._fills_before, float(now.equity), now.trading_state.value,
        )

    async def _finish(self, place: Workplace, *, flatten: bool) -> list[str]:
        """Cancel entries; close positions if asked; say what did not work. Stops stay wherever a position stays."""
        problems = []
        for step in (lambda: place.engine.cancel_all(stops_too=False), place.engine.flatten if flatten else place.engine.poll):
            try:
                if await step() is False:
                    problems.append("not flat")
            except HuracanError as error:
                problems.append(str(error))
        return problems

    def _report(self, place: Workplace, start_equity: str, end_reason: str) -> SessionReport:
        record, tally, now = place.record, self._tally, place.engine.snapshot()
        fills = self._fills(place).all()
        trips = round_trips(fills)[len(round_trips(fills[: self._fills_before])):]
        ids = TraceRepository(place.brain).ids_since(record.venue, record.account, record.started_ms)
        in_charge = {s: m.model_id if (m := place.models.in_charge.get(s)) else None for s in place.streams}
        return SessionReport(
            session_id=record.session_id, name=record.name, venue=record.venue, account=record.account, epoch=record.epoch,
            end_reason=end_reason, first_bar_ms=tally.first_bar_ms, last_bar_ms=tally.last_bar_ms,
            wall_s=round(time.monotonic() - self._begun, 3), bars=sorted_counts(tally.bars), models=in_charge,
            decisions=sorted_counts(tally.decisions), actions=sorted_counts(tally.actions), denials=sorted_counts(tally.denials),
            orders=sorted_counts(tally.orders), stale_bars=tally.stale_bars, refills=place.feed.refills,
            reconnects=place.feed.reconnects, fills=len(fills) - self._fills_before, trades=tuple(trips),
            open_positions={p.symbol: str(p.quantity) for p in now.positions if p.quantity != 0}, fill_ids=tuple(ids),
            start_equity_usd=start_equity, end_equity_usd=str(now.equity), latency_p50_ms=tally.latency(0.5),
            latency_p99_ms=tally.latency(0.99), trading_state=now.trading_state.value,
        )

    def _fills(self, place: Workplace) -> FillRepository:
        return FillRepository(place.brain, place.record.venue, place.record.account)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the session; while it is opening they end the opening."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def on_signal(number: signal.Signals) -> None:
            self._stop = f"signal {number.name}"
            if self._opening is not None:
                self._opening.cancel()

        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            loop.add_signal_handler(number, on_signal, number)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
