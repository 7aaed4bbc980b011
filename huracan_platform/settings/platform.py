"""The database, the web UI, what is told to people, the simulated venue."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from huracan_platform.settings.rules import Day, Dsn, Section


class DatabaseSettings(Section):
    """Where the Brain Library and Dagster's own storage live."""

    dsn: Dsn | None = Field(None, description="Brain Library DSN; None starts the embedded Postgres under home")
    dagster_dsn: Dsn | None = Field(None, description="Dagster storage DSN; None puts it beside the Brain Library")
    port: int | None = Field(None, ge=1024, le=65535, description="port of the embedded server; None picks a free one once")
    run_as: str = Field("nobody", description="unprivileged user the embedded server runs under when started as root")
    start_timeout_s: float = Field(60.0, gt=0)
    roles: Literal["available", "required"] = Field(
        "available", description="each part works under its database role: where the server has them, or not at all"
    )


class SimulatorSettings(Section):
    """Defaults of `huracan venue`."""

    host: str = "127.0.0.1"
    port: int = Field(8799, ge=0, le=65535)
    seed: int = Field(7, ge=0)
    days: int = Field(360, ge=1, le=2000, description="days of history before the market's now")
    start: Day = Field(
        "2025-01-01", description="first UTC day of the synthetic market; fixed, so that a seed fixes the bytes"
    )
    speed: float = Field(1.0, ge=0, description="market seconds per wall second")
    begins: str = Field(
        "", description="SYMBOL=2025-01-03,… (UTC, or SYMBOL=2025-01-03T09:00): symbols whose trading begins only then"
    )
    ends: str = Field("", description="as `begins`: symbols that are delisted then")
    mirror_days: int = Field(7, ge=1, le=90, description="days of history that a mirror fetches from its source")


class UiSettings(Section):
    """The Dagster web server. It has no login, so it binds to loopback; a proxy with login goes in front of it."""

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535)


class BroadcastSettings(Section):
    """Where incidents are told. Without a token and a webhook they stay in the outbox and in `huracan incidents`."""

    slack_token: SecretStr | None = Field(None, description="bot token with chat:write and channels:history")
    slack_channel: str = Field("#trading", description="channel name, or its id, which lookups of lost answers need")
    slack_api_url: str = Field("https://slack.com/api/", description="base URL of Slack's Web API")
    slack_webhook_url: SecretStr | None = Field(None, description="incoming webhook, used while the bot's channel fails")
    tell_from: Literal["info", "warning", "critical"] = Field("warning", description="what is less stays on record only")
    fallback_after_s: float = Field(120.0, gt=0, description="a message that waits so long goes to the next channel too")
    poll_s: float = Field(2.0, gt=0, description="how often the outbox is looked at")
