"""M-Pesa's QR code in the household's app: made by Daraja for its own account, once, and what to do without it."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator import Simulator
from energy_swap_demo.daraja import daraja_settings
from energy_swap_hub.config import HubConfig, PhonesConfig
from energy_swap_hub.hub import running_hub

from .conftest import Hub, clock, problem_of, sms_by
from .phones import Gateway, Phone


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    made = Simulator(clock=clock)
    yield made
    made.close()


@pytest.fixture
async def phone(config: HubConfig, gateway: Gateway, simulator: Simulator) -> AsyncIterator[Phone]:
    """A paired phone of the first household, whose hub speaks with a real Daraja."""
    server = TestServer(simulator.application())
    await server.start_server()
    url, ours = str(server.make_url("")).rstrip("/"), config.daraja
    daraja = daraja_settings(simulator.business, url, ours.callback_base_url, ours.certificate)
    config = msgspec.structs.replace(config, daraja=daraja, phones=PhonesConfig(sms=sms_by(gateway)))
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        made = Phone.new(url, hub.now)
        await made.pair(hub.homes[0].phone, gateway)
        yield made
        await made.session.close()
        await hub.close()
    await server.close()


async def test_a_household_gets_m_pesas_code_for_an_amount_once(phone: Phone, simulator: Simulator) -> None:
    first = await phone.get("/pay-code?kes=120")
    assert (first.status, first.content_type) == (200, "image/png"), await first.text()
    assert first.headers["Cache-Control"] == "no-store"
    picture = await first.read()
    assert picture.startswith(b"\x89PNG")

    simulator.faults.arm("F15", None, product="qr")  # from now on Daraja's answers cannot be read
    again = await phone.get("/pay-code?kes=120")
    assert await again.read() == picture, "what was made once is not asked for again"
    other = await phone.get("/pay-code?kes=121")
    assert other.status == 409
    problem = await problem_of(other)
    assert problem["code"] == "payment_refused"
    assert f"Pay Bill {simulator.business.short_code}, account 000195" in problem["detail"]
    simulator.faults.disarm()
    assert (await phone.get("/pay-code?kes=121")).status == 200


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("?kes=ten", 400), ("?kes=0", 409), ("?kes=250001", 409)]
)
async def test_an_amount_that_cannot_be_paid_is_refused_in_words(phone: Phone, query: str, status: int) -> None:
    answer = await phone.get(f"/pay-code{query}")
    assert answer.status == status
    assert "250,000" in (await problem_of(answer))["detail"]
