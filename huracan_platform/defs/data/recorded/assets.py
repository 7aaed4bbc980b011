"""What recorders hear, as an external asset: Dagster makes nothing of it and observes how it stands."""

import dagster as dg

from huracan_platform.defs.house import OWNERS

liquidation_stream = dg.AssetSpec(
    "liquidation_stream",
    group_name="market_data",
    owners=OWNERS,
    kinds={"websocket"},
    description=(
        "Forced closes as the venues tell them, heard by `huracan record liquidations` outside of Dagster. Observed every few "
        "minutes: frames, liquidations, the last event, the last hour's coverage and the day's gaps of each venue."
    ),
)
