"""The meter with real firmware: the ESPHome program compiled for Linux, fed with its household's power."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import aiomqtt

from energy_swap_demo.meters import MetersError
from energy_swap_demo.processes import Child
from energy_swap_demo.profile import Profile, minute_index

_LOG: Final = logging.getLogger(__name__)
_HOST: Final = "127.0.0.1"
_PATIENCE_S: Final = 60.0
_BUILD_S: Final = 900.0


class FirmwareMissingError(RuntimeError):
    """The meter's firmware cannot run on this machine; the text says why."""


async def build_meter(root: Path, log: Path) -> Path:
    """Compile the firmware with ``script/build-meter`` of the project at ``root`` and return the program.

    What the compiler says goes to ``log``. Raises `FirmwareMissingError` without one, or when it fails.
    """
    if shutil.which("g++") is None:
        raise FirmwareMissingError("there is no g++ on this machine (Debian: apt-get install g++)")
    script = root / "script" / "build-meter"
    if not os.access(script, os.X_OK):
        raise FirmwareMissingError(f"{script} is missing")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as words:
        process = await asyncio.create_subprocess_exec(
            script, cwd=root, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=words
        )
        try:
            async with asyncio.timeout(_BUILD_S):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise FirmwareMissingError(f"{script} took more than {_BUILD_S:.0f} s, see {log}") from None
    lines = output.decode(errors="replace").split("\n")
    program = Path(next((line.strip() for line in reversed(lines) if line.strip()), ""))
    if process.returncode or not shutil.which(program):
        raise FirmwareMissingError(f"the firmware does not compile here, see {log}")
    return program


class EspHomeMeter:
    """The firmware as a child process, and the feed that tells it what flows.

    Each line of the feed is the average power of the coming minute. Milliwatts times 60 s are the profile's
    mWh exactly, so the firmware's registers are the profile's: there is no remainder to carry.
    """

    def __init__(
        self, program: Path, profile: Profile, *, start: datetime, preferences: Path, logs: Path, broker_port: int
    ) -> None:
        """Describe the meter; the firmware keeps its key and registers in ``preferences``."""
        self.process: Final = Child("meter-firmware", (program,), logs=logs)
        self._profile = profile
        self._start = start
        self._preferences = preferences
        self._broker_port = broker_port
        self._public_key: bytes | None = None
        self._server: asyncio.Server | None = None
        self._feed: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._is_connected = asyncio.Event()

    @property
    def public_key(self) -> bytes:
        """The key that the firmware made for itself; known once `start` has returned."""
        if self._public_key is None:
            raise RuntimeError("the firmware tells its key when it starts")
        return self._public_key

    async def start(self, time: datetime, others: Collection[bytes]) -> None:
        """Start feed and firmware and publish the reading of the full minute ``time``.

        ``others`` are the keys of the meters that also announce themselves at the broker.
        Raises `MetersError` or `ProcessDiedError` when the firmware does not come up.
        """
        self._server = await asyncio.start_server(self._take_connection, _HOST, 0)
        feed_port: int = self._server.sockets[0].getsockname()[1]
        self._preferences.mkdir(parents=True, exist_ok=True)
        self.process.environment.update(
            ENERGY_SWAP_MQTT=f"{_HOST}:{self._broker_port}",
            ENERGY_SWAP_FEED=f"{_HOST}:{feed_port}",
            ESPHOME_PREFDIR=str(self._preferences),
        )
        async with self._announcements(others) as announced:
            await self.process.start()
            await self.publish_minute(time)
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    self._public_key = await anext(announced)
            except TimeoutError:
                raise MetersError("the meter's firmware does not announce itself at the broker") from None

    async def publish_minute(self, time: datetime) -> None:
        """Feed the minute that begins at ``time`` and return when the broker has the reading of ``time``.

        A lost connection is waited for and the line told again, which changes nothing. Raises `ProcessDiedError`
        when the firmware has ended and nobody starts it again, `MetersError` when it does not answer.
        """
        power = self._profile.power_at(minute_index(time, self._start))
        at = int(time.timestamp())
        line = f"{at} {power.net_mw} {power.generation_mw}\n".encode()
        gives_up_at = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                async with asyncio.timeout_at(gives_up_at):
                    await self._tell(line, at)
                    return
            except ConnectionError as error:
                _LOG.info("meter firmware: %s", error)
                self._forget_connection()
            except TimeoutError:
                self.process.raise_if_died()
                raise MetersError(
                    f"the meter's firmware does not confirm {time}; see {self.process.log}"
                ) from None

    async def stop(self) -> None:
        """Stop the firmware and the feed."""
        await self.process.stop()
        self._forget_connection()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _tell(self, line: bytes, at: int) -> None:
        await self._is_connected.wait()
        assert self._feed is not None
        reader, writer = self._feed
        writer.write(line)
        await writer.drain()
        while True:
            answer = await reader.readline()
            if not answer:
                raise ConnectionError("the feed was closed")
            word, _, confirmed = answer.decode(errors="replace").strip().partition(" ")
            if word == "ok" and confirmed.isdecimal() and int(confirmed) >= at:
                return

    async def _take_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._forget_connection()  # the firmware connects once; a second connection means that it was restarted
        self._feed = (reader, writer)
        self._is_connected.set()

    def _forget_connection(self) -> None:
        if self._feed is not None:
            self._feed[1].close()
        self._feed = None
        self._is_connected.clear()

    @asynccontextmanager
    async def _announcements(self, others: Collection[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Listen at the broker for a meter that comes online and is none of the ``others``."""

        async def announced(client: aiomqtt.Client) -> AsyncIterator[bytes]:
            async for message in client.messages:
                meter = bytes.fromhex(message.topic.value.split("/")[1])
                # What is retained was said before now, perhaps by a meter of the past.
                if message.payload == b"online" and not message.retain and meter not in others:
                    yield meter

        async with aiomqtt.Client(_HOST, self._broker_port) as client:
            await client.subscribe("energy_swap/+/status", qos=1)
            yield announced(client)
