"""Roles: what each may do is tried for real on every table, and nothing that a connection does takes it out of its role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.grants import RolesState, roles_state, set_up_roles
from huracan_platform.brain.migrate import migrate, open_brain
from huracan_platform.brain.roles import OWNER_ONLY, WRITERS, Role, Verb, allowed
from huracan_platform.errors import ConfigurationError, PermanentError
from huracan_platform.settings import Settings

Denied = psycopg.errors.InsufficientPrivilege


def tables(brain: Brain) -> list[str]:
    """Every table of the database but partitions, which are reached through theirs."""
    with brain.connect() as connection:
        return [name for (name,) in connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm')"
            " AND NOT relispartition AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
        )]


def a_plain_column(connection: psycopg.Connection, table: str) -> str:
    row = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attidentity = '' LIMIT 1", (table,)
    ).fetchone()
    assert row is not None
    return str(row[0])


def statement(connection: psycopg.Connection, table: str, verb: Verb) -> sql.Composed:
    text = {
        Verb.SELECT: "SELECT 1 FROM {table} LIMIT 1", Verb.INSERT: "INSERT INTO {table} DEFAULT VALUES",
        Verb.UPDATE: "UPDATE {table} SET {column} = DEFAULT", Verb.DELETE: "DELETE FROM {table}",
        Verb.TRUNCATE: "TRUNCATE {table} CASCADE",
    }[verb]
    return sql.SQL(text).format(table=sql.Identifier(table), column=sql.Identifier(a_plain_column(connection, table)))


def may(connection: psycopg.Connection, table: str, verb: Verb) -> bool:
    """Try it, and undo it. Rights are looked at before constraints and triggers are."""
    try:
        with connection.transaction():
            connection.execute(statement(connection, table, verb))
            raise psycopg.Rollback
    except Denied:
        return False
    except psycopg.errors.IntegrityError:
        return True
    return True


def test_every_table_of_the_database_is_in_the_matrix_and_none_besides(brain: Brain) -> None:
    assert set(tables(brain)) == set(WRITERS) | OWNER_ONLY


@pytest.mark.parametrize("role", Role)
def test_a_role_can_do_to_every_table_exactly_what_the_matrix_says(brain: Brain, role: Role) -> None:
    with brain.as_role(role).connect() as connection:
        found = {t: {v for v in Verb if may(connection, t, v)} for t in tables(brain)}
        catalogue = {
            t: {v for v in Verb if connection.execute("SELECT has_table_privilege(%s, %s)", (t, v)).fetchone() == (True,)}
            for t in found
        }
    assert found == catalogue == {t: allowed(t, role) for t in found}


def test_nobody_but_the_owner_changes_or_deletes_a_row_of_a_journal(brain: Brain) -> None:
    with brain.connect() as connection:
        journals = [name for (name,) in connection.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
            " WHERE tgname IN ('append_only', 'journal')"
        )]
    assert {"order_events", "fills", "decisions", "models", "gate_verdicts"} <= set(journals)
    assert {name: allowed(name, role) - {Verb.SELECT, Verb.INSERT} for name in journals for role in Role} == dict.fromkeys(
        journals, frozenset()
    )


@pytest.mark.parametrize("role", Role)
def test_no_role_makes_tables_or_reaches_another_role(brain: Brain, role: Role) -> None:
    own = brain.as_role(role)
    for attempt in ("CREATE TABLE loot (x int)", "CREATE SCHEMA loot", "CREATE ROLE loot", "SELECT * FROM pg_authid"):
        with pytest.raises(PermanentError, match="permission denied"), own.connect() as connection:
            connection.execute(attempt)
    with brain.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname <> %(own)s AND NOT rolcanlogin AND rolname LIKE 'huracan%%'"
            " AND pg_has_role(%(own)s, oid, 'MEMBER')", {"own": role.group},
        ).fetchone()
    assert row == (0,)


def test_only_ingest_makes_a_partition_and_it_can_make_nothing_but_the_one_of_a_day(brain: Brain) -> None:
    with brain.as_role(Role.INGEST).connect() as connection:
        connection.execute("SELECT make_liquidations_day(%s)", (date(2026, 2, 28),))
        connection.execute("SELECT make_liquidations_day(%s)", (date(2026, 2, 28),))
    with brain.connect() as connection:
        row = connection.execute(
            "SELECT pg_get_expr(relpartbound, oid), relowner::regrole::text FROM pg_class WHERE relname = 'liquidations_20260228'"
        ).fetchone()
    assert row is not None
    assert row[0] == "FOR VALUES FROM ('2026-02-28 00:00:00+00') TO ('2026-03-01 00:00:00+00')"
    assert row[1] == urlsplit(brain.dsn).username
    for role in set(Role) - {Role.INGEST}:
        with pytest.raises(PermanentError, match="permission denied for function"), brain.as_role(role).connect() as connection:
            connection.execute("SELECT make_liquidations_day(%s)", (date(2026, 3, 1),))
    with pytest.raises(PermanentError, match="permission denied"), brain.as_role(Role.INGEST).connect() as connection:
        connection.execute("SELECT * FROM liquidations_20260228")


def user(brain: Brain) -> str:
    with brain.connect() as connection:
        row = connection.execute("SELECT current_user").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("left_by", ["SELECT 1", "SET ROLE NONE", "RESET ROLE", "DISCARD ALL", "SET ROLE huracan_ingest"])
def test_a_kept_connection_is_under_its_role_whatever_its_user_before_did(brain: Brain, left_by: str) -> None:
    own = brain.as_role(Role.VIEWER)
    assert user(own) == "huracan_viewer"
    with own.connect() as connection:
        connection.commit()
        connection.autocommit = True
        connection.execute(left_by)
        connection.autocommit = False
        number = connection.info.backend_pid
    with own.connect() as connection:
        assert connection.info.backend_pid == number
    assert user(own) == "huracan_viewer"


def test_options_of_the_dsn_stay_beside_the_role(brain: Brain) -> None:
    with Brain(f"{brain.dsn}?options=-c%20work_mem%3D7MB", Role.VIEWER).connect() as connection:
        row = connection.execute("SELECT current_user::text, current_setting('work_mem')").fetchone()
    assert row == ("huracan_viewer", "7MB")


def test_what_a_role_may_not_do_is_told_in_a_line(brain: Brain) -> None:
    told = r"/test_\d+: expected a role that may, got: permission denied for table order_events"
    with pytest.raises(PermanentError, match=told), brain.as_role(Role.VIEWER).connect() as connection:
        connection.execute("DELETE FROM order_events")


def test_a_table_that_the_matrix_does_not_know_is_the_owners(brain: Brain) -> None:
    with brain.connect() as connection:
        connection.execute("CREATE TABLE later (x int)")
    assert set_up_roles(brain).ready
    for role in Role:
        with brain.as_role(role).connect() as connection:
            assert not any(may(connection, "later", verb) for verb in Verb)


def test_rights_that_somebody_changed_are_put_right_at_the_next_opening(brain: Brain, settings: Settings) -> None:
    with brain.connect() as connection:
        connection.execute("GRANT DELETE, TRUNCATE ON order_events TO huracan_executor")
        connection.execute("REVOKE SELECT ON candles FROM huracan_viewer")
        connection.execute("REVOKE EXECUTE ON FUNCTION make_liquidations_day FROM huracan_ingest")
    assert roles_state(brain).differing == ("candles", "order_events", "make_liquidations_day(date)")
    open_brain(settings)
    assert roles_state(brain) == RolesState()


def test_open_brain_works_under_the_role_asked_for(settings: Settings) -> None:
    assert user(open_brain(settings, Role.EXECUTOR)) == "huracan_executor"
    assert user(open_brain(settings)) == "huracan"


NewLogin = Callable[[str, str], Brain]


@pytest.fixture
def new_login(own_server: EmbeddedServer) -> Iterator[NewLogin]:
    """A login with the given attributes and a database that is its own, on a server that has no roles yet."""
    owner = own_server.ensure_running().brain_dsn

    def make(name: str, attributes: str) -> Brain:
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'sesame' {attributes}".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        return Brain(f"postgresql://{name}:sesame@{urlsplit(owner).hostname}:{urlsplit(owner).port}/{name}")

    return make


def under(brain: Brain, roles: str = "available") -> Settings:
    return Settings(database={"dsn": brain.dsn, "roles": roles})


@pytest.mark.slow
def test_a_login_that_may_not_create_roles_goes_on_without_them_and_says_so(new_login: NewLogin) -> None:
    plain = new_login("plain", "")
    assert migrate(plain)[-1].startswith("00")
    assert str(roles_state(plain)) == (
        "not used: huracan_ingest, huracan_trainer, huracan_executor, huracan_viewer, huracan_dagster missing, "
        "and this login may not create roles (CREATEROLE)"
    )
    assert user(open_brain(under(plain), Role.VIEWER)) == "plain"
    with pytest.raises(ConfigurationError, match=r"HURACAN_DATABASE__ROLES: required, expected huracan_viewer at .* missing"):
        open_brain(under(plain, "required"), Role.VIEWER)


@pytest.mark.slow
def test_a_login_that_may_create_roles_does_and_works_under_them(new_login: NewLogin) -> None:
    maker, plain = new_login("maker", "CREATEROLE"), new_login("plain", "")
    migrate(maker)
    assert roles_state(maker) == RolesState()
    assert user(open_brain(under(maker, "required"), Role.EXECUTOR)) == "huracan_executor"
    migrate(plain)  # another database of the same server finds the roles there, and is no member of them
    assert set(roles_state(plain).not_settable) == {role.group for role in Role}
    assert (roles_state(plain).missing, roles_state(plain).differing) == ((), ())
    with Brain(maker.dsn.replace("maker:", "plain:", 1)).connect() as connection, pytest.raises(Denied):
        connection.execute("SELECT * FROM candles")


@pytest.mark.slow
def test_a_login_in_one_role_works_under_it_and_under_no_other(new_login: NewLogin, own_server: EmbeddedServer) -> None:
    maker = new_login("maker", "CREATEROLE")
    migrate(maker)
    trader = Brain(maker.dsn.replace("maker:", "trader:", 1))
    with psycopg.connect(own_server.ensure_running().brain_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE trader LOGIN PASSWORD 'sesame' IN ROLE huracan_executor")
    assert user(open_brain(under(trader, "required"), Role.EXECUTOR)) == "huracan_executor"
    with pytest.raises(ConfigurationError, match=r"this login is no member of .*huracan_ingest"):
        open_brain(under(trader, "required"), Role.INGEST)
    with pytest.raises(PermanentError, match="permission denied for table trials"), open_brain(
        under(trader), Role.TRAINER
    ).connect() as connection:
        connection.execute("DELETE FROM trials")


@pytest.mark.slow
def test_four_databases_of_one_server_migrated_at_once_share_the_roles(new_login: NewLogin, own_server: EmbeddedServer) -> None:
    brains = [new_login(f"maker_{n}", "SUPERUSER") for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, brains))
    assert [roles_state(brain) for brain in brains] == [RolesState()] * 4
