"""From an intent's payload to the Solana message that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.transaction import DECIMALS, TOKEN_2022, memo_instruction, spent_account, token_account
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, create_nonce_account_with_seed
from solders.system_program import transfer as pay
from spl.token.instructions import (
    create_idempotent_associated_token_account,
    mint_to_checked,
    transfer_checked,
)
from spl.token.models import MintToCheckedParams, TransferCheckedParams

from .community import CommunityChain
from .nonces import community_seed, nonce_seed
from .payload import (
    Burn,
    BurnPeriod,
    HandOver,
    Mint,
    MintPeriod,
    OpenAccount,
    OpenNonce,
    Pause,
    Release,
    Transfer,
    memo_of,
)
from .token2022 import Authority, permissioned_burn_checked, set_authority, set_paused
from .trust.minting import attested_mints
from .trust.program import appoint

_UNITS_PER_INSTRUCTION: Final = 8_000  # measured: a transfer by multisig takes 4,000
_UNITS_BASE: Final = 20_000
_LOADED_BYTES: Final = 64 * 2**20
_HEAP_BYTES: Final = 32 * 2**10

type HubPayload = OpenAccount | OpenNonce | MintPeriod | BurnPeriod | Release | HandOver | Pause


@dataclass(frozen=True, slots=True)
class Draft:
    """The instructions of one transaction, and whether a verifier must sign it with the hub."""

    instructions: tuple[Instruction, ...]
    is_large: bool

    def message(self, hub: Pubkey, blockhash: Hash, units: int | None = None) -> MessageV0 | MessageV1:
        """Return the message to sign; a large one is a version 1 transaction, with every limit set.

        ``units`` is its compute budget, as a simulation has shown it; else what is enough for any.
        """
        if not self.is_large:
            return MessageV0.try_compile(hub, self.instructions, [], blockhash)
        config = TransactionConfig(
            priority_fee=0,
            compute_unit_limit=units or _UNITS_BASE + _UNITS_PER_INSTRUCTION * len(self.instructions),
            loaded_accounts_data_size_limit=_LOADED_BYTES,
            heap_size=_HEAP_BYTES,
        )
        return MessageV1.try_compile(hub, self.instructions, blockhash, config)


def needs_co_signer(payload: HubPayload) -> bool:
    """Whether the 2-of-3 authority acts, so that a verifier signs beside the hub."""
    return isinstance(payload, MintPeriod | Release | HandOver)


@dataclass(frozen=True, slots=True)
class Facts:
    """What of the chain's present state a draft depends on.

    A nonce account's rent, what is in escrow, and what a hub's key leaves to the one that takes its place.
    """

    nonce_lamports: int = 0
    escrow_wh: int = 0
    left_lamports: int = 0


def draft(chain: CommunityChain, payload: HubPayload, co_signer: Pubkey, facts: Facts) -> Draft:
    """Return the transaction of ``payload``; ``co_signer`` is the verifier that signs with the hub."""
    signers = [chain.hub, co_signer]
    memo = memo_instruction(memo_of(payload, chain.community))
    match payload:
        case OpenAccount():
            return Draft((memo, *_open(chain, payload, facts.nonce_lamports)), is_large=False)
        case OpenNonce():
            return Draft((memo, *_open_nonce(chain, payload, facts.nonce_lamports)), is_large=False)
        case HandOver(is_lost=True):
            moved = _hand_over(chain, payload, facts.escrow_wh, list(chain.verifiers))
            return Draft((memo, *moved), is_large=False)
        case HandOver(hub=hub) if hub:
            new = Pubkey.from_string(hub)
            # Whoever shall be the hub signs the memo: nothing goes to a key that nobody has.
            memo = memo_instruction(memo_of(payload, chain.community), new)
            moved = _hand_over(chain, payload, facts.escrow_wh, signers)
            return Draft((memo, *moved, *_leave(chain, new, facts.left_lamports)), is_large=False)
        case HandOver():
            return Draft((memo, *_hand_over(chain, payload, facts.escrow_wh, signers)), is_large=False)
        case Pause():
            pause = set_paused(chain.mint, chain.hub, is_paused=payload.is_paused)
            return Draft((memo, pause), is_large=False)
        case MintPeriod():
            mint = _mints(chain, payload.mints, signers)
            releases = [_from_escrow(chain, release, signers) for release in payload.releases]
            return Draft((memo, *mint, *releases), is_large=True)
        case BurnPeriod():
            return Draft((memo, *(_burn(chain, burn) for burn in payload.burns)), is_large=True)
        case Release():
            return Draft((memo, _from_escrow(chain, payload.transfer, signers)), is_large=False)


def _open(chain: CommunityChain, payload: OpenAccount, nonce_lamports: int) -> list[Instruction]:
    owner = Pubkey.from_string(payload.owner)
    seed = nonce_seed(chain.community, payload.household, owner)
    nonce = Pubkey.create_with_seed(chain.hub, seed, SYSTEM)
    return [
        create_idempotent_associated_token_account(
            payer=chain.hub, owner=owner, mint=chain.mint, token_program_id=TOKEN_2022
        ),
        *create_nonce_account_with_seed(chain.hub, nonce, chain.hub, seed, chain.hub, nonce_lamports),
    ]


def _open_nonce(chain: CommunityChain, payload: OpenNonce, lamports: int) -> list[Instruction]:
    seed = community_seed(chain.community)
    if payload.household:
        seed = nonce_seed(chain.community, payload.household, Pubkey.from_string(payload.owner))
    account, hub = Pubkey.from_string(payload.account), chain.payer
    return list(create_nonce_account_with_seed(hub, account, hub, seed, hub, lamports))


def _mints(chain: CommunityChain, mints: Sequence[Mint], signers: list[Pubkey]) -> list[Instruction]:
    """Return how exports are minted: each by its meter's word in the trust mode, else their sum."""
    if chain.program is not None:
        return attested_mints(chain.program, chain.mint, chain.authority, signers, chain.escrow, mints, place=1)
    # Who exported what is in the root, and instructions take room.
    minted_wh = sum(mint.wh for mint in mints)
    return [_mint(chain, minted_wh, signers)] if minted_wh else []


def _mint(chain: CommunityChain, wh: int, signers: list[Pubkey]) -> Instruction:
    return mint_to_checked(
        MintToCheckedParams(
            program_id=TOKEN_2022,
            mint=chain.mint,
            dest=chain.escrow,
            mint_authority=chain.authority,
            amount=wh,
            decimals=DECIMALS,
            signers=signers,
        )
    )


def _from_escrow(chain: CommunityChain, transfer: Transfer, signers: list[Pubkey]) -> Instruction:
    return transfer_checked(
        TransferCheckedParams(
            program_id=TOKEN_2022,
            source=chain.escrow,
            mint=chain.mint,
            dest=Pubkey.from_string(transfer.account),
            owner=chain.authority,
            amount=transfer.wh,
            decimals=DECIMALS,
            signers=signers,
        )
    )


def _burn(chain: CommunityChain, burn: Burn) -> Instruction:
    if chain.lost_hub is not None:
        return transfer_checked(
            TransferCheckedParams(
                program_id=TOKEN_2022,
                source=Pubkey.from_string(burn.account),
                mint=chain.mint,
                dest=spent_account(chain.mint),
                owner=chain.hub,
                amount=burn.wh,
                decimals=DECIMALS,
                signers=[],
            )
        )
    return permissioned_burn_checked(Pubkey.from_string(burn.account), chain.mint, chain.hub, chain.hub, burn.wh)


def _hand_over(
    chain: CommunityChain, payload: HandOver, escrow_wh: int, signers: list[Pubkey]
) -> list[Instruction]:
    moved = [_from_escrow(chain, Transfer(payload.escrow, escrow_wh), signers)] if escrow_wh else []
    new = Pubkey.from_string(payload.authority)
    if chain.program is not None:
        by, payer = chain.authority, chain.payer
        return [
            *moved,
            appoint(chain.program, payer=payer, mint=chain.mint, by=by, signers=signers, minters=new),
        ]
    return [*moved, set_authority(chain.mint, Authority.MINT, chain.authority, new, signers)]


def _leave(chain: CommunityChain, new: Pubkey, lamports: int) -> list[Instruction]:
    """Give the hub's ``new`` key what is the hub's alone: burning and pausing, and what is left for fees."""
    kinds = () if chain.lost_hub is not None else (Authority.PERMISSIONED_BURN, Authority.PAUSE)
    given = [set_authority(chain.mint, kind, chain.hub, new) for kind in kinds]
    if lamports > 0:
        given.append(pay(TransferParams(from_pubkey=chain.hub, to_pubkey=new, lamports=lamports)))
    return given


def witness(chain: CommunityChain, payload: HubPayload) -> Pubkey:
    """Return an account that every transaction of ``payload`` names, to look for it in the chain's history."""
    match payload:
        case OpenAccount():
            return token_account(Pubkey.from_string(payload.owner), chain.mint)
        case OpenNonce():
            return Pubkey.from_string(payload.account)
        case HandOver():
            return Pubkey.from_string(payload.escrow)
        case Pause():
            return chain.mint
        case MintPeriod() | Release():
            return chain.escrow
        case BurnPeriod():
            return Pubkey.from_string(payload.burns[0].account)
