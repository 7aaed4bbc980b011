"""`huracan live`, `session`, `tell`, and ways back: `fills`, `decisions`, `positions`, `passport`, `replay`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huracan_platform.brain.roles import Role
from huracan_platform.cli.output import JsonOption, console, emit, table

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.execution.report import SessionProgress, SessionReport
    from huracan_platform.settings import Settings

SymbolOption = Annotated[str | None, typer.Option(help="only this symbol, such as BTC/USDT:USDT")]
LimitOption = Annotated[int, typer.Option(min=1, help="how many lines, newest first")]


def live(
    gateway: Annotated[str, typer.Option(help="paper: signed orders to a simulated venue on loopback")] = "paper",
    market_hours: Annotated[float | None, typer.Option(min=0.01, help="market time to cover; none: to the session bound")] = None,
    symbols: Annotated[str | None, typer.Option(help="comma-separated; none: those of the settings")] = None,
    flatten: Annotated[bool, typer.Option(help="close positions when the bound ends the session")] = True,
    as_json: JsonOption = False,
) -> None:
    """Trade with the authorised models until a bound, a command or a signal ends it.

    Exit code 70 when trading had to halt: another executor holds the lease, or the venue contradicts the books.
    """
    from huracan_platform.cli.venue import expect_venue
    from huracan_platform.errors import ConfigurationError
    from huracan_platform.execution.session import run_session
    from huracan_platform.settings import load_settings

    if gateway != "paper":
        raise ConfigurationError(f"--gateway: expected paper, got {gateway!r}")
    settings = load_settings() if symbols is None else load_settings(symbols=symbols)
    expect_venue(settings)
    report = run_session(
        settings, market_hours=market_hours, on_progress=None if as_json else _show_progress, flatten_at_end=flatten
    )
    emit(report.as_dict(), as_json, lambda: _show_report(report))


def passport(fill_id: Annotated[int, typer.Argument(help="as `huracan fills` lists it")], as_json: JsonOption = False) -> None:
    """Show everything that stands behind one fill: decision, features, model, data, checks, verdicts, code, runs."""
    from huracan_platform.cli.passport_view import print_passport
    from huracan_platform.execution.passport import PassportOffice

    issued = PassportOffice(_brain()[1]).issue(fill_id)
    emit(_plain(issued.as_dict()), as_json, lambda: print_passport(issued))


def replay(
    decision_id: Annotated[str, typer.Argument(help="as `huracan decisions` lists it")], as_json: JsonOption = False
) -> None:
    """Make a past decision again from library data and compare it bit for bit; exit code 1 when a figure differs."""
    from huracan_platform.brain.execution.decisions import DecisionRepository
    from huracan_platform.data.features.store import FeatureStore
    from huracan_platform.execution.replay import Replayer
    from huracan_platform.learning.registry import Registry

    settings, brain = _brain()
    artefacts = str(settings.home / "artefacts")
    store = FeatureStore(brain, artefacts, funding_delay_ms=settings.quality.funding_delay_ms)
    replayer = Replayer(brain, store, Registry(brain, artefacts).artefacts, settings)
    report = replayer.replay(DecisionRepository(brain).load(decision_id))

    def render() -> None:
        if report.identical:
            console.print(f"{decision_id}: {report.compared} figures recomputed, all identical")
            return
        first = report.differences[0].name
        table(
            f"{decision_id}: {len(report.differences)} of {report.compared} figures differ, the first is {first}",
            ("figure", "stored", "recomputed"), [(d.name, repr(d.stored), repr(d.recomputed)) for d in report.differences],
        )

    emit(_plain({**asdict(report), "identical": report.identical}), as_json, render)
    if not report.identical:
        raise typer.Exit(1)


def fills(limit: LimitOption = 20, symbol: SymbolOption = None, as_json: JsonOption = False) -> None:
    """List fills, newest first."""
    from huracan_platform.brain.execution.traces import TraceRepository

    lines = TraceRepository(_brain()[1]).recent(limit, symbol=symbol)
    rows = [
        (f.fill_id, f"{f.traded_at:%Y-%m-%d %H:%M:%S}", f.symbol, f.side, f.quantity, f.price, f.fee, f.kind, f.decision_id)
        for f in lines
    ]
    columns = ("fill", "traded (UTC)", "symbol", "side", "quantity", "price", "fee", "order", "decision")
    emit([_plain(asdict(f)) for f in lines], as_json, lambda: table(f"{len(lines)} fills", columns, rows))


def decisions(
    limit: LimitOption = 20, symbol: SymbolOption = None,
    acting: Annotated[bool, typer.Option("--acting", help="only those that wanted an order")] = False,
    as_json: JsonOption = False,
) -> None:
    """List decisions, newest first, with what became of their orders."""
    from huracan_platform.brain.execution.decisions import DecisionRepository
    from huracan_platform.clock import to_datetime

    lines = DecisionRepository(_brain()[1]).recent(limit, symbol=symbol, acting=acting)
    rows = [
        (d.decision_id, f"{to_datetime(d.bar_ts_ms):%Y-%m-%d %H:%M}", d.symbol, d.action, d.reason, f"{d.p_up:.4f}",
         f"{d.target:.4f}", "; ".join(d.outcomes))
        for d in lines
    ]
    columns = ("decision", "bar (UTC)", "symbol", "action", "reason", "p up", "target", "orders")
    emit([_plain(asdict(d)) for d in lines], as_json, lambda: table(f"{len(lines)} decisions", columns, rows))


def positions(as_json: JsonOption = False) -> None:
    """List positions of every account in the books, with realised profit and fees."""
    from huracan_platform.brain.execution.fills import FillRepository
    from huracan_platform.brain.execution.traces import TraceRepository
    from huracan_platform.execution.positions import PositionBook

    brain = _brain()[1]
    held = [
        {"venue": venue, "account": account, **asdict(position)}
        for venue, account in TraceRepository(brain).accounts()
        for position in PositionBook(FillRepository(brain, venue, account).all()).all()
    ]
    columns = ("venue", "account", "symbol", "quantity", "entry_price", "realised_pnl", "fees")
    rows = [[h[c] for c in columns] for h in held]
    emit([_plain(h) for h in held], as_json, lambda: table(f"{len(held)} positions", columns, rows))


def tell(
    kind: Annotated[str, typer.Argument(help="model_authorised, policy_judged, activate, reduce, halt or stop")],
    payload: Annotated[str, typer.Option(help='JSON, such as {"model_id": "…"} or {"reason": "…"}')] = "{}",
    by: Annotated[str, typer.Option(help="who asks")] = "operator",
) -> None:
    """Put a command into the table that running sessions obey, or the next one where none is running."""
    from huracan_platform.brain.execution.leases import LeaseRepository
    from huracan_platform.brain.execution.sessions import CommandRepository
    from huracan_platform.contracts.journal import CommandKind
    from huracan_platform.errors import PermanentError

    if kind not in set(CommandKind):
        raise PermanentError(f"command: expected one of {', '.join(CommandKind)}, got {kind!r}")
    try:
        body = json.loads(payload)
    except ValueError as error:
        raise PermanentError(f"--payload: expected a JSON object, got {payload!r} ({error})") from None
    if not isinstance(body, dict):
        raise PermanentError(f"--payload: expected a JSON object, got {payload!r}")
    brain = _brain(None)[1]
    number = CommandRepository(brain).put(CommandKind(kind), body, by)
    heard = "" if LeaseRepository(brain).running() else "; no session is running: the next one will obey it"
    console.print(f"command {number}: {kind}{heard}", highlight=False)


def session(
    wanted: Annotated[str, typer.Argument(metavar="on|off", help="on: keep one running; off: stop it and start no other")],
    by: Annotated[str, typer.Option(help="who says so")],
    reason: Annotated[str, typer.Option(help="why")] = "operator's word",
) -> None:
    """Whether `huracan up` keeps a session trading; it outlives crashes and restarts."""
    from huracan_platform.brain.execution.sessions import CommandRepository, SwitchRepository
    from huracan_platform.clock import SystemClock
    from huracan_platform.contracts.journal import CommandKind
    from huracan_platform.errors import PermanentError

    if wanted not in ("on", "off"):
        raise PermanentError(f"session: expected on or off, got {wanted!r}")
    settings, brain = _brain(None)
    name, on = settings.execution.gateway, wanted == "on"
    SwitchRepository(brain).turn(name, on, by=by, reason=reason, wire_ms=SystemClock().wire_ms())
    if not on:
        CommandRepository(brain).put(CommandKind.STOP, {"reason": reason}, by)
    console.print(f"{name} session {'wanted: the sensor keep_session launches it' if on else 'not wanted: running ones stop'}")


def register(app: typer.Typer) -> None:
    """Add the commands of the paper session."""
    for command in (live, session, passport, replay, fills, decisions, positions, tell):
        app.command()(command)


def _brain(role: Role | None = Role.VIEWER) -> tuple[Settings, Brain]:
    """To read; None where it is an operator's word that is written, which takes the owner's login."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.settings import load_settings

    settings = load_settings()
    return settings, open_brain(settings, role)


def _plain(value: Any) -> Any:
    """JSON has neither NaN nor infinity: by name."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _show_progress(now: SessionProgress) -> None:
    from huracan_platform.clock import to_datetime

    console.print(
        f"{to_datetime(now.market_ms):%Y-%m-%d %H:%M}  {now.share:4.0%}  {now.bars} bars  {now.decisions} decisions  "
        f"{now.orders} orders  {now.fills} fills  equity {now.equity_usd:,.2f}  {now.trading_state}", highlight=False,
    )


def _show_report(report: SessionReport) -> None:
    console.print(
        f"session {report.session_id} of {report.account} at {report.venue}: {report.market_hours:.2f} market hours, "
        f"{report.end_reason}", highlight=False,
    )
    table("Models in charge", ("symbol", "model"), report.models.items())
    table("Decisions by reason", ("reason", "count"), report.decisions.items())
    table("Orders", ("order", "count"), report.orders.items())
    if report.denials:
        table("Denials by code", ("code", "count"), report.denials.items())
    table(
        f"{len(report.trades)} trades, {report.pnl_usd} USD after fees",
        ("symbol", "side", "quantity", "entry", "exit", "fees", "PnL"),
        [(t.symbol, t.side, t.quantity, t.entry_price, t.exit_price, t.fees, t.pnl) for t in report.trades],
    )
    if report.open_positions:
        table("Open positions", ("symbol", "quantity"), report.open_positions.items())
    console.print(
        f"bar close to order: p50 {report.latency_p50_ms} ms, p99 {report.latency_p99_ms} ms; {report.stale_bars} stale bars, "
        f"{report.reconnects} reconnects", highlight=False,
    )
