"""What approvers can be asked to decide, and the one Solana message by which a panel of them does each.

Every message begins with the advance of a durable nonce, whose authority is the hub, which also pays. So approvers
take the time they need, and of two decisions that are bound to the same nonce only one can have its effect.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.transaction import DECIMALS, NOBODY, TOKEN_2022, memo_instruction, token_account
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV1, TransactionConfig, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import AdvanceNonceAccountParams, advance_nonce_account
from spl.token.instructions import (
    create_idempotent_associated_token_account,
    freeze_account,
    initialize_multisig2,
    thaw_account,
    transfer_checked,
)
from spl.token.models import (
    FreezeAccountParams,
    InitializeMultisig2Params,
    ThawAccountParams,
    TransferCheckedParams,
)

from .community import CommunityChain, create_multisig_account, multisig_address, seed_of
from .token2022 import Authority, set_authority
from .trust.program import register_meter

_CONFIG: Final = TransactionConfig(
    priority_fee=0,
    compute_unit_limit=200_000,  # measured: 60,000 for 11 of 11 with a new multisig and an account
    loaded_accounts_data_size_limit=64 * 2**20,
    heap_size=32 * 2**10,
)


class Admission(msgspec.Struct, frozen=True, tag="admit", omit_defaults=True):
    """Thaw a new household's token account; ``memo`` names its meter (`AdmissionMemo`).

    In the trust mode the program registers that meter in the same transaction; ``meter_lamports`` is the rent of
    what it keeps of one. So it is where a recovery or a replacement names a meter.
    """

    household: str
    account: str
    memo: str
    meter_lamports: int = 0


class Suspension(msgspec.Struct, frozen=True, tag="suspend"):
    """Freeze a member's token account."""

    household: str
    account: str


class Readmission(msgspec.Struct, frozen=True, tag="readmit"):
    """Thaw a suspended member's token account."""

    household: str
    account: str


class Recovery(msgspec.Struct, frozen=True, tag="recover", omit_defaults=True):
    """Move a suspended member's ``wh`` to the account of its new key; the old account stays frozen for good.

    ``memo`` admits the new account with the household's meter, as that of an admission does.
    """

    household: str
    account: str
    owner: str
    wh: int
    memo: str
    meter_lamports: int = 0


class Replacement(msgspec.Struct, frozen=True, tag="meter", omit_defaults=True):
    """Let another meter, or a new register epoch of the same, prove a member's energy.

    ``memo`` reads like that of an admission and its transaction thaws the member's account, as an admission does:
    so the chain itself says whose readings count, and with whose signatures. ``frame`` is the first that does.
    """

    household: str
    account: str
    memo: str
    frame: str
    meter_lamports: int = 0


class ApproversChange(msgspec.Struct, frozen=True, tag="approvers"):
    """Give freezing, recovery and closing to ``needed`` of other ``approvers``."""

    approvers: tuple[str, ...]
    needed: int
    lamports: int  # rent of the new multisig


class MintersChange(msgspec.Struct, frozen=True, tag="minters"):
    """Let a new 2-of-3 {hub, ``verifiers``} in: it is made, and its escrow account is opened and thawed.

    Minting itself and what lies in escrow are then handed over by the old 2-of-3.
    """

    verifiers: tuple[str, str]
    lamports: int


class HubChange(msgspec.Struct, frozen=True, tag="hub"):
    """Let a new 2-of-3 in, in which another key ``hub`` takes the hub's place beside the verifiers of now.

    The rest is then handed over: by the hub's old key and a verifier or, when that key ``is_lost``, by both
    verifiers. Then an account of nobody is opened, too, where used energy goes: a lost key burns nothing.
    """

    hub: str
    verifiers: tuple[str, str]
    lamports: int
    is_lost: bool = False


type Wish = (
    Admission | Suspension | Readmission | Recovery | Replacement | ApproversChange | MintersChange | HubChange
)

_decoder: msgspec.json.Decoder[Wish] = msgspec.json.Decoder(
    Admission | Suspension | Readmission | Recovery | Replacement | ApproversChange | MintersChange | HubChange
)


def encode_wish(wish: Wish) -> str:
    """Return the JSON text of ``wish``."""
    return msgspec.json.encode(wish, order="deterministic").decode()


def decode_wish(text: str) -> Wish:
    """Return the wish in ``text``, as written by `encode_wish`."""
    return _decoder.decode(text)


def kind_of(wish: Wish) -> str:
    """Return the name of the wish's kind."""
    return str(wish.__struct_config__.tag)


def household_of(wish: Wish) -> str | None:
    """Return the household that a wish is about; None: the community itself."""
    return None if isinstance(wish, ApproversChange | MintersChange | HubChange) else wish.household


def memos_of(wish: Wish, proposal_id: str) -> tuple[str, ...]:
    """Return what the transaction says; the first one is its own."""
    match wish:
        case Admission(memo=memo):
            return (memo,)
        case Recovery(memo=memo) | Replacement(memo=memo):
            return (proposal_id, memo)
        case _:
            return (proposal_id,)


def new_approvers_authority(chain: CommunityChain, proposal_id: str) -> Pubkey:
    """Return where the multisig of an `ApproversChange` will be."""
    return multisig_address(chain.payer, seed_of(chain.community, proposal_id))


def new_minting_authority(chain: CommunityChain, proposal_id: str) -> Pubkey:
    """Return where the 2-of-3 of a `MintersChange` or `HubChange` will be."""
    return multisig_address(chain.payer, seed_of(chain.community, proposal_id))


def message_of(
    chain: CommunityChain, wish: Wish, proposal_id: str, nonce: tuple[Pubkey, str], panel: Sequence[Pubkey]
) -> bytes:
    """Return the message by which ``panel`` does ``wish``; ``nonce`` is a nonce account and what is in it."""
    account, value = nonce
    instructions = [
        advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=account, authorized_pubkey=chain.payer)),
        *map(memo_instruction, memos_of(wish, proposal_id)),
        *_effects(chain, wish, proposal_id, list(panel)),
    ]
    return to_bytes_versioned(MessageV1.try_compile(chain.payer, instructions, Hash.from_string(value), _CONFIG))


def _effects(chain: CommunityChain, wish: Wish, proposal_id: str, panel: list[Pubkey]) -> list[Instruction]:
    match wish:
        case Admission(account=account):
            own = Pubkey.from_string(account)
            return [_thaw(chain, own, panel), *_register(chain, wish, own, panel)]
        case Readmission(account=account):
            return [_thaw(chain, Pubkey.from_string(account), panel)]
        case Suspension(account=account):
            return [_freeze(chain, Pubkey.from_string(account), panel)]
        case Recovery():
            return _recover(chain, wish, panel)
        case Replacement():
            # A member's account is not frozen; only what is can be thawed, and only a thaw needs the approvers.
            own = Pubkey.from_string(wish.account)
            return [_freeze(chain, own, panel), _thaw(chain, own, panel), *_register(chain, wish, own, panel)]
        case ApproversChange():
            return _change_approvers(chain, wish, proposal_id, panel)
        case MintersChange(verifiers=verifiers, lamports=lamports):
            return _let_minters_in(chain, (str(chain.hub), *verifiers), lamports, proposal_id, panel)
        case HubChange(hub=hub, verifiers=verifiers, lamports=lamports):
            let_in = _let_minters_in(chain, (hub, *verifiers), lamports, proposal_id, panel)
            if wish.is_lost and chain.lost_hub is None:
                let_in += _open_thawed(chain, NOBODY, panel)
            return let_in


def _recover(chain: CommunityChain, wish: Recovery, panel: list[Pubkey]) -> list[Instruction]:
    old, new = Pubkey.from_string(wish.account), token_account(Pubkey.from_string(wish.owner), chain.mint)
    moved = []
    if wish.wh:
        # A frozen account gives nothing, not even to the permanent delegate.
        moved = [_thaw(chain, old, panel), _move_as_delegate(chain, old, new, wish.wh, panel)]
        moved.append(_freeze(chain, old, panel))
    return [_thaw(chain, new, panel), *moved, *_register(chain, wish, new, panel)]


def _register(
    chain: CommunityChain, wish: Admission | Recovery | Replacement, account: Pubkey, panel: list[Pubkey]
) -> list[Instruction]:
    """Register the meter that ``wish`` names for ``account`` with the trust mode's program, if there is one."""
    if chain.program is None:
        return []
    memo = AdmissionMemo.parse(wish.memo)
    return [
        register_meter(
            chain.program,
            payer=chain.payer,
            mint=chain.mint,
            approvers=chain.approvers_authority,
            signers=panel,
            meter=memo.meter,
            account=account,
            rated_w=memo.rated_pv_w,
            first_sequence=memo.sequence,
            rent_lamports=wish.meter_lamports,
        )
    ]


def _change_approvers(
    chain: CommunityChain, wish: ApproversChange, proposal_id: str, panel: list[Pubkey]
) -> list[Instruction]:
    new = new_approvers_authority(chain, proposal_id)
    members = [Pubkey.from_string(key) for key in wish.approvers]
    kinds = (Authority.FREEZE, Authority.PERMANENT_DELEGATE, Authority.CLOSE_MINT)
    return [
        create_multisig_account(chain.payer, seed_of(chain.community, proposal_id), wish.lamports),
        initialize_multisig2(
            InitializeMultisig2Params(program_id=TOKEN_2022, multisig=new, m=wish.needed, signers=members)
        ),
        *(set_authority(chain.mint, kind, chain.approvers_authority, new, panel) for kind in kinds),
    ]


def _let_minters_in(
    chain: CommunityChain, minters: Sequence[str], lamports: int, proposal_id: str, panel: list[Pubkey]
) -> list[Instruction]:
    new = new_minting_authority(chain, proposal_id)
    members = list(map(Pubkey.from_string, minters))
    return [
        create_multisig_account(chain.payer, seed_of(chain.community, proposal_id), lamports),
        initialize_multisig2(InitializeMultisig2Params(program_id=TOKEN_2022, multisig=new, m=2, signers=members)),
        *_open_thawed(chain, new, panel),
    ]


def _open_thawed(chain: CommunityChain, owner: Pubkey, panel: list[Pubkey]) -> list[Instruction]:
    opened = create_idempotent_associated_token_account(
        payer=chain.payer, owner=owner, mint=chain.mint, token_program_id=TOKEN_2022
    )
    return [opened, _thaw(chain, token_account(owner, chain.mint), panel)]


def _thaw(chain: CommunityChain, account: Pubkey, panel: list[Pubkey]) -> Instruction:
    return thaw_account(
        ThawAccountParams(
            program_id=TOKEN_2022,
            account=account,
            mint=chain.mint,
            authority=chain.approvers_authority,
            multi_signers=panel,
        )
    )


def _freeze(chain: CommunityChain, account: Pubkey, panel: list[Pubkey]) -> Instruction:
    return freeze_account(
        FreezeAccountParams(
            program_id=TOKEN_2022,
            account=account,
            mint=chain.mint,
            authority=chain.approvers_authority,
            multi_signers=panel,
        )
    )


def _move_as_delegate(
    chain: CommunityChain, old: Pubkey, new: Pubkey, wh: int, panel: list[Pubkey]
) -> Instruction:
    return transfer_checked(
        TransferCheckedParams(
            program_id=TOKEN_2022,
            source=old,
            mint=chain.mint,
            dest=new,
            owner=chain.approvers_authority,
            amount=wh,
            decimals=DECIMALS,
            signers=panel,
        )
    )
