"""Migrations: every pending file, once, whoever comes first."""

from __future__ import annotations

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.migrate import migrate, open_brain, pending_migrations
from huracan_platform.settings import Settings


def test_a_migrated_library_has_nothing_pending_and_migrating_again_does_nothing(brain: Brain) -> None:
    assert pending_migrations(brain) == []
    assert migrate(brain) == []


def test_open_brain_uses_the_configured_dsn_and_starts_no_server(settings: Settings, brain: Brain) -> None:
    opened = open_brain(settings)
    assert opened.dsn == brain.dsn
    assert not settings.home.exists()
