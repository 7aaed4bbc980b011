"""Looking for what is missing, and filling it again."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Section


class RepairSettings(Section):
    """The nightly inventory and repair."""

    days: int = Field(
        30, ge=1, description="full days that the nightly run looks back over, comparing the library's rows with its books"
    )
