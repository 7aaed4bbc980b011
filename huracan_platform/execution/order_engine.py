"""The order engine: the one path from a decision to the venue, and back from the venue into our books.

Checks, then write-ahead sending, then fills, then the native stop, all under one lock: nothing else sends meanwhile.
How an order lives is told in docs/order_life.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.brain.execution.orders import OrderRepository
from huracan_platform.brain.execution.risk import Denial, InstallationRepository, RiskRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderIntent, OrderKind, OrderRequest, TradingState
from huracan_platform.contracts.order_life import SendResult, StoredOrder
from huracan_platform.decision.risk.checks import run_all
from huracan_platform.decision.risk.governor import Governor
from huracan_platform.decision.risk.inputs import Purpose
from huracan_platform.errors import HaltTradingError, PermanentError, TransientError
from huracan_platform.execution.books import Books
from huracan_platform.execution.ids import installation_uuid
from huracan_platform.execution.incidents import UNEXPLAINED, IncidentLog
from huracan_platform.execution.lease import LeaseKeeper
from huracan_platform.execution.positions import Position
from huracan_platform.execution.protect import Guard, SubmitResult
from huracan_platform.execution.reconcile import Reconciler, ReconcileReport
from huracan_platform.execution.risk_desk import OrderContext, RiskDesk
from huracan_platform.execution.sender import Sender
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.gateway import OrderGateway

log = get_logger("order_engine")
_PASSES_TO_START = 20
_TRIES_TO_FLATTEN = 5


@dataclass(frozen=True)
class EngineSnapshot:
    """The engine at one moment. Equity and prices in quote currency."""

    trading_state: TradingState
    reason: str
    governor: Governor
    equity: Decimal
    positions: tuple[Position, ...]
    open_orders: tuple[StoredOrder, ...]
    unknown: tuple[StoredOrder, ...]
    unexplained: tuple[str, ...]


class OrderEngine:
    """Orders of one account through one gateway. Every method may be called from one event loop only.

    Parameters
    ----------
    gateway
        An opened gateway; the engine does not close it.
    instruments
        By unified symbol; a symbol that is not in it is not traded.
    authorised_until
        Model id to the expiry (wire ms) of its authorisation for this gateway; None where there is none.
    new_uuid
        Source of fresh uuids (the installation's, the lease holder's).
    """

    def __init__(
        self, settings: Settings, brain: Brain, gateway: OrderGateway, clock: Clock, instruments: Mapping[str, Instrument],
        authorised_until: Callable[[str], int | None], new_uuid: Callable[[], UUID],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._gateway = gateway
        self._new_uuid = new_uuid
        self._brain = brain
        venue, account = gateway.venue, gateway.account
        self._incidents = IncidentLog(IncidentRepository(self._brain), f"{venue}|{account}", clock)
        self._risk = RiskRepository(self._brain, venue, account)
        self._books = Books(OrderRepository(self._brain, venue, account), FillRepository(self._brain, venue, account), clock)
        self._lease = LeaseKeeper(LeaseRepository(brain), f"executor|{venue}|{account}", str(new_uuid()), settings.execution)
        self.desk = RiskDesk(settings, self._risk, self._books, clock, instruments, authorised_until)
        self._sender = Sender(gateway, self._books, self._lease, clock)
        parts = (gateway, self._books, self.desk, self._sender, clock)
        self._reconciler = Reconciler(*parts, settings.execution, tuple(instruments))
        self._guard = Guard(self._books, self.desk, self._sender, self._submit, self._incidents, settings.risk)
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Take the lease, read the books, reconcile until two passes in a row change nothing, then guard every position.

        Raises
        ------
        HaltTradingError
            Another executor holds the lease, or the venue and our books do not settle.
        """
        await self._lease.acquire(wait_s=self._settings.execution.lease_ttl_s * 1.5)
        async with self._lock:
            await asyncio.to_thread(installation_uuid, InstallationRepository(self._brain), self._settings.home, self._new_uuid)
            await asyncio.to_thread(self._books.load)
            await asyncio.to_thread(self.desk.load)
            quiet = 0
            for _ in range(_PASSES_TO_START):
                quiet = quiet + 1 if (await self._reconcile(whole_account=True)).events == 0 else 0
                if quiet == 2:
                    break
            else:
                raise HaltTradingError(f"reconcile: expected two quiet passes within {_PASSES_TO_START}, got none")
            self.desk.ready = True
            await self._guard.protect_all()

    async def close(self) -> None:
        """Give the lease back. Orders and stops stay at the venue."""
        self.desk.ready = False
        await self._lease.release()

    @property
    def epoch(self) -> int:
        """The lease's fencing epoch; HaltTradingError when the lease is gone."""
        return self._lease.lease.epoch

    def on_mark(self, symbol: str, price: Decimal, market_ms: int) -> None:
        """Take a mark price in (market clock); orders are judged against the newest."""
        self.desk.on_mark(symbol, price, market_ms)

    def on_user_event(self, client_order_id: str) -> None:
        """The venue's user stream named an order: proof that it has it. The next poll reads what happened."""
        self._reconciler.seen_client_ids.add(client_order_id)

    async def submit(
        self, request: OrderRequest, decision_id: str | None, model_id: str | None, context: OrderContext
    ) -> SubmitResult:
        """Check, write ahead, send once, take fills in, guard the position.

        Raises
        ------
        PermanentError
            A risk-adding order without the stop price of the position it makes.
        HaltTradingError
            The lease is gone, or the venue contradicts what is proven.
        TransientError
            The database or, after sending, the venue's reads did not answer; the journal says how far it came.
        """
        if not request.reduce_only and context.stop_price is None:
            raise PermanentError(f"order {request.symbol}: expected a stop price with a risk-adding order, got none")
        async with self._lock:
            result = await self._submit(request, Purpose.STRATEGY, decision_id, model_id, context)
            if result.order is not None and (result.order.status.filled > 0 or _refused_exit(result)):
                await self._catch_up(request.symbol)
            return result

    async def ensure_stop(self, symbol: str, stop_price: Decimal, decision_id: str | None) -> None:
        """Move the position's native stop to a price: the new one is placed before the old one is cancelled."""
        async with self._lock:
            await self._guard.protect(symbol, stop_price, decision_id)

    async def poll(self) -> ReconcileReport:
        """One reconcile pass: UNKNOWN orders, fills, stops, money. Call it every `execution.reconcile_every_s`.

        Raises
        ------
        HaltTradingError
            The lease is gone: books and stops are another's. Or the venue contradicts what is proven.
        TransientError
            Venue or database did not answer.
        """
        async with self._lock:
            self._lease.lease  # noqa: B018 - raises when it is gone
            report = await self._reconcile(whole_account=False)
            if report.events:
                reach(Failpoint.AFTER_RECONCILE_EVENT)
            if report.new_fills:
                reach(Failpoint.AFTER_FILL_BEFORE_STOP)
            await self._guard.protect_all()
            return report

    async def cancel_all(self, *, stops_too: bool = False) -> None:
        """Cancel every live order, in any trading state and with or without the lease; stops stay unless asked for."""
        async with self._lock:
            await self._cancel_all(stops_too)

    async def flatten(self) -> bool:
        """Cancel what adds risk, close every position at market; True only after the venue shows none."""
        async with self._lock:
            await self._cancel_all(stops_too=False)
            for _ in range(_TRIES_TO_FLATTEN):
                await self._reconcile(whole_account=False)
                open_positions = [p for p in self._books.positions.all() if p.quantity != 0]
                for position in open_positions:
                    await self._guard.close_position(position, None)
                if not open_positions and not await self._gateway.positions():
                    await self._guard.protect_all()
                    return True
            return False

    async def order_trading_state(self, state: TradingState, reason: str, actor: str) -> None:
        """Latch a trading state, as an operator's command; it holds over restarts until another is ordered.

        Under HALTED nothing goes out but cancels, stops and the flattening of positions.
        """
        await asyncio.to_thread(self.desk.order_state, state, reason, actor)

    def snapshot(self) -> EngineSnapshot:
        """The engine now, from memory."""
        state, reason = self.desk.trading_state()
        if not self._lease.held:
            state, reason = TradingState.HALTED, "lease not held"
        return EngineSnapshot(
            state, reason, self.desk.governor, self.desk.equity, tuple(self._books.positions.all()), tuple(self._books.alive()),
            tuple(self._books.unsettled()), self.desk.unexplained,
        )

    async def _submit(
        self, request: OrderRequest, purpose: Purpose, decision_id: str | None, model_id: str | None, context: OrderContext
    ) -> SubmitResult:
        inputs = await asyncio.to_thread(self.desk.inputs, request, purpose, context, model_id)
        denied = tuple(outcome for outcome in run_all(inputs) if not outcome.passed)
        now_ms, lease_s = self._clock.wire_ms(), self._lease.remaining_s
        if denied:
            rows = [Denial(o.code, o.observed, o.limit, o.message) for o in denied]
            at = to_datetime(now_ms)
            await asyncio.to_thread(self._risk.deny, at, context.strategy, request, decision_id, model_id, rows)
            return SubmitResult(denied)
        draft = OrderIntent(
            intent_id=0, client_order_id="", account=self._gateway.account, strategy=context.strategy, request=request,
            decision_id=decision_id, model_id=model_id, epoch=0, created_ms=now_ms,
            deadline_ms=now_ms + int(min(self._settings.execution.order_deadline_s, lease_s) * 1000),
            protect_price=None if request.reduce_only else context.stop_price,  # what only reduces keeps the stop that stands
        )
        order, answer = await self._sender.send(draft, protective=purpose is Purpose.PROTECT)
        state = order.status.state.value
        log.info("order", symbol=request.symbol, kind=request.kind.value, outcome=answer.result.value, state=state)
        return SubmitResult((), order, answer)

    async def _catch_up(self, symbol: str) -> None:
        """Take a symbol's trades in and guard its position; what the venue does not answer now, poll repeats."""
        try:
            await self._reconciler.collect([symbol])
            reach(Failpoint.AFTER_FILL_BEFORE_STOP)
            await self._guard.protect(symbol)
        except TransientError as error:
            log.warning("fills or stop left to the next poll", symbol=symbol, reason=str(error))

    async def _cancel_all(self, stops_too: bool) -> None:
        unread: TransientError | None = None
        for order in self._books.alive():
            request = order.intent.request
            if stops_too or not (request.reduce_only and request.kind is OrderKind.STOP_MARKET):
                try:
                    await self._sender.cancel(order)
                except TransientError as error:
                    unread = error  # the others must be cancelled all the same
        if unread is not None:
            raise unread

    async def _reconcile(self, *, whole_account: bool) -> ReconcileReport:
        report = await self._reconciler.run(whole_account=whole_account)
        self.desk.unexplained = report.unexplained
        await asyncio.to_thread(self._incidents.keep_open, UNEXPLAINED, report.unexplained)
        return report


def _refused_exit(result: SubmitResult) -> bool:
    """The venue did not take an order that only reduces: most often because a stop of ours closed the position already."""
    return result.order is not None and result.outcome == SendResult.REJECT and result.order.intent.request.reduce_only
