"""The universe over time: what was listed at a moment, and what was known of it then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.listings import ListingRepository
from huracan_platform.clock import to_ms
from huracan_platform.contracts.market import Instrument, Listed, ListingStatus, Pin
from huracan_platform.data.market_data.universe import read_catalogue
from huracan_platform.errors import PermanentError

MONTH = timedelta(days=30)
BORN = datetime(2024, 1, 1, tzinfo=UTC)
LUNA, BTC, NEW = "LUNA/USDT:USDT", "BTC/USDT:USDT", "NEW/USDT:USDT"


def listed(
    symbol: str, status: ListingStatus = "trading", *, since: datetime = BORN, until: datetime | None = None, tick: str = "0.1"
) -> Listed:
    amounts = (Decimal("0.001"), Decimal("0.001"), Decimal(5), Decimal(1000))
    instrument = Instrument("v", symbol, Decimal(tick), *amounts)
    return Listed(instrument, status, to_ms(since), None if until is None else to_ms(until))


class Venue:
    """A venue whose catalogue and time the test sets."""

    venue = "v"

    def __init__(self) -> None:
        self.now = BORN + 3 * MONTH
        self.catalogue: list[Listed] = []

    def clock(self) -> Venue:
        return self

    def market_ms(self) -> int:
        return to_ms(self.now)

    def wire_ms(self) -> int:
        return to_ms(self.now)

    def universe(self) -> list[Listed]:
        return self.catalogue


@pytest.fixture
def venue() -> Venue:
    return Venue()


def symbols(brain: Brain, moment: datetime, pin: Pin | None = None) -> list[str]:
    return [one.symbol for one in ListingRepository(brain).members("v", moment, pin)]


def test_a_delisted_symbol_stays_in_the_universe_of_the_days_on_which_it_traded(brain: Brain, venue: Venue) -> None:
    end = BORN + 2 * MONTH
    venue.catalogue = [listed(BTC), listed(LUNA, "delisted", until=end)]
    changes = read_catalogue(brain, venue)
    assert (changes.listings, changes.added) == (2, (BTC, LUNA))
    assert symbols(brain, BORN + MONTH) == [BTC, LUNA]
    assert symbols(brain, end - timedelta(milliseconds=1)) == [BTC, LUNA]
    assert symbols(brain, end) == [BTC]
    assert symbols(brain, BORN - timedelta(days=1)) == []


def test_a_listing_that_the_catalogue_drops_ends_when_that_is_noticed(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC), listed(LUNA)]
    read_catalogue(brain, venue)
    first = venue.now
    venue.now += MONTH
    venue.catalogue = [listed(BTC)]
    assert read_catalogue(brain, venue).ended == (LUNA,)
    assert symbols(brain, first) == [BTC, LUNA]
    assert symbols(brain, venue.now) == [BTC]
    (gone,) = [one for one in ListingRepository(brain).all("v") if one.symbol == LUNA]
    assert (gone.status, gone.delisted_at, gone.in_catalogue) == ("delisted", venue.now, False)
    venue.now += MONTH
    assert read_catalogue(brain, venue).ended == ()
    venue.now += MONTH
    venue.catalogue = [listed(BTC), listed(LUNA)]  # it had only been left out
    assert read_catalogue(brain, venue).changed == (LUNA,)
    assert symbols(brain, venue.now) == [BTC, LUNA]


def test_an_end_that_the_venue_does_not_date_stays_where_it_was_first_noticed(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC), listed(LUNA, "delisted")]
    read_catalogue(brain, venue)
    noticed = venue.now
    venue.now += MONTH
    assert read_catalogue(brain, venue).ended == ()
    (gone,) = [one for one in ListingRepository(brain).all("v") if one.symbol == LUNA]
    assert gone.delisted_at == noticed


def test_a_pin_sees_the_universe_as_it_was_known(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC), listed(LUNA)]
    read_catalogue(brain, venue)
    first = venue.now
    venue.now += MONTH
    venue.catalogue = [listed(BTC), listed(LUNA, "delisted", until=first - MONTH), listed(NEW, since=first - 2 * MONTH)]
    read_catalogue(brain, venue)
    assert symbols(brain, first) == [BTC, NEW]
    assert symbols(brain, first, Pin(as_of=first)) == [BTC, LUNA]
    assert symbols(brain, first, Pin(recorded_before=first)) == [BTC, LUNA]
    assert ListingRepository(brain).known_since("v") == first


def test_a_symbol_that_was_listed_twice_trades_in_both_times_only(brain: Brain, venue: Venue) -> None:
    again = BORN + 2 * MONTH
    venue.catalogue = [listed(LUNA, since=again, tick="0.01"), listed(LUNA, "delisted", until=BORN + MONTH)]
    read_catalogue(brain, venue)
    days = [BORN, BORN + MONTH, again, again + MONTH]
    assert [symbols(brain, day) for day in days] == [[LUNA], [], [LUNA], [LUNA]]
    assert InstrumentRepository(brain).load("v")[LUNA].tick_size == Decimal("0.01")


def test_a_listing_that_has_not_begun_is_no_member(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC), listed(NEW, "pending", since=venue.now - timedelta(days=1))]
    read_catalogue(brain, venue)
    assert symbols(brain, venue.now) == [BTC]


def test_terms_over_time_are_kept(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC)]
    read_catalogue(brain, venue)
    first = venue.now
    venue.now += MONTH
    venue.catalogue = [listed(BTC, tick="0.01")]
    read_catalogue(brain, venue)
    terms = InstrumentRepository(brain)
    assert terms.load("v")[BTC].tick_size == Decimal("0.01")
    assert terms.load("v", Pin(as_of=first))[BTC].tick_size == Decimal("0.1")


def test_an_empty_catalogue_is_an_error_and_ends_nothing(brain: Brain, venue: Venue) -> None:
    venue.catalogue = [listed(BTC)]
    read_catalogue(brain, venue)
    venue.catalogue = []
    with pytest.raises(PermanentError, match="catalogue of v: expected its listings, got none"):
        read_catalogue(brain, venue)
    assert symbols(brain, venue.now) == [BTC]
