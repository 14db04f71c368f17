"""The simulator as a process that is killed without warning."""

import asyncio
import base64
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientConnectorError, ClientSession
from energy_swap_daraja_simulator import Business
from energy_swap_demo.broker import free_port

PHONE = "254712345678"


@contextlib.asynccontextmanager
async def process(port: int, data: Path) -> AsyncIterator[None]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "energy_swap_daraja_simulator"),
        *("--port", str(port), "--data", str(data), "--speed", "20"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.send_signal(signal.SIGKILL)
        await running.wait()


async def ask(session: ClientSession, method: str, path: str, body: Any = None, **headers: str) -> Any:
    for _ in range(200):
        try:
            async with session.request(method, path, json=body, headers=headers) as response:
                return await response.json()
        except ClientConnectorError:
            await asyncio.sleep(0.05)
    raise AssertionError("the simulator did not start")


async def test_a_killed_simulator_keeps_the_books_and_finishes_the_prompt(tmp_path: Path) -> None:
    port, business = free_port(), Business()
    pair = base64.b64encode(f"{business.consumer_key}:{business.consumer_secret}".encode()).decode()
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        async with process(port, tmp_path / "daraja.sqlite"):
            person = {"phone": PHONE, "name": "Amina", "balance_kes": 500}
            await ask(session, "POST", "/_simulator/subscribers", person)
            path = "/oauth/v1/generate?grant_type=client_credentials"
            token = (await ask(session, "GET", path, Authorization=f"Basic {pair}"))["access_token"]
            clock = await ask(session, "GET", "/_simulator/clock")
            timestamp = f"{datetime.fromisoformat(clock['nairobi']):%Y%m%d%H%M%S}"
            secret = f"{business.short_code}{business.passkey}{timestamp}".encode()
            push = {
                "BusinessShortCode": int(business.short_code),
                "Password": base64.b64encode(secret).decode(),
                "Timestamp": timestamp,
                "TransactionType": "CustomerPayBillOnline",
                "Amount": 200,
                "PartyA": int(PHONE),
                "PartyB": int(business.short_code),
                "PhoneNumber": int(PHONE),
                "CallBackURL": "http://127.0.0.1:9/nobody",
                "AccountReference": "ES2345678ABC",
            }
            path = "/mpesa/stkpush/v1/processrequest"
            taken = await ask(session, "POST", path, push, Authorization=f"Bearer {token}")
            assert taken["ResponseCode"] == "0"
        async with process(port, tmp_path / "daraja.sqlite"):
            for _ in range(200):
                books = await ask(session, "GET", "/_simulator/books")
                if not books["open_prompts"]:
                    break
                await asyncio.sleep(0.05)
            assert (await ask(session, "GET", "/_simulator/clock"))["now"] >= clock["now"]
    assert books["accounts"] == {"outside": -50_000, f"subscriber:{PHONE}": 30_000, "utility": 20_000}
