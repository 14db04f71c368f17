"""A simulator in virtual time over plain HTTP, as any integrator would use it, and a receiver of its callbacks."""

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from energy_swap_daraja_simulator import Business, Simulator
from energy_swap_daraja_simulator.clock import EAT, VirtualClock

PHONE = "254712345678"
BUSINESS = Business()


class Desk:
    """A simulator on a port, a receiver for its callbacks, and the time of both."""

    server: TestServer
    session: ClientSession
    simulator: Simulator
    callback_url: str

    def __init__(self, path: Path | None, private_key_pem: bytes | None) -> None:
        self.path = path
        self.private_key_pem = private_key_pem
        self.is_followed = False  # whether the simulator follows the clock by itself, as one that others move
        self.clock = VirtualClock(datetime(2026, 11, 20, 11, 30, tzinfo=UTC))
        self.callbacks: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.arrived: list[tuple[str, dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.raw_paths: list[str] = []
        self.validation: Any = None
        self.token = ""

    async def start(self) -> None:
        clock = self.clock.__call__ if self.is_followed else self.clock
        self.simulator = Simulator(clock=clock, path=self.path, private_key_pem=self.private_key_pem)
        self.server = TestServer(self.simulator.application())
        await self.server.start_server()
        self.session = ClientSession()

    async def stop(self) -> None:
        await self.session.close()
        await self.server.close()
        self.simulator.close()

    async def take(self, request: web.Request) -> web.Response:
        """Take a callback; the answers are what a broken receiver's would be, except where a test sets them."""
        raw = await request.read()
        self.raw.append(raw)
        self.raw_paths.append(request.raw_path)
        with contextlib.suppress(ValueError, RecursionError):
            body = json.loads(raw)
            self.callbacks.append((dict(request.headers), body))
            self.arrived.append((request.path, body))
        if request.path.endswith("/validation") and self.validation is not None:
            return web.json_response(self.validation)
        if request.path.endswith("/slow"):
            await asyncio.sleep(1)
        return web.Response(status=500)

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = None, fault: str = ""
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        if fault:
            headers["X-Simulator-Fault"] = fault
        url = self.server.make_url(path)
        async with self.session.request(method, url, json=body, headers=headers) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(raw or b"null") if is_json else raw.decode()

    async def sign_in(self) -> str:
        pair = f"{BUSINESS.consumer_key}:{BUSINESS.consumer_secret}".encode()
        url = self.server.make_url("/oauth/v1/generate?grant_type=client_credentials")
        headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        async with self.session.get(url, headers=headers) as response:
            self.token = (await response.json())["access_token"]
        return self.token

    def signed(self, timestamp: str = "20261120143000") -> dict[str, Any]:
        secret = f"{BUSINESS.short_code}{BUSINESS.passkey}{timestamp}".encode()
        return {
            "BusinessShortCode": BUSINESS.short_code,
            "Password": base64.b64encode(secret).decode(),
            "Timestamp": timestamp,
        }

    def push_body(self, **changes: Any) -> dict[str, Any]:
        return {
            **self.signed(),
            "TransactionType": "CustomerPayBillOnline",
            "Amount": "100",
            "PartyA": PHONE,
            "PartyB": BUSINESS.short_code,
            "PhoneNumber": int(PHONE),
            "CallBackURL": self.callback_url,
            "AccountReference": "ES2345678ABC",
            "TransactionDesc": "Test",
        } | changes

    async def push(self, fault: str = "", **changes: Any) -> tuple[int, Any]:
        timestamp = f"{self.clock().astimezone(EAT):%Y%m%d%H%M%S}"
        body = self.push_body(**(self.signed(timestamp) | changes))
        return await self.call("POST", "/mpesa/stkpush/v1/processrequest", body, fault=fault)

    async def sealed(self, password: str) -> str:
        url = self.server.make_url("/_simulator/certificate")
        async with self.session.get(url) as response:
            key = x509.load_pem_x509_certificate(await response.read()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()

    async def pay(self, originator: str, password: str = BUSINESS.initiator_password, **changes: Any) -> Any:
        body = {
            "OriginatorConversationID": originator,
            "InitiatorName": BUSINESS.initiator,
            "SecurityCredential": await self.sealed(password),
            "CommandID": "BusinessPayment",
            "Amount": "60",
            "PartyA": BUSINESS.short_code,
            "PartyB": PHONE,
            "Remarks": "Test",
            "QueueTimeOutURL": self.callback_url,
            "ResultURL": self.callback_url,
        } | changes
        return await self.call("POST", "/mpesa/b2c/v3/paymentrequest", body)

    async def callback(self, within: int = 400) -> dict[str, Any]:
        """Let time run until a callback comes."""
        known = len(self.callbacks)
        for _ in range(within):
            if len(self.callbacks) > known:
                return self.callbacks[-1][1]
            await self.pass_time(1)
        raise AssertionError("no callback came")

    async def pass_time(self, seconds: float) -> int:
        """Let time run; return how many callbacks went out."""
        delivered: int = (await self.control("POST", "clock", {"advance_seconds": seconds}))["delivered"]
        return delivered

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the simulator's own API."""
        status, told = await self.call(method, f"/_simulator/{path}", body)
        assert status < 300, told
        return told

    async def arm(self, fault: str, **more: Any) -> None:
        await self.control("POST", "faults", {"fault": fault, **more})

    async def ask(self, path: str, command: str, **changes: Any) -> tuple[int, Any]:
        """Send a request that an initiator signs."""
        body = {
            "Initiator": BUSINESS.initiator,
            "SecurityCredential": await self.sealed(changes.pop("password", BUSINESS.initiator_password)),
            "CommandID": command,
            "PartyA": BUSINESS.short_code,
            "IdentifierType": "4",
            "Remarks": "Test",
            "QueueTimeOutURL": f"{self.callback_url}/late",
            "ResultURL": self.callback_url,
        }
        return await self.call("POST", path, body | changes)

    async def register(self, version: int = 2, **changes: Any) -> tuple[int, Any]:
        body = {
            "ShortCode": BUSINESS.short_code,
            "ResponseType": "Completed",
            "ConfirmationURL": f"{self.callback_url}/confirmation",
            "ValidationURL": f"{self.callback_url}/validation",
        }
        return await self.call("POST", f"/mpesa/c2b/v{version}/registerurl", body | changes)

    async def query(self, checkout: str) -> tuple[int, Any]:
        timestamp = f"{self.clock().astimezone(EAT):%Y%m%d%H%M%S}"
        question = {**self.signed(timestamp), "CheckoutRequestID": checkout}
        return await self.call("POST", "/mpesa/stkpushquery/v1/query", question)

    def of(self, path: str) -> list[dict[str, Any]]:
        """Return the bodies that arrived at the end of a path."""
        return [body for at, body in self.arrived if at.endswith(path)]

    async def books(self) -> Any:
        return (await self.call("GET", "/_simulator/books"))[1]
