"""Import of bulk history from files."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class ArchiveSettings(Section):
    """The importer of archives."""

    price_tolerance: Fraction = Field(
        0.01, description="quote per base of a bar may leave its low and high by this fraction; beyond it columns are swapped"
    )
    keep_refused_mb: float = Field(
        16.0, ge=0, description="a refused file up to this size is kept whole in quarantine, a larger one by name and SHA-256"
    )
