"""Instruments: the newest version counts, older ones stay."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Instrument, Pin
from tests.brain.batches import BTC, ETH, T0

INSTRUMENT = Instrument("sim2-s7", BTC, Decimal("0.10"), Decimal("0.001"), Decimal("0.001"), Decimal("5"), Decimal("1000"))


def test_decimals_come_back_exactly_and_the_same_again_changes_nothing(brain: Brain) -> None:
    repository = InstrumentRepository(brain)
    other = replace(INSTRUMENT, symbol=ETH, tick_size=Decimal("1E-8"))
    assert repository.save([INSTRUMENT, other], T0) == UpsertResult(2, 0, 0)
    assert repository.save([INSTRUMENT], T0 + 1) == UpsertResult(0, 0, 1)
    assert repository.load("sim2-s7") == {BTC: INSTRUMENT, ETH: other}
    assert repository.load("another") == {}


def test_a_changed_tick_size_is_a_new_version_and_a_pin_sees_the_old_one(brain: Brain) -> None:
    repository = InstrumentRepository(brain)
    finer = replace(INSTRUMENT, tick_size=Decimal("0.01"))
    repository.save([INSTRUMENT], T0)
    assert repository.save([finer], T0 + 10) == UpsertResult(0, 1, 0)
    assert repository.load("sim2-s7") == {BTC: finer}
    assert repository.load("sim2-s7", Pin(as_of=to_datetime(T0 + 9))) == {BTC: INSTRUMENT}
    assert repository.load("sim2-s7", Pin(recorded_before=to_datetime(T0 - 1))) == {}
