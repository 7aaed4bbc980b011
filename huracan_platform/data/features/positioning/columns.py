"""The columns of a row and the inputs beside its bar, each in its order. Meanings stand in `positioning_features`."""

from __future__ import annotations

from enum import IntEnum, auto


class _Placed(IntEnum):
    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[int]) -> int:
        return count


class Input(_Placed):
    """What the kernel is given beside a bar; NaN where it was not known at the bar's close."""

    FUNDING = auto()                # fraction per 8 h
    FUNDING_ELSEWHERE = auto()      # the same at the second venue
    CONTRACTS = auto()              # open interest, base
    SENTIMENT = auto()              # −1 to 1
    FEAR_GREED = auto()             # 0 to 1
    LONG_USD = auto()               # liquidated in the minute before the bar's
    SHORT_USD = auto()
    IN_CASCADE = auto()             # 1 where a cascade was on at that minute's end


class Column(_Placed):
    """Position of each feature in the row; the column's name is the member's name in lower case."""

    FUNDING_SPREAD = auto()
    FUNDING_SPREAD_MOMENTUM = auto()
    OI_CHANGE_60 = auto()
    OI_CHANGE_240 = auto()
    OI_CHANGE_1440 = auto()
    OI_TREND = auto()
    OI_RETURN_PRODUCT = auto()
    SENTIMENT_SCORE = auto()
    SENTIMENT_MOMENTUM = auto()
    SENTIMENT_DIVERGENCE = auto()
    FEAR_GREED = auto()
    LIQUIDATION_MOMENTUM = auto()
    LIQUIDATION_IMBALANCE = auto()
    LIQUIDATION_RATIO = auto()
    LIQUIDATION_DELTA = auto()
    LIQUIDATION_DENSITY = auto()
    CASCADE_INDICATOR = auto()
    POST_LIQUIDATION_MOMENTUM = auto()


INPUTS = tuple(given.name.lower() for given in Input)
