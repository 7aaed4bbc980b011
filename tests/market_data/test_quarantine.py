"""Refused batches released or discarded by a person's word: a real database, a real simulated venue, spoiled answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.roles import Role
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.quality import DayState, RulingKind
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.data.market_data.quarantine import discard, release
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.summary import data_summary
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, changed, pick
from tests.market_data.test_commands import Done, huracan  # noqa: F401  a fixture
from tests.market_data.test_ingest import AT, FAULTS, jump

BTC = "BTC/USDT:USDT"


@pytest.fixture
def take(brain: Brain, market: MarketData, settings: Settings) -> Callable[..., IngestReport]:
    """Ingest both days of BTC, with answers spoiled on the way."""

    def ingest(edit: Callable[[Candles], Candles] = lambda c: c) -> IngestReport:
        return ingest_candles(brain, SpoiledMarket(market, candles=edit), [BTC], FIRST, SECOND, settings)

    return ingest


def second_day(brain: Brain, market: MarketData) -> Candles:
    start = day_start_ms(SECOND)
    return CandleRepository(brain).read(market.venue, [BTC], start, start + DAY_MS)[BTC]


def test_released_rows_are_in_the_library_the_day_is_good_and_says_by_whose_word(brain, market, take, settings) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    done = release(brain, market, entry.batch_id, "anna", "a genuine crash, seen at three venues", settings)
    assert (done.report.inserted, done.report.revised) == (1440, 0)
    stored = second_day(brain, market)
    assert stored.high[AT - 1440] / stored.high[AT - 1441] > 1.15
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST, SECOND]
    (_, day) = QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND)
    assert "rows from quarantine, released by anna on" in day.reasons[-1]
    assert day.reasons[-1].endswith(": a genuine crash, seen at three venues")
    assert {issue.severity for issue in QualityRepository(brain).open_issues()} <= {"warning"}
    assert Quarantine(brain).entries() == []


def test_released_twice_is_released_once_under_the_first_name(brain, market, take, settings) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    once = release(brain, market, entry.batch_id, "anna", "genuine", settings)
    twice = release(brain, market, entry.batch_id, "bert", "me too", settings)
    assert (twice.ruling, twice.report.inserted, twice.report.revised) == (once.ruling, 0, 0)
    assert twice.report.content_hash == once.report.content_hash
    with pytest.raises(PermanentError, match="got one that was released by anna"):
        discard(brain, entry.batch_id, "bert", "no", 1)


def test_the_same_rows_pass_when_they_come_again_and_good_ones_replace_them_as_versions(brain, market, take, settings) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    release(brain, market, entry.batch_id, "anna", "genuine", settings)
    again = take(jump)
    assert [day.state for day in again.days] == [DayState.GOOD, DayState.GOOD]
    assert "released by anna" in again.days[1].reasons[-1]
    assert Quarantine(brain).entries() == []

    other = take(lambda c: changed(jump(c), "volume", AT + 1, 1e6))  # other rows were nobody's decision
    assert [day.state for day in other.days] == [DayState.GOOD, DayState.QUARANTINED]
    assert len(Quarantine(brain).entries()) == 1

    repaired = take()
    assert (repaired.days[1].state, repaired.days[1].reasons, repaired.revised) == (DayState.GOOD, (), 1)


def test_a_release_revises_what_is_in_the_library(brain, market, take, settings) -> None:
    take()
    take(lambda c: changed(c, "volume", AT, 1e6))
    (entry,) = Quarantine(brain).entries()
    done = release(brain, market, entry.batch_id, "anna", "the venue's hour is wrong", settings)
    assert (done.report.inserted, done.report.revised, done.report.unchanged) == (0, 1, 1439)
    assert second_day(brain, market).volume[AT - 1440] == 1e6


def test_what_breaks_the_contract_cannot_be_released(brain, market, take, settings) -> None:
    take(FAULTS["uniqueness"][0])
    (entry,) = Quarantine(brain).entries()
    with pytest.raises(DataContractError, match=f"quarantine {entry.batch_id}: expected rows that keep their contract"):
        release(brain, market, entry.batch_id, "anna", "I like them", settings)
    (same,) = Quarantine(brain).entries()
    assert (same.ruling, len(second_day(brain, market))) == (None, 0)


def test_a_discarded_batch_is_kept_off_the_list_and_its_day_waits_to_be_fetched_again(brain, market, take) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    kept = Quarantine(brain).rows(entry.batch_id)
    ruling = discard(brain, entry.batch_id, "anna", "a bad tick", 1_735_900_000_000)
    assert ruling.told == "discarded by anna on 2025-01-03 10:26: a bad tick"
    take(jump)  # the very same rows again
    assert Quarantine(brain).entries() == []
    (found,) = Quarantine(brain).entries(every=True)
    assert (found.ruling, Quarantine(brain).rows(entry.batch_id)) == (ruling, kept)
    (_, day) = QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND)
    assert day.state is DayState.QUARANTINED
    take()
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST, SECOND]


def test_a_batch_whose_day_was_repaired_needs_no_decision(brain, market, take) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    take()
    with pytest.raises(PermanentError, match="expected a batch that waits, got one whose day was repaired"):
        discard(brain, entry.batch_id, "anna", "late", 1)


def test_a_decision_needs_a_name_a_reason_and_a_batch(brain, take) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    with pytest.raises(PermanentError, match="expected a name and a reason, got 'anna' and ' '"):
        discard(brain, entry.batch_id, "anna", " ", 1)
    with pytest.raises(PermanentError, match="expected the number of a refused batch, got 99"):
        discard(brain, 99, "anna", "because", 1)


def test_only_a_person_decides(brain, take) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    with pytest.raises(PermanentError, match="permission denied"):
        Quarantine(brain.as_role(Role.INGEST)).rule(entry.batch_id, RulingKind.RELEASED, "a program", "why not", 1)
    with brain.connect() as connection:
        connection.execute("SET ROLE huracan_ingest")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("DELETE FROM quarantine_rulings")


def test_the_commands_release_and_discard(huracan: Callable[..., Done], brain, market, take) -> None:  # noqa: F811
    take(jump)
    take(lambda c: changed(pick(c, slice(None)), "volume", AT, 1e6))
    newest, oldest = json.loads(huracan("data", "quarantine", "list", "--json").out)
    assert {newest["state"], oldest["state"]} == {"waits"}
    told = huracan("data", "quarantine", "discard", str(newest["batch_id"]), "--by", "anna", "--reason", "a bad tick")
    assert (told.code, "discarded by anna" in told.out) == (0, True)
    done = huracan("data", "quarantine", "release", str(oldest["batch_id"]), "--by", "anna", "--reason", "genuine")
    assert (done.code, "1440 rows new, 0 revised, 0 unchanged; the day is good" in done.out) == (0, True), done.err
    states = [entry["state"] for entry in json.loads(huracan("data", "quarantine", "list", "--all", "--json").out)]
    assert [state.split(" on ")[0] for state in states] == ["discarded by anna", "released by anna"]
    again = huracan("data", "quarantine", "release", str(newest["batch_id"]), "--by", "anna", "--reason", "genuine")
    assert (again.code, "got one that was discarded by anna" in again.err) == (2, True)


def test_the_summary_asks_for_a_decision_until_there_is_one(brain, market, take) -> None:
    take(jump)
    (entry,) = Quarantine(brain).entries()
    asked = f"huracan data quarantine show {entry.batch_id}"
    assert sum(asked in sentence for sentence in data_summary(brain).to_do) == 1
    discard(brain, entry.batch_id, "anna", "a bad tick", 1)
    assert not any(asked in sentence for sentence in data_summary(brain).to_do)
