"""A push service as tests have one: it takes messages, checks who sends them, and opens them as a browser does."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def open_message(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Open a message as a browser does: RFC 8188, 2, with the key of RFC 8291, 3.4."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    assert 18 <= len(record) <= size
    own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    secret = HKDF(SHA256(), 32, auth, b"WebPush: info\0" + own + sender).derive(shared)
    cipher = AESGCM(HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret))
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    text, mark, zeros = cipher.decrypt(nonce, record, None).rpartition(b"\x02")
    assert mark
    assert not zeros.strip(b"\0")
    return text


@dataclass(slots=True)
class Browser:
    """A subscribed browser: its address, its key, its secret, and what it was told."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes..."
    told: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def wish(self, *topics: str) -> dict[str, Any]:
        """What the app tells the hub of this browser."""
        return {
            "endpoint": self.endpoint,
            "p256dh": unpadded(self.point),
            "auth": unpadded(self.auth),
            "topics": topics or ("money", "trades", "home"),
        }


@dataclass(slots=True)
class PushService:
    """A push service with its browsers. ``answers`` are given first, one for each message; then all is well."""

    origin: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: int = 0
    browsers: dict[str, Browser] = field(default_factory=dict)
    wandered: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def browser(self) -> Browser:
        name = f"/send/{len(self.browsers)}"
        self.browsers[name] = Browser(self.origin + name)
        return self.browsers[name]

    async def until_asked(self, times: int) -> None:
        """Wait until so many messages have come, taken or not."""
        async with self._news:
            await self._news.wait_for(lambda: self.asked >= times)

    async def take(self, request: web.Request) -> web.Response:
        """Answer as told, or take the message and open it."""
        try:
            return await self._answer(request)
        finally:
            async with self._news:
                self.asked += 1
                self._news.notify_all()

    async def _answer(self, request: web.Request) -> web.Response:
        if self.answers:
            status, headers = self.answers.pop(0)
            return web.Response(status=status, headers=headers, text="x" * 100_000)
        browser = self.browsers.get(request.path)
        if browser is None:
            return web.Response(status=410)
        scheme, _, rest = request.headers["Authorization"].partition(" ")
        token, key = (part.strip().partition("=")[2] for part in rest.split(","))
        self.keys.add(key)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_unpadded(key))
        claims = jwt.decode(token, public, algorithms=["ES256"], audience=self.origin)
        assert scheme == "vapid"
        assert claims["sub"] == "mailto:office@kisima.example"
        body = await request.read()
        browser.headers.append(dict(request.headers))
        browser.bodies.append(body)
        browser.sizes.append(len(body))
        browser.told.append(json.loads(open_message(body, browser.key, browser.auth)))
        return web.Response(status=201, headers={"Location": f"{self.origin}/receipt"})

    async def wander(self, request: web.Request) -> web.Response:
        """Note that somebody came where nobody should."""
        self.wandered.append(request.path)
        return web.Response(status=201)


@asynccontextmanager
async def running_push_service() -> AsyncIterator[PushService]:
    service, app = PushService(), web.Application()
    app.add_routes([web.post("/send/{name}", service.take), web.route("*", "/{path:.*}", service.wander)])
    async with TestServer(app) as server:
        service.origin = str(server.make_url("")).rstrip("/")
        yield service
