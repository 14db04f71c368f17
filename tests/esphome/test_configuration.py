"""ESPHome accepts the board for the ESP32, and refuses what would not work on it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ESPHOME = ROOT / ".toolchain/esphome/bin/esphome"
BOARD = f"""
substitutions:
  components: {ROOT}/esphome/components
packages:
  board: !include {ROOT}/esphome/boards/ade7953.yaml
"""
SECRETS = """
wifi_ssid: home
wifi_password: a long password
mqtt_broker: 192.0.2.1
mqtt_username: meter
mqtt_password: secret
ota_password: secret
"""
ENCRYPTED = """
api:
  encryption:
    key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""


type Validate = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def validate(tmp_path: Path) -> Validate:
    assert ESPHOME.exists(), "run script/bootstrap"
    (tmp_path / "secrets.yaml").write_text(SECRETS)

    def run(configuration: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "meter.yaml").write_text(configuration)
        environment = {**os.environ, "ESPHOME_DATA_DIR": str(tmp_path / "data")}
        command = [str(ESPHOME), "config", str(tmp_path / "meter.yaml")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_ade7953_board_is_valid(validate: Validate) -> None:
    result = validate(BOARD)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "generation: generation_power" in result.stdout


def test_encryption_that_brings_a_libsodium_without_signing_is_refused(validate: Validate) -> None:
    result = validate(BOARD + ENCRYPTED)
    assert result.returncode != 0
    assert "libsodium without signing" in result.stdout + result.stderr


def test_a_feed_is_refused_on_a_device(validate: Validate) -> None:
    result = validate(BOARD + "energy_swap_meter:\n  feed: 127.0.0.1:1\n")
    assert result.returncode != 0
    assert "only for the host platform" in result.stdout + result.stderr
