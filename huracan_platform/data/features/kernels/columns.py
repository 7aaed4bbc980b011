"""The columns of a feature row, in the order in which they are stored. Their meaning stands in `registry`."""

from __future__ import annotations

from enum import IntEnum, auto


class Column(IntEnum):
    """Position of each feature in the row; the column's name is the member's name in lower case."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[int]) -> int:
        return count

    LOG_RETURN_1 = auto()
    LOG_RETURN_5 = auto()
    LOG_RETURN_15 = auto()
    LOG_RETURN_60 = auto()
    LOG_RETURN_240 = auto()
    LOG_RETURN_1440 = auto()
    REALISED_VOL_15 = auto()
    REALISED_VOL_60 = auto()
    REALISED_VOL_240 = auto()
    REALISED_VOL_1440 = auto()
    VOL_RATIO_15 = auto()
    VOL_RATIO_60 = auto()
    ATR_14 = auto()
    ATR_60 = auto()
    RSI_14 = auto()
    RSI_60 = auto()
    EMA_DISTANCE_15 = auto()
    EMA_DISTANCE_60 = auto()
    EMA_DISTANCE_240 = auto()
    ZSCORE_60 = auto()
    ZSCORE_240 = auto()
    ZSCORE_1440 = auto()
    EFFICIENCY_15 = auto()
    TREND_1440 = auto()
    AUTOCORRELATION_240 = auto()
    RANGE_POSITION_24H = auto()
    RANGE_POSITION_7D = auto()
    VOLUME_RATIO_5 = auto()
    VOLUME_RATIO_30 = auto()
    VOLUME_RATIO_60 = auto()
    VOLUME_ZSCORE_1440 = auto()
    POC_DISTANCE = auto()
    VALUE_AREA_POSITION = auto()
    VOLUME_WEIGHTED_RETURN_15 = auto()
    VOLUME_WEIGHTED_RETURN_60 = auto()
    SIGNED_VOLUME_60 = auto()
    OBV_ZSCORE_240 = auto()
    MONEY_FLOW_60 = auto()
    VWAP_DISTANCE_60 = auto()
    VWAP_DISTANCE_1440 = auto()
    ILLIQUIDITY_RATIO_60 = auto()
    TIME_OF_DAY_SIN = auto()
    TIME_OF_DAY_COS = auto()
    DAY_OF_WEEK_SIN = auto()
    DAY_OF_WEEK_COS = auto()
    FUNDING_RATE = auto()
    FUNDING_ZSCORE = auto()
    FUNDING_MOMENTUM = auto()
    TEMPERATURE = auto()
    ENTROPY = auto()
    PHASE_ACCUMULATION = auto()
    PHASE_MARKUP = auto()
    PHASE_DISTRIBUTION = auto()
    PHASE_MARKDOWN = auto()
    VOLATILITY_REGIME = auto()
    STRATEGY_REGIME = auto()
