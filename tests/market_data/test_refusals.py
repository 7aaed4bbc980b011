"""Floods of what cannot be read: few batches, and nothing of them lost silently."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import date

import pandas as pd
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.quality import RefusedBatch
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.data.market_data.microstructure.recorder import SecondsRecorder
from huracan_platform.data.market_data.refusals import MOST_ROWS, Refusals
from huracan_platform.errors import TransientError
from huracan_platform.settings import LiquidationSettings, MicrostructureSettings
from huracan_platform.venues.liquidation_feed import Heard
from huracan_platform.venues.microstructure.binance import BinanceStreams
from huracan_platform.venues.microstructure.feed import Frame
from tests.brain.batches import BTC, T0

DAY = date(2025, 1, 1)
FLOOD = 5_000


def rows(batch: RefusedBatch) -> list[str]:
    return [json.loads(row) for row in pd.read_parquet(io.BytesIO(batch.rows))["row"]]


def test_rows_of_one_reason_share_a_batch_with_the_first_of_them_and_the_number_of_all() -> None:
    refusals, found = Refusals("book", most_rows=3, most_reasons=2), list[RefusedBatch]()
    for n in range(5):
        refusals.add("v", DAY, "stream", f"row {n}", "expected a frame, got none")
    refusals.add("v", DAY, "stream", "single", "expected e")
    refusals.write(found.append)
    assert [(b.symbol, b.day, b.reason, rows(b)) for b in found] == [
        ("v", DAY, "expected a frame, got none (5 of them, the first 3 kept)", ["row 0", "row 1", "row 2"]),
        ("v", DAY, "expected e", ["single"]),
    ]
    refusals.write(found.append)
    assert len(found) == 2


def test_reasons_without_end_share_a_batch_that_tells_them() -> None:
    refusals, found = Refusals("book", most_rows=2, most_reasons=2), list[RefusedBatch]()
    for n in range(6):
        refusals.add("v", DAY, "stream", f"row {n}", f"reason {n}")
    refusals.write(found.append)
    assert [b.reason for b in found] == ["reason 0", "reason 1", "other reasons (4 of them, the first 2 kept)"]
    assert rows(found[2]) == ["reason 2: row 2", "reason 3: row 3"]


def test_what_the_library_does_not_take_waits_and_is_counted_on() -> None:
    refusals, found = Refusals("book", most_rows=1), list[RefusedBatch]()

    def away(batch: RefusedBatch) -> None:
        raise TransientError("the library is away")

    refusals.add("v", DAY, "stream", "a", "first")
    refusals.add("v", DAY, "stream", "b", "second")
    with pytest.raises(TransientError):
        refusals.write(away)
    for _ in range(3):
        refusals.add("v", DAY, "stream", "c", "third")
    refusals.write(found.append)
    refusals.write(found.append)
    assert [b.reason for b in found] == ["first", "second", "third (3 of them, the first 1 kept)"]


async def spoiled_frames() -> AsyncIterator[Frame]:
    for number in range(FLOOD):
        yield Frame(refused="expected a frame, got nonsense", raw=f"{{{number}")
    await asyncio.sleep(60.0)


async def spoiled_liquidations() -> AsyncIterator[Heard]:
    for number in range(FLOOD):
        yield Heard(T0, refused="expected a frame, got nonsense", raw=f"{{{number}")
    await asyncio.sleep(60.0)


@pytest.mark.parametrize("dataset", ["trades", "liquidations"])
async def test_a_flood_of_bad_frames_is_a_few_batches_that_count_them_all(brain: Brain, dataset: str) -> None:
    if dataset == "trades":
        recorder: SecondsRecorder | LiquidationRecorder = SecondsRecorder(
            brain, "v", "trades", (BTC,), BinanceStreams(None, {"BTCUSDT": BTC}, 1000), spoiled_frames, SystemClock(),
            MicrostructureSettings(flush_s=0.1), arrived_ms=lambda: 0,
        )
    else:
        recorder = LiquidationRecorder(brain, "v", spoiled_liquidations, SystemClock(), LiquidationSettings(flush_s=0.1))
    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    entries = Quarantine(brain).entries()
    assert 0 < len(entries) <= 20
    told = [int(e.reason.split("(")[1].split()[0]) if "of them" in e.reason else e.row_count for e in entries]
    assert sum(told) == FLOOD
    assert max(e.row_count for e in entries) <= MOST_ROWS
