"""``energy-swap-hub run CONFIG`` serves a community; ``energy-swap-hub hash`` makes a password hash for CONFIG."""

import argparse
import asyncio
import getpass
import logging
import sys
from pathlib import Path

import msgspec

from energy_swap_hub.chain.community import CommunityError
from energy_swap_hub.chain.keys import KeyFileError
from energy_swap_hub.config import load_config, utc_now
from energy_swap_hub.data_folder import DataFolderError
from energy_swap_hub.hub import run_hub
from energy_swap_hub.membership.sign_in import hash_password


def log_to_stderr() -> None:
    """Log what an operator wants to know; the chain's client would log every request."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="energy-swap-hub", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve a community")
    run.add_argument("config", type=Path, help="the JSON file described in docs/operations.md")
    commands.add_parser("hash", help="ask for a password and print its argon2 hash")
    arguments = parser.parse_args()
    if arguments.command == "hash":
        sys.stdout.write(hash_password(getpass.getpass("Password: ")) + "\n")
        return
    log_to_stderr()
    try:
        config = load_config(arguments.config)
    except (OSError, msgspec.DecodeError) as error:
        sys.exit(f"energy-swap-hub: {arguments.config}: {error}")
    try:
        asyncio.run(run_hub(config, utc_now))
    except (OSError, ValueError, DataFolderError, KeyFileError, CommunityError) as error:
        sys.exit(f"energy-swap-hub: {error}")


if __name__ == "__main__":
    main()
