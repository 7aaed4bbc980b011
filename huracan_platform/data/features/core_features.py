"""The columns of the set `core`: what can be had from candles and the venue's own funding."""

from __future__ import annotations

from huracan_platform.data.features.feature import Feature
from huracan_platform.data.features.kernels.columns import Column

C = Column
CLOSE, BAR, FLOW = ("close",), ("high", "low", "close"), ("high", "low", "close", "volume")
CLOSE_VOLUME, CLOCK, RATE = ("close", "volume"), ("ts",), ("funding",)
WILDER = "Wilder 1978, with simple means so that no seed matters"
AFML = "Lopez de Prado, Advances in Financial Machine Learning, ch. 19"


def _returns() -> list[Feature]:
    lags = ((C.LOG_RETURN_1, 1), (C.LOG_RETURN_5, 5), (C.LOG_RETURN_15, 15), (C.LOG_RETURN_60, 60),
            (C.LOG_RETURN_240, 240), (C.LOG_RETURN_1440, 1440))
    return [Feature(c, "price", k, k, CLOSE, f"ln(close / close {k} min ago)", "standard") for c, k in lags]


def _volatility() -> list[Feature]:
    windows = ((C.REALISED_VOL_15, 15), (C.REALISED_VOL_60, 60), (C.REALISED_VOL_240, 240), (C.REALISED_VOL_1440, 1440))
    return [
        Feature(c, "price", w, w, CLOSE, f"sqrt(mean of squared 1 min log returns, {w} min), per minute", "Andersen et al. 2003")
        for c, w in windows
    ]


CORE_FEATURES: tuple[Feature, ...] = (
    *_returns(),
    *_volatility(),
    Feature(C.VOL_RATIO_15, "price", 1440, 1440, CLOSE, "realised_vol_15 / realised_vol_1440", "standard"),
    Feature(C.VOL_RATIO_60, "price", 1440, 1440, CLOSE, "realised_vol_60 / realised_vol_1440", "standard"),
    Feature(C.ATR_14, "price", 14, 14, BAR, "mean log true range, 14 min", WILDER),
    Feature(C.ATR_60, "price", 60, 60, BAR, "mean log true range, 60 min", WILDER),
    Feature(C.RSI_14, "price", 14, 14, CLOSE, "gains / (gains + losses) of 1 min log returns, 14 min, in [0, 1]", WILDER),
    Feature(C.RSI_60, "price", 60, 60, CLOSE, "gains / (gains + losses) of 1 min log returns, 60 min, in [0, 1]", WILDER),
    Feature(C.EMA_DISTANCE_15, "price", 60, 60, CLOSE, "ln close − EMA(ln close, span 15)", "standard"),
    Feature(C.EMA_DISTANCE_60, "price", 240, 240, CLOSE, "ln close − EMA(ln close, span 60)", "standard"),
    Feature(C.EMA_DISTANCE_240, "price", 1440, 1440, CLOSE, "ln close − EMA(ln close, span 240)", "standard"),
    Feature(C.ZSCORE_60, "price", 60, 60, CLOSE, "(ln close − mean) / sd over 60 min, ddof 0", "standard"),
    Feature(C.ZSCORE_240, "price", 240, 240, CLOSE, "(ln close − mean) / sd over 240 min, ddof 0", "standard"),
    Feature(C.ZSCORE_1440, "price", 1440, 1440, CLOSE, "(ln close − mean) / sd over 1440 min, ddof 0", "standard"),
    Feature(C.EFFICIENCY_15, "price", 15, 15, CLOSE, "|net log return| / sum of |1 min log returns|, 15 min", "Kaufman 1995"),
    Feature(C.TREND_1440, "price", 1440, 1440, CLOSE,
            "24 h log return / sqrt(sum of squared 1 min log returns)", "market physics"),
    Feature(C.AUTOCORRELATION_240, "price", 240, 240, CLOSE,
            "sum r(t) r(t−1) / sum r(t)^2 over 240 min", "Lo and MacKinlay 1988"),
    Feature(C.RANGE_POSITION_24H, "price", 1500, 1440, BAR,
            "place of close in the range of 24 closed hours and the running one: 0 low, 1 high", "Williams %R"),
    Feature(C.RANGE_POSITION_7D, "price", 10140, 1440, BAR,
            "place of close in the range of up to 168 closed hours and the running one", "Williams %R"),
    Feature(C.VOLUME_RATIO_5, "volume", 1440, 1440, CLOSE_VOLUME, "mean volume 5 min / mean volume 24 h", "standard"),
    Feature(C.VOLUME_RATIO_30, "volume", 1440, 1440, CLOSE_VOLUME, "mean volume 30 min / mean volume 24 h", "standard"),
    Feature(C.VOLUME_RATIO_60, "volume", 1440, 1440, CLOSE_VOLUME, "mean volume 60 min / mean volume 24 h", "standard"),
    Feature(C.VOLUME_ZSCORE_1440, "volume", 1440, 1440, CLOSE_VOLUME, "(volume − mean) / sd over 24 h, ddof 0", "standard"),
    Feature(C.POC_DISTANCE, "volume", 1440, 1440, FLOW,
            "ln close − middle of the 10 bps price bin with most volume in 24 h (by typical price)",
            "Steidlmayer, Market Profile"),
    Feature(C.VALUE_AREA_POSITION, "volume", 1440, 1440, FLOW,
            "place of close in the bins around that one that hold 70 % of 24 h volume: 0 low edge, 1 high",
            "Steidlmayer, Market Profile"),
    Feature(C.VOLUME_WEIGHTED_RETURN_15, "volume", 15, 15, CLOSE_VOLUME, "sum r·volume / sum volume, 15 min", AFML),
    Feature(C.VOLUME_WEIGHTED_RETURN_60, "volume", 60, 60, CLOSE_VOLUME, "sum r·volume / sum volume, 60 min", AFML),
    Feature(C.SIGNED_VOLUME_60, "volume", 60, 60, CLOSE_VOLUME,
            "sum sign(r)·volume / sum volume, 60 min", "tick rule on bars, " + AFML),
    Feature(C.OBV_ZSCORE_240, "volume", 240, 240, CLOSE_VOLUME,
            "sum sign(r)·volume / sqrt(sum volume^2), 240 min", "Granville 1963, scaled"),
    Feature(C.MONEY_FLOW_60, "volume", 60, 60, FLOW, "sum of (2c−h−l)/(h−l)·volume / sum volume, log prices, 60 min", "Chaikin"),
    Feature(C.VWAP_DISTANCE_60, "volume", 60, 60, FLOW,
            "ln close − volume-weighted mean of log typical price, 60 min", "standard"),
    Feature(C.VWAP_DISTANCE_1440, "volume", 1440, 1440, FLOW,
            "ln close − volume-weighted mean of log typical price, 24 h", "standard"),
    Feature(C.ILLIQUIDITY_RATIO_60, "volume", 1440, 1440, CLOSE_VOLUME,
            "sum|r| / sum volume of 60 min over that of 24 h", "Amihud 2002"),
    Feature(C.TIME_OF_DAY_SIN, "time", 0, 0, CLOCK, "sin of the close's minute of the UTC day, one turn a day", "standard"),
    Feature(C.TIME_OF_DAY_COS, "time", 0, 0, CLOCK, "cos of the close's minute of the UTC day, one turn a day", "standard"),
    Feature(C.DAY_OF_WEEK_SIN, "time", 0, 0, CLOCK, "sin of the close's minute of the week from Monday 00:00 UTC", "standard"),
    Feature(C.DAY_OF_WEEK_COS, "time", 0, 0, CLOCK, "cos of the close's minute of the week from Monday 00:00 UTC", "standard"),
    Feature(C.FUNDING_RATE, "funding", 0, 0, RATE, "last known settled rate, fraction per 8 h", "venue"),
    Feature(C.FUNDING_ZSCORE, "funding", 0, 1439, RATE,
            "(rate − mean) / sd of the hourly samples, at least 24", "standard", "rank"),
    Feature(C.FUNDING_MOMENTUM, "funding", 1500, 1499, RATE, "rate − the hourly sample 24 samples before the newest", "standard"),
    Feature(C.TEMPERATURE, "physics", 1440, 0, CLOSE_VOLUME,
            "percentile rank of realised_vol_1440^2 · volume_ratio_60; 0.5 under 95 % of the samples", "market physics", "rank"),
    Feature(C.ENTROPY, "physics", 240, 0, CLOSE,
            "percentile rank of the permutation entropy (order 4) of 240 returns; 0.5 under 95 % of the samples",
            "Bandt and Pompe 2002", "rank"),
    *(Feature(column, "physics", 10140, 1440, BAR, f"1 in the phase {column.name[6:].lower()}, else 0", "market physics")
      for column in (C.PHASE_ACCUMULATION, C.PHASE_MARKUP, C.PHASE_DISTRIBUTION, C.PHASE_MARKDOWN)),
    Feature(C.VOLATILITY_REGIME, "physics", 1440, 0, CLOSE,
            "realised_vol_1440 against its 25/75/95th percentiles: 0 low, 1 normal, 2 high, 3 extreme", "market physics",
            "regime"),
    Feature(C.STRATEGY_REGIME, "physics", 1440, 1440, CLOSE, "0 range, 1 normal, 2 impulse, dwell 30 min", "market physics"),
)
