"""The restore drill of a hub's key, as docs/chain.md tells it, with verifiers elsewhere: rotated, and lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import unused_port
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.intent import State
from energy_swap_hub.chain.keys import (
    CoSigner,
    CoSignerUnavailableError,
    CoSignRefusedError,
    CoSignRequest,
    HubKeys,
    load_hub_key,
    make_next_hub_key,
    next_hub_key,
)
from energy_swap_hub.chain.payload import HandOver, Release, Transfer
from energy_swap_hub.chain.proposal_store import ApprovalError, Proposal
from energy_swap_hub.chain.verifier import RemoteCoSigner
from energy_swap_hub.settlement.proposals import ask_hub, ask_suspension
from energy_swap_hub.settlement.tokens import TokenDesk
from energy_swap_protocol.transaction import TransactionError, spent_account, token_account
from energy_swap_verifier.config import VerifierConfig, load_key
from energy_swap_verifier.service import running_verifier
from solders.keypair import Keypair
from solders.message import to_bytes_versioned

from tests.hub.verifier.test_rotation import sign, told, with_keys
from tests.hub.verifier.verified import Verified
from tests.hub.village import VILLAGE


def start_hub(verified: Verified, co_signers: list[CoSigner]) -> HubKeys:
    """The hub starts with the keys that lie in its folder."""
    folder, village = verified.folder / "keys", verified.village
    keys = HubKeys(load_hub_key(folder), co_signers, next_hub=next_hub_key(folder))
    with_keys(verified, keys)
    village.desk = replace(village.desk, tokens=TokenDesk(keys.hub, keys.next_hub))
    return keys


async def open_hub(verified: Verified) -> None:
    chain, village = await verified.chain(), verified.village
    await village.chain.open_community(VILLAGE, chain.approvers, chain.needed, village.program)


async def ask(verified: Verified) -> Proposal:
    village = verified.village
    rent, following = await village.chain.multisig_lamports(), village.chain.next_hub
    proposal = await village.database.write(
        lambda c: ask_hub(c, VILLAGE, following, rent, who="office", reason="drill", now=village.now)
    )
    for _ in range(3):
        await village.chain_works()
    return proposal


def naming(config: VerifierConfig, new: str) -> VerifierConfig:
    """What a verifier's holder writes: the hub's next key, as heard from whoever made it."""
    return msgspec.structs.replace(config, hub=new, hubs_before=(*config.hubs_before, config.hub))


@asynccontextmanager
async def second_verifier(verified: Verified, config: VerifierConfig) -> AsyncIterator[RemoteCoSigner]:
    """B comes out of its envelope, on a machine with network."""
    config = msgspec.structs.replace(config, data=verified.folder / "reserve", port=unused_port())
    key = load_key(config.data)
    async with running_verifier(config, key, verified.village.clock):
        yield RemoteCoSigner(f"http://127.0.0.1:{config.port}", key.pubkey(), verified.village.clock)


async def trade_on(verified: Verified, order: object) -> None:
    """Households allow the new key to burn, and everything goes on: a period, a sale, a burn."""
    village = verified.village
    amina, brian, chebet, _ = village.homes
    for home in village.homes:
        assert await village.allowance(home) == 0, "nobody has allowed the new key anything"
        await village.allow(home, 20_000)
    await village.chain_works()
    await village.buy(chebet, 400, 900)
    await village.chain_works()
    await village.cancel(brian, str(order))
    await village.chain_works()
    await village.end_period({amina.id: 700, chebet.id: -600})
    await village.check()
    code, lines = await told(verified)
    assert (code, lines[-1]) == (0, "all true"), lines


async def refuses(verified: Verified, hub: Keypair, payload: Release | HandOver, reason: str) -> None:
    """The verifier refuses what ``hub`` asks for past the hub's own rules."""
    chain, node = await verified.chain(), Node(verified.village.localnet.client())
    blockhash, _ = await node.latest_blockhash()
    plan = draft(chain, payload, verified.remote.key, Facts())
    wire = to_bytes_versioned(plan.message(hub.pubkey(), blockhash))
    request = CoSignRequest(VILLAGE, "test", payload, wire, hub.sign_message(wire), hub)
    with pytest.raises((CoSignRefusedError, CoSignerUnavailableError), match=reason):
        await verified.remote.co_sign(request)


async def test_a_hubs_key_is_rotated(verified: Verified) -> None:
    await rotate(verified)


async def rotate(verified: Verified) -> None:
    """The drill for a hub's key that is there."""
    village, old = verified.village, verified.village.keys.hub
    amina, brian, chebet, _ = village.homes
    await village.fund(chebet, 200_000)
    await village.end_period({amina.id: 2_000, brian.id: 1_500})
    order = await village.sell(brian, 1_000, 800)
    new = make_next_hub_key(verified.folder / "keys")
    assert new == make_next_hub_key(verified.folder / "keys"), "made once"
    start_hub(verified, list(village.keys.co_signers))
    await open_hub(verified)
    await village.end_period({amina.id: 300})  # the key of now goes on working meanwhile
    proposal = await ask(verified)
    before = await verified.chain()
    await sign(verified, proposal)
    waits = await verified.intent(f"handover:{proposal.number}")
    assert waits.state is State.QUEUED, "the verifier's holder has not written the new key down"
    assert "this verifier's configuration names" in (waits.error or "")

    await verified.stop()
    verified.config = naming(verified.config, str(new))
    await verified.start()
    for _ in range(5):
        await village.chain_works()
    handed = await verified.intent(f"handover:{proposal.number}")
    assert handed.state is State.CONFIRMED, handed.error
    after = await verified.chain()
    assert (after.hub, after.hubs_before) == (new, (old.pubkey(),))
    assert await village.chain.balances_wh([before.escrow, after.escrow]) == [0, 1_000]
    # Whoever has the old key asks this verifier for nothing any more.
    stolen = Release(f"refund:{order}", Transfer(await verified.account(brian), 1))
    await refuses(verified, old, stolen, "is not the hub's key now")
    (verified.folder / "keys" / "hub-next.json").rename(verified.folder / "keys" / "hub.json")
    assert start_hub(verified, list(village.keys.co_signers)).hub.pubkey() == new
    await open_hub(verified)
    await trade_on(verified, order)


async def test_a_lost_hub_key_is_replaced_with_both_verifiers(verified: Verified) -> None:
    await replace_lost(verified)


async def replace_lost(verified: Verified) -> None:
    """The drill for a hub's key that is lost."""
    village = verified.village
    amina, brian, chebet, _ = village.homes
    await village.fund(chebet, 200_000)
    await village.end_period({amina.id: 2_000, brian.id: 1_500})
    order = await village.sell(brian, 1_000, 800)
    # The hub's machine burned, and of its backup all can be read but the key.
    (verified.folder / "keys" / "hub.json").unlink()
    new = make_next_hub_key(verified.folder / "keys")
    remote = village.keys.co_signers[0]
    await verified.stop()
    verified.config = naming(verified.config, str(new))
    await verified.start()
    async with second_verifier(verified, verified.config) as b:
        keys = start_hub(verified, [remote, b])
        assert keys.is_hub_lost
        await open_hub(verified)
        with pytest.raises(TransactionError, match="going to other keys"):
            await village.sell(amina, 100, 800)
        said = {"who": "office", "reason": "why"}
        with pytest.raises(ApprovalError, match="the hub's key is lost"):
            await village.database.write(lambda c: ask_suspension(c, VILLAGE, amina.id, now=village.now, **said))
        proposal = await ask(verified)
        before, thief = await verified.chain(), str(Keypair().pubkey())
        names = tuple(map(str, before.verifiers))
        escrow = str(token_account(Keypair().pubkey(), before.mint))
        stolen = HandOver("handover:9", thief, escrow, names, thief, is_lost=True)
        await refuses(verified, keys.hub, stolen, "this verifier's configuration names")
        stolen = HandOver("handover:9", thief, escrow, names, str(new), is_lost=True)
        await refuses(verified, keys.hub, stolen, "escrow account")
        await sign(verified, proposal)
        handed = await verified.intent(f"handover:{proposal.number}")
        assert handed.state is State.CONFIRMED, handed.error
        after = await verified.chain()
        assert (after.hub, after.lost_hub) == (new, before.hub)
        assert await village.chain.balances_wh([before.escrow, after.escrow]) == [0, 1_000]
        await trade_on(verified, order)
        assert await village.chain.balance_wh(spent_account(after.mint)) > 0
    # From the next start on it is a hub like any other, and B goes back into its envelope.
    (verified.folder / "keys" / "hub-next.json").rename(verified.folder / "keys" / "hub.json")
    start_hub(verified, [remote])
    await open_hub(verified)
    await village.end_period({amina.id: 400, chebet.id: -200})
    await village.check()


def test_a_folder_with_a_next_key_only_has_lost_the_hubs_own(tmp_path: Path) -> None:
    key = make_next_hub_key(tmp_path)
    assert (tmp_path / "hub-next.json").stat().st_mode & 0o077 == 0
    assert load_hub_key(tmp_path).pubkey() == key
    assert not (tmp_path / "hub.json").exists(), "none is made in its place"
