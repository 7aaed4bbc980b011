"""What Dagster loads: everything under `defs/`, run in one process unless an asset asks for more."""

import dagster as dg

import huracan_platform.defs
from huracan_platform.defs.console import progress_logger
from huracan_platform.defs.resources import Platform

defs = dg.load_definitions_from_package_module(
    huracan_platform.defs, resources={"platform": Platform()}, loggers={"console": progress_logger}, executor=dg.in_process_executor
)
