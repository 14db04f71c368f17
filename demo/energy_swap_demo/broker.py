"""The neighbourhood's MQTT broker: a real mosquitto on 127.0.0.1 that keeps messages for who is offline."""

import asyncio
import contextlib
import getpass
import os
import random
import shutil
import signal
import socket
from pathlib import Path
from typing import Final

from energy_swap_demo.processes import Child

_PLACES: Final = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto")
_PATIENCE_S: Final = 60.0


class BrokerError(RuntimeError):
    """The broker is missing or did not come up; the text says what to do."""


# The kernel gives ports above these to whoever does not care which one (net.ipv4.ip_local_port_range).
_PORTS: Final = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return different TCP ports of 127.0.0.1 that nobody uses at the moment, nor is given by chance later."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise BrokerError(f"this machine has no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}")


def free_port() -> int:
    """Return one of `free_ports`."""
    (port,) = free_ports(1)
    return port


def find_mosquitto() -> Path:
    """Return the program; raise `BrokerError` when this machine has none."""
    found = shutil.which("mosquitto") or next((place for place in _PLACES if os.access(place, os.X_OK)), None)
    if found is None:
        raise BrokerError("no mosquitto on this machine; install it (Debian: apt-get install mosquitto)")
    return Path(found)


class Broker:
    """Starts and stops mosquitto; its configuration and what it keeps lie in ``folder``."""

    def __init__(self, folder: Path, logs: Path, port: int | None = None) -> None:
        """Use ``port`` of 127.0.0.1, or any free one."""
        self.host: Final = "127.0.0.1"
        self.port: Final = port or free_port()
        self._folder = folder
        self.process = Child(
            "mosquitto",
            # On SIGTERM, unlike SIGKILL, mosquitto writes down what it keeps.
            (find_mosquitto(), "-c", folder / "mosquitto.conf"), logs=logs, orphan_signal=signal.SIGTERM,
        )  # fmt: skip

    async def start(self) -> None:
        """Start the broker and return when it takes connections; raise `BrokerError` when it does not."""
        if self._is_port_taken():
            raise BrokerError(f"port {self.port} is in use by another program; stop that, or choose another port")
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "mosquitto.conf").write_text(self._configuration(), encoding="utf-8")
        await self.process.start()
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + _PATIENCE_S
        while not await self._takes_connections():
            if not self.process.is_running or loop.time() > gives_up_at:
                raise BrokerError(
                    f"mosquitto takes no connections on port {self.port}:\n{self.process.last_lines()}"
                )
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop the broker; what it keeps is on the disk when this returns."""
        await self.process.stop()

    def _configuration(self) -> str:
        return "\n".join((
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            f"user {getpass.getuser()}",  # started as root it would turn into a user who cannot write here
            "set_tcp_nodelay true",
            # QoS 1 messages wait for a persistent session that is offline, however many, also over a restart.
            "persistence true",
            f"persistence_location {self._folder}/",
            "autosave_interval 10",
            "max_queued_messages 0",
            "max_inflight_messages 200",
            "log_dest stdout",
            "log_type error", "log_type warning", "log_type notice",
            "connection_messages true",
            "",
        ))  # fmt: skip

    def _is_port_taken(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return True
        return False

    async def _takes_connections(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
