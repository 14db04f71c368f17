"""Key files: made once, private, and never replaced by accident."""

from pathlib import Path

import pytest
from energy_swap_hub.chain import KeyFileError, load_keys


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, second = load_keys(folder), load_keys(folder)
    assert first.hub == second.hub
    assert [c.key for c in first.co_signers] == [c.key for c in second.co_signers]
    assert len({first.hub.pubkey(), *(c.key for c in first.co_signers)}) == 3
    assert {path.name for path in folder.iterdir()} == {"hub.json", "verifier-a.json", "verifier-b.json"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "hub.json").chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_keys(tmp_path)


def test_a_broken_key_is_refused_not_replaced(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "hub.json").write_text("[1, 2")
    with pytest.raises(KeyFileError, match="restore it from the backup"):
        load_keys(tmp_path)
    assert (tmp_path / "hub.json").read_text() == "[1, 2"


def test_half_a_key_left_by_a_kill_is_made_again(tmp_path: Path) -> None:
    tmp_path.joinpath("hub.part").write_text("[1, 2")
    assert load_keys(tmp_path).hub is not None
    assert not tmp_path.joinpath("hub.part").exists()
