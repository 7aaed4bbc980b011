"""What versions would have earned hour by hour, beside each other on the same bars."""

from __future__ import annotations

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.rollback import ShadowReturns


class ShadowReturnRepository:
    """Hourly net returns per version. An hour keeps what was measured first."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def add(self, returns: ShadowReturns, wire_ms: int) -> int:
        """Store the hours that are not there yet; how many they were.

        A sequential test looked at the others already: they do not change under it, also where bars were revised since.
        """
        if len(returns.ts_ms) == 0:
            return 0
        with self._brain.connect() as connection:
            return connection.execute(
                """
                INSERT INTO shadow_returns (model_id, ts, net_return, recorded_at)
                SELECT %s, ts, net, %s FROM unnest(%s::timestamptz[], %s::float8[]) AS given (ts, net) ON CONFLICT DO NOTHING
                """,
                (returns.model_id, to_datetime(wire_ms), [to_datetime(int(t)) for t in returns.ts_ms], returns.net.tolist()),
            ).rowcount

    def of_model(self, model_id: str) -> ShadowReturns:
        """All hours of one version."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT ts, net_return FROM shadow_returns WHERE model_id = %s ORDER BY ts", (model_id,)
            ).fetchall()
        return ShadowReturns(
            model_id, np.array([to_ms(row[0]) for row in rows], np.int64), np.array([row[1] for row in rows], np.float64)
        )

    def symbols_since(self, shadow_id: int) -> list[tuple[int, str, str]]:
        """(newest id, venue, symbol) of each symbol with hours stored after that one."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT max(s.shadow_id), m.venue, m.symbol FROM shadow_returns s JOIN models m USING (model_id)"
                " WHERE s.shadow_id > %s GROUP BY m.venue, m.symbol ORDER BY 1", (shadow_id,),
            ).fetchall()
        return [(int(row[0]), row[1], row[2]) for row in rows]
