"""The YAML examples of the documentation."""

import re
from pathlib import Path
from typing import Any

from homeassistant.util.yaml import parse_yaml

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "home-assistant.md"


def yaml_blocks() -> list[Any]:
    """Return every example."""
    return [parse_yaml(block) for block in re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)]


def is_automation(block: Any) -> bool:
    """Tell whether an example is a whole automation, not steps of one."""
    return isinstance(block, dict) and "alias" in block


def automation_of_the_documentation(alias: str) -> dict[str, Any]:
    """Return the automation with that name."""
    (found,) = [block for block in yaml_blocks() if is_automation(block) and block["alias"] == alias]
    automation: dict[str, Any] = found
    return automation
