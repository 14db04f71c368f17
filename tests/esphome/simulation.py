"""What surrounds a meter in these tests: a broker, a listener, a power feed, and what the registers must be."""

import asyncio
import contextlib
import getpass
import json
import os
import signal
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
from energy_swap_demo.broker import free_port
from energy_swap_protocol.reading import Reading, decode_frame, frame_from_text

MICROWATT_SECONDS_PER_WH = 3_600_000_000
PATIENCE = 240.0
SLOT = 512


@dataclass(frozen=True, slots=True)
class Line:
    """From ``time`` (Unix seconds) until the next line this power flows; import is positive."""

    time: int
    net_mw: int
    generation_mw: int = 0

    def __str__(self) -> str:
        return f"{self.time} {self.net_mw} {self.generation_mw}\n"


def exact_registers(lines: Sequence[Line]) -> dict[int, tuple[int, int, int]]:
    """Return export, import and generation in whole Wh at every full minute that the lines pass or reach."""
    at_minute = {}
    exported = imported = generated = 0
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        if line.time % 60 == 0 and following is None:
            at_minute[line.time] = (exported, imported, generated)
        for second in range(line.time, following.time) if following else ():
            if second % 60 == 0:
                at_minute[second] = (exported, imported, generated)
            exported += max(-line.net_mw, 0) * 1000
            imported += max(line.net_mw, 0) * 1000
            generated += max(line.generation_mw, 0) * 1000
    return {
        minute: (e // MICROWATT_SECONDS_PER_WH, i // MICROWATT_SECONDS_PER_WH, g // MICROWATT_SECONDS_PER_WH)
        for minute, (e, i, g) in at_minute.items()
    }


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something that other processes bring about is so."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 no event of ours tells of it
            await asyncio.sleep(0.005)


class Broker:
    """A real mosquitto that keeps its sessions over a restart."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
            f"persistence true\npersistence_location {self._folder}/\nlog_dest file {self._folder}/log\n"
            "max_queued_messages 0\nmax_inflight_messages 0\n"
        )
        self._process = await asyncio.create_subprocess_exec(
            "mosquitto", "-c", str(configuration), env={"PATH": f"{os.environ['PATH']}:/usr/sbin"}
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)  # a paused one would not notice
            await self._process.wait()

    def pause(self, *, is_paused: bool) -> None:
        """Keep every connection and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if is_paused else signal.SIGCONT)


class Listener:
    """A subscriber with a lasting session, as an edge is one: it misses no QoS 1 message, and may acknowledge."""

    def __init__(self, port: int, *, acknowledges: bool = False) -> None:
        self._port = port
        self._acknowledges = acknowledges
        self._task: asyncio.Task[None] | None = None
        self._is_subscribed = asyncio.Event()
        self.frames: list[tuple[str, Reading]] = []
        self.powers: list[dict[str, Any]] = []
        self.statuses: list[str] = []
        self.said: dict[str, list[str]] = defaultdict(list)  # under the other topics of the meter

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen())
        async with asyncio.timeout(PATIENCE):
            await self._is_subscribed.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    "127.0.0.1", self._port, identifier="listener", clean_session=False, timeout=2
                ) as client:
                    await client.subscribe("energy_swap/+/#", qos=1)
                    self._is_subscribed.set()
                    async for message in client.messages:
                        answer = self._take(str(message.topic), bytes(message.payload))
                        if answer is not None and self._acknowledges:
                            await client.publish(*answer)
            await asyncio.sleep(0.05)

    async def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Say something to the meter, as an edge does."""
        async with aiomqtt.Client("127.0.0.1", self._port) as client:
            await client.publish(topic, payload, qos=1, retain=retain)

    def _take(self, topic: str, payload: bytes) -> tuple[str, str] | None:
        _, meter, kind = topic.split("/", maxsplit=2)
        match kind:
            case "reading":
                reading = decode_frame(frame_from_text(payload.decode()))
                self.frames.append((meter, reading))
                return f"energy_swap/{meter}/ack", str(reading.sequence)
            case "power":
                self.powers.append(json.loads(payload))
            case "status":
                self.statuses.append(payload.decode())
            case _:
                self.said[kind].append(payload.decode())
        return None

    @property
    def readings(self) -> list[Reading]:
        """All readings in the order of their first arrival; a repeated delivery counts once."""
        return list(dict.fromkeys(reading for _, reading in self.frames))

    async def wait_for_minute(self, minute: int) -> None:
        await eventually(lambda: any(reading.measured_at == minute for _, reading in reversed(self.frames)))

    async def wait_for_status(self, status: str) -> None:
        await eventually(lambda: self.statuses[-1:] == [status])


@dataclass(slots=True)
class Feed:
    """The producer's side: sends lines, a few ahead of the confirmed ones, and repeats after a reconnect."""

    ahead: int = 8
    is_live: bool = False
    port: int = 0
    confirmed: int = 0
    _server: asyncio.Server | None = None
    _connection: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(
        default_factory=asyncio.Queue
    )
    _current: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def start(self) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connection.put((reader, writer))

        self._server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self.drop()
        while not self._connection.empty():
            self._connection.get_nowait()[1].close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def drop(self) -> None:
        """Close the connection from this side."""
        if self._current is not None:
            self._current[1].close()
            self._current = None

    async def wait_until_confirmed(self, time: int) -> None:
        await eventually(lambda: self.confirmed >= time)

    async def give(self, lines: Sequence[Line]) -> None:
        """Send every line until the meter has confirmed the last one."""
        async with asyncio.timeout(PATIENCE):
            done = 0
            while done < len(lines):
                reader, writer = self._current or await self._connection.get()
                if self._current is None and self.is_live:
                    writer.write(b"live\n")
                self._current = reader, writer
                sent = done
                try:
                    while done < len(lines):
                        while sent < min(len(lines), done + self.ahead):
                            writer.write(str(lines[sent]).encode())
                            sent += 1
                        answer = await reader.readline()
                        if not answer:
                            raise ConnectionResetError
                        self.confirmed = int(answer.removeprefix(b"ok "))
                        assert self.confirmed == lines[done].time
                        done += 1
                except ConnectionError:
                    self.drop()


class MeterProcess:
    """The compiled meter as a process, with its state in a folder."""

    def __init__(self, program: Path, state: Path, broker: str, feed: str | None, **settings: str) -> None:
        self._program = program
        self.state = state
        self.settings = {"ENERGY_SWAP_MQTT": broker, **settings}
        if feed is not None:
            self.settings["ENERGY_SWAP_FEED"] = feed
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with (self.state.parent / "meter.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                env={**os.environ, "ESPHOME_PREFDIR": str(self.state), **self.settings},
                stdout=log,
                stderr=log,
            )

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a meter's file says at a generation; the layout is that of memory.cpp on a 64-bit machine."""

    generation: int
    seed: bytes
    sequence: int
    acknowledged: int
    export_mwh: int
    import_mwh: int
    generation_mwh: int


def stored_state(file: Path) -> StoredState:
    """Return the newest state in ``file`` and the key beside it."""
    content = file.read_bytes()
    states = [content[SLOT * slot : SLOT * (slot + 1)] for slot in (2, 3)]
    newest = max(states, key=lambda state: int.from_bytes(state[8:16], "little"))
    generation, sequence = struct.unpack_from("<QQ", newest, 8)
    (acknowledged,) = struct.unpack_from("<Q", newest, 64)
    exported, _, imported, _, generated, _ = struct.unpack_from("<6Q", newest, 96)
    return StoredState(generation, content[16:48], sequence, acknowledged, exported, imported, generated)


def repeated(values: Iterable[int]) -> list[int]:
    """Return the values that come more than once."""
    return [value for value, times in Counter(values).items() if times > 1]
