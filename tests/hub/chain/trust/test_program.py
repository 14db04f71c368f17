"""What the trust mode's program does and what it refuses, the same from either compiler."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.trust import Refusal
from energy_swap_protocol.reading import ReadingFlag
from energy_swap_protocol.transaction import TOKEN_2022
from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from spl.token.instructions import mint_to_checked
from spl.token.models import MintToCheckedParams

from tests.hub.chain.world import APPROVERS

from .conftest import RATED_W, Trusting

HALF_HOUR_AT_MOST = RATED_W * 5 // 4 // 2 + 2


async def test_each_reading_mints_the_net_export_since_the_one_before(trusting: Trusting) -> None:
    amina = trusting.amina
    assert await trusting.balance(amina.account) == 3_000
    for export_wh, import_wh, minted_wh in ((500, 200, 300), (100, 400, 0), (0, 0, 0), (50, 0, 50)):
        before = await trusting.balance(amina.account)
        frame = amina.next(export_wh=export_wh, import_wh=import_wh)
        await trusting.send(*trusting.attested(amina, frame), payer=trusting.stranger)
        assert await trusting.balance(amina.account) - before == minted_wh
    state = trust.parse_meter(
        await trusting.state(trust.meter_address(trusting.program, trusting.mint, amina.meter)) or b""
    )
    assert (state.export_wh, state.import_wh, state.sequence) == (4_650, 1_100, amina.reading.sequence)
    assert (state.account, state.rated_w) == (amina.account, RATED_W)


async def test_hub_and_verifier_together_mint_nothing_any_more(trusting: Trusting) -> None:
    chain = trusting.world.community
    mint = mint_to_checked(
        MintToCheckedParams(
            program_id=TOKEN_2022, mint=chain.mint, dest=chain.escrow, mint_authority=chain.authority, amount=1,
            decimals=3, signers=[chain.hub, trusting.verifier.pubkey()],
        )
    )  # fmt: skip
    with pytest.raises(NodeRefusedError):
        await trusting.send(mint, signers=[trusting.verifier])


async def test_replayed_reading_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    old = amina.frame()
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, old))
    await trusting.send(*trusting.attested(amina, amina.next(export_wh=10)))
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, old))
    same_time = amina.frame(sequence=amina.reading.sequence + 1, export_wh=amina.reading.export_wh + 1)
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, same_time))
    same_number = amina.frame(measured_at=amina.reading.measured_at + 60, export_wh=amina.reading.export_wh + 1)
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, same_number))
    one, two = trusting.attested(amina, amina.next(export_wh=10)), trusting.attested(amina, amina.frame())
    await trusting.refused(Refusal.REPLAYED, *one, *two)
    assert await trusting.balance(amina.account) == 3_010


async def test_falling_register_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    amina.next(export_wh=100, import_wh=100)
    for name in ("export_wh", "import_wh"):
        fallen = amina.frame(**{name: 499})
        await trusting.refused(Refusal.FALLING, *trusting.attested(amina, fallen))


async def test_wrong_meter_is_refused(trusting: Trusting) -> None:
    amina, brian = trusting.amina, trusting.brian
    unregistered = trusting.attested(brian, brian.next(export_wh=10))
    await trusting.refused(Refusal.WRONG_STATE, *unregistered)
    await trusting.register(brian)
    # Brian's reading under Amina's registration, and the other way round.
    ed25519, _ = trusting.attested(brian, brian.next(export_wh=10))
    of_amina = trusting.attested(amina, amina.next())[1]
    await trusting.refused(Refusal.NO_READING, ed25519, of_amina)
    # A reading that names Amina's meter and is signed by Brian's.
    signed_by_other = amina.frame()[:80] + brian.meter_key.sign(amina.frame()[:80]).signature
    with pytest.raises(NodeRefusedError):
        await trusting.send(*trusting.attested(amina, signed_by_other))
    # Amina's key over a reading that names Brian's meter.
    crossed = brian.frame()[:80]
    data = bytearray(ed25519.data)
    data[16:48], data[48:112], data[112:] = amina.meter, amina.meter_key.sign(crossed).signature, crossed
    await trusting.refused(Refusal.WRONG_METER, Instruction(ed25519.program_id, bytes(data), []), of_amina)


async def test_what_the_meter_signed_that_is_no_reading_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    other = b"ESR2" + amina.next(export_wh=100)[4:80]
    frame = other + amina.meter_key.sign(other).signature
    await trusting.refused(Refusal.WRONG_METER, *trusting.attested(amina, frame))
    ed25519, call = trusting.attested(amina, amina.frame())
    await trusting.refused(Refusal.WRONG_DATA, ed25519, replace_data(call, bytes([1, 0, 0])))


async def test_forged_signature_is_refused_by_the_runtime(trusting: Trusting) -> None:
    amina = trusting.amina
    frame = bytearray(amina.next(export_wh=100))
    frame[52] += 1
    with pytest.raises(NodeRefusedError) as refused:
        await trusting.send(*trusting.attested(amina, bytes(frame)))
    assert refused.value.reason == {"InstructionError": [0, {"Custom": 2}]}
    assert await trusting.balance(amina.account) == 3_000


async def test_reading_whose_signature_nobody_verified_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    ed25519, call = trusting.attested(amina, amina.next(export_wh=100))
    memo = transfer(TransferParams(from_pubkey=trusting.hub.pubkey(), to_pubkey=amina.account, lamports=1))
    await trusting.refused(Refusal.NO_READING, call)
    await trusting.refused(Refusal.NO_READING, memo, call)
    await trusting.refused(Refusal.NO_READING, ed25519, replace_data(call, bytes([1, 9])))
    longer = Instruction(ed25519.program_id, bytes(ed25519.data) + b"\0", [])
    await trusting.refused(Refusal.NO_READING, longer, call)
    # The same bytes, but "verified" where the precompile would look into another instruction, or in another order.
    for place, value in ((4, 0), (8, 1), (2, 49), (0, 2)):
        data = bytearray(ed25519.data)
        data[place] = value
        with pytest.raises(NodeRefusedError):
            await trusting.send(Instruction(ed25519.program_id, bytes(data), []), call)
    # A program of the same shape that verifies nothing: the data in an instruction of another program.
    with pytest.raises(NodeRefusedError):
        await trusting.send(Instruction(trusting.program, bytes(ed25519.data), []), call)
    # Another account in the place of the instructions.
    fake = [
        AccountMeta(amina.account, is_signer=False, is_writable=False) if n == 4 else a
        for n, a in enumerate(call.accounts)
    ]
    await trusting.refused(Refusal.WRONG_PROGRAM, ed25519, Instruction(call.program_id, call.data, fake))
    assert await trusting.balance(amina.account) == 3_000


def replace_data(call: Instruction, data: bytes) -> Instruction:
    return Instruction(call.program_id, data, call.accounts)


async def test_doubted_early_and_impossible_readings_are_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    base = amina.reading
    await trusting.refused(
        Refusal.DOUBTED,
        *trusting.attested(amina, amina.frame(sequence=base.sequence + 1, flags=ReadingFlag.TAMPER)),
    )
    amina.next(export_wh=HALF_HOUR_AT_MOST)
    too_much = amina.frame(export_wh=amina.reading.export_wh + 1)
    await trusting.refused(Refusal.IMPOSSIBLE, *trusting.attested(amina, too_much))
    future = amina.frame(measured_at=int(trusting.now.timestamp()) + 61)
    await trusting.refused(Refusal.FROM_THE_FUTURE, *trusting.attested(amina, future))
    await trusting.send(*trusting.attested(amina, amina.frame()))
    assert await trusting.balance(amina.account) == 3_000 + HALF_HOUR_AT_MOST


async def test_minting_to_another_account_or_token_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    frame = amina.next(export_wh=100)
    await trusting.refused(
        Refusal.WRONG_DESTINATION, *trusting.attested(amina, frame, account=trusting.brian.account)
    )
    ed25519, call = trusting.attested(amina, frame)
    other = [
        AccountMeta(amina.account, is_signer=False, is_writable=True) if n == 1 else a
        for n, a in enumerate(call.accounts)
    ]
    await trusting.refused(Refusal.WRONG_MINT, ed25519, Instruction(call.program_id, call.data, other))


async def test_only_enough_approvers_register_a_meter(trusting: Trusting) -> None:
    brian, strangers = trusting.brian, [Keypair(), Keypair()]
    for signers in (APPROVERS[:1], [APPROVERS[0], strangers[0]], strangers, []):
        await trusting.refused(Refusal.NOT_SIGNED, await trusting.registration(brian, signers), signers=signers)
    twice = await trusting.registration(brian, [APPROVERS[0], APPROVERS[0]])
    await trusting.refused(Refusal.NOT_SIGNED, twice, signers=APPROVERS[:1])
    # Another multisig that has really signed, in the place of the mint's freeze authority.
    members = [trusting.hub, trusting.verifier]
    own = await trusting.registration(brian, members)
    others = [
        AccountMeta(trusting.world.community.authority, is_signer=False, is_writable=False) if n == 4 else a
        for n, a in enumerate(own.accounts)
    ]
    await trusting.refused(Refusal.NOT_SIGNED, Instruction(own.program_id, own.data, others), signers=members)
    await trusting.send(await trusting.registration(brian, APPROVERS[1:3]), signers=APPROVERS[1:3])


async def test_meter_that_began_anew_is_registered_again_without_paying_twice(trusting: Trusting) -> None:
    amina = trusting.amina
    used = amina.reading.sequence
    again = await trusting.registration(amina, APPROVERS[:2], first_sequence=used)
    await trusting.refused(Refusal.GOING_BACK, again, signers=APPROVERS[:2])
    again = await trusting.registration(amina, APPROVERS[:2], first_sequence=used + 1)
    await trusting.send(again, signers=APPROVERS[:2])
    amina.reading = replace(amina.reading, export_wh=0, import_wh=0)
    await trusting.send(*trusting.attested(amina, amina.next(export_wh=40)))
    assert await trusting.balance(amina.account) == 3_000, "the first reading only says where the registers stand"
    await trusting.send(*trusting.attested(amina, amina.next(export_wh=40)))
    assert await trusting.balance(amina.account) == 3_040


async def test_lamports_sent_ahead_do_not_keep_a_meter_out(trusting: Trusting) -> None:
    brian = trusting.brian
    address = trust.meter_address(trusting.program, trusting.mint, brian.meter)
    rent = await trusting.world.node.rent_lamports(0)
    await trusting.send(
        transfer(TransferParams(from_pubkey=trusting.hub.pubkey(), to_pubkey=address, lamports=rent))
    )
    await trusting.register(brian)
    await trusting.send(*trusting.attested(brian, brian.next(export_wh=7)))
    assert await trusting.balance(brian.account) == 7


async def test_arbiter_gives_to_the_buyer_and_the_rent_comes_back(trusting: Trusting) -> None:
    paid = await trusting.world.node.lamports(trusting.hub.pubkey())
    order = await trusting.opened(1, 2_000)
    assert (order.wh, order.id, order.deadline) == (2_000, UUID(int=1), trusting.now + timedelta(minutes=30))
    assert (await trusting.balance(trusting.amina.account), await trusting.balance(trusting.vault)) == (
        1_000,
        2_000,
    )
    members = [trusting.hub, trusting.verifier]
    await trusting.send(trust.release(trusting.program, order, [m.pubkey() for m in members]), signers=members)
    assert (await trusting.balance(trusting.brian.account), await trusting.balance(trusting.vault)) == (2_000, 0)
    assert await trusting.state(trust.order_address(trusting.program, trusting.mint, order.id)) is None
    assert paid - await trusting.world.node.lamports(trusting.hub.pubkey()) == 4 * 5_000, "fees only"
    await trusting.refused(
        Refusal.WRONG_STATE, trust.release(trusting.program, order, [m.pubkey() for m in members]), signers=members
    )


async def test_nobody_else_releases_and_nowhere_else(trusting: Trusting) -> None:
    order = await trusting.opened(1, 2_000)
    hub, stranger = trusting.hub, Keypair()
    for signers in ([hub], [hub, stranger], [stranger]):
        call = trust.release(trusting.program, order, [s.pubkey() for s in signers])
        await trusting.refused(Refusal.NOT_SIGNED, call, signers=signers)
    as_arbiter = trust.release(trusting.program, replace(order, arbiter=stranger.pubkey()))
    await trusting.refused(Refusal.NOT_SIGNED, as_arbiter, signers=[stranger])
    members = [hub, trusting.verifier]
    keys = [m.pubkey() for m in members]
    thief = await trusting.site(9)
    for account in (thief.account, trusting.amina.account):
        elsewhere = trust.release(trusting.program, replace(order, buyer=account), keys)
        await trusting.refused(Refusal.WRONG_DESTINATION, elsewhere, signers=members)
    other_vault = trust.release(trusting.program, replace(order, vault=trusting.world.community.escrow), keys)
    await trusting.refused(Refusal.WRONG_VAULT, other_vault, signers=members)
    to_thief = trust.release(trusting.program, replace(order, payer=stranger.pubkey()), keys)
    await trusting.refused(Refusal.WRONG_VAULT, to_thief, signers=members)
    assert await trusting.balance(trusting.vault) == 2_000


async def test_account_that_only_looks_like_a_multisig_is_no_arbiter(trusting: Trusting) -> None:
    stranger, fake = Keypair(), Keypair().pubkey()
    localnet = trusting.service._localnet
    data = bytes([1, 1, 1]) + bytes(stranger.pubkey()) + bytes(355 - 35)
    localnet._svm.set_account(fake, Account(10**9, data, trusting.program, executable=False, rent_epoch=0))
    order = await trusting.opened(1, 2_000, arbiter=fake)
    call = trust.release(trusting.program, order, [stranger.pubkey()])
    await trusting.refused(Refusal.NOT_SIGNED, call, signers=[stranger])


async def test_plain_key_may_be_the_arbiter(trusting: Trusting) -> None:
    order = await trusting.opened(1, 2_000, arbiter=trusting.verifier.pubkey())
    call = trust.release(trusting.program, order)
    await trusting.send(call, signers=[trusting.verifier])
    assert await trusting.balance(trusting.brian.account) == 2_000


async def test_anybody_refunds_after_the_deadline_and_only_to_the_seller(trusting: Trusting) -> None:
    order = await trusting.opened(1, 2_000)
    stranger = trusting.stranger
    refund = trust.refund(trusting.program, order)
    await trusting.refused(Refusal.TOO_EARLY, refund, payer=stranger)
    trusting.now = order.deadline
    await trusting.world.tick()
    await trusting.refused(Refusal.TOO_EARLY, refund, payer=stranger)
    trusting.now += timedelta(seconds=1)
    await trusting.world.tick()
    elsewhere = trust.refund(trusting.program, replace(order, seller=trusting.brian.account))
    await trusting.refused(Refusal.WRONG_DESTINATION, elsewhere, payer=stranger)
    await trusting.send(refund, payer=stranger)
    assert (await trusting.balance(trusting.amina.account), await trusting.balance(trusting.vault)) == (3_000, 0)
    await trusting.refused(Refusal.WRONG_STATE, refund, payer=stranger)


async def test_orders_that_make_no_sense_are_refused(trusting: Trusting) -> None:
    amina = [trusting.amina.key]
    await trusting.refused(Refusal.NOTHING, await trusting.order(1, 0), signers=amina)
    await trusting.refused(Refusal.OVER, await trusting.order(1, 5, minutes=0), signers=amina)
    not_its_own = await trusting.order(1, 5, vault=trusting.brian.account)
    await trusting.refused(Refusal.WRONG_VAULT, not_its_own, signers=amina)
    by_another = await trusting.order(1, 5)
    accounts = [
        AccountMeta(trusting.brian.key.pubkey(), is_signer=True, is_writable=False) if n == 5 else a
        for n, a in enumerate(by_another.accounts)
    ]
    theft = Instruction(by_another.program_id, by_another.data, accounts)
    await trusting.refused(Refusal.NOT_SIGNED, theft, signers=[trusting.brian.key])
    with pytest.raises(NodeRefusedError):  # more than there is: the token program's own word
        await trusting.send(await trusting.order(1, 3_001), signers=amina)
    first = await trusting.opened(1, 5)
    with pytest.raises(NodeRefusedError):  # the same order again
        await trusting.send(await trusting.order(1, 6), signers=amina)
    assert await trusting.balance(trusting.vault) == first.wh == 5


async def test_two_orders_do_not_touch_each_other(trusting: Trusting) -> None:
    one, two = await trusting.opened(1, 1_000, minutes=5), await trusting.opened(2, 500)
    trusting.now += timedelta(minutes=6)
    await trusting.world.tick()
    await trusting.refused(Refusal.TOO_EARLY, trust.refund(trusting.program, two))
    await trusting.send(trust.refund(trusting.program, one))
    assert await trusting.balance(trusting.vault) == 500


async def test_registrations_that_make_no_sense_are_refused(trusting: Trusting) -> None:
    for changes in ({"rated_w": 0}, {"rated_w": trust.MAX_RATED_W + 1}, {"first_sequence": 0}):
        call = await trusting.registration(trusting.brian, APPROVERS[:2], **changes)
        await trusting.refused(Refusal.WRONG_DATA, call, signers=APPROVERS[:2])
    call = await trusting.registration(trusting.brian, APPROVERS[:2])
    cut = Instruction(call.program_id, call.data[:-1], call.accounts)
    await trusting.refused(Refusal.WRONG_DATA, cut, signers=APPROVERS[:2])
    elsewhere = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True), *call.accounts[1:]]
    moved = Instruction(call.program_id, call.data, elsewhere)
    await trusting.refused(Refusal.WRONG_ADDRESS, moved, signers=APPROVERS[:2])


async def test_malformed_calls_are_refused(trusting: Trusting) -> None:
    some = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False) for _ in range(3)]
    for data in (b"", b"\x05", b"\x00", b"\x01\x00", b"\x02", b"\x03", b"\x04", b"\xff" * 90):
        await trusting.refused(Refusal.WRONG_DATA, Instruction(trusting.program, data, some))
    many = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False) for _ in range(25)]
    await trusting.refused(Refusal.TOO_MANY_ACCOUNTS, Instruction(trusting.program, b"\x03", many))
