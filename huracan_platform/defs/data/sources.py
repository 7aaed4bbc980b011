"""An asset for each registered source, with the contract and the six checks."""

from functools import partial

import dagster as dg

from huracan_platform.data.sources.registry import SOURCES
from huracan_platform.data.sources.source import Source
from huracan_platform.defs.data.assets import candles, instruments
from huracan_platform.defs.data.ingesting import day_asset, ingested, with_others
from huracan_platform.defs.house import DayRunConfig
from huracan_platform.defs.resources import Platform


def source_asset(source: Source) -> dg.AssetsDefinition:
    """The asset of one source, called as its dataset, a partition per UTC day."""
    name = source.contract.name

    @day_asset(
        name=name,
        deps=[instruments, candles],
        description=source.description,
        metadata={column.name: column.expected for column in source.contract.columns},
    )
    def days_of_source(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
        """Fetch, check and store the run's days; then those of the alternatives where the settings want them."""
        from huracan_platform.data.market_data.ingest import ingest_source

        result = ingested(context, platform, config, name, partial(ingest_source, source))
        return with_others(result, context, platform, config, name)

    return days_of_source


source_assets = [source_asset(source) for source in SOURCES]
