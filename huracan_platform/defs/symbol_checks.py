"""One evaluation of a check over the symbols of a run, told apart so that one symbol's pass does not end another's trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from huracan_platform.operations.check_incidents import BY_PARTITION, LOUDNESS


def warn_by_symbol(
    name: str, failed: Mapping[str, Sequence[str]], well: str, *, loudness: str = "warning"
) -> dg.AssetCheckResult:
    """A check that warns where a partition of the run has failures; `well` describes it where none has.

    Dagster evaluates a check once per run, and a run may hold several symbols.
    """
    told = {partition: "; ".join(reasons) for partition, reasons in failed.items()}
    return dg.AssetCheckResult(
        check_name=name,
        passed=not any(told.values()),
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(text for text in told.values() if text) or well,
        metadata={BY_PARTITION: dg.MetadataValue.json(told), LOUDNESS: loudness},
    )
