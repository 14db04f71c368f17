"""The soak in small: a hub that is killed again and again in a neighbourhood's day ends with the same books."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.conftest import ENGINES

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_kills_anywhere_change_nothing_about_a_neighbourhoods_books(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.soak.settlement", "--folder", str(tmp_path / "soak")]
    command += ["--periods", "20", "--kills", "15"]  # from noon to after the evening's payouts
    if engine == "postgresql":
        command += ["--server", request.getfixturevalue("postgresql")]
    soak = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "killed: 15 kills" in soak.stdout
