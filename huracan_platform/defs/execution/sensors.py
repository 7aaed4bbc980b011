"""Feeds the executor, and keeps it alive: what was authorised becomes a command, and a dead session is followed by another."""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.clock import SystemClock, to_datetime
from huracan_platform.defs.automatic import sensor
from huracan_platform.defs.execution.automation import paper_session_job
from huracan_platform.defs.lost_runs import LOST, is_lost
from huracan_platform.defs.resources import Platform
from huracan_platform.operations.keep_session import SessionRun

RUNS_LOOKED_AT = 10


@sensor(minimum_interval_seconds=15)
def hand_off_authorised_models(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Settle each new paper authorisation: one `model_authorised` command, or a withdrawal and an incident where the version is
    worse than the one in charge. The cursor is the last authorisation's id.

    A verdict and what follows from it are one transaction, and a grant is settled once: one that is looked at twice (the
    process died before the cursor moved, or `huracan authorise` was there first) is left alone. One comparison per
    evaluation, so that its time is bounded.
    """
    from huracan_platform.brain.learning.activations import ActivationRepository
    from huracan_platform.brain.learning.authorisations import AuthorisationRepository
    from huracan_platform.operations.activate import comparing, judge_activation, refusal_incident

    brain, settings = platform.brain(Role.DAGSTER), platform.settings()
    activations, registry = ActivationRepository(brain), platform.registry(brain)
    for authorisation_id, model_id in AuthorisationRepository(brain).since(int(context.cursor or 0), settings.execution.gateway):
        if not activations.settled(authorisation_id):
            card, now = registry.card(model_id), SystemClock().wire_ms()
            compare = comparing(settings, brain, registry)
            activation = judge_activation(
                registry, card, settings.execution.gateway, now, compare, by="hand_off_authorised_models"
            )
            incident = None if activation.takes_charge else refusal_incident(activation, card.symbol)
            activations.settle(authorisation_id, activation, incident)
            context.update_cursor(str(authorisation_id))
            return dg.SkipReason(f"{model_id} {activation.verdict}: {activation.reason}")
        context.update_cursor(str(authorisation_id))
    return dg.SkipReason("no new authorisation")


@sensor(minimum_interval_seconds=15)
def hand_off_policies(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Tell running sessions of each risk policy that was judged, approved or not; the cursor is the last verdict's id.

    While policies are off nobody is told: a session that opens with them on takes the approved one by itself. Telling twice
    is harmless: a session takes only what its symbol may use now, and that again changes nothing.
    """
    from huracan_platform.brain.execution.sessions import CommandRepository
    from huracan_platform.brain.learning.policies import PolicyRepository
    from huracan_platform.contracts.journal import CommandKind

    brain, enabled, told = platform.brain(Role.DAGSTER), platform.settings().risk_policy.enabled, []
    for verdict_id, policy_id in PolicyRepository(brain).verdicts_since(int(context.cursor or 0)):
        if enabled:
            CommandRepository(brain).put(CommandKind.POLICY_JUDGED, {"policy_id": policy_id}, "hand_off_policies")
            told.append(policy_id)
        context.update_cursor(str(verdict_id))
    return dg.SkipReason(f"handed over: {', '.join(told)}" if told else "no new verdict" if enabled else "risk policies are off")


@sensor(minimum_interval_seconds=30)
def rollback_models(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Look at each symbol with new shadow returns or new critical drift, and roll it back where a rule asks for it.

    The cursor holds the newest return and the newest drift measurement looked at. Looking twice is harmless: what was
    rolled back is not in charge any more, and the symbol has its cool-down.
    """
    from huracan_platform.brain.learning.drift import DriftRepository
    from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
    from huracan_platform.operations.roll_back import RollbackDesk

    brain, settings = platform.brain(Role.DAGSTER), platform.settings()
    shadow_id, measurement_id = (int(part) for part in (context.cursor or "0:0").split(":"))
    followed = ShadowReturnRepository(brain).symbols_since(shadow_id)
    drifted = DriftRepository(brain).critical_since(measurement_id)
    desk = RollbackDesk(brain, platform.registry(brain), settings, lambda: platform.market().clock())
    symbols = {(venue, symbol) for _, venue, symbol in followed} | {(d.venue, d.symbol) for d in drifted}
    now = SystemClock().wire_ms()
    said = [desk.follow_rule(venue, symbol, now, by="rollback_models").reason for venue, symbol in sorted(symbols)]
    newest = max([shadow_id, *(number for number, _, _ in followed)]), max([measurement_id, *(d.measurement_id for d in drifted)])
    context.update_cursor(f"{newest[0]}:{newest[1]}")
    return dg.SkipReason("; ".join(said) or "nothing new")


@sensor(job=paper_session_job, minimum_interval_seconds=5)
def keep_session(context: dg.SensorEvaluationContext, platform: Platform) -> dg.RunRequest | dg.SkipReason:
    """Relaunch the session that is wanted when no lease is held, after closing the runs of dead ones.

    A stale run would count against the limit of one session for ever. The cursor is not needed: leases, sessions and runs are.
    """
    from huracan_platform.brain.execution.leases import LeaseRepository
    from huracan_platform.brain.execution.sessions import SessionRepository, SwitchRepository
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.operations.check_incidents import run_key
    from huracan_platform.operations.keep_session import plan_session

    brain, gateway = platform.brain(Role.DAGSTER), platform.settings().execution.gateway
    records = context.instance.get_run_records(dg.RunsFilter(job_name=paper_session_job.name), limit=RUNS_LOOKED_AT)
    sessions = SessionRepository(brain).of_runs([r.dagster_run.run_id for r in records])
    runs = [_seen(context.instance, record, sessions) for record in records]
    leases = len(LeaseRepository(brain).running())
    if leases and not any(r.alive and (r.lost or r.session_ended is None) for r in runs):  # whatever came before, one trades now
        IncidentRepository(brain).resolve(to_datetime(SystemClock().wire_ms()), [run_key(paper_session_job.name, "")])
    plan = plan_session(SwitchRepository(brain).wanted(gateway), leases, runs)
    for record in records:
        if record.dagster_run.run_id in plan.close:
            context.instance.report_run_failed(record.dagster_run, f"run {record.dagster_run.run_id}: {LOST}")
    return dg.RunRequest() if plan.launch else dg.SkipReason(plan.reason)


def _seen(instance: dg.DagsterInstance, record: dg.RunRecord, sessions: dict[str, bool]) -> SessionRun:
    run, now = record.dagster_run, SystemClock().wire_ms() / 1000
    alive = not run.is_finished
    return SessionRun(
        run.run_id, alive, run.status is dg.DagsterRunStatus.FAILURE, now - record.create_timestamp.timestamp(),
        None if alive or record.end_time is None else now - record.end_time, sessions.get(run.run_id),
        is_lost(instance, run),
    )
