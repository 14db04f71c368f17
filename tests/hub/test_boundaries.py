import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HUB = ROOT / "hub" / "energy_swap_hub"
ROOMS = ("chain", "ledger", "market", "membership", "metering", "mpesa", "push", "settlement", "storage", "web")
OURS = "energy_swap"


def imports(path: Path) -> Iterator[str]:
    """Yield the full dotted name of all that a module imports, also inside functions."""
    package = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            if base and base[0] in {"hub", "protocol", "addon", "daraja_simulator", "demo"}:
                base = base[1:]
            start = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def own_modules(folder: Path) -> list[Path]:
    """Return the Python modules of a folder that are the project's own, not installed or built there."""
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if not any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts)
    ]


def modules(folder: Path) -> list[Path]:
    """Return what `own_modules` does, of a folder that must have some."""
    found = own_modules(folder)
    assert found, f"no modules in {folder}"
    return found


def rooms_used(folder: Path) -> set[str]:
    """Return the rooms of the hub that the modules of a folder import."""
    names = [name.split(".") for path in modules(folder) for name in imports(path)]
    return {name[1] for name in names if name[0] == "energy_swap_hub" and len(name) > 1 and name[1] in ROOMS}


def first_party(folder: Path) -> set[str]:
    """Return our top-level packages that the modules of a folder import."""
    tops = {name.partition(".")[0] for path in modules(folder) for name in imports(path)}
    return {top for top in tops if top.startswith(OURS)}


def test_these_are_all_rooms() -> None:
    assert {path.parent.name for path in HUB.glob("*/__init__.py")} == set(ROOMS)


def test_the_check_sees_what_it_looks_for() -> None:
    assert {"ledger", "market", "metering", "membership", "chain", "mpesa"} <= rooms_used(HUB / "settlement")
    assert first_party(ROOT / "addon") == {"energy_swap_edge", "energy_swap_protocol"}


def test_the_market_knows_no_other_room() -> None:
    assert rooms_used(HUB / "market") <= {"market"}


def test_the_ledger_knows_no_other_room_but_where_tables_are_declared() -> None:
    assert rooms_used(HUB / "ledger") <= {"ledger", "storage"}


def test_storage_knows_no_other_room() -> None:
    assert rooms_used(HUB / "storage") <= {"storage"}


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in {"settlement", "web"}])
def test_only_settlement_brings_market_ledger_chain_and_mpesa_together(room: str) -> None:
    together = {"market", "ledger", "chain", "mpesa", "settlement"} - {room}
    assert not rooms_used(HUB / room) & together


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "web"])
def test_no_room_knows_the_web(room: str) -> None:
    assert "web" not in rooms_used(HUB / room)


def test_the_protocol_stands_alone() -> None:
    assert first_party(ROOT / "protocol") <= {"energy_swap_protocol"}


def test_the_integration_can_be_installed_alone() -> None:
    assert first_party(ROOT / "custom_components") == set()


def test_the_simulator_knows_only_daraja() -> None:
    assert first_party(ROOT / "daraja_simulator") <= {"energy_swap_daraja_simulator"}


def test_nothing_outside_imports_the_hub() -> None:
    folders = [
        path
        for path in sorted(ROOT.iterdir())
        if path.is_dir() and not path.name.startswith(".") and path.name not in {"hub", "demo", "tests"}
    ]
    with_python = [path for path in folders if own_modules(path)]
    assert {"addon", "protocol", "custom_components", "daraja_simulator"} <= {path.name for path in with_python}
    for folder in with_python:
        assert "energy_swap_hub" not in first_party(folder), folder.name
