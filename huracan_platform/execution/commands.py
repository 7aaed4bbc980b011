"""Commands from the table, applied between two bars. A refused one changes nothing and says why."""

from __future__ import annotations

import asyncio

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.sessions import CommandRepository
from huracan_platform.contracts.journal import CommandKind, SessionCommand
from huracan_platform.contracts.order import TradingState
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.scoring import ModelDesk
from huracan_platform.logs import get_logger

_log = get_logger("commands")
_STATES = {
    CommandKind.ACTIVATE: TradingState.ACTIVE, CommandKind.REDUCE: TradingState.REDUCING, CommandKind.HALT: TradingState.HALTED,
}


class CommandDesk:
    """Takes commands for one session's epoch and carries them out."""

    def __init__(self, brain: Brain, engine: OrderEngine, models: ModelDesk) -> None:
        self._table = CommandRepository(brain)
        self._engine = engine
        self._models = models
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
        try:
            outcome = outcome or await self._apply(command)
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
            return await self._appoint(command)
        state = _STATES[command.kind]
        await self._engine.order_trading_state(state, str(command.payload.get("reason", command.kind.value)), command.source)
        return f"trading state {state.value}"

    async def _appoint(self, command: SessionCommand) -> str:
        model_id = command.payload.get("model_id")
        if not isinstance(model_id, str):
            return f"refused: expected a model_id, got {model_id!r}"
        try:
            await asyncio.to_thread(self._models.appoint, model_id)
        except (PermanentError, DataContractError) as error:
            return f"refused: {error}"
        return f"{model_id} is in charge"
