"""Commands from the table, applied between two bars. A refused one changes nothing and says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.sessions import CommandRepository
from huracan_platform.contracts.journal import CommandKind, SessionCommand
from huracan_platform.contracts.order import TradingState
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.policy_desk import PolicyDesk
from huracan_platform.execution.scoring import ModelDesk
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger

_log = get_logger("commands")
_STATES = {
    CommandKind.ACTIVATE: TradingState.ACTIVE, CommandKind.REDUCE: TradingState.REDUCING, CommandKind.HALT: TradingState.HALTED,
}


class CommandDesk:
    """Takes commands for one session's epoch and carries them out; `policies` is None while they are off."""

    def __init__(self, brain: Brain, engine: OrderEngine, models: ModelDesk, policies: PolicyDesk | None) -> None:
        self._table = CommandRepository(brain)
        self._engine = engine
        self._models = models
        self._policies = policies
        self.stop_asked: str | None = None

    async def sweep(self) -> None:
        """At the start: what was asked before this session began still holds, except to stop a session that is over."""
        for command in await asyncio.to_thread(self._table.claim, self._engine.epoch):
            await self._carry_out(command, None if command.kind is not CommandKind.STOP else "a session that is over")

    async def obey(self) -> None:
        """Claim and apply what is open, oldest first."""
        for command in await asyncio.to_thread(self._table.claim, self._engine.epoch):
            await self._carry_out(command)

    async def _carry_out(self, command: SessionCommand, outcome: str | None = None) -> None:
        """Apply and say so. What database or venue kept from being applied stays claimed, and is taken again."""
        reach(Failpoint.AFTER_COMMAND_CLAIMED)
        try:
            outcome = outcome or await self._apply(command)
            reach(Failpoint.AFTER_COMMAND_DONE)
        except TransientError:
            raise
        except Exception as error:
            await asyncio.to_thread(self._table.applied, command.command_id, f"failed: {type(error).__name__}: {error}")
            raise
        _log.info("command", kind=command.kind.value, source=command.source, outcome=outcome)
        await asyncio.to_thread(self._table.applied, command.command_id, outcome)

    async def _apply(self, command: SessionCommand) -> str:
        if command.kind is CommandKind.STOP:
            self.stop_asked = f"stopped by {command.source}"
            return "stopping"
        if command.kind is CommandKind.MODEL_AUTHORISED:
            return await self._hand_over(command, "model_id", self._models.appoint)
        if command.kind is CommandKind.POLICY_JUDGED:
            if self._policies is None:
                return "refused: risk policies are off"
            return await self._hand_over(command, "policy_id", self._policies.appoint)
        state = _STATES[command.kind]
        await self._engine.order_trading_state(state, str(command.payload.get("reason", command.kind.value)), command.source)
        return f"trading state {state.value}"

    async def _hand_over(self, command: SessionCommand, key: str, appoint: Callable[[str], str]) -> str:
        version = command.payload.get(key)
        if not isinstance(version, str):
            return f"refused: expected a {key}, got {version!r}"
        try:
            appointed = await asyncio.to_thread(appoint, version)
        except (PermanentError, DataContractError) as error:
            return f"refused: {error}"
        return f"{appointed} is in charge"
