"""kill -9 of the chain's process and of the hub's, as real processes over HTTP: nothing is lost or done twice."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from energy_swap_hub.chain import Mint, State, Transfer, connect, enqueue_mint_period
from energy_swap_hub.chain.client import Node
from solders.keypair import Keypair

from .world import COMMUNITY, frame, new_world, now

ROOT = Path(__file__).parents[3]


async def start_localnet(path: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "energy_swap_hub.chain.localnet", "--port", "0", "--data", str(path),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    assert "listening on http" in line
    return process, line.split()[-1]


@asynccontextmanager
async def localnet_process(path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process, url = await start_localnet(path)
    try:
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_killed_localnet_keeps_everything_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    acknowledged: list[Keypair] = []

    async def pay_until_it_dies(node: Node) -> None:
        while True:
            key = Keypair()
            await node.airdrop(key.pubkey(), 10**9)
            acknowledged.append(key)

    async with localnet_process(path) as (process, url):
        client = connect(url)
        genesis = await Node(client).genesis()
        paying = asyncio.create_task(pay_until_it_dies(Node(client)))
        async with asyncio.timeout(60):
            while len(acknowledged) <= 10:  # noqa: ASYNC110 - it is told by another task
                await asyncio.sleep(0.01)
        process.kill()
        with pytest.raises(Exception, match="requestAirdrop"):
            await paying
        await client.close()
    async with localnet_process(path) as (process, url):
        client = connect(url)
        node = Node(client)
        assert await node.genesis() == genesis
        assert {await node.lamports(key.pubkey()) for key in acknowledged} == {10**9}
        slot = await node.slot()
        async with asyncio.timeout(60):
            while await node.slot() < slot + 2:  # noqa: ASYNC110 - slots pass in another process
                await asyncio.sleep(0.1)
        await client.close()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_hub_killed_while_sending_mints_exactly_once(tmp_path: Path, moment: str) -> None:
    async with localnet_process(tmp_path / "chain.sqlite") as (_, url):
        client = connect(url)

        async def next_slot(_slots: int) -> None:
            await asyncio.sleep(0.45)

        async with new_world(tmp_path, client, next_slot) as world:
            household = await world.household("h-001", 1)
            mint = Mint("h-001", str(household.account), 1000, (frame(1, 1000),))
            release = Transfer(str(household.account), 1000)
            (intent_id,) = await world.enqueue(
                lambda c: enqueue_mint_period(c, COMMUNITY, "p", [mint], [release], now())
            )
            hub = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.hub.chain.doomed_hub", str(tmp_path), url, moment, cwd=ROOT
            )
            assert await asyncio.wait_for(hub.wait(), 30) == -signal.SIGKILL
            killed = await world.intent(intent_id)
            assert killed.state is State.SENT
            assert await household.balance() == (1000 if moment == "after" else 0)
            finished = await world.done(intent_id, world.new_chain())
            assert (finished.state, finished.signature) == (State.CONFIRMED, killed.signature)
            assert await household.balance() == 1000
            assert await world.chain.supply_wh(COMMUNITY) == 1000
        await client.close()
