"""A community founded with the trust mode: lives as any other, and can be checked by anybody."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.published import evidence_of, minted_periods
from energy_swap_hub.chain.trust import Refusal, attested_mint, meter_address, parse_meter
from energy_swap_protocol.reading import SIGNED_BYTES, frame_from_text, sign_reading
from energy_swap_protocol.transaction import TOKEN_2022, token_account
from energy_swap_verifier.config import load_key
from nacl.signing import SigningKey
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction
from spl.token.instructions import mint_to_checked
from spl.token.models import MintToCheckedParams

from tests.hub.verifier.test_hub_key import replace_lost, rotate
from tests.hub.verifier.test_published import BASE, published_at, put_another_meter, trade, write_tampered
from tests.hub.verifier.test_rotation import change_verifiers, recover, told
from tests.hub.verifier.verified import Verified
from tests.hub.village import VILLAGE, Home


async def trade_on(trusting: Verified) -> None:
    """Periods, a sale on the spot market, a late reading: what was exported is minted by the meters' word."""
    village = trusting.village
    amina, brian = village.amina, village.brian
    await trade(trusting)
    await village.end_period({brian.id: 900, amina.id: -700})
    await village.end_period({brian.id: 100, amina.id: 800})
    await village.check()


async def counted(trusting: Verified, home: Home) -> int:
    """The export until which the program has counted a meter."""
    program, chain = trusting.village.program, await trusting.chain()
    assert program is not None
    address = meter_address(program, chain.mint, home.last.meter)
    (data,) = await trusting.node.accounts([address])
    return parse_meter(data or b"").export_wh


async def test_everything_is_minted_by_meters_and_recomputed_by_a_stranger(trusting: Verified) -> None:
    await trade_on(trusting)
    village = trusting.village
    assert await counted(trusting, village.amina) == village.amina.last.export_wh
    async with published_at(trusting) as public:
        code, lines = await public.told()
        assert (code, lines[-1]) == (0, "all true"), lines
        figures = {line[:44].strip(): line[44:].strip() for line in lines}
        assert figures["trust mode (not audited), program"] == str(village.program)
        assert figures["meters registered by approvers"] == "4"
        assert int(figures["minted Wh"]) - int(figures["burned Wh"]) == await village.chain.supply_wh(VILLAGE)


async def test_meter_replaced_within_a_period_and_late_energy_are_minted_by_both_meters(
    trusting: Verified,
) -> None:
    village = trusting.village
    amina, brian = village.amina, village.brian
    await village.end_period({amina.id: 500, brian.id: 300})
    village.now += timedelta(minutes=10)
    await village.deliver(amina, amina.measure(village.now, export_wh=600))
    await put_another_meter(village, amina)
    await village.end_period({amina.id: 700}, silent=(brian.id,))
    held_back = brian.measure(village.now - timedelta(minutes=5), export_wh=250)
    await village.deliver(brian, held_back)
    await village.end_period({amina.id: 100, brian.id: 50})
    await village.check()
    assert await village.on_chain(amina) == 1_900
    assert await village.on_chain(brian) == 600
    code, lines = await told(trusting)
    assert (code, lines[-1]) == (0, "all true"), lines
    assert "meters registered by approvers                             5" in lines


async def test_recovered_household_is_minted_for_by_its_meter(trusting: Verified) -> None:
    await recover(trusting)


async def test_minting_goes_to_other_verifiers_and_no_old_key_mints_with_the_meters(trusting: Verified) -> None:
    await change_verifiers(trusting)


async def test_hubs_key_is_rotated(trusting: Verified) -> None:
    await rotate(trusting)


async def test_lost_hub_key_is_replaced_with_both_verifiers(trusting: Verified) -> None:
    await replace_lost(trusting)


async def test_hub_and_verifier_together_mint_nothing_that_no_meter_signed(trusting: Verified) -> None:
    """A thief of both keys, past all rules of the hub and the verifier: the chain refuses."""
    await trade_on(trusting)
    village, chain = trusting.village, await trusting.chain()
    amina, brian, program = village.amina, village.brian, village.program
    assert program is not None
    hub, verifier = village.keys.hub, load_key(trusting.config.data)
    supply = await village.chain.supply_wh(VILLAGE)

    def attested(home: Home, earlier: bytes, later: bytes, wh: int) -> list[Instruction]:
        return attested_mint(
            program, mint=chain.mint, minters=chain.authority, signers=[hub.pubkey(), verifier.pubkey()],
            to=chain.escrow, account=token_account(home.pubkey, chain.mint), earlier=earlier, later=later, wh=wh,
        )  # fmt: skip

    minted = await village.read(
        lambda c: evidence_of(c, VILLAGE, minted_periods(c, VILLAGE, after="", limit=9)[0])
    )
    account = str(token_account(amina.pubkey, chain.mint))
    old = next(m for m in minted[0].mints if m.account == account)
    first, last = map(frame_from_text, old.frames)
    stands = sign_reading(amina.last, amina.meter_key)
    made_up = replace(
        amina.last, sequence=amina.last.sequence + 1, measured_at=amina.last.measured_at + 60,
        export_wh=amina.last.export_wh + 50,
    )  # fmt: skip
    brians = sign_reading(replace(made_up, meter=brian.last.meter), brian.meter_key)
    words = sign_reading(made_up, amina.meter_key)[:SIGNED_BYTES]
    forged = words + SigningKey(bytes(32)).sign(words).signature
    direct = mint_to_checked(
        MintToCheckedParams(
            program_id=TOKEN_2022, mint=chain.mint, dest=chain.escrow, mint_authority=chain.authority, amount=1,
            decimals=3, signers=[hub.pubkey(), verifier.pubkey()],
        )
    )  # fmt: skip
    for why, attack in (
        ("InstructionError", [direct]),
        ("InstructionError", attested(amina, stands, forged, 50)),
        (Refusal.REPLAYED, attested(amina, first, last, old.wh)),  # a period again
        (Refusal.REPLAYED, attested(amina, last, stands, 1)),  # an old register
        (Refusal.NO_READING, [*attested(brian, brians, brians, 1)[:2], attested(amina, stands, stands, 1)[2]]),
        (Refusal.WRONG_DESTINATION, attested(brian, stands, sign_reading(made_up, amina.meter_key), 50)),
        (Refusal.TOO_MUCH, attested(amina, stands, sign_reading(made_up, amina.meter_key), 51)),
    ):
        reason = await refused(trusting, attack, hub, verifier)
        assert str(why if isinstance(why, str) else {"Custom": int(why)}) in str(reason), (why, reason)
    assert await village.chain.supply_wh(VILLAGE) == supply


async def refused(trusting: Verified, attack: Sequence[Instruction], *keys: Keypair) -> object:
    """Return why the chain refuses what these keys sign; the first one pays."""
    blockhash, _ = await trusting.node.latest_blockhash()
    message = MessageV0.try_compile(keys[0].pubkey(), list(attack), [], blockhash)
    with pytest.raises(NodeRefusedError) as error:
        await trusting.node.send(bytes(VersionedTransaction(message, list(keys))), preflight=True)
    return error.value.reason


async def test_who_lies_about_the_mode_is_found_out(trusting: Verified, tmp_path: Path) -> None:
    village = trusting.village
    await village.end_period({village.amina.id: 500, village.brian.id: 700})
    program = str(village.program)
    async with published_at(trusting) as public:
        assert (await public.told(trust_program=program))[0] == 0
        code, lines = await public.told(trust_program=program[::-1])
        assert (code, lines[-1]) == (1, f"LIE   the readings say that {program} mints, not {program[::-1]}")
        path = tmp_path / "readings.jsonl"
        export = await (await public.client.get(f"{BASE}.jsonl")).read()

        async def lie(change: Callable[[list[dict[str, Any]]], None]) -> tuple[int, str]:
            write_tampered(path, export, change)
            code, lines = await public.told(str(path))
            return code, lines[-1]

        def swapped(documents: list[dict[str, Any]]) -> None:
            mints = documents[1]["transactions"][0]["mints"]
            mints[0]["account"], mints[1]["account"] = mints[1]["account"], mints[0]["account"]

        for change, why in (
            (lambda d: d[0].update(trust_program=str(TOKEN_2022)), "is not the known one"),
            (lambda d: d[0].update(trust_program=None), "which is a program's and not 2 of 3 keys"),
            (swapped, "the meters minted for other accounts than the published readings say"),
        ):
            code, said = await lie(change)
            assert (code, why in said) == (1, True), said
