"""``energy-swap-approve``: an approver's device shows in words what is asked, and signs what a person wants."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from solders.pubkey import Pubkey

from .approver import Device, HubRefusedError
from .config import ApproverConfig, ConfigError, load_config, load_key
from .decision import Community, DoubtError
from .rpc import Node, NodeError

_KEY: Final = "approver.json"
_LOG: Final = "signed.jsonl"


def main() -> None:
    """Run the command: 0 done, 1 something was doubted or refused, 2 it could not be asked."""
    parser = argparse.ArgumentParser(prog="energy-swap-approve", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    key = commands.add_parser("key", help="make the key if there is none, print its public half")
    key.add_argument("folder", type=Path, help="the approver's data folder")
    commands.add_parser("look", help="show what waits, sign nothing").add_argument("config", type=Path)
    sign = commands.add_parser("sign", help="show each that waits and ask whether to sign it")
    sign.add_argument("config", type=Path, help="see docs/chain.md")
    sign.add_argument("proposals", nargs="*", help="only these")
    sign.add_argument("--yes", action="store_true", help="sign all that holds without asking")
    arguments = parser.parse_args()
    try:
        if arguments.command == "key":
            _say(str(load_key(arguments.folder, _KEY).pubkey()))
            return
        config = load_config(arguments.config, ApproverConfig)
        wanted = set(getattr(arguments, "proposals", ()))
        agrees = _never if arguments.command == "look" else _always if arguments.yes else _asks
        sys.exit(asyncio.run(approve(config, wanted, agrees, _say, _now)))
    except (OSError, ConfigError, ValueError) as error:
        sys.stderr.write(f"energy-swap-approve: {error}\n")
        sys.exit(2)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _never(_words: str) -> bool:
    return False


def _always(_words: str) -> bool:
    return True


def _asks(_words: str) -> bool:
    sys.stdout.write("  Sign? yes/no: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes", "ndiyo"}


async def approve(
    config: ApproverConfig,
    wanted: set[str],
    agrees: Callable[[str], bool],
    say: Callable[[str], None],
    clock: Callable[[], datetime],
) -> int:
    """Go through what waits (only ``wanted``, or all), sign what ``agrees`` says, and return the exit code."""
    program = None if config.trust_program is None else Pubkey.from_string(config.trust_program)
    community = Community(Pubkey.from_string(config.mint), Pubkey.from_string(config.hub), program)
    key = load_key(config.data, _KEY)
    code = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        node = None if config.chain_url is None else Node(session, config.chain_url)
        device = Device(key, config.community, community, config.hub_url, session, clock, node)
        try:
            for asked in await device.waiting():
                if wanted and asked.proposal not in wanted:
                    continue
                say(f"{asked.proposal}: asked by {asked.asked_by}: {asked.reason}")
                try:
                    decision = await device.judge(asked)
                except DoubtError as doubt:
                    say(f"  NOT SIGNED, not even if you want to: {doubt}")
                    code = 1
                    continue
                say(f"  Your signature {decision.words}.")
                if not agrees(decision.words):
                    say("  not signed")
                    continue
                signed, needed = await device.sign(asked, decision)
                _note(config.data / _LOG, asked.proposal, decision.words, clock())
                say(f"  signed: {signed} of {needed}")
        except (HubRefusedError, NodeError) as error:
            say(f"energy-swap-approve: {error}")
            return 1
        except (aiohttp.ClientError, TimeoutError) as error:
            say(f"energy-swap-approve: the hub cannot be asked ({error or type(error).__name__})")
            return 2
    return code


def _now() -> datetime:
    return datetime.now(UTC)


def _note(path: Path, proposal: str, words: str, now: datetime) -> None:
    """Keep what this device has signed, for whoever asks its person later."""
    line = msgspec.json.encode({"at": now.isoformat(), "proposal": proposal, "words": words})
    with path.open("ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()
