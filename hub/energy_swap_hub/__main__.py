"""``energy-swap-hub``: ``run`` serves a community, ``check`` and ``reconcile`` prove its books, and more."""

import argparse
import getpass
import logging
import sys
from pathlib import Path

import msgspec

from energy_swap_hub import mpesa_command, people_command
from energy_swap_hub.chain.client import NodeRefusedError, NodeUnavailableError
from energy_swap_hub.chain.community import CommunityError
from energy_swap_hub.chain.keys import KeyFileError, make_next_hub_key
from energy_swap_hub.chain.trust import DeployError
from energy_swap_hub.chain_command import put_trust_program
from energy_swap_hub.check import check_books
from energy_swap_hub.config import HubConfig, load_config, utc_now
from energy_swap_hub.data_folder import DataFolderError
from energy_swap_hub.hub import serve
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
    check = commands.add_parser(
        "check", help="prove the books, also while the hub runs; 1: there is a lie in them"
    )
    check.add_argument("config", type=Path, help="the hub's JSON file")
    reconcile = commands.add_parser(
        "reconcile", help="compare M-Pesa's statement with the books of a hub that is stopped; 1: they differ"
    )
    reconcile.add_argument("config", type=Path, help="the hub's JSON file")
    reconcile.add_argument("statement", type=Path, help="the CSV that the M-Pesa organisation portal exports")
    register = commands.add_parser("register", help="tell Daraja where payments by hand are announced")
    register.add_argument("config", type=Path, help="the hub's JSON file")
    register.add_argument("--pull-phone", metavar="2547...", help="the short code's nominated number, for Pull")
    forget = commands.add_parser(
        "forget-second-factor", help="for a person who lost the phone, while the hub is stopped"
    )
    forget.add_argument("config", type=Path, help="the hub's JSON file")
    forget.add_argument("user", help="who signs in with the password alone from now on")
    hub_key = commands.add_parser("hub-key", help="make the key that shall take the place of the hub's own")
    hub_key.add_argument("config", type=Path, help="the hub's JSON file")
    trust = commands.add_parser(
        "trust-program", help="put the trust mode's program, which is not audited, onto the chain, for good"
    )
    trust.add_argument("config", type=Path, help="the hub's JSON file; the hub's key pays")
    commands.add_parser("hash", help="ask for a password and print its argon2 hash")
    arguments = parser.parse_args()
    if arguments.command == "hash":
        sys.stdout.write(hash_password(getpass.getpass("Password: ")) + "\n")
        return
    log_to_stderr()
    try:
        config = load_config(arguments.config)
    except (OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"energy-swap-hub: {arguments.config}: {error}\n")
        sys.exit(1 if arguments.command == "run" else 2)
    if arguments.command == "check":
        sys.exit(_check(config))
    if arguments.command in ("reconcile", "register"):
        sys.exit(_with_mpesa(config, arguments))
    if arguments.command == "hub-key":
        sys.exit(_make_hub_key(config))
    if arguments.command == "trust-program":
        sys.exit(_put_trust_program(config))
    if arguments.command == "forget-second-factor":
        sys.exit(_forget(config, arguments.user))
    try:
        serve(config, utc_now)
    except (OSError, ValueError, DataFolderError, KeyFileError, CommunityError) as error:
        sys.exit(f"energy-swap-hub: {error}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _check(config: HubConfig) -> int:
    try:
        lie = check_books(config, _say)
    except OSError as error:
        sys.stderr.write(f"energy-swap-hub: {error}\n")
        return 2
    if lie is not None:
        sys.stderr.write(f"energy-swap-hub: the books are not sound: {lie}\n")
        return 1
    _say("the books are sound")
    return 0


def _make_hub_key(config: HubConfig) -> int:
    try:
        key = make_next_hub_key(config.data / "keys")
    except (OSError, KeyFileError) as error:
        sys.stderr.write(f"energy-swap-hub: {error}\n")
        return 2
    _say(f"{key}")
    return 0


def _put_trust_program(config: HubConfig) -> int:
    try:
        address = put_trust_program(config, utc_now)
    except (
        OSError,
        DataFolderError,
        KeyFileError,
        CommunityError,
        DeployError,
        NodeRefusedError,
        NodeUnavailableError,
    ) as error:
        sys.stderr.write(f"energy-swap-hub: {error}\n")
        return 2
    sys.stderr.write(
        "This program has not been audited, and nobody can ever change it. A community that is founded with it "
        "mints by it for good. For that, before the hub's first start:\n"
    )
    _say(f'"trust_mode": {{"program": "{address}", "unaudited": "accepted"}}')
    return 0


def _forget(config: HubConfig, user: str) -> int:
    try:
        was_there = people_command.forget_second_factor(config, user, utc_now)
    except (OSError, LookupError, DataFolderError) as error:
        sys.stderr.write(f"energy-swap-hub: {error}\n")
        return 2
    _say(f"{user} signs in with the password alone now" if was_there else f"{user} had no second factor")
    return 0


def _with_mpesa(config: HubConfig, arguments: argparse.Namespace) -> int:
    try:
        if arguments.command == "register":
            return 0 if mpesa_command.register(config, arguments.pull_phone, utc_now, _say) else 1
        return 0 if mpesa_command.reconcile(config, arguments.statement, utc_now, _say) else 1
    except (OSError, ValueError, DataFolderError) as error:
        sys.stderr.write(f"energy-swap-hub: {error}\n")
        return 2


if __name__ == "__main__":
    main()
