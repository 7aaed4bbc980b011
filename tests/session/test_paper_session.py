"""A seeded session on a scripted signal: from live bars to fills, and from each fill and decision all the way back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from huracan_platform.brain.execution.decisions import DecisionRepository
from huracan_platform.brain.execution.sessions import CommandRepository, SessionRepository
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.cli.live import register
from huracan_platform.clock import MINUTE_MS, day_of, to_datetime, to_ms
from huracan_platform.contracts.decision import Reason
from huracan_platform.contracts.journal import CommandKind, DecisionRecord
from huracan_platform.contracts.revision import Standing
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.execution.passport import OPENING, OWN, PassportOffice
from huracan_platform.execution.replay import Replayer, ReplayInputs
from huracan_platform.execution.report import SessionProgress, SessionReport
from huracan_platform.execution.session import ENDED_BY_HOURS, run_session
from huracan_platform.operations.impact import impact
from tests.session.world import SYMBOLS, World

pytestmark = pytest.mark.slow
SPEED = 150  # the second symbol's stream begins some 0.1 s after the first one's: less than a bar


@pytest.fixture(scope="module")
def glances() -> list[SessionProgress]:
    """What the session told about itself while it ran."""
    return []


@pytest.fixture(scope="module")
def report(world: World, glances: list[SessionProgress]) -> SessionReport:
    """One market hour, traded on the script, then the market stands still again."""
    for symbol in SYMBOLS:
        world.register(symbol)
    world.control("clock", {"speed": SPEED})
    done = run_session(world.settings, market_hours=1.0, session_name="scripted", run_id="run-1", on_progress=glances.append)
    world.control("clock", {"speed": 0})
    return done


@pytest.fixture(scope="module")
def records(world: World, report: SessionReport) -> list[DecisionRecord]:
    """Every journalled decision of the session, newest first."""
    journal = DecisionRepository(world.brain)
    return [journal.load(line.decision_id) for line in journal.recent(1000, session_id=report.session_id)]


@pytest.fixture
def replayer(world: World) -> Replayer:
    return Replayer(world.brain, world.store, world.registry.artefacts, world.settings)


@pytest.fixture
def huracan(world: World, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line on this world's database and home."""
    dsn = world.settings.database.dsn
    assert dsn is not None
    monkeypatch.setenv("HURACAN_HOME", str(world.settings.home))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", dsn.get_secret_value())
    monkeypatch.setenv("HURACAN_FEATURES__PROFILE", "short_history")
    return CliRunner()


def test_progress_counts_fills_as_they_are_booked(report: SessionReport, glances: list[SessionProgress]) -> None:
    told = [glance.fills for glance in glances]
    assert told == sorted(told)
    assert report.fills / 2 <= told[-1] <= report.fills


def test_a_scripted_signal_ends_in_fills_closed_trades_and_a_flat_account(world: World, report: SessionReport) -> None:
    assert report.end_reason == ENDED_BY_HOURS
    assert report.fills >= 4
    assert len(report.trades) >= 2
    assert report.open_positions == {}
    ledger = world.control("ledger")
    assert len(ledger["fills"]) == report.fills
    assert all(count == 1 for count in ledger["accepts"].values())
    assert [p for p in ledger["positions"].values() if Decimal(p["amount"]) != 0] == []


def test_the_trades_profit_is_the_change_of_equity_to_the_last_digit(report: SessionReport) -> None:
    assert report.pnl_usd == Decimal(report.end_equity_usd) - Decimal(report.start_equity_usd)


def test_every_bar_came_once_and_the_library_holds_what_the_venue_serves(world: World, report: SessionReport) -> None:
    assert report.first_bar_ms is not None
    assert report.last_bar_ms is not None
    for symbol in SYMBOLS:
        stored = CandleRepository(world.brain).read(world.market.venue, [symbol], report.first_bar_ms, report.last_bar_ms)[symbol]
        served = world.market.candles(symbol, report.first_bar_ms, report.last_bar_ms)
        shared = np.isin(served.ts_ms, stored.ts_ms)
        assert np.array_equal(stored.ts_ms, np.arange(stored.ts_ms[0], stored.ts_ms[-1] + 1, MINUTE_MS))
        assert len(stored) >= report.bars[symbol] >= 59
        for name in ("ts_ms", "open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(stored, name), getattr(served, name)[shared]), name


def test_a_session_measures_how_late_its_bars_came(world: World, report: SessionReport) -> None:
    (told,) = ArrivalDelays(world.brain).table()
    assert (told["source"], told["dataset"]) == (world.market.venue, "candles")
    # All but what REST filled and what came after the last look.
    assert sum(report.bars.values()) / 2 <= told["measurements"] <= sum(report.bars.values()) + 2 * len(SYMBOLS)
    assert 0 < told["median_ms"] < 5 * MINUTE_MS


def test_decisions_and_trades_rest_on_the_days_that_their_bars_and_state_came_from(
    world: World, report: SessionReport, records: list[DecisionRecord]
) -> None:
    made = [r for r in records if r.inputs.symbol == SYMBOLS[0]]
    last = day_of(made[0].source.state_from_ms)
    for day in (last, last - timedelta(days=1)):
        found = impact(world.brain, world.market.venue, SYMBOLS[0], day, "candles").dependents
        (session,) = [d for d in found if d.kind == "session"]
        assert (session.name, session.standing) == (
            f"{report.session_id}: 0 of {len(made)} decisions, 0 of them acted", Standing.CURRENT
        )
        assert [d.standing for d in found if d.kind == "trades"] == [Standing.CURRENT]


def test_every_decision_bar_is_journalled_with_a_reason(report: SessionReport, records: list[DecisionRecord]) -> None:
    asked = [r for r in records if r.model_asked]
    assert len(asked) >= 2 * (60 // 5) - 2
    assert sum(report.decisions.values()) == len(records)
    assert {r.decision.reason for r in asked} <= set(Reason) - {Reason.NO_OPINION}
    assert all(r.model_id and r.artefact_hash for r in asked)


def test_an_entry_never_goes_out_before_its_decision_is_stored(world: World, records: list[DecisionRecord]) -> None:
    decided = {r.decision_id: r.decided_ms for r in records}
    with world.brain.connect() as connection:
        intents = connection.execute("SELECT decision_id, created_at FROM order_intents WHERE decision_id IS NOT NULL").fetchall()
    assert intents
    assert all(decided[decision] <= to_ms(created) for decision, created in intents)


def test_every_fill_resolves_to_decision_features_model_data_checks_and_verdicts(world: World, report: SessionReport) -> None:
    assert len(report.fill_ids) == report.fills
    for fill_id in report.fill_ids:
        passport = PassportOffice(world.brain).issue(fill_id)
        assert passport.missing == ("run: no Dagster run is known for the training",)
        assert passport.order is not None
        assert passport.order_events[0]["event"]["kind"] == "committed"
        assert passport.decision is not None
        assert passport.decision.link in (OWN, OPENING)
        assert passport.features is not None
        assert passport.features.checkpoint_hash is not None
        assert passport.live_data is not None
        assert passport.model is not None
        assert passport.dataset is not None
        assert len(passport.dataset.feature_day_hashes) == 3
        assert all(passport.dataset.candle_day_hashes.values())
        assert [part.dataset for part in passport.checks] == ["candles", "funding"]
        assert [v.gate for v in passport.verdicts] == list(range(1, 8))
        assert passport.authorisation is not None
        assert passport.authorisation.unproven
        assert passport.runs == {"session": "run-1"}
        assert set(passport.code) == {"session", "training"}


def test_an_unknown_fill_or_decision_is_an_error_with_what_was_asked(world: World) -> None:
    with pytest.raises(PermanentError, match="got 999999"):
        PassportOffice(world.brain).issue(999_999)
    with pytest.raises(PermanentError, match="got 'nonsense'"):
        DecisionRepository(world.brain).load("nonsense")


def test_every_decision_replays_bit_for_bit(replayer: Replayer, records: list[DecisionRecord]) -> None:
    assert records
    for record in records:
        outcome = replayer.replay(record)
        assert outcome.differences == ()
        assert outcome.compared > len(record.features.columns)


def test_replay_is_given_no_output_of_the_session() -> None:
    withheld = {"features", "close", "p_up", "sigma", "decision", "row_hash", "action", "target"}
    assert withheld.isdisjoint(f.name for f in fields(ReplayInputs))


def test_a_stored_output_that_was_changed_by_one_bit_is_named(replayer: Replayer, records: list[DecisionRecord]) -> None:
    record = next(r for r in records if r.decision.target != 0.0)
    forged = replace(record, decision=replace(record.decision, target=float(np.nextafter(record.decision.target, 1.0))))
    assert [d.name for d in replayer.replay(forged).differences] == ["decision target"]


@pytest.mark.parametrize(("column", "back"), [("close", 0), ("close", 7), ("volume", 3)])
def test_one_altered_byte_of_the_library_changes_the_replay(
    world: World, replayer: Replayer, records: list[DecisionRecord], column: str, back: int
) -> None:
    record = next(r for r in records if r.model_asked)
    at = to_datetime(record.inputs.ts_ms - back * MINUTE_MS)
    bar = CandleRepository(world.brain).read(record.venue, [record.inputs.symbol], to_ms(at), to_ms(at) + 1)[record.inputs.symbol]
    value = float(getattr(bar, column)[0])
    altered = _with_other_byte(value)
    _overwrite(world, record.inputs.symbol, at, column, altered)
    try:
        outcome = replayer.replay(record)
    finally:
        _overwrite(world, record.inputs.symbol, at, column, value)
    assert not outcome.identical
    assert outcome.differences[0].stored != outcome.differences[0].recomputed
    assert replayer.replay(record).identical


def test_a_candle_missing_from_the_library_is_an_error(world: World, replayer: Replayer, records: list[DecisionRecord]) -> None:
    record = records[0]
    long_ago = replace(record, pin=replace(record.pin, recorded_before=to_datetime(0)))
    with pytest.raises(DataContractError, match="expected a bar at"):
        replayer.replay(long_ago)


def test_a_revision_recorded_after_the_decision_changes_nothing(
    world: World, replayer: Replayer, records: list[DecisionRecord]
) -> None:
    record = next(r for r in records if r.model_asked)
    symbol, ts = record.inputs.symbol, record.inputs.ts_ms - 2 * MINUTE_MS
    bar = CandleRepository(world.brain).read(record.venue, [symbol], ts, ts + 1)[symbol]
    revised = pa.table({
        "symbol": [symbol], "ts_ms": [ts], "open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close,
        "volume": bar.volume * 2.0, "known_at_ms": [ts + MINUTE_MS],
    })
    clock = world.clock
    result = CandleRepository(world.brain).upsert(
        record.venue, revised, clock.wire_ms(), revision_known_at_ms=clock.market_ms()
    )
    assert result.revised == 1
    assert replayer.replay(record).identical
    inside = replace(record, pin=replace(record.pin, recorded_before=to_datetime(clock.wire_ms()) + timedelta(seconds=1),
                                         as_of=to_datetime(clock.market_ms()) + timedelta(seconds=1)))
    assert not replayer.replay(inside).identical, "a version inside the pin is what replay reads"


def test_the_command_line_shows_passport_and_replay(
    huracan: CliRunner, report: SessionReport, records: list[DecisionRecord]
) -> None:
    app = typer.Typer()
    register(app)
    shown = huracan.invoke(app, ["passport", str(report.fill_ids[0]), "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)["decision"]["decision_id"]
    tree = huracan.invoke(app, ["passport", str(report.fill_ids[0])])
    assert "verdicts" in tree.output
    assert "unproven" in tree.output
    again = huracan.invoke(app, ["replay", records[0].decision_id, "--json"])
    assert json.loads(again.output)["identical"] is True
    listed = huracan.invoke(app, ["fills", "--json"])
    assert len(json.loads(listed.output)) == min(report.fills, 20)
    assert json.loads(huracan.invoke(app, ["decisions", "--acting", "--json"]).output)
    assert {p["symbol"] for p in json.loads(huracan.invoke(app, ["positions", "--json"]).output)} <= set(SYMBOLS)


def test_the_session_row_tells_how_it_ended_and_under_which_run(world: World, report: SessionReport) -> None:
    stored = SessionRepository(world.brain).report_of_run("run-1")
    assert stored["session_id"] == report.session_id
    assert stored["pnl_usd"] == str(report.pnl_usd)
    with pytest.raises(PermanentError, match="got none"):
        SessionRepository(world.brain).report_of_run("no-such-run")


def test_an_authorised_model_takes_over_by_command_and_an_unauthorised_one_is_refused(
    world: World, report: SessionReport
) -> None:
    better = world.register(SYMBOLS[0], {"log_return_15": 4000.0}, authorise=False)
    never = world.register(SYMBOLS[1], {"log_return_15": 4000.0}, authorise=False)
    commands = CommandRepository(world.brain)
    assert world.registry.authorise(better.model_id, "paper", 1, world.clock, by="test", reason="later").authorisation is not None
    accepted = commands.put(CommandKind.MODEL_AUTHORISED, {"model_id": better.model_id}, "test")
    refused = commands.put(CommandKind.MODEL_AUTHORISED, {"model_id": never.model_id}, "test")
    unknown = commands.put(CommandKind.MODEL_AUTHORISED, {"model_id": "ghost"}, "test")
    commands.put(CommandKind.STOP, {}, "an older test")
    world.control("clock", {"speed": SPEED})
    done = run_session(world.settings, market_hours=0.1)
    world.control("clock", {"speed": 0})
    assert done.end_reason == ENDED_BY_HOURS, "a stop from before the session is not meant for it"
    assert done.models[SYMBOLS[0]] == better.model_id
    with world.brain.connect() as connection:
        told = dict(connection.execute("SELECT command_id, outcome FROM session_commands").fetchall())
    assert told[accepted] == f"{better.model_id} is in charge"
    assert told[refused].startswith(f"refused: model {never.model_id}: expected leave to trade through paper")
    assert done.models[SYMBOLS[1]] == report.models[SYMBOLS[1]]
    assert told[unknown].startswith("refused: model: expected a registered id")


def _with_other_byte(value: float) -> float:
    """The same float with a bit of its fourth mantissa byte turned: small, but not lost in single precision."""
    bits = np.array([value]).view(np.uint64)
    return float((bits ^ np.uint64(1 << 36)).view(np.float64)[0])


def _overwrite(world: World, symbol: str, at: object, column: str, value: float) -> None:
    with world.brain.connect() as connection:
        changed = connection.execute(
            f"UPDATE candles SET {column} = %s WHERE ts = %s"
            " AND series_id = (SELECT series_id FROM series WHERE venue = %s AND symbol = %s)",
            (value, at, world.market.venue, symbol),
        ).rowcount
    assert changed == 1
