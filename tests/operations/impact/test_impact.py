"""The blast radius of a corrected candle: what was made from the version before it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock, day_start_ms, to_datetime
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.contracts.model import GateStatus, Verdict
from huracan_platform.contracts.revision import Impact, Standing
from huracan_platform.contracts.rollback import ShadowReturns
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.learning.dataset import newest_dataset
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.impact import impact, revised_facts
from huracan_platform.settings import LiquidationSettings
from tests.data_features.library import BTC, DAYS, ETH, OTHER_VENUE, POSITIONING, SET, VENUE, WIRE_MS, record, store_at
from tests.data_features.synthetic import BARS_PER_DAY, walk
from tests.learning.frames import SYMBOL
from tests.learning.library import FIRST, make_world, store_candles
from tests.learning.library import VENUE as WORLDS_VENUE

Told = list[tuple[str, str, str]]
# The library's days of liquidations have labels that were drawn, not made of its candles; they have a test of their own.
DRAWN = "liquidation day"


def told(found: Impact, kinds: tuple[str, ...] = ()) -> Told:
    """Kind, name without its time, and standing."""
    return [
        (d.kind, d.name.split(" 20")[0] if kinds else d.name, d.standing.value)
        for d in found.dependents if (d.kind in kinds if kinds else d.kind != DRAWN)
    ]


def revise(library: Brain, clock: ManualClock, day: int, minute: int = 600, bump: float = 1.0, symbol: str = BTC) -> None:
    """Another volume of one bar, `bump` times the first one, known and recorded now."""
    bar = walk(5 * BARS_PER_DAY, 1 if symbol == BTC else 2, symbol=symbol).at(slice(at := day * BARS_PER_DAY + minute, at + 1))
    clock.advance(1000)
    record(library, replace(bar, volume=bar.volume * bump), wire_ms=clock.wire_ms(), known_ms=clock.market_ms())
    clock.advance(1000)


def test_a_revised_candle_makes_its_feature_day_and_those_after_it_stale_until_they_are_built_again(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    store.build_days(VENUE, [BTC, ETH], DAYS, SET)
    assert told(impact(library, VENUE, BTC, DAYS[1], "candles")) == [
        ("feature day", "core 2025-01-02", "current"), ("feature days", "core, 3 to 2025-01-05", "current")
    ]
    revise(library, clock, day=1, bump=2)
    found = impact(library, VENUE, BTC, DAYS[1], "candles")
    assert told(found) == [("feature day", "core 2025-01-02", "stale"), ("feature days", "core, 3 to 2025-01-05", "stale")]
    assert [(r.version, sorted(r.after), r.after["volume"]) for r in found.revisions] == [
        (2, ["volume"], 2 * found.revisions[0].before["volume"])
    ]
    for symbol, day in ((BTC, 0), (BTC, 2), (ETH, 1)):
        elsewhere = impact(library, VENUE, symbol, DAYS[day], "candles")
        assert (elsewhere.revisions, elsewhere.of(Standing.STALE)) == ((), ()), (symbol, day)
    store.build_days(VENUE, [BTC], [DAYS[1]], SET)
    assert told(impact(library, VENUE, BTC, DAYS[1], "candles")) == [
        ("feature day", "core 2025-01-02", "replaced"), ("feature day", "core 2025-01-02", "current"),
        ("feature days", "core, 3 to 2025-01-05", "current"),
    ]


def test_a_correction_that_came_after_the_day_changes_no_feature_of_what_was_known_then(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    """The set `positioning` takes funding as it was known at each bar, `core` the newest version."""
    store.build_days(VENUE, [BTC], DAYS, SET)
    store.build_days(VENUE, [BTC], DAYS, POSITIONING)
    clock.advance(1000)
    ts = day_start_ms(DAYS[1])
    FundingRepository(library).upsert(VENUE, pa.table({
        "symbol": [BTC], "ts_ms": [ts], "rate": [0.01], "interval_h": [8.0], "known_at_ms": [ts + 5_000],
    }), clock.wire_ms(), revision_known_at_ms=clock.market_ms())
    clock.advance(1000)
    found = impact(library, VENUE, BTC, DAYS[1], "funding")
    assert {(d.name.split()[0].rstrip(","), d.standing.value) for d in found.dependents} == {
        ("core", "stale"), ("positioning", "current")
    }
    stale = [s.day for s in store.stale_days(VENUE, [BTC], POSITIONING, DAYS[0], DAYS[-1])]
    assert stale == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("revise"), st.integers(0, 2), st.sampled_from([0, 700]), st.sampled_from([1.0, 2.0, 3.0])),
        st.tuples(st.just("build"), st.integers(0, 2), st.just(0), st.just(0.0)),
    ),
    min_size=1, max_size=6,
)


@pytest.mark.slow
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
@example(steps=[("revise", 0, 700, 2.0), ("revise", 0, 700, 1.0)])
@example(steps=[("revise", 0, 0, 2.0), ("revise", 2, 0, 2.0), ("build", 0, 0, 0.0)])
def test_exactly_the_days_whose_bars_are_others_than_when_they_were_built_are_stale(
    library: Brain, tmp_path: Path, steps: list[tuple[str, int, int, float]]
) -> None:
    """Whatever is revised and built in whatever order; a bar that is what it was again makes nothing stale."""
    clock = ManualClock(WIRE_MS + DAY_MS)
    with library.connect() as connection:
        connection.execute("TRUNCATE feature_day_symbols, feature_days, candles, candles_history")
    record(library, walk(5 * BARS_PER_DAY, 1, symbol=BTC))
    store, days = store_at(library, tmp_path, clock), DAYS[:3]
    store.build_days(VENUE, [BTC], days, SET)
    pin, held = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms())), CandleRepository(library)
    before = held.content_hash(VENUE, BTC, 0, WIRE_MS, pin)
    now: dict[tuple[int, int], float] = {}
    built: dict[tuple[int, int], float] = {}
    for what, day, minute, bump in steps:
        if what == "revise":
            revise(library, clock, day, minute, bump)
            now[day, minute] = bump
        else:
            # Days after one whose state changed are built along with it, as far as theirs does, with what the library holds.
            for other in store.build_days(VENUE, [BTC], [days[day]], SET):
                built |= {(days.index(other.day), m): now.get((days.index(other.day), m), 1.0) for m in (0, 700)}
        stale = [
            day for day in range(3)
            if any(d.kind == "feature day" and d.standing is Standing.STALE
                   for d in impact(library, VENUE, BTC, days[day], "candles").dependents)
        ]
        expected = [day for day in range(3) if any(now.get((day, m), 1.0) != built.get((day, m), 1.0) for m in (0, 700))]
        assert stale == expected
        assert held.content_hash(VENUE, BTC, 0, WIRE_MS, pin) == before


def decide(brain: Brain, day: date, minute: int, pin: Pin, state_from: datetime, checkpoint: str | None) -> None:
    """A decision of a session on a bar, with its pin and the state that it started from."""
    with brain.connect() as connection:
        connection.execute(
            """
            INSERT INTO sessions (session_id, name, gateway, venue, account, epoch, code_revision, settings_hash, started_at)
            VALUES ('s1', 'paper', 'paper', %s, 'main', 1, 'r', 'h', now()) ON CONFLICT DO NOTHING
            """, (WORLDS_VENUE,),
        )
        bar = to_datetime(day_start_ms(day) + minute * MINUTE_MS)
        connection.execute(
            """
            INSERT INTO decisions (
                decision_id, session_id, epoch, strategy, gateway, venue, symbol, bar_ts, decided_at, pin_as_of,
                pin_recorded_before, feature_set, feature_profile, feature_set_hash, feature_columns, feature_values,
                feature_row_hash, state_from, checkpoint_hash, close, model_asked, p_up, sigma, position, entry_price,
                held_stop_price, held_take_price, bars_held, equity_usd, risk_multiplier, parameters, parameters_hash,
                code_revision, action, reason, target, stop_price, take_price, edge)
            VALUES (%s, 's1', 1, 'x', 'paper', %s, %s, %s, now(), %s, %s, 'core', 'short_history', 'h', '{}', '{}', 'h', %s, %s,
                    1, true, 0.5, 0, 0, 0, 0, 0, 0, 1, 1, '{}', 'h', 'r', 'OPEN_LONG', 'EDGE', 0, 0, 0, 0)
            """,
            (f"{day}-{minute}", WORLDS_VENUE, SYMBOL, bar, pin.as_of, pin.recorded_before, state_from, checkpoint),
        )


def test_a_model_and_what_rests_on_it_are_stale_when_a_candle_of_its_data_set_is_corrected(brain: Brain, tmp_path: Path) -> None:
    world = make_world(brain, str(tmp_path / "artefacts"))
    card, judged = world.train("linear"), [to_datetime(world.clock.wire_ms() + wait) for wait in (1000, 2000)]
    VerdictRepository(brain).append([Verdict(card.model_id, 1, "gate", GateStatus.PASS, (), 1, at) for at in judged])
    last = FIRST + timedelta(days=11)
    world.clock.advance(5000)
    hours = ShadowReturns(card.model_id, day_start_ms(last) + HOUR_MS * np.arange(3, dtype=np.int64), np.zeros(3))
    ShadowReturnRepository(brain).add(hours, world.clock.wire_ms())
    state = world.store.checkpoint_before(WORLDS_VENUE, SYMBOL, SET, last)
    assert state is not None
    day_before = world.store.days(WORLDS_VENUE, SET, state[1], state[1])[0].symbols[SYMBOL]
    decide(brain, last, 599, world.store.pin_now(), to_datetime(day_start_ms(last)), day_before.end_checkpoint)
    decide(brain, last, 601, world.store.pin_now(), to_datetime(day_start_ms(last)), day_before.end_checkpoint)

    kinds = ("model", "gate verdicts", "shadow returns", "session")
    for day, candle in ((last, 11 * 1440 + 600), (FIRST + timedelta(days=3), 3 * 1440 + 600)):
        fresh = impact(brain, WORLDS_VENUE, SYMBOL, day, "candles")
        assert {d.standing for d in fresh.dependents} == {Standing.CURRENT}
        assert {d.kind for d in fresh.dependents} >= {"model", "gate verdicts", "session"}
        before = revised_facts(brain, card)
        world.clock.advance(1000)
        store_candles(brain, slice(candle, candle + 1), 1.5, world.clock.wire_ms())
        world.clock.advance(1000)
        assert revised_facts(brain, card) == before + 1
        rests = [("model", card.model_id, "stale"), ("gate verdicts", card.model_id, "replaced"),
                 ("gate verdicts", card.model_id, "stale"), ("shadow returns", card.model_id, "stale")]
        # Of the corrected bar's own day only the decision after it had read it; of an earlier day both had, through the state.
        stale = ("session", f"s1: {1 if day == last else 2} of 2 decisions, {1 if day == last else 2} of them acted", "stale")
        assert told(impact(brain, WORLDS_VENUE, SYMBOL, day, "candles"), kinds) == [*rests, stale]
        if day == last:
            with pytest.raises(DataContractError, match=r"got 1 that do not, first 2025-01-12 .*build features from that day on"):
                newest_dataset(world.store, WORLDS_VENUE, SYMBOL, world.settings, world.clock)
    untouched = impact(brain, WORLDS_VENUE, SYMBOL, FIRST + timedelta(days=5), "candles")
    assert untouched.of(Standing.STALE) == ()
    assert Registry(brain, world.root).card(card.model_id) == card


def test_funding_of_the_second_venue_is_used_by_the_days_that_compare_it(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    store.build_days(VENUE, [BTC], DAYS, POSITIONING)
    clock.advance(1000)
    ts = day_start_ms(DAYS[1])

    def revise_elsewhere(known_ms: int) -> Told:
        FundingRepository(library).upsert(OTHER_VENUE, pa.table({
            "symbol": [BTC], "ts_ms": [ts], "rate": [0.01 + clock.wire_ms() / 1e15], "interval_h": [8.0],
            "known_at_ms": [ts + 5_000],
        }), clock.wire_ms(), revision_known_at_ms=known_ms)
        clock.advance(1000)
        return told(impact(library, OTHER_VENUE, BTC, DAYS[1], "funding"))

    used = [("feature day", "positioning 2025-01-02", "current"), ("feature days", "positioning, 3 to 2025-01-05", "current")]
    assert revise_elsewhere(clock.market_ms()) == used   # nobody knew it then
    assert revise_elsewhere(ts + HOUR_MS) == used        # never before what it corrects
    assert impact(library, OTHER_VENUE, BTC, DAYS[1], "open_interest", second_venue=OTHER_VENUE).dependents == ()


def test_a_day_is_used_by_those_that_were_compared_with_its_venue_whatever_is_set_now(
    library: Brain, store: FeatureStore, clock: ManualClock, tmp_path: Path
) -> None:
    alone = FeatureStore(library, str(tmp_path / "artefacts"), clock=clock)
    alone.build_days(VENUE, [BTC], DAYS[:3], POSITIONING)
    assert alone.days(VENUE, POSITIONING, DAYS[0], DAYS[0])[0].symbols[BTC].second_venue == ""
    used = [
        told(impact(library, venue, BTC, DAYS[0], "funding", second_venue=OTHER_VENUE)) for venue in (OTHER_VENUE, "sim2-third")
    ]
    assert used == [[], []]
    clock.advance(1000)
    store.build_days(VENUE, [BTC], DAYS[:3], POSITIONING)
    for set_now in (OTHER_VENUE, "sim2-third", None):
        assert told(impact(library, OTHER_VENUE, BTC, DAYS[0], "funding", second_venue=set_now)) == [
            ("feature day", "positioning 2025-01-01", "current"), ("feature days", "positioning, 2 to 2025-01-03", "current")
        ]
        assert told(impact(library, "sim2-third", BTC, DAYS[0], "funding", second_venue=set_now)) == []


def test_days_that_do_not_note_their_second_venue_are_taken_for_readers_of_the_one_that_is_set(
    library: Brain, store: FeatureStore
) -> None:
    store.build_days(VENUE, [BTC], DAYS[:1], POSITIONING)
    with library.connect() as connection:
        connection.execute("UPDATE feature_day_symbols SET second_venue = NULL")
    assert told(impact(library, OTHER_VENUE, BTC, DAYS[0], "funding")) == []
    assert told(impact(library, OTHER_VENUE, BTC, DAYS[0], "funding", second_venue=OTHER_VENUE)) == [
        ("feature day", "positioning 2025-01-01", "current")
    ]


def test_days_of_liquidations_are_stale_when_corrected_volume_calls_other_minutes_a_cascade(brain: Brain) -> None:
    """Five minutes of 200 USD each make a cascade of 100 USD of longs; where one of them was thick, there is none."""
    rule = LiquidationSettings(fewest=2, fewest_windows=1, trailing_days=1, volume_share=0.05)
    start = day_start_ms(DAYS[1])
    last = DAY_MS // MINUTE_MS - 2
    bars = walk(2 * BARS_PER_DAY, 1, symbol=BTC)
    bars = replace(bars, volume=200.0 / bars.close)
    record(brain, bars)
    minutes = np.arange(start - 4 * HOUR_MS, start + DAY_MS + HOUR_MS, MINUTE_MS)
    at = {start + 3 * HOUR_MS: 1.0, start + last * MINUTE_MS: 100.0, start + (last + 3) * MINUTE_MS: 1.0}
    usd = np.array([at.get(int(ts), 0.0) for ts in minutes])
    sums = {"long_count": 2.0 * (usd > 0), "long_usd": usd, "coverage": np.ones(len(usd))}
    on = 1.0 * ((minutes >= start + last * MINUTE_MS) & (minutes < start + (last + 8) * MINUTE_MS))  # five beyond the last one
    zeros = {name: np.zeros(len(usd)) for name in ("short_count", "short_usd", "clustered")}
    LiquidationMinuteRepository(brain).upsert(VENUE, pa.table({
        "symbol": [BTC] * len(usd), "ts_ms": minutes, **sums, **zeros, "in_cascade": on, "known_at_ms": minutes + 2 * MINUTE_MS,
    }), WIRE_MS)

    def standings() -> list[tuple[str, str]]:
        found = impact(brain, VENUE, BTC, DAYS[1], "candles", liquidations=rule)
        return [(d.name, d.standing.value) for d in found.dependents if d.kind == DRAWN]

    names = ("liquidations 2025-01-02", "liquidations 2025-01-03")
    assert standings() == [(name, "current") for name in names]
    record(brain, thick(bars, start + 600 * MINUTE_MS), WIRE_MS + 1)             # beside no liquidation
    assert standings() == [(name, "current") for name in names]
    record(brain, thick(bars, start + (last - 1) * MINUTE_MS), WIRE_MS + 2)      # in the window of the cascade, before midnight
    assert standings() == [(name, "stale") for name in names]
    assert revised_elsewhere(brain, rule) == []


def thick(bars: Candles, ts_ms: int) -> Candles:
    """The bar of that time with fifty times its volume."""
    bar = bars.at(bars.ts_ms == ts_ms)
    return replace(bar, volume=50 * bar.volume)


def revised_elsewhere(brain: Brain, rule: LiquidationSettings) -> list[str]:
    """Days of liquidations that the day before's candles call stale."""
    found = impact(brain, VENUE, BTC, DAYS[0], "candles", liquidations=rule)
    return [d.name for d in found.of(Standing.STALE)]
