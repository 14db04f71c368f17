"""What a verifier signs, what it refuses, and that the hub can do nothing without it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
from energy_swap_hub.chain import outbox
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.client import Node, NodeRefusedError
from energy_swap_hub.chain.intent import Intent, State
from energy_swap_hub.chain.keys import CoSigned, CoSignerUnavailableError, CoSignRefusedError
from energy_swap_hub.chain.payload import Mint, MintPeriod, Release, Transfer
from energy_swap_hub.settlement import tables
from energy_swap_protocol.reading import frame_from_text, frame_to_text, sign_reading
from energy_swap_protocol.request import HEADER, sign_request
from energy_swap_protocol.transaction import TOKEN_2022
from energy_swap_verifier.config import load_key
from nacl.signing import SigningKey
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, from_bytes_versioned, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import freeze_account, mint_to_checked, thaw_account
from spl.token.models import FreezeAccountParams, MintToCheckedParams, ThawAccountParams

from tests.hub.verifier.verified import Verified
from tests.hub.village import APPROVERS, VILLAGE

PERIOD = "2026-11-20T09:00Z"


def refusal(intent: Intent) -> str:
    assert intent.state is State.FAILED, intent
    return intent.error or ""


async def wire_of(verified: Verified, payload: MintPeriod | Release, *more: Instruction) -> bytes:
    """The message that the hub would ask a signature for, with what a thief would add."""
    chain, node = await verified.chain(), Node(verified.village.localnet.client())
    plan = draft(chain, payload, chain.verifiers[0], Facts())
    blockhash, _ = await node.latest_blockhash()
    return to_bytes_versioned(
        replace(plan, instructions=(*plan.instructions, *more)).message(chain.hub, blockhash)
    )


def one_mint(mint: Mint, period: str = PERIOD, *releases: Transfer) -> MintPeriod:
    return outbox.mint_part(period, 1, 1, [mint], releases or (Transfer(mint.account, mint.wh),))


async def send(verified: Verified, instruction: Instruction, *signers: Keypair) -> None:
    """Send an instruction outside the hub's rules, paid by the hub's stolen key."""
    hub, node = verified.village.desk.tokens.hub, Node(verified.village.localnet.client())
    blockhash, _ = await node.latest_blockhash()
    message = MessageV0.try_compile(hub.pubkey(), [instruction], [], blockhash)
    await node.send(bytes(VersionedTransaction(message, [hub, *signers])), preflight=True)
    await verified.village.localnet.tick()


async def supply(verified: Verified) -> int:
    return await verified.village.chain.supply_wh(VILLAGE)


async def test_a_village_trades_through_its_verifier(verified: Verified) -> None:
    village = verified.village
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await village.fund(chebet, 200_000)
    await village.standing(amina, sell=900)
    await village.standing(chebet, buy=1_500)
    await village.end_period({amina.id: 2_000, brian.id: 1_500, chebet.id: -1_200})
    assert await village.wh(amina) > 0
    order = await village.sell(brian, 1_000, 800)
    await village.chain_works()
    await village.buy(chebet, 400, 900)
    await village.chain_works()
    await village.cancel(brian, order)
    await village.chain_works()
    await village.end_period({amina.id: 300, chebet.id: -400}, silent=(brian.id,))
    await village.end_period({brian.id: 900})  # with what it could not tell before
    await village.check()
    assert await supply(verified) > 0


async def test_the_hub_alone_mints_nothing(verified: Verified) -> None:
    chain, hub = await verified.chain(), verified.village.desk.tokens.hub
    assert not list((verified.folder / "keys").glob("verifier-*"))
    for signers in ([hub.pubkey()], [hub.pubkey(), hub.pubkey()]):
        mint = mint_to_checked(
            MintToCheckedParams(
                program_id=TOKEN_2022, mint=chain.mint, dest=chain.escrow, mint_authority=chain.authority,
                amount=10**6, decimals=3, signers=signers,
            )
        )  # fmt: skip
        with pytest.raises(NodeRefusedError):
            await send(verified, mint)
    assert await supply(verified) == 0


async def test_without_its_verifier_a_mint_only_waits(verified: Verified) -> None:
    mint = await verified.export(verified.village.amina, 700)
    await verified.stop()
    (intent,) = await verified.mint(PERIOD, [mint])
    assert intent.state is State.QUEUED
    assert "cannot be reached" in (intent.error or "")
    assert "kept in reserve" in (intent.error or "")
    assert await supply(verified) == 0
    await verified.start()
    await verified.village.chain_works()
    assert (await verified.intent(intent.id)).state is State.CONFIRMED
    assert await supply(verified) == 700


async def test_a_verifier_whose_clock_is_behind_waits(verified: Verified) -> None:
    mint = await verified.export(verified.village.amina, 700)
    verified.village.now -= timedelta(minutes=4)
    (intent,) = await verified.mint(PERIOD, [mint])
    assert intent.state is State.QUEUED
    assert "set the verifier's clock" in (intent.error or "")
    verified.village.now -= timedelta(minutes=20)
    wish = one_mint(mint)
    with pytest.raises(CoSignRefusedError, match="not over"):
        await verified.ask(wish, await wire_of(verified, wish))
    verified.village.now += timedelta(minutes=24)
    await verified.village.chain_works()
    assert (await verified.intent(intent.id)).state is State.CONFIRMED


async def test_a_refusal_stops_in_front_of_a_person(verified: Verified) -> None:
    mint = await verified.export(verified.village.amina, 700)
    (intent,) = await verified.mint(PERIOD, [msgspec.structs.replace(mint, wh=701)])
    assert "701 Wh to be minted, the readings prove 700 Wh" in refusal(intent)
    (review,) = await verified.village.rows(tables.review)
    assert (review["subject"], review["state"]) == (intent.id, "open")
    assert "701 Wh" in review["evidence"]["error"]
    await verified.village.chain_works()
    assert (await verified.intent(intent.id)).state is State.FAILED, "nobody tries again by himself"


async def test_readings_that_do_not_prove_the_mint_are_refused(verified: Verified) -> None:
    village = verified.village
    good = await verified.export(village.amina, 1_000)
    first, last = good.frames
    stranger = SigningKey(bytes([77]) * 32)
    own = village.amina.last
    forged = bytearray(frame_from_text(last))
    forged[52] += 1

    def by(key: SigningKey, **changes: Any) -> str:
        return frame_to_text(sign_reading(replace(own, meter=bytes(key.verify_key), **changes), key))

    meter = village.amina.meter_key
    brian = await verified.account(village.brian)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"frames": (first, frame_to_text(bytes(forged)))}, "signature"),
        ({"frames": (by(stranger, sequence=1, export_wh=0), by(stranger))}, "not admitted with this account"),
        ({"account": brian}, "not admitted with this account"),
        ({"account": str(Keypair().pubkey())}, "no account of a household"),
        ({"frames": (first,)}, "at least two readings"),
        ({"frames": (last, first)}, "does not follow"),
        ({"frames": (first, by(meter, export_wh=own.export_wh + 10_000)), "wh": 11_000}, "can do 0 to"),
        ({"frames": (first, by(meter, import_wh=own.import_wh - 1))}, "import of -1 Wh"),
        ({"frames": (first, by(meter, measured_at=own.measured_at + 7_200))}, "after the end of period"),
        ({"frames": (first, by(meter, flags=4))}, "doubts"),
        ({"wh": 999}, "prove 1000 Wh"),
    )
    for case, (changes, reason) in enumerate(cases):
        wrong = msgspec.structs.replace(good, **changes)
        (intent,) = await verified.mint(f"{PERIOD}.{case + 2}", [wrong], [])
        assert reason in refusal(intent), reason
    early = village.amina.last.sequence
    assert early > 0
    assert await supply(verified) == 0
    (intent,) = await verified.mint(PERIOD, [good])
    assert intent.state is State.CONFIRMED, intent.error
    assert await supply(verified) == 1_000


async def test_no_wh_and_no_period_is_minted_twice(verified: Verified) -> None:
    amina = verified.village.amina
    before = frame_to_text(amina.measure(verified.now))
    good = await verified.export(amina, 1_000)
    (intent,) = await verified.mint(PERIOD, [good])
    assert intent.state is State.CONFIRMED, intent.error
    (again,) = await verified.mint(f"{PERIOD}.2", [good])
    assert "was minted before" in refusal(again)
    verified.village.now += timedelta(minutes=30)
    (later,) = await verified.mint("2026-11-20T09:30Z", [good])
    assert "was minted before" in refusal(later)
    wider = msgspec.structs.replace(good, frames=(before, good.frames[1]))
    (overlapping,) = await verified.mint("2026-11-20T09:30Z.2", [wider])
    assert "was minted before" in refusal(overlapping)
    (late,) = await verified.mint("2026-11-20T09:30Z.late", [good])
    assert "was minted before" in refusal(late)
    twice = await verified.export(verified.village.brian, 500)
    (in_one,) = await verified.mint("2026-11-20T10:00Z.late", [twice, twice])
    assert "twice in this transaction" in refusal(in_one)
    assert await supply(verified) == 1_000


async def test_the_hub_tells_how_long_a_period_is_and_a_day_has_one_length(verified: Verified) -> None:
    amina = verified.village.amina
    quarters = ["2026-11-20T09:00Z", "2026-11-20T09:15Z"]
    for period in quarters:
        one = await verified.export(amina, 200, minutes=14)
        verified.village.now += timedelta(minutes=1)
        (intent,) = await verified.mint(period, [one], minutes=15)
        assert intent.state is State.CONFIRMED, intent.error
    after_end = await verified.export(amina, 300, minutes=20)
    (too_long,) = await verified.mint("2026-11-20T09:30Z", [after_end], minutes=15)
    assert "from after the end of period 2026-11-20T09:30Z" in refusal(too_long)
    verified.village.now += timedelta(minutes=30)
    (longer,) = await verified.mint("2026-11-20T09:30Z.2", [after_end], minutes=30)
    assert "period 2026-11-20T09:30Z lasts 15 minutes, as others of its day, not 30" in refusal(longer)
    verified.village.now = datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
    hour = await verified.export(amina, 600, minutes=58)
    verified.village.now += timedelta(minutes=2)
    (odd,) = await verified.mint("2026-11-21T00:30Z", [hour], minutes=60)
    assert "no period of 60 minutes starts at 2026-11-21T00:30Z" in refusal(odd)
    (intent,) = await verified.mint("2026-11-21T00:00Z", [hour], minutes=60)
    assert intent.state is State.CONFIRMED, intent.error
    assert await supply(verified) == 2 * 200 + 600


async def test_a_verifier_that_lost_its_memory_signs_nothing_from_before(verified: Verified) -> None:
    amina = verified.village.amina
    good = await verified.export(amina, 1_000)
    (intent,) = await verified.mint(PERIOD, [good])
    assert intent.state is State.CONFIRMED, intent.error
    await verified.stop()
    for path in verified.config.data.glob("verifier.sqlite*"):
        path.unlink()
    await verified.start()
    (again,) = await verified.mint(f"{PERIOD}.2", [good])
    assert "memory begins" in refusal(again)
    later = await verified.export(amina, 400, minutes=30)
    (next_one,) = await verified.mint("2026-11-20T09:30Z", [later])
    assert next_one.state is State.CONFIRMED, next_one.error
    assert await supply(verified) == 1_400


async def test_a_replaced_meter_counts_once_the_approvers_have_signed_for_it(verified: Verified) -> None:
    amina, old = verified.village.amina, verified.village.amina.meter_key
    first = frame_to_text(amina.measure(verified.now))
    verified.village.now += timedelta(minutes=9)
    closed = frame_to_text(amina.measure(verified.now, export_wh=100))
    amina.meter_key = SigningKey(bytes([88]) * 32)
    amina.last = replace(amina.last, meter=bytes(amina.meter_key.verify_key), sequence=0, export_wh=0)
    verified.village.now += timedelta(minutes=10)
    started = frame_to_text(amina.measure(verified.now))
    verified.village.now += timedelta(minutes=10)
    last = frame_to_text(amina.measure(verified.now, export_wh=200))
    assert amina.meter_key != old
    account = await verified.account(amina)
    mint = Mint(amina.id, account, 300, (first, closed, started, last))
    (refused,) = await verified.mint(PERIOD, [mint])
    assert "not admitted with this account" in refusal(refused)

    await verified.village.replace_meter(amina, frame_from_text(started))
    (intent,) = await verified.mint(f"{PERIOD}.2", [mint])
    assert intent.state is State.CONFIRMED, intent.error


async def test_a_meter_whose_registers_were_turned_back_is_found_out(verified: Verified) -> None:
    amina = verified.village.amina
    good = await verified.export(amina, 1_000)
    (intent,) = await verified.mint(PERIOD, [good])
    assert intent.state is State.CONFIRMED, intent.error
    back = replace(amina.last, export_wh=amina.last.export_wh - 900)
    amina.last = back
    verified.village.now += timedelta(minutes=1)
    again = await verified.export(amina, 900, minutes=29)
    (refused,) = await verified.mint("2026-11-20T09:30Z", [again])
    assert "fall from reading" in refusal(refused)


async def test_only_admitted_households_receive_and_no_more_than_was_minted(verified: Verified) -> None:
    village = verified.village
    good = await verified.export(village.amina, 1_000)
    stranger = str(Keypair().pubkey())
    (intent,) = await verified.mint(PERIOD, [good], [Transfer(stranger, 1_000)])
    assert "no account of a household" in refusal(intent)
    brian = await verified.account(village.brian)
    too_much = one_mint(good, f"{PERIOD}.2", Transfer(brian, 1_001))
    with pytest.raises(CoSignRefusedError, match="1 Wh more than it has minted"):
        await verified.ask(too_much, await wire_of(verified, too_much))


async def test_a_message_that_does_anything_else_is_refused(verified: Verified) -> None:
    chain, village = await verified.chain(), verified.village
    wish = one_mint(await verified.export(village.amina, 1_000))
    thief = Keypair().pubkey()
    signers = [chain.hub, chain.verifiers[0]]
    more = mint_to_checked(
        MintToCheckedParams(
            program_id=TOKEN_2022, mint=chain.mint, dest=chain.escrow, mint_authority=chain.authority,
            amount=1, decimals=3, signers=signers,
        )
    )  # fmt: skip
    with pytest.raises(CoSignRefusedError, match="4 instructions, not 3"):
        await verified.ask(wish, await wire_of(verified, wish, more))
    elsewhere = msgspec.structs.replace(wish, releases=(Transfer(str(thief), 1_000),))
    with pytest.raises(CoSignRefusedError, match="instruction 2"):
        await verified.ask(wish, await wire_of(verified, elsewhere))
    other_root = msgspec.structs.replace(wish, root="A" * 43)
    with pytest.raises(CoSignRefusedError, match="instruction 0"):
        await verified.ask(other_root, await wire_of(verified, other_root))
    with pytest.raises(CoSignRefusedError, match="not a Solana message"):
        await verified.ask(wish, b"\x81")


async def test_one_effect_has_one_transaction_however_often_it_is_asked_for(verified: Verified) -> None:
    wish = one_mint(await verified.export(verified.village.amina, 1_000))
    node = Node(verified.village.localnet.client())
    first = await wire_of(verified, wish)
    signed = await verified.ask(wish, first)
    await verified.village.localnet.tick()
    second = await wire_of(verified, wish)
    assert second != first
    again = await verified.ask(wish, second)
    assert again == signed, "both could land, so only the first one is signed"
    other = msgspec.structs.replace(wish, releases=())
    with pytest.raises(CoSignRefusedError, match="asked for something else"):
        await verified.ask(other, await wire_of(verified, other))
    await verified.village.localnet.tick(200)
    third = await wire_of(verified, wish)
    renewed = await verified.ask(wish, third)
    assert renewed.message == third, "the first one can never land any more"
    await land(verified, node, renewed)
    assert await supply(verified) == 1_000
    assert await verified.ask(wish, await wire_of(verified, wish)) == renewed
    with pytest.raises(NodeRefusedError):
        await land(verified, node, signed)


async def land(verified: Verified, node: Node, signed: CoSigned, *, preflight: bool = True) -> None:
    hub = verified.village.desk.tokens.hub
    message = from_bytes_versioned(signed.message)
    signatures = [hub.sign_message(signed.message), signed.signature]
    await node.send(bytes(VersionedTransaction.populate(message, signatures)), preflight=preflight)
    await verified.village.localnet.tick()


async def test_a_hub_that_forgot_its_transaction_gets_the_same_one_back(verified: Verified) -> None:
    """A hub killed between the verifier's answer and its own disk asks anew, and nothing is minted twice."""
    wish = one_mint(await verified.export(verified.village.amina, 1_000))
    await verified.ask(wish, await wire_of(verified, wish))
    await verified.village.localnet.tick()
    mint = wish.mints[0]
    (intent,) = await verified.mint(PERIOD, [mint])
    assert intent.state is State.CONFIRMED, intent.error
    assert await supply(verified) == 1_000


async def test_a_mint_that_failed_on_the_chain_may_be_tried_again(verified: Verified) -> None:
    chain, village = await verified.chain(), verified.village
    good = await verified.export(village.amina, 1_000)
    brian = Pubkey.from_string(await verified.account(village.brian))
    members = [key.pubkey() for key in APPROVERS[:2]]
    parties: dict[str, Any] = {
        "program_id": TOKEN_2022, "account": brian, "mint": chain.mint, "authority": chain.approvers_authority,
        "multi_signers": members,
    }  # fmt: skip
    wish = one_mint(good, PERIOD, Transfer(str(brian), 1_000))
    signed = await verified.ask(wish, await wire_of(verified, wish))
    await send(verified, freeze_account(FreezeAccountParams(**parties)), *APPROVERS[:2])
    await land(verified, Node(village.localnet.client()), signed, preflight=False)
    await send(verified, thaw_account(ThawAccountParams(**parties)), *APPROVERS[:2])
    with pytest.raises(CoSignRefusedError, match="another try has a name of its own"):
        await verified.ask(wish, await wire_of(verified, wish))
    (intent,) = await verified.mint(f"{PERIOD}.2", [good], [Transfer(str(brian), 1_000)])
    assert intent.state is State.CONFIRMED, intent.error


async def test_escrow_goes_where_its_lock_says_and_not_further(verified: Verified) -> None:
    village = verified.village
    amina, brian = village.amina, village.brian
    await village.end_period({amina.id: 2_000})
    order = await village.sell(amina, 1_500, 2_000)
    await village.chain_works()
    own, other = await verified.account(amina), await verified.account(brian)
    for memo, account, wh, reason in (
        (f"refund:{order}", other, 100, "a refund goes nowhere else"),
        (f"release:{order}/1", str(Keypair().pubkey()), 100, "no account of a household"),
        (f"release:{order}/1", other, 1_501, "locked 1500 Wh and has given out 0 Wh"),
        ("release:everything", other, 100, "release:<order>"),
    ):
        wish = Release(memo, Transfer(account, wh))
        with pytest.raises(CoSignRefusedError, match=reason):
            await verified.ask(wish, await wire_of(verified, wish))
    unknown = Release(f"release:{uuid4()}/1", Transfer(other, 100))
    with pytest.raises(CoSignerUnavailableError, match="does not show the lock"):
        await verified.ask(unknown, await wire_of(verified, unknown))
    village.now += timedelta(minutes=3)
    with pytest.raises(CoSignRefusedError, match="nothing on the chain locks"):
        await verified.ask(unknown, await wire_of(verified, unknown))
    first = Release(f"release:{order}/1", Transfer(other, 1_000))
    await verified.ask(first, await wire_of(verified, first))
    more = Release(f"release:{order}/2", Transfer(other, 501))
    with pytest.raises(CoSignRefusedError, match="has given out 1000 Wh"):
        await verified.ask(more, await wire_of(verified, more))
    rest = Release(f"refund:{order}", Transfer(own, 500))
    assert await verified.ask(rest, await wire_of(verified, rest))
    await land(
        verified, Node(village.localnet.client()), await verified.ask(first, await wire_of(verified, first))
    )
    await verified.stop()
    for path in verified.config.data.glob("verifier.sqlite*"):
        path.unlink()
    await verified.start()
    with pytest.raises(CoSignRefusedError, match="has given out 1000 Wh"):
        await verified.ask(more, await wire_of(verified, more))


async def test_only_the_hub_is_answered_and_only_once(verified: Verified) -> None:
    url, hub = f"http://127.0.0.1:{verified.config.port}/co-sign", verified.village.desk.tokens.hub
    body, at = b'{"x": 1}', int(verified.now.timestamp())

    def headers(key: bytes, nonce: str, when: int = at) -> dict[str, str]:
        return {HEADER: sign_request("POST", "/co-sign", body, key=SigningKey(key), nonce=nonce, at=when)}

    async with aiohttp.ClientSession() as session:

        async def post(sent: dict[str, str]) -> int:
            async with session.post(url, data=body, headers=sent) as response:
                return response.status

        assert await post({}) == 401
        assert await post(headers(bytes([9]) * 32, "by a stranger".replace(" ", "-"))) == 401
        assert await post(headers(hub.secret(), "nonce-000", at - 1_000)) == 401
        assert await post(headers(hub.secret(), "nonce-001")) == 400
        assert await post(headers(hub.secret(), "nonce-001")) == 401, "a replay"
        await verified.stop()
        await verified.start()
        assert await post(headers(hub.secret(), "nonce-001")) == 401, "a replay after a restart"


async def test_a_verifier_signs_for_no_other_token_or_approvers(verified: Verified) -> None:
    wish = one_mint(await verified.export(verified.village.amina, 1_000))
    await verified.stop()
    config = verified.config
    for changes, reason in (
        ({"approvals_needed": 1}, "other approvers"),
        ({"community": "elsewhere"}, "signs for elsewhere"),
        ({"data": verified.folder / "reserve-of-another"}, "hold both"),
    ):
        verified.config = msgspec.structs.replace(config, **changes)
        load_key(verified.config.data)
        await verified.start()
        with pytest.raises(CoSignRefusedError, match=reason):
            await verified.ask(wish, await wire_of(verified, wish))
        await verified.stop()
