"""Tables of sources: who makes them, who may write them, and that they hold one shape of rows."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.brain.grants import roles_state, set_up_roles
from huracan_platform.brain.roles import Role, Verb, allowed
from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.source import Column, SourceContract
from huracan_platform.errors import PermanentError
from tests.sources.conftest import BTC

START = 1_735_689_600_000


def contract(name: str = "trends", columns: Sequence[str] = ("interest",)) -> SourceContract:
    return SourceContract(name, tuple(Column(column, "a share", 0, 1) for column in columns), MINUTE_MS)


def write(brain: Brain, wanted: SourceContract, value: float = 0.5) -> None:
    batch = pa.table({
        "symbol": [BTC], "ts_ms": [START], **{name: [value] for name in wanted.names}, "known_at_ms": [START + 1],
    })
    SourceRepository(brain, wanted).upsert("venue", batch, START + 2)


def test_a_source_that_wrote_nothing_reads_as_empty(brain: Brain) -> None:
    repository = SourceRepository(brain.as_role(Role.VIEWER), contract())
    assert len(repository.read("venue", [BTC], 0, 2 * START)[BTC]) == 0
    assert repository.read_table("venue", [BTC], 0, 2 * START).num_rows == 0
    assert len(repository.read_versions("venue", [BTC], 0, 2 * START)[BTC].ts_ms) == 0
    assert repository.bounds("venue", BTC) is None


def test_ingest_makes_the_tables_and_everybody_s_rights_are_those_of_the_matrix(brain: Brain) -> None:
    write(brain.as_role(Role.INGEST), contract())
    names = ("source_trends", "source_trends_history")
    with brain.connect() as connection:
        found = {
            (table, role): {v for v in Verb if connection.execute(
                "SELECT has_table_privilege(%s, %s, %s)", (role.group, table, v)
            ).fetchone() == (True,)}
            for table in names for role in Role
        }
    assert found == {(table, role): allowed(table, role) for table in names for role in Role}
    assert found["source_trends", Role.INGEST] == {Verb.SELECT, Verb.INSERT, Verb.UPDATE}
    assert found["source_trends_history", Role.INGEST] == {Verb.SELECT, Verb.INSERT}
    assert found["source_trends", Role.EXECUTOR] == {Verb.SELECT}
    assert roles_state(brain).ready


def test_a_right_too_many_on_the_table_of_a_source_is_taken_back(brain: Brain) -> None:
    write(brain.as_role(Role.INGEST), contract())
    with brain.connect() as connection:
        connection.execute(f"GRANT DELETE ON source_trends TO {Role.TRAINER.group}")
    assert roles_state(brain).differing == ("source_trends",)
    assert set_up_roles(brain).ready


def test_others_than_ingest_make_no_tables(brain: Brain) -> None:
    for role in set(Role) - {Role.INGEST}:
        with pytest.raises(PermanentError, match="permission denied for function make_source_tables"):
            write(brain.as_role(role), contract())


def test_versions_go_to_the_history_and_a_pin_sees_the_first(brain: Brain) -> None:
    ingest = brain.as_role(Role.INGEST)
    write(ingest, contract(), 0.5)
    write(ingest, contract(), 0.7)
    versions = SourceRepository(ingest, contract()).read_versions("venue", [BTC], START, START + 1)[BTC]
    assert versions.values["interest"].tolist() == [0.5, 0.7]


def test_rows_of_another_shape_are_refused(brain: Brain) -> None:
    ingest = brain.as_role(Role.INGEST)
    write(ingest, contract(columns=("interest",)))
    with pytest.raises(PermanentError, match=r"expected the columns of its tables \(interest\), got interest, reach;"):
        write(ingest, contract(columns=("interest", "reach")))


@pytest.mark.parametrize(("name", "columns"), [
    ("Trends", ("interest",)), ('x"; DROP TABLE candles; --', ("interest",)), ("trends_history", ("interest",)),
    ("", ("interest",)),
    ("trends", ("ts",)), ("trends", ("interest double precision); DROP TABLE candles; --",)), ("trends", ()),
])
def test_names_that_are_none_of_a_table_are_refused(brain: Brain, name: str, columns: Sequence[str]) -> None:
    with pytest.raises(PermanentError, match="expected names of small letters"):
        write(brain.as_role(Role.INGEST), contract(name, columns))
    with brain.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'source\\_%%'").fetchone() == (0,)
