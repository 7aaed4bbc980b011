"""The paper session as a bounded run: it trades what is authorised, and its report is the materialisation."""

import dagster as dg
from pydantic import Field

from huracan_platform.defs.house import OWNERS
from huracan_platform.defs.judging.assets import gate_verdicts
from huracan_platform.defs.learning.assets import trained_models
from huracan_platform.defs.resources import Platform


class SessionConfig(dg.Config):
    """Bounds of one session."""

    market_hours: float | None = Field(None, description="market hours to cover; none: until the session bound in wall seconds")
    flatten_at_end: bool = Field(True, description="close positions when the bound ends the session")


@dg.asset(
    group_name="execution",
    owners=OWNERS,
    kinds={"python", "ccxt", "postgres"},
    deps=[trained_models, gate_verdicts],
    description="Paper trading: live bars, decisions, signed orders to a venue on loopback, fills; all of it in the journal.",
    op_tags={"huracan/session": "paper"},
)
def paper_session(context: dg.AssetExecutionContext, platform: Platform, config: SessionConfig) -> dg.MaterializeResult:
    """Run one session to its bound."""
    from huracan_platform.execution.report import SessionProgress
    from huracan_platform.execution.session import run_session

    told = -1

    def progress(now: SessionProgress) -> None:
        nonlocal told
        if (tenth := int(now.share * 10)) > told:
            told = tenth
            counts = f"{now.bars:,} bars, {now.decisions} decisions, {now.orders} orders, {now.fills} fills"
            context.log.info(f"{now.share:4.0%}  {counts}, equity {now.equity_usd:,.2f}")

    report = run_session(
        platform.settings(),
        market_hours=config.market_hours,
        flatten_at_end=config.flatten_at_end,
        on_progress=progress,
        run_id=context.run_id,
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(report.decisions.values()),
            "session_id": report.session_id,
            "market_hours": report.market_hours,
            "fills": report.fills,
            "trades": len(report.trades),
            "pnl_usd": float(report.pnl_usd),
            "end_reason": report.end_reason,
            "report": dg.MetadataValue.json(report.as_dict()),
        }
    )
