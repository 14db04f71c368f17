"""What a hub writes to its logs while money and energy move: nothing that is anybody's secret."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.credential import new_key
from energy_swap_demo.daraja import daraja_settings
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_protocol.message import BuyOrder, PayOut, SellOrder, StandingOrder, TopUp
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.transaction import ChainInfo, lock_message

from tests.hub.village import GRACE, OPENED, PERIOD

from .conftest import API, PASSWORD, Hub


@dataclass(slots=True)
class Town:
    """A hub beside a Daraja simulator, in a time that runs fast."""

    hub: Hub
    simulator: Simulator
    now: list[datetime]

    async def until(self, is_true: Callable[[dict[str, Any]], bool], home: int) -> dict[str, Any]:
        """Let time run until a household's state is so."""
        async with asyncio.timeout(60):
            while True:
                state = await (await self.signed(home, "GET", "/household")).json()
                if is_true(state):
                    return dict(state)
                self.now[0] += timedelta(seconds=2)
                await asyncio.sleep(0.02)

    def signed(self, home: int, method: str, path: str, body: bytes = b"") -> Awaitable[Any]:
        key, target = self.hub.homes[home].key, f"{API}{path}"
        headers = self.hub.header(key, method, target, body, at=int(self.now[0].timestamp()))
        return self.hub.session.request(method, target, data=body or None, headers=headers)

    def head(self) -> dict[str, Any]:
        return self.hub.head() | {"sent_at": int(self.now[0].timestamp())}


@pytest.fixture
async def town(config: HubConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Town]:
    caplog.set_level(logging.DEBUG)
    now = [OPENED + timedelta(minutes=1)]
    simulator = Simulator(clock=lambda: now[0], private_key_pem=new_key())
    async with AsyncExitStack() as stack:
        stack.callback(simulator.close)
        server = TestServer(simulator.application())
        await server.start_server()
        stack.push_async_callback(server.close)
        (tmp_path / "daraja.pem").write_bytes(simulator.certificate_pem)
        simulated, url = str(server.make_url("")).rstrip("/"), f"http://127.0.0.1:{config.port}"
        daraja = daraja_settings(simulator.business, simulated, url, tmp_path / "daraja.pem")
        config = msgspec.structs.replace(config, daraja=daraja)
        await stack.enter_async_context(running_hub(config, lambda: now[0]))
        session = await stack.enter_async_context(ClientSession(url))
        hub = Hub(url, config, session)
        for home in hub.homes:
            simulator.control.add_subscriber(Subscriber(phone=home.phone, name=home.name, balance_kes=9_000))
        yield Town(hub, simulator, now)
        await hub.close()


async def test_logs_hold_no_phone_no_key_and_no_token(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    hub = town.hub
    admin = await hub.admin()
    await admin.sign_in("office", "a wrong password")
    amina, chebet = hub.homes[0], hub.homes[2]
    # The answer to the push is lost, and somebody forges a callback.
    town.simulator.faults.arm("F01")
    assert (await hub.session.post(f"/hooks/k/{'a' * 32}/{'b' * 32}", data=chebet.phone)).status == 404
    assert (await hub.send(chebet.key, TopUp(**town.head(), kes=500))).status == 200
    await town.until(lambda state: bool(state["wallet"]["kes_cents"] == 50_000), 2)
    await hub.send(amina.key, StandingOrder(**town.head(), sell_at_least=1_000))

    # Amina's panels make 2 kWh that nobody takes; she sells 1 kWh of it to Chebet and is paid out.
    amina.measure(OPENED + timedelta(minutes=1))  # the reading of her application
    town.now[0] = OPENED + PERIOD
    frames = [frame_to_text(amina.measure(OPENED + PERIOD, export_wh=2_000))]
    assert (await town.signed(0, "POST", "/readings", msgspec.json.encode({"frames": frames}))).status == 200
    town.now[0] += GRACE
    await town.until(lambda state: bool(state["wallet"]["ekwh_wh"] == 2_000), 0)
    chain = await (await hub.session.get(f"{API}/chain")).json()
    info = ChainInfo.parse(**{name: chain[name] for name in ("mint", "escrow", "hub", "blockhash")})
    number = uuid4()
    lock = amina.sign(lambda of: lock_message(of, amina.pubkey, 1_000, number), info)
    sale = SellOrder(**town.head() | {"id": number}, wh=1_000, at_least=20_000, lock=lock)
    assert (await (await hub.send(amina.key, sale)).json())["status"] == "open"
    await hub.send(chebet.key, BuyOrder(**town.head(), wh=1_000, at_most=20_000))
    await hub.send(amina.key, PayOut(**town.head(), kes=100))
    await town.until(lambda state: bool(state["wallet"]["kes_cents"] == 10_000), 0)
    await asyncio.sleep(0.2)

    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    logged = "\n".join([record.getMessage() + (record.exc_text or "") for record in records])
    assert "hub of Kisima" in logged
    assert "wrong secret" in logged
    for what, secrets in _secrets(town, admin, hub.config.data).items():
        assert not [secret for secret in secrets if secret in logged], what


def _secrets(town: Town, admin: Any, data: Path) -> dict[str, list[str]]:
    keys = [path.read_bytes() for path in sorted((data / "keys").iterdir())]
    chain_keys = [bytes(json.loads(key)) for key in keys if key.startswith(b"[")]
    own = [key for key in keys if not key.startswith(b"[")]
    business, access = town.simulator.business, town.simulator._gate._token
    assert access is not None
    return {
        "phones": [phone for home in town.hub.homes for phone in (home.phone, home.phone[3:])],
        "household keys": [bytes(home.key).hex() for home in town.hub.homes],
        "hub keys": [
            text
            for key in [*chain_keys, *own]
            for text in (
                key.hex(),
                base64.b64encode(key).decode(),
                base64.urlsafe_b64encode(key).decode(),
                str(key),
            )
        ],
        "daraja": [business.passkey, business.consumer_secret, business.initiator_password, access[0]],
        "console": [PASSWORD, "a wrong password", admin.csrf],
        "session": [cookie.value for cookie in admin.session.cookie_jar],
    }
