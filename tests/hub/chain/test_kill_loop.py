"""The chain's soak in small: a hub killed again and again in a token's life does nothing twice, loses nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(300)
def test_kills_anywhere_in_a_tokens_life_leave_ledger_and_chain_equal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.soak.chain", "--kills", "12", "--folder", str(tmp_path / "soak")]
    soak = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "12 kills" in soak.stdout
    assert "all held" in soak.stdout
