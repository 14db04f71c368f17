"""Whatever the hub or the edge tells a household, Home Assistant has words for in both languages."""

import ast
import json
from pathlib import Path
from typing import get_args

import energy_swap_edge
from energy_swap_edge import counsel, records
from energy_swap_edge.adviser.equipment import Trouble
from energy_swap_hub.settlement.notifications import Event

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "energy_swap"
# What the edge names elsewhere than where it tells it: the hub's events, and what is wrong with the panels.
GIVEN = {
    "_KINDS.get(kind, kind)": {records._KINDS.get(event, event) for event in Event},
    "finding.trouble": set(get_args(Trouble.__value__)),
    "_PRICE_ALERT": {counsel._PRICE_ALERT},
}


def kinds_of_the_edge() -> set[str]:
    """Return every kind that some ``News`` of the edge has."""
    found = set[str]()
    for path in Path(energy_swap_edge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "News":
                kind = node.args[1]
                written = ast.unparse(kind)
                found |= {str(kind.value)} if isinstance(kind, ast.Constant) else GIVEN[written]
    return found


def test_no_kind_of_event_is_without_words() -> None:
    kinds = kinds_of_the_edge()
    assert {"suspended", "allowance_lost", "price_alert", "soiling", "trade_settled"} <= kinds
    for language in ("en", "sw"):
        common = json.loads((INTEGRATION / "translations" / f"{language}.json").read_text())["common"]
        words = {key.removeprefix("event_") for key in common if key.startswith("event_")}
        assert words == kinds, f"{language}: {sorted(words ^ kinds)}"


def test_the_logbook_knows_every_kind() -> None:
    tree = ast.parse((INTEGRATION / "logbook.py").read_text())
    (known,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "KNOWN"
    ]
    assert isinstance(known, ast.Call)
    assert ast.literal_eval(known.args[0]) == kinds_of_the_edge()
