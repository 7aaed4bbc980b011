"""The floors of the house: imports only go down, and some libraries stay in their rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import LONGEST

PACKAGE = Path(__file__).parent.parent / "huracan_platform"
NAME = PACKAGE.name

FLOORS: dict[str, int] = {
    "errors": -1,
    "failpoints": 0, "clock": 0,
    "settings": 1, "contracts": 1, "logs": 1,
    "brain": 2, "venues": 2, "decision": 2,
    "data": 3,
    "learning": 4,
    "judging": 5, "execution": 5,
    "operations": 6,
    "defs": 7,
    "definitions": 8,
    "cli": 9,
    "simulator": 9,  # a process of its own: see below
}
ONLY_IN = {
    "dagster": ("defs", "definitions"),
    "psycopg": ("brain",),
    "ccxt": ("venues",),
}
SIMULATOR_MAY_USE = {"clock", "settings", "errors", "simulator"}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{NAME}.{a.name}" for a in node.names if a.name != "__version__"] if node.module == NAME else [node.module]
    return found


def own_rooms(path: Path) -> set[str]:
    return {i.split(".")[1] for i in imports(path) if i.startswith(NAME + ".")}


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_only_go_down(path: Path) -> None:
    here = room(path)
    if here == "simulator":
        assert own_rooms(path) <= SIMULATOR_MAY_USE
        return
    for other in own_rooms(path) - {here}:
        if here == "cli" and other == "simulator":
            continue
        assert other in FLOORS, f"{path}: unknown room {other}; give it a floor"
        assert FLOORS[other] < FLOORS[here] , f"{path}: {here} (floor {FLOORS[here]}) imports {other} (floor {FLOORS[other]})"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for name in imports(path):
        rooms = ONLY_IN.get(name.split(".")[0])
        if rooms:
            assert room(path) in rooms, f"{path}: {name} belongs to {rooms}"


def test_only_the_order_gateway_sends_orders() -> None:
    """Order-placing calls of the exchange client stand in venues/orders.py and nowhere else."""
    calls = {"create_order", "edit_order", "cancel_order", "cancel_all_orders", "createOrder", "cancelOrder"}
    guilty = [
        f"{p.relative_to(PACKAGE)}:{node.lineno}"
        for p in modules() if p.relative_to(PACKAGE).as_posix() != "venues/orders.py" and room(p) == "venues"
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in calls
    ]
    assert guilty == []


def test_only_the_brain_holds_sql() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    guilty = [
        f"{p.relative_to(PACKAGE)}:{node.lineno}"
        for p in modules() if room(p) not in ("brain",)
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(verbs)
    ]
    assert guilty == []


def test_the_environment_is_read_in_settings_only() -> None:
    guilty = [
        f"{p.relative_to(PACKAGE)}:{node.lineno}"
        for p in modules() if p.parent.name != "settings"
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    ]
    assert guilty == []


def test_modules_that_begin_first_are_there() -> None:
    assert [name for name in LONGEST if not (Path(__file__).parent / name).is_file()] == []
