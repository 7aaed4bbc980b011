"""Models: one partition per symbol, every architecture on the same data set, each entered as the next candidate."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.defs.data.assets import candles
from huracan_platform.defs.features.assets import features
from huracan_platform.defs.house import OWNERS, SYMBOLS, symbol_of
from huracan_platform.defs.learning.triggers import trigger_of
from huracan_platform.defs.resources import Platform
from huracan_platform.defs.symbol_checks import warn_by_symbol

if TYPE_CHECKING:
    from huracan_platform.learning.pipeline import TrainedSymbol


@dg.asset(
    group_name="models",
    owners=OWNERS,
    kinds={"python", "xgboost", "scikitlearn"},
    deps=[candles, features],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_the_base_rate",
            asset="trained_models",
            description="a held-out Brier skill is above 0; a failure is no error but the usual outcome on real data",
        )
    ],
    description="Model versions with manifest: trained on the oldest 70 % of days, calibrated on 15 %, tested on the last 15 %.",
)
def trained_models(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Train, calibrate and register each architecture for each symbol of the run."""
    from huracan_platform.brain.learning.retraining import RetrainingRepository
    from huracan_platform.learning.models.provenance import collect_provenance
    from huracan_platform.learning.pipeline import train_symbol

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    requests, clock = RetrainingRepository(brain), market.clock()
    trigger = trigger_of(context.run.tags, requests, clock.wire_ms())
    store, registry, provenance = platform.feature_store(brain), platform.registry(brain), collect_provenance()
    made: dict[str, TrainedSymbol] = {}
    for key in context.partition_keys:
        symbol = symbol_of(key)
        made[key] = train_symbol(
            brain, store, registry, market.venue, symbol, settings, platform.account_costs(market, symbol), market.clock(),
            provenance, by="trained_models", run_id=context.run_id, trigger=trigger,
        )
        context.log.info(f"{symbol}: {len(made[key].frame):,} rows, best held-out Brier skill {made[key].best_skill:+.4f}")
        context.add_asset_metadata(_told(made[key]), partition_key=key)
    cards = [card for trained in made.values() for card, _ in trained.versions]
    if trigger.request_id is not None:
        requests.finish(trigger.request_id, context.run_id, [card.model_id for card in cards], clock.wire_ms())
    return dg.MaterializeResult(
        metadata={
            "trigger": f"{trigger.kind}: {trigger.reason}",
            "content_hash": hash_json([name for card in cards for name in (card.dataset_hash, card.artefact_hash)]),
        },
        check_results=[_beats_the_base_rate(made)],
    )


def _told(trained: "TrainedSymbol") -> dict[str, dg.MetadataValue | str | int]:
    lines = ["| model | AUC | Brier | skill | ECE |", "|---|---|---|---|---|"]
    for card, model in trained.versions:
        s = model.test
        lines.append(f"| {card.model_id} | {s.auc:.4f} | {s.brier:.4f} | {s.brier_skill:+.4f} | {s.ece:.4f} |")
    return {
        "models": dg.MetadataValue.md("\n".join(lines)), "dataset_hash": trained.frame.dataset_hash,
        "dagster/row_count": len(trained.frame),
    }


def _beats_the_base_rate(made: Mapping[str, "TrainedSymbol"]) -> dg.AssetCheckResult:
    failed = {
        key: [] if trained.best_skill > 0 else [f"{symbol_of(key)}: best held-out Brier skill {trained.best_skill:+.4f}"]
        for key, trained in made.items()
    }
    return warn_by_symbol("beats_the_base_rate", failed, "a held-out Brier skill above 0 for every symbol", loudness="info")
