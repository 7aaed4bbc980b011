"""What the newest version of every architecture relied on, and the verdicts of seven gates on it, by rules and numbers only."""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_arrays, hash_json
from huracan_platform.contracts.model import GateStatus
from huracan_platform.defs.data.assets import candles, funding_rates
from huracan_platform.defs.features.assets import features
from huracan_platform.defs.house import OWNERS, SYMBOLS, TRAINED, picture, symbol_of
from huracan_platform.defs.learning.assets import trained_models
from huracan_platform.defs.resources import Platform
from huracan_platform.defs.symbol_checks import warn_by_symbol

WORST = 10  # columns shown per version


@dg.asset(
    group_name="models",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[trained_models],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=TRAINED,
    check_specs=[
        dg.AssetCheckSpec(
            "ranking_is_stable",
            asset="feature_importance",
            description="most of the best features of the version before are among the best again",
        )
    ],
    description="Features ranked by what the newest models make of them: contributions, and held-out loss when shuffled by days.",
)
def feature_importance(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Measure the newest version of each architecture for each symbol of the run on its held-out rows."""
    from huracan_platform.judging.evaluation.plots import importance_ranking
    from huracan_platform.judging.rank_features import rank_features

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    store, registry = platform.feature_store(brain), platform.registry(brain)
    rankings, unstable = list[str](), dict[str, list[str]]()
    for key in context.partition_keys:
        metadata: dict[str, dg.MetadataValue] = {}
        unstable[key], before_this = [], len(rankings)
        for architecture in settings.training.architectures:
            card = registry.newest(market.venue, symbol_of(key), architecture)
            if card is None:
                context.log.warning(f"{symbol_of(key)}: no {architecture} version to measure")
                continue
            found = rank_features(brain, store, registry, card, settings, market.clock())
            rankings += [repr(i) for i in found.ranking]
            best = ", ".join(i.feature for i in found.ranking[:5])
            before = f"{found.overlap:.0%} of the best as in {found.before}" if found.before else "no version before it"
            context.log.info(f"{card.model_id}: {best}; {before}")
            metadata[f"ranking_{architecture}"] = picture(importance_ranking(found.ranking, card.model_id))
            metadata[f"overlap_{architecture}"] = dg.MetadataValue.float(found.overlap)
            if found.overlap < settings.training.min_ranking_overlap:
                unstable[key].append(f"{card.model_id} shares {found.overlap:.0%} with {found.before}")
        context.add_asset_metadata({"dagster/row_count": len(rankings) - before_this, **metadata}, partition_key=key)
    return dg.MaterializeResult(
        metadata={"content_hash": hash_json(rankings)},
        check_results=[
            warn_by_symbol("ranking_is_stable", unstable, f"at least {settings.training.min_ranking_overlap:.0%} everywhere")
        ],
    )


@dg.asset(
    group_name="gates",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[trained_models, candles, funding_rates],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=TRAINED,
    description="Each gate on the newest models: pass, fail or insufficient evidence, with observed value, interval, threshold.",
)
def gate_verdicts(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Judge the newest version of each architecture for each symbol of the run."""
    from huracan_platform.judging.evaluation.plots import equity_curve, reliability_diagram
    from huracan_platform.judging.judge_model import judge_model

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    store, registry, found = platform.feature_store(brain), platform.registry(brain), list[str]()
    for key in context.partition_keys:
        metadata, before_this = dict[str, dg.MetadataValue](), len(found)
        for architecture in settings.training.architectures:
            card = registry.newest(market.venue, symbol_of(key), architecture)
            if card is None:
                context.log.warning(f"{symbol_of(key)}: no {architecture} version to judge")
                continue
            judged = judge_model(brain, store, registry, card, settings, market.clock())
            found += [repr((v.gate, v.criteria)) for v in judged.verdicts]
            passed = [v.gate for v in judged.verdicts if v.status is GateStatus.PASS]
            context.log.info(f"{card.model_id}: gates passed {passed or 'none'}")
            metadata[f"verdicts_{architecture}"] = dg.MetadataValue.md(
                "\n".join(
                    ["| gate | verdict | reason |", "|---|---|---|"]
                    + [f"| {v.gate} {v.name} | {v.status.value} | {v.reason} |" for v in judged.verdicts]
                )
            )
            evidence = judged.evidence
            if evidence.account is not None and evidence.founding is not None:
                accounts = {"account fees": evidence.account.daily, "founding fees": evidence.founding.daily}
                metadata[f"equity_{architecture}"] = picture(equity_curve(accounts, f"{card.model_id}, out of sample"))
                metadata[f"reliability_{architecture}"] = picture(
                    reliability_diagram(evidence.calibration.reliability, card.model_id)
                )
        context.add_asset_metadata({"dagster/row_count": len(found) - before_this, **metadata}, partition_key=key)
    return dg.MaterializeResult(
        metadata={"thresholds_version": settings.gates.version, "content_hash": hash_json(found)}
    )


@dg.asset(
    group_name="models",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[trained_models, features],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(
            "no_critical_drift",
            asset="model_drift",
            description="no feature of a version in use, nor its predictions, critically away from its training rows",
        )
    ],
    description="Live rows since training against the training rows of every version that may trade, by PSI; KS informs.",
)
def model_drift(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Measure every version that may trade, and the newest of each architecture, for each symbol of the run."""
    from huracan_platform.judging.drift_pages import DriftPages
    from huracan_platform.judging.watch_drift import watch_drift

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    store, registry, clock = platform.feature_store(brain), platform.registry(brain), market.clock()
    measured, critical = list[str](), dict[str, list[str]]()
    kept = DriftPages(brain, platform.artefact_root(), settings.training.drift_report_days)
    for key in context.partition_keys:
        critical[key], pages, before_this = [], dict[str, dg.MetadataValue](), len(measured)
        lines = ["| model | live rows | column | PSI | critical from | level |", "|---|---|---|---|---|---|"]
        for card in registry.in_use(market.venue, symbol_of(key), settings.execution.gateway, clock.wire_ms()):
            drift = watch_drift(brain, store, registry, kept, card, settings, clock)
            if drift.page:
                pages[f"page_{card.model_id}"] = dg.MetadataValue.path(drift.page)
            measured += [repr(c) for c in drift.columns]
            critical[key] += [f"{card.model_id} {c.column} PSI {c.psi:.3f} > {c.critical_psi:.3f}" for c in drift.critical]
            worst = sorted((c for c in drift.columns if c.psi == c.psi), key=lambda c: -c.psi)[:WORST]
            lines += [
                f"| {card.model_id} | {drift.rows} | {c.column} | {c.psi:.3f} | {c.critical_psi:.3f} | {c.level} |" for c in worst
            ]
        drifted = {"dagster/row_count": len(measured) - before_this, "drift": dg.MetadataValue.md("\n".join(lines)), **pages}
        context.add_asset_metadata(drifted, partition_key=key)
    return dg.MaterializeResult(
        metadata={"content_hash": hash_json(measured)},
        check_results=[warn_by_symbol("no_critical_drift", critical, f"{len(measured)} columns measured")],
    )


@dg.asset(
    group_name="models",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[trained_models, candles, funding_rates, features],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    description="Hourly net returns since training of the version in charge and those before it, by the backtest; no orders.",
)
def shadow_returns(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Follow every version that may have charge of each symbol of the run over the same bars."""
    from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
    from huracan_platform.judging.evaluation.plots import equity_curve
    from huracan_platform.judging.shadow import equity_of
    from huracan_platform.operations.activate import open_shadow

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    store, registry, returns, now = (
        platform.feature_store(brain), platform.registry(brain), ShadowReturnRepository(brain), market.clock().wire_ms()
    )
    hashes = list[str]()
    for key in context.partition_keys:
        symbol, new = symbol_of(key), 0
        standing = [g.model_id for g in registry.standing(market.venue, symbol, settings.execution.gateway, now)]
        shadow = open_shadow(settings, brain, registry, store, symbol)
        for model_id in standing:
            new += returns.add(shadow.returns_since_training(registry.card(model_id)), now)
            stored = returns.of_model(model_id)
            hashes.append(hash_arrays({"ts_ms": stored.ts_ms, "net": stored.net}))
        # The version in charge first: the picture shows its drawdown.
        curves = {model_id: equity_of(returns.of_model(model_id)) for model_id in standing[:-3:-1]}
        drawn = equity_curve({name: c for name, c in curves.items() if len(c.equity)}, f"{symbol}, shadow: sends nothing")
        context.add_asset_metadata(
            {"dagster/row_count": new, "equity": picture(drawn), "versions": ", ".join(standing) or "none"}, partition_key=key
        )
    return dg.MaterializeResult(metadata={"content_hash": hash_json(hashes)})
