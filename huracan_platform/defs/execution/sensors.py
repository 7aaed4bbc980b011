"""Feeds the executor: what was authorised becomes a command in the table that the running session polls."""

import dagster as dg

from huracan_platform.defs.resources import Platform


@dg.sensor(minimum_interval_seconds=15, default_status=dg.DefaultSensorStatus.RUNNING)
def hand_off_authorised_models(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Put one `model_authorised` command per new paper authorisation; the cursor is the last authorisation's id.

    A command put twice (the process died between writing and moving the cursor) is harmless: the session appoints the
    same version again.
    """
    from huracan_platform.brain.authorisations import AuthorisationRepository
    from huracan_platform.brain.sessions import CommandRepository
    from huracan_platform.contracts.journal import CommandKind

    brain = platform.brain()
    found = AuthorisationRepository(brain).since(int(context.cursor or 0), platform.settings().execution.gateway)
    for authorisation_id, model_id in found:
        CommandRepository(brain).put(CommandKind.MODEL_AUTHORISED, {"model_id": model_id}, "hand_off_authorised_models")
        context.update_cursor(str(authorisation_id))
    return dg.SkipReason(f"handed over: {', '.join(m for _, m in found)}" if found else "no new authorisation")
