"""The columns of the set `positioning`: funding between venues, open interest, sentiment and liquidations."""

from __future__ import annotations

from huracan_platform.data.features.feature import Feature
from huracan_platform.data.features.positioning.columns import Column

C = Column
SPREAD, CONTRACTS, SCORE = ("funding", "funding_elsewhere"), ("contracts",), ("sentiment",)
LIQUIDATED, LIQUIDATED_OF_TRADED = ("long_usd", "short_usd"), ("long_usd", "short_usd", "close", "volume")

POSITIONING_FEATURES: tuple[Feature, ...] = (
    Feature(C.FUNDING_SPREAD, "funding", 0, 0, SPREAD, "last known rate less the second venue's, fractions per 8 h", "venues"),
    Feature(C.FUNDING_SPREAD_MOMENTUM, "funding", 1440, 1440, SPREAD, "funding_spread less that of 24 h ago", "standard"),
    *(Feature(column, "open_interest", k, k, CONTRACTS, f"ln(open interest / that known {k} min ago), in contracts", "standard")
      for column, k in ((C.OI_CHANGE_60, 60), (C.OI_CHANGE_240, 240), (C.OI_CHANGE_1440, 1440))),
    Feature(C.OI_TREND, "open_interest", 1440, 1440, CONTRACTS,
            "correlation of ln open interest with time over 24 h: −1 falling, 1 rising", "standard"),
    Feature(C.OI_RETURN_PRODUCT, "open_interest", 240, 240, ("contracts", "close"),
            "oi_change_240 · ln(close / close 240 min ago): above 0 where positions and price go the same way", "standard"),
    Feature(C.SENTIMENT_SCORE, "sentiment", 0, 0, SCORE,
            "mean score of the newest window of 15 min, −1 to 1; 0 without a text", "Hutto and Gilbert 2014"),
    Feature(C.SENTIMENT_MOMENTUM, "sentiment", 1440, 1440, SCORE, "sentiment_score less its mean over 24 h", "standard"),
    Feature(C.SENTIMENT_DIVERGENCE, "sentiment", 1440, 1440, ("sentiment", "close"),
            "(score − mean) / sd over 24 h, ddof 0, less 24 h log return / sqrt(sum of squared 1 min log returns)", "standard"),
    Feature(C.FEAR_GREED, "sentiment", 0, 0, ("fear_greed",), "index of the newest day known: 0 fear, 1 greed", "alternative.me"),
    Feature(C.LIQUIDATION_MOMENTUM, "liquidations", 60, 60, LIQUIDATED_OF_TRADED,
            "USD liquidated on both sides / USD traded, 60 min", "standard"),
    Feature(C.LIQUIDATION_IMBALANCE, "liquidations", 60, 60, LIQUIDATED,
            "(longs − shorts) / (longs + shorts) in USD, 60 min; 0 without any", "standard"),
    Feature(C.LIQUIDATION_RATIO, "liquidations", 1440, 1440, LIQUIDATED_OF_TRADED,
            "ln(longs / shorts) in USD over 24 h, to each side 1e-4 of the USD traded added", "standard"),
    Feature(C.LIQUIDATION_DELTA, "liquidations", 1440, 1440, LIQUIDATED_OF_TRADED,
            "(sum of longs − sum of shorts) / traded, in USD over 24 h", "standard"),
    Feature(C.LIQUIDATION_DENSITY, "liquidations", 60, 60, LIQUIDATED,
            "share of minutes with any liquidation, 60 min", "standard"),
    Feature(C.CASCADE_INDICATOR, "liquidations", 0, 0, ("in_cascade",),
            "1 where a cascade was on at the end of the minute before, as known at the close, else 0", "recorder"),
    Feature(C.POST_LIQUIDATION_MOMENTUM, "liquidations", 1500, 1499, ("long_usd", "short_usd", "close"),
            "log return of the 5 min after the newest large minute of 5 to 60 min ago, 0 without one; "
            "large: 3 times the mean of the day's minutes with any, of which there are 30", "standard"),
)
