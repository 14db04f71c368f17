"""What the quality scale's checklist says is there, is there."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from homeassistant.util.yaml import parse_yaml

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "energy_swap"
# Bronze 20, Silver 10, Gold 21, Platinum 3.
RULES_OF_THE_SCALE = frozenset(
    [
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
        "async-dependency",
        "inject-websession",
        "strict-typing",
    ]
)


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
    assert set(found) == RULES_OF_THE_SCALE
    assert len(RULES_OF_THE_SCALE) == 54
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
