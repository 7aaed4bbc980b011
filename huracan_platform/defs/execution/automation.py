"""The session's job, and the nightly rehearsal of rolling each symbol back."""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.clock import SystemClock
from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.execution.assets import paper_session
from huracan_platform.defs.resources import Platform
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import load_settings

# A run that hangs past the session's own bound is ended by run monitoring, a tenth later.
_bound_s = int(load_settings().execution.max_session_s * 1.1)

paper_session_job = dg.define_asset_job(
    "paper_session_job",
    selection=[paper_session],
    description="One bounded paper session",
    tags={"dagster/max_runtime": str(_bound_s), "dagster/max_retries": "0", "huracan/session": "paper"},
)


@dg.op(description="Load each symbol's version before the one in charge and let it decide the newest 24 stored hours")
def rehearse_rollbacks(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Fail where a version that would have to take over has no answer; what is told is the failed run."""
    from huracan_platform.operations.activate import open_shadow
    from huracan_platform.operations.roll_back import RollbackDesk

    settings, brain, market = platform.settings(), platform.brain(Role.VIEWER), platform.market()
    store, registry, now = platform.feature_store(brain), platform.registry(brain), SystemClock().wire_ms()
    desk, failed = RollbackDesk(brain, registry, settings, market.clock), list[str]()
    for symbol in settings.symbols:
        if len(registry.standing(market.venue, symbol, settings.execution.gateway, now)) < 2:
            context.log.info(f"{symbol}: no version before the one in charge")
            continue
        try:
            found = desk.rehearse(open_shadow(settings, brain, registry, store, symbol), market.venue, symbol, now)
        except (DataContractError, PermanentError) as error:
            failed.append(f"{symbol}: {error}")
            continue
        answers = f"{found.model_id} answered {found.answered} of {found.asked} decision bars of {found.hours} hours"
        context.log.info(f"{symbol}: {answers}")
        failed += [] if found.ready else [f"{symbol}: {answers}"]
    if failed:
        raise DataContractError(f"rehearsal: expected the version before to take over, got {'; '.join(failed)}")


@dg.job(description="Would a rollback work tonight? Changes nothing")
def rehearsal_job() -> None:
    """One rehearsal for all symbols."""
    rehearse_rollbacks()


@schedule(job=rehearsal_job, cron_schedule="50 1 * * *")
def nightly_rehearsal(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Rehearse a rollback every night: the version before loads and replays 24 hours. After the training of the day before."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")
