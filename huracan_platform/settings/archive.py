"""Import of bulk history from files."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class ArchiveSettings(Section):
    """The importer of archives, and the repair from them."""

    dir: Path | None = Field(
        None, description="folder of archive files, in the archive's tree, that a repair looks into last; None: no such folder"
    )
    price_tolerance: Fraction = Field(
        0.01, description="quote per base of a bar may leave its low and high by this fraction; beyond it columns are swapped"
    )
    taker_volumes: bool = Field(
        False, description="store also what takers bought and sold in each 5 minutes, which files of 1m klines tell"
    )
    most_csv_mb: float = Field(1024.0, gt=0, description="a CSV larger than this is not read: it would not fit into memory")
    keep_refused_mb: float = Field(
        16.0, ge=0, description="a refused file up to this size is kept whole in quarantine, a larger one by name and SHA-256"
    )
