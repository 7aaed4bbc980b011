"""Every pre-trade check: passes inside its limit, passes on it, denies beyond it with its code and figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderKind, OrderRequest, Side, TradingState
from huracan_platform.decision.risk.checks import CHECK_NAMES, run_all
from huracan_platform.decision.risk.inputs import Exposure, Purpose, RiskInputs
from huracan_platform.decision.risk.limits import risk_limits
from huracan_platform.settings import Settings

D = Decimal
BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
INSTRUMENT = Instrument("v", BTC, D("0.1"), D("0.001"), D("0.001"), D(5), D(100))
LIMITS = replace(
    risk_limits(Settings()), price_collar=D("0.02"), period_collar=D("0.08"), max_order_usd=D(25000),
    max_order_quantity=D(50), max_symbol_leverage=D(1), max_gross_leverage=D(2), max_net_leverage=D("1.5"),
    max_daily_loss=D("0.05"), max_drawdown=D("0.10"), max_open_orders=20, max_clock_skew_ms=500, stale_feature_ms=150_000,
)
MARKET = OrderRequest(BTC, Side.BUY, OrderKind.MARKET, D("0.1"), False)
SHORT = replace(MARKET, side=Side.SELL)
LIMIT = OrderRequest(BTC, Side.BUY, OrderKind.LIMIT, D("0.1"), False, price=D(50000))
REDUCE = OrderRequest(BTC, Side.SELL, OrderKind.MARKET, D("0.1"), True)
STOP = OrderRequest(BTC, Side.SELL, OrderKind.STOP_MARKET, D("0.1"), True, trigger=D(40000))
GOOD = RiskInputs(
    request=MARKET, purpose=Purpose.STRATEGY, instrument=INSTRUMENT, limits=LIMITS, trading_state=TradingState.ACTIVE,
    mark=D(50000), period_low=D(50000), period_high=D(50000), exposures=(), equity=D(100000), day_start_equity=D(100000),
    high_water_mark=D(100000), open_orders=0, unknown_symbols=(), skew_ms=0, now_ms=1000, model_id="m", authorised_until_ms=2000,
    feature_age_ms=60_000,
)


def exposure(symbol: str = BTC, position: str = "0", buying: str = "0", selling: str = "0", mark: str = "50000") -> Exposure:
    return Exposure(symbol, D(position), D(buying), D(selling), D(mark))


def test_every_check_has_a_name_for_people() -> None:
    assert {outcome.code.partition(".")[0] for outcome in run_all(GOOD)} == set(CHECK_NAMES)


LONG = (exposure(position="0.1"),)
AT_THE_LIMIT = [
    ("P1.order", {"request": replace(LIMIT, price=D(51000))}),
    ("P1.order", {"request": replace(LIMIT, price=D(49000))}),
    ("P1.period", {"period_low": D("46296.3"), "period_high": D(50000)}),
    ("P2", {"request": replace(MARKET, quantity=D("0.5"))}),
    ("P3", {"request": replace(MARKET, quantity=D(50)), "mark": D(100), "period_low": D(100), "period_high": D(100)}),
    ("P8.symbol", {"exposures": (exposure(position="1.9"),)}),
    ("P8.symbol", {"exposures": (exposure(position="1.0", buying="0.9"),)}),
    ("P8.symbol", {"request": SHORT, "exposures": (exposure(position="-1.9"),)}),
    ("P8.symbol", {"request": SHORT, "exposures": (exposure(position="1.9"),)}),
    ("P8.gross", {"exposures": (exposure(ETH, "-3.9", mark="50000"),)}),
    ("P8.net", {"exposures": (exposure(ETH, "2.9", mark="50000"),)}),
    ("P8.net", {"request": SHORT, "exposures": (exposure(ETH, "-2.9", mark="50000"),)}),
    ("P8.daily_loss", {"equity": D("95000.01")}),
    ("P8.drawdown", {"equity": D("99000"), "day_start_equity": D(99000), "high_water_mark": D("109999")}),
    ("P12.minimum", {"request": replace(MARKET, quantity=D("0.001")), "mark": D(5000), "period_low": D(5000)}),
    ("P13", {"request": REDUCE, "exposures": LONG}),
    ("P14", {"request": REDUCE, "exposures": LONG, "trading_state": TradingState.REDUCING}),
    ("P14", {"request": STOP, "exposures": LONG, "trading_state": TradingState.HALTED, "purpose": Purpose.PROTECT}),
    ("P16", {"skew_ms": -500}),
    ("P16", {"request": STOP, "exposures": LONG, "skew_ms": 900, "purpose": Purpose.PROTECT}),
    ("P17.authorisation", {"now_ms": 1999}),
    ("P17.authorisation", {"request": REDUCE, "exposures": LONG, "model_id": None, "authorised_until_ms": None}),
    ("P17.features", {"feature_age_ms": 150_000}),
    ("P18.open_orders", {"open_orders": 19}),
    ("P18.unknown", {"request": REDUCE, "exposures": LONG, "unknown_symbols": (ETH,)}),
]
BEYOND = [
    ("P1.order", {"request": replace(LIMIT, price=D("51000.1"))}, "0.020002"),
    ("P1.order", {"request": replace(LIMIT, price=D("48999.9"))}, "0.020002"),
    ("P1.order", {"mark": None}, "no mark"),
    ("P1.period", {"period_low": D(46296)}, "0.080007"),
    ("P1.period", {"period_high": D(54400)}, "0.080882"),
    ("P1.period", {"period_low": None, "period_high": None}, "no marks"),
    ("P2", {"request": replace(MARKET, quantity=D("0.501"))}, "25050.000 USD"),
    ("P3", {"request": replace(MARKET, quantity=D("50.001"))}, "50.001"),
    ("P3", {"instrument": replace(INSTRUMENT, max_quantity=D("0.05"))}, "0.1"),
    ("P8.symbol", {"exposures": (exposure(position="1.901"),)}, "1.000500"),
    ("P8.symbol", {"exposures": (exposure(position="-1.8", selling="0.3"),)}, "1.050000"),
    ("P8.symbol", {"request": SHORT, "exposures": (exposure(position="-1.901"),)}, "1.000500"),
    ("P8.gross", {"exposures": (exposure(ETH, "-3.901"),)}, "2.000500"),
    ("P8.net", {"exposures": (exposure(ETH, "2.901"),)}, "1.500500"),
    ("P8.net", {"request": SHORT, "exposures": (exposure(ETH, "-2.901"),)}, "1.500500"),
    ("P8.symbol", {"equity": D(0)}, "Infinity"),
    ("P8.daily_loss", {"equity": D(95000)}, "0.050000"),
    ("P8.drawdown", {"equity": D(99000), "day_start_equity": D(99000), "high_water_mark": D(110000)}, "0.100000"),
    ("P12.grid", {"request": replace(MARKET, quantity=D("0.1005"))}, "0.1005"),
    ("P12.grid", {"request": replace(LIMIT, price=D("50000.05"))}, "50000.05"),
    ("P12.grid", {"instrument": None}, BTC),
    ("P12.minimum", {"request": replace(MARKET, quantity=D("0.001")), "mark": D(4999)}, "0.001, 4.999 USD"),
    ("P12.numbers", {"request": replace(LIMIT, price=None)}, "quantity 0.1, price None, trigger None"),
    ("P12.numbers", {"request": replace(MARKET, trigger=D(1))}, "quantity 0.1, price None, trigger 1"),
    ("P13", {"request": replace(REDUCE, quantity=D("0.101")), "exposures": LONG}, "sell 0.101"),
    ("P13", {"request": replace(REDUCE, side=Side.BUY), "exposures": LONG}, "buy 0.1"),
    ("P13", {"request": REDUCE}, "sell 0.1"),
    ("P14", {"trading_state": TradingState.REDUCING}, "reducing"),
    ("P14", {"request": REDUCE, "exposures": LONG, "trading_state": TradingState.HALTED}, "halted"),
    ("P16", {"skew_ms": 501}, "501 ms"),
    ("P16", {"skew_ms": -501}, "-501 ms"),
    ("P17.authorisation", {"now_ms": 2000}, "2000"),
    ("P17.authorisation", {"authorised_until_ms": None}, "none"),
    ("P17.features", {"feature_age_ms": 150_001}, "150001 ms"),
    ("P17.features", {"feature_age_ms": None}, "no feature row"),
    ("P18.open_orders", {"open_orders": 20}, "20"),
    ("P18.unknown", {"unknown_symbols": (ETH,)}, ETH),
    ("P18.unknown", {"request": STOP, "exposures": LONG, "unknown_symbols": (BTC,), "purpose": Purpose.PROTECT}, BTC),
]


def failed(inputs: RiskInputs) -> dict[str, str]:
    return {o.code: o.observed for o in run_all(inputs) if not o.passed}


@pytest.mark.parametrize("request_", [MARKET, LIMIT])
def test_a_sound_order_passes_every_check(request_: OrderRequest) -> None:
    outcomes = run_all(replace(GOOD, request=request_))
    assert [o.code for o in outcomes if not o.passed] == []
    assert {o.code.split(".")[0] for o in outcomes} == {"P1", "P2", "P3", "P8", "P12", "P13", "P14", "P16", "P17", "P18"}


@pytest.mark.parametrize(("code", "change"), AT_THE_LIMIT, ids=lambda v: v if isinstance(v, str) else "")
def test_a_check_passes_on_its_limit(code: str, change: dict) -> None:
    assert code not in failed(replace(GOOD, **change))


@pytest.mark.parametrize(("code", "change", "observed"), BEYOND)
def test_a_check_denies_beyond_its_limit_with_code_and_figures(code: str, change: dict, observed: str) -> None:
    inputs = replace(GOOD, **change)
    assert failed(inputs)[code] == observed
    assert all(o.message and o.limit for o in run_all(inputs) if not o.passed)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "-0.1", "0"])
@pytest.mark.parametrize("where", ["quantity", "price", "trigger"])
def test_figures_that_are_no_positive_numbers_are_refused_before_anything_computes_with_them(bad: str, where: str) -> None:
    outcomes = run_all(replace(GOOD, request=replace(LIMIT, **{where: D(bad)})))
    assert [(o.code, o.passed) for o in outcomes] == [("P12.numbers", False)]


def test_limits_on_risk_never_hold_a_reducing_order_back() -> None:
    ruined = replace(
        GOOD, request=REDUCE, exposures=LONG, equity=D(0), trading_state=TradingState.REDUCING, authorised_until_ms=None,
        mark=None, feature_age_ms=None, period_low=None, period_high=None, unknown_symbols=(ETH,),
    )
    assert failed(ruined) == {}


def test_orders_that_may_stand_at_the_venue_use_up_the_limit() -> None:
    assert "P8.symbol" in failed(replace(GOOD, exposures=(exposure(buying="1.95"),)))
    assert "P8.symbol" not in failed(replace(GOOD, exposures=(exposure(selling="1.95"),)))
