"""Options that the `huracan data` commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DAY = ["%Y-%m-%d"]
MINUTE = ["%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def known_dataset(name: str) -> str:
    """The name, if a dataset is called so. Which there are is asked here, because to know them takes half a second."""
    from huracan_platform.data.market_data.ingest import all_dataset_names

    if name not in all_dataset_names():
        raise typer.BadParameter(f"expected one of {', '.join(all_dataset_names())}, got {name}")
    return name


DatasetOption = Annotated[
    str, typer.Option(parser=known_dataset, metavar="NAME", help="candles, funding, … or a source of docs/sources.md")
]
