"""What Dagster loads: everything under `defs/`, run in one process unless an asset asks for more."""

import warnings

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill policies
warnings.filterwarnings("ignore", category=dg.PreviewWarning)  # loading a package of definitions

import huracan_platform.defs  # noqa: E402
from huracan_platform.defs.console import progress_logger  # noqa: E402
from huracan_platform.defs.resources import Platform  # noqa: E402

defs = dg.load_definitions_from_package_module(
    huracan_platform.defs,
    resources={"platform": Platform()},
    loggers={"console": progress_logger},
    executor=dg.in_process_executor,
)
