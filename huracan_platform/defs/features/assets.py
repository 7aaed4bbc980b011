"""Features: from checked days in the library to feature files, one asset for each set."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.defs.console import progress_of
from huracan_platform.defs.data.assets import candles, funding_rates, liquidations, open_interest, sentiment
from huracan_platform.defs.house import DAYS, OWNERS, REPAIRED, DayRunConfig, days_of
from huracan_platform.defs.resources import Platform

if TYPE_CHECKING:
    from huracan_platform.contracts.feature_days import FeatureDay
    from huracan_platform.data.features.recompute import Verification
    from huracan_platform.data.features.registry import FeatureSet
    from huracan_platform.data.features.store import FeatureStore

CHECK = "rebuild_is_identical"

# Of a day that nobody recorded the columns are NaN: only candles must be there, and good.
_CANDLES = dg.AssetSelection.assets("candles")
REPAIRED_CANDLES = REPAIRED.replace(
    dg.AutomationCondition.any_deps_missing(), dg.AutomationCondition.any_deps_missing().allow(_CANDLES)
).replace(
    dg.AutomationCondition.all_deps_blocking_checks_passed(),
    dg.AutomationCondition.all_deps_blocking_checks_passed().allow(_CANDLES),
)


def _check(asset: str) -> list[dg.AssetCheckSpec]:
    text = "the newest row of each symbol, recomputed from the library bar by bar, equals the stored one"
    return [dg.AssetCheckSpec(CHECK, asset=asset, blocking=True, description=text)]


@dg.asset(
    group_name="features",
    owners=OWNERS,
    kinds={"python", "numba", "parquet"},
    deps=[candles, funding_rates],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=REPAIRED,
    check_specs=_check("features"),
    description="Price, volume, funding and market-physics features per minute: one content-addressed parquet file per UTC day.",
)
def features(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Step the kernels over the run's good days, from the checkpoint of the day before."""
    store = platform.feature_store(platform.brain(Role.TRAINER))
    return _materialise(context, platform, config, platform.settings().features.feature_set, store)


@dg.asset(
    group_name="features",
    owners=OWNERS,
    kinds={"python", "numba", "parquet"},
    deps=[candles, funding_rates, open_interest, sentiment, liquidations],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=REPAIRED_CANDLES,
    check_specs=_check("positioning_features"),
    description="Funding between venues, open interest, sentiment and liquidations per minute as they were known; gaps are NaN.",
)
def positioning_features(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """As `features`, with what was recorded beside the candles of the days."""
    brain = platform.brain(Role.TRAINER)
    second_venue = platform.second_venue(brain)
    context.log.info(f"funding is compared with {second_venue or 'no second venue: none is set, or nothing of it is stored'}")
    store = platform.feature_store(brain, second_venue)
    return _materialise(context, platform, config, "positioning", store)


def _materialise(
    context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig, name: str, store: "FeatureStore"
) -> dg.MaterializeResult:
    from huracan_platform.data.features.recompute import verify_newest_row
    from huracan_platform.data.features.registry import feature_set
    from huracan_platform.data.market_data.days import good_days

    settings, venue, days = platform.settings(), platform.market().venue, days_of(context)
    definition = feature_set(name, settings.features.profile, settings=settings.features)
    symbols, brain = config.symbols or settings.symbols, platform.brain(Role.TRAINER)
    good = {s: good_days(brain, venue, "candles", [s], days[0], date.max) for s in symbols}
    built = store.build_days(venue, symbols, days, definition, good_days=good, progress=progress_of(context, "days"))
    _tell_partitions(context, built, days)
    skipped = sorted(set(days) - {b.day for b in built})
    context.log.info(
        f"{len(built)} days of {len(definition.columns)} features, {len(skipped)} skipped, set {definition.set_hash[:8]}"
    )
    return _result(definition, built, skipped, verify_newest_row(store, venue, definition, built))


def _tell_partitions(context: dg.AssetExecutionContext, built: "Sequence[FeatureDay]", days: Sequence[date]) -> None:
    for day in built:
        metadata: dict[str, int | str] = {"dagster/row_count": day.rows, "hash": day.content_hash}
        if day.day in days:
            context.add_asset_metadata(metadata, partition_key=day.day.isoformat())
        else:  # a later day that no longer followed from a restated one
            context.log_event(dg.AssetMaterialization(context.asset_key, partition=day.day.isoformat(), metadata=metadata))
    for skipped in set(days) - {day.day for day in built}:
        context.add_asset_metadata({"dagster/row_count": 0}, partition_key=skipped.isoformat())


def _result(
    definition: "FeatureSet", built: "Sequence[FeatureDay]", skipped: Sequence[date], check: "Verification"
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "content_hash": hash_json([d.content_hash for d in built]),
            "columns": ", ".join(definition.columns),
            "profile": definition.profile,
            "feature_set_hash": definition.set_hash,
            "skipped_days": ", ".join(str(d) for d in skipped) or "none",
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK, passed=check.identical, description=check.message, severity=dg.AssetCheckSeverity.ERROR
            )
        ],
    )
