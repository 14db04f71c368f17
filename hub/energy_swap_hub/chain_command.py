"""What an operator does about the chain before a community is founded, at the command line."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime

from solders.keypair import Keypair

from energy_swap_hub.chain.client import Node, connect
from energy_swap_hub.chain.community import fund
from energy_swap_hub.chain.keys import load_hub_key
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.trust import deploy, program_bytes
from energy_swap_hub.config import HubConfig
from energy_swap_hub.data_folder import locked_data_folder


def put_trust_program(config: HubConfig, clock: Callable[[], datetime]) -> str:
    """Put the trust mode's program onto the chain that ``config`` names, for good, paid by the hub's key.

    The hub must not be running. Returns the program's address, for ``trust_mode``. Raises `DeployError`,
    `CommunityError` when the hub's key has too little, and whatever asking a node and opening the folder raise.
    """
    with locked_data_folder(config.data):
        return asyncio.run(_put(config, load_hub_key(config.data / "keys"), clock))


async def _put(config: HubConfig, hub: Keypair, clock: Callable[[], datetime]) -> str:
    program = Keypair()
    async with AsyncExitStack() as stack:
        if config.chain_url is not None:
            client = connect(config.chain_url)
        else:
            service = await LocalnetService.open(config.data / "localnet.sqlite", clock)
            stack.push_async_callback(service.close)
            slots = asyncio.create_task(service.run_slots())
            stack.push_async_callback(_stopped, slots)
            client = service.client()
        stack.push_async_callback(client.close)
        node = Node(client)
        await fund(node, hub.pubkey())
        await deploy(node, hub, program, program_bytes())
    return str(program.pubkey())


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
