"""What risk knows at this moment: marks, equity, governor, clocks, ordered states; and the inputs of the checks from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from huracan_platform.brain.execution.risk import GovernorRow, RiskRepository
from huracan_platform.clock import Clock, day_of, to_datetime
from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderRequest, Side, TradingState
from huracan_platform.contracts.order_life import AccountState, StoredOrder
from huracan_platform.decision.risk.governor import Governor, GovernorState, new_governor, reset_peak, update_governor
from huracan_platform.decision.risk.inputs import Exposure, Purpose, RiskInputs
from huracan_platform.decision.risk.limits import risk_limits
from huracan_platform.execution.books import Books
from huracan_platform.execution.order_life import UNSETTLED
from huracan_platform.settings import Settings

_SEVERITY = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)
EXECUTOR = "executor"
ZERO = Decimal(0)


@dataclass(frozen=True)
class OrderContext:
    """What a strategy knows beside the order itself.

    `stop_price` is the native stop that an entry's position gets. `feature_close_ms` is the close of the bar whose
    feature row was decided on, market clock.
    """

    strategy: str
    stop_price: Decimal | None = None
    feature_close_ms: int | None = None


@dataclass
class _Marks:
    """Marks of one symbol within the collar's period, market clock."""

    seen: deque[tuple[int, Decimal]] = field(default_factory=deque)

    def add(self, market_ms: int, price: Decimal, period_ms: int) -> None:
        self.seen.append((market_ms, price))
        while self.seen[0][0] < market_ms - period_ms:
            self.seen.popleft()


class RiskDesk:
    """Risk's view of one account.

    Parameters
    ----------
    authorised_until
        Model id to the expiry (wire ms) of its authorisation for this gateway; None where there is none.
    """

    def __init__(
        self, settings: Settings, repository: RiskRepository, books: Books, clock: Clock, instruments: Mapping[str, Instrument],
        authorised_until: Callable[[str], int | None],
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._books = books
        self._clock = clock
        self._instruments = instruments
        self._authorised_until = authorised_until
        self._limits = risk_limits(settings)
        self._marks: dict[str, _Marks] = {}
        self._skew_ms = 0
        self._day_start = Decimal(0)
        self._account = AccountState(Decimal(0), Decimal(0))
        self._governor: Governor | None = None
        self._ordered = (TradingState.HALTED, "not started")
        self.unexplained: tuple[str, ...] = ()
        self.ready = False

    @property
    def governor(self) -> Governor:
        """The governor; NORMAL on no equity before the account was seen."""
        return self._governor or new_governor(Decimal(0))

    @property
    def equity(self) -> Decimal:
        """Equity at the last look, quote currency."""
        return self._account.equity

    def instrument(self, symbol: str) -> Instrument | None:
        """The symbol's instrument, None for one that is not traded here."""
        return self._instruments.get(symbol)

    def mark(self, symbol: str) -> Decimal | None:
        """The newest mark, None before the first."""
        marks = self._marks.get(symbol)
        return marks.seen[-1][1] if marks else None

    def trading_state(self) -> tuple[TradingState, str]:
        """The strictest of what was ordered, the governor, the clocks, reconciliation and readiness; and why."""
        wanted = [self._ordered]
        if not self.ready:
            wanted.append((TradingState.HALTED, "not reconciled"))
        if abs(self._skew_ms) > self._settings.risk.halt_clock_skew_ms:
            wanted.append((TradingState.HALTED, f"venue's clock differs by {self._skew_ms} ms"))
        if self.unexplained:
            wanted.append((TradingState.REDUCING, "; ".join(self.unexplained)))
        if self._books.trades_to_come:  # else a filled entry whose trades are not read yet would be decided on again
            wanted.append((TradingState.REDUCING, f"trades to come of {', '.join(sorted(self._books.trades_to_come))}"))
        wanted.append((self.governor.state.trading_state, f"governor {self.governor.state}"))
        return max(wanted, key=lambda entry: _SEVERITY.index(entry[0]))

    def load(self) -> None:
        """Read the latched states from the database."""
        self._ordered = self._repository.trading_state()
        row = self._repository.governor()
        if row is not None:
            self._governor = Governor(GovernorState(row.state), row.high_water_mark, row.equity, row.calm_since_ms, row.reason)

    def order_state(self, state: TradingState, reason: str, actor: str) -> None:
        """Latch a trading state; it holds over restarts until another is ordered."""
        self._repository.set_trading_state(to_datetime(self._clock.wire_ms()), state, reason, actor)
        self._ordered = (state, reason)

    def reset_peak(self, actor: str) -> None:
        """Accept the drawdown: high-water mark to the present equity. Audited."""
        self._save_governor(reset_peak(self.governor, actor), actor)

    def on_mark(self, symbol: str, price: Decimal, market_ms: int) -> None:
        """Take a mark price in."""
        period_ms = int(self._settings.risk.collar_period_market_s * 1000)
        self._marks.setdefault(symbol, _Marks()).add(market_ms, price, period_ms)

    def on_skew(self, skew_ms: int) -> None:
        """Take the venue's wire time minus ours in."""
        self._skew_ms = skew_ms

    def on_account(self, account: AccountState) -> None:
        """Take the account's money in: the day's start, the governor."""
        market_ms = self._clock.market_ms()
        self._account = account
        self._day_start = self._repository.day_start_equity(day_of(market_ms), account.equity)
        before = self._governor
        if before is None:
            self._save_governor(new_governor(account.equity), EXECUTOR)
            return
        after = update_governor(before, account.equity, market_ms, self._settings.risk)
        kept = replace(after, equity=before.equity) == before
        if not kept:
            self._save_governor(after, EXECUTOR)
        self._governor = after

    def inputs(self, request: OrderRequest, purpose: Purpose, context: OrderContext, model_id: str | None) -> RiskInputs:
        """Everything that the pre-trade checks look at, frozen at this moment."""
        marks = self._marks.get(request.symbol)
        prices = [price for _, price in marks.seen] if marks else []
        close = context.feature_close_ms
        return RiskInputs(
            request=request, purpose=purpose, instrument=self._instruments.get(request.symbol), limits=self._limits,
            trading_state=self.trading_state()[0], mark=self.mark(request.symbol), period_low=min(prices, default=None),
            period_high=max(prices, default=None), exposures=self.exposures(), equity=self._account.equity,
            day_start_equity=self._day_start, high_water_mark=self.governor.high_water_mark, open_orders=len(self._books.alive()),
            unknown_symbols=tuple(sorted({o.intent.request.symbol for o in self._books.unsettled()})), skew_ms=self._skew_ms,
            now_ms=self._clock.wire_ms(), model_id=model_id,
            authorised_until_ms=self._authorised_until(model_id) if model_id and not request.reduce_only else None,
            feature_age_ms=None if close is None else self._clock.market_ms() - close,
        )

    def exposures(self) -> tuple[Exposure, ...]:
        """Worst case per symbol: positions, open risk-adding orders, and every order that may stand at the venue."""
        held = {p.symbol: p for p in self._books.positions.all() if p.quantity != 0}
        symbols = sorted({*held, *(o.intent.request.symbol for o in self._books.alive())})
        return tuple(self._exposure(symbol) for symbol in symbols)

    def _exposure(self, symbol: str) -> Exposure:
        position = self._books.positions.position(symbol)
        open_part = {Side.BUY: ZERO, Side.SELL: ZERO}
        for order in self._books.alive(symbol):
            if order.status.state in UNSETTLED or not order.intent.request.reduce_only:
                open_part[order.intent.request.side] += order.status.remaining
        mark = self.mark(symbol) or position.entry_price or max((_own_price(o) for o in self._books.alive(symbol)), default=ZERO)
        return Exposure(symbol, position.quantity, open_part[Side.BUY], open_part[Side.SELL], mark)

    def _save_governor(self, governor: Governor, actor: str) -> None:
        peak, calm = governor.high_water_mark, governor.calm_since_ms
        row = GovernorRow(governor.state.value, peak, governor.equity, calm, governor.reason)
        self._repository.save_governor(to_datetime(self._clock.wire_ms()), row, actor)
        self._governor = governor


def _own_price(order: StoredOrder) -> Decimal:
    """A price to value an order at before any mark was seen."""
    request = order.intent.request
    return request.price or request.trigger or order.intent.protect_price or ZERO
