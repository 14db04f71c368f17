"""Household transactions: what edge and hub must build alike, to the byte, before either signs it.

The hub pays every fee, so a household transaction has two signers: the hub (payer) and the household. The edge
builds and signs it; the hub builds the same message again from what the household asked for, and adds its own
signature only if every byte agrees. A household's Ed25519 key is its Solana key.
"""

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self
from uuid import UUID

from nacl.bindings import crypto_sign
from solders.errors import BincodeError
from solders.hash import Hash, ParseHashError
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

DECIMALS: Final = 3  # one base unit of the token is one Wh
TOKEN_2022: Final = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
MEMO: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
NOBODY: Final = Pubkey.from_string("1nc1nerator11111111111111111111111111111111")  # an address without a key

_TRANSFER_CHECKED: Final = 12
_APPROVE_CHECKED: Final = 13


class TransactionError(ValueError):
    """A household transaction cannot be built or accepted; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ChainInfo:
    """What a household must know of its community's chain.

    ``mint`` is the eKWh token, ``escrow`` the community's escrow token account, ``hub`` the fee payer and the
    delegate that burns, ``blockhash`` a recent one: a transaction signed with it can land for about a minute.
    """

    mint: Pubkey
    escrow: Pubkey
    hub: Pubkey
    blockhash: Hash

    @classmethod
    def parse(cls, *, mint: str, escrow: str, hub: str, blockhash: str) -> Self:
        """Return the same from base58 texts; raise `TransactionError` for a text that is none."""
        try:
            return cls(
                Pubkey.from_string(mint),
                Pubkey.from_string(escrow),
                Pubkey.from_string(hub),
                Hash.from_string(blockhash),
            )
        except (ValueError, ParseHashError) as error:
            raise TransactionError(f"the hub's chain information is not base58 of 32 bytes: {error}") from None


@lru_cache(4_096)  # an owner sells again and again
def token_account(owner: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the address of the one token account that ``owner`` has for ``mint`` (Token-2022, associated)."""
    address, _ = Pubkey.find_program_address([bytes(owner), bytes(TOKEN_2022), bytes(mint)], ASSOCIATED_TOKEN)
    return address


def spent_account(mint: Pubkey) -> Pubkey:
    """Return the account of nobody where used energy goes once no key is left that may burn."""
    return token_account(NOBODY, mint)


def memo_instruction(text: str, *signers: Pubkey) -> Instruction:
    """Return an instruction that writes ``text`` into the transaction's public record, signed by ``signers``."""
    return Instruction(
        MEMO, text.encode(), [AccountMeta(key, is_signer=True, is_writable=False) for key in signers]
    )


def lock_message(chain: ChainInfo, household: Pubkey, wh: int, order: UUID) -> MessageV0:
    """Return the message that moves ``wh`` from the household's account into escrow for ``order``."""
    transfer = Instruction(
        TOKEN_2022,
        struct.pack("<BQB", _TRANSFER_CHECKED, _amount(wh), DECIMALS),
        [
            AccountMeta(token_account(household, chain.mint), is_signer=False, is_writable=True),
            AccountMeta(chain.mint, is_signer=False, is_writable=False),
            AccountMeta(chain.escrow, is_signer=False, is_writable=True),
            AccountMeta(household, is_signer=True, is_writable=False),
        ],
    )
    return _message(chain, f"lock:{order}", transfer)


def allowance_message(chain: ChainInfo, household: Pubkey, wh: int, message: UUID) -> MessageV0:
    """Return the message that lets the hub burn up to ``wh`` of the household's eKWh; it replaces any earlier one.

    ``message`` is the id of the signed message that carries it.
    """
    approve = Instruction(
        TOKEN_2022,
        struct.pack("<BQB", _APPROVE_CHECKED, _amount(wh), DECIMALS),
        [
            AccountMeta(token_account(household, chain.mint), is_signer=False, is_writable=True),
            AccountMeta(chain.mint, is_signer=False, is_writable=False),
            AccountMeta(chain.hub, is_signer=False, is_writable=False),
            AccountMeta(household, is_signer=True, is_writable=False),
        ],
    )
    return _message(chain, f"allow:{message}", approve)


def sign_as_household(message: MessageV0, seed: bytes) -> str:
    """Return the transaction of ``message`` as base64, signed by the key of ``seed``, the hub's signature empty.

    ``seed`` is the household's 32-byte Ed25519 seed. Raises `TransactionError` if ``message`` does not ask for
    this key's signature.
    """
    key = Keypair.from_seed(seed)
    signers = message.account_keys[: message.header.num_required_signatures]
    if key.pubkey() not in signers[1:]:
        raise TransactionError(f"this transaction is not one for household {key.pubkey()} to sign")
    signature = key.sign_message(to_bytes_versioned(message))
    signatures = [signature if signer == key.pubkey() else Signature.default() for signer in signers]
    return base64.b64encode(bytes(VersionedTransaction.populate(message, signatures))).decode()


def complete_as_hub(
    text: str, expected: Callable[[Hash], MessageV0], household: Pubkey, hub: Keypair
) -> VersionedTransaction:
    """Return the transaction in ``text`` with the hub's signature added, ready to send.

    ``expected`` builds the message that the household's wish stands for, with the blockhash that the household
    chose. Raises `TransactionError` if the transaction differs from it in any byte or the household's signature
    is not true; then nothing has been signed.
    """
    try:
        given = VersionedTransaction.from_bytes(base64.b64decode(text, validate=True))
    except binascii.Error, ValueError, BincodeError:
        raise TransactionError("the transaction is not base64 of a Solana transaction") from None
    message = expected(given.message.recent_blockhash)
    wire = to_bytes_versioned(message)
    if to_bytes_versioned(given.message) != wire:
        raise TransactionError(
            "the transaction is not the one that this message stands for; build it again from the hub's chain "
            "information and the same amount and id"
        )
    signers = message.account_keys[: message.header.num_required_signatures]
    # A key pair's bytes end with its public key, which `pubkey` would compute anew, and so would `sign_message`.
    pair = bytes(hub)
    is_paid_by_hub = bytes(signers[0]) == pair[32:]
    if not is_paid_by_hub or household not in signers or len(given.signatures) != len(signers):
        raise TransactionError("the transaction is signed by the hub, which pays, and by the household")
    if not given.signatures[signers.index(household)].verify(household, wire):
        raise TransactionError("the household's signature does not belong to this transaction")
    signatures = given.signatures
    signatures[0] = Signature(crypto_sign(wire, pair)[: Signature.LENGTH])
    return VersionedTransaction.populate(message, signatures)


def _amount(wh: int) -> int:
    if not 0 < wh < 2**63:
        raise TransactionError(f"an amount is a positive number of Wh, not {wh}")
    return wh


def _message(chain: ChainInfo, memo: str, instruction: Instruction) -> MessageV0:
    return MessageV0.try_compile(chain.hub, [memo_instruction(memo), instruction], [], chain.blockhash)
