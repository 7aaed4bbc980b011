"""Which bars of a series are the venue's own, as every pin saw it."""

from __future__ import annotations

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.quality import Refetched
from huracan_platform.data.market_data.own_bars import read_own
from tests.brain.batches import BTC, T0, candles

LENT, OWN = T0 + DAY_MS, T0 + 2 * DAY_MS                # wire clock: when the bars were lent, when the venue's own came
OWN_KNOWN = T0 + 5 * HOUR_MS                            # market clock
WINDOW = Refetched(BTC, T0, T0 + 2 * MINUTE_MS, "bybit")


def lend_and_replace(brain: Brain, own: list[float]) -> None:
    """Three bars, of which another venue lent the first two; the venue's own take their place later."""
    bars, ledger = CandleRepository(brain), RefetchedWindows(brain)
    ledger.lend("v", "candles", [WINDOW], LENT)
    bars.upsert("v", candles([1.0, 2.0, 3.0]), LENT)
    bars.upsert("v", candles(own), OWN, revision_known_at_ms=OWN_KNOWN)
    ledger.replace("v", "candles", BTC, candles(own)["ts_ms"].to_numpy(), OWN, OWN_KNOWN)


def seen(brain: Brain, as_of: int | None, recorded_before: int) -> list[float]:
    pin = Pin(None if as_of is None else to_datetime(as_of), to_datetime(recorded_before))
    return read_own(brain, "v", [BTC], T0, T0 + HOUR_MS, pin)[BTC].close.tolist()


def test_a_lent_bar_is_no_bar_of_the_venue_at_a_pin_that_does_not_know_the_venue_s_own_yet(brain: Brain) -> None:
    lend_and_replace(brain, [1.5, 2.5])
    assert seen(brain, None, LENT) == [3.0]
    assert seen(brain, OWN_KNOWN - 1, OWN) == [3.0]     # recorded by then, and not known: the version before is the lent one
    assert seen(brain, OWN_KNOWN, OWN) == [1.5, 2.5, 3.0]
    assert seen(brain, OWN_KNOWN, OWN - 1) == [3.0]
    assert seen(brain, None, OWN) == [1.5, 2.5, 3.0]


def test_the_rest_of_a_window_stays_lent_at_every_pin(brain: Brain) -> None:
    lend_and_replace(brain, [1.5])
    assert seen(brain, OWN_KNOWN - 1, OWN) == [3.0]
    assert seen(brain, OWN_KNOWN, OWN) == [1.5, 3.0]
    assert [w.start_ms for w in RefetchedWindows(brain).standing("v", "candles", BTC, T0, T0 + HOUR_MS)] == [T0 + MINUTE_MS]
