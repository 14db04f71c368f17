"""What the quality scale's checklist says is there, is there."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import homeassistant.components
import pytest
from homeassistant.util.yaml import parse_yaml

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "energy_swap"
EXAMPLES = ("nordpool", "opower", "music_assistant")


def rules_of_the_scale() -> set[str]:
    """Return every rule that one of the integrations which Home Assistant has itself answers: 54 of them."""
    components = Path(homeassistant.components.__path__[0])
    answered: Any = [parse_yaml((components / name / "quality_scale.yaml").read_text()) for name in EXAMPLES]
    return {rule for one in answered for rule in one["rules"]}


def rules() -> dict[str, Any]:
    content: Any = parse_yaml((INTEGRATION / "quality_scale.yaml").read_text())
    return dict(content["rules"])


def headings(path: Path) -> set[str]:
    """Return the anchors of a page as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_rule_is_met_or_does_not_apply() -> None:
    found = rules()
    assert set(found) == rules_of_the_scale()
    assert len(found) == 54
    for name, rule in found.items():
        assert rule["status"] in {"done", "exempt"}, name
        assert rule["evidence"] if rule["status"] == "done" else rule["comment"], name


@pytest.mark.parametrize("rule", [name for name, rule in rules().items() if rule["status"] == "done"])
def test_the_evidence_exists(rule: str) -> None:
    for evidence in rules()[rule]["evidence"]:
        path, _, test = evidence.partition("::")
        page, _, anchor = path.partition("#")
        assert (ROOT / page).is_file(), evidence
        if test:
            assert test in functions_of(ROOT / page), evidence
        if anchor:
            assert anchor in headings(ROOT / page), evidence


def test_every_preference_and_every_field_of_the_set_up_is_documented() -> None:
    page = (ROOT / "docs" / "home-assistant.md").read_text()
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text())
    for label in texts["options"]["step"]["init"]["data"].values():
        assert f"\n| {label} |" in page, label
    for step in texts["config"]["step"].values():
        for label in step.get("data", {}).values():
            assert label.lower() in page.partition("## Pair")[2].partition("## Preferences")[0].lower(), label


def test_every_platform_says_how_many_updates_it_bears() -> None:
    init = (INTEGRATION / "__init__.py").read_text()
    platforms = re.findall(r"Platform\.(\w+),", init)
    assert len(platforms) == 7
    for platform in platforms:
        text = (INTEGRATION / f"{platform.lower()}.py").read_text()
        assert "PARALLEL_UPDATES = 0" in text, platform


def test_the_manifest_is_as_home_assistant_and_hacs_want_it() -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    keys = list(manifest)
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])
    assert manifest["domain"] == INTEGRATION.name
    assert {"codeowners", "documentation", "issue_tracker", "version", "iot_class", "integration_type"} <= set(
        keys
    )
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert set(hacs) <= {
        "name",
        "filename",
        "zip_release",
        "homeassistant",
        "hide_default_branch",
        "render_readme",
    }
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert hacs["filename"] in release
    assert "manifest.json" in release
    assert [
        path.name for path in (ROOT / "custom_components").iterdir() if path.is_dir() and path.name[0] != "_"
    ] == ["energy_swap"]
