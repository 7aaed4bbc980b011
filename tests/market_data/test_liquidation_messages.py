"""What venues tell of liquidations, and the side that it means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from huracan_platform.errors import DataContractError
from huracan_platform.venues.liquidations import parse_liquidations
from huracan_platform.venues.listed import Contract
from tests.recorded import recorded_path, recording

FRAMES = "payloads/liquidation_frames_2026_10.jsonl"
NOW = 1_791_565_700_000


def recorded() -> list[dict[str, Any]]:
    path = recorded_path(FRAMES)
    return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []


def contracts_of(message: dict[str, Any], size: float) -> dict[str, Contract]:
    data = message["data"]
    rows = [data["o"]] if isinstance(data, dict) else data
    names = {row.get("s") or row.get("instId") for row in rows}
    return {name: Contract(f"{name}!", size) for name in names}


def test_recorded_frames_are_there() -> None:
    recording(FRAMES)
    assert {frame["venue"] for frame in recorded()} == {"binance_usdm", "bybit_linear", "okx_swap"}


@pytest.mark.parametrize("frame", recorded(), ids=lambda f: f["venue"])
def test_recorded_frames_mean_the_side_that_was_closed(frame) -> None:
    expect, message = frame["expect"], frame["raw"]
    size = expect.get("contract_size", 1.0)
    found = parse_liquidations(frame["venue"], message, "x", contracts_of(message, size), NOW)
    assert {told.side for told in found} == {expect["position_side"]}
    if "price" in expect:
        assert found[0].price == expect["price"]
    if "qty" in expect:
        assert found[0].quantity == pytest.approx(expect["qty"])
    assert all(told.known_ms == NOW for told in found)


def binance(**changed: str) -> dict[str, Any]:
    order = {"s": "BTCUSDT", "S": "SELL", "q": "2", "p": "100", "ap": "101", "X": "FILLED", "l": "1", "z": "1.5", "T": 1000}
    return {"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": 1100, "o": {**order, **changed}}}


BTC = {"BTCUSDT": Contract("BTC/USDT:USDT")}


def test_an_order_that_sold_closed_a_long_at_its_average_price() -> None:
    (told,) = parse_liquidations("binance_usdm", binance(), "x", BTC, 1100)
    assert (told.side, told.price, told.quantity, told.size_usd) == ("long", 101, 1.5, 151.5)
    assert (told.ts_ms, told.known_ms) == (1000, 1100)
    (other,) = parse_liquidations("binance_usdm", binance(S="BUY", z="0"), "x", BTC, 900)
    assert (other.side, other.price, other.quantity, other.known_ms) == ("short", 100, 2, 1000)


def test_the_same_event_has_one_id_however_often_it_comes_and_twins_in_a_message_have_two() -> None:
    row = {"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "1", "p": "10"}
    once, twin = parse_liquidations("bybit_linear", {"data": [row, row]}, "x", BTC, 9)
    (again,) = parse_liquidations("bybit_linear", {"data": [row]}, "x", BTC, 11)
    assert once.liquidation_id == again.liquidation_id != twin.liquidation_id
    assert once.side == "short"


def test_a_net_position_at_okx_takes_the_side_that_the_order_closed() -> None:
    detail = {"bkPx": "2", "posSide": "net", "side": "buy", "sz": "3", "ts": "7"}
    message = {"data": [{"instId": "BTC-USDT-SWAP", "details": [detail]}]}
    (told,) = parse_liquidations("okx_swap", message, "x", {"BTC-USDT-SWAP": Contract("BTC/USDT:USDT", 0.01)}, 9)
    assert (told.side, told.quantity) == ("short", 0.03)


@pytest.mark.parametrize("changed", [{"S": "LONG"}, {"p": "0", "ap": "0"}, {"q": "nan", "z": "nan"}, {"T": "soon"}, {"ap": "x"}])
def test_a_message_that_is_none_is_refused(changed) -> None:
    with pytest.raises(DataContractError, match="liquidations x: expected a liquidation of binance_usdm, got"):
        parse_liquidations("binance_usdm", binance(**changed), "x", BTC, 1100)


def test_what_is_not_asked_for_is_left_out() -> None:
    assert parse_liquidations("binance_usdm", binance(s="ETHUSDT"), "x", BTC, 1100) == []
