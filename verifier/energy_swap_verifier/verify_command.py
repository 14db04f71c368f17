"""``energy-swap-verify``: recompute every mint of a community's token from the chain and published readings."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import aiohttp
from energy_swap_protocol.memo import MemoError
from energy_swap_protocol.transaction import spent_account
from solders.pubkey import Pubkey

from .accounts import TrustModeError, WrongTokenError, balance_wh
from .audit import Audit, LieError
from .published import PublishedError, published
from .register import escrows_of
from .rpc import Node, NodeError
from .transactions import NotReadableError
from .trust import PROGRAM_SHA256

_TRIES: Final = 5


def main() -> None:
    """Run the command: 0 all true, 1 a lie, 2 it could not be checked."""
    parser = argparse.ArgumentParser(prog="energy-swap-verify", description=__doc__)
    parser.add_argument("--rpc", required=True, help="JSON-RPC of a Solana node with all history")
    parser.add_argument(
        "--readings", required=True, help="https://<hub>/api/v1/communities/<id>/readings, or a file"
    )
    parser.add_argument("--mint", help="the token (base58) as you know it; else the one that the readings name")
    parser.add_argument(
        "--trust-program",
        metavar="PROGRAM",
        help="the program that mints, as you know it, where the community was founded with the trust mode "
        "(not audited); else the one that the readings name",
    )
    arguments = parser.parse_args()
    sys.exit(
        asyncio.run(
            verify(
                arguments.rpc,
                arguments.readings,
                say=_say,
                mint=arguments.mint,
                trust_program=arguments.trust_program,
            )
        )
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def verify(
    rpc: str,
    readings: str,
    *,
    say: Callable[[str], None],
    mint: str | None = None,
    trust_program: str | None = None,
) -> int:
    """Recompute everything, tell it line by line, and return the exit code."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            audit = await _audit(Node(session, rpc), readings, session, mint, trust_program)
        except LieError as lie:
            say(f"LIE   {lie}")
            return 1
        except (NodeError, PublishedError, WrongTokenError, NotReadableError, MemoError, ValueError) as error:
            say(f"cannot be checked: {error}")
            return 2
    for name, value in _table(audit):
        say(f"{name:44}{value:>16}")
    say("all true")
    return 0


async def _audit(
    node: Node,
    readings: str,
    session: aiohttp.ClientSession,
    mint: str | None,
    trust_program: str | None,
) -> Audit:
    for _ in range(_TRIES):
        told = await published(readings, session)
        if mint is not None and told.head.mint != mint:
            raise LieError(f"the readings are of token {told.head.mint}, not of {mint}")
        if trust_program is not None and told.head.trust_program != trust_program:
            raise LieError(
                f"the readings say that {told.head.trust_program or 'the 2-of-3'} mints, not {trust_program}"
            )
        address = Pubkey.from_string(told.head.mint)
        named = told.head.trust_program
        program = None if named is None else Pubkey.from_string(named)
        history = [seen async for seen in node.history(address)]
        try:
            token = await node.token(address, program)
        except TrustModeError as error:
            raise LieError(f"who mints is not as the readings tell: {error}") from None
        escrows = await escrows_of(node, token, history)
        locked = sum(map(balance_wh, await node.accounts(sorted(escrows, key=str))))
        (spent,) = await node.accounts([spent_account(address)])
        token = replace(token, supply_wh=token.supply_wh - balance_wh(spent))
        newest = [seen async for seen in node.history(address, until=history[0].signature if history else None)]
        if newest:
            continue  # the chain went on meanwhile; a moment without a transaction is needed
        audit = Audit(told.head, token, told.transactions, escrows)
        for seen in reversed(history):
            if seen.is_successful:
                audit.add(seen.signature, await node.transaction(seen.signature))
        audit.close(token.supply_wh, locked)
        return audit
    raise NodeError("the token is too busy to be counted now; try again")


def _table(audit: Audit) -> list[tuple[str, str]]:
    return [
        ("token", str(audit.token.mint)),
        ("2 of 3 mint", " ".join(str(key) for key in audit.token.minters)),
        *_trust(audit),
        ("admitted accounts", str(len(audit.meters))),
        ("transactions recomputed", str(audit.transactions)),
        ("mints with true readings and roots", str(audit.mints)),
        ("signed readings checked", str(audit.readings)),
        ("minted Wh", str(audit.minted_wh)),
        ("burned Wh", str(audit.burned_wh)),
        ("supply Wh = minted - burned", str(audit.token.supply_wh)),
        ("escrow Wh", str(audit.escrow_wh)),
        ("open orders Wh", str(audit.open_wh)),
        ("unexplained in escrow Wh", str(audit.unexplained_wh)),
    ]


def _trust(audit: Audit) -> list[tuple[str, str]]:
    if audit.token.program is None:
        return []
    return [
        ("trust mode (not audited), program", str(audit.token.program)),
        ("its bytes, SHA-256, unchangeable", PROGRAM_SHA256),
        ("meters registered by approvers", str(audit.registrations)),
    ]


if __name__ == "__main__":
    main()
