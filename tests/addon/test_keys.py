"""The household's key is made once, kept encrypted, and never replaced silently."""

import stat
from pathlib import Path

import pytest
from energy_swap_edge.keys import KEY_FILE, SECRET_FILE, HouseholdKey, KeyLocked, load_or_create_key
from solders.keypair import Keypair


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
