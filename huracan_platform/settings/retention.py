"""How long what is only told, not known, is kept."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Section


class RetentionSettings(Section):
    """Facts, versions, books, orders and verdicts are kept for good; this is about what Dagster's runs said on their way."""

    run_log_days: int = Field(
        30, ge=1, description="days after which log lines and step events of finished runs go; materialisations and checks stay"
    )
