"""The vault in which the program of the trust mode keeps what orders have locked."""

from energy_swap_protocol.transaction import TOKEN_2022, token_account
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from spl.token.instructions import create_idempotent_associated_token_account, thaw_account
from spl.token.models import ThawAccountParams

from .program import authority_address


def vault_of(program: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the token account in which the program keeps what orders have locked."""
    return token_account(authority_address(program, mint), mint)


def make_vault(program: Pubkey, mint: Pubkey, payer: Pubkey) -> Instruction:
    """Make the vault, frozen as every account of the token begins."""
    owner = authority_address(program, mint)
    return create_idempotent_associated_token_account(
        payer=payer, owner=owner, mint=mint, token_program_id=TOKEN_2022
    )


def thaw_vault(program: Pubkey, mint: Pubkey, approvers: Pubkey, signers: list[Pubkey]) -> Instruction:
    """Let the vault move tokens: by ``approvers``, the mint's freeze authority, enough of whose members sign."""
    return thaw_account(
        ThawAccountParams(
            program_id=TOKEN_2022,
            account=vault_of(program, mint),
            mint=mint,
            authority=approvers,
            multi_signers=signers,
        )
    )
