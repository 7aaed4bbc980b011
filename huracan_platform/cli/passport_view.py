"""A trade passport as a tree, from the fill down to the code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from huracan_platform.cli.output import console
from huracan_platform.contracts.passport import Passport

_SHORT = 16
_STYLE = {"pass": "green", "fail": "red", "insufficient_evidence": "yellow"}


def print_passport(passport: Passport) -> None:
    """Print the tree."""
    console.print(passport_tree(passport), highlight=False)


def passport_tree(passport: Passport) -> Tree:
    """Fill, order, decision, features, model, data set, checks, verdicts, authorisation, code, runs, and what is missing."""
    fill = passport.fill
    tree = Tree(
        f"[bold]fill {fill['fill_id']}[/bold]  {fill['side']} {fill['quantity']} {fill['symbol']} at {fill['price']}, "
        f"fee {fill['fee']} {fill['fee_asset']}, {fill['traded_at']:%Y-%m-%d %H:%M:%S}"
    )
    _order(tree, passport)
    _decision(tree, passport)
    _model(tree, passport)
    _judgement(tree, passport)
    tree.add("code  " + ", ".join(f"{name} {revision[:_SHORT]}" for name, revision in passport.code.items()))
    if passport.runs:
        tree.add("Dagster runs  " + ", ".join(f"{name} {run}" for name, run in passport.runs.items()))
    if passport.missing:
        branch = tree.add("[yellow]missing[/yellow]")
        for line in passport.missing:
            branch.add(escape(line))
    return tree


def _order(tree: Tree, passport: Passport) -> None:
    order = passport.order
    if order is None:
        return
    branch = tree.add(
        f"order  {order['client_order_id']}  {order['kind']} {order['side']} {order['quantity']}, {order['state']}, "
        f"epoch {order['epoch']}"
    )
    for event in passport.order_events:
        told = event["event"]
        branch.add(f"{event['at']:%H:%M:%S.%f} {told['kind']} {told.get('state', '')}  {event['hash'][:_SHORT]}")


def _decision(tree: Tree, passport: Passport) -> None:
    decision = passport.decision
    if decision is None:
        return
    branch = tree.add(f"decision  {decision.decision_id}  {decision.action} because {decision.reason} ({decision.link})")
    branch.add(f"bar {decision.bar_ts:%Y-%m-%d %H:%M}, decided {decision.decided_at:%H:%M:%S.%f}, session {decision.session_id}")
    branch.add("inputs  " + _pairs(decision.inputs))
    branch.add("output  " + _pairs(decision.output))
    branch.add("parameters  " + _pairs({name: value for name, value in decision.parameters.items() if value is not None}))
    for outcome in decision.outcomes:
        branch.add(escape(outcome))
    features = passport.features
    if features is not None:
        row = branch.add(
            f"feature row  {features.row_hash[:_SHORT]}  {len(features.values)} columns of {features.feature_set} "
            f"({features.profile}), set {features.set_hash[:_SHORT]}"
        )
        row.add(f"state  {(features.checkpoint_hash or 'empty')[:_SHORT]}, run from {features.state_from:%Y-%m-%d %H:%M}")
    live = passport.live_data
    if live is not None:
        branch.add(
            f"live data  {live.bars} bars {live.candles_hash[:_SHORT]}, funding {live.funding_hash[:_SHORT]}, known by "
            f"{live.as_of:%Y-%m-%d %H:%M:%S}, recorded by {live.recorded_before:%Y-%m-%d %H:%M:%S}"
        )


def _model(tree: Tree, passport: Passport) -> None:
    model, dataset = passport.model, passport.dataset
    if model is None:
        return
    branch = tree.add(
        f"model  {model.model_id}  {model.architecture} v{model.version}, {model.stage}, artefact {model.artefact_hash[:_SHORT]}"
    )
    branch.add(f"trained {model.trained_at:%Y-%m-%d %H:%M}, seeds {_pairs(model.seeds)}")
    if dataset is not None:
        data = branch.add(
            f"data set  {dataset.dataset_id}  {dataset.rows:,} rows of {dataset.first_day} to {dataset.last_day}, "
            f"{dataset.dataset_hash[:_SHORT]}"
        )
        data.add(f"known by {dataset.as_of:%Y-%m-%d %H:%M:%S}, recorded by {dataset.recorded_before:%Y-%m-%d %H:%M:%S}")
        days, bars = len(dataset.feature_day_hashes), len(dataset.candle_day_hashes)
        data.add(f"{days} feature days and {bars} candle days by hash (all in --json)")


def _judgement(tree: Tree, passport: Passport) -> None:
    checks = tree.add("data checks")
    for part in passport.checks:
        states = ", ".join(f"{count} {state}" for state, count in part.states.items())
        branch = checks.add(f"{part.dataset}: {states}")
        for day, why in list(part.not_good.items())[:5]:
            branch.add(escape(f"{day} {why}"))
    verdicts = tree.add("verdicts")
    for verdict in passport.verdicts:
        status = f"[{_STYLE[verdict.status]}]{verdict.status}[/]"
        verdicts.add(f"gate {verdict.gate} {verdict.name}: {status}  {escape(verdict.reason)}")
    leave = passport.authorisation
    if leave is not None:
        proof = "[yellow]unproven[/yellow]" if leave.unproven else "[green]gates 1 to 6 passed[/green]"
        tree.add(
            f"authorisation  {leave.gateway} by {leave.granted_by} until {leave.expires_at:%Y-%m-%d %H:%M}, {proof}: "
            f"{escape(leave.reason)}"
        )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_figure(value)}" for name, value in values.items())


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return "n/a" if math.isnan(value) else f"{value:.6g}"
    return str(value)
