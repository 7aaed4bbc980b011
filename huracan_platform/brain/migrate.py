"""Forward migrations: the numbered plain SQL files of `sql/`, applied once each by yoyo."""

from __future__ import annotations

import sysconfig
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from huracan_platform.brain.connection import Brain, ensure_server
from huracan_platform.brain.grants import set_up_roles
from huracan_platform.brain.roles import Role
from huracan_platform.errors import ConfigurationError, PermanentError
from huracan_platform.settings import Settings

# Any two openers agree on this number: one migrates, the others wait, and Postgres frees the lock of a killed one.
# yoyo's own lock is a row that a killed process leaves behind.
_LOCK = 0x48555241


def open_brain(settings: Settings, role: Role | None = None) -> Brain:
    """The migrated Brain Library of these settings; starts the embedded server when no DSN is set.

    `role` None works with all that the login may do: for migrations, and for what a person says. Where the server has no such
    role, so does a named one, unless `database.roles` requires them.

    Raises
    ------
    ConfigurationError, TransientError, PermanentError
        As `ensure_server`, when a migration fails, and when a required role cannot be used.
    """
    brain = Brain(ensure_server(settings).brain_dsn)
    _apply_pending(brain)
    state = set_up_roles(brain)
    if role is None:
        return brain
    if state.usable(role):
        return brain.as_role(role)
    if settings.database.roles == "required":
        raise ConfigurationError(f"HURACAN_DATABASE__ROLES: required, expected {role.group} at {brain.where}, got: {state}")
    return brain


def migrate(brain: Brain) -> list[str]:
    """Apply what is pending, in file order, and return the names. A file numbered below an applied one is applied too.

    Roles and rights follow, as far as the login may make them.

    Safe with any number of concurrent callers.

    Raises
    ------
    PermanentError
        A migration failed; it was rolled back and the ones before it stay applied.
    """
    names = _apply_pending(brain)
    set_up_roles(brain)
    return names


def _apply_pending(brain: Brain) -> list[str]:
    if not pending_migrations(brain):
        return []
    with brain.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        return _apply(brain.dsn)


def pending_migrations(brain: Brain) -> list[str]:
    """Names of the files that this database has not had yet, in file order."""
    names = sorted(path.stem for path in migrations_folder().glob("*.sql"))
    applied: set[str] = set()
    with brain.connect() as connection, suppress(psycopg.errors.UndefinedTable):
        applied = {row[0] for row in connection.execute("SELECT migration_id FROM _yoyo_migration")}
    return [name for name in names if name not in applied]


def migrations_folder() -> Path:
    """`sql/` of the checkout, or where the wheel put it: `<prefix>/share/huracan_platform/sql`.

    Raises
    ------
    PermanentError
        Neither is there: the package was not installed as a whole.
    """
    checkout = Path(__file__).parents[2] / "sql"
    installed = Path(sysconfig.get_path("data")) / "share" / "huracan_platform" / "sql"
    for folder in (checkout, installed):
        if (folder / "0001_facts.sql").exists():
            return folder
    raise PermanentError(f"migrations: expected 0001_facts.sql in {checkout} or {installed}, found in neither")


def _apply(dsn: str) -> list[str]:
    import yoyo  # 0.1 s, needed only when something is pending

    backend = yoyo.get_backend(urlsplit(dsn)._replace(scheme="postgresql+psycopg").geturl())
    try:
        backend.break_lock()  # ours is held, so any row there belongs to a process that died
        pending = backend.to_apply(yoyo.read_migrations(str(migrations_folder())))
        names = [migration.id for migration in pending]
        try:
            backend.apply_migrations(pending)
        except psycopg.Error as error:
            done = backend.get_applied_migration_hashes()
            failed = next((m.id for m in pending if m.hash not in done), "?")
            raise PermanentError(f"migration {failed}: {' '.join(str(error).split())}") from error
        return names
    finally:
        backend.connection.close()
