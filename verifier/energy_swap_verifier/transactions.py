"""What a Solana transaction of the community does, read from its bytes."""

import struct
from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.transaction import ASSOCIATED_TOKEN, DECIMALS, MEMO, TOKEN_2022
from solders.errors import BincodeError
from solders.hash import Hash
from solders.message import MessageV0, MessageV1, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM

_CHECKED: Final = struct.Struct("<BQB")
_SET_AUTHORITY: Final = 6
_FREEZE: Final = 10
_THAW: Final = 11
_TRANSFER_CHECKED: Final = 12
_MINT_CHECKED: Final = 14
_BURN_CHECKED: Final = 15
_PERMISSIONED_BURN_CHECKED: Final = bytes([46, 2])
_MAKE_MULTISIG: Final = 19
_CREATE_WITH_SEED: Final = struct.pack("<I", 3)
_PAY: Final = struct.pack("<I", 2)
_ADVANCE_NONCE: Final = struct.pack("<I", 4)
_CREATE_IDEMPOTENT: Final = bytes([1])
MINTING: Final = 0  # the kinds of authority over a mint, as the token program numbers them
FREEZING: Final = 1
CLOSING: Final = 6
RECOVERING: Final = 8
PAUSING: Final = 16
BURNING: Final = 17


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
    signers: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class Freeze:
    """An account that moves and takes nothing from now on."""

    account: Pubkey
    mint: Pubkey
    authority: Pubkey
    signers: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class NewAuthority:
    """Somebody else decides about ``account`` from now on: `MINTING`, `FREEZING` or another of the kinds above."""

    account: Pubkey
    kind: int
    authority: Pubkey
    new: Pubkey
    signers: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class MakeMultisig:
    """``account`` acts when ``needed`` of ``members`` sign."""

    account: Pubkey
    needed: int
    members: tuple[Pubkey, ...]


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """``payer`` makes ``account`` for ``owner``, a program."""

    payer: Pubkey
    account: Pubkey
    owner: Pubkey


@dataclass(frozen=True, slots=True)
class CreateTokenAccount:
    """``payer`` makes the token account that ``owner`` has for ``mint``."""

    payer: Pubkey
    account: Pubkey
    owner: Pubkey
    mint: Pubkey


@dataclass(frozen=True, slots=True)
class AdvanceNonce:
    """The transaction waits as long as the nonce in ``account`` is the same; ``authority`` renews it."""

    account: Pubkey
    authority: Pubkey


@dataclass(frozen=True, slots=True)
class Pay:
    """SOL that goes from one key to another."""

    source: Pubkey
    to: Pubkey


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else; of a program that is not Solana's own, with what it was asked."""

    program: Pubkey
    data: bytes = b""
    accounts: tuple[Pubkey, ...] = ()


type Operation = (
    Memo
    | MintTo
    | Transfer
    | Burn
    | Thaw
    | Freeze
    | NewAuthority
    | MakeMultisig
    | CreateAccount
    | CreateTokenAccount
    | AdvanceNonce
    | Pay
    | Other
)


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
    if program == SYSTEM:
        return _system_operation(data, accounts)
    if program == ASSOCIATED_TOKEN and data == _CREATE_IDEMPOTENT and accounts[5:] == [TOKEN_2022]:
        return CreateTokenAccount(*accounts[:4])
    if program == TOKEN_2022:
        return _token_operation(data, accounts) if data else Other(program)
    return Other(program, data, tuple(accounts))


def _token_operation(data: bytes, accounts: list[Pubkey]) -> Operation:
    if len(data) == 1 and len(accounts) >= 3 and data[0] in {_FREEZE, _THAW}:
        kind = Thaw if data[0] == _THAW else Freeze
        return kind(accounts[0], accounts[1], accounts[2], tuple(accounts[3:]))
    if data[0] == _SET_AUTHORITY and len(data) == 35 and data[2] == 1 and len(accounts) >= 2:
        new = Pubkey(data[3:])
        return NewAuthority(accounts[0], data[1], accounts[1], new, tuple(accounts[2:]))
    if data[0] == _MAKE_MULTISIG and len(data) == 2 and len(accounts) >= 2:
        return MakeMultisig(accounts[0], data[1], tuple(accounts[1:]))
    return _checked_operation(data, accounts)


def _checked_operation(data: bytes, accounts: list[Pubkey]) -> Operation:
    """Return an operation that says the token's decimals, so that nobody mistakes the amount."""
    if data[:2] == _PERMISSIONED_BURN_CHECKED and len(data) == 11 and len(accounts) >= 2:
        wh, decimals = struct.unpack("<QB", data[2:])
        return Burn(accounts[0], accounts[1], wh) if decimals == DECIMALS else Other(TOKEN_2022)
    if len(data) != _CHECKED.size:
        return Other(TOKEN_2022)
    tag, wh, decimals = _CHECKED.unpack(data)
    if decimals != DECIMALS:
        return Other(TOKEN_2022)
    if tag == _MINT_CHECKED and len(accounts) >= 3:
        return MintTo(accounts[0], accounts[1], accounts[2], wh, tuple(accounts[3:]))
    if tag == _TRANSFER_CHECKED and len(accounts) >= 4:
        return Transfer(accounts[0], accounts[1], accounts[2], accounts[3], wh, tuple(accounts[4:]))
    if tag == _BURN_CHECKED and len(accounts) >= 2:
        return Burn(accounts[0], accounts[1], wh)
    return Other(TOKEN_2022)


def _system_operation(data: bytes, accounts: list[Pubkey]) -> Operation:
    if data == _ADVANCE_NONCE and len(accounts) == 3:
        return AdvanceNonce(accounts[0], accounts[2])
    if data[:4] == _PAY and len(data) == 12 and len(accounts) == 2:
        return Pay(accounts[0], accounts[1])
    if data[:4] == _CREATE_WITH_SEED and len(data) >= 36 and len(accounts) >= 2:
        return CreateAccount(accounts[0], accounts[1], Pubkey(data[-32:]))
    return Other(SYSTEM)
