"""What evaluates the assets' automation conditions."""

import dagster as dg

# Dagster's own sensor of this name is off until someone switches it on.
follow_up = dg.AutomationConditionSensorDefinition(
    "default_automation_condition_sensor",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Starts what the conditions of assets ask for: repaired days, judgements of new versions, contract terms daily",
)
