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
from energy_swap_protocol.memo import AdmissionMemo, MemoError
from solders.pubkey import Pubkey

from .approver import Device, HubRefusedError
from .config import ApproverConfig, ConfigError, load_config, load_key
from .decision import Community, DoubtError
from .register import Endorsement, endorsed_bytes
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
    meter = commands.add_parser("meter", help="sign for a household's new meter in a verifiers' meters.json")
    meter.add_argument("config", type=Path)
    meter.add_argument("file", type=Path, help="the meters file; it goes from approver to approver")
    meter.add_argument("--account", required=True, help="the household's token account (base58)")
    meter.add_argument("--household", required=True, help="its id, such as h-001")
    meter.add_argument("--meter", required=True, help="the new meter's public key (64 hex digits)")
    meter.add_argument("--sequence", required=True, type=int, help="the new meter's first reading that counts")
    meter.add_argument("--pv", required=True, type=int, help="rated PV power in W")
    meter.add_argument("--breaker", required=True, type=int, help="main breaker in W")
    arguments = parser.parse_args()
    try:
        if arguments.command == "key":
            _say(str(load_key(arguments.folder, _KEY).pubkey()))
            return
        config = load_config(arguments.config, ApproverConfig)
        if arguments.command == "meter":
            _sign_meter(config, arguments)
            return
        wanted = set(getattr(arguments, "proposals", ()))
        agrees = _never if arguments.command == "look" else _always if arguments.yes else _asks
        sys.exit(asyncio.run(approve(config, wanted, agrees, _say, _now)))
    except (OSError, ConfigError, MemoError, ValueError) as error:
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
    community = Community(Pubkey.from_string(config.mint), Pubkey.from_string(config.hub))
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


def _sign_meter(config: ApproverConfig, arguments: argparse.Namespace) -> None:
    meter = bytes.fromhex(arguments.meter)
    if len(meter) != 32:
        raise ValueError("--meter is 64 hex digits")
    memo = AdmissionMemo(arguments.household, meter, arguments.sequence, arguments.pv, arguments.breaker)
    key = load_key(config.data, _KEY)
    words = (
        f"lets readings of the meter {arguments.meter} from number {memo.sequence} on prove the energy of "
        f"{memo.household} (account {arguments.account}, panels of {memo.rated_pv_w} W, a breaker of "
        f"{memo.main_breaker_w} W)"
    )
    signed = endorsed_bytes(config.community, str(Pubkey.from_string(arguments.account)), memo.text)
    count = add_endorsement(
        arguments.file, arguments.account, memo.text, str(key.pubkey()), str(key.sign_message(signed))
    )
    _note(config.data / _LOG, "meter", words, _now())
    _say(f"Your signature {words}. {count} have signed; the verifiers need the file as meters.json.")


def add_endorsement(path: Path, account: str, memo: str, approver: str, signature: str) -> int:
    """Put a signature into the meters file at ``path``, whole or not at all; return how many its entry has."""
    entries = msgspec.json.decode(path.read_bytes(), type=list[Endorsement]) if path.exists() else []
    known = next((e for e in entries if (e.account, e.memo) == (account, memo)), None)
    others = [entry for entry in entries if entry is not known]
    signatures = {**(known.signatures if known else {}), approver: signature}
    partial = path.with_suffix(".part")
    partial.write_bytes(msgspec.json.encode([*others, Endorsement(account, memo, signatures)]))
    partial.rename(path)
    return len(signatures)


if __name__ == "__main__":
    main()
