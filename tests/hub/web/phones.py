"""A household's phone as the tests have one: its key, its cookie jar, and the SMS gateway that it reads."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import ClientResponse, ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer
from energy_swap_protocol.message import AnyMessage, sign_message
from energy_swap_protocol.request import HEADER, sign_request
from nacl.signing import SigningKey

from tests.hub.village import VILLAGE

APP = "/api/v1/app"
PIN = "240718"


@dataclass(slots=True)
class Gateway:
    """An SMS gateway that remembers what it was given to send; a test may make it fail."""

    url: str = ""
    status: int = 200
    sent: list[dict[str, str]] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        """Take a message as operators' gateways do."""
        if self.status == 200:
            form = await request.post()
            assert request.headers["apiKey"] == "secret of the gateway"
            self.sent.append({name: str(value) for name, value in form.items()})
        async with self._news:
            self._news.notify_all()
        return web.Response(status=self.status)

    async def code(self, number: int = 1) -> str:
        """Return the code in the ``number``-th message, waiting for it."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.sent) >= number)
        found = re.match(r"(\d{6}) ", self.sent[number - 1]["message"])
        assert found is not None
        return found[1]


@asynccontextmanager
async def running_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    app = web.Application()
    app.add_routes([web.post("/send", gateway.take)])
    async with TestServer(app) as server:
        gateway.url = str(server.make_url("/send"))
        yield gateway


@dataclass(slots=True)
class Phone:
    """A browser with a key of its own. ``now`` is the hub's time."""

    session: ClientSession
    now: int
    key: SigningKey = field(default_factory=SigningKey.generate)
    csrf: str = ""

    @classmethod
    def new(cls, url: str, now: int) -> Phone:
        return cls(ClientSession(url, cookie_jar=CookieJar(unsafe=True)), now)

    def header(self, path: str, body: bytes) -> dict[str, str]:
        return {HEADER: sign_request("POST", path, body, key=self.key, nonce=uuid4().hex, at=self.now)}

    async def signed(self, path: str, body: Any) -> ClientResponse:
        """Post with this phone's signature, without a session."""
        target, sent = f"{APP}{path}", msgspec.json.encode(body)
        return await self.session.post(target, data=sent, headers=self.header(target, sent))

    async def get(self, path: str) -> ClientResponse:
        return await self.session.get(f"{APP}{path}")

    async def post(self, path: str, body: Any = None, csrf: str | None = None) -> ClientResponse:
        headers = {"X-CSRF-Token": self.csrf if csrf is None else csrf}
        return await self.session.post(f"{APP}{path}", json=body, headers=headers)

    async def begin(self, number: str) -> ClientResponse:
        return await self.session.post(f"{APP}/pairing", json={"phone": number})

    async def finish(
        self, pairing: str, code: str, pin: str = PIN, name: str = "Chebet's phone"
    ) -> ClientResponse:
        body = {"pairing": pairing, "code": code, "pin": pin, "name": name}
        answer = await self.signed("/pairing/finish", body)
        return await self._in_session(answer)

    async def pair(self, number: str, gateway: Gateway) -> None:
        """Pair as a person does."""
        known = len(gateway.sent)
        begun = await self.begin(number)
        assert begun.status == 200, await begun.text()
        answer = await self.finish((await begun.json())["pairing"], await gateway.code(known + 1))
        assert answer.status == 200, await answer.text()

    async def unlock(self, pin: str = PIN) -> ClientResponse:
        return await self._in_session(await self.signed("/unlock", {"pin": pin}))

    async def send(self, message: AnyMessage) -> ClientResponse:
        return await self.post("/messages", msgspec.to_builtins(sign_message(message, self.key)))

    def head(self) -> dict[str, Any]:
        """What every message carries."""
        return {"id": uuid4(), "community": VILLAGE, "sent_at": self.now}

    async def _in_session(self, answer: ClientResponse) -> ClientResponse:
        if answer.status == 200:
            self.csrf = (await answer.json())["csrf"]
        return answer
