"""An approver's device signs the admission of the applicant's own account, and nothing that hides behind one."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestServer
from energy_swap_demo.approvers import (
    Admission,
    ApproverDevice,
    DoubtError,
    HubRefusedError,
    check_admission,
    keep_approvers,
    sign_pending,
)
from energy_swap_demo.keys import keep_key
from energy_swap_hub.chain.admission import admission_message
from energy_swap_hub.chain.community import CommunityChain, plan_community
from energy_swap_hub.chain.directory import HouseholdAccount, add_community, add_household
from energy_swap_hub.chain.intent import intents_of
from energy_swap_hub.chain.payload import Admit
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.households import apply
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.storage import Database
from energy_swap_hub.web.app import make_app
from energy_swap_hub.web.approver_api import ApproverApi
from energy_swap_hub.web.doors import Doors
from energy_swap_hub.web.route import route_definitions
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.message import Application
from energy_swap_protocol.transaction import TOKEN_2022, memo_instruction, token_account
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from sqlalchemy import Connection

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
NONCE = str(Hash(bytes(range(32))))
APPLICANT = Keypair.from_seed(bytes([7]) * 32).pubkey()
METER = bytes(Keypair.from_seed(bytes([8]) * 32).pubkey())
MEMO = AdmissionMemo("h-001", METER, 1, 3000, 8000)
APPLICATION = {"key": str(APPLICANT), "meter": METER.hex(), "rated_pv_w": 3000, "main_breaker_w": 8000}


@pytest.fixture
def devices(tmp_path: Path) -> tuple[ApproverDevice, ...]:
    return keep_approvers(tmp_path)


@pytest.fixture
def chain(devices: tuple[ApproverDevice, ...]) -> CommunityChain:
    hub, a, b = (Keypair.from_seed(bytes([n]) * 32).pubkey() for n in (1, 2, 3))
    return plan_community("umoja", "genesis", hub, [a, b], [d.public_key for d in devices], 2)


def messages_for(chain: CommunityChain, approver: Pubkey, household: str = "h-001") -> list[MessageV0]:
    account = HouseholdAccount(
        household,
        APPLICANT,
        token_account(APPLICANT, chain.mint),
        Pubkey(b"n" * 32),
        NONCE,
        replace(MEMO, household=household),
    )
    panels = [panel for panel in combinations(chain.approvers, chain.needed) if approver in panel]
    return [admission_message(chain, account, NONCE, panel) for panel in panels]


def text(message: MessageV0) -> str:
    return base64.b64encode(to_bytes_versioned(message)).decode()


def admission(chain: CommunityChain, messages: list[MessageV0], **changed: Any) -> Admission:
    told = Admission(
        household="h-001",
        name="Amina's house",
        account=str(token_account(APPLICANT, chain.mint)),
        application=APPLICATION,
        messages=tuple(map(text, messages)),
        memo=MEMO.text,
        signatures=(),
        needed=2,
    )
    return msgspec.structs.replace(told, **changed)


def test_devices_keep_their_keys(tmp_path: Path) -> None:
    first, again = keep_approvers(tmp_path), keep_approvers(tmp_path)
    assert [d.public_key for d in first] == [d.public_key for d in again]
    assert len({d.public_key for d in first}) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_the_hubs_own_admission_is_signed_for_every_panel(
    devices: tuple[ApproverDevice, ...], chain: CommunityChain
) -> None:
    me = devices[1].public_key
    messages = messages_for(chain, me)
    assert len(messages) == 2
    assert check_admission(admission(chain, messages), me, chain.mint) == [to_bytes_versioned(m) for m in messages]


def hub_message(chain: CommunityChain, approver: Pubkey, *, more: list[Instruction], account: Pubkey) -> MessageV0:
    thaw = Instruction(
        TOKEN_2022,
        bytes([11]),
        [
            AccountMeta(account, is_signer=False, is_writable=True),
            AccountMeta(chain.mint, is_signer=False, is_writable=False),
            AccountMeta(chain.approvers_authority, is_signer=False, is_writable=False),
            AccountMeta(approver, is_signer=True, is_writable=False),
        ],
    )
    return MessageV0.try_compile(
        chain.hub, [memo_instruction(MEMO.text), thaw, *more], [], Hash.from_string(NONCE)
    )


def test_whatever_hides_behind_an_admission_is_refused(
    devices: tuple[ApproverDevice, ...], chain: CommunityChain
) -> None:
    me = devices[0].public_key
    own = token_account(APPLICANT, chain.mint)
    check_admission(admission(chain, [hub_message(chain, me, more=[], account=own)]), me, chain.mint)

    steal = transfer(TransferParams(from_pubkey=me, to_pubkey=chain.hub, lamports=1))
    freeze = Instruction(TOKEN_2022, bytes([10]), [AccountMeta(me, is_signer=True, is_writable=False)])
    other = token_account(devices[2].public_key, chain.mint)
    for message, reason in (
        (hub_message(chain, me, more=[steal], account=own), "also does something"),
        (hub_message(chain, me, more=[freeze], account=own), "also does something"),
        (hub_message(chain, me, more=[memo_instruction("admit:h-002")], account=own), "memo"),
        (hub_message(chain, me, more=[], account=other), "thaws"),
    ):
        with pytest.raises(DoubtError, match=reason):
            check_admission(admission(chain, [message]), me, chain.mint)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"application": {}}, "applicant's key"),
        ({"application": {"key": str(Pubkey(b"x" * 32))}}, "not the account"),
        ({"household": "h-002"}, "memo"),
        ({"application": APPLICATION | {"meter": "00" * 32}}, "another meter"),
        ({"application": APPLICATION | {"rated_pv_w": 9_000}}, "another meter or site"),
        ({"messages": ()}, "nothing to sign"),
        ({"messages": ("AAAA",)}, "no Solana message"),
        ({"messages": ("not base64",)}, "no Solana message"),
    ],
)
def test_a_hub_that_tells_something_else_is_refused(
    devices: tuple[ApproverDevice, ...], chain: CommunityChain, changed: dict[str, Any], reason: str
) -> None:
    me = devices[0].public_key
    told = msgspec.structs.replace(admission(chain, messages_for(chain, me)), **changed)
    with pytest.raises(DoubtError, match=reason):
        check_admission(told, me, chain.mint)


def test_messages_for_somebody_else_or_of_two_nonces_are_refused(
    devices: tuple[ApproverDevice, ...], chain: CommunityChain
) -> None:
    me, another = devices[0].public_key, devices[1].public_key
    with pytest.raises(DoubtError, match="does not ask for this approver"):
        check_admission(admission(chain, messages_for(chain, another)), me, chain.mint)
    [first, second] = messages_for(chain, me)
    later = MessageV0(
        second.header, second.account_keys, Hash(bytes(32)), second.instructions, second.address_table_lookups
    )
    with pytest.raises(DoubtError, match="exclude each other"):
        check_admission(admission(chain, [first, later]), me, chain.mint)
    with pytest.raises(DoubtError, match="thaws"):
        check_admission(admission(chain, [first], account=str(token_account(APPLICANT, chain.hub))), me, chain.hub)


@dataclass(frozen=True)
class Hub:
    """The hub's own approver API over its own tables, with one applicant and one whose account was exchanged."""

    url: str
    database: Database
    chain: CommunityChain


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
            application = Application(
                id=UUID(int=number),
                community="umoja",
                sent_at=0,
                name="Amina's house",
                phone=f"25470837410{number}",
                meter=METER.hex() if number == 1 else f"{number:064x}",
                frame="A" * 192,
                rated_pv_w=3000,
                main_breaker_w=8000,
            )
            apply(connection, "umoja", application, signer=bytes(owner), phones=PhoneBook(bytes(32)), now=NOW)
            opened = token_account(APPLICANT, chain.mint)  # for both: the second is not the second's own
            nonce = Pubkey(bytes([number]) * 32)
            add_household(
                connection, "umoja", HouseholdAccount(f"h-00{number}", owner, opened, nonce, NONCE, MEMO)
            )

    database = Database.open(None)
    await database.write(fill)
    doors = Doors(database, lambda: NOW, approvers=community.approvers)
    api = ApproverApi(doors, database, community, lambda: NOW, Changes(), lambda: None)
    async with TestServer(make_app(route_definitions(api.routes()), Path("no console"))) as server:
        yield Hub(str(server.make_url("")), database, chain)
    await database.close()


async def test_two_devices_admit_the_applicant_and_doubt_the_exchanged_account(
    hub: Hub, devices: tuple[ApproverDevice, ...]
) -> None:
    async with aiohttp.ClientSession() as session:
        for device in devices[:2]:
            first = await sign_pending(session, hub.url, "umoja", device, lambda: NOW, hub.chain.mint)
            assert [(d.household, d.is_signed) for d in first] == [("h-001", True), ("h-002", False)]
            assert "Amina's house" in first[0].explanation
            assert "not the account of the applicant's key" in first[1].explanation
            again = await sign_pending(session, hub.url, "umoja", device, lambda: NOW, hub.chain.mint)
            assert [d.household for d in again] == ["h-002"]
    [intent] = await hub.database.read(lambda connection: intents_of(connection, "umoja"))
    assert isinstance(intent.payload, Admit)
    assert intent.payload.household == "h-001"
    assert set(intent.payload.panel) == {str(device.public_key) for device in devices[:2]}


async def test_a_stranger_is_told_the_hubs_words(hub: Hub, tmp_path: Path) -> None:
    stranger = ApproverDevice("Nobody", "stranger", keep_key(tmp_path / "stranger"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(HubRefusedError, match=r"403.*no approver of the community"):
            await sign_pending(session, hub.url, "umoja", stranger, lambda: NOW, hub.chain.mint)
