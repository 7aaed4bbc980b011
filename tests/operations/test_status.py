"""One page that says how everything stands, and an exit code that says whether a person is needed."""

from __future__ import annotations

from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.brain.execution.sessions import SwitchRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import SystemClock, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.contracts.quality import DayReport, DayState
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.status import PlatformStatus, platform_status
from huracan_platform.settings import Settings

NOW = 1_735_689_600_000


def read(brain: Brain, settings: Settings) -> PlatformStatus:
    return platform_status(brain, Registry(brain, str(settings.home / "artefacts")), "paper", SystemClock())


def test_an_empty_platform_has_no_troubles(brain: Brain, settings: Settings) -> None:
    found = read(brain, settings)
    assert found.troubles == ()
    assert (found.session_wanted, found.leases, found.datasets, found.trading) == (False, (), (), {})


def test_a_session_that_is_wanted_and_not_there_is_trouble_until_it_is(brain: Brain, settings: Settings) -> None:
    SwitchRepository(brain).turn("paper", True, by="ada", reason="go", wire_ms=NOW)
    assert read(brain, settings).troubles == ("a session is wanted and no lease is held",)
    LeaseRepository(brain).acquire("executor|sim|a", "worker", 60.0)
    found = read(brain, settings)
    assert found.troubles == ()
    assert found.leases == ("executor|sim|a, epoch 1",)


def test_only_critical_incidents_are_trouble(brain: Brain, settings: Settings) -> None:
    incidents = IncidentRepository(brain)
    incidents.open_incident(to_datetime(NOW), Incident("k", IncidentSeverity.WARNING, "a", "look at this"))
    assert read(brain, settings).troubles == ()
    incidents.open_incident(to_datetime(NOW), Incident("k", IncidentSeverity.CRITICAL, "b", "now"))
    found = read(brain, settings)
    assert found.troubles == ("1 critical incidents are open (huracan incidents)",)
    assert found.open_incidents == {"info": 0, "warning": 1, "critical": 1}


def days_of(symbol: str, **states: DayState) -> list[DayReport]:
    return [DayReport(symbol, date(2025, 1, int(day[1:])), state, 1440, 1440, "h") for day, state in states.items()]


def test_data_are_whole_until_where_the_symbol_that_is_furthest_behind_is(brain: Brain, settings: Settings) -> None:
    good, quarantined = DayState.GOOD, DayState.QUARANTINED
    days = [*days_of("A/USDT:USDT", d1=good, d2=quarantined), *days_of("B/USDT:USDT", d1=good)]
    QualityRepository(brain).record("sim", "candles", days, [], [], NOW)
    data, = read(brain, settings).datasets
    assert (data.symbols, data.whole_from, data.whole_until, data.quarantined) == (2, date(2025, 1, 1), date(2025, 1, 1), 1)


def test_a_day_that_is_open_is_not_whole_and_days_before_a_bad_one_are_not_the_newest_in_a_row(
    brain: Brain, settings: Settings
) -> None:
    good, books = DayState.GOOD, QualityRepository(brain)
    days = days_of("A/USDT:USDT", d1=good, d2=DayState.DEGRADED, d3=good, d4=good, d5=DayState.OPEN)
    books.record("sim", "candles", days, [], [], NOW)
    books.record("sim", "funding", days_of("A/USDT:USDT", d5=DayState.OPEN), [], [], NOW)
    candles, funding = read(brain, settings).datasets
    assert (candles.whole_from, candles.whole_until, candles.degraded) == (date(2025, 1, 3), date(2025, 1, 4), 1)
    assert (funding.whole_from, funding.whole_until) == (None, None)
