"""Words in English and Swahili, icons, and what a bug report gives away."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from homeassistant.util.yaml import parse_yaml

from tests.custom_components.household import Household

BLUEPRINTS = Path(__file__).parents[2] / "blueprints" / "automation" / "energy_swap"
INTEGRATION = Path(__file__).parents[2] / "custom_components" / "energy_swap"


def flat(texts: dict[str, Any], at: str = "") -> dict[str, str]:
    """Return nested texts as one dictionary of dotted keys."""
    found: dict[str, str] = {}
    for key, value in texts.items():
        found |= flat(value, f"{at}{key}.") if isinstance(value, dict) else {f"{at}{key}": value}
    return found


def texts(language: str) -> dict[str, str]:
    return flat(json.loads((INTEGRATION / "translations" / f"{language}.json").read_text()))


def test_swahili_has_every_text_with_the_same_blanks() -> None:
    english, swahili = texts("en"), texts("sw")
    assert swahili.keys() == english.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", swahili[key])) == sorted(re.findall(r"{\w+}", text)), key
        assert key == "config.flow_title" or swahili[key] != text, f"{key} is not translated"


def test_every_entity_and_action_has_an_icon() -> None:
    icons = flat(json.loads((INTEGRATION / "icons.json").read_text()))
    for key in texts("en"):
        if found := re.fullmatch(r"(entity\.\w+\.\w+)\.name", key):
            assert icons[f"{found[1]}.default"].startswith("mdi:")
        if found := re.fullmatch(r"(services\.\w+)\.name", key):
            assert icons[f"{found[1]}.service"].startswith("mdi:")


def test_every_blueprint_names_its_place_and_speaks_both_languages() -> None:
    paths = sorted(BLUEPRINTS.glob("*.yaml"))
    assert len(paths) == 6
    for path in paths:
        text = path.read_text().replace("!input", "")
        content: Any = parse_yaml(text)
        blueprint = content["blueprint"]
        assert blueprint["source_url"].endswith(f"/blueprints/automation/energy_swap/{path.name}")
        assert " / " in blueprint["name"]
        for given in blueprint["input"].values():
            assert " / " in given["name"], path.name


@pytest.mark.asyncio(loop_scope="session")
async def test_home_assistant_serves_both_languages(household: Household) -> None:
    for language, name in (("en", "Surplus power"), ("sw", "Nguvu ya ziada")):
        answer = await household.home.command(
            "frontend/get_translations", language=language, category="entity", integration=["energy_swap"]
        )
        assert answer["resources"]["component.energy_swap.entity.sensor.surplus_power.name"] == name


@pytest.mark.asyncio(loop_scope="session")
async def test_diagnostics_give_away_neither_keys_nor_money(household: Household) -> None:
    report = await household.home.request("GET", f"diagnostics/config_entry/{household.entry_id}")
    data = report["data"]
    assert data["state"]["hub"] == household.edge.state["hub"]
    assert data["connected"] is True
    text = json.dumps(data)
    edge = household.edge
    for secret in (edge.state["meter"]["key"], *edge.tokens, "127.0.0.1", "123450", edge.name):
        assert secret not in text
