"""Measure what periods cost on the embedded chain, and how long a verifier takes over them."""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from energy_swap_hub.chain import State, Transfer, enqueue_mint_period
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.payload import Mint
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading
from energy_swap_verifier.evidence import check_runs, read_frames, runs_of, slot_of
from energy_swap_verifier.merkle import leaf, root_text
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from spl.token.instructions import thaw_account
from spl.token.models import ThawAccountParams

from tests.hub.chain.test_attacks import approvers_act, attempt
from tests.hub.chain.world import APPROVERS, COMMUNITY, World, new_world, now

PERIOD: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WH: Final = 500


def frames_of(number: int) -> tuple[AdmissionMemo, tuple[str, str]]:
    """Return a meter's admission and its two frames around the period."""
    key = SigningKey(number.to_bytes(32, "big"))
    meter, start = bytes(key.verify_key), int(PERIOD.timestamp())
    first = Reading(meter, 1, start, 0, 0, 0)
    last = Reading(meter, 2, start + 1_800, WH, 0, WH)
    frames = frame_to_text(sign_reading(first, key)), frame_to_text(sign_reading(last, key))
    return AdmissionMemo(f"h-{number:03}", meter, 1, 8_000, 8_000), frames


async def costs(world: World, households: int) -> None:
    """Print what minting for so many households costs."""
    accounts = [await world.open_account(f"h-{households}-{i}", Keypair().pubkey()) for i in range(households)]
    for account in accounts:
        await attempt(world, thaw_account(ThawAccountParams(**approvers_act(world, account))), *APPROVERS[:2])
    mints = [Mint("h", str(account), WH, frames_of(i + 1)[1]) for i, account in enumerate(accounts)]
    gives = [Transfer(str(account), WH) for account in accounts]
    period = f"2026-11-20T09:00Z.{households}"
    ids = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, period, mints, gives, now()))
    began = time.process_time()
    intents = [await world.confirmed(intent_id) for intent_id in ids]
    seconds = time.process_time() - began
    assert all(intent.state is State.CONFIRMED for intent in intents)
    lamports = sum(intent.fee_lamports or 0 for intent in intents)
    sizes = [len(intent.raw or b"") for intent in intents]
    sys.stdout.write(
        f"{households:4} households: {len(ids)} transaction(s) of {max(sizes)} bytes at most, {lamports:,} "
        f"lamports, {lamports / households:,.0f} per household, "
        f"{lamports / households * 1_000 / WH:,.0f} per kWh at {WH} Wh; "
        f"{households / seconds:,.0f} household-mints per CPU second with the hub's own work\n"
    )


def judging(households: int) -> None:
    """Print how long a verifier takes over so many households' readings, without network and disk."""
    evidence = [frames_of(i + 1) for i in range(households)]
    slot, after = slot_of("2026-11-20T09:00Z", timedelta(minutes=30)), datetime(2026, 11, 21, tzinfo=UTC)
    began = time.process_time()
    leaves = []
    for memo, texts in evidence:
        frames = read_frames(texts)
        assert check_runs(runs_of(frames), {memo.meter: memo}, slot, after) == WH
        leaves.append(leaf(frames, bytes(Pubkey.default()), WH))
    root_text(leaves)
    seconds = time.process_time() - began
    sys.stdout.write(f"{households:4} households re-checked in {seconds * 1_000:.1f} ms of processor time\n")


async def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        localnet = await LocalnetService.open(None, now)
        client = localnet.client()
        async with new_world(Path(folder), client, localnet.tick) as world:
            for households in (1, 12, 28, 112):
                await costs(world, households)
        await client.close()
        await localnet.close()
    for households in (28, 1_000):
        judging(households)


if __name__ == "__main__":
    asyncio.run(main())
