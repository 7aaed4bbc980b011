"""Pre-trade checks: pure functions over one frozen set of inputs, all run on every order.

Numbers of the checks follow the safety contract (MiFID II RTS 6 art. 12 and 15, SEC rule 15c3-5). Only orders that can
add risk meet the limits on exposure, loss, authorisation and UNKNOWN: an order that can only reduce must never be kept
in by them. Each check gives what it observed and the limit, so that a denial explains itself.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from huracan_platform.contracts.order import OrderKind, TradingState
from huracan_platform.decision.risk.inputs import CheckOutcome, Purpose, RiskInputs

Check = Callable[[RiskInputs], CheckOutcome]
# What a person reads instead of a code.
CHECK_NAMES = {
    "P1": "price collar", "P2": "value of the order", "P3": "quantity of the order", "P8": "exposure, daily loss or drawdown",
    "P12": "tick, lot and minimum sizes", "P13": "reduce-only must reduce", "P14": "trading is reduced or halted",
    "P16": "clocks disagree", "P17": "authorisation, or age of the features", "P18": "open or unknown orders",
}


def _outcome(code: str, passed: bool, observed: object, limit: object, message: str) -> CheckOutcome:
    return CheckOutcome(code, passed, str(observed), str(limit), "" if passed else message)


def _share(part: Decimal, whole: Decimal) -> Decimal:
    # no equity left: any exposure at all is beyond every limit
    return part / whole if whole > 0 else Decimal("Infinity") if part > 0 else Decimal(0)


def numbers_are_valid(inputs: RiskInputs) -> bool:
    """True when every figure of the request is finite and positive; the others cannot judge it otherwise."""
    request = inputs.request
    given = [request.quantity, *(p for p in (request.price, request.trigger) if p is not None)]
    return all(isinstance(v, Decimal) and v.is_finite() and v > 0 for v in given)


def check_order_collar(inputs: RiskInputs) -> CheckOutcome:
    """P1, per order: price within the collar around the mark.

    A trigger is meant to be far from the mark, and a reduce-only market order has no price of its own: both pass.
    """
    request, limit = inputs.request, inputs.limits.price_collar
    if request.trigger is not None or (request.price is None and not inputs.adds_risk):
        return _outcome("P1.order", True, request.kind.value, limit, "")
    if inputs.mark is None or inputs.price is None:
        return _outcome("P1.order", False, "no mark", "a mark", f"{request.symbol}: no mark price to judge the order against")
    distance = abs(inputs.price - inputs.mark) / inputs.mark
    message = f"price {inputs.price} is {distance:.4%} from mark {inputs.mark}"
    return _outcome("P1.order", distance <= limit, f"{distance:.6f}", limit, message)


def check_period_collar(inputs: RiskInputs) -> CheckOutcome:
    """P1, over a period: price within the wider collar around every mark of the period. Risk-adding orders only."""
    limit = inputs.limits.period_collar
    if not inputs.adds_risk:
        return _outcome("P1.period", True, "reduce-only", limit, "")
    if inputs.period_low is None or inputs.period_high is None or inputs.price is None:
        return _outcome("P1.period", False, "no marks", "marks", f"{inputs.request.symbol}: no marks in the collar's period")
    distance = max(abs(inputs.price - edge) / edge for edge in (inputs.period_low, inputs.period_high))
    message = f"price {inputs.price} is {distance:.4%} from marks between {inputs.period_low} and {inputs.period_high}"
    return _outcome("P1.period", distance <= limit, f"{distance:.6f}", limit, message)


def check_order_value(inputs: RiskInputs) -> CheckOutcome:
    """P2: quantity times price at most the limit. Risk-adding orders only: a large position must be closable."""
    value = inputs.request.quantity * (inputs.price or Decimal(0))
    passed = not inputs.adds_risk or value <= inputs.limits.max_order_usd
    return _outcome("P2", passed, f"{value} USD", f"{inputs.limits.max_order_usd} USD", f"order value {value} USD over the limit")


def check_order_quantity(inputs: RiskInputs) -> CheckOutcome:
    """P3: quantity at most ours and the venue's limit."""
    limit = inputs.limits.max_order_quantity
    if inputs.instrument is not None:
        limit = min(limit, inputs.instrument.max_quantity)
    quantity = inputs.request.quantity
    return _outcome("P3", quantity <= limit, quantity, limit, f"quantity {quantity} over the limit {limit}")


def check_symbol_exposure(inputs: RiskInputs) -> CheckOutcome:
    """P8: worst-case notional of the symbol over equity."""
    after = next(e for e in inputs.exposures_after if e.symbol == inputs.request.symbol)
    return _exposure("P8.symbol", inputs, after.worst, inputs.limits.max_symbol_leverage, "symbol exposure")


def check_gross_exposure(inputs: RiskInputs) -> CheckOutcome:
    """P8: sum of the worst-case notionals over equity, which is the account's leverage."""
    gross = sum((e.worst for e in inputs.exposures_after), Decimal(0))
    return _exposure("P8.gross", inputs, gross, inputs.limits.max_gross_leverage, "gross exposure")


def check_net_exposure(inputs: RiskInputs) -> CheckOutcome:
    """P8: the worse of all buying filling and all selling filling, over equity."""
    after = inputs.exposures_after
    net = max(abs(sum((e.highest for e in after), Decimal(0))), abs(sum((e.lowest for e in after), Decimal(0))))
    return _exposure("P8.net", inputs, net, inputs.limits.max_net_leverage, "net exposure")


def _exposure(code: str, inputs: RiskInputs, notional: Decimal, limit: Decimal, name: str) -> CheckOutcome:
    leverage = _share(notional, inputs.equity)
    return _outcome(
        code, not inputs.adds_risk or leverage <= limit, f"{leverage:.6f}", limit,
        f"{name} {notional:.2f} USD is {leverage:.4f} of equity {inputs.equity:.2f}",
    )


def check_daily_loss(inputs: RiskInputs) -> CheckOutcome:
    """P8: loss since the market day began, as a fraction of the equity it began with."""
    loss = _share(max(inputs.day_start_equity - inputs.equity, Decimal(0)), inputs.day_start_equity)
    return _outcome(
        "P8.daily_loss", not inputs.adds_risk or loss < inputs.limits.max_daily_loss, f"{loss:.6f}", inputs.limits.max_daily_loss,
        f"lost {loss:.4%} of the day's starting equity {inputs.day_start_equity}",
    )


def check_drawdown(inputs: RiskInputs) -> CheckOutcome:
    """P8: drawdown from the high-water mark."""
    drawdown = _share(max(inputs.high_water_mark - inputs.equity, Decimal(0)), inputs.high_water_mark)
    limit = inputs.limits.max_drawdown
    message = f"drawdown {drawdown:.4%} from the high-water mark {inputs.high_water_mark}"
    return _outcome("P8.drawdown", not inputs.adds_risk or drawdown < limit, f"{drawdown:.6f}", limit, message)


def check_numbers(inputs: RiskInputs) -> CheckOutcome:
    """P12: figures finite and positive, and exactly those that the order's kind needs."""
    request = inputs.request
    shown = f"quantity {request.quantity}, price {request.price}, trigger {request.trigger}"
    if not numbers_are_valid(inputs):
        return _outcome("P12.numbers", False, shown, "finite and > 0", f"expected finite positive decimals, got {shown}")
    wants_price = request.kind is OrderKind.LIMIT
    wants_trigger = request.kind in (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET)
    fits = wants_price == (request.price is not None) and wants_trigger == (request.trigger is not None)
    return _outcome("P12.numbers", fits, shown, request.kind.value, f"a {request.kind.value} order cannot have {shown}")


def check_grid(inputs: RiskInputs) -> CheckOutcome:
    """P12: the symbol is known, prices stand on the tick grid, the quantity on the lot grid."""
    request, instrument = inputs.request, inputs.instrument
    if instrument is None:
        return _outcome("P12.grid", False, request.symbol, "a known symbol", f"unknown symbol {request.symbol}")
    off = [str(p) for p in (request.price, request.trigger) if p is not None and p % instrument.tick_size]
    if request.quantity % instrument.lot_size:
        off.append(str(request.quantity))
    grid = f"tick {instrument.tick_size}, lot {instrument.lot_size}"
    return _outcome("P12.grid", not off, ", ".join(off) or "on grid", grid, f"{', '.join(off)} off the grid ({grid})")


def check_minimum(inputs: RiskInputs) -> CheckOutcome:
    """P12: quantity and value large enough for the venue; reduce-only orders have no minimum value."""
    request, instrument = inputs.request, inputs.instrument
    if instrument is None:
        return _outcome("P12.minimum", False, request.symbol, "a known symbol", f"unknown symbol {request.symbol}")
    value = request.quantity * (inputs.price or Decimal(0))
    passed = request.quantity >= instrument.min_quantity and (request.reduce_only or value >= instrument.min_notional)
    limit = f"{instrument.min_quantity}, {instrument.min_notional} USD"
    message = f"{request.quantity} worth {value} USD is too small"
    return _outcome("P12.minimum", passed, f"{request.quantity}, {value} USD", limit, message)


def check_reduce_only(inputs: RiskInputs) -> CheckOutcome:
    """P13: a reduce-only order is against the position and not larger than it."""
    request, position = inputs.request, inputs.own_exposure.position
    if not request.reduce_only:
        return _outcome("P13", True, "not reduce-only", position, "")
    passed = position * request.side.sign < 0 and request.quantity <= abs(position)
    shown = f"{request.side} {request.quantity}"
    return _outcome("P13", passed, shown, position, f"{shown} does not reduce {position}")


def check_trading_state(inputs: RiskInputs) -> CheckOutcome:
    """P14: ACTIVE lets all out, REDUCING what cannot add risk, HALTED only stops and the flattening of positions."""
    allowed = {
        TradingState.ACTIVE: True,
        TradingState.REDUCING: not inputs.adds_risk,
        TradingState.HALTED: not inputs.adds_risk and inputs.purpose is not Purpose.STRATEGY,
    }[inputs.trading_state]
    return _outcome("P14", allowed, inputs.trading_state.value, "active", f"trading is {inputs.trading_state.value}")


def check_clock_skew(inputs: RiskInputs) -> CheckOutcome:
    """P16: the venue's wire clock and ours agree. Stops and flattening pass: the venue judges their time stamps itself."""
    passed = inputs.purpose is not Purpose.STRATEGY or abs(inputs.skew_ms) <= inputs.limits.max_clock_skew_ms
    limit = f"{inputs.limits.max_clock_skew_ms} ms"
    return _outcome("P16", passed, f"{inputs.skew_ms} ms", limit, f"clocks differ by {inputs.skew_ms} ms")


def check_authorisation(inputs: RiskInputs) -> CheckOutcome:
    """P17: a valid authorisation of the model for this gateway. Risk-adding orders only."""
    if not inputs.adds_risk:
        return _outcome("P17.authorisation", True, "reduce-only", "-", "")
    until = inputs.authorised_until_ms
    if inputs.model_id is None or until is None:
        return _outcome("P17.authorisation", False, "none", "a valid row", f"model {inputs.model_id} has no authorisation")
    message = f"authorisation of {inputs.model_id} has expired"
    return _outcome("P17.authorisation", inputs.now_ms < until, inputs.now_ms, until, message)


def check_feature_age(inputs: RiskInputs) -> CheckOutcome:
    """P17: the feature row behind the order is fresh. Risk-adding orders only."""
    if not inputs.adds_risk:
        return _outcome("P17.features", True, "reduce-only", "-", "")
    limit, age = inputs.limits.stale_feature_ms, inputs.feature_age_ms
    if age is None:
        return _outcome("P17.features", False, "no feature row", f"{limit} ms", "the order has no feature row behind it")
    return _outcome("P17.features", age <= limit, f"{age} ms", f"{limit} ms", f"feature row is {age} ms old")


def check_open_orders(inputs: RiskInputs) -> CheckOutcome:
    """P18: room for one more order. Stops and flattening pass."""
    passed = inputs.purpose is not Purpose.STRATEGY or inputs.open_orders < inputs.limits.max_open_orders
    message = f"{inputs.open_orders} orders are open"
    return _outcome("P18.open_orders", passed, inputs.open_orders, inputs.limits.max_open_orders, message)


def check_unknown(inputs: RiskInputs) -> CheckOutcome:
    """P18: no order on a symbol with an UNKNOWN one (frozen), and no new risk anywhere while there is one."""
    frozen = inputs.request.symbol in inputs.unknown_symbols
    passed = not frozen and (not inputs.adds_risk or not inputs.unknown_symbols)
    shown = ", ".join(inputs.unknown_symbols) or "none"
    return _outcome("P18.unknown", passed, shown, "none", f"UNKNOWN orders on {shown}")


CHECKS: tuple[Check, ...] = (
    check_order_collar, check_period_collar, check_order_value, check_order_quantity, check_symbol_exposure, check_gross_exposure,
    check_net_exposure, check_daily_loss, check_drawdown, check_grid, check_minimum, check_reduce_only, check_trading_state,
    check_clock_skew, check_authorisation, check_feature_age, check_open_orders, check_unknown,
)


def run_all(inputs: RiskInputs) -> tuple[CheckOutcome, ...]:
    """Every check's outcome; alone P12.numbers where the figures are not even numbers."""
    numbers = check_numbers(inputs)
    if not numbers_are_valid(inputs):
        return (numbers,)
    return (numbers, *(check(inputs) for check in CHECKS))
