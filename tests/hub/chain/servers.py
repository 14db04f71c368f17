"""Chains in processes of their own, reached over HTTP: the embedded one, and a Solana server that is not ours."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from energy_swap_hub.chain import connect, load_keys
from energy_swap_hub.chain.client import Node

from .test_kill import localnet_process
from .world import World, new_world

KINDS = ("energy-swap-localnet", "surfpool")
SURFPOOL = Path(__file__).parent / "surfpool"
PACKAGE = SURFPOOL / "node_modules" / "@solana" / "surfpool-linux-x64-gnu"
SOL = 10**9


def node_program() -> str:
    """Node.js, as script/bootstrap finds or fetches it."""
    private = Path(__file__).parents[3] / ".toolchain" / "node" / "bin"
    found = shutil.which("node", path=str(private)) or shutil.which("node")
    if found is None:
        pytest.skip("no Node.js on this machine, which runs the Surfpool server; script/bootstrap fetches it")
    if not PACKAGE.exists():
        pytest.skip(f"{PACKAGE.name} is not installed: it is there for 64-bit Linux on Intel, by script/bootstrap")
    return found


@asynccontextmanager
async def surfpool_process() -> AsyncIterator[str]:
    """A Surfpool server without a chain behind it; yields its address."""
    process = await asyncio.create_subprocess_exec(
        node_program(), "server.js", cwd=SURFPOOL, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        assert line.startswith("http://127.0.0.1:"), f"the server said {line!r}"
        yield line
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def community_on(kind: str, folder: Path, *, founds: bool = True) -> AsyncIterator[tuple[World, str]]:
    """A community on a chain of that kind, and the chain's address; slots pass as that chain lets them."""
    is_ours = kind == "energy-swap-localnet"
    async with localnet_process(folder / "chain.sqlite") if is_ours else surfpool_process() as started:
        url = started if isinstance(started, str) else started[1]
        client = connect(url)
        node = Node(client)

        async def pass_slots(count: int) -> None:
            until = await node.slot() + count
            while await node.slot() < until:  # noqa: ASYNC110 - the chain is another process
                await asyncio.sleep(0.05)

        await node.airdrop(load_keys(folder / "keys").hub.pubkey(), 100 * SOL)
        async with new_world(folder, client, pass_slots, founds=founds) as world:
            yield world, url
        await client.close()
