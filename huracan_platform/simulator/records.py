"""What an account has asked for and what came of it: its orders, conditional orders and fills."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from huracan_platform.simulator.orders import Conditional, Fill, Order


@dataclass(eq=False)
class OrderRecords:
    """Orders by number, fills in the order in which they happened. `accepts` counts acceptances by client order id."""

    orders: dict[int, Order] = field(default_factory=dict)
    conditionals: dict[int, Conditional] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    accepts: Counter[str] = field(default_factory=Counter)
