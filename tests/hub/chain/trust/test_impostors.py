"""What a thief brings along himself: programs that are called in another's place, and states that he made up."""

import importlib.util
import struct
import sys
from datetime import timedelta
from uuid import UUID

from energy_swap_hub.chain import trust
from energy_swap_hub.chain.trust import Refusal
from energy_swap_protocol.transaction import MEMO
from nacl.signing import SigningKey
from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from tests.hub.chain.world import APPROVERS

from .conftest import BUILD, RATED_W, Trusting


def with_account(call: Instruction, place: int, key: Pubkey) -> Instruction:
    changed = list(call.accounts)
    changed[place] = AccountMeta(key, changed[place].is_signer, changed[place].is_writable)
    return Instruction(call.program_id, call.data, changed)


def put(trusting: Trusting, data: bytes, owner: Pubkey) -> Pubkey:
    """An account as a thief's own program could make it."""
    key = Keypair().pubkey()
    account = Account(10**9, data, owner, executable=False, rent_epoch=2**64 - 1)
    trusting.service._localnet._svm.set_account(key, account)
    return key


async def test_no_other_program_is_lent_the_right_to_mint_or_to_move(trusting: Trusting) -> None:
    """A program called with the authority's signature could pass it on to the token program."""
    amina = trusting.amina
    *readings, mint = trusting.attested(amina, amina.next(export_wh=5))
    await trusting.refused(Refusal.WRONG_PROGRAM, *readings, with_account(mint, 5, MEMO))
    opening = await trusting.order(2, 10)
    await trusting.refused(Refusal.WRONG_PROGRAM, with_account(opening, 4, MEMO), signers=[amina.key])
    await trusting.refused(Refusal.WRONG_PROGRAM, with_account(opening, 2, MEMO), signers=[amina.key])
    order = await trusting.opened(1, 500, minutes=1)
    members = [trusting.hub, trusting.verifier]
    release = trust.release(trusting.program, order, [m.pubkey() for m in members])
    await trusting.refused(Refusal.WRONG_PROGRAM, with_account(release, 3, MEMO), signers=members)
    trusting.now += timedelta(minutes=2)
    await trusting.world.tick()
    refund = trust.refund(trusting.program, order)
    await trusting.refused(Refusal.WRONG_PROGRAM, with_account(refund, 3, MEMO))
    registration = await trusting.registration(trusting.brian, APPROVERS[:2])
    await trusting.refused(Refusal.WRONG_PROGRAM, with_account(registration, 2, MEMO), signers=APPROVERS[:2])


def agreeable_program(trusting: Trusting) -> Pubkey:
    """A program that does nothing and is content: ``mov64 r0, 0`` and ``exit``, linked like ours."""
    specification = importlib.util.spec_from_file_location("build_program", BUILD)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["build_program"] = module
    specification.loader.exec_module(module)
    code = bytes.fromhex("b7000000000000009500000000000000")
    key = Keypair().pubkey()
    trusting.service._localnet._svm.add_program(key, module._container(code, b"", 1 << 32))
    return key


async def test_signature_that_another_program_waved_through_mints_nothing(trusting: Trusting) -> None:
    amina, anything = trusting.amina, agreeable_program(trusting)
    forged = amina.next(export_wh=100)[:80] + bytes(64)
    earlier, ed25519, call = trusting.attested(amina, forged)
    await trusting.send(Instruction(anything, bytes(ed25519.data), []))
    await trusting.refused(Refusal.NO_READING, earlier, Instruction(anything, bytes(ed25519.data), []), call)
    assert await trusting.minted() == 0


async def test_true_signature_elsewhere_does_not_vouch_for_a_forged_reading(trusting: Trusting) -> None:
    """The runtime is told to verify a thief's own words in another instruction; what it stands in is forged."""
    amina, thief, anything = trusting.amina, SigningKey(bytes([7] * 32)), agreeable_program(trusting)
    earlier, ed25519, call = trusting.attested(amina, amina.next(export_wh=100)[:80] + bytes(64))
    words = b"x" * 80
    own = Instruction(anything, bytes(thief.verify_key) + thief.sign(words).signature + words, [])
    data = struct.pack("<BBHHHHHHH", 1, 0, 32, 1, 0, 1, 96, 80, 1) + bytes(ed25519.data)[16:]
    pointing = Instruction(ed25519.program_id, data, [])
    await trusting.send(pointing, own)  # the runtime itself is content
    with_it = replace_data(call, bytes([1, 2, 0]) + bytes(call.data[3:]))
    await trusting.refused(Refusal.NO_READING, pointing, own, earlier, with_it)
    assert await trusting.minted() == 0


def replace_data(call: Instruction, data: bytes) -> Instruction:
    return Instruction(call.program_id, data, call.accounts)


async def test_made_up_meter_mints_nothing(trusting: Trusting) -> None:
    brian = trusting.brian
    begun = int(trusting.now.timestamp()) - 36_000
    keys = (brian.meter, bytes(trusting.mint), bytes(brian.account))
    zero = struct.pack("<BB6x32s32s32sQQQQQ", 2, 0, *keys, RATED_W, 1, begun, 0, 0)
    *readings, call = trusting.attested(brian, brian.next(export_wh=9))
    for owner in (MEMO, trusting.stranger.pubkey()):
        fake = with_account(call, 0, put(trusting, zero, owner))
        await trusting.refused(Refusal.WRONG_STATE, *readings, fake)
    assert await trusting.minted() == 0


async def test_made_up_office_mints_nothing(trusting: Trusting) -> None:
    amina, thief = trusting.amina, trusting.stranger.pubkey()
    own = await trusting.site(9)
    office = struct.pack("<BB6x32s32s", 3, 0, bytes(trusting.mint), bytes(thief))
    *readings, call = trusting.attested(amina, amina.next(export_wh=9), to=own.account, signers=[thief])
    call = with_account(call, 7, thief)
    for owner in (MEMO, trusting.program):
        fake = with_account(call, 3, put(trusting, office, owner))
        await trusting.refused(Refusal.WRONG_ADDRESS, *readings, fake, signers=[trusting.stranger])
    await trusting.refused(Refusal.NOT_SIGNED, *readings, call, signers=[trusting.stranger])


async def test_made_up_order_releases_and_refunds_nothing(trusting: Trusting) -> None:
    await trusting.opened(1, 2_000)
    thief = await trusting.site(9)
    made_up = trust.OrderState(
        UUID(int=5), 2_000, trusting.now - timedelta(days=1), trusting.mint, trusting.vault, thief.account,
        thief.account, thief.key.pubkey(), trusting.hub.pubkey(),
    )  # fmt: skip
    keys = (made_up.mint, made_up.vault, made_up.seller, made_up.buyer, made_up.arbiter, made_up.payer)
    numbers = (made_up.wh, int(made_up.deadline.timestamp()))
    data = struct.pack("<BB6x16sQQ32s32s32s32s32s32s", 1, 0, made_up.id.bytes, *numbers, *map(bytes, keys))
    fake = put(trusting, data, MEMO)
    refund = with_account(trust.refund(trusting.program, made_up), 0, fake)
    await trusting.refused(Refusal.WRONG_STATE, refund)
    release = with_account(trust.release(trusting.program, made_up), 0, fake)
    await trusting.refused(Refusal.WRONG_STATE, release, signers=[thief.key])
    # A state of the program's own, but of another kind.
    meter = trust.meter_address(trusting.program, trusting.mint, trusting.amina.meter)
    await trusting.refused(Refusal.WRONG_STATE, with_account(trust.refund(trusting.program, made_up), 0, meter))
    assert await trusting.balance(trusting.vault) == 2_000


async def test_meter_of_a_made_up_token_is_no_meter(trusting: Trusting) -> None:
    """A thief's account that reads like a mint whose freeze authority is his own key."""
    thief = Keypair()
    mint = bytearray(82)
    mint[46] = 1
    mint[50:82] = bytes(thief.pubkey())
    fake = put(trusting, bytes(mint), MEMO)
    call = await trusting.registration(trusting.brian, [])
    state = trust.meter_address(trusting.program, fake, trusting.brian.meter)
    call = with_account(with_account(call, 3, fake), 0, state)
    accounts = list(call.accounts)
    accounts[4] = AccountMeta(thief.pubkey(), is_signer=True, is_writable=False)
    theft = Instruction(call.program_id, call.data, accounts)
    await trusting.refused(Refusal.WRONG_MINT, theft, signers=[thief])
