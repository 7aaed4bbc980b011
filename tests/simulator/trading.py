"""Random trading of several accounts in several symbols, and everything that holds after each part of it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.clients import Client
from huracan_platform.simulator.binance.depth_stream import Depth
from huracan_platform.simulator.binance.subscriptions import StreamName
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.logs import IncomeType
from huracan_platform.simulator.exchange.orders import Fill, Order, Side
from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.market.synthetic import generate_symbol
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import MINUTE, START_MS, open_floor

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
WALLETS = (400_000, 100_000, 9_000, 2_500)
DEEP = 150
CENT = Decimal("0.00000001")
NOTHING = Decimal(0)


@cache
def markets(minutes: int) -> tuple[ListedSymbol, ...]:
    """Generated minutes of the three symbols."""
    return tuple(generate_symbol(s.removesuffix("USDT"), 11, START_MS, minutes)[0] for s in SYMBOLS)


class Bookkeeper:
    """A client's copy of one book: a snapshot, then the differences of the stream."""

    def __init__(self, trading: Trading, symbol: str) -> None:
        self._book, history = trading.floor.matching.books[symbol], trading.floor.venue.history(symbol)
        now = trading.floor.matching.cursor_ms
        self._stream = Depth(StreamName(f"{symbol.lower()}@depth", symbol, "depth", ""), history, self._book, now)
        self._instrument, self._trading = history.listed.instrument, trading
        view = self._book.at(now)
        self.number = view.update_id
        self.sides = {
            "b": dict(zip(view.bid_ticks.tolist(), view.bid_lots.tolist(), strict=True)),
            "a": dict(zip(view.ask_ticks.tolist(), view.ask_lots.tolist(), strict=True)),
        }

    def hear(self) -> None:
        """Apply what the stream has to tell."""
        for message in self._stream.present(self._trading.floor.matching.cursor_ms, 0):
            event = orjson.loads(message)
            assert event["pu"] == self.number
            assert event["U"] <= event["u"]
            self.number = event["u"]
            for name, levels in self.sides.items():
                for price, quantity in event[name]:
                    ticks, lots = self._instrument.ticks(Decimal(price)), self._instrument.lots(Decimal(quantity))
                    levels[ticks] = lots

    def check(self) -> None:
        """The copy is the book, and that neither crosses nor locks, and shows what the clients have there."""
        now = self._trading.floor.matching.cursor_ms
        view, book = self._book.at(now), self._book.seek(now)
        assert self.number == view.update_id
        shown = (("b", view.bid_ticks, view.bid_lots, True), ("a", view.ask_ticks, view.ask_lots, False))
        for name, ticks, lots, falling in shown:
            kept = sorted(((p, q) for p, q in self.sides[name].items() if q), reverse=falling)
            assert kept[:DEEP] == list(zip(ticks.tolist(), lots.tolist(), strict=True))[:DEEP], name
            assert lots.min() > 0
        assert view.best_bid < view.best_ask
        assert (view.best_bid, view.best_ask) == (book.best_bid, book.best_ask)


class Trading:
    """A floor with several accounts, whose random orders come from one generator."""

    def __init__(self, seed: int, minutes: int = 2_880, wallets: tuple[int, ...] = WALLETS) -> None:
        self.rng, self.wallets = np.random.default_rng(seed), wallets
        btc, *others = markets(minutes)
        self.floor = open_floor(btc, wallet=wallets[0], others=others)
        self.clients: list[Client] = [self.floor.clients.first]
        self.clients += [self.floor.open_account(f"c{i}", wallet) for i, wallet in enumerate(wallets[1:])]
        self.minute, self.placed, self.taken, self._next = 0.5, 0, 0, 0
        self.ended: dict[int, tuple[Any, ...]] = {}
        for client in self.clients:
            client.account.leverage = dict.fromkeys(SYMBOLS, int(self.rng.choice([20, 50, 100])))
        self.keepers = [Bookkeeper(self, s) for s in SYMBOLS]
        self.acts = (
            (0.44, self._place_limit), (0.14, self._place_market), (0.08, self._place_stop), (0.08, self._amend),
            (0.12, self._cancel), (0.04, self._place_several), (0.02, self._cancel_all), (0.04, self._change_margin),
            (0.04, self._close),
        )

    def step(self) -> None:
        """One act of a random client, refused or not; now and then the market goes on."""
        share = np.cumsum([part for part, _ in self.acts])
        act = self.acts[min(int(np.searchsorted(share, self.rng.random() * share[-1])), len(self.acts) - 1)][1]
        client, symbol = self.clients[int(self.rng.integers(len(self.clients)))], str(self.rng.choice(SYMBOLS))
        with suppress(VenueRefusal):
            act(client, symbol)
        if self.rng.random() < 0.3:
            self.minute += float(self.rng.exponential(0.25))
            self.floor.go_to(self.minute)

    def _name(self) -> str:
        self._next += 1
        return f"o{self._next}" if self.rng.random() > 0.02 else "again"

    def _lots(self, symbol: str) -> str:
        instrument = self.floor.matching.instrument(symbol)
        value = float(self.rng.choice([150, 1_000, 8_000, 60_000])) * (0.5 + self.rng.random())
        return f"{instrument.quantity(max(1, int(value / float(self.floor.matching.mark(symbol)) / float(instrument.lot)))):f}"

    def _price(self, symbol: str, spread: float = 0.0008) -> str:
        instrument, mark = self.floor.matching.instrument(symbol), self.floor.matching.mark(symbol)
        if self.rng.random() < 0.5:  # within the spread, where clients meet each other or queue up
            book = self.floor.matching.book(symbol)
            return f"{instrument.price(int(self.rng.integers(book.best_bid, book.best_ask + 1, 3).min())):f}"
        return f"{instrument.price(int(instrument.ticks(mark) * (1 + self.rng.normal() * spread))):f}"

    def _wish(self, symbol: str) -> dict[str, str]:
        wish = {"symbol": symbol, "side": str(self.rng.choice(["BUY", "SELL"])), "quantity": self._lots(symbol)}
        wish["newClientOrderId"] = self._name()
        wish["selfTradePreventionMode"] = str(self.rng.choice(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]))
        if self.rng.random() < 0.15:
            wish["reduceOnly"] = "true"
        return wish

    def _limit(self, symbol: str) -> dict[str, str]:
        force = str(self.rng.choice(["GTC", "GTC", "GTC", "IOC", "FOK", "GTX"]))
        return {**self._wish(symbol), "type": "LIMIT", "timeInForce": force, "price": self._price(symbol)}

    def _place_limit(self, client: Client, symbol: str) -> None:
        self._place(client, self._limit(symbol))

    def _place_market(self, client: Client, symbol: str) -> None:
        self._place(client, {**self._wish(symbol), "type": "MARKET"})

    def _place(self, client: Client, wish: dict[str, str]) -> None:
        self.placed += 1
        client.desk.place(wish)
        self.taken += 1

    def _place_stop(self, client: Client, symbol: str) -> None:
        kind = str(self.rng.choice(["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]))
        wish = {**self._wish(symbol), "algoType": "CONDITIONAL", "type": kind, "triggerPrice": self._price(symbol, 0.002)}
        wish["clientAlgoId"] = wish.pop("newClientOrderId")
        if not kind.endswith("MARKET"):
            wish |= {"price": self._price(symbol), "timeInForce": str(self.rng.choice(["GTC", "IOC", "FOK", "GTX"]))}
        elif self.rng.random() < 0.2:
            wish = {n: v for n, v in wish.items() if n not in ("quantity", "reduceOnly")} | {"closePosition": "true"}
        self.placed += 1
        client.desk.place_conditional(wish)
        self.taken += 1

    def _open_order(self, client: Client, symbol: str) -> Order:
        orders = client.desk.resting(symbol)
        if not orders:
            raise VenueRefusal(-2011, "nothing rests")
        return orders[int(self.rng.integers(len(orders)))]

    def _amend(self, client: Client, symbol: str) -> None:
        order = self._open_order(client, symbol)
        client.changes.amend({
            "symbol": symbol, "orderId": str(order.order_id), "side": order.request.side.value, "price": self._price(symbol),
            "quantity": self._lots(symbol),
        })

    def _cancel(self, client: Client, symbol: str) -> None:
        client.desk.cancel({"symbol": symbol, "orderId": str(self._open_order(client, symbol).order_id)})

    def _cancel_all(self, client: Client, symbol: str) -> None:
        client.desk.cancel_all(symbol)
        client.desk.cancel_all_conditional(symbol)

    def _place_several(self, client: Client, symbol: str) -> None:
        wishes = [self._limit(symbol) for _ in range(int(self.rng.integers(1, 6)))]
        self.placed += len(wishes)
        outcomes = client.changes.place_several({"batchOrders": orjson.dumps(wishes).decode()})
        self.taken += sum(isinstance(o, Order) for o in outcomes)

    def _close(self, client: Client, symbol: str) -> None:
        amount = client.account.position(symbol).amount
        quantity = abs(amount) or self.floor.matching.instrument(symbol).lot
        side = "SELL" if amount > 0 else "BUY"
        wish = {"symbol": symbol, "side": side, "quantity": f"{quantity:f}", "type": "MARKET", "reduceOnly": "true"}
        self._place(client, wish)

    def _change_margin(self, client: Client, symbol: str) -> None:
        margin, draw = client.endpoints.margin, self.rng.random()
        if draw < 0.4:
            client.desk.cancel_all(symbol)
            client.desk.cancel_all_conditional(symbol)
            margin.set_isolated(symbol, isolated=symbol not in client.account.isolated)
        elif draw < 0.7:
            margin.transfer_margin(symbol, Decimal(f"{self.rng.normal() * 100:.8f}"))
        else:
            margin.set_leverage(symbol, int(self.rng.choice([10, 20, 50, 75, 100, 125])))

    def check(self) -> None:
        """Everything at once."""
        for keeper in self.keepers:
            keeper.hear()
            keeper.check()
        for client, start in zip(self.clients, self.wallets, strict=True):
            check_money(client.account, Decimal(start))
            check_working(self, client.account)
            check_records(self, client.account)
        check_trades([client.account for client in self.clients])


def check_money(account: Account, start: Decimal) -> None:
    """The wallet is what it began with and its income; income is what the fills, recomputed, and the counter side say."""
    by_kind, fees = dict.fromkeys(IncomeType, NOTHING), NOTHING
    for income in account.income:
        by_kind[income.kind] += income.amount
    by_symbol: defaultdict[str, list[Fill]] = defaultdict(list)
    for fill in account.records.fills:
        fees += fill.commission
        by_symbol[fill.order.instrument.symbol].append(fill)
    assert account.wallet == start + sum(by_kind.values(), NOTHING)
    assert by_kind[IncomeType.COMMISSION] == -account.fees_paid == -fees
    assert by_kind[IncomeType.FUNDING_FEE] == -account.funding_paid
    assert by_kind[IncomeType.INSURANCE_CLEAR] == -account.insurance_paid
    realised = NOTHING
    for symbol, fills in by_symbol.items():
        amount, earned = recomputed(fills)
        assert account.position(symbol).amount == amount
        assert account.position(symbol).realised == earned
        realised += earned
    assert by_kind[IncomeType.REALIZED_PNL] == realised
    assert account.wallet + account.fees_paid + account.funding_paid + account.insurance_paid == start + realised
    for symbol, own in account.isolated.items():
        assert own == 0 or account.position(symbol).amount != 0
    assert account.cross_wallet + sum(account.isolated.values(), NOTHING) == account.wallet


def recomputed(fills: list[Fill]) -> tuple[Decimal, Decimal]:
    """Net quantity and realised profit of fills, in fractions by the mean price of what is open, each to eight decimals."""
    held, cost, earned = Fraction(0), Fraction(0), NOTHING
    for fill in fills:
        instrument = fill.order.instrument
        signed = Fraction(instrument.quantity(fill.lots)) * fill.order.request.side.sign
        price = Fraction(instrument.price(fill.price))
        if held * signed < 0:
            closed = min(abs(signed), abs(held)) * (1 if held > 0 else -1)
            profit = closed * price - cost * closed / held
            # The mean entry price has 28 digits: half a unit of the last digit may be rounded either way.
            assert abs(Fraction(fill.realised) - profit) <= Fraction(CENT) / 2 + Fraction(1, 10**15)
            earned += fill.realised
            cost, held, signed = cost - cost * closed / held, held - closed, signed + closed
        cost, held = cost + signed * price, held + signed
    return Decimal(held.numerator) / held.denominator, earned


def check_working(trading: Trading, account: Account) -> None:
    """What is open rests in the book once, and the sums kept of it are those of its orders."""
    for symbol in SYMBOLS:
        book, working = trading.floor.matching.books[symbol], account.records.working_in(symbol)
        queued = [o for q in book.queues.values() for level in q.levels.values() for o in level.values() if o.account is account]
        opened = [o for o in account.records.orders.values() if o.open and o.instrument.symbol == symbol]
        assert sorted(o.order_id for o in queued) == sorted(o.order_id for o in opened) == sorted(working.orders)
        assert all(o.remaining > 0 and o.queue_ahead >= 0 for o in opened)
        assert working.lots == {s: sum(o.remaining for o in opened if o.request.side is s) for s in Side}
        assert working.value == sum(o.remaining * o.limit for o in opened if not o.request.reduce_only)
        waiting = [c.algo_id for c in trading.floor.matching.triggers.waiting[symbol] if c.account is account]
        assert waiting == list(working.conditionals)
        assert waiting == [c.algo_id for c in account.records.conditionals.values() if c.open and c.instrument.symbol == symbol]


def check_records(trading: Trading, account: Account) -> None:
    """No order has more executed than asked for, nor other than its fills; one that has ended stays as it was."""
    executed: defaultdict[int, int] = defaultdict(int)
    value: defaultdict[int, int] = defaultdict(int)
    for fill in account.records.fills:
        assert fill.lots > 0
        executed[fill.order.order_id] += fill.lots
        value[fill.order.order_id] += fill.lots * fill.price
    for order in account.records.orders.values():
        assert (order.executed, order.value) == (executed[order.order_id], value[order.order_id])
        assert order.executed <= order.request.lots
        if not order.open:
            state = (order.status, order.executed, order.value, order.update_ms, order.request)
            assert trading.ended.setdefault(order.order_id, state) == state


def check_trades(accounts: list[Account]) -> None:
    """Both sides of a trade between clients have its price and quantity; in all of them no lot comes or goes."""
    sides: defaultdict[int, list[Fill]] = defaultdict(list)
    for account in accounts:
        for fill in account.records.fills:
            sides[fill.trade_id].append(fill)
    for fills in sides.values():
        assert len(fills) in (1, 2)
        if len(fills) == 2:
            one, other = fills
            assert (one.price, one.lots, one.time_ms) == (other.price, other.lots, other.time_ms)
            assert {one.maker, other.maker} == {True, False}
            assert one.order.request.side is not other.order.request.side


def met(accounts: list[Account]) -> int:
    """How many trades two clients made with each other."""
    numbers = [fill.trade_id for account in accounts for fill in account.records.fills]
    return len(numbers) - len(set(numbers))


def minutes_add_up(trading: Trading) -> None:
    """The public trades of every minute gone by make its bar, whatever the clients did."""
    for symbol in SYMBOLS:
        history = trading.floor.venue.history(symbol)
        bars, last = history.listed.bars, history.listed.bars.row_at(START_MS + round(trading.minute * MINUTE))
        for row in range(max(0, last - 200), last):
            tape = history.tape(row)
            prices, lots = tape.price, tape.lots
            found = (prices[0], prices.max(), prices.min(), prices[-1], lots.sum(), lots[tape.buyer].sum())
            assert found == tuple(c[row] for c in (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.taker_buy))
