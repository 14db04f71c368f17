"""Token-2022 instructions and account layouts that no library has: the extensions of our mint.

Layouts follow the Token-2022 v11 interface: one byte of instruction tag, one of sub-tag for an extension group,
then packed little-endian fields. Instructions of the classic token program come from ``spl.token.instructions``.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from energy_swap_protocol.transaction import DECIMALS, TOKEN_2022
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as NOBODY

_BASE_MINT: Final = 82
_BASE_ACCOUNT: Final = 165
_MULTISIG: Final = 355
_TLV_HEADER: Final = 4


class LayoutError(ValueError):
    """The bytes of an account are not what it should be."""


class Extension(IntEnum):
    """The mint extensions we use, by their type number in an account."""

    MINT_CLOSE_AUTHORITY = 3
    DEFAULT_ACCOUNT_STATE = 6
    PERMANENT_DELEGATE = 12
    METADATA_POINTER = 18
    TOKEN_METADATA = 19
    PAUSABLE = 26
    PERMISSIONED_BURN = 28


class AccountState(IntEnum):
    """The state of a token account."""

    UNINITIALIZED = 0
    INITIALIZED = 1
    FROZEN = 2


_VALUE_BYTES: Final = {
    Extension.MINT_CLOSE_AUTHORITY: 32,
    Extension.DEFAULT_ACCOUNT_STATE: 1,
    Extension.PERMANENT_DELEGATE: 32,
    Extension.METADATA_POINTER: 64,
    Extension.PAUSABLE: 33,
    Extension.PERMISSIONED_BURN: 32,
}


def mint_bytes(extensions: Sequence[Extension]) -> int:
    """Return the size of a mint account with these fixed-size ``extensions``, before any metadata."""
    return _pad(_BASE_ACCOUNT + 1 + sum(_TLV_HEADER + _VALUE_BYTES[extension] for extension in extensions))


def metadata_bytes(name: str, symbol: str, uri: str) -> int:
    """Return by how much token metadata (without additional fields) enlarges the mint account."""
    texts = sum(4 + len(text.encode()) for text in (name, symbol, uri))
    return _TLV_HEADER + 32 + 32 + texts + 4


def _pad(size: int) -> int:
    # A token-program account of exactly a multisig's size would be read as one.
    return size + _TLV_HEADER if size == _MULTISIG else size


# --- instructions of the mint's making -------------------------------------------------------------------------


def initialize_mint_close_authority(mint: Pubkey, authority: Pubkey) -> Instruction:
    """Let ``authority`` close the mint, once no token exists."""
    return _instruction(bytes([25, 1]) + bytes(authority), _writable(mint))


def initialize_permanent_delegate(mint: Pubkey, delegate: Pubkey) -> Instruction:
    """Let ``delegate`` move and burn tokens of every account that is not frozen."""
    return _instruction(bytes([35]) + bytes(delegate), _writable(mint))


def initialize_default_account_state(mint: Pubkey, state: AccountState) -> Instruction:
    """Make new accounts of the mint begin in ``state``."""
    return _instruction(bytes([28, 0, state]), _writable(mint))


def update_default_account_state(mint: Pubkey, freeze_authority: Pubkey, state: AccountState) -> Instruction:
    """Change the state in which new accounts begin; ``freeze_authority`` signs."""
    return _instruction(bytes([28, 1, state]), _writable(mint), _signer(freeze_authority))


def initialize_metadata_pointer(mint: Pubkey, authority: Pubkey | None, address: Pubkey) -> Instruction:
    """Say that the mint's metadata is in ``address``; without ``authority`` this can never be changed."""
    return _instruction(bytes([39, 0]) + bytes(authority or NOBODY) + bytes(address), _writable(mint))


def initialize_pausable(mint: Pubkey, authority: Pubkey) -> Instruction:
    """Let ``authority`` pause and resume every movement of the token."""
    return _instruction(bytes([44, 0]) + bytes(authority), _writable(mint))


def initialize_permissioned_burn(mint: Pubkey, authority: Pubkey) -> Instruction:
    """Demand that ``authority``, a plain key, co-signs every burn."""
    return _instruction(bytes([46, 0]) + bytes(authority), _writable(mint))


def initialize_token_metadata(
    mint: Pubkey, update_authority: Pubkey, mint_authority: Pubkey, *, name: str, symbol: str, uri: str
) -> Instruction:
    """Write the token's name into the mint account; ``mint_authority``, a plain key, signs."""
    return _instruction(
        _discriminator("initialize_account") + _text(name) + _text(symbol) + _text(uri),
        _writable(mint),
        _readable(update_authority),
        _readable(mint),
        _signer(mint_authority),
    )


def remove_metadata_authority(mint: Pubkey, update_authority: Pubkey) -> Instruction:
    """Make the token's metadata unchangeable for ever; ``update_authority`` signs."""
    return _instruction(
        _discriminator("update_the_authority") + bytes(NOBODY), _writable(mint), _signer(update_authority)
    )


# --- instructions of the token's life --------------------------------------------------------------------------


def permissioned_burn_checked(
    account: Pubkey, mint: Pubkey, burn_authority: Pubkey, owner_or_delegate: Pubkey, wh: int
) -> Instruction:
    """Burn ``wh`` from ``account``; the burn authority and the owner or its delegate sign."""
    return _instruction(
        bytes([46, 2]) + struct.pack("<QB", wh, DECIMALS),
        _writable(account),
        _writable(mint),
        _signer(burn_authority),
        _signer(owner_or_delegate),
    )


class Authority(IntEnum):
    """What a mint's `set_authority` hands over, by its number in the interface."""

    MINT = 0
    FREEZE = 1
    CLOSE_MINT = 6
    PERMANENT_DELEGATE = 8
    PAUSE = 16
    PERMISSIONED_BURN = 17


def set_authority(
    account: Pubkey, kind: Authority, current: Pubkey, new: Pubkey, signers: Sequence[Pubkey] = ()
) -> Instruction:
    """Hand ``kind`` of ``account`` from ``current`` to ``new``; ``signers`` act for a multisig."""
    return _instruction(bytes([6, kind, 1]) + bytes(new), _writable(account), *_acting(current, signers))


def set_paused(mint: Pubkey, authority: Pubkey, *, is_paused: bool) -> Instruction:
    """Stop every movement of the token, or let it go on; ``authority``, a plain key, signs."""
    return _instruction(bytes([44, 1 if is_paused else 2]), _writable(mint), _signer(authority))


# --- accounts --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """A holding of the token: ``wh`` in it, and what ``delegate`` may still take (``allowance_wh``)."""

    mint: Pubkey
    owner: Pubkey
    wh: int
    is_frozen: bool
    delegate: Pubkey | None
    allowance_wh: int


@dataclass(frozen=True, slots=True)
class Mint:
    """The token itself, with the raw values of its extensions."""

    supply_wh: int
    decimals: int
    mint_authority: Pubkey | None
    freeze_authority: Pubkey | None
    extensions: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Multisig:
    """An authority that is ``needed`` of ``members``."""

    needed: int
    members: tuple[Pubkey, ...]


def parse_token_account(data: bytes) -> TokenAccount:
    """Read a token account, with or without extensions; raise `LayoutError` for other bytes."""
    if len(data) < _BASE_ACCOUNT or len(data) == _MULTISIG or (len(data) > _BASE_ACCOUNT and data[165] != 2):
        raise LayoutError(f"{len(data)} bytes are no token account")
    (wh,) = struct.unpack_from("<Q", data, 64)
    (allowance,) = struct.unpack_from("<Q", data, 121)
    state = data[108]
    if state == AccountState.UNINITIALIZED:
        raise LayoutError("the token account is not initialised")
    return TokenAccount(
        Pubkey(data[:32]), Pubkey(data[32:64]), wh, state == AccountState.FROZEN, _optional(data, 72), allowance
    )


def parse_mint(data: bytes) -> Mint:
    """Read a mint and its extensions; raise `LayoutError` for other bytes."""
    if len(data) < _BASE_MINT or (len(data) > _BASE_MINT and (len(data) <= _BASE_ACCOUNT or data[165] != 1)):
        raise LayoutError(f"{len(data)} bytes are no mint")
    (supply,) = struct.unpack_from("<Q", data, 36)
    if not data[45]:
        raise LayoutError("the mint is not initialised")
    return Mint(supply, data[44], _optional(data, 0), _optional(data, 46), dict(_extensions(data)))


def parse_multisig(data: bytes) -> Multisig:
    """Read a multisig account; raise `LayoutError` for other bytes."""
    if len(data) != _MULTISIG or not data[2]:
        raise LayoutError(f"{len(data)} bytes are no multisig")
    return Multisig(data[0], tuple(Pubkey(data[3 + 32 * i : 35 + 32 * i]) for i in range(data[1])))


def _optional(data: bytes, offset: int) -> Pubkey | None:
    (is_there,) = struct.unpack_from("<I", data, offset)
    return Pubkey(data[offset + 4 : offset + 36]) if is_there else None


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = _BASE_ACCOUNT + 1
    while offset + _TLV_HEADER <= len(data):
        kind, length = struct.unpack_from("<HH", data, offset)
        if kind == 0:
            return
        offset += _TLV_HEADER
        yield kind, data[offset : offset + length]
        offset += length


def _instruction(data: bytes, *accounts: AccountMeta) -> Instruction:
    return Instruction(TOKEN_2022, data, accounts)


def _writable(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _readable(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _signer(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)


def _acting(authority: Pubkey, signers: Sequence[Pubkey]) -> list[AccountMeta]:
    """Return how an authority signs: a plain key by itself, a multisig by some of its members."""
    if not signers:
        return [_signer(authority)]
    return [_readable(authority), *map(_signer, signers)]


def _discriminator(name: str) -> bytes:
    return hashlib.sha256(f"spl_token_metadata_interface:{name}".encode()).digest()[:8]


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data
