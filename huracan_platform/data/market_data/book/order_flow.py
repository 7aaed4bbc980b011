"""Order-flow imbalance of best bids and asks.

Cont, Kukanov & Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12 (2014), equation 3.
"""

from __future__ import annotations

from huracan_platform.contracts.market import Float64


def order_flow(bid: Float64, bid_base: Float64, ask: Float64, ask_base: Float64) -> Float64:
    """What each update but the first adds to demand less supply, in base; n quotes in time order give n − 1 values.

    A better bid adds all that stands there, a worse one takes away all that stood there, an equal one adds the difference;
    asks the other way round.
    """
    demand = (bid[1:] >= bid[:-1]) * bid_base[1:] - (bid[1:] <= bid[:-1]) * bid_base[:-1]
    supply = (ask[1:] <= ask[:-1]) * ask_base[1:] - (ask[1:] >= ask[:-1]) * ask_base[:-1]
    return demand - supply
