"""Measure what periods cost on the embedded chain, single against batched, and what a verifier takes for them."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from energy_swap_hub.chain import State, Transfer, enqueue_mint_period
from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.keys import CoSignRequest
from energy_swap_hub.chain.localnet.chain import Localnet
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.outbox import MAX_RELEASES, mint_part
from energy_swap_hub.chain.payload import Mint
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.period import PeriodCalendar
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading
from energy_swap_verifier.evidence import check_runs, read_frames, runs_of, slot_of
from energy_swap_verifier.merkle import leaf, root_text
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import thaw_account
from spl.token.models import ThawAccountParams

from tests.hub.chain.test_attacks import approvers_act, attempt
from tests.hub.chain.world import APPROVERS, COMMUNITY, World, new_world, now

PERIOD: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WH: Final = 500
ROUNDS: Final = 40


def frames_of(number: int) -> tuple[AdmissionMemo, tuple[str, str]]:
    """Return a meter's admission and its two frames around the period."""
    key = SigningKey(number.to_bytes(32, "big"))
    meter, start = bytes(key.verify_key), int(PERIOD.timestamp())
    first = Reading(meter, 1, start, 0, 0, 0)
    last = Reading(meter, 2, start + 1_800, WH, 0, WH)
    frames = frame_to_text(sign_reading(first, key)), frame_to_text(sign_reading(last, key))
    return AdmissionMemo(f"h-{number:03}", meter, 1, 8_000, 8_000), frames


def tell(text: str) -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")


class Watch:
    """Processor and wall-clock seconds, added up."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.wall = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count while inside."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall


async def admitted(world: World, count: int) -> list[Pubkey]:
    """Open and admit so many accounts."""
    accounts = [await world.open_account(f"h-{i:03}", Keypair().pubkey()) for i in range(count)]
    for account in accounts:
        await attempt(world, thaw_account(ThawAccountParams(**approvers_act(world, account))), *APPROVERS[:2])
    return accounts


async def costs(world: World, accounts: list[Pubkey], sellers: int, buyers: int) -> None:
    """Print what a period costs in which ``sellers`` export and sell to ``buyers`` (0: they keep it)."""
    exporters = [accounts[i % len(accounts)] for i in range(sellers)]
    mints = [Mint("h", str(account), WH, frames_of(i + 1)[1]) for i, account in enumerate(exporters)]
    receivers = buyers or sellers
    gives = [Transfer(str(accounts[i % len(accounts)]), sellers * WH // receivers) for i in range(receivers)]
    period = f"2026-11-20T09:00Z.{sellers}.{buyers}"
    ids = await world.enqueue(lambda c: enqueue_mint_period(c, COMMUNITY, period, mints, gives, now()))
    watch = Watch()
    with watch.running():
        intents = [await world.confirmed(intent_id) for intent_id in ids]
    assert all(intent.state is State.CONFIRMED for intent in intents)
    lamports = sum(intent.fee_lamports or 0 for intent in intents)
    size = max(len(intent.raw or b"") for intent in intents)
    tell(
        f"{sellers:4} export, {f'{buyers} receive' if buyers else 'and keep it':10}: {len(ids)} transaction(s) of "
        f"{size:,} bytes at most, {lamports / sellers:6,.0f} lamports per household-mint, "
        f"{lamports / sellers * 1_000 / WH:6,.0f} per kWh at {WH} Wh; "
        f"{sellers / watch.cpu:6,.0f} household-mints per CPU second with the hub's own work"
    )


async def executing(world: World, localnet: Localnet, accounts: list[Pubkey], households: int) -> None:
    """Print how fast the chain takes mints of so many households each: draft, sign, check, execute, store."""
    watches = {name: Watch() for name in ("draft and sign", "check, execute, store")}
    chain, co_signer = world.community, world.keys.co_signers[0]
    for number in range(ROUNDS):
        mints = [Mint("h", str(a), WH, frames_of(1)[1]) for a in accounts[:households]]
        gives = [Transfer(str(a), WH) for a in accounts[:households]]
        wish = mint_part(f"{households}.{number}", 1, 1, mints, gives)
        with watches["draft and sign"].running():
            message = draft(chain, wish, co_signer.key, Facts()).message(chain.hub, localnet.blockhash)
            wire = to_bytes_versioned(message)
            signature = world.keys.hub.sign_message(wire)
            other = await co_signer.co_sign(
                CoSignRequest(COMMUNITY, "benchmark", wish, wire, signature, world.keys.hub)
            )
            raw = bytes(VersionedTransaction.populate(message, [signature, other.signature]))
        with watches["check, execute, store"].running():
            localnet.send(VersionedTransaction.from_bytes(raw), skip_preflight=False)
    done = ROUNDS * households
    cpu = sum(watch.cpu for watch in watches.values())
    parts = ", ".join(f"{name} {watch.cpu / done * 1e6:.0f} us" for name, watch in watches.items())
    wall = done / sum(watch.wall for watch in watches.values())
    tell(
        f"{households:4} per transaction: {done / cpu:8,.0f} household-mints per CPU second ({wall:,.0f} by the "
        f"clock): {parts}"
    )


def judging(households: int) -> None:
    """Print how long a verifier takes over so many households' readings, without network and disk."""
    evidence = [frames_of(i + 1) for i in range(households)]
    slot = slot_of("2026-11-20T09:00Z", PeriodCalendar(timedelta(minutes=30)))
    after = datetime(2026, 11, 21, tzinfo=UTC)
    began = time.process_time()
    leaves = []
    for memo, texts in evidence:
        frames = read_frames(texts)
        assert check_runs(runs_of(frames), {memo.meter: memo}, slot, after) == WH
        leaves.append(leaf(frames, bytes(Pubkey.default()), WH))
    root_text(leaves)
    seconds = time.process_time() - began
    tell(f"{households:4} households re-checked in {seconds * 1_000:.1f} ms of processor time")


async def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        localnet = await LocalnetService.open(Path(folder) / "chain.sqlite", now)
        client = localnet.client()
        async with new_world(Path(folder), client, localnet.tick) as world:
            accounts = await admitted(world, 2 * MAX_RELEASES)
            tell("Through the hub's outbox, one transaction after the other, on the disk:")
            for sellers, buyers in (
                (1, 0),
                (12, 0),
                (28, 0),
                (57, 0),
                (114, 0),
                (12, 28),
                (57, 57),
                (114, 57),
                (240, 57),
            ):
                await costs(world, accounts, sellers, buyers)
            chain = localnet._localnet  # past its thread, to time it
            tell("The embedded chain alone, durable, each household keeping its own:")
            for households in (1, 12, 28, MAX_RELEASES):
                await executing(world, chain, accounts, households)
        await client.close()
        await localnet.close()
    tell("The verifier:")
    for households in (57, 1_000):
        judging(households)


if __name__ == "__main__":
    asyncio.run(main())
