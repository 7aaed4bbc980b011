"""An executor in a process of its own: submits a script through the order engine, one JSON line per step.

Settings come from the environment; a failpoint among them may end the process with SIGKILL at any step.
Steps: buy, limit, cancel, sell, settle, obey (the open commands), hold=SECONDS.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from decimal import Decimal
from typing import Any, TextIO
from uuid import uuid4

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderKind, OrderRequest, Side
from huracan_platform.execution.commands import CommandDesk
from huracan_platform.execution.order_engine import OrderEngine
from huracan_platform.execution.risk_desk import OrderContext
from huracan_platform.logs import configure_logs
from huracan_platform.settings import load_settings
from huracan_platform.venues.orders import PaperGateway

D = Decimal
BTC = "BTC/USDT:USDT"
INSTRUMENTS = {BTC: Instrument("sim", BTC, D("0.1"), D("0.001"), D("0.001"), D(5), D(1000))}
QUANTITY = D("0.01")
FOREVER = 10**15
SETTLE_PASSES = 60
NO_MODELS: Any = None  # the commands here are about trading states


def mark(url: str) -> Decimal:
    """The venue's mark price."""
    with urllib.request.urlopen(f"{url}/fapi/v1/premiumIndex?symbol=BTCUSDT", timeout=10) as answer:
        return D(json.loads(answer.read())["markPrice"])


async def settle(engine: OrderEngine) -> dict[str, Any]:
    """Poll until nothing is UNKNOWN, then twice more; what the last pass changed."""
    for _ in range(SETTLE_PASSES):
        await engine.poll()
        if not engine.snapshot().unknown:
            break
        await asyncio.sleep(0.2)
    await engine.poll()
    report = await engine.poll()
    snapshot = engine.snapshot()
    return {
        "events": report.events, "unknown": len(snapshot.unknown), "unexplained": list(report.unexplained),
        "state": snapshot.trading_state.value,
        "positions": {p.symbol: str(p.quantity) for p in snapshot.positions},
        "money": str(sum((p.realised_pnl - p.fees for p in snapshot.positions), D(0))),
    }


async def run_step(engine: OrderEngine, desk: CommandDesk, step: str, price: Decimal) -> dict[str, Any]:
    """One step of the script."""
    name, _, value = step.partition("=")
    if name == "settle":
        return await settle(engine)
    if name == "hold":
        await asyncio.sleep(float(value))
        return {}
    if name == "obey":
        await desk.obey()
        return {}
    if name == "cancel":
        await engine.cancel_all()
        return {}
    below = (price * D("0.995")).quantize(D("0.1"))
    request = {
        "buy": OrderRequest(BTC, Side.BUY, OrderKind.MARKET, QUANTITY, False),
        "limit": OrderRequest(BTC, Side.BUY, OrderKind.LIMIT, QUANTITY, False, price=below),
        "sell": OrderRequest(BTC, Side.SELL, OrderKind.MARKET, QUANTITY, True),
    }[name]
    context = OrderContext("driver", (price * D("0.97")).quantize(D("0.1")), SystemClock().market_ms())
    result = await engine.submit(request, f"decision-{step}", "model", context)
    return {"outcome": result.outcome, "denied": [o.code for o in result.denied]}


async def run(steps: list[str], out: TextIO) -> None:
    """Start, run the steps, stop."""
    settings = load_settings()
    assert settings.venue.url is not None
    assert settings.database.dsn is not None
    clock = SystemClock()
    gateway = PaperGateway(settings, clock)
    brain = Brain(settings.database.dsn.get_secret_value())
    try:
        await gateway.open()
        engine = OrderEngine(settings, brain, gateway, clock, INSTRUMENTS, lambda _model: FOREVER, uuid4)
        await engine.start()
        desk = CommandDesk(brain, engine, NO_MODELS, None)
        for step in steps:
            price = await asyncio.to_thread(mark, settings.venue.url)
            engine.on_mark(BTC, price, clock.market_ms())
            out.write(json.dumps({"step": step, **await run_step(engine, desk, step, price)}) + "\n")
            out.flush()
        await engine.close()
    finally:
        await gateway.close()


def main(environment: dict[str, str], steps: list[str], out: str, errors: str) -> None:
    """Entry point of the process: results to one file, logs and tracebacks to another."""
    os.environ.update(environment)
    sys.stderr = open(errors, "a", buffering=1)  # noqa: SIM115 - the process writes its traceback there after we return
    with open(out, "a") as results:
        configure_logs()
        asyncio.run(run(steps, results))
