"""A community's token on the chain: made once, in two atomic transactions, at addresses that follow from its name.

Both addresses and content follow from the hub's key, the community's name and its approvers. A hub killed anywhere
looks at the chain, sees what is there, and goes on. The mint comes into being complete: its accounts begin frozen,
minting is with the 2-of-3 {hub, verifier A, verifier B}, freezing and recovery with the approvers, and the escrow
account exists and is not frozen, all before anyone could have used it.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.transaction import DECIMALS, TOKEN_2022, memo_instruction, token_account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed
from solders.transaction import VersionedTransaction
from spl.token.constants import MULTISIG_LEN
from spl.token.instructions import (
    create_idempotent_associated_token_account,
    initialize_mint2,
    initialize_multisig2,
)
from spl.token.models import InitializeMint2Params, InitializeMultisig2Params

from . import token2022
from .client import Node, NodeRefusedError, describe_error
from .token2022 import AccountState, Extension, LayoutError, parse_mint, parse_multisig, parse_token_account
from .trust.deployment import DeployError, check_program
from .trust.program import OFFICE_BYTES, appoint, authority_address, parse_office

MAX_APPROVERS: Final = 11  # what a Token-2022 multisig can hold
NAME: Final = "Energy kWh"
SYMBOL: Final = "eKWh"

_CONFIRM_SECONDS: Final = 0.05
_FEES_LAMPORTS: Final = 10 * 10**9  # a localnet hub is topped up below this
_SETUP_FEES_LAMPORTS: Final = 100_000
_EXTENSIONS: Final = (
    Extension.MINT_CLOSE_AUTHORITY,
    Extension.PERMANENT_DELEGATE,
    Extension.DEFAULT_ACCOUNT_STATE,
    Extension.METADATA_POINTER,
    Extension.PAUSABLE,
    Extension.PERMISSIONED_BURN,
)


class CommunityError(RuntimeError):
    """A community's token cannot be made or is not what it should be; the text says what to do."""


@dataclass(frozen=True, slots=True)
class CommunityChain:
    """Where a community's token is, and who holds which authority.

    ``authority`` (2-of-3 {hub, verifiers}) mints and owns ``escrow``; ``approvers_authority`` (``needed`` of
    ``approvers``) thaws, freezes and recovers; ``hub`` pays, and burns within households' allowances.
    """

    community: str
    genesis: str
    mint: Pubkey
    authority: Pubkey
    approvers_authority: Pubkey
    escrow: Pubkey
    hub: Pubkey
    verifiers: tuple[Pubkey, ...]
    approvers: tuple[Pubkey, ...]
    needed: int
    nonce_account: Pubkey | None = None  # of what the approvers decide about the community itself
    nonce: str | None = None
    is_paused: bool = False
    handing_over: str | None = None  # the proposal by which minting goes to a new 2-of-3, while it does
    hubs_before: tuple[Pubkey, ...] = ()  # the hub's earlier keys, the founding one first
    acting_hub: Pubkey | None = None  # the key that acts while the hub's own is lost and nothing handed over yet
    lost_hub: Pubkey | None = None  # the lost key that alone could burn and pause
    program: Pubkey | None = None  # of the trust mode: it mints, with a meter's signature and the 2-of-3's
    meter_lamports: int = 0  # rent of what that program keeps of a meter

    @property
    def mint_authority(self) -> Pubkey:
        """Who mints by the chain's rules: the 2-of-3, or the program of the trust mode for it."""
        return self.authority if self.program is None else authority_address(self.program, self.mint)

    @property
    def payer(self) -> Pubkey:
        """The hub's key that pays now, and makes accounts and nonces."""
        return self.acting_hub or self.hub

    @property
    def hubs(self) -> frozenset[Pubkey]:
        """All keys that the hub has had; transactions of the past are theirs."""
        return frozenset((self.hub, self.payer, *self.hubs_before))


def seed_of(*parts: str) -> str:
    """Return the 32-character seed of an account that the hub creates for this purpose."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def plan_community(
    community: str,
    genesis: str,
    hub: Pubkey,
    verifiers: Sequence[Pubkey],
    approvers: Sequence[Pubkey],
    needed: int,
    program: Pubkey | None = None,
) -> CommunityChain:
    """Return the addresses of a community's token; raise `CommunityError` for impossible approvers.

    With ``program`` it is founded in the trust mode, for good.
    """
    if not 1 <= needed <= len(approvers) <= MAX_APPROVERS or len(set(approvers)) != len(approvers):
        raise CommunityError(
            f"a community has 1 to {MAX_APPROVERS} different approvers and needs at least 1 and at most all of "
            f"them, not {needed} of {len(approvers)}"
        )
    if len(verifiers) != 2 or len({hub, *verifiers}) != 3:
        raise CommunityError("minting takes 2 of 3 different keys: the hub's and two verifiers'")
    approvers = sorted(approvers, key=str)  # the order in which they are configured does not matter
    authority = _address(hub, _authority_seed(community, verifiers))
    mint = _address(hub, seed_of(community, "mint"))
    return CommunityChain(
        community=community,
        genesis=genesis,
        mint=mint,
        authority=authority,
        approvers_authority=_address(hub, _approvers_seed(community, approvers, needed)),
        escrow=token_account(authority, mint),
        hub=hub,
        verifiers=tuple(verifiers),
        approvers=tuple(approvers),
        needed=needed,
        program=program,
    )


async def make_community(node: Node, hub: Keypair, plan: CommunityChain) -> None:
    """Make what is missing of ``plan`` on the chain, then check all of it; raise `CommunityError` else."""
    await fund(node, hub.pubkey())
    office_lamports = 0
    if plan.program is not None:
        await _check_program(node, plan.program)
        office_lamports = await node.rent_lamports(OFFICE_BYTES)
    multisig_lamports = await node.rent_lamports(MULTISIG_LEN)
    mint_size = token2022.mint_bytes(_EXTENSIONS)
    mint_lamports = await node.rent_lamports(mint_size + token2022.metadata_bytes(NAME, SYMBOL, ""))
    await _ensure(node, hub, plan.authority, multisig_instructions(plan, multisig_lamports))
    await _ensure(node, hub, plan.approvers_authority, approvers_instructions(plan, multisig_lamports))
    await _ensure(node, hub, plan.mint, mint_instructions(plan, mint_size, mint_lamports, office_lamports))
    await check_community(node, plan)


async def check_community(node: Node, plan: CommunityChain) -> None:
    """Raise `CommunityError` unless the chain holds exactly what ``plan`` says."""
    if await node.genesis() != plan.genesis:
        raise CommunityError(
            f"the node is on another chain than the token of {plan.community}; point the hub to the chain it "
            "began on, or restore that chain's data"
        )
    keys = [plan.authority, plan.approvers_authority, plan.mint, plan.escrow]
    if plan.program is not None:
        await _check_program(node, plan.program)
        keys.append(plan.mint_authority)
    try:
        authority, approvers, mint_data, escrow_data, *office = [d or b"" for d in await node.accounts(keys)]
        of_hub, of_approvers = parse_multisig(authority), parse_multisig(approvers)
        mint, escrow = parse_mint(mint_data), parse_token_account(escrow_data)
        in_office = [parse_office(data) for data in office]
    except LayoutError as error:
        raise CommunityError(f"the token of {plan.community} is not complete on the chain: {error}") from None
    is_true = (
        (of_hub.needed, of_hub.members) == (2, (plan.hub, *plan.verifiers))
        and (of_approvers.needed, of_approvers.members) == (plan.needed, plan.approvers)
        and (mint.mint_authority, mint.freeze_authority) == (plan.mint_authority, plan.approvers_authority)
        and in_office in ([], [plan.authority])
        and mint.decimals == DECIMALS
        and mint.extensions[Extension.PERMANENT_DELEGATE] == bytes(plan.approvers_authority)
        and mint.extensions[Extension.PERMISSIONED_BURN] == bytes(plan.lost_hub or plan.hub)
        and mint.extensions[Extension.DEFAULT_ACCOUNT_STATE] == bytes([AccountState.FROZEN])
        and mint.extensions[Extension.PAUSABLE][:32] == bytes(plan.lost_hub or plan.hub)
        and (escrow.mint, escrow.owner, escrow.is_frozen) == (plan.mint, plan.authority, False)
    )
    if not is_true:
        raise CommunityError(f"the token of {plan.community} on the chain has other authorities than configured")


async def _check_program(node: Node, program: Pubkey) -> None:
    try:
        await check_program(node, program)
    except DeployError as error:
        raise CommunityError(f"trust mode: {error}") from None


async def fund(node: Node, hub: Pubkey) -> None:
    """See that ``hub`` can pay for a token's accounts, on a localnet by play money; else raise an error."""
    has = await node.lamports(hub)
    if "localnet" in await node.version():
        if has < _FEES_LAMPORTS:
            await node.airdrop(hub, 100 * _FEES_LAMPORTS)
        return
    rent = [await node.rent_lamports(size) for size in (MULTISIG_LEN, MULTISIG_LEN, 482, 174)]
    if has < sum(rent) + _SETUP_FEES_LAMPORTS:
        raise CommunityError(f"send {sum(rent) + _SETUP_FEES_LAMPORTS - has} lamports to the hub's key {hub}")


async def _ensure(node: Node, hub: Keypair, account: Pubkey, instructions: Sequence[Instruction]) -> None:
    """Send ``instructions`` until ``account``, which they create, is there."""
    while (await node.accounts([account]))[0] is None:
        blockhash, last_valid = await node.latest_blockhash()
        message = MessageV0.try_compile(hub.pubkey(), instructions, [], blockhash)
        transaction = VersionedTransaction(message, [hub])
        try:
            await node.send(bytes(transaction), preflight=True)
        except NodeRefusedError as error:
            if (await node.accounts([account]))[0] is None:
                raise CommunityError(
                    f"the chain refused: {error}; {describe_error(error.reason, error.logs)}"
                ) from None
        await _until_over(node, str(transaction.signatures[0]), last_valid)


async def _until_over(node: Node, signature: str, last_valid: int) -> None:
    while True:
        status = (await node.statuses([signature]))[0]
        if status is not None and status.error is not None:
            raise CommunityError(f"making the token failed: {status.error}")
        if status is not None and status.is_final:
            return
        if status is None and await node.block_height() > last_valid:
            return
        await asyncio.sleep(_CONFIRM_SECONDS)


def multisig_address(hub: Pubkey, seed: str) -> Pubkey:
    """Return where `create_multisig_account` makes an account."""
    return _address(hub, seed)


def create_multisig_account(hub: Pubkey, seed: str, lamports: int) -> Instruction:
    """Make the account of a multisig, which is to be initialised in the same transaction."""
    return _create(hub, seed, MULTISIG_LEN, lamports)


def _address(hub: Pubkey, seed: str) -> Pubkey:
    return Pubkey.create_with_seed(hub, seed, TOKEN_2022)


def _authority_seed(community: str, verifiers: Sequence[Pubkey]) -> str:
    return seed_of(community, "authority", *map(str, verifiers))


def _approvers_seed(community: str, approvers: Sequence[Pubkey], needed: int) -> str:
    return seed_of(community, "approvers", str(needed), *map(str, approvers))


def _create(hub: Pubkey, seed: str, size: int, lamports: int) -> Instruction:
    return create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=hub,
            to_pubkey=_address(hub, seed),
            base=hub,
            seed=seed,
            lamports=lamports,
            space=size,
            owner=TOKEN_2022,
        )
    )


def multisig_instructions(plan: CommunityChain, lamports: int) -> list[Instruction]:
    """Return how the 2-of-3 multisig is made."""
    members = InitializeMultisig2Params(
        program_id=TOKEN_2022, multisig=plan.authority, m=2, signers=[plan.hub, *plan.verifiers]
    )
    seed = _authority_seed(plan.community, plan.verifiers)
    return [_create(plan.hub, seed, MULTISIG_LEN, lamports), initialize_multisig2(members)]


def approvers_instructions(plan: CommunityChain, lamports: int) -> list[Instruction]:
    """Return how the approvers' multisig is made."""
    members = InitializeMultisig2Params(
        program_id=TOKEN_2022, multisig=plan.approvers_authority, m=plan.needed, signers=list(plan.approvers)
    )
    seed = _approvers_seed(plan.community, plan.approvers, plan.needed)
    return [_create(plan.hub, seed, MULTISIG_LEN, lamports), initialize_multisig2(members)]


def mint_instructions(
    plan: CommunityChain, size: int, lamports: int, office_lamports: int = 0
) -> list[Instruction]:
    """Return how the mint and the escrow account are made, with every authority where it belongs.

    In the trust mode the 2-of-3 is put into the program's office (``office_lamports`` of rent) as well.
    """
    mint, hub, approvers = plan.mint, plan.hub, plan.approvers_authority
    office = []
    if plan.program is not None:
        office.append(
            appoint(
                plan.program, payer=hub, mint=mint, by=hub, signers=(), minters=plan.authority,
                rent_lamports=office_lamports,
            )
        )  # fmt: skip
    return [
        memo_instruction(f"community:{plan.community}"),
        _create(hub, seed_of(plan.community, "mint"), size, lamports),
        token2022.initialize_mint_close_authority(mint, approvers),
        token2022.initialize_permanent_delegate(mint, approvers),
        token2022.initialize_default_account_state(mint, AccountState.INITIALIZED),
        token2022.initialize_metadata_pointer(mint, None, mint),
        token2022.initialize_pausable(mint, hub),
        token2022.initialize_permissioned_burn(mint, hub),
        # The hub holds the authorities only within this transaction: a multisig can neither write the metadata
        # nor, with keys that are cold, thaw the escrow at its birth.
        initialize_mint2(
            InitializeMint2Params(
                program_id=TOKEN_2022, mint=mint, decimals=DECIMALS, mint_authority=hub, freeze_authority=hub
            )
        ),
        token2022.initialize_token_metadata(mint, hub, hub, name=NAME, symbol=SYMBOL, uri=""),
        token2022.remove_metadata_authority(mint, hub),
        create_idempotent_associated_token_account(
            payer=hub, owner=plan.authority, mint=mint, token_program_id=TOKEN_2022
        ),
        token2022.update_default_account_state(mint, hub, AccountState.FROZEN),
        *office,
        token2022.set_authority(mint, token2022.Authority.MINT, hub, plan.mint_authority),
        token2022.set_authority(mint, token2022.Authority.FREEZE, hub, approvers),
    ]
