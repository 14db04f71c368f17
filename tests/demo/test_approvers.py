"""The demo's approvers are real devices: they admit applicants through a real hub's routes, and doubt lies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from energy_swap_demo.approvers import ApproverDevice, keep_approvers, sign_waiting
from energy_swap_demo.keys import keep_key
from energy_swap_hub.chain.community import CommunityChain, plan_community
from energy_swap_hub.chain.decided import propose_admission
from energy_swap_hub.chain.directory import HouseholdAccount, add_community, add_household
from energy_swap_hub.chain.intent import intents_of
from energy_swap_hub.chain.payload import Approved
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.households import apply
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.storage import Database
from energy_swap_hub.web.app import make_app
from energy_swap_hub.web.doors import Doors
from energy_swap_hub.web.proposals_api import ApproverApi
from energy_swap_hub.web.route import route_definitions
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.message import Application
from energy_swap_protocol.transaction import token_account
from energy_swap_verifier.approver import Device, HubRefusedError
from energy_swap_verifier.decision import Community
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from sqlalchemy import Connection

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
NONCE = str(Hash(bytes(range(32))))
APPLICANT = Keypair.from_seed(bytes([7]) * 32).pubkey()
METER = bytes(Keypair.from_seed(bytes([8]) * 32).pubkey())


@pytest.fixture
def devices(tmp_path: Path) -> tuple[ApproverDevice, ...]:
    return keep_approvers(tmp_path)


@pytest.fixture
def chain(devices: tuple[ApproverDevice, ...]) -> CommunityChain:
    hub, a, b = (Keypair.from_seed(bytes([n]) * 32).pubkey() for n in (1, 2, 3))
    return plan_community("umoja", "genesis", hub, [a, b], [d.public_key for d in devices], 2)


def test_devices_keep_their_keys(tmp_path: Path) -> None:
    first, again = keep_approvers(tmp_path), keep_approvers(tmp_path)
    assert [d.public_key for d in first] == [d.public_key for d in again]
    assert len({d.public_key for d in first}) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


@dataclass(frozen=True)
class Hub:
    """The hub's own approver API over its own tables, with one applicant and one whose account was exchanged."""

    url: str
    database: Database
    chain: CommunityChain

    def device(self, session: aiohttp.ClientSession, device: ApproverDevice) -> Device:
        community = Community(self.chain.mint, self.chain.hub)
        return device.connect(session, self.url, "umoja", lambda: NOW, community)


@pytest.fixture
async def hub(devices: tuple[ApproverDevice, ...], chain: CommunityChain) -> AsyncIterator[Hub]:
    community = CommunityConfig(
        id="umoja",
        name="Umoja",
        opened_at=NOW,
        approvers=tuple(str(device.public_key) for device in devices),
        approvals_needed=2,
        tariffs=(Tariff(NOW, 0, 0, 1857, 0),),
    )
    exchanged = Keypair.from_seed(bytes([8]) * 32).pubkey()

    def fill(connection: Connection) -> None:
        add_community(connection, chain)
        for number, owner in enumerate((APPLICANT, exchanged), start=1):
            meter = METER if number == 1 else bytes([number]) * 32
            application = Application(
                id=UUID(int=number),
                community="umoja",
                sent_at=0,
                name="Amina's house",
                phone=f"25470837410{number}",
                meter=meter.hex(),
                frame="A" * 192,
                rated_pv_w=3000,
                main_breaker_w=8000,
            )
            apply(connection, "umoja", application, signer=bytes(owner), phones=PhoneBook(bytes(32)), now=NOW)
            opened = token_account(APPLICANT, chain.mint)  # for both: the second is not the second's own
            nonce = Pubkey(bytes([number]) * 32)
            memo = AdmissionMemo(f"h-00{number}", meter, 1, 3000, 8000)
            account = HouseholdAccount(f"h-00{number}", owner, opened, nonce, NONCE, memo)
            add_household(connection, "umoja", account)
            propose_admission(connection, "umoja", account, NOW)

    database = Database.open(None)
    await database.write(fill)
    doors = Doors(database, lambda: NOW, approvers=lambda _: chain.approvers)
    api = ApproverApi(doors, database, community, lambda: NOW, Changes(), lambda: None)
    async with TestServer(make_app(route_definitions(api.routes()), Path("no console"))) as server:
        yield Hub(str(server.make_url("")), database, chain)
    await database.close()


async def test_two_devices_admit_the_applicant_and_doubt_the_exchanged_account(
    hub: Hub, devices: tuple[ApproverDevice, ...]
) -> None:
    async with aiohttp.ClientSession() as session:
        for name in devices[:2]:
            device = hub.device(session, name)
            first = await sign_waiting(device)
            assert [(v.proposal, v.is_signed) for v in first] == [
                ("admit:h-001:1", True),
                ("admit:h-002:2", False),
            ]
            assert "Amina's house" in first[0].explanation
            assert "not the account of the applicant's key" in first[1].explanation
            again = await sign_waiting(device)
            assert [v.proposal for v in again] == ["admit:h-002:2"]
    [intent] = await hub.database.read(lambda connection: intents_of(connection, "umoja"))
    assert isinstance(intent.payload, Approved)
    assert intent.payload.memo.startswith("admit:h-001|")
    assert set(intent.payload.panel) == {str(device.public_key) for device in devices[:2]}


async def test_a_stranger_is_told_the_hubs_words(hub: Hub, tmp_path: Path) -> None:
    stranger = ApproverDevice("Nobody", "stranger", keep_key(tmp_path / "stranger"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(HubRefusedError, match=r"403.*no approver of the community"):
            await sign_waiting(hub.device(session, stranger))
