"""Files that hold whole days, but not those of UTC."""

from __future__ import annotations

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.data.market_data.diagnosis.diagnosis import span_text
from huracan_platform.data.market_data.diagnosis.order import ZONE_MOST_MIN, ZONE_STEP_MIN

_DAY = DAY_MS // MINUTE_MS


def zone_days(candles: Candles) -> str | None:
    """What bars that fill whole days from one quarter of an hour on may be, None where they do not.

    Local times of a zone are so, and so is a sound file that was cut at the midnights of one: nothing in it tells which.
    """
    if len(candles) == 0 or len(candles) % _DAY:
        return None
    first, last = int(candles.ts_ms[0]), int(candles.ts_ms[-1])
    into_min = first % DAY_MS // MINUTE_MS
    if into_min == 0 or into_min % ZONE_STEP_MIN or last - first != (len(candles) - 1) * MINUTE_MS:
        return None
    late = into_min if into_min <= ZONE_MOST_MIN else into_min - _DAY
    return (
        f"they fill {len(candles) // _DAY} days that begin at {into_min // 60:02d}:{into_min % 60:02d}, as days of UTC do whose "
        f"times are {span_text(late)} late"
    )
