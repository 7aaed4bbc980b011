"""From observations to orders: decide, journal, and where it acts, send through the order engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huracan_platform.clock import MINUTE_MS, Clock
from huracan_platform.contracts.decision import Action, Decision, DecisionInputs, StrategyParameters
from huracan_platform.contracts.journal import DecisionRecord
from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderKind, OrderRequest, Side
from huracan_platform.contracts.order_life import SendResult
from huracan_platform.decision.decide import decide
from huracan_platform.decision.risk.sizing import quantity_for_target, to_decimal
from huracan_platform.execution.journal import Journal, Observation
from huracan_platform.execution.order_engine import EngineSnapshot, OrderEngine
from huracan_platform.execution.policy_desk import PolicyDesk
from huracan_platform.execution.positions import Position
from huracan_platform.execution.protect import SubmitResult
from huracan_platform.execution.report import Tally
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.settings import Settings

STRATEGY = "model_barrier"
TOO_SMALL = "too_small"


@dataclass(frozen=True)
class Plan:
    """What the entry decision said about the position: barriers and the bar it was decided on, ms UTC."""

    stop_price: float
    take_price: float
    ts_ms: int


@dataclass(frozen=True)
class Terms:
    """What a symbol is traded on: the venue's grid, and the kernel's parameters with the account's own fees in them."""

    instrument: Instrument
    parameters: StrategyParameters


class Trader:
    """One account's decisions, over the symbols that have terms; under risk policies where a desk of them is given."""

    def __init__(
        self, settings: Settings, clock: Clock, engine: OrderEngine, journal: Journal, terms: Mapping[str, Terms], account: str,
        tally: Tally, policies: PolicyDesk | None = None,
    ) -> None:
        self._clock = clock
        self._engine = engine
        self._journal = journal
        self._terms = terms
        self._account = account
        self._tally = tally
        self._policies = policies
        self._stale_ms = int(settings.execution.stale_bar_market_s * 1000)
        self._plans: dict[str, Plan] = {}
        self._waiting: list[Observation] = []
        self._holds: list[DecisionRecord] = []
        self.look_again = False

    async def on_observations(self, observations: Sequence[Observation]) -> None:
        """Decide each in order. A decision that acts is journalled before its order, the others together at the end.

        Raises
        ------
        TransientError
            Database or venue did not answer. The observation at work is not tried again, whatever came of it; those
            behind it and what is not journalled yet wait for the next call.
        """
        self._waiting += observations
        while self._waiting:
            seen = self._waiting.pop(0)
            symbol = seen.row.symbol
            self._tally.saw_bar(symbol, seen.row.ts_ms, seen.close_ms)
            self._engine.on_mark(symbol, to_decimal(seen.close, "close"), seen.close_ms)
            inputs = await self._inputs(seen)
            decision = decide(inputs)
            if not seen.model_asked and decision.action is Action.HOLD:
                continue
            record = self._journal.record(seen, inputs, decision)
            self._tally.decided(decision.action, decision.reason)
            if decision.action is Action.HOLD:
                self._holds.append(record)
            else:
                await asyncio.to_thread(self._journal.write, [record])
                reach(Failpoint.AFTER_DECISION_WRITTEN)
                await self._act(record, seen)
        await asyncio.to_thread(self._journal.write, self._holds)
        self._holds = []

    async def _inputs(self, seen: Observation) -> DecisionInputs:
        symbol, now = seen.row.symbol, self._engine.snapshot()
        held = _position(now, symbol)
        equity = float(now.equity)
        plan = await self._plan(held, seen)
        parameters, multiplier = self._terms[symbol].parameters, self._risk_multiplier(now, seen)
        if self._policies is not None and seen.model_asked:
            parameters, multiplier = await asyncio.to_thread(self._policies.limit, seen, now, parameters, multiplier)
        return DecisionInputs(
            symbol=symbol, ts_ms=seen.row.ts_ms, close=seen.close, p_up=seen.p_up, sigma=seen.sigma,
            position=float(held.quantity) * seen.close / equity if equity > 0 else 0.0, entry_price=float(held.entry_price),
            stop_price=plan.stop_price, take_price=plan.take_price, bars_held=(seen.row.ts_ms - plan.ts_ms) // MINUTE_MS,
            equity_usd=equity, risk_multiplier=multiplier, parameters=parameters,
        )

    def _risk_multiplier(self, now: EngineSnapshot, seen: Observation) -> float:
        multiplier = now.governor.state.multiplier
        if self._clock.market_ms() - seen.close_ms > self._stale_ms:
            self._tally.stale_bars += 1
            return min(multiplier, 0.0)  # the market has moved on: leave where asked to, enter nothing
        entering = (o.intent.request for o in now.open_orders if not o.intent.request.reduce_only)
        if any(request.symbol == seen.row.symbol for request in entering):
            return min(multiplier, 0.0)  # an entry is on its way: a second one would double the position
        return multiplier

    async def _plan(self, held: Position, seen: Observation) -> Plan:
        """The plan of the position held; after a restart from the journal, and where nobody planned it, out at once."""
        if held.quantity == 0:
            self._plans.pop(held.symbol, None)
            return Plan(0.0, 0.0, seen.row.ts_ms)
        if held.symbol not in self._plans:
            entry = await asyncio.to_thread(self._journal.entry_of, self._account, held.symbol)
            long = held.quantity > 0
            if entry is not None and (entry.decision.target > 0) == long:
                self._plans[held.symbol] = Plan(entry.decision.stop_price, entry.decision.take_price, entry.inputs.ts_ms)
            else:
                overdue = seen.row.ts_ms - self._terms[held.symbol].parameters.horizon_bars * MINUTE_MS
                never = (0.0, float("inf")) if long else (float("inf"), 0.0)
                self._plans[held.symbol] = Plan(*never, overdue)
        return self._plans[held.symbol]

    async def _act(self, record: DecisionRecord, seen: Observation) -> None:
        if record.decision.action is Action.EXIT:
            await self._exit(record, seen)
        else:
            await self._enter(record, seen)

    async def _enter(self, record: DecisionRecord, seen: Observation) -> None:
        decision, symbol = record.decision, record.inputs.symbol
        equity, price = self._engine.snapshot().equity, to_decimal(seen.close, "close")
        quantity = quantity_for_target(decision.target, equity, price, self._terms[symbol].instrument)
        if quantity == 0:
            await self._denied_by_size(record, decision)
            return
        side = Side.BUY if decision.target > 0 else Side.SELL
        request = OrderRequest(symbol, side, OrderKind.MARKET, quantity, reduce_only=False)
        context = OrderContext(STRATEGY, to_decimal(decision.stop_price, "stop price"), seen.close_ms)
        result = await self._engine.submit(request, record.decision_id, record.model_id, context)
        if result.order is not None and result.order.status.filled > 0:
            self._plans[symbol] = Plan(decision.stop_price, decision.take_price, record.inputs.ts_ms)
        await self._note(record, "entry", result, seen)

    async def _exit(self, record: DecisionRecord, seen: Observation) -> None:
        symbol = record.inputs.symbol
        held = _position(self._engine.snapshot(), symbol)
        side = Side.SELL if held.quantity > 0 else Side.BUY
        request = OrderRequest(symbol, side, OrderKind.MARKET, abs(held.quantity), reduce_only=True)
        context = OrderContext(STRATEGY, feature_close_ms=seen.close_ms)
        result = await self._engine.submit(request, record.decision_id, record.model_id, context)
        await self._note(record, "exit", result, seen)

    async def _denied_by_size(self, record: DecisionRecord, decision: Decision) -> None:
        self._tally.denials[TOO_SMALL] += 1
        detail = f"target {decision.target:.6f} of equity is under what the venue takes"
        await asyncio.to_thread(self._journal.outcome, record.decision_id, "entry", "denied", TOO_SMALL, detail, None)

    async def _note(self, record: DecisionRecord, step: str, result: SubmitResult, seen: Observation) -> None:
        self._tally.orders[f"{step} {result.outcome}"] += 1
        self.look_again |= result.answer is not None and result.outcome != SendResult.ACK
        self._tally.denials.update(check.code for check in result.denied)
        latency = None
        if result.order is not None:
            latency = float(result.order.intent.created_ms - seen.seen_ms)
            self._tally.latencies_ms.append(latency)
        code = result.answer.code if result.answer else ", ".join(check.code for check in result.denied)
        detail = "; ".join(check.message for check in result.denied) or (result.answer.message if result.answer else "")
        await asyncio.to_thread(self._journal.outcome, record.decision_id, step, result.outcome, code, detail, latency)


def _position(snapshot: EngineSnapshot, symbol: str) -> Position:
    return next((p for p in snapshot.positions if p.symbol == symbol), Position(symbol))
