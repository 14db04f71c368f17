"""The broker is a real mosquitto, private to the machine, that forgets no message for who is offline."""

import asyncio
import shutil
from pathlib import Path

import aiomqtt
import pytest
from energy_swap_demo.broker import Broker, BrokerError, find_mosquitto


async def test_messages_wait_for_an_offline_session_over_a_restart(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker", tmp_path / "logs")
    await broker.start()
    async with aiomqtt.Client(broker.host, broker.port, identifier="edge", clean_session=False) as edge:
        await edge.subscribe("energy_swap/+/reading", qos=1)
    async with aiomqtt.Client(broker.host, broker.port) as meter:
        await asyncio.gather(*(meter.publish(f"energy_swap/m{n}/reading", f"{n}", qos=1) for n in range(1500)))
    await broker.stop()
    assert not broker.process.is_running
    await broker.start()
    try:
        async with (
            asyncio.timeout(60),
            aiomqtt.Client(broker.host, broker.port, identifier="edge", clean_session=False) as edge,
        ):
            waiting = set(range(1500))
            async for message in edge.messages:
                assert isinstance(message.payload, bytes)
                waiting.discard(int(message.payload))
                if not waiting:
                    break
    finally:
        await broker.stop()


async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    async def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    broker = Broker(tmp_path / "broker", tmp_path / "logs", port=None)
    server = await asyncio.start_server(nothing, "127.0.0.1", broker.port)
    async with server:
        with pytest.raises(BrokerError, match="in use"):
            await broker.start()


def test_a_missing_broker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr("energy_swap_demo.broker._PLACES", ())
    with pytest.raises(BrokerError, match="apt-get install mosquitto"):
        find_mosquitto()
