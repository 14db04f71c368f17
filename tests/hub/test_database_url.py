import re
from pathlib import Path

import pytest
from energy_swap_hub.config import load_config

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
IN_FILE, IN_ENVIRONMENT = "postgresql://hub@file/books", "postgresql://hub@environment/books"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration that the operator's page shows, with a database of its own."""
    shown = re.search(r"```json\n(\{\n.*?\n\})\n```", OPERATIONS.read_text(), re.DOTALL)
    assert shown is not None
    path = tmp_path / "hub.json"
    path.write_text(shown[1].replace("{", f'{{"database_url": "{IN_FILE}",', 1))
    return path


def test_the_environment_names_the_database_before_the_file_does(config: Path) -> None:
    assert load_config(config, {}).database_url == IN_FILE
    assert load_config(config, {"ENERGY_SWAP_DATABASE_URL": IN_ENVIRONMENT}).database_url == IN_ENVIRONMENT


def test_without_either_the_database_lies_in_the_data_folder(config: Path) -> None:
    config.write_text(config.read_text().replace(f'"database_url": "{IN_FILE}",', ""))
    assert load_config(config, {}).database_url is None
