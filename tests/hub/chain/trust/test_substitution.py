"""Every call of the trust mode with each of its accounts exchanged: refused, but where the caller may choose."""

from datetime import timedelta

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.client import NodeRefusedError
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from tests.hub.chain.world import APPROVERS

from .conftest import Trusting

# Who pays is whoever signs, and for an office that exists nobody; the buyer and the arbiter of an order are its
# seller's choice.
MAY_BE_CHOSEN = {
    "register": {1},
    "mint": set[int](),
    "appoint": {1, 2},
    "open": {1, 8, 9},
    "release": set[int](),
    "refund": set[int](),
}


def appointed(trusting: Trusting) -> Instruction:
    chain = trusting.world.community
    return trust.appoint(
        trusting.program, payer=trusting.hub.pubkey(), mint=trusting.mint, by=chain.authority,
        signers=trusting.minters, minters=chain.authority,
    )  # fmt: skip


async def calls(trusting: Trusting) -> dict[str, tuple[list[Instruction], list[Keypair]]]:
    """One call of each kind that would go through, the last instruction being the program's, with its signers."""
    amina, brian = trusting.amina, trusting.brian
    order = await trusting.opened(1, 500, minutes=1)
    members = [trusting.hub, trusting.verifier]
    trusting.now += timedelta(minutes=2)
    await trusting.world.tick()
    return {
        "register": ([await trusting.registration(brian, APPROVERS[:2])], list(APPROVERS[:2])),
        "mint": (trusting.attested(amina, amina.next(export_wh=5)), []),
        "appoint": ([appointed(trusting)], []),
        "open": ([await trusting.order(2, 10)], [amina.key]),
        "release": ([trust.release(trusting.program, order, [m.pubkey() for m in members])], members),
        "refund": ([trust.refund(trusting.program, order)], []),
    }


@pytest.mark.parametrize("kind", sorted(MAY_BE_CHOSEN))
async def test_no_account_can_be_exchanged(trusting: Trusting, kind: str) -> None:
    (*before, call), signers = (await calls(trusting))[kind]
    thief = await trusting.site(9)
    stranger = trusting.stranger.pubkey()
    others = [thief.account, trusting.world.community.authority, stranger, Pubkey.new_unique()]
    tried = 0
    for place, account in enumerate(call.accounts):
        if place in MAY_BE_CHOSEN[kind]:
            continue
        for key in others:
            if key == account.pubkey or (account.is_signer and key != stranger):
                continue
            changed = list(call.accounts)
            changed[place] = AccountMeta(key, account.is_signer, account.is_writable)
            with pytest.raises(NodeRefusedError):
                await trusting.send(
                    *before,
                    Instruction(call.program_id, call.data, changed),
                    signers=[*signers, trusting.stranger],
                )
            tried += 1
    assert tried > len(call.accounts)
    await trusting.send(*before, call, signers=signers)  # as it was, it goes through
