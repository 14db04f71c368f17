"""Measures the API under load: how long callers wait, when many at once read and send signed orders.

The hub runs as a process of its own, the callers in this one, on the same cores. Requests leave on time whether or
not earlier ones were answered, and each one's wait counts from when it should have left: a hub that falls behind
cannot hide it.
"""

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Final
from uuid import UUID

import msgspec
from aiohttp import ClientConnectorError, ClientSession, CookieJar
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig, LimitsConfig, UserConfig
from energy_swap_hub.hub import serve
from energy_swap_protocol.message import StandingOrder, sign_message
from energy_swap_protocol.request import HEADER, sign_request

from tests.benchmarks.place import place
from tests.hub.village import OPENED, VILLAGE, Home, community, found_in, homes, no_daraja

SEED: Final = 20261121
PASSWORD: Final = "benchmark"
API: Final = f"/api/v1/communities/{VILLAGE}"
CONSOLE: Final = "/api/v1/console"
NOW: Final = int(OPENED.timestamp()) + 60
_START_SECONDS: Final = 4
MIX: Final = {
    "own state": 35,
    "own notifications": 15,
    "chain": 10,
    "market": 10,
    "households": 10,
    "order": 20,
}  # percent


@dataclass(slots=True)
class Request:
    """A request as it goes over the wire; when it should leave and when its answer was whole, in seconds."""

    kind: str
    wire: bytes
    due: float = 0.0
    done: float = 0.0
    status: int = 0


@dataclass(slots=True)
class Caller(asyncio.Protocol):
    """One keep-alive connection: it sends a request when it is free and reads the answer."""

    free: deque[Caller]
    finished: asyncio.Event
    waiting: deque[Request]
    left: list[int]
    transport: asyncio.Transport | None = None
    request: Request | None = None
    received: bytearray = field(default_factory=bytearray)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.free.append(self)

    def send(self, request: Request) -> None:
        """Send a request."""
        assert self.transport is not None
        self.request = request
        self.transport.write(request.wire)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator or self.request is None:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self.request.done, self.request.status = perf_counter(), int(head.split()[1])
        self.request = None
        self.received.clear()
        self.left[0] -= 1
        if not self.left[0]:
            self.finished.set()
        if self.waiting:
            self.send(self.waiting.popleft())
        else:
            self.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.left[0]:
            raise ConnectionError(f"the hub closed a connection: {exc}")


async def load(port: int, requests: Sequence[Request], callers: int, per_second: float | None) -> float:
    """Send ``requests`` and return the seconds it took; ``per_second`` None: as fast as they are answered."""
    free, waiting, finished, left = deque[Caller](), deque[Request](), asyncio.Event(), [len(requests)]
    loop = asyncio.get_running_loop()
    for _ in range(callers):
        await loop.create_connection(lambda: Caller(free, finished, waiting, left), "127.0.0.1", port)
    begun = perf_counter()
    for number, request in enumerate(requests):
        request.due = begun if per_second is None else begun + number / per_second
        if (ahead := request.due - perf_counter()) > 0 or number % 20 == 0:
            await asyncio.sleep(max(ahead, 0))  # answers are read in between
        if free:
            free.popleft().send(request)
        else:
            waiting.append(request)
    await finished.wait()
    return perf_counter() - begun


def requests_of(members: Sequence[Home], cookie: str, count: int, chance: random.Random) -> list[Request]:
    """Return ``count`` signed requests in a random mix."""
    kinds = chance.choices(list(MIX), list(MIX.values()), k=count)
    return [
        Request(kind, _wire(kind, members[number % len(members)], cookie, chance))
        for number, kind in enumerate(kinds)
    ]


def _wire(kind: str, home: Home, cookie: str, chance: random.Random) -> bytes:
    method, body, headers = "GET", b"", ""
    match kind:
        case "own state" | "own notifications":
            path = f"{API}/household" + ("/notifications?after=0" if kind == "own notifications" else "")
            signed = sign_request(
                method, path, body, key=home.key, nonce=f"{chance.getrandbits(128):032x}", at=NOW
            )
            headers = f"{HEADER}: {signed}\r\n"
        case "order":
            method, path = "POST", f"{API}/messages"
            order = StandingOrder(
                id=UUID(int=chance.getrandbits(128), version=4),
                community=VILLAGE,
                sent_at=NOW,
                sell_at_least=chance.randint(800, 1_200) if home.rated_pv_w else None,
                buy_at_most=chance.randint(1_200, 1_600),
            )
            body = msgspec.json.encode(sign_message(order, home.key))
            headers = f"Content-Length: {len(body)}\r\n"
        case "chain":
            path = f"{API}/chain"
        case _:
            path, headers = f"{CONSOLE}/{kind}", f"Cookie: {cookie}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode() + body


def configuration(folder: Path, database_url: str | None, port: int) -> HubConfig:
    """Return the configuration of the measured hub: no limit on how often one address calls."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    (folder / "daraja.pem").write_bytes(certificate(new_key()))
    return HubConfig(
        data=folder,
        database_url=database_url,
        community=community(),
        users=(UserConfig("office", "admin", hashed),),
        port=port,
        limits=LimitsConfig(address_per_second=0, key_per_second=0),
        daraja=no_daraja(port, folder / "daraja.pem"),
    )


def run_hub(config: HubConfig) -> None:
    """Run the hub until this process is ended; its time stands still."""
    logging.disable(logging.WARNING)
    serve(config, lambda: OPENED + timedelta(minutes=1))


async def signed_in(url: str) -> str:
    """Wait for the hub, sign in, and return the session's cookie."""
    async with ClientSession(url, cookie_jar=CookieJar(unsafe=True)) as session:
        while True:
            with contextlib.suppress(ClientConnectorError):
                answer = await session.post(f"{CONSOLE}/sign-in", json={"user": "office", "password": PASSWORD})
                cookie = answer.cookies["energy_swap_session"]
                return f"{cookie.key}={cookie.value}"
            await asyncio.sleep(0.1)


def at(share: float, waits: Sequence[float]) -> float:
    """Return the wait, in milliseconds, that ``share`` of the sorted ``waits`` do not exceed."""
    return waits[min(len(waits) - 1, int(share * len(waits)))] * 1_000


def cpu_seconds(process: int | None) -> float:
    """Return the processor time that a process took so far, with those that it started."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return own + sum(cpu_seconds(int(child)) for task in tasks for child in task.read_text().split())


def report(name: str, requests: Sequence[Request], seconds: float) -> None:
    """Write a line for all requests and one for each kind."""
    refused = Counter((request.kind, request.status) for request in requests if request.status != 200)
    for kind in ("all", *MIX):
        waits = sorted(r.done - r.due for r in requests if kind in {"all", r.kind})
        figures = (
            f"{len(waits) / seconds:>9,.0f}{at(0.5, waits):>9.1f}{at(0.99, waits):>9.1f}{waits[-1] * 1000:>9.1f}"
        )
        sys.stdout.write(f"{name if kind == 'all' else '  ' + kind:<28}{figures}\n")
    if refused:
        raise SystemExit(f"not answered with 200: {dict(refused)}")


def measure(folder: Path, database_url: str | None, callers: int, per_second: int, seconds: int) -> None:
    """Measure one database: at a steady rate, then as fast as the callers are answered."""
    found_in(folder, database_url)
    chance, members, port = random.Random(SEED), homes(), unused_port()
    hub = multiprocessing.get_context("spawn").Process(
        target=run_hub, args=(configuration(folder, database_url, port),), daemon=True
    )
    hub.start()
    try:
        cookie = asyncio.run(signed_in(f"http://127.0.0.1:{port}"))
        for _ in range(2):  # warm, and with the processes that the hub starts when many ask
            asyncio.run(load(port, requests_of(members, cookie, per_second, chance), callers, per_second))
            time.sleep(_START_SECONDS)
        for name, count, rate in (
            (f"{per_second:,} a second", per_second * seconds, float(per_second)),
            ("as fast as answered", per_second * seconds // 2, None),
        ):
            requests, used = requests_of(members, cookie, count, chance), cpu_seconds(hub.pid)
            report(name, requests, asyncio.run(load(port, requests, callers, rate)))
            used = cpu_seconds(hub.pid) - used
            sys.stdout.write(f"{'  CPU of the hub':<28}{used / count * 1_000:>9.2f} ms a request\n")
    finally:
        hub.terminate()
        hub.join()


def main() -> None:
    """Measure on one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--callers", type=int, default=200, help="keep-alive connections")
    parser.add_argument("--per-second", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    sys.stdout.write(f"{'':<28}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}{'most ms':>9}\n")
    with tempfile.TemporaryDirectory() as folder, place(postgresql=asked.postgresql, is_durable=True) as where:
        url = where if isinstance(where, str) else None
        measure(Path(folder), url, asked.callers, asked.per_second, asked.seconds)


if __name__ == "__main__":
    main()
