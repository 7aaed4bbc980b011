"""`huracan gates`: what the gates said about a model version, with reasons."""

from __future__ import annotations

from typing import Annotated

import typer

from huracan_platform.cli.output import JsonOption, emit, table


def gates(
    model_id: Annotated[str, typer.Option("--model-id", help="model version, as `huracan models` lists it")],
    as_json: JsonOption = False,
) -> None:
    """Print the newest verdict of each gate on one model version, with the reasons and every criterion."""
    from huracan_platform.brain.learning.verdicts import VerdictRepository, verdict_json
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.errors import PermanentError
    from huracan_platform.settings import load_settings

    verdicts = VerdictRepository(open_brain(load_settings(), Role.VIEWER)).latest(model_id)
    if not verdicts:
        raise PermanentError(f"gates: expected a model version that was judged, got {model_id!r}, which has no verdict")

    first = verdicts[0]

    def render() -> None:
        table(
            f"Gates of {model_id}, judged {first.judged_at:%Y-%m-%d %H:%M} UTC, thresholds v{first.thresholds_version}",
            ("gate", "verdict", "reason"),
            [(f"{v.gate} {v.name}", v.status.value, v.reason) for v in verdicts],
        )
        for verdict in verdicts:
            table(
                f"Gate {verdict.gate} {verdict.name}", ("criterion", "observed", "interval", "threshold", "n", "status", "note"),
                [
                    (c.name, _number(c.observed), c.interval and f"{c.interval[0]:.4g} … {c.interval[1]:.4g}",
                     f"{c.relation} {c.threshold:g}", c.sample_size, c.status.value, c.note)
                    for c in verdict.criteria
                ],
            )

    emit([verdict_json(v) for v in verdicts], as_json, render)


def register(app: typer.Typer) -> None:
    """Add `gates` to the command line."""
    app.command()(gates)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"
