"""More of what hassfest and HACS look at, for a custom integration; they themselves run in public (.github).

Of hassfest's plugins these apply, covered here (h), in test_structure.py (s) or in test_quality_scale.py (q):

- manifest: keys known (h) and sorted (q), version, addresses, code owners, requirements (s), classes, types (h, s)
- config_flow: each discovery has a unique id (h); config_schema (h); dependencies: what is imported (s)
- icons: where, named, existing (s); services: selectors, texts, targets (s), known keys, defaults that fit (h)
- translations: plain words, all there (s), known keys, none left over (h); zeroconf: types (s); json: parses (s)

Not ours: application credentials, bluetooth, conditions, dhcp, labs, mqtt, ssdp, triggers, usb. Not covered: what
is asked of GitHub (topics, releases, who the code owners are).
"""

import ast
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from homeassistant.helpers.selector import selector

from tests.custom_components.test_structure import INTEGRATION, ROOT, loaded, services

CODE: Final = {str(path.relative_to(INTEGRATION)): path.read_text() for path in INTEGRATION.rglob("*.py")}
MANIFEST: Final = {
    "domain", "name", "after_dependencies", "bluetooth", "codeowners", "config_flow", "dependencies", "dhcp",
    "disabled", "documentation", "homekit", "import_executor", "integration_type", "iot_class", "issue_tracker",
    "loggers", "mqtt", "preview_features", "quality_scale", "requirements", "single_config_entry", "ssdp",
    "usb", "version", "zeroconf",
}  # fmt: skip
IOT_CLASSES: Final = {
    "assumed_state", "calculated", "cloud_polling", "cloud_push", "local_polling", "local_push",
}  # fmt: skip
TEXTS: Final = {"*": str}
STEP: Final = {
    "title": str,
    "description": str,
    "submit": str,
    "data": TEXTS,
    "data_description": TEXTS,
    "menu_options": TEXTS,
    "sections": None,
}
FLOW: Final = {"flow_title": str, "step": {"*": STEP}, "error": TEXTS, "abort": TEXTS, "progress": TEXTS}
ENTITY: Final = {
    "name": str,
    "unit_of_measurement": str,
    "state": TEXTS,
    "state_attributes": {"*": {"name": str, "state": TEXTS}},
}
FIELD: Final = {"name": str, "description": str, "example": str}
TRANSLATIONS: Final = {
    "title": str,
    "common": TEXTS,
    "config": FLOW,
    "options": FLOW,
    "config_subentries": {"*": {**FLOW, "initiate_flow": TEXTS, "entry_type": str}},
    "entity": {"*": {"*": ENTITY}},
    "exceptions": {"*": {"message": str}},
    "issues": {"*": {"title": str, "description": str, "fix_flow": FLOW}},
    "selector": {"*": {"options": TEXTS}},
    "services": {"*": {"name": str, "description": str, "fields": {"*": FIELD}}},
    "system_health": {"info": TEXTS},
}


def strangers(texts: Mapping[str, Any], shape: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield the places whose key nobody reads, or whose value is no text where one belongs."""
    for key, value in texts.items():
        wanted = shape.get(key, shape.get("*", "nothing"))
        if wanted == "nothing" or isinstance(value, str) != (wanted is str):
            yield f"{at}{key}"
        elif isinstance(wanted, Mapping):
            yield from strangers(value, wanted, f"{at}{key}.")


def size_of_png(path: Path) -> tuple[int, int]:
    """Return width and height, as the file's header says."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n"), path
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_the_manifest_says_nothing_that_is_not_understood() -> None:
    manifest = loaded("manifest.json")
    assert set(manifest) <= MANIFEST
    assert manifest["iot_class"] in IOT_CLASSES
    assert not {"quality_scale", "disabled"} & set(manifest)  # of integrations that Home Assistant itself has


def test_set_up_by_yaml_is_refused_and_the_flow_knows_each_household() -> None:
    assert "CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)" in CODE["__init__.py"]
    flow = ast.parse(CODE["config_flow.py"])
    steps = {
        node.name: ast.unparse(node)
        for node in ast.walk(flow)
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("async_step_")
    }
    assert {"async_step_user", "async_step_zeroconf", "async_step_hassio", "async_step_reauth"} <= steps.keys()
    for discovery in ("async_step_zeroconf", "async_step_hassio"):
        assert "unique_id" in CODE["config_flow.py"].split(f"def {discovery}")[1].split("async def async_step_")[0]


@pytest.mark.parametrize("language", ["en", "sw"])
def test_translations_have_no_key_that_nobody_reads(language: str) -> None:
    assert list(strangers(loaded(f"translations/{language}.json"), TRANSLATIONS)) == []


def test_the_check_of_translations_finds_what_is_wrong() -> None:
    wrong = {
        "exceptions": {"a": {"massage": "x"}},
        "config": {"step": {"user": {"title": {"x": "y"}}}},
        "odd": "x",
    }
    assert list(strangers(wrong, TRANSLATIONS)) == ["exceptions.a.massage", "config.step.user.title", "odd"]


def test_no_text_of_an_error_is_left_over() -> None:
    """Those that the edge names by its own keys are held to hub and edge in inside/test_words.py."""
    code = "".join(CODE.values())
    for key in loaded("translations/en.json")["exceptions"]:
        stem = key.rpartition("_")[0]
        assert (
            key.startswith("refused_")
            or f'"{key}"' in code
            or re.search(rf'f"{stem}_{{|f"{stem.partition("_")[0]}_', code)
        ), key


def test_actions_and_their_fields_have_known_keys_and_defaults_that_fit() -> None:
    for name, action in services().items():
        assert set(action) <= {"target", "fields"}, name
        for field, content in (action.get("fields") or {}).items():
            known = {"required", "selector", "default", "example", "filter", "advanced"}
            assert set(content) <= known, f"{name}.{field}"
            if "default" in content:
                fits: Any = selector(content["selector"])
                fits(content["default"])


def test_pictures_have_the_sizes_that_are_asked_for() -> None:
    brand = INTEGRATION / "brand"
    assert size_of_png(brand / "icon.png") == (256, 256)
    assert size_of_png(brand / "icon@2x.png") == (512, 512)
    assert size_of_png(ROOT / "addon" / "icon.png") == (128, 128)
    assert size_of_png(ROOT / "addon" / "logo.png") == (250, 100)


def test_hacs_finds_what_it_wants() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert hacs["name"]
    assert hacs["zip_release"] is True
    assert hacs["filename"].endswith(".zip")
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert (ROOT / "README.md").is_file()
