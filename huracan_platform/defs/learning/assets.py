"""Models: one partition per symbol, every architecture on the same data set, each entered as the next candidate."""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.defs.data.assets import candles
from huracan_platform.defs.features.assets import features
from huracan_platform.defs.house import OWNERS, SYMBOLS, symbol_of
from huracan_platform.defs.learning.triggers import trigger_of
from huracan_platform.defs.resources import Platform
from huracan_platform.defs.symbol_checks import warn_by_symbol


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
    from huracan_platform.brain.retraining import RetrainingRepository
    from huracan_platform.brain.trials import TrialLog
    from huracan_platform.learning.dataset import load_frame, newest_dataset
    from huracan_platform.learning.models.provenance import collect_provenance
    from huracan_platform.learning.pipeline import train_and_register

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    requests = RetrainingRepository(brain)
    trigger = trigger_of(context.run.tags, requests, market.clock().wire_ms())
    store, registry, provenance = platform.feature_store(brain), platform.registry(brain), collect_provenance()
    skills, made, row_count, hashes = dict[str, list[float]](), list[str](), 0, list[str]()
    for key in context.partition_keys:
        symbol = symbol_of(key)
        cost = platform.account_costs(market, symbol)
        spec = newest_dataset(store, market.venue, symbol, settings, market.clock())
        frame = load_frame(brain, store, spec, settings.features, settings.labels, cost)
        rows, row_count = [], row_count + len(frame)
        for architecture in settings.training.architectures:
            card, trained = train_and_register(
                registry,
                TrialLog(brain),
                frame,
                spec,
                architecture,
                settings,
                market.clock(),
                provenance,
                by="trained_models",
                run_id=context.run_id,
                trigger=trigger,
            )
            made.append(card.model_id)
            hashes += [card.dataset_hash, card.artefact_hash]
            scores = trained.test
            skills.setdefault(key, []).append(scores.brier_skill)
            rows.append(
                f"| {card.model_id} | {scores.auc:.4f} | {scores.brier:.4f} | {scores.brier_skill:+.4f} | {scores.ece:.4f} |"
            )
            context.log.info(
                f"{card.model_id}: held-out AUC {scores.auc:.3f}, Brier skill {scores.brier_skill:+.4f}, {len(frame):,} rows"
            )
        context.add_asset_metadata(
            {
                "models": dg.MetadataValue.md(
                    "\n".join(["| model | AUC | Brier | skill | ECE |", "|---|---|---|---|---|", *rows])
                ),
                "dataset_hash": frame.dataset_hash,
                "rows": len(frame),
            },
            partition_key=key,
        )
    if trigger.request_id is not None:
        requests.finish(trigger.request_id, context.run_id, made, market.clock().wire_ms())
    return dg.MaterializeResult(
        metadata={
            "trigger": f"{trigger.kind}: {trigger.reason}",
            "dagster/row_count": row_count,
            "content_hash": hash_json(hashes),
        },
        check_results=[
            warn_by_symbol(
                "beats_the_base_rate",
                {
                    key: [f"{symbol_of(key)}: best held-out Brier skill {max(found):+.4f}"] if max(found) <= 0 else []
                    for key, found in skills.items()
                },
                "a held-out Brier skill above 0 for every symbol",
                loudness="info",
            )
        ],
    )
