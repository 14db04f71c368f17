"""The household's key is made once, kept encrypted, and never replaced silently."""

import shutil
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from energy_swap_edge import key_command
from energy_swap_edge.__main__ import put_passphrase_away
from energy_swap_edge.key_bundle import seal, unseal
from energy_swap_edge.keys import (
    KEY_FILE,
    SECRET_FILE,
    HouseholdKey,
    KeyLocked,
    kept_passphrase,
    load_or_create_key,
)
from solders.keypair import Keypair

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("passphrase", [None, "maji ni uhai"])
def test_the_same_key_comes_back(tmp_path: Path, passphrase: str | None) -> None:
    first = load_or_create_key(tmp_path, passphrase)
    again = load_or_create_key(tmp_path, passphrase)
    assert first.seed == again.seed
    assert first.edge_id == again.edge_id
    assert len(bytes.fromhex(first.edge_id)) == 8


@pytest.mark.parametrize("passphrase", [None, "maji ni uhai"])
def test_the_key_lies_encrypted_and_private(tmp_path: Path, passphrase: str | None) -> None:
    seed = load_or_create_key(tmp_path, passphrase).seed
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert seed not in content
        assert seed.hex().encode() not in content
    assert (tmp_path / SECRET_FILE).exists() is (passphrase is None)


@pytest.mark.parametrize("passphrase", [None, "maji ni uhai"])
async def test_a_backup_of_the_app_does_not_open_the_key(tmp_path: Path, passphrase: str | None) -> None:
    """A backup has the app's data without what config.yaml leaves out, and the app's options."""
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    kept_by_supervisor = {"name": "Amina", **({} if passphrase is None else {"passphrase": passphrase})}
    (data / "options.json").write_bytes(msgspec.json.encode(kept_by_supervisor))
    key = load_or_create_key(data, passphrase)

    async def supervisor(token: str, options: Mapping[str, Any]) -> bool:
        assert token == "token"
        kept_by_supervisor.clear()
        kept_by_supervisor.update(options)
        return True

    await put_passphrase_away("token", data / "options.json", supervisor)
    left_out = yaml.safe_load((ROOT / "addon" / "config.yaml").read_text())["backup_exclude"]
    shutil.copytree(data, backup, ignore=shutil.ignore_patterns(*left_out))
    (backup / "addon.json").write_bytes(msgspec.json.encode({"user": kept_by_supervisor}))
    assert kept_by_supervisor == {"name": "Amina"}
    assert (backup / KEY_FILE).exists()
    with pytest.raises(KeyLocked):
        load_or_create_key(backup, kept_passphrase(backup))
    for path in backup.iterdir():
        assert key.seed not in path.read_bytes()
        assert passphrase is None or passphrase not in path.read_text()
    if passphrase is not None:  # entered once more after the backup is restored
        assert load_or_create_key(backup, passphrase).seed == key.seed

    # At the next start the Supervisor writes the options without it, and the app has it still.
    (data / "options.json").write_bytes(msgspec.json.encode(kept_by_supervisor))
    await put_passphrase_away("token", data / "options.json", supervisor)
    assert load_or_create_key(data, kept_passphrase(data)).seed == key.seed


async def test_a_passphrase_that_stays_among_the_options_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "options.json").write_bytes(msgspec.json.encode({"passphrase": "maji ni uhai"}))

    async def away(_token: str, _options: Mapping[str, Any]) -> bool:
        return False

    await put_passphrase_away("token", tmp_path / "options.json", away)
    assert "still among the app's options and in its backups" in caplog.text
    assert "maji" not in caplog.text


def test_a_wrong_passphrase_opens_nothing_and_destroys_nothing(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path, "right")
    for wrong in ("wrong", None):
        with pytest.raises(KeyLocked, match="passphrase"):
            load_or_create_key(tmp_path, wrong)
    assert load_or_create_key(tmp_path, "right").seed == key.seed


def test_a_lost_secret_is_said_and_no_new_household_made(tmp_path: Path) -> None:
    load_or_create_key(tmp_path, None)
    before = (tmp_path / KEY_FILE).read_bytes()
    (tmp_path / SECRET_FILE).unlink()
    with pytest.raises(KeyLocked, match="missing"):
        load_or_create_key(tmp_path, None)
    assert (tmp_path / KEY_FILE).read_bytes() == before


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b.replace(b'"nonce":"', b'"nonce":"AA')])
def test_a_damaged_key_file_is_said(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    load_or_create_key(tmp_path, None)
    path = tmp_path / KEY_FILE
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(KeyLocked):
        load_or_create_key(tmp_path, None)


def test_the_wallet_is_the_same_key() -> None:
    key = HouseholdKey(bytes(range(32)))
    assert key.wallet == Keypair.from_seed(bytes(range(32))).pubkey()
    assert "000102" not in repr(key)


def test_an_exported_key_comes_back_on_another_machine(tmp_path: Path) -> None:
    said: list[str] = []
    answers = ["maji ni uhai kweli"] * 3
    first, second, bundle = tmp_path / "first", tmp_path / "second", tmp_path / "amina.key"
    key = load_or_create_key(first, "own passphrase")

    def run(*arguments: str, folder: Path, passphrase: str | None) -> int:
        options = {"data_dir": str(folder), "passphrase": passphrase}
        return key_command.run(
            arguments, options=options, data_dir=tmp_path, ask=lambda _: answers.pop(0), say=said.append
        )

    assert run("export", str(bundle), folder=first, passphrase="own passphrase") == 0
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert key.seed not in bundle.read_bytes()
    assert run("import", str(bundle), folder=second, passphrase=None) == 0
    assert load_or_create_key(second, None).seed == key.seed
    answers[:] = ["maji ni uhai kweli"] * 3
    assert run("export", str(bundle), folder=first, passphrase="own passphrase") == 2
    assert "is there already; name a new file" in said[-1]
    answers[:] = ["maji ni uhai kweli"]
    assert run("import", str(bundle), folder=second, passphrase=None) == 2
    assert "is not replaced" in said[-1]
    assert run("show", folder=second, passphrase=None) == 0
    assert said[-1] == f"{key.wallet}\n"
    assert run("show", folder=tmp_path / "third", passphrase=None) == 2
    assert not (tmp_path / "third").exists()


def test_an_export_wants_a_long_passphrase_twice(tmp_path: Path) -> None:
    load_or_create_key(tmp_path, None)
    for answers, words in ((["short"] * 2, "at least 12"), (["a long passphrase", "another one"], "not the same")):
        said: list[str] = []
        asked = iter(answers)
        status = key_command.run(
            ["export", str(tmp_path / "x")],
            options={},
            data_dir=tmp_path,
            ask=lambda _, asked=asked: next(asked),  # type: ignore[misc]
            say=said.append,
        )
        assert status == 2
        assert words in said[-1]
        assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda b: b[:-9], "no exported key"),
        (lambda b: b.replace(b'"memory_kib":19456', b'"memory_kib":999999999'), "no exported key"),
        (lambda b: b.replace(b'"memory_kib":19456', b'"memory_kib":20480'), "does not open"),
        (lambda b: b, "does not open"),
    ],
)
def test_a_bundle_that_is_wrong_or_damaged_opens_nothing(damage, words: str) -> None:  # type: ignore[no-untyped-def]
    bundle = seal(HouseholdKey(bytes(32)), "maji ni uhai", memory_kib=19_456, iterations=2)
    with pytest.raises(KeyLocked, match=words):
        unseal(damage(bundle), "another passphrase")


def test_a_key_of_the_first_edges_still_opens(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path, "maji ni uhai")
    path = tmp_path / KEY_FILE
    kept = msgspec.json.decode(path.read_bytes())
    salt, nonce = bytes(16), bytes(12)
    sealing_key = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(b"maji ni uhai")
    bound = b"energy-swap/household-key/1" + key.public_key
    kept |= {
        "version": 1, "salt": b64encode(salt).decode(), "nonce": b64encode(nonce).decode(),
        "sealed": b64encode(AESGCM(sealing_key).encrypt(nonce, key.seed, bound)).decode(),
    }  # fmt: skip
    path.write_bytes(msgspec.json.encode(kept))
    assert load_or_create_key(tmp_path, "maji ni uhai").seed == key.seed
