"""What the edge's tests stand on: a broker, a hub, a meter, and edges with a folder of their own."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from energy_swap_edge.config import EdgeConfig, MqttConfig
from energy_swap_edge.edge import Edge
from energy_swap_edge.state import Clock

from .broker import Broker
from .meter import Meter, now
from .small_hub import COMMUNITY, SmallHub, until

type MakeEdge = Callable[..., Edge]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    await broker.start()
    yield broker
    broker.stop()


@pytest.fixture
async def hub() -> AsyncIterator[SmallHub]:
    hub = SmallHub()
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def make_edge(tmp_path: Path, broker: Broker, hub: SmallHub, meter: Meter) -> MakeEdge:
    def make(clock: Clock = now, **changes: Any) -> Edge:
        settings: dict[str, Any] = {
            "data_dir": tmp_path / "edge", "name": "Amina's house", "phone": "254712345678",
            "hub_url": hub.url, "community": COMMUNITY, "mqtt": MqttConfig(host="127.0.0.1", port=broker.port),
            "meter": meter.hex, "rated_pv_w": 3000, "main_breaker_w": 9200,
            "api_host": "127.0.0.1", "api_port": 0,
        }  # fmt: skip
        return Edge(EdgeConfig(**(settings | changes)), clock)

    return make


async def introduced(edge: Edge, broker: Broker, hub: SmallHub, meter: Meter) -> None:
    """Let the household of ``edge`` apply with its first reading and be admitted, with an allowance."""
    await until(lambda: edge.is_listening)
    await broker.publish(meter.topic("reading"), meter.next_text())
    await until(lambda: hub.status == "applied")
    hub.allowance_wh = 50_000
    await hub.admit()
    await until(lambda: edge.state["membership"] == "admitted")


@pytest.fixture
async def admitted_edge(make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter) -> AsyncIterator[Edge]:
    """An edge whose household has applied with its first reading and is a member with an allowance."""
    async with make_edge() as edge:
        await introduced(edge, broker, hub, meter)
        yield edge
