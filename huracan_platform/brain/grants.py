"""Makes the database's roles and rights what `roles.py` says, and tells where they are not."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.roles import CALLERS, OWNER_ONLY, Role, Verb, allowed, writers

_LOCK = 0x48555242  # who grants in one database takes turns
_SET_RIGHT_SINCE = 160_000  # before, every member may SET ROLE

_RIGHTS = """
    SELECT c.relname, r.name, v.verb FROM pg_class c, unnest(%(roles)s::text[]) AS r (name), unnest(%(verbs)s::text[]) AS v (verb)
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY(%(tables)s)
       AND has_table_privilege(r.name, c.oid, v.verb)
"""
_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""


@dataclass(frozen=True)
class RolesState:
    """How far the roles are there. All three are names and empty where all is as it should be."""

    missing: tuple[str, ...] = ()       # roles
    not_settable: tuple[str, ...] = ()  # roles that this login is no member of
    differing: tuple[str, ...] = ()     # tables and functions whose rights are not the matrix's

    @property
    def ready(self) -> bool:
        """Whether every role can be worked under."""
        return not (self.missing or self.not_settable or self.differing)

    def usable(self, role: Role) -> bool:
        """Whether this login can work under the role."""
        return not (self.missing or self.differing) and role.group not in self.not_settable

    def __str__(self) -> str:
        """One line for people."""
        if self.missing:
            return f"not used: {', '.join(self.missing)} missing, and this login may not create roles (CREATEROLE)"
        if self.differing:
            return f"not used: rights on {', '.join(self.differing)} differ, and this login may not grant them"
        if self.not_settable:
            return f"this login is no member of {', '.join(self.not_settable)}"
        return "ready"


def roles_state(brain: Brain) -> RolesState:
    """Compare roles, memberships and rights in this database with the matrix; changes nothing."""
    with brain.connect() as connection:
        return _state(connection)


def set_up_roles(brain: Brain) -> RolesState:
    """Make what is missing as far as this login may, and return what came of it. Safe with concurrent callers."""
    state = roles_state(brain)
    if state.ready:
        return state
    with brain.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        row = connection.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
        if row is not None and row[0]:
            _make_roles(connection, _state(connection))
        state = _state(connection)
        if state.differing and not state.missing:
            with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
                _grant(connection, state.differing)
        return _state(connection)


def _state(connection: psycopg.Connection[Any]) -> RolesState:
    groups = [role.group for role in Role]
    right = "SET" if connection.info.server_version >= _SET_RIGHT_SINCE else "MEMBER"
    found = dict(connection.execute(
        "SELECT rolname, pg_has_role(oid, %s) FROM pg_roles WHERE rolname = ANY(%s)", (right, groups)
    ).fetchall())
    missing = tuple(g for g in groups if g not in found)
    return RolesState(
        missing, tuple(g for g, settable in found.items() if not settable), () if missing else _differing(connection)
    )


def _differing(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    tables = _tables(connection)
    held: dict[tuple[str, str], set[str]] = {}
    query = {"roles": [r.group for r in Role], "verbs": list(Verb), "tables": tables}
    for table, group, verb in connection.execute(_RIGHTS, query):
        held.setdefault((table, group), set()).add(verb)
    wrong = [t for t in tables if any(held.get((t, r.group), set()) != set(allowed(t, r)) for r in Role)]
    for function, callers in CALLERS.items():
        rows = connection.execute(
            "SELECT name, has_function_privilege(name, to_regprocedure(%s), 'EXECUTE') FROM unnest(%s::text[]) AS name",
            (function, query["roles"]),
        )
        if any(may is not None and may != (group in {c.group for c in callers}) for group, may in rows):
            wrong.append(function)
    return tuple(wrong)


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Tables of the matrix that there are. A partition is reached through its table and has no rights of its own."""
    return [name for (name,) in connection.execute(_TABLES) if writers(name) is not None or name in OWNER_ONLY]


def _make_roles(connection: psycopg.Connection[Any], state: RolesState) -> None:
    # Roles belong to the server: another database's migration may make them at this very moment, or have made them for
    # a login of its own.
    taken = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation, psycopg.errors.InsufficientPrivilege)
    for group in map(sql.Identifier, state.missing):
        with suppress(*taken), connection.transaction():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(group))
    for group in map(sql.Identifier, _state(connection).not_settable):
        with suppress(*taken), connection.transaction():
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(group))


def _grant(connection: psycopg.Connection[Any], differing: Iterable[str]) -> None:
    everybody = _identifiers(Role)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(everybody))
    for name in differing:
        if name in CALLERS:
            function = sql.SQL(name)  # a name of the matrix, with its argument types
            # Everybody may call a function that a restored backup made, until it is said otherwise.
            connection.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC, {}").format(function, everybody))
            connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, _identifiers(CALLERS[name])))
            continue
        table = sql.Identifier("public", name)
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(table, everybody))
        for role in Role:
            if verbs := allowed(name, role):
                rights = sql.SQL(", ").join(sql.SQL(verb.value) for verb in sorted(verbs))
                connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, table, sql.Identifier(role.group)))


def _identifiers(roles: Iterable[Role]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(role.group) for role in roles)
