"""The session's job."""

import dagster as dg

from huracan_platform.defs.execution.assets import paper_session
from huracan_platform.settings import load_settings

# A run that hangs past the session's own bound is ended by run monitoring, a tenth later.
_bound_s = int(load_settings().execution.max_session_s * 1.1)

paper_session_job = dg.define_asset_job(
    "paper_session_job",
    selection=[paper_session],
    description="One bounded paper session",
    tags={"dagster/max_runtime": str(_bound_s), "dagster/max_retries": "0", "huracan/session": "paper"},
)
