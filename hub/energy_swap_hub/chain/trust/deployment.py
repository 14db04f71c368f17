"""Bring the program of the trust mode onto a chain, for good: nobody can change it afterwards."""

import asyncio
import hashlib
import json
import struct
from collections.abc import Sequence
from importlib.resources import files
from itertools import batched
from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV1, TransactionConfig, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import CreateAccountParams, create_account
from solders.sysvar import CLOCK, RENT
from solders.transaction import VersionedTransaction

from energy_swap_hub.chain.client import Node

_LOADER: Final = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
_BUFFER_HEADER: Final = 37
_CONTENT_HEADER: Final = 45  # tag, slot, and who may change it
_MAY_BE_CHANGED: Final = 12
_PROGRAM_BYTES: Final = 36
_WRITTEN_AT_ONCE: Final = 1_200  # what the loader reads of one instruction
_WRITES_PER_TRANSACTION: Final = 3
_CONFIRM_SECONDS: Final = 0.05


class DeployError(RuntimeError):
    """The program is not on the chain; the text says why."""


def program_bytes() -> bytes:
    """Return the program as it lies in this package; raise `DeployError` when it is not the one written down."""
    folder = files(__package__)
    program = (folder / "on_chain.so").read_bytes()
    made = json.loads((folder / "on_chain.json").read_text())
    if hashlib.sha256(program).hexdigest() != made["sha256"]:
        raise DeployError("on_chain.so is not the program that on_chain.json tells of; build it anew")
    return program


async def check_program(node: Node, program: Pubkey) -> None:
    """Raise `DeployError` unless ``program`` is this package's program, and nobody can ever change it."""
    data, _ = Pubkey.find_program_address([bytes(program)], _LOADER)
    pointer, content = await node.accounts([program, data])
    # The loader's account with tag 2 names where the content is; that with tag 3 says who may change it, too.
    if pointer is None or content is None or pointer != struct.pack("<I", 2) + bytes(data):
        raise DeployError(f"{program} is no program on this chain; put one there: energy-swap-hub trust-program")
    if content[:4] != struct.pack("<I", 3) or content[_MAY_BE_CHANGED]:
        raise DeployError(f"the program {program} can still be changed by whoever deployed it")
    if content[_CONTENT_HEADER:] != program_bytes():
        raise DeployError(f"the program {program} is another one than this hub's")


async def deploy(node: Node, payer: Keypair, program: Keypair, content: bytes) -> None:
    """Put ``content`` on the chain at the address of ``program``, paid by ``payer``; nobody can change it then.

    About 7,000 lamports a byte at full rent. Raises `DeployError` when a step fails; what was paid for the buffer
    until then stays in it.
    """
    buffer = Keypair()
    size = _BUFFER_HEADER + len(content)
    await _send(
        node, payer, [_created(payer, buffer, await node.rent_lamports(size), size), _begun(buffer, payer)], buffer
    )
    offsets = range(0, len(content), _WRITTEN_AT_ONCE)
    for some in batched(offsets, _WRITES_PER_TRANSACTION, strict=False):
        await _send(node, payer, [_written(buffer, payer, at, content[at : at + _WRITTEN_AT_ONCE]) for at in some])
    data, _ = Pubkey.find_program_address([bytes(program.pubkey())], _LOADER)
    rent = await node.rent_lamports(_PROGRAM_BYTES)
    made = [_created(payer, program, rent, _PROGRAM_BYTES), _deployed(buffer, payer, program, data, len(content))]
    # The same transaction: there is no moment at which somebody could change it.
    final = Instruction(_LOADER, struct.pack("<I", 4), [_meta(data, "w"), _meta(payer.pubkey(), "s")])
    await _send(node, payer, [*made, final], program)


def _created(payer: Keypair, account: Keypair, lamports: int, size: int) -> Instruction:
    return create_account(
        CreateAccountParams(
            from_pubkey=payer.pubkey(), to_pubkey=account.pubkey(), lamports=lamports, space=size, owner=_LOADER
        )
    )


def _begun(buffer: Keypair, payer: Keypair) -> Instruction:
    return Instruction(_LOADER, struct.pack("<I", 0), [_meta(buffer.pubkey(), "w"), _meta(payer.pubkey())])


def _written(buffer: Keypair, payer: Keypair, offset: int, some: bytes) -> Instruction:
    data = struct.pack("<IIQ", 1, offset, len(some)) + some
    return Instruction(_LOADER, data, [_meta(buffer.pubkey(), "w"), _meta(payer.pubkey(), "s")])


def _deployed(buffer: Keypair, payer: Keypair, program: Keypair, data: Pubkey, size: int) -> Instruction:
    accounts = [
        _meta(payer.pubkey(), "sw"),
        _meta(data, "w"),
        _meta(program.pubkey(), "w"),
        _meta(buffer.pubkey(), "w"),
        _meta(RENT),
        _meta(CLOCK),
        _meta(SYSTEM),
        _meta(payer.pubkey(), "s"),
    ]
    return Instruction(_LOADER, struct.pack("<IQ", 2, size), accounts)


async def _send(node: Node, payer: Keypair, instructions: Sequence[Instruction], *signers: Keypair) -> None:
    blockhash, last_valid = await node.latest_blockhash()
    limits = TransactionConfig(
        priority_fee=0, compute_unit_limit=200_000, loaded_accounts_data_size_limit=2**26, heap_size=2**15
    )
    message = MessageV1.try_compile(payer.pubkey(), instructions, blockhash, limits)
    wire = to_bytes_versioned(message)
    keys = {key.pubkey(): key for key in (payer, *signers)}
    wanted = message.account_keys[: message.header.num_required_signatures]
    signatures = [keys[key].sign_message(wire) for key in wanted]
    await node.send(bytes(VersionedTransaction.populate(message, signatures)), preflight=True)
    while True:
        status = (await node.statuses([str(signatures[0])]))[0]
        if status is not None and status.error is not None:
            raise DeployError(f"the chain refused: {status.error}")
        if status is not None and status.is_confirmed:
            return
        if status is None and await node.block_height() > last_valid:
            raise DeployError("a transaction expired before it reached the chain; try again")
        await asyncio.sleep(_CONFIRM_SECONDS)


def _meta(key: Pubkey, is_also: str = "") -> AccountMeta:
    return AccountMeta(key, is_signer="s" in is_also, is_writable="w" in is_also)
