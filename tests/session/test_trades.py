"""Round trips from fills."""

from __future__ import annotations

from decimal import Decimal

from huracan_platform.contracts.order import Fill, Side
from huracan_platform.execution.positions import fold_fills
from huracan_platform.execution.trades import round_trips

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def fill(number: int, side: Side, quantity: str, price: str, fee: str = "0", symbol: str = BTC) -> Fill:
    figures = Decimal(quantity), Decimal(price), Decimal(fee)
    return Fill("v", "a", symbol, str(number), None, "1", side, *figures, "USDT", False, number)


def test_a_long_round_trip_pays_its_fees() -> None:
    trips = round_trips([fill(1, Side.BUY, "2", "100", "0.1"), fill(2, Side.SELL, "2", "110", "0.2")])
    assert [(t.side, t.quantity, t.pnl, t.fees) for t in trips] == [("long", Decimal(2), Decimal("19.7"), Decimal("0.3"))]
    assert (trips[0].opened_ms, trips[0].closed_ms) == (1, 2)


def test_partial_fills_average_and_an_open_position_is_no_trip() -> None:
    fills = [
        fill(1, Side.SELL, "1", "100"), fill(2, Side.SELL, "3", "104"), fill(3, Side.BUY, "2", "90"),
        fill(4, Side.BUY, "2", "92"), fill(5, Side.BUY, "1", "93"),
    ]
    trips = round_trips(fills)
    assert [(t.side, t.entry_price, t.exit_price, t.pnl) for t in trips] == [("short", Decimal(103), Decimal(91), Decimal(48))]


def test_symbols_do_not_mix_and_trips_come_in_the_order_of_closing() -> None:
    fills = [
        fill(1, Side.BUY, "1", "100"), fill(2, Side.BUY, "1", "10", symbol=ETH), fill(3, Side.SELL, "1", "11", symbol=ETH),
        fill(4, Side.SELL, "1", "101"),
    ]
    assert [(t.symbol, t.pnl) for t in round_trips(fills)] == [(ETH, Decimal(1)), (BTC, Decimal(1))]


def test_a_fill_that_turns_the_position_around_is_cut_in_two() -> None:
    fills = [fill(1, Side.BUY, "1", "100", "1"), fill(2, Side.SELL, "3", "110", "2"), fill(3, Side.BUY, "2", "100", "1")]
    trips = round_trips(fills)
    assert [(t.side, t.quantity, t.pnl) for t in trips] == [("long", Decimal(1), Decimal(7)), ("short", Decimal(2), Decimal(19))]
    position = fold_fills(BTC, fills)
    assert sum(t.pnl for t in trips) == position.realised_pnl - position.fees
