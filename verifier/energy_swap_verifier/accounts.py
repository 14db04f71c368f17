"""The three kinds of account that decide who may mint: the token itself, multisigs, and holdings."""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.transaction import DECIMALS, TOKEN_2022, token_account
from solders.pubkey import Pubkey

_MULTISIG_BYTES: Final = 355
_ACCOUNT_BYTES: Final = 165


class WrongTokenError(RuntimeError):
    """The chain does not hold the token that this community's people agreed on; the text says what differs."""


class TrustModeError(WrongTokenError):
    """The token is not minted by the program of the trust mode that it should be minted by."""


@dataclass(frozen=True, slots=True)
class Token:
    """A community's token as the chain has it: 2-of-3 ``minters`` act as ``authority``."""

    mint: Pubkey
    escrow: Pubkey
    supply_wh: int
    authority: Pubkey
    minters: tuple[Pubkey, ...]
    admitting: Pubkey
    approvers: tuple[Pubkey, ...]
    approvals_needed: int
    program: Pubkey | None = None  # of the trust mode: it mints, by the meters' word and the minters'


def mint_address(hub: Pubkey, community: str) -> Pubkey:
    """Return where the token of ``community`` is: it follows from the hub's key and the community's name."""
    seed = hashlib.sha256(f"{community}\nmint".encode()).hexdigest()[:32]
    return Pubkey.create_with_seed(hub, seed, TOKEN_2022)


def authorities(mint_data: bytes | None) -> tuple[Pubkey, Pubkey, int]:
    """Return who mints, who admits (freezes and thaws), and the supply in Wh; raise `WrongTokenError`."""
    if mint_data is None or len(mint_data) < 82 or not mint_data[45]:
        raise WrongTokenError("there is no such token on this chain")
    has_minter, has_freezer = struct.unpack_from("<I", mint_data, 0)[0], struct.unpack_from("<I", mint_data, 46)[0]
    if not has_minter or not has_freezer or mint_data[44] != DECIMALS:
        raise WrongTokenError(f"the token has no minting or no admitting authority, or not {DECIMALS} decimals")
    (supply,) = struct.unpack_from("<Q", mint_data, 36)
    return Pubkey(mint_data[4:36]), Pubkey(mint_data[50:82]), supply


def members(data: bytes | None) -> tuple[int, tuple[Pubkey, ...]]:
    """Return how many of which keys a multisig takes; raise `WrongTokenError` for another account."""
    if data is None or len(data) != _MULTISIG_BYTES or not data[2]:
        raise WrongTokenError("an authority of the token is not a multisig")
    return data[0], tuple(Pubkey(data[3 + 32 * i : 35 + 32 * i]) for i in range(data[1]))


def read_token(
    mint: Pubkey,
    mint_data: bytes | None,
    authority: Pubkey,
    minting: bytes | None,
    admitting: bytes | None,
    program: Pubkey | None = None,
) -> Token:
    """Return the token with its authorities; raise `WrongTokenError` unless 2 of 3 mint, who are ``authority``."""
    _, freezer, supply = authorities(mint_data)
    if minting is not None and len(minting) != _MULTISIG_BYTES:
        raise TrustModeError(f"{authority} mints, which is a program's and not 2 of 3 keys")
    needed, minters = members(minting)
    if (needed, len(set(minters))) != (2, 3):
        raise WrongTokenError(f"minting takes {needed} of {len(minters)} keys, not 2 of 3")
    approvals, approvers = members(admitting)
    escrow = token_account(authority, mint)
    return Token(mint, escrow, supply, authority, minters, freezer, approvers, approvals, program)


def is_frozen(data: bytes | None) -> bool:
    """Whether a token account takes and gives nothing; so also when it does not exist."""
    return data is None or len(data) < _ACCOUNT_BYTES or data[108] != 1


def balance_wh(data: bytes | None) -> int:
    """Return the Wh in a token account; none in one that does not exist."""
    if data is None or len(data) < _ACCOUNT_BYTES:
        return 0
    return int(struct.unpack_from("<Q", data, 64)[0])
