"""The soak in small: a hub that is killed again and again in a neighbourhood's day ends with the same books."""

import json
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
    # Through an evening's payouts and the midnight from which periods last an hour, with eight kills around it.
    command += ["--periods", "20", "--households", "20", "--kills", "8", "--across-lengths"]
    if engine == "postgresql":
        command += ["--server", request.getfixturevalue("postgresql")]
    soak = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "killed: 16 kills" in soak.stdout
    books = (tmp_path / "soak/killed/books.txt").read_text().splitlines()
    periods = [row["start"] for name, row, *_ in map(json.loads, books) if name == "period"]
    midnight = "2026-11-21 00:00:00+00:00"
    assert [start[11:16] for start in periods if start < midnight][-3:] == ["22:30", "23:00", "23:30"]
    assert [start[11:16] for start in periods if start >= midnight][:3] == ["00:00", "01:00", "02:00"]
