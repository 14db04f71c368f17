"""The meter's C++ core, compiled with the host's compiler."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.esphome.simulation import Line, exact_registers

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "esphome/components/energy_swap_meter"
START = 1_795_174_203


@pytest.fixture(scope="session")
def core(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("core") / "core_tests"
    sources = [Path(__file__).with_name(f"{name}.cpp") for name in ("core_tests", "core_memory", "core_relay")]
    parts = (
        "claim",
        "feed_host",
        "memory",
        "meter",
        "reading",
        "relay",
        "signing",
        "tcp_connection_host",
        "unsent",
    )
    sources += [COMPONENT / f"{part}.cpp" for part in parts]
    options = [
        "-std=gnu++20",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsanitize=undefined",
        "-fno-sanitize-recover",
    ]
    command = [
        compiler,
        *options,
        "-DUSE_HOST",
        f"-I{COMPONENT}",
        *map(str, sources),
        "-lsodium",
        "-o",
        str(program),
    ]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    return program


def test_core_keeps_its_rules(core: Path) -> None:
    result = subprocess.run([core, ROOT / "protocol/vectors"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


steps = st.lists(
    st.tuples(st.integers(1, 1000), st.integers(-20_000_000, 20_000_000), st.integers(-10_000, 20_000_000)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps)
def test_readings_are_the_exact_integral_of_any_power(core: Path, steps: list[tuple[int, int, int]]) -> None:
    lines, time = [], START
    for seconds, net_mw, generation_mw in steps:
        lines.append(Line(time, net_mw, generation_mw))
        time += seconds
    replay = [f"0 {lines[0].time * 1000} {lines[0].net_mw} {lines[0].generation_mw}\n"]
    replay += [
        f"{(b.time - a.time) * 1000} {b.time * 1000} {b.net_mw} {b.generation_mw}\n" for a, b in pairwise(lines)
    ]
    result = subprocess.run([core, "replay"], input="".join(replay), capture_output=True, text=True, check=True)
    rows = [tuple(map(int, row.split())) for row in result.stdout.splitlines()]
    assert {row[1]: row[2:] for row in rows} == exact_registers(lines)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
