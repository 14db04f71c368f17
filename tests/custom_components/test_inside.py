"""The tests that run Home Assistant in their own process, started apart: their plugin changes Python itself.

It blocks sockets, fakes clocks and wraps asyncio, which no test of the other parts should have around it. What
they cover of the integration is measured here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).parent / "inside"
INTEGRATION = "custom_components/energy_swap"
WHOLE = {"config_flow.py", "options_flow.py", "subentry_flows.py", "addresses.py"}
LEAST_PERCENT = 97


@pytest.mark.timeout(600)
def test_home_assistant_inside_and_every_module_is_covered(tmp_path: Path) -> None:
    report = tmp_path / "coverage.json"
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}
    run = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-c",
                INSIDE / "pytest.toml",
                INSIDE,
                "-q",
                *("-p", "no:cacheprovider", "-p", "no:xdist"),
            ),
            *(f"--cov={INTEGRATION}", f"--cov-report=json:{report}", "--cov-report=", "--show-capture=no"),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    files = json.loads(report.read_text())["files"]
    modules = {path.removeprefix(f"{INTEGRATION}/"): found for path, found in files.items()}
    assert set(modules) == {
        str(path.relative_to(ROOT / INTEGRATION)) for path in (ROOT / INTEGRATION).rglob("*.py")
    }
    missed = {
        name: found["missing_lines"]
        for name, found in modules.items()
        if found["summary"]["percent_covered"] < (100 if name in WHOLE else LEAST_PERCENT)
    }
    assert missed == {}
