"""The files as Home Assistant's and HACS's own checkers want them, which themselves run in public."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import parse_yaml

from tests.custom_components.household import Household
from tests.custom_components.test_texts import flat, texts

ROOT: Final = Path(__file__).parents[2]
INTEGRATION: Final = ROOT / "custom_components" / "energy_swap"
LANGUAGES: Final = ("en", "sw")
GOOD_VERSIONS: Final = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]
# Parts of Home Assistant that are there whether an integration asks for them or not.
ALWAYS_THERE: Final = {
    "binary_sensor", "button", "event", "number", "select", "sensor", "switch",
    "diagnostics", "homeassistant", "llm", "logbook", "repairs", "system_health", "zeroconf",
}  # fmt: skip
# One element of an app's schema, as the Supervisor's documentation lists them.
APP_OPTION: Final = re.compile(
    r"(bool|email|url|port|device(\(subsystem=\w+\))?|match\(.+\)|list\(.+\)"
    r"|(str|password|int|float)(\((-?\d+(\.\d+)?)?,(-?\d+(\.\d+)?)?\))?)\??"
)


def loaded(name: str) -> dict[str, Any]:
    return dict(json.loads((INTEGRATION / name).read_text()))


def services() -> dict[str, Any]:
    content: Any = parse_yaml((INTEGRATION / "services.yaml").read_text())
    return dict(content)


def icons_of_material_design() -> set[str]:
    """Return the names of all icons that Home Assistant's frontend has."""
    folder = resources.files("hass_frontend") / "static" / "mdi"
    parts = json.loads((folder / "iconMetadata.json").read_text())["parts"]
    return {name for part in parts for name in json.loads((folder / f"{part['file']}.json").read_text())}


def test_the_manifest_names_what_it_must() -> None:
    manifest = loaded("manifest.json")
    assert AwesomeVersion(manifest["version"]).strategy in GOOD_VERSIONS
    for key in ("documentation", "issue_tracker"):
        address = urlsplit(manifest[key])
        assert address.scheme == "https"
        assert "home-assistant.io" not in (address.hostname or "")
    assert manifest["codeowners"]
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    assert manifest["config_flow"] is True
    assert manifest["integration_type"] in {"device", "hub", "service"}
    assert all("==" in requirement for requirement in manifest.get("requirements", []))
    assert all(re.fullmatch(r"_[a-z0-9-]{1,15}\._(tcp|udp)\.local\.", kind) for kind in manifest["zeroconf"])


def test_every_part_of_home_assistant_that_is_used_is_depended_on() -> None:
    manifest = loaded("manifest.json")
    known = {*manifest["dependencies"], *manifest["after_dependencies"], *ALWAYS_THERE}
    for path in INTEGRATION.rglob("*.py"):
        text = path.read_text()
        used = set(re.findall(r"^ *from homeassistant\.components\.(\w+)", text, re.MULTILINE))
        for names in re.findall(r"^ *from homeassistant\.components import ([\w, ]+)$", text, re.MULTILINE):
            used |= {name.strip() for name in names.split(",")}
        assert used <= known, path.name


def test_every_action_and_field_is_described_and_can_be_filled_in() -> None:
    described = loaded("translations/en.json")["services"]
    assert services().keys() == described.keys()
    for name, action in services().items():
        fields = action.get("fields") or {}
        assert fields.keys() == described[name]["fields"].keys(), name
        assert "device" not in action["target"], name  # may filter by entity only
        for field, content in fields.items():
            validate_selector(content["selector"])
            select = content["selector"].get("select") or {}
            if key := select.get("translation_key"):
                options = loaded("translations/en.json")["selector"][key]["options"]
                assert set(select["options"]) == set(options), field


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_plain_words(language: str) -> None:
    for key, text in texts(language).items():
        assert text, key
        assert text == text.strip(), key
        assert not re.search(r"<[a-zA-Z/]", text), f"{key} has HTML"
        assert not re.search(r"https?://|www\.", text), f"{key} has an address: let it be a blank to fill in"
        assert not re.search(r"'\{\w+\}'", text), f"{key} quotes a blank"
        assert all(re.fullmatch(r"[a-z0-9_-]+", part) for part in key.split(".")), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_problems_and_parts_have_all_their_texts(language: str) -> None:
    content = loaded(f"translations/{language}.json")
    flows = [content["config"], content["options"], *content["config_subentries"].values()]
    flows += [issue["fix_flow"] for issue in content["issues"].values() if "fix_flow" in issue]
    for flow in flows:
        for name, step in flow["step"].items():
            assert set(step.get("data_description", {})) == set(step.get("data", {})), name
    for name, issue in content["issues"].items():
        assert issue["title"], name
        assert ("description" in issue) != ("fix_flow" in issue), name
    for name, subentry in content["config_subentries"].items():
        assert subentry["initiate_flow"]["user"], name
        assert subentry["entry_type"], name


def test_every_refusal_that_the_code_names_has_its_words() -> None:
    known = set(loaded("translations/en.json")["exceptions"])
    for path in INTEGRATION.rglob("*.py"):
        for found in re.findall(r'translation_domain=DOMAIN,\s*translation_key=f?"([^"]+)"', path.read_text()):
            pattern = re.sub(r"{[^}]*}", r"\\w+", found)
            assert any(re.fullmatch(pattern, key) for key in known), f"{path.name}: {found}"


def test_every_icon_exists_and_stands_where_home_assistant_looks() -> None:
    icons = loaded("icons.json")
    assert set(icons) == {"entity", "services"}
    assert set(icons["services"]) == set(services())
    for name, icon in icons["services"].items():
        assert set(icon) <= {"service", "sections"}, name
    for entities in icons["entity"].values():
        for name, icon in entities.items():
            assert "default" in icon, name
            assert set(icon) <= {"default", "state", "range", "state_attributes"}, name
    existing = icons_of_material_design()
    assert len(existing) > 7_000
    for key, icon in flat(icons).items():
        assert icon.startswith("mdi:"), key
        assert icon.removeprefix("mdi:") in existing, f"{key}: there is no {icon}"


@pytest.mark.asyncio(loop_scope="session")
async def test_home_assistant_itself_offers_every_action_with_its_form(household: Household) -> None:
    offered = (await household.home.command("get_services"))["energy_swap"]
    assert offered.keys() == services().keys()
    for name, action in services().items():
        assert offered[name]["fields"].keys() == (action.get("fields") or {}).keys(), name
        assert "response" in offered[name], name
    answer = await household.home.command("frontend/get_icons", category="services", integration="energy_swap")
    assert answer["resources"]["energy_swap"].keys() == services().keys()


def test_the_app_is_as_the_supervisor_wants_it() -> None:
    folder = ROOT / "addon"
    app: Any = parse_yaml((folder / "config.yaml").read_text())
    assert {"name", "version", "slug", "description", "arch"} <= set(app)
    assert set(app["arch"]) == {"aarch64", "amd64"}
    assert set(app["options"]) <= set(app["schema"])
    for name, kind in app["schema"].items():
        assert APP_OPTION.fullmatch(kind), f"{name}: {kind}"
    assert app["backup"] in {"hot", "cold"}
    assert re.fullmatch(r"(https?|tcp)://\[HOST\]:\[PORT:\d+\](/.*)?", app["watchdog"])
    assert app["discovery"] == [INTEGRATION.name]
    assert all(re.fullmatch(r"\w+:(provide|want|need)", service) for service in app["services"])
    assert {"apparmor.txt", "DOCS.md", "README.md", "CHANGELOG.md", "Dockerfile", "icon.png", "logo.png"} <= {
        path.name for path in folder.iterdir()
    }
    assert f"profile {app['slug']} " in (folder / "apparmor.txt").read_text()
    repository: Any = parse_yaml((ROOT / "repository.yaml").read_text())
    assert {"name", "url", "maintainer"} <= set(repository)
    # The Supervisor takes every file of this name for an app.
    assert [
        path.relative_to(ROOT)
        for path in ROOT.rglob("config.yaml")
        if not {".venv", "node_modules", ".toolchain", ".git"} & set(path.parts)
    ] == [Path("addon/config.yaml")]


def test_everything_in_the_documentation_has_its_picture() -> None:
    page = ROOT / "docs" / "home-assistant.md"
    shown = set(re.findall(r"\]\((pictures/[^)]+)\)", page.read_text()))
    assert [picture for picture in shown if not (page.parent / picture).is_file()] == []
    blueprints = (ROOT / "blueprints" / "automation" / "energy_swap").glob("*.yaml")
    wanted = {
        *(f"action-{name}" for name in services()),
        *(f"blueprint-{path.stem}" for path in blueprints),
        *(f"card-{name}" for name in ("money", "market", "forecast", "history")),
        *(f"dialog-{name}" for name in ("sell", "buy", "prices", "top-up", "pay-out")),
        *("page", "page-telephone", "entities"),
    }
    assert {f"pictures/home-assistant/{name}.png" for name in wanted} <= shown
