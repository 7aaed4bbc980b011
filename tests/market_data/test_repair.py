"""What is missing is found and filled again: a real database, a real simulated venue, answers spoiled on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, FundingRates
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.names import ArchiveKind
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding
from huracan_platform.data.market_data.inventory import Finding, Lack, find_lacks
from huracan_platform.data.market_data.kinds import fact_table
from huracan_platform.data.market_data.repair import repair
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.archive.written import csv_bytes, kline_table, place, table_of, write_zip
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, pick, without
from tests.market_data.test_commands import Done, huracan  # noqa: F401  a fixture
from tests.market_data.test_ingest import AT, jump

BTC = "BTC/USDT:USDT"
Look = Callable[..., list[Finding]]
SPAN = day_start_ms(FIRST), day_start_ms(SECOND) + DAY_MS
HOLE_MS = day_start_ms(SECOND) + 12 * HOUR_MS


@pytest.fixture
def look(brain: Brain, market: MarketData, settings: Settings) -> Look:
    """Find what both days of BTC's candles lack."""
    return lambda **more: find_lacks(
        brain, market, settings, FIRST, SECOND, **{"datasets": ["candles"], "symbols": [BTC], **more}
    )


@pytest.fixture
def take(brain: Brain, market: MarketData, settings: Settings) -> Callable[..., IngestReport]:
    def ingest(edit: Callable[[Candles], Candles] = lambda c: c, first=FIRST) -> IngestReport:
        return ingest_candles(brain, SpoiledMarket(market, candles=edit), [BTC], first, SECOND, settings)

    return ingest


def told(findings: list[Finding]) -> list[tuple[object, Lack]]:
    return [(found.day, found.lack) for found in findings]


def test_nothing_lacks_where_all_was_fetched_and_a_day_without_books_is_missing(look, take) -> None:
    assert told(look()) == [(FIRST, Lack.MISSING), (SECOND, Lack.MISSING)]
    take(first=SECOND)
    assert told(look()) == [(FIRST, Lack.MISSING)]
    take()
    assert look() == []


@pytest.mark.parametrize(("edit", "lack"), [
    (lambda c: without(c, [AT]), Lack.GAP), (lambda c: without(c, range(AT, AT + 60)), Lack.DEGRADED), (jump, Lack.QUARANTINED),
])
def test_a_bad_day_is_found_and_is_well_after_its_repair(
    brain, market, settings, look, take, edit: Callable[[Candles], Candles], lack: Lack
) -> None:
    take(edit)
    assert told(look()) == [(SECOND, lack)]
    (done,) = repair(brain, market, settings, look())
    assert (done.is_well, done.state, str(done)) == (True, DayState.GOOD, f"candles {BTC} {SECOND}: was {lack}; repaired")
    assert look() == []


def test_what_the_venue_does_not_have_is_left_named_and_degraded(brain, market, settings, look, take) -> None:
    def holed(c: Candles) -> Candles:
        return pick(c, [i for i in range(len(c)) if not AT <= i + (len(c) == 1440) * 1440 < AT + 60])

    take(holed)
    (done,) = repair(brain, SpoiledMarket(market, candles=holed), settings, look())
    assert (done.is_well, done.state) == (False, DayState.DEGRADED)
    assert "expected 1440 bars, got 1380" in str(done)


def lacking(c: Candles) -> Candles:
    """An hour of the second day is at no venue."""
    return pick(c, [i for i, ts in enumerate(c.ts_ms) if not HOLE_MS <= ts < HOLE_MS + HOUR_MS])


@pytest.fixture
def archive(market: MarketData, settings: Settings, tmp_path: Path) -> Callable[..., Settings]:
    """Writes BTC's bars of January as the archive has them; the settings then name its folder."""

    def write(edit: Callable[[Candles], Candles] = lambda c: c, months: bool = False) -> Settings:
        both = edit(market.candles(BTC, HOLE_MS // DAY_MS * DAY_MS - DAY_MS, HOLE_MS // DAY_MS * DAY_MS + DAY_MS))
        days = {"2025-01": both} if months else {
            str(day): both.at(both.ts_ms // DAY_MS * DAY_MS == day_start_ms(day)) for day in (FIRST, SECOND)
        }
        for period, bars in days.items():
            write_zip(place(tmp_path, "klines", "BTCUSDT", period, "1m"), csv_bytes(kline_table(bars)))
        return settings.model_copy(update={"archive": settings.archive.model_copy(update={"dir": tmp_path})})

    return write


@pytest.mark.parametrize("months", [False, True])
def test_what_no_venue_has_comes_from_the_archive_and_the_day_is_good(
    brain, market, look, take, archive: Callable[..., Settings], months: bool
) -> None:
    take(lacking)
    before = CandleRepository(brain).read(market.venue, [BTC], *SPAN)[BTC]
    (done,) = repair(brain, SpoiledMarket(market, candles=lacking), archive(months=months), look())
    file = "BTCUSDT-1m-2025-01.zip" if months else f"BTCUSDT-1m-{SECOND}.zip"
    assert str(done) == f"candles {BTC} {SECOND}: was degraded; repaired from the archive ({file})"
    assert (done.state, look()) == (DayState.GOOD, [])
    stored = CandleRepository(brain).read(market.venue, [BTC], *SPAN)[BTC]
    assert (len(before), len(stored)) == (2820, 2880)
    assert (stored.close == market.candles(BTC, *SPAN).close).all()
    assert ArchiveLedger(brain).taken(market.venue) == {}  # no file was taken whole


def test_the_archive_changes_no_other_day_and_lends_nothing_where_its_own_rows_lack(
    brain, market, look, take, archive: Callable[..., Settings]
) -> None:
    take(lacking)

    def other(c: Candles) -> Candles:
        return replace(lacking(c), volume=lacking(c).volume * 2)

    (done,) = repair(brain, SpoiledMarket(market, candles=lacking), archive(other, months=True), look())
    assert (done.is_well, done.state) == (False, DayState.DEGRADED)
    first = CandleRepository(brain).read(market.venue, [BTC], SPAN[0], SPAN[0] + DAY_MS)[BTC]
    assert (first.volume == market.candles(BTC, SPAN[0], SPAN[0] + DAY_MS).volume).all()


def test_a_damaged_file_and_a_folder_that_is_not_there_are_told(
    brain, market, look, take, archive: Callable[..., Settings], tmp_path: Path
) -> None:
    take(lacking)
    settings = archive()
    place(tmp_path, "klines", "BTCUSDT", str(SECOND), "1m").write_bytes(b"PK half a zip")
    (done,) = repair(brain, SpoiledMarket(market, candles=lacking), settings, look())
    assert "; the archive: BTCUSDT-1m-2025-01-02.zip: expected SHA-256" in str(done)
    gone = settings.model_copy(update={"archive": settings.archive.model_copy(update={"dir": tmp_path / "away"})})
    (done,) = repair(brain, SpoiledMarket(market, candles=lacking), gone, look())
    assert f"; the archive: {tmp_path}/away: expected a folder or a file of the archive, got nothing there" in str(done)


def test_funding_that_the_venue_lost_comes_from_the_archive(brain, market, settings, look, tmp_path: Path) -> None:
    def lost(rates: FundingRates) -> FundingRates:
        return rates.at(rates.ts_ms < HOLE_MS)

    spoiled = SpoiledMarket(market, funding=lost)
    ingest_funding(brain, spoiled, [BTC], FIRST, SECOND, settings)
    rates = market.funding(BTC, *SPAN)
    rows = zip(rates.ts_ms.tolist(), rates.interval_h.tolist(), rates.rate.tolist(), strict=True)
    write_zip(place(tmp_path, "fundingRate", "BTCUSDT", "2025-01"), csv_bytes(table_of(ArchiveKind.FUNDING, rows)))
    told = settings.model_copy(update={"archive": settings.archive.model_copy(update={"dir": tmp_path})})
    (done,) = repair(brain, spoiled, told, look(datasets=["funding"]))
    assert str(done).endswith("repaired from the archive (BTCUSDT-fundingRate-2025-01.zip)")
    assert (done.state, look(datasets=["funding"])) == (DayState.GOOD, [])


def test_rows_that_a_crash_left_without_books_are_found(brain, market, settings, look, take) -> None:
    take()
    bars = market.candles(BTC, 1_735_776_000_000, 1_735_776_060_000)
    changed = frame_of(replace(bars, close=bars.close * 1.0001, high=bars.high * 1.01))
    CandleRepository(brain).upsert(market.venue, fact_table(changed, CANDLE_COLUMNS, 62_000), market.clock().wire_ms())
    (found,) = look()
    assert (found.day, found.lack, found.why) == (SECOND, Lack.DIFFERS, "the same 1440 rows, other values")
    (done,) = repair(brain, market, settings, [found])
    assert (done.is_well, look()) == (True, [])


def test_rows_whose_books_were_never_written_are_found(brain, market, look, take) -> None:
    take()
    with brain.connect() as connection:
        connection.execute("DELETE FROM dataset_days WHERE day = %s", (SECOND,))
        connection.execute("UPDATE dataset_days SET row_count = 1439 WHERE day = %s", (FIRST,))
    assert [found.why for found in look()] == ["books say 1439 rows, the library has 1440", "1440 rows that no books tell of"]


def test_every_dataset_of_the_settings_is_looked_at_and_recorded_ones_only_since_a_recorder_was_there(
    brain, market, settings, look
) -> None:
    ingest_funding(brain, market, [BTC], FIRST, SECOND, settings)
    found = {finding.dataset for finding in look(datasets=None)}
    assert {"candles", "open_interest"} <= found
    assert not {"funding", "sentiment", "liquidations"} & found


def test_the_command_repairs_tells_what_is_left_and_a_dry_run_changes_nothing(
    huracan: Callable[..., Done], brain, market, take  # noqa: F811
) -> None:
    take(jump)
    words = ("data", "repair", "--dataset", "candles", "--symbol", BTC, "--from", str(FIRST), "--to", str(SECOND), "--json")
    dry = json.loads(huracan(*words, "--dry-run").out)
    assert [line.split(": ")[1].split(" (")[0] for line in dry["findings"]] == ["quarantined"]
    done = huracan(*words)
    assert (done.code, json.loads(done.out)["repaired"]) == (0, [f"candles {BTC} {SECOND}: was quarantined; repaired"]), done.err
    assert QualityRepository(brain).days(market.venue, "candles", [BTC], SECOND, SECOND)[0].state is DayState.GOOD
    assert IncidentRepository(brain).open() == []
    assert "nothing to repair" in huracan(*words[:-1]).out
