"""ESPHome accepts every board, and refuses what would not work on it."""

import json
import os
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ESPHOME = ROOT / ".toolchain/esphome/bin/esphome"
BOARDS = sorted(path.stem for path in (ROOT / "esphome/boards").glob("*.yaml") if path.stem != "secrets")
DEVICES = [board for board in BOARDS if not board.startswith("linux")]
BOARD = f"""
substitutions:
  components: {ROOT}/esphome/components
  fonts: {ROOT}/esphome/fonts
packages:
  board: !include {ROOT}/esphome/boards/%s.yaml
"""
EXTRAS = f"""
  relay: !include {ROOT}/esphome/packages/relay.yaml
  display: !include {ROOT}/esphome/packages/display.yaml
  housing: !include {ROOT}/esphome/packages/housing.yaml
"""
SECRETS = """
mqtt_broker: 192.0.2.1
mqtt_username: meter
mqtt_password: secret
mqtt_ca: |
  -----BEGIN CERTIFICATE-----
  AAAA
  -----END CERTIFICATE-----
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


def test_all_boards_are_there() -> None:
    assert {"ade7953", "atm90e32-6ch", "linux", "linux-modbus", "pulse", "pzem-004t", "sdm", "wokwi"} == set(
        BOARDS
    )


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_is_valid(validate: Validate, board: str) -> None:
    # Relay and display go with every board; Wokwi's has them already.
    extras = EXTRAS if board in DEVICES and board != "wokwi" else ""
    result = validate(BOARD % board + extras)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "energy_swap_meter:" in result.stdout


def test_encryption_that_brings_a_libsodium_without_signing_is_refused(validate: Validate) -> None:
    result = validate(BOARD % "ade7953" + ENCRYPTED)
    assert result.returncode != 0
    assert "libsodium without signing" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("  feed: 127.0.0.1:1", "only for the host platform"),
        ("  no_load: 5kW", "value must be at most 100"),
        (
            "  counters: [{sensor: grid_power, direction: import, after_power_cut: keeps}]",
            "Must contain exactly one",
        ),
        ("  counters: [{sensor: grid_power, direction: sideways, unit: Wh, after_power_cut: keeps}]", "sideways"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(validate: Validate, wrong: str, why: str) -> None:
    result = validate(BOARD % "ade7953" + f"energy_swap_meter:\n{wrong}\n")
    assert result.returncode != 0
    assert why in result.stdout + result.stderr


def test_the_wokwi_diagram_wires_the_boards_pins() -> None:
    diagram = json.loads((ROOT / "esphome/wokwi/diagram.json").read_text())
    parts = {part["id"]: part["type"] for part in diagram["parts"]}
    wires = {frozenset(connection[:2]) for connection in diagram["connections"]}
    for pin, wired_to in {
        "34": "sun:SIG", "35": "load:SIG", "4": "relay:IN", "21": "display:SDA", "22": "display:SCL",
    }.items():  # fmt: skip
        assert frozenset({f"esp:{pin}", wired_to}) in wires
        assert f"GPIO{pin}" in (ROOT / "esphome/boards/wokwi.yaml").read_text()
    assert all(end.split(":")[0] in parts or end.startswith("$serial") for wire in wires for end in wire)


def test_the_manifest_of_an_image_names_its_files(tmp_path: Path) -> None:
    for kind in ("factory", "ota"):
        (tmp_path / f"sdm.{kind}.bin").write_bytes(kind.encode())
    script = ROOT / "esphome/web-installer/manifest.sh"
    subprocess.run([script, "sdm", "1.2.3", tmp_path], check=True)
    (build,) = json.loads((tmp_path / "sdm.manifest.json").read_text())["builds"]
    assert all((tmp_path / path).exists() for path in (build["parts"][0]["path"], build["ota"]["path"]))
    assert len(build["ota"]["md5"]) == 32
    page = (ROOT / "esphome/web-installer/index.html").read_text()
    assert all(f'value="{board}"' in page for board in DEVICES if board != "wokwi")


def test_pictures_and_fonts_are_what_their_scripts_draw() -> None:
    wiring = runpy.run_path(str(ROOT / "script/meter_wiring.py"))
    for picture in wiring["PICTURES"]:
        assert (ROOT / f"docs/meters/{picture.file}.svg").read_text() == wiring["drawn"](picture)
    font = runpy.run_path(str(ROOT / "script/meter_font.py"))["font"]
    assert (ROOT / "esphome/fonts/small.bdf").read_text() == font(1)
    assert (ROOT / "esphome/fonts/large.bdf").read_text() == font(2)
