"""What asks for a training besides the schedule, and the sensor that starts the trainings asked for."""

from datetime import timedelta

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.defs.automatic import sensor
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.judging.automation import training_job
from huracan_platform.defs.learning.triggers import REQUEST_TAG
from huracan_platform.defs.resources import Platform


@sensor(minimum_interval_seconds=30)
def drifted_models(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Ask for a training of a symbol whose version drifted critically; the cursor is the last measurement looked at.

    Many columns and many measurements in a row are one request: a symbol has one open at most, and a cool-down after it.
    """
    from huracan_platform.brain.learning.drift import DriftRepository
    from huracan_platform.brain.learning.retraining import RetrainingRepository
    from huracan_platform.clock import SystemClock
    from huracan_platform.contracts.trigger import Trigger, TriggerKind

    brain, settings = platform.brain(Role.DAGSTER), platform.settings()
    asked, now = [], SystemClock().wire_ms()
    for found in DriftRepository(brain).critical_since(int(context.cursor or 0)):
        reason = f"{found.model_id}: critical drift of {', '.join(found.columns)}"
        trigger = Trigger(TriggerKind.DRIFT, reason, "drifted_models", now)
        cool_down = timedelta(hours=settings.training.drift_cool_down_h)
        if RetrainingRepository(brain).request(found.venue, found.symbol, trigger, cool_down) is not None:
            asked.append(reason)
        context.update_cursor(str(max(int(context.cursor or 0), found.measurement_id)))
    return dg.SkipReason(f"asked for: {'; '.join(asked)}" if asked else "no new critical drift")


@sensor(minimum_interval_seconds=600)
def new_feature_days(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Ask for a training of a symbol that has `training.new_days` more feature days than its newest data set.

    The cursor is not needed: the newest version's data set is.
    """
    from huracan_platform.brain.learning.retraining import RetrainingRepository
    from huracan_platform.contracts.trigger import Trigger, TriggerKind
    from huracan_platform.learning.dataset import days_since_newest

    brain, settings, market = platform.brain(Role.DAGSTER), platform.settings(), platform.market()
    store, registry, asked = platform.feature_store(brain), platform.registry(brain), []
    for symbol in settings.symbols:
        days = days_since_newest(store, registry, market.venue, symbol, settings, market.clock())
        if days is None or days < settings.training.new_days:
            continue
        reason = f"{days} feature days since the newest data set of {symbol}"
        trigger = Trigger(TriggerKind.NEW_DATA, reason, "new_feature_days", market.clock().wire_ms())
        if RetrainingRepository(brain).request(market.venue, symbol, trigger) is not None:
            asked.append(reason)
    return dg.SkipReason("; ".join(asked) or "no symbol has enough new days")


@sensor(job=training_job, minimum_interval_seconds=15)
def requested_trainings(context: dg.SensorEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """One run per open request, keyed by its number: asked again for the same one, Dagster starts nothing."""
    from huracan_platform.brain.learning.retraining import RetrainingRepository

    symbols = platform.settings().symbols
    return [
        dg.RunRequest(
            run_key=f"retraining-{request.request_id}", partition_key=symbol_key(request.symbol),
            tags={REQUEST_TAG: str(request.request_id)},
        )
        for request in RetrainingRepository(platform.brain(Role.DAGSTER)).open() if request.symbol in symbols
    ]


@sensor(dg.run_failure_sensor, monitored_jobs=[training_job], minimum_interval_seconds=15)
def failed_trainings(context: dg.RunFailureSensorContext, platform: Platform) -> None:
    """Close the request of a training that failed: it made no model, and the symbol may be asked for again."""
    _close_request(context.dagster_run, platform)


@sensor(dg.run_status_sensor, run_status=dg.DagsterRunStatus.CANCELED, monitored_jobs=[training_job], minimum_interval_seconds=15)
def cancelled_trainings(context: dg.RunStatusSensorContext, platform: Platform) -> None:
    """Close the request of a training that a person or a shutdown ended: its symbol may be asked for again."""
    _close_request(context.dagster_run, platform)


def _close_request(run: dg.DagsterRun, platform: Platform) -> None:
    from huracan_platform.brain.learning.retraining import RetrainingRepository
    from huracan_platform.clock import SystemClock

    if REQUEST_TAG in run.tags:
        requests = RetrainingRepository(platform.brain(Role.DAGSTER))
        requests.finish(int(run.tags[REQUEST_TAG]), run.run_id, (), SystemClock().wire_ms())
