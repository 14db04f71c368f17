"""An edge begins and ends in order, says what prevents it, and can be found on the network."""

import asyncio
from pathlib import Path

import pytest
from energy_swap_edge.api.announcement import SERVICE_TYPE, announced
from energy_swap_edge.keys import SECRET_FILE, KeyLocked
from energy_swap_edge.store import Registers, Store
from energy_swap_protocol.reading import ReadingFlag, decode_frame
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from .broker import Broker
from .conftest import MakeEdge
from .meter import Meter
from .small_hub import until


async def test_a_port_that_is_taken_prevents_the_start(make_edge: MakeEdge, tmp_path: Path) -> None:
    async with make_edge() as first:
        second = make_edge(data_dir=tmp_path / "second", api_port=first.api_port)
        with pytest.raises(OSError, match="in use"):
            await second.start()


async def test_a_key_that_cannot_be_opened_prevents_the_start(make_edge: MakeEdge, tmp_path: Path) -> None:
    async with make_edge():
        pass
    (tmp_path / "edge" / SECRET_FILE).unlink()
    with pytest.raises(KeyLocked):
        await make_edge().start()


async def test_a_cancelled_edge_closes_its_doors(make_edge: MakeEdge) -> None:
    edge = make_edge()
    running = asyncio.create_task(edge.run())
    await until(lambda: not running.done() and _has_started(edge))
    port = edge.api_port
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_without_broker_and_hub_the_edge_still_answers(make_edge: MakeEdge, broker: Broker) -> None:
    broker.stop()
    async with make_edge(hub_url="http://127.0.0.1:9") as edge:
        await asyncio.sleep(0.3)
        assert not edge.is_listening
        assert edge.state["hub"]["status"] == "unreachable"
        assert edge.state["power"] is None
        await broker.start()
        await until(lambda: edge.is_listening)


async def test_the_edge_is_announced_where_it_listens() -> None:
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        async with announced("0123456789abcdef", "Amina's house", "127.0.0.1", 8480):
            info = AsyncServiceInfo(SERVICE_TYPE, f"0123456789abcdef.{SERVICE_TYPE}")
            assert await info.async_request(zeroconf.zeroconf, 3000)
            assert info.port == 8480
            assert info.parsed_addresses() == ["127.0.0.1"]
            assert info.decoded_properties == {"id": "0123456789abcdef", "name": "Amina's house", "api": "1"}
    finally:
        await zeroconf.async_close()


async def test_registers_are_thinned_and_doubtful_ones_left_out(tmp_path: Path) -> None:
    meter = Meter(start=6000)
    store = await Store.open(tmp_path)
    frames = [meter.next_frame() for _ in range(7)]
    frames.append(meter.next_frame(ReadingFlag.CLOCK_NOT_SYNCHRONISED))
    await store.add_frames([(decode_frame(frame), frame) for frame in frames])
    thinned = await store.registers_since(6060, every_seconds=300)
    assert [one.measured_at for one in thinned] == [6060, 6300, 6420]
    assert thinned[-1] == Registers(6420, 140, 35, 210)
    assert await store.registers_since(9000, every_seconds=300) == []
    await store.close()


def _has_started(edge: object) -> bool:
    try:
        return bool(edge.api_port)  # type: ignore[attr-defined]
    except RuntimeError:
        return False
