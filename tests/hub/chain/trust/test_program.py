"""What the trust mode's program does and what it refuses, the same from either compiler."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.trust import Refusal
from energy_swap_protocol.reading import ReadingFlag, decode_frame
from energy_swap_protocol.transaction import TOKEN_2022
from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from spl.token.instructions import freeze_account, mint_to_checked
from spl.token.models import FreezeAccountParams, MintToCheckedParams

from tests.hub.chain.world import APPROVERS

from .conftest import RATED_W, Trusting

HALF_HOUR_AT_MOST = RATED_W * 5 // 4 // 2 + 2


async def test_two_readings_mint_the_net_export_between_them(trusting: Trusting) -> None:
    amina = trusting.amina
    for export_wh, import_wh, minted_wh in ((500, 200, 300), (50, 0, 50)):
        before = await trusting.minted()
        await trusting.mints(amina, amina.next(export_wh=export_wh, import_wh=import_wh))
        assert await trusting.minted() - before == minted_wh
    # What was imported in between stays out of it: that is another period's.
    amina.next(export_wh=100, import_wh=400)
    amina.counted = amina.frame()
    last = amina.next(export_wh=70, import_wh=20)
    await trusting.refused(Refusal.TOO_MUCH, *trusting.attested(amina, last, wh=51))
    await trusting.refused(Refusal.NOTHING, *zero_wh(trusting.attested(amina, last)))
    await trusting.mints(amina, last, wh=30)
    assert await trusting.minted() == 380
    state = trust.parse_meter(
        await trusting.state(trust.meter_address(trusting.program, trusting.mint, amina.meter)) or b""
    )
    assert (state.export_wh, state.import_wh, state.sequence) == (4_720, 1_120, amina.reading.sequence)
    assert (state.account, state.rated_w) == (amina.account, RATED_W)


def zero_wh(call: list[Instruction]) -> list[Instruction]:
    return [*call[:2], replace_data(call[2], bytes(call[2].data[:3]) + bytes(8))]


async def test_net_import_mints_nothing(trusting: Trusting) -> None:
    amina = trusting.amina
    await trusting.refused(Refusal.TOO_MUCH, *trusting.attested(amina, amina.next(export_wh=100, import_wh=400)))
    huge = trusting.attested(amina, amina.next(export_wh=401, import_wh=0), wh=2**64 - 1)
    await trusting.refused(Refusal.TOO_MUCH, *huge)
    await trusting.mints(amina, amina.frame())
    assert await trusting.minted() == 101


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


async def test_meters_mint_nothing_that_hub_and_verifier_do_not_ask_for(trusting: Trusting) -> None:
    amina, chain = trusting.amina, trusting.world.community
    frame, stranger = amina.next(export_wh=100), trusting.stranger
    hub, verifier = trusting.minters
    for signers in ([hub], [verifier], [hub, stranger.pubkey()], [hub, hub], []):
        call = trusting.attested(amina, frame, signers=signers)
        await trusting.refused(Refusal.NOT_SIGNED, *call, signers=[stranger])
    # Another multisig, whose members have really signed.
    own = [key.pubkey() for key in APPROVERS[:2]]
    *readings, asked = trusting.attested(amina, frame, signers=own)
    accounts = list(asked.accounts)
    accounts[7] = AccountMeta(chain.approvers_authority, is_signer=False, is_writable=False)
    other = Instruction(asked.program_id, asked.data, accounts)
    await trusting.refused(Refusal.NOT_SIGNED, *readings, other, signers=APPROVERS[:2])
    await trusting.mints(amina, frame)


async def test_replayed_reading_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    old, older = amina.frame(), trusting.attested(amina, amina.frame(), wh=1)
    await trusting.refused(Refusal.REPLAYED, *older)
    await trusting.mints(amina, amina.next(export_wh=10))
    # The same period again, a part of it, and one that begins before what was counted.
    again = trusting.attested(amina, amina.frame(), earlier=old, wh=9)
    await trusting.refused(Refusal.REPLAYED, *again)
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, amina.next(export_wh=5), earlier=old))
    same_time = amina.frame(measured_at=decode_frame(amina.counted).measured_at)
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, same_time))
    same_number = amina.frame(sequence=decode_frame(amina.counted).sequence)
    await trusting.refused(Refusal.REPLAYED, *trusting.attested(amina, same_number))
    *readings, call = trusting.attested(amina, amina.frame(), wh=2)
    await trusting.refused(
        Refusal.REPLAYED, *readings, call, replace_data(call, bytes(call.data[:3]) + b"\1" + bytes(7))
    )
    assert await trusting.minted() == 10


async def test_falling_register_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    amina.next(export_wh=100, import_wh=100)
    for name in ("export_wh", "import_wh"):
        fallen = amina.frame(**{name: 499})
        await trusting.refused(Refusal.FALLING, *trusting.attested(amina, fallen, wh=1))
        later = amina.frame(sequence=20, measured_at=amina.reading.measured_at + 60, export_wh=4_200)
        await trusting.refused(Refusal.FALLING, *trusting.attested(amina, later, earlier=fallen, wh=1))


async def test_wrong_meter_is_refused(trusting: Trusting) -> None:
    amina, brian = trusting.amina, trusting.brian
    unregistered = trusting.attested(brian, brian.next(export_wh=10))
    await trusting.refused(Refusal.WRONG_STATE, *unregistered)
    await trusting.send(await trusting.registration(brian, APPROVERS[:2]), signers=APPROVERS[:2])
    # Brian's readings under Amina's registration, one of the two or both.
    *of_brian, _ = trusting.attested(brian, brian.next(export_wh=10))
    *of_amina, call = trusting.attested(amina, amina.next(export_wh=10))
    for pair in (of_brian, (of_amina[0], of_brian[1]), (of_brian[0], of_amina[1])):
        await trusting.refused(Refusal.NO_READING, *pair, call)
    # A reading that names Amina's meter and is signed by Brian's.
    signed_by_other = amina.frame()[:80] + brian.meter_key.sign(amina.frame()[:80]).signature
    with pytest.raises(NodeRefusedError):
        await trusting.send(*trusting.attested(amina, signed_by_other))
    # Amina's key over a reading that names Brian's meter.
    crossed = brian.frame()[:80]
    data = bytearray(of_brian[1].data)
    data[16:48], data[48:112], data[112:] = amina.meter, amina.meter_key.sign(crossed).signature, crossed
    theft = Instruction(of_brian[1].program_id, bytes(data), [])
    await trusting.refused(Refusal.WRONG_METER, of_amina[0], theft, call)
    await trusting.refused(Refusal.WRONG_METER, theft, of_amina[1], call)


async def test_what_the_meter_signed_that_is_no_reading_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    other = b"ESR2" + amina.next(export_wh=100)[4:80]
    frame = other + amina.meter_key.sign(other).signature
    await trusting.refused(Refusal.WRONG_METER, *trusting.attested(amina, frame, wh=100))
    await trusting.refused(Refusal.WRONG_METER, *trusting.attested(amina, amina.frame(), earlier=frame, wh=100))
    *readings, call = trusting.attested(amina, amina.frame())
    await trusting.refused(Refusal.WRONG_DATA, *readings, replace_data(call, bytes([1, 0, 1])))


async def test_forged_signature_is_refused_by_the_runtime(trusting: Trusting) -> None:
    amina = trusting.amina
    frame = bytearray(amina.next(export_wh=100))
    frame[52] += 1
    for pair in ((amina.counted, bytes(frame)), (bytes(frame), amina.frame())):
        with pytest.raises(NodeRefusedError) as refused:
            await trusting.send(*trusting.attested(amina, pair[1], earlier=pair[0], wh=1))
        assert refused.value.reason in [{"InstructionError": [place, {"Custom": 2}]} for place in (0, 1)]
    assert await trusting.minted() == 0


async def test_reading_whose_signature_nobody_verified_is_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    earlier, later, call = trusting.attested(amina, amina.next(export_wh=100))
    memo = transfer(TransferParams(from_pubkey=trusting.hub.pubkey(), to_pubkey=amina.account, lamports=1))
    await trusting.refused(Refusal.NO_READING, call)
    for pair in ((memo, memo), (earlier, memo), (memo, later)):
        await trusting.refused(Refusal.NO_READING, *pair, call)
    wh = (100).to_bytes(8, "little")
    for places in ((0, 9), (9, 1), (2, 1), (255, 255)):
        await trusting.refused(Refusal.NO_READING, earlier, later, replace_data(call, bytes([1, *places]) + wh))
    longer = Instruction(later.program_id, bytes(later.data) + b"\0", [])
    await trusting.refused(Refusal.NO_READING, earlier, longer, call)
    # The same bytes, but "verified" where the precompile would look into another instruction, or in another order.
    for place, value in ((4, 0), (8, 1), (2, 49), (0, 2)):
        data = bytearray(later.data)
        data[place] = value
        with pytest.raises(NodeRefusedError):
            await trusting.send(earlier, Instruction(later.program_id, bytes(data), []), call)
    # A program of the same shape that verifies nothing: the data in an instruction of another program.
    with pytest.raises(NodeRefusedError):
        await trusting.send(earlier, Instruction(trusting.program, bytes(later.data), []), call)
    # Another account in the place of the instructions.
    fake = [
        AccountMeta(amina.account, is_signer=False, is_writable=False) if n == 4 else a
        for n, a in enumerate(call.accounts)
    ]
    await trusting.refused(Refusal.WRONG_PROGRAM, earlier, later, Instruction(call.program_id, call.data, fake))
    assert await trusting.minted() == 0


def replace_data(call: Instruction, data: bytes) -> Instruction:
    return Instruction(call.program_id, data, call.accounts)


async def test_doubted_early_and_impossible_readings_are_refused(trusting: Trusting) -> None:
    amina = trusting.amina
    begun = amina.frame(sequence=amina.reading.sequence + 1, flags=ReadingFlag.REGISTER_EPOCH_STARTED)
    for flags in (ReadingFlag.TAMPER, ReadingFlag.TAMPER | ReadingFlag.REGISTER_EPOCH_STARTED):
        doubted = amina.frame(sequence=amina.reading.sequence + 1, flags=flags)
        await trusting.refused(Refusal.DOUBTED, *trusting.attested(amina, doubted, wh=1))
        later = amina.frame(sequence=amina.reading.sequence + 2)
        await trusting.refused(Refusal.DOUBTED, *trusting.attested(amina, later, earlier=doubted, wh=1))
    # A reading with which registers began may be the first of two, and never the last.
    await trusting.refused(Refusal.DOUBTED, *trusting.attested(amina, begun, wh=1))
    amina.next()
    amina.next(export_wh=HALF_HOUR_AT_MOST)
    too_much = amina.frame(export_wh=amina.reading.export_wh + 1, measured_at=amina.reading.measured_at - 1_800)
    await trusting.refused(Refusal.IMPOSSIBLE, *trusting.attested(amina, too_much, earlier=begun))
    future = amina.frame(measured_at=int(trusting.now.timestamp()) + 61)
    await trusting.refused(Refusal.FROM_THE_FUTURE, *trusting.attested(amina, future))
    at_most = amina.frame(measured_at=amina.reading.measured_at - 1_800)
    await trusting.mints(amina, at_most, earlier=begun)
    assert await trusting.minted() == HALF_HOUR_AT_MOST


async def test_minting_to_another_account_or_token_is_refused(trusting: Trusting) -> None:
    """Into an account of those in office only; and for the household that the meter is registered for."""
    amina, brian = trusting.amina, trusting.brian
    frame = amina.next(export_wh=100)
    for account in (amina.account, brian.account, trusting.vault):
        await trusting.refused(Refusal.WRONG_DESTINATION, *trusting.attested(amina, frame, to=account))
    for_brian = trusting.attested(amina, frame, account=brian.account)
    await trusting.refused(Refusal.WRONG_DESTINATION, *for_brian)
    *readings, call = trusting.attested(amina, frame)
    other = [
        AccountMeta(amina.account, is_signer=False, is_writable=True) if n == 1 else a
        for n, a in enumerate(call.accounts)
    ]
    await trusting.refused(Refusal.WRONG_MINT, *readings, Instruction(call.program_id, call.data, other))


async def test_suspended_household_is_minted_nothing(trusting: Trusting) -> None:
    amina, chain = trusting.amina, trusting.world.community
    told = FreezeAccountParams(
        program_id=TOKEN_2022, account=amina.account, mint=trusting.mint, authority=chain.approvers_authority,
        multi_signers=[key.pubkey() for key in APPROVERS[:2]],
    )  # fmt: skip
    await trusting.send(freeze_account(told), signers=APPROVERS[:2])
    await trusting.refused(Refusal.SUSPENDED, *trusting.attested(amina, amina.next(export_wh=100)))


async def test_office_is_given_by_approvers_or_by_those_in_office(trusting: Trusting) -> None:
    amina, chain = trusting.amina, trusting.world.community
    frame, stranger = amina.next(export_wh=100), trusting.stranger

    def appoint(by: Pubkey, signers: list[Pubkey], minters: Pubkey) -> Instruction:
        return trust.appoint(
            trusting.program,
            payer=trusting.hub.pubkey(),
            mint=trusting.mint,
            by=by,
            signers=signers,
            minters=minters,
        )

    approvers = [key.pubkey() for key in APPROVERS[:2]]
    for by, signers in (
        (chain.approvers_authority, approvers[:1]),
        (chain.authority, [trusting.hub.pubkey()]),
        (chain.authority, [trusting.hub.pubkey(), stranger.pubkey()]),
        (stranger.pubkey(), []),
    ):
        call = appoint(by, signers, stranger.pubkey())
        await trusting.refused(Refusal.NOT_SIGNED, call, signers=[stranger, *APPROVERS[:2]])
    await trusting.send(appoint(chain.authority, trusting.minters, stranger.pubkey()))
    await trusting.refused(Refusal.NOT_SIGNED, *trusting.attested(amina, frame))
    state = await trusting.state(trust.authority_address(trusting.program, trusting.mint))
    assert trust.parse_office(state or b"") == stranger.pubkey()
    await trusting.send(appoint(chain.approvers_authority, approvers, chain.authority), signers=APPROVERS[:2])
    await trusting.mints(amina, frame)


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
    counted = amina.reading
    again = await trusting.registration(amina, APPROVERS[:2], first_sequence=counted.sequence - 1)
    await trusting.send(again, signers=APPROVERS[:2])
    known = trusting.attested(
        amina, amina.frame(), earlier=amina.frame(sequence=counted.sequence - 1, export_wh=0)
    )
    await trusting.refused(Refusal.REPLAYED, *known)
    begun = amina.frame(sequence=counted.sequence + 1, export_wh=0, flags=ReadingFlag.REGISTER_EPOCH_STARTED)
    amina.reading = replace(amina.reading, sequence=counted.sequence + 1, export_wh=0)
    anew = amina.next(export_wh=40)
    await trusting.refused(Refusal.FALLING, *trusting.attested(amina, anew, earlier=begun))
    again = await trusting.registration(amina, APPROVERS[:2], first_sequence=counted.sequence + 1)
    await trusting.send(again, signers=APPROVERS[:2])
    await trusting.mints(amina, anew, earlier=begun)
    assert await trusting.minted() == 40


async def test_meter_may_prove_for_another_account_when_approvers_say_so(trusting: Trusting) -> None:
    """A household whose device was lost has another account; what was counted stays counted."""
    amina, old = trusting.amina, trusting.amina.account
    amina.account = trusting.brian.account
    again = await trusting.registration(amina, APPROVERS[:2], first_sequence=7)
    await trusting.send(again, signers=APPROVERS[:2])
    frame = amina.next(export_wh=40)
    await trusting.refused(Refusal.WRONG_DESTINATION, *trusting.attested(amina, frame, account=old))
    await trusting.mints(amina, frame)
    assert await trusting.minted() == 40


async def test_lamports_sent_ahead_do_not_keep_a_meter_out(trusting: Trusting) -> None:
    brian = trusting.brian
    address = trust.meter_address(trusting.program, trusting.mint, brian.meter)
    rent = await trusting.world.node.rent_lamports(0)
    await trusting.send(
        transfer(TransferParams(from_pubkey=trusting.hub.pubkey(), to_pubkey=address, lamports=rent))
    )
    await trusting.register(brian)
    await trusting.mints(brian, brian.next(export_wh=7))
    assert await trusting.minted() == 7


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
    for changes in ({"rated_w": trust.MAX_RATED_W + 1}, {"rated_w": 2**64 - 1}):
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
    for data in (b"", b"\x00", b"\x01\x00", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\xff" * 90):
        await trusting.refused(Refusal.WRONG_DATA, Instruction(trusting.program, data, some))
    many = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False) for _ in range(25)]
    await trusting.refused(Refusal.TOO_MANY_ACCOUNTS, Instruction(trusting.program, b"\x03", many))
