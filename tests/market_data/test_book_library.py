"""Seconds in the library: versions, days, room."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.brain.grants import roles_state
from huracan_platform.brain.roles import Role
from huracan_platform.clock import DAY_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, TRADE_SECOND_COLUMNS, TradeSeconds

BTC = "BTC/USDT:USDT"
START = day_start_ms(date(2025, 1, 2)) - 2_000


def batch(names: tuple[str, ...], values: np.ndarray, known_ms: int = 1_500) -> pa.Table:
    ts = START + 1000 * np.arange(len(values))
    columns = {name: values + i for i, name in enumerate(names)}
    return pa.table({"symbol": [BTC] * len(ts), "ts_ms": ts, **columns, "known_at_ms": ts + known_ms})


def test_seconds_across_midnight_lie_in_a_partition_a_day_and_a_correction_is_a_version(brain) -> None:
    library = TradeSecondRepository(brain.as_role(Role.INGEST))
    assert roles_state(brain).ready
    assert library.upsert("sim", batch(TRADE_SECOND_COLUMNS, np.arange(4.0)), START + 9_000).inserted == 4
    again = library.upsert("sim", batch(TRADE_SECOND_COLUMNS, np.array([0.0, 1.0, 2.5, 3.0])), START + 20_000)
    assert (again.revised, again.unchanged) == (1, 3)
    now = library.read("sim", [BTC], START, START + DAY_MS)[BTC]
    before = library.read("sim", [BTC], START, START + DAY_MS, Pin(as_of=to_datetime(START + 15_000)))[BTC]
    assert (now.buy_base.tolist(), before.buy_base.tolist()) == ([0.0, 1.0, 2.5, 3.0], [0.0, 1.0, 2.0, 3.0])
    with psycopg.connect(brain.dsn) as connection:
        days = "SELECT tableoid::regclass::text, count(*) FROM trade_seconds GROUP BY 1 ORDER BY 1"
        found = connection.execute(days).fetchall()
        signed, vwap = connection.execute("SELECT signed_base, vwap FROM trade_seconds ORDER BY ts LIMIT 1").fetchone()
    assert found == [("trade_seconds_20250101", 2), ("trade_seconds_20250102", 2)]
    assert (signed, vwap) == (now.signed_base[0], now.vwap[0]) == (-1.0, 5.0)


def test_only_tables_of_seconds_get_days_made(brain) -> None:
    with psycopg.connect(brain.dsn) as connection, pytest.raises(psycopg.errors.RaiseException, match="trade_seconds or"):
        connection.execute("SELECT make_seconds_day('candles', '2025-01-01')")


def test_columns_of_the_tables_are_those_of_the_contracts(brain) -> None:
    assert [f.name for f in fields(TradeSeconds)][2:] == list(TRADE_SECOND_COLUMNS)
    library = BookSecondRepository(brain)
    assert library.upsert("sim", batch(BOOK_SECOND_COLUMNS, np.arange(1.0, 4.0)), START + 9_000).inserted == 3
    with psycopg.connect(brain.dsn) as connection:
        spread, mid = connection.execute("SELECT spread_bps, mid FROM book_seconds ORDER BY ts LIMIT 1").fetchone()
    rows = library.read("sim", [BTC], START, START + DAY_MS)[BTC]
    assert (spread, mid) == pytest.approx((rows.spread_bps[0], rows.mid[0]))
    assert (spread, mid) == pytest.approx((10_000 / 1.5, 1.5))
