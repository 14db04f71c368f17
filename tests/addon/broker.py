"""A real mosquitto for tests, on a port of its own, with persistence so that it can be restarted."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiomqtt
from energy_swap_demo.broker import free_port

PROGRAM = "/usr/sbin/mosquitto"


class Broker:
    """Start, stop and start again: the port and the sessions stay."""

    def __init__(self, folder: Path, *settings: str) -> None:
        """``settings`` are further lines of its configuration, for its one listener."""
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = (
            f"listener {self.port} 127.0.0.1", *settings, "allow_anonymous true", "user root",
            "persistence true", f"persistence_location {folder}/", "log_dest none", "max_queued_messages 10000",
        )  # fmt: skip
        self._config.write_text("".join(f"{line}\n" for line in lines))
        self.tls: ssl.SSLContext | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        # A child of the test, not of its event loop: it outlives loops that fixtures and tests do not share.
        self._process = subprocess.Popen(  # noqa: ASYNC220
            [PROGRAM, "-c", self._config], stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    async def publish(self, topic: str, *payloads: str | bytes, qos: int = 1, retain: bool = False) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port, tls_context=self.tls) as client:
            for payload in payloads:
                await client.publish(topic, payload, qos=qos, retain=retain)
