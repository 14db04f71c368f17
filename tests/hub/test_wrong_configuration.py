"""A wrong configuration is refused at the start, by the name of what is wrong."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig, UserConfig, load_config
from energy_swap_hub.hub import mpesa_config_of
from energy_swap_hub.mpesa.certificate import rsa_key

from .village import community, no_daraja

PEM = certificate(new_key())


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Any]:
    """A configuration that is right, as its file has it."""
    (tmp_path / "daraja.pem").write_bytes(PEM)
    config = HubConfig(
        data=tmp_path / "data",
        community=community(),
        users=(
            UserConfig(
                "office", "admin", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a password")
            ),
        ),
        daraja=no_daraja(1, tmp_path / "daraja.pem"),
    )
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(config, enc_hook=str))
    return found


def wrong_approver(config: dict[str, Any]) -> None:
    config["community"]["approvers"][0] = "abc"


def wrong_callback(config: dict[str, Any]) -> None:
    config["daraja"]["callback_base_url"] = "hub.example.org/daraja"


def wrong_base(config: dict[str, Any]) -> None:
    config["daraja"]["base_url"] = "ftp://api.example.org"


def wrong_password(config: dict[str, Any]) -> None:
    config["users"][0]["password_hash"] = "secret"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (wrong_approver, "approver 'abc' is not a base58 public key of 32 bytes - at `$.community`"),
        (wrong_callback, "callback_base_url is an address like https://hub.example.org, not 'hub.example"),
        (wrong_base, "base_url is an address like https://hub.example.org, not 'ftp://api.example.org'"),
        (wrong_password, "the password_hash of office is none: `energy-swap-hub hash` makes it"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(
    written: dict[str, Any], tmp_path: Path, spoil: Callable[[dict[str, Any]], None], says: str
) -> None:
    path = tmp_path / "hub.json"
    path.write_bytes(msgspec.json.encode(written))
    assert load_config(path, {}).community.id == written["community"]["id"]
    spoil(written)
    path.write_bytes(msgspec.json.encode(written))
    with pytest.raises(msgspec.ValidationError, match=re.escape(says)):
        load_config(path, {})


@pytest.mark.parametrize("pem", [b"", b"hello", PEM.replace(b"CERTIFICATE", b"NOTHING"), PEM[:200]])
def test_a_certificate_that_is_none_is_refused_before_a_payout_waits_for_it(
    written: dict[str, Any], tmp_path: Path, pem: bytes
) -> None:
    path = tmp_path / "hub.json"
    path.write_bytes(msgspec.json.encode(written))
    daraja = load_config(path, {}).daraja
    assert rsa_key(mpesa_config_of(daraja, bytes(32)).certificate_pem or b"").key_size >= 2_048
    daraja.certificate.write_bytes(pem)
    with pytest.raises(ValueError, match=r"X\.509 certificate in PEM with an RSA key"):
        mpesa_config_of(daraja, bytes(32))


def test_the_program_says_it_in_one_line(written: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "hub.json"
    (tmp_path / "daraja.pem").write_bytes(b"hello")
    path.write_bytes(msgspec.json.encode(written))
    command = [sys.executable, "-m", "energy_swap_hub", "run", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("energy-swap-hub: Daraja's certificate is no X.509")
