"""Risk policies: a partition per symbol, trained on its best model's out-of-sample decisions and compared on the newest part."""

import dagster as dg
from pydantic import Field

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.policy import PolicyVerdict
from huracan_platform.defs.features.assets import features
from huracan_platform.defs.house import OWNERS, SYMBOLS, picture, symbol_of
from huracan_platform.defs.judging.assets import gate_verdicts
from huracan_platform.defs.learning.assets import trained_models
from huracan_platform.defs.resources import Platform


class PolicyConfig(dg.Config):
    """How long to train."""

    timesteps: int | None = Field(None, description="decision bars per seed; none: the settings' number")
    seeds: int | None = Field(None, ge=3, description="policies trained alike; none: the settings' number")


@dg.asset(
    group_name="policies",
    owners=OWNERS,
    kinds={"python", "pytorch", "postgres"},
    deps=[trained_models, gate_verdicts, features],
    partitions_def=SYMBOLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    description="Risk policies (leverage, size, stop) by PPO, and their verdicts against rules, fixed defaults and no trading.",
)
def rl_policies(context: dg.AssetExecutionContext, platform: Platform, config: PolicyConfig) -> dg.MaterializeResult:
    """Train and judge a policy for each symbol of the run that has a model."""
    from huracan_platform.judging.evaluation.plots import equity_curve, training_curve
    from huracan_platform.judging.judge_policy import base_version, train_and_judge
    from huracan_platform.learning.models.provenance import collect_provenance
    from huracan_platform.learning.policies.registry import PolicyRegistry

    settings, brain, market = platform.settings(), platform.brain(Role.TRAINER), platform.market()
    store, registry, provenance = platform.feature_store(brain), platform.registry(brain), collect_provenance()
    policies, made = PolicyRegistry(brain, platform.artefact_root()), list[str]()
    for key in context.partition_keys:
        model = base_version(registry, market.venue, symbol_of(key), settings)
        if model is None:
            context.log.warning(f"{symbol_of(key)}: no model to train a policy on")
            context.add_asset_metadata({"dagster/row_count": 0}, partition_key=key)
            continue
        judged = train_and_judge(
            brain, store, policies, model, settings, market.clock(), provenance, timesteps=config.timesteps, seeds=config.seeds
        )
        made.append(judged.card.artefact_hash)
        verdict, title = judged.verdict, f"{judged.card.policy_id}, held out"
        context.log.info(f"{judged.card.policy_id} on {model.model_id}: winner {verdict.winner}; {verdict.reason}")
        context.add_asset_metadata(
            {
                "dagster/row_count": 1,
                "comparison": dg.MetadataValue.md(_table(verdict)),
                "winner": verdict.winner,
                "approved": verdict.approved,
                "equity": picture(equity_curve(judged.equity, title)),
                "training": picture(training_curve(judged.curves, judged.card.policy_id)),
            },
            partition_key=key,
        )
    return dg.MaterializeResult(metadata={"content_hash": hash_json(made)})


def _table(verdict: PolicyVerdict) -> str:
    lines = ["| policy | score | log growth | drawdown | trades | lead of the trained one |", "|---|---|---|---|---|---|"]
    for c in verdict.contenders:
        lead = "" if c.lead is None else f"{c.lead[0]:+.4f} to {c.lead[1]:+.4f}"
        lines.append(f"| {c.name} | {c.score:+.4f} | {c.log_growth:+.4f} | {c.max_drawdown:.2%} | {c.trades} | {lead} |")
    return "\n".join([*lines, "", f"{'Approved' if verdict.approved else 'Not approved'}: {verdict.reason}."])
