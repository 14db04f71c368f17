"""Keys change under way: a new verifier takes over from another, and anybody can still recompute it all."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer, unused_port
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.chain import Chain
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.intent import State
from energy_swap_hub.chain.keys import CoSigner, CoSignRefusedError, HubKeys, ReserveCoSigner
from energy_swap_hub.chain.payload import HandOver
from energy_swap_hub.chain.proposal_store import Proposal
from energy_swap_hub.chain.verifier import RemoteCoSigner
from energy_swap_hub.settlement.proposals import (
    ask_minters,
    ask_recovery,
    ask_suspension,
    sign_proposal,
)
from energy_swap_hub.web.app import make_app
from energy_swap_hub.web.doors import Doors
from energy_swap_hub.web.readings_api import ReadingsApi
from energy_swap_hub.web.route import route_definitions
from energy_swap_protocol.transaction import token_account
from energy_swap_verifier.approver import Device
from energy_swap_verifier.config import load_key
from energy_swap_verifier.decision import Asked, Community, DoubtError, decide
from energy_swap_verifier.rpc import Node as OwnNode
from energy_swap_verifier.service import running_verifier
from energy_swap_verifier.verify_command import verify
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from tests.hub.verifier.verified import Verified
from tests.hub.village import APPROVERS, OPENED, VILLAGE

BASE = f"/api/v1/communities/{VILLAGE}/readings"


async def sign(verified: Verified, proposal: Proposal) -> None:
    village = verified.village

    def one(connection: Connection, approver: Keypair) -> None:
        found = proposal_store.get(connection, VILLAGE, proposal.id)
        paper = paper_for(connection, found, approver.pubkey())
        signatures = [approver.sign_message(message) for message in paper.messages]
        sign_proposal(connection, VILLAGE, proposal.id, approver.pubkey(), signatures, village.now)

    for approver in APPROVERS[:2]:
        await village.database.write(lambda c, a=approver: one(c, a))  # type: ignore[misc]
    for _ in range(5):
        await village.advance()
        await village.chain_works()


async def told(verified: Verified) -> tuple[int, list[str]]:
    """What anybody finds who recomputes the token's history."""
    village, lines = verified.village, list[str]()
    doors = Doors(village.database, lambda: OPENED)
    api = ReadingsApi(doors, village.database, village.community)
    app = make_app(route_definitions(api.routes()), Path("no console"))
    async with TestClient(TestServer(app)) as client:
        code = await verify(verified.config.chain_url, str(client.make_url(BASE)), say=lines.append)
    return code, lines


@asynccontextmanager
async def new_verifier(verified: Verified) -> AsyncIterator[CoSigner]:
    """Another verifier, with a folder, key and memory of its own."""
    config = msgspec.structs.replace(verified.config, data=verified.folder / "another", port=unused_port())
    key, village = load_key(config.data), verified.village
    async with running_verifier(config, key, village.clock):
        url = f"http://127.0.0.1:{config.port}"
        yield RemoteCoSigner(url, key.pubkey(), village.clock)


def with_keys(verified: Verified, keys: HubKeys) -> None:
    village = verified.village
    village.keys = keys
    village.chain = Chain(village.database, village.localnet.client(), keys, village.clock, village.outcomes.final)


async def test_minting_goes_from_one_verifier_to_another_and_all_can_be_recomputed(verified: Verified) -> None:
    await change_verifiers(verified)


async def change_verifiers(verified: Verified) -> None:
    """Minting goes to another verifier and one in reserve; the village trades on."""
    village = verified.village
    amina, brian, chebet, _ = village.homes
    await village.fund(chebet, 200_000)
    await village.end_period({amina.id: 2_000, brian.id: 1_500})
    order = await village.sell(brian, 1_000, 800)
    old = village.keys
    async with new_verifier(verified) as another:
        reserve = ReserveCoSigner(Keypair().pubkey())
        with_keys(verified, HubKeys(old.hub, [another, reserve], old.co_signers))
        rent = await village.chain.multisig_lamports()
        proposal = await village.database.write(
            lambda c: ask_minters(
                c,
                VILLAGE,
                village.chain.configured_verifiers,
                rent,
                who="office",
                reason="A moves",
                now=village.now,
            )
        )
        await village.chain_works()
        before = await verified.chain()
        await sign(verified, proposal)
        handed = await verified.intent(f"handover:{proposal.number}")
        assert handed.state is State.CONFIRMED, handed.error
        after = await verified.chain()
        assert set(after.verifiers) == {another.key, reserve.key}
        assert await village.chain.balances_wh([before.escrow, after.escrow]) == [0, 1_000]
        await verified.stop()  # the verifier of before is not needed any more
        with_keys(verified, HubKeys(old.hub, [another, reserve]))
        # What was locked in the old escrow is sold out of the new one, and the new verifier knows its lock.
        await village.buy(chebet, 400, 900)
        await village.chain_works()
        await village.cancel(brian, order)
        await village.chain_works()
        await village.end_period({amina.id: 700, chebet.id: -100})
        await village.check()
        code, lines = await told(verified)
        assert (code, lines[-1]) == (0, "all true"), lines


async def test_a_recovered_household_is_minted_for_and_its_history_can_be_recomputed(verified: Verified) -> None:
    await recover(verified)


async def recover(verified: Verified) -> None:
    """Amina's device is stolen: suspended, bound to another, minted for again."""
    village = verified.village
    amina = village.amina
    await village.end_period({amina.id: 2_000})
    said = {"who": "office", "reason": "the device was stolen"}
    suspension = await village.database.write(
        lambda c: ask_suspension(c, VILLAGE, amina.id, now=village.now, **said)
    )
    await sign(verified, suspension)
    new = SigningKey(bytes([93]) * 32)
    recovery = await village.database.write(
        lambda c: ask_recovery(c, VILLAGE, amina.id, Pubkey(bytes(new.verify_key)), 2_000, now=village.now, **said)
    )
    await village.chain_works()
    await sign(verified, recovery)
    amina.key = new
    assert await village.on_chain(amina) == 2_000
    await village.end_period({amina.id: 100})
    await village.end_period({amina.id: 800})
    assert await village.on_chain(amina) >= 2_800
    await village.check()
    code, lines = await told(verified)
    assert (code, lines[-1]) == (0, "all true"), lines


async def test_a_verifier_gives_minting_to_nobody_the_approvers_did_not_let_in(verified: Verified) -> None:
    village = verified.village
    await village.end_period({village.amina.id: 500})
    chain, node = await verified.chain(), Node(village.localnet.client())
    thief = Keypair().pubkey()

    async def ask(payload: HandOver) -> None:
        plan = draft(chain, payload, chain.verifiers[0], Facts())
        blockhash, _ = await node.latest_blockhash()
        await verified.ask(payload, to_bytes_versioned(plan.message(chain.hub, blockhash)))

    other = token_account(thief, chain.mint)
    for payload, reason in (
        (HandOver("handover:1", str(thief), str(other), (str(thief), str(thief))), "not a multisig"),
        (HandOver("handover:1", str(thief), str(chain.escrow), ()), "escrow account"),
        (HandOver("handover:1", str(chain.authority), str(chain.escrow), (str(thief), str(thief))), "named"),
        (HandOver("minters:1", str(thief), str(other), ()), "escrow account"),
    ):
        with pytest.raises(CoSignRefusedError, match=reason):
            await ask(payload)
    # The hub has opened a 2-of-3 of its own: frozen is its escrow, because no approver has signed.
    proposal = await village.database.write(
        lambda c: ask_minters(
            c, VILLAGE, [thief, Keypair().pubkey()], 10**7, who="thief", reason="x", now=village.now
        )
    )
    await village.chain_works()
    assert (await village.read(lambda c: proposal_store.get(c, VILLAGE, proposal.id))).approved is None


async def test_a_device_asks_the_chain_whose_account_it_is(verified: Verified) -> None:
    """The hub calls Brian's account Amina's: the approvers' own node knows better."""
    village = verified.village
    amina, brian = village.amina, village.brian
    proposal = await village.database.write(
        lambda c: ask_suspension(c, VILLAGE, brian.id, who="office", reason="why", now=village.now)
    )
    chain = await verified.chain()
    me = Keypair.from_seed(bytes([201]) * 32)
    assert me.pubkey() in chain.approvers
    paper = await village.read(lambda c: paper_for(c, proposal, me.pubkey()))
    lying = [raw.replace(b"suspend:h-002:", b"suspend:h-001:") for raw in paper.messages]
    assert lying != list(paper.messages)
    told_so = Asked(
        proposal=proposal.id,
        kind="suspend",
        household=amina.id,
        name="Amina",
        reason="why",
        asked_by="office",
        messages=tuple(base64.b64encode(raw).decode() for raw in lying),
        signatures=(),
        needed=2,
    )
    community = Community(chain.mint, chain.hub)
    assert decide(told_so, me.pubkey(), community).household == amina.id, "the bytes alone do not tell"
    async with aiohttp.ClientSession() as session:
        own = OwnNode(session, verified.config.chain_url)
        device = Device(me, VILLAGE, community, "http://127.0.0.1:9", session, village.clock, own)
        with pytest.raises(DoubtError, match="was never admitted as the account of h-001"):
            await device.judge(told_so)
        blind = Device(me, VILLAGE, community, "http://127.0.0.1:9", session, village.clock)
        with pytest.raises(DoubtError, match="chain_url"):
            await blind.judge(told_so)
        true = [base64.b64encode(raw).decode() for raw in paper.messages]
        honest = msgspec.structs.replace(told_so, household=brian.id, name="Brian", messages=tuple(true))
        assert "suspends Brian (h-002)" in (await device.judge(honest)).words
