"""Fills an empty home with twelve days, their features and a model, through the same jobs as `huracan demo`."""

from __future__ import annotations

from huracan_platform.cli.world import running_world

FIRST, LAST = "2025-01-01", "2025-01-12"


def main() -> None:
    """The settings come from the environment; the database is stopped again at the end."""
    with running_world(replay=None) as world:
        from huracan_platform.definitions import defs
        from huracan_platform.defs.house import SYMBOLS
        from huracan_platform.defs.launch import run_job

        days, keys = (FIRST, LAST), SYMBOLS.get_partition_keys()
        assert world.settings.features.profile == "short_history"
        run_job(defs, "instruments_job")
        run_job(defs, "market_data_job", partitions=days)
        run_job(defs, "feature_job", partitions=days)
        run_job(defs, "training_job", partitions=(keys[0], keys[-1]))


if __name__ == "__main__":
    main()
