"""What a Solana transaction of the community does, read from its bytes."""

import struct
from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.transaction import DECIMALS, MEMO, TOKEN_2022
from solders.errors import BincodeError
from solders.hash import Hash
from solders.message import MessageV0, MessageV1, from_bytes_versioned
from solders.pubkey import Pubkey

_CHECKED: Final = struct.Struct("<BQB")
_THAW: Final = 11
_TRANSFER_CHECKED: Final = 12
_MINT_CHECKED: Final = 14
_BURN_CHECKED: Final = 15
_PERMISSIONED_BURN_CHECKED: Final = bytes([46, 2])


class NotReadableError(ValueError):
    """These bytes are no message that can be judged; the text says why."""


@dataclass(frozen=True, slots=True)
class Memo:
    """A public note."""

    text: str


@dataclass(frozen=True, slots=True)
class MintTo:
    """New tokens, by ``authority`` with ``signers``."""

    mint: Pubkey
    to: Pubkey
    authority: Pubkey
    wh: int
    signers: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Tokens that move."""

    source: Pubkey
    mint: Pubkey
    to: Pubkey
    authority: Pubkey
    wh: int
    signers: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class Burn:
    """Tokens that end."""

    account: Pubkey
    mint: Pubkey
    wh: int


@dataclass(frozen=True, slots=True)
class Thaw:
    """An account that may move its tokens from now on: an admission."""

    account: Pubkey
    mint: Pubkey
    authority: Pubkey


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else."""

    program: Pubkey


type Operation = Memo | MintTo | Transfer | Burn | Thaw | Other


@dataclass(frozen=True, slots=True)
class Message:
    """A transaction's message: who signs it (the first one pays), until which blockhash, and what it does."""

    signers: tuple[Pubkey, ...]
    blockhash: Hash
    operations: tuple[Operation, ...]

    @property
    def memos(self) -> list[str]:
        """Its notes."""
        return [operation.text for operation in self.operations if isinstance(operation, Memo)]

    def thawed(self, mint: Pubkey) -> list[Pubkey]:
        """Return the accounts of ``mint`` that it lets move their tokens."""
        return [o.account for o in self.operations if isinstance(o, Thaw) and o.mint == mint]


def read_message(raw: bytes) -> Message:
    """Return what the message in ``raw`` does; raise `NotReadableError` for one that cannot be judged."""
    try:
        message = from_bytes_versioned(raw)
    except (ValueError, BincodeError) as error:
        raise NotReadableError(f"not a Solana message: {error}") from None
    return read(message)


def read(message: object) -> Message:
    """Return what a message of solders does; raise `NotReadableError` for one that cannot be judged."""
    if not isinstance(message, MessageV0 | MessageV1):
        raise NotReadableError("a message of the old format; the hub writes version 0 and 1 only")
    if isinstance(message, MessageV0) and message.address_table_lookups:
        raise NotReadableError("the message hides accounts in a lookup table")
    keys = message.account_keys
    try:
        operations = tuple(
            _operation(
                keys[instruction.program_id_index],
                bytes(instruction.data),
                [keys[index] for index in bytes(instruction.accounts)],
            )
            for instruction in message.instructions
        )
    except IndexError:
        raise NotReadableError("the message names accounts that it does not have") from None
    return Message(tuple(keys[: message.header.num_required_signatures]), message.recent_blockhash, operations)


def _operation(program: Pubkey, data: bytes, accounts: list[Pubkey]) -> Operation:
    if program == MEMO:
        return Memo(data.decode(errors="replace"))
    if program != TOKEN_2022 or not data:
        return Other(program)
    if data == bytes([_THAW]) and len(accounts) >= 3:
        return Thaw(accounts[0], accounts[1], accounts[2])
    if data[:2] == _PERMISSIONED_BURN_CHECKED and len(data) == 11 and len(accounts) >= 2:
        wh, decimals = struct.unpack("<QB", data[2:])
        return Burn(accounts[0], accounts[1], wh) if decimals == DECIMALS else Other(program)
    if len(data) != _CHECKED.size:
        return Other(program)
    tag, wh, decimals = _CHECKED.unpack(data)
    if decimals != DECIMALS:
        return Other(program)
    if tag == _MINT_CHECKED and len(accounts) >= 3:
        return MintTo(accounts[0], accounts[1], accounts[2], wh, tuple(accounts[3:]))
    if tag == _TRANSFER_CHECKED and len(accounts) >= 4:
        return Transfer(accounts[0], accounts[1], accounts[2], accounts[3], wh, tuple(accounts[4:]))
    if tag == _BURN_CHECKED and len(accounts) >= 2:
        return Burn(accounts[0], accounts[1], wh)
    return Other(program)
