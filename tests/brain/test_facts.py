"""Versioned facts: what is written once stays readable as it was, whatever is written later."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.brain.facts.revisions import PinnedSpan, Revisions
from huracan_platform.clock import HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.errors import DataContractError, PermanentError
from tests.brain.batches import BTC, DELAY_MS, ETH, T0, candles

VENUE = "sim2-s7"
LATER = T0 + 24 * HOUR_MS


def pin(as_of_ms: int | None, recorded_ms: int | None = None) -> Pin:
    return Pin(None if as_of_ms is None else to_datetime(as_of_ms), None if recorded_ms is None else to_datetime(recorded_ms))


def closes(repository: CandleRepository, seen: Pin | None = None, minutes: int = 10) -> list[float]:
    return repository.read(VENUE, [BTC], T0, T0 + minutes * MINUTE_MS, seen)[BTC].close.tolist()


def test_what_was_written_is_read_back_bit_for_bit_in_time_order(brain: Brain) -> None:
    repository = CandleRepository(brain)
    values = [1 / 3, -0.1 + 0.3, 5e-324, 1.7976931348623157e308]
    batch = candles(values)
    shuffled = pa.concat_tables([batch.take([3, 1, 0, 2]), candles([7.0], symbol=ETH)])
    assert repository.upsert(VENUE, shuffled, LATER) == UpsertResult(5, 0, 0)
    read = repository.read(VENUE, [ETH, BTC], T0, T0 + HOUR_MS)
    assert list(read) == [ETH, BTC]
    assert read[BTC].close.tolist() == values
    assert read[BTC].ts_ms.dtype == np.int64
    assert read[BTC].ts_ms.tolist() == batch.column("ts_ms").to_pylist()
    assert read[ETH].close.tolist() == [7.0]


def test_the_end_of_a_range_is_exclusive_and_unknown_symbols_are_empty(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2, 3]), LATER)
    read = repository.read(VENUE, [BTC, "NEW/USDT:USDT"], T0 + MINUTE_MS, T0 + 2 * MINUTE_MS)
    assert read[BTC].close.tolist() == [2.0]
    assert len(read["NEW/USDT:USDT"]) == 0
    assert repository.read("another venue", [BTC], T0, LATER)[BTC].close.tolist() == []
    assert repository.bounds(VENUE, BTC) == (T0, T0 + 2 * MINUTE_MS)
    assert repository.bounds(VENUE, "NEW/USDT:USDT") is None


def test_a_second_identical_write_changes_nothing(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2, 3]), LATER)
    before = repository.content_hash(VENUE, BTC, T0, LATER)
    assert repository.upsert(VENUE, candles([1, 2, 3]), LATER + 1) == UpsertResult(0, 0, 3)
    assert repository.content_hash(VENUE, BTC, T0, LATER) == before
    assert closes(repository, pin(None, LATER)) == [1, 2, 3]


def test_a_batch_around_what_is_there_fills_both_ends_and_the_hole(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([10.0, 11.0], first=10), LATER)
    repository.upsert(VENUE, candles([13.0], first=13), LATER)
    repository.upsert(VENUE, candles([99.0], symbol=ETH, first=12), LATER)
    around = pa.concat_tables([candles(np.arange(20) + 0.0), candles([4.0], symbol=ETH, first=4)])
    assert repository.upsert(VENUE, around, LATER + 1) == UpsertResult(18, 0, 3)
    found = repository.read(VENUE, [BTC, ETH], T0, T0 + 24 * HOUR_MS)
    assert found[BTC].close.tolist() == [float(k) for k in range(20)]
    assert found[ETH].close.tolist() == [4.0, 99.0]
    with brain.connect() as connection:
        rows = connection.execute("SELECT version, recorded_at, count(*) FROM candles GROUP BY 1, 2 ORDER BY 2").fetchall()
    assert rows == [(1, to_datetime(LATER), 4), (1, to_datetime(LATER + 1), 18)]


def test_the_content_hash_knows_values_and_keys_but_not_the_time_of_writing(brain: Brain) -> None:
    repository = CandleRepository(brain)
    hashes = set()
    for venue, batch, at in (("a", [1, 2], LATER), ("a", [1, 2, 3], LATER + 5), ("a", [1, 2, 4], LATER + 6)):
        repository.upsert(venue, candles(batch), at)
        hashes.add(repository.content_hash(venue, BTC, T0, T0 + 2 * MINUTE_MS))
        hashes.add(repository.content_hash(venue, BTC, T0, T0 + 3 * MINUTE_MS))
    assert len(hashes) == 3  # the first two minutes never changed; three states of all three minutes, the first equal to them


def test_a_correction_is_a_new_version_and_the_old_read_stays(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2, 3]), LATER)
    corrected = repository.upsert(VENUE, candles([1, 9, 3]), LATER + 10, revision_known_at_ms=T0 + HOUR_MS)
    assert corrected == UpsertResult(0, 1, 2)
    assert closes(repository) == [1, 9, 3]
    assert closes(repository, pin(T0 + HOUR_MS - 1)) == [1, 2, 3]
    assert closes(repository, pin(T0 + HOUR_MS)) == [1, 9, 3]
    assert closes(repository, pin(T0 + HOUR_MS, LATER + 9)) == [1, 2, 3]
    assert closes(repository, pin(None, LATER + 10)) == [1, 9, 3]


def test_a_bar_is_not_seen_before_it_was_known(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2, 3]), LATER)
    second_known = T0 + 2 * MINUTE_MS + DELAY_MS
    assert closes(repository, pin(second_known - 1)) == [1]
    assert closes(repository, pin(second_known)) == [1, 2]


def test_a_correction_is_never_known_before_what_it_corrects(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1]), LATER)
    repository.upsert(VENUE, candles([2]), LATER, revision_known_at_ms=T0)
    known = T0 + MINUTE_MS + DELAY_MS
    assert closes(repository, pin(known - 1)) == []
    assert closes(repository, pin(known)) == [2]


def test_a_write_recorded_before_what_it_corrects_is_refused_as_a_whole(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2]), LATER)
    complaint = r"expected recorded_at not before 2025-01-02T00:00:00\+00:00.*got 2025-01-01T23:59:59"
    with pytest.raises(PermanentError, match=complaint):
        repository.upsert(VENUE, candles([1, 3, 4]), LATER - 1)
    assert closes(repository) == [1, 2]


def _with(column: str, values: object) -> Callable[[pa.Table], pa.Table]:
    return lambda t: t.set_column(t.column_names.index(column), column, pa.array(values))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda t: t.drop_columns(["volume"]), "expected columns symbol, ts_ms, open, .* got symbol"),
        (lambda t: t.append_column("extra", pa.array([1, 2])), "got symbol, .*extra"),
        (_with("close", [1.0, float("nan")]), "candles.close: expected finite numbers, got 1"),
        (_with("close", [1.0, None]), "candles.close: expected no nulls, got 1"),
        (_with("close", ["a", "b"]), "candles.close: expected double, got string"),
        (_with("ts_ms", [T0, T0]), "expected each key once, got 1 duplicates, first BTC/USDT:USDT 2025-01-01T00:00:00"),
        (_with("known_at_ms", [T0 - 1, LATER]), "expected known_at ≥ ts, got 1 rows"),
    ],
)
def test_a_batch_that_breaks_the_rules_is_refused(
    module_brain: Brain, break_it: Callable[[pa.Table], pa.Table], message: str
) -> None:
    repository = CandleRepository(module_brain)
    with pytest.raises(DataContractError, match=message):
        repository.upsert(VENUE, break_it(candles([1, 2])), LATER)
    assert repository.bounds(VENUE, BTC) is None


def test_a_naive_pin_is_refused(module_brain: Brain) -> None:
    with pytest.raises(PermanentError, match="pin on known_at: expected an aware datetime, got naive 2025-01-01"):
        CandleRepository(module_brain).read(VENUE, [BTC], T0, LATER, Pin(as_of=to_datetime(T0).replace(tzinfo=None)))


def test_an_empty_batch_is_nothing(module_brain: Brain) -> None:
    assert CandleRepository(module_brain).upsert(VENUE, candles([]), LATER) == UpsertResult(0, 0, 0)


def test_funding_has_the_same_three_times(brain: Brain) -> None:
    repository = FundingRepository(brain)

    def batch(rate: float) -> pa.Table:
        return pa.table({"symbol": [BTC], "ts_ms": [T0], "rate": [rate], "interval_h": [8], "known_at_ms": [T0 + 5000]})

    repository.upsert(VENUE, batch(0.0001), LATER)
    repository.upsert(VENUE, batch(0.0002), LATER + 1, revision_known_at_ms=T0 + HOUR_MS)
    assert repository.read(VENUE, [BTC], T0, LATER)[BTC].rate.tolist() == [0.0002]
    old = repository.read(VENUE, [BTC], T0, LATER, pin(T0 + 5000))[BTC]
    assert (old.rate.tolist(), old.interval_h.tolist()) == ([0.0001], [8.0])


Version = tuple[int, int, float]  # known_at_ms, recorded_at_ms, close


class NaiveLibrary:
    """Every version of every key in a list, and the definition of a pinned read written out."""

    def __init__(self) -> None:
        self.versions: dict[int, list[Version]] = {}

    def write(self, batch: dict[int, float], recorded_ms: int, revision_known_ms: int) -> None:
        for minute, close in batch.items():
            known_first = T0 + (minute + 1) * MINUTE_MS + DELAY_MS
            versions = self.versions.setdefault(minute, [])
            if not versions:
                versions.append((known_first, recorded_ms, close))
            elif versions[-1][2] != close:
                versions.append((max(versions[-1][0], revision_known_ms), recorded_ms, close))

    def read(self, as_of_ms: int | None, recorded_ms: int | None) -> list[tuple[int, float]]:
        found = []
        for minute, versions in sorted(self.versions.items()):
            known = [v for v in versions if as_of_ms is None or v[0] <= as_of_ms]
            seen = [v for v in known if recorded_ms is None or v[1] <= recorded_ms]
            if seen:
                found.append((T0 + minute * MINUTE_MS, seen[-1][2]))
        return found


    def changed(self, as_of_ms: int | None, recorded_ms: int | None) -> int:
        """Keys whose newest value is not what the pin sees; those that were there and not known yet do not count."""
        seen, now = dict(self.read(as_of_ms, recorded_ms)), dict(self.read(None, None))
        waiting = {
            T0 + minute * MINUTE_MS for minute, versions in self.versions.items()
            if recorded_ms is None or versions[0][1] <= recorded_ms
        }
        return sum(seen.get(ts) != close for ts, close in now.items() if ts in seen or ts not in waiting)


minutes = st.integers(0, 5)
market_times = st.integers(0, 12 * 60).map(lambda s: T0 + s * 1000)
writes = st.lists(
    st.tuples(
        st.dictionaries(minutes, st.sampled_from([1.0, 2.0, 3.0]), min_size=1), st.integers(0, 3), market_times
    ),
    min_size=1, max_size=7,
)
recording_times = st.integers(0, 20).map(lambda s: LATER + s)
pins = st.lists(st.tuples(st.none() | market_times, st.none() | recording_times), min_size=1, max_size=4)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=writes, pins=pins)
def test_late_writes_change_no_pinned_read_and_every_read_equals_the_definition(
    module_brain: Brain, writes: list[tuple[dict[int, float], int, int]], pins: list[tuple[int | None, int | None]]
) -> None:
    repository, naive = CandleRepository(module_brain), NaiveLibrary()
    ledger = Revisions(module_brain, CandleRepository.table)
    with module_brain.connect() as connection:
        connection.execute("TRUNCATE candles, candles_history")

    def read(as_of_ms: int | None, recorded_ms: int | None) -> list[tuple[int, float]]:
        bars = repository.read(VENUE, [BTC], T0, LATER, pin(as_of_ms, recorded_ms))[BTC]
        return list(zip(bars.ts_ms.tolist(), bars.close.tolist(), strict=True))

    now, remembered = LATER, {}
    for batch, wait_ms, revision_known_ms in writes:
        now += wait_ms
        tables = [candles([close], first=minute) for minute, close in batch.items()]
        repository.upsert(VENUE, pa.concat_tables(tables), now, revision_known_at_ms=revision_known_ms)
        naive.write(batch, now, revision_known_ms)
        for as_of_ms, recorded_ms in pins:
            got = read(as_of_ms, recorded_ms)
            assert got == naive.read(as_of_ms, recorded_ms)
            if recorded_ms is not None and recorded_ms < now:
                assert remembered.setdefault((as_of_ms, recorded_ms), got) == got
        reads = [PinnedSpan(T0, LATER, pin(*one)) for one in pins]
        assert ledger.changed_since(VENUE, BTC, reads) == [naive.changed(*one) for one in pins]
    told = [(r.version, r.known_ms, r.recorded_ms, r.before["close"], r.after["close"])
            for r in ledger.between(VENUE, BTC, T0, LATER)]
    assert told == [
        (number + 2, new[0], new[1], old[2], new[2])
        for _, versions in sorted(naive.versions.items())
        for number, (old, new) in enumerate(pairwise(versions))
    ]


def test_a_key_that_a_read_left_out_as_not_known_yet_is_no_change_when_it_is_corrected(brain: Brain) -> None:
    repository, ledger = CandleRepository(brain), Revisions(brain, CandleRepository.table)
    repository.upsert(VENUE, candles([1, 2]), LATER)
    reads = [PinnedSpan(T0, LATER, pin(T0 + 2 * MINUTE_MS, LATER)), PinnedSpan(T0, LATER, pin(None, LATER))]
    assert [closes(repository, read.pin) for read in reads] == [[1], [1, 2]]
    repository.upsert(VENUE, candles([1, 9]), LATER + 1, revision_known_at_ms=T0 + HOUR_MS)
    assert ledger.changed_since(VENUE, BTC, reads) == [0, 1]
    repository.upsert(VENUE, candles([7, 9, 3]), LATER + 2, revision_known_at_ms=T0 + HOUR_MS)
    assert ledger.changed_since(VENUE, BTC, reads) == [2, 3]  # a corrected one that it saw, and one that was recorded later


def test_every_version_is_told_in_the_order_in_which_it_became_known_as_far_as_a_pin_sees(brain: Brain) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles([1, 2, 3]), LATER)
    repository.upsert(VENUE, candles([9]), LATER + 1, revision_known_at_ms=T0 + 150_000)

    def told(seen: Pin | None = None) -> list[tuple[int, int, float]]:
        found = repository.read_versions(VENUE, [BTC, "NEW/USDT:USDT"], T0, T0 + HOUR_MS, seen)
        assert len(found["NEW/USDT:USDT"]) == 0
        versions = found[BTC]
        offsets = ((versions.ts_ms - T0) // MINUTE_MS, versions.known_ms - T0, versions.values["close"])
        return list(zip(*(o.tolist() for o in offsets), strict=True))

    first, second, third, corrected = (0, 62_000, 1.0), (1, 122_000, 2.0), (2, 182_000, 3.0), (0, 150_000, 9.0)
    assert told() == [first, second, corrected, third]
    assert told(pin(T0 + 149_999)) == [first, second]
    assert told(pin(None, LATER)) == [first, second, third]
