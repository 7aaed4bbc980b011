"""A day of liquidations that was quarantined and released is known since when it would have been without the detour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.quality import CheckResult, DayState
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.ingest_run import IngestRun
from huracan_platform.data.market_data.liquidations.kind import LiquidationKind
from huracan_platform.data.market_data.quarantine import release
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.source import Delivery
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.test_liquidations import BTC, at, planted  # noqa: F401  a fixture


class Mistrusting(LiquidationKind):
    """Liquidations whose second day a check refuses: what the recorder writes itself passes them all."""

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        found = super().checks(frame, delivery, windows, before)
        refusal = check_result(Subject(self.name, delivery.symbol, SECOND), "consistency", False, 0, 1, "refused")
        return {day: [*results, refusal] if day == SECOND else list(results) for day, results in found.items()}


def known(brain: Brain, venue: str) -> FactVersions:
    repository = LiquidationMinuteRepository(brain)
    return repository.read_versions(venue, [BTC], day_start_ms(FIRST), day_start_ms(SECOND) + DAY_MS)[BTC]


def test_released_liquidations_are_known_since_when_those_of_a_day_that_was_never_refused_are(
    brain, market, settings, planted  # noqa: F811
) -> None:
    """The cascade rests on a candle that was corrected late; after the refusal it is corrected once more."""
    span = (market.venue, [BTC], at(6, 1), at(6, 2))

    def correct(factor: float, known_ms: int) -> None:
        bar = CandleRepository(brain).read_table(*span)
        volume = pa.array(bar.column("volume").to_numpy() * factor)
        batch = bar.set_column(bar.column_names.index("volume"), "volume", volume)
        batch = batch.append_column("known_at_ms", pa.array([at(6, 2) + 2_000]))
        CandleRepository(brain).upsert(market.venue, batch, market.clock().wire_ms(), revision_known_at_ms=known_ms)

    correct(1.1, at(20, 0))
    planted()
    never_refused = known(brain, market.venue)
    assert (never_refused.known_ms > never_refused.ts_ms + 60 * MINUTE_MS).sum() == 5  # the minutes of the cascade

    with brain.connect() as connection:
        connection.execute("TRUNCATE liquidation_minutes, liquidation_minutes_history, dataset_days, data_quality_logs")
    report = IngestRun(brain, market, Mistrusting(settings, brain)).run((BTC,), FIRST, SECOND)
    assert [day.state for day in report.days] == [DayState.GOOD, DayState.QUARANTINED]
    correct(1.05, at(23, 0))  # known later than what the refused rows were made from
    (entry,) = Quarantine(brain).entries()
    done = release(brain, market, entry.batch_id, "anna", "a recorder of ours, all there", settings)
    released = known(brain, market.venue)
    assert done.report.inserted == 1380
    for name in ("ts_ms", "known_ms"):
        assert getattr(released, name).tolist() == getattr(never_refused, name).tolist()
    assert {n: v.tolist() for n, v in released.values.items()} == {n: v.tolist() for n, v in never_refused.values.items()}


def test_a_batch_keeps_what_came_later_of_its_own_day_alone(brain, market, settings, planted) -> None:  # noqa: F811
    later = {at(6, 1): at(20, 0), at(0, 0) - MINUTE_MS: at(1, 0)}

    class Late(Mistrusting):
        def fetch(self, market, symbol, days):
            return replace(super().fetch(market, symbol, days), later_ms=later)

    IngestRun(brain, market, Late(settings, brain)).run((BTC,), FIRST, SECOND)
    (entry,) = Quarantine(brain).entries()
    assert Quarantine(brain).later_ms(entry.batch_id) == {at(6, 1): at(20, 0)}
