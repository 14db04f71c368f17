import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig, PhonesConfig, Role, SmsConfig, UserConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.settlement.reviews import open_review
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import AnyMessage, sign_message
from energy_swap_protocol.request import HEADER, sign_request
from nacl.signing import SigningKey

from tests.hub.village import OPENED, VILLAGE, Home, community, copy_of, found_in, homes, no_daraja

from .phones import Gateway, Phone, running_gateway

PASSWORD = "correct horse battery staple"
API = f"/api/v1/communities/{VILLAGE}"
CONSOLE = "/api/v1/console"
NOT_AN_ADMIN = "only an admin may do this, and regulator is an auditor"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a village that was founded once, to be copied."""
    return found_in(tmp_path_factory.mktemp("founded-web"))


@pytest.fixture(scope="session")
def certificate_pem() -> bytes:
    return certificate(new_key())


@pytest.fixture(scope="session")
def users() -> tuple[UserConfig, ...]:
    """Their password is `PASSWORD`, in a hash that is quick to check: tests sign in often."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    roles: dict[str, Role] = {
        "office": "admin",
        "regulator": "auditor",
        "checker": "verifier",
        "fitter": "installer",
    }
    return tuple(UserConfig(user, role, hashed) for user, role in roles.items())


@dataclass(slots=True)
class Person:
    """Somebody at a browser: a cookie jar and the token for changes."""

    session: ClientSession
    csrf: str = ""

    async def sign_in(self, user: str, password: str = PASSWORD) -> ClientResponse:
        answer = await self.session.post(f"{CONSOLE}/sign-in", json={"user": user, "password": password})
        if answer.status == 200:
            self.csrf = (await answer.json())["csrf"]
        return answer

    async def get(self, path: str) -> ClientResponse:
        return await self.session.get(f"{CONSOLE}{path}")

    async def post(self, path: str, body: Any, csrf: str | None = None) -> ClientResponse:
        headers = {"X-CSRF-Token": self.csrf if csrf is None else csrf}
        return await self.session.post(f"{CONSOLE}{path}", json=body, headers=headers)


@dataclass(slots=True)
class Hub:
    """The real hub, in this process, and who calls it. Its time stands still."""

    url: str
    config: HubConfig
    session: ClientSession
    people: list[Person] = field(default_factory=list)
    homes: tuple[Home, Home, Home, Home] = field(default_factory=homes)

    @property
    def now(self) -> int:
        """The hub's time in Unix seconds."""
        return int(OPENED.timestamp()) + 60

    def person(self) -> Person:
        """Return somebody who is not signed in."""
        self.people.append(Person(ClientSession(self.url, cookie_jar=CookieJar(unsafe=True))))
        return self.people[-1]

    async def admin(self) -> Person:
        person = self.person()
        assert (await person.sign_in("office")).status == 200
        return person

    def header(
        self, key: SigningKey, method: str, target: str, body: bytes = b"", **changes: Any
    ) -> dict[str, str]:
        """Return the signature header of a request."""
        given: dict[str, Any] = {"nonce": uuid4().hex, "at": self.now} | changes
        return {HEADER: sign_request(method, target, body, key=key, **given)}

    async def signed(self, key: SigningKey, method: str, path: str, body: bytes = b"") -> ClientResponse:
        """Send a request signed with ``key``; ``path`` is below the community."""
        target = f"{API}{path}"
        return await self.session.request(
            method, target, data=body or None, headers=self.header(key, method, target, body)
        )

    def head(self) -> dict[str, Any]:
        """What every message carries."""
        return {"id": uuid4(), "community": VILLAGE, "sent_at": self.now}

    async def send(self, key: SigningKey, message: AnyMessage) -> ClientResponse:
        """Post a signed message."""
        body = msgspec.json.encode(sign_message(message, key))
        return await self.session.post(f"{API}/messages", data=body)

    async def close(self) -> None:
        for person in self.people:
            await person.session.close()


async def problem_of(answer: ClientResponse) -> dict[str, Any]:
    """Return the problem of an answer, which must be one and be complete."""
    assert answer.content_type == "application/problem+json", await answer.text()
    body: dict[str, Any] = await answer.json()
    assert body["status"] == answer.status >= 400
    assert body["code"] == body["code"].lower()
    assert body["title"]
    assert len(body["detail"]) > 5
    assert not any(word in body["detail"] for word in ("Traceback", "Error:", "sqlite", "/home/", ".py"))
    return body


@pytest.fixture
async def config(
    founded: Path, tmp_path: Path, certificate_pem: bytes, users: tuple[UserConfig, ...]
) -> HubConfig:
    """What a hub with four admitted households and one open review starts from."""
    data = copy_of(founded, tmp_path / "hub")
    (tmp_path / "daraja.pem").write_bytes(certificate_pem)
    database = Database.open(data / "hub.sqlite")
    await database.write(
        lambda c: open_review(
            c, VILLAGE, kind="chain failed", subject="mint:1", evidence={"error": "refused"}, now=OPENED
        )
    )
    await database.close()
    port = unused_port()
    return HubConfig(
        data=data,
        community=community(),
        users=users,
        port=port,
        daraja=no_daraja(port, tmp_path / "daraja.pem"),
    )


def clock() -> datetime:
    """The hub's time, which stands still."""
    return OPENED.replace(minute=1)


@asynccontextmanager
async def hub_with(config: HubConfig) -> AsyncIterator[Hub]:
    """Have a hub at work with ``config``."""
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        made = Hub(url, config, session)
        yield made
        await made.close()


@pytest.fixture
async def hub(config: HubConfig) -> AsyncIterator[Hub]:
    """A hub at work."""
    async with hub_with(config) as made:
        yield made


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running_gateway() as made:
        yield made


def sms_by(gateway: Gateway) -> SmsConfig:
    """How a hub has its SMS sent by ``gateway``."""
    fields = {"username": "kisima", "to": "+{phone}", "message": "{text}"}
    return SmsConfig(url=gateway.url, fields=fields, headers={"apiKey": "secret of the gateway"})


@pytest.fixture
async def app_hub(config: HubConfig, gateway: Gateway) -> AsyncIterator[Hub]:
    """A hub whose SMS gateway is ``gateway``; a phone may move KES 100 a day."""
    config = msgspec.structs.replace(config, phones=PhonesConfig(sms=sms_by(gateway), daily_kes=100))
    async with hub_with(config) as made:
        yield made


@pytest.fixture
async def new_phone(app_hub: Hub) -> AsyncIterator[Any]:
    made: list[Phone] = []

    def make() -> Phone:
        made.append(Phone.new(app_hub.url, app_hub.now))
        return made[-1]

    yield make
    for phone in made:
        await phone.session.close()


async def command(name: str, config: HubConfig, folder: Path) -> tuple[int | None, str, str]:
    """Run one of the hub's commands as a person would; return its code and what it says."""
    path = folder / "hub.json"
    path.write_bytes(msgspec.json.encode(config, enc_hook=str))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "energy_swap_hub", name, path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
