"""How a community hands its mint to the program of the trust mode. There is no way back."""

from energy_swap_protocol.transaction import TOKEN_2022, token_account
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from spl.token.instructions import create_idempotent_associated_token_account, set_authority, thaw_account
from spl.token.models import AuthorityType, SetAuthorityParams, ThawAccountParams

from energy_swap_hub.chain.community import CommunityChain

from .program import authority_address


def vault_of(program: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the token account in which the program keeps what orders have locked."""
    return token_account(authority_address(program, mint), mint)


def make_vault(chain: CommunityChain, program: Pubkey) -> Instruction:
    """Make the vault, frozen as every account of the token begins; the hub pays."""
    owner = authority_address(program, chain.mint)
    return create_idempotent_associated_token_account(
        payer=chain.hub, owner=owner, mint=chain.mint, token_program_id=TOKEN_2022
    )


def thaw_vault(chain: CommunityChain, program: Pubkey, approvers: list[Pubkey]) -> Instruction:
    """Let the vault move tokens: signed by enough ``approvers``, as an admission is."""
    return thaw_account(
        ThawAccountParams(
            program_id=TOKEN_2022,
            account=vault_of(program, chain.mint),
            mint=chain.mint,
            authority=chain.approvers_authority,
            multi_signers=approvers,
        )
    )


def hand_over_mint(chain: CommunityChain, program: Pubkey, verifier: Pubkey) -> Instruction:
    """Give the right to mint to the program, for good; signed by the hub and a verifier, the old 2-of-3."""
    return set_authority(
        SetAuthorityParams(
            program_id=TOKEN_2022,
            account=chain.mint,
            authority=AuthorityType.MINT_TOKENS,
            current_authority=chain.authority,
            new_authority=authority_address(program, chain.mint),
            signers=[chain.hub, verifier],
        )
    )
