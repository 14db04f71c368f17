"""``energy-swap-verifier``: ``key`` makes and prints its key, ``run`` co-signs, ``refusals`` lists refusals."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .config import ConfigError, VerifierConfig, load_config, load_key
from .service import running_verifier
from .store import Store


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="energy-swap-verifier", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    key = commands.add_parser("key", help="make the key if there is none, print its public half")
    key.add_argument("folder", type=Path, help="the verifier's data folder")
    for name, words in (("run", "co-sign until stopped"), ("refusals", "list what was refused, and why")):
        commands.add_parser(name, help=words).add_argument("config", type=Path, help="see docs/chain.md")
    arguments = parser.parse_args()
    try:
        if arguments.command == "key":
            sys.stdout.write(f"{load_key(arguments.folder).pubkey()}\n")
            return
        config = load_config(arguments.config, VerifierConfig)
        if arguments.command == "refusals":
            _refusals(config)
            return
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        asyncio.run(run(config, lambda: datetime.now(UTC)))
    except (OSError, ConfigError) as error:
        sys.exit(f"energy-swap-verifier: {error}")


def _refusals(config: VerifierConfig) -> None:
    store = Store.open(config.data / "verifier.sqlite")
    try:
        for at, name, reason in store.refusals():
            sys.stdout.write(f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z  {name}  {reason}\n")
    finally:
        store.close()


async def run(config: VerifierConfig, clock: Callable[[], datetime]) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running_verifier(config, load_key(config.data), clock):
        await stopped.wait()


if __name__ == "__main__":
    main()
