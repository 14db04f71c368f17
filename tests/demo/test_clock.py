"""The shared clock survives its processes and never runs back."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from energy_swap_demo.clock import SharedClock
from energy_swap_demo.keys import keep_key

START = datetime(2026, 11, 15, 21, tzinfo=UTC)


def test_another_process_sees_the_time(tmp_path: Path) -> None:
    with SharedClock.create(tmp_path / "clock", START) as clock:
        clock.set(START + timedelta(days=1, microseconds=7))
        program = (
            "import sys; from pathlib import Path; from energy_swap_demo.clock import SharedClock;"
            "print(SharedClock.open(Path(sys.argv[1]))().isoformat())"
        )
        answer = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "clock"], capture_output=True, text=True, check=True
        )
    assert answer.stdout.strip() == "2026-11-16T21:00:00.000007+00:00"


def test_creating_again_resumes(tmp_path: Path) -> None:
    with SharedClock.create(tmp_path / "clock", START) as clock:
        clock.set(START + timedelta(hours=5))
    with SharedClock.create(tmp_path / "clock", START) as clock:
        assert clock.now() == START + timedelta(hours=5)
        assert clock() == clock.now()


def test_time_never_runs_back(tmp_path: Path) -> None:
    with SharedClock.create(tmp_path / "clock", START) as clock:
        with pytest.raises(ValueError, match="does not run back"):
            clock.set(START - timedelta(microseconds=1))
        assert clock.now() == START


def test_a_naive_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        SharedClock.create(tmp_path / "clock", START.replace(tzinfo=None))


def test_a_file_that_is_no_clock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(b"noon")
    with pytest.raises(ValueError, match="no clock"):
        SharedClock.open(tmp_path / "clock")


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "meter-1"
    key = keep_key(path)
    assert bytes(keep_key(path)) == bytes(key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert bytes(keep_key(tmp_path / "meter-2")) != bytes(key)
    assert [p.name for p in path.parent.iterdir()] == ["meter-1"]


def test_a_file_without_a_seed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abcd")
    with pytest.raises(ValueError, match="32-byte"):
        keep_key(tmp_path / "key")
