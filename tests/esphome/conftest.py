"""A compiled meter, a broker, a listener and a feed, each stopped again."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.esphome.simulation import Broker, Feed, Listener, MeterProcess

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def compiler() -> str:
    path = shutil.which("g++")
    if path is None:
        pytest.skip("no g++ on this machine: the meter cannot be compiled")
    return path


def built(board: str) -> Path:
    """Return the program of a board for Linux, compiled if need be."""
    build = subprocess.run([ROOT / "script/build-meter", board], capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stderr
    return Path(build.stdout.strip())


@pytest.fixture(scope="session")
def meter_program(compiler: str) -> Path:
    assert compiler
    return built("linux")


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One meter and what it speaks to; nothing is started."""

    broker: Broker
    listener: Listener
    feed: Feed
    meter: MeterProcess


@pytest.fixture
async def neighbourhood(meter_program: Path, tmp_path: Path) -> AsyncIterator[Neighbourhood]:
    broker = Broker(tmp_path / "broker")
    await broker.start()
    listener = Listener(broker.port)
    await listener.start()
    feed = Feed()
    await feed.start()
    meter = MeterProcess(meter_program, tmp_path / "state", f"127.0.0.1:{broker.port}", f"127.0.0.1:{feed.port}")
    yield Neighbourhood(broker, listener, feed, meter)
    await meter.stop()
    await feed.stop()
    await listener.stop()
    await broker.stop()
