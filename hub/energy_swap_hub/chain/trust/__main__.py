"""Put the trust mode's program onto a chain: ``python -m energy_swap_hub.chain.trust --rpc URL --payer KEY``."""

import argparse
import asyncio
import sys
from pathlib import Path

from solders.keypair import Keypair

from energy_swap_hub.chain.client import Node, NodeRefusedError, NodeUnavailableError, connect

from .deployment import DeployError, deploy, program_bytes


def main() -> None:
    """Deploy, and print the program's address."""
    parser = argparse.ArgumentParser(
        prog="python -m energy_swap_hub.chain.trust",
        description="Put the opt-in program of the trust mode onto a chain, unchangeable from then on. It has not "
        "been audited.",
    )
    parser.add_argument("--rpc", required=True, help="address of a Solana node or of energy-swap-localnet")
    parser.add_argument("--payer", type=Path, required=True, help="Solana key file that pays, such as the hub's")
    arguments = parser.parse_args()
    try:
        payer = Keypair.from_json(arguments.payer.read_text())
        address = asyncio.run(_deploy(arguments.rpc, payer))
    except (OSError, ValueError, DeployError, NodeRefusedError, NodeUnavailableError) as error:
        sys.exit(f"energy_swap_hub.chain.trust: {error}")
    sys.stdout.write(f"{address}\n")


async def _deploy(url: str, payer: Keypair) -> str:
    program, client = Keypair(), connect(url)
    try:
        await deploy(Node(client), payer, program, program_bytes())
    finally:
        await client.close()
    return str(program.pubkey())


if __name__ == "__main__":
    main()
