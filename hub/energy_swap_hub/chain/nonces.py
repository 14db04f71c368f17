"""Durable nonce accounts: what approvers decide is bound to one, of the community or of the household it is about.

They belong to the hub's key, which makes them and alone renews them. So a new key opens new ones, each when it is
first needed.
"""

from datetime import datetime
from typing import Final

from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from sqlalchemy import Connection

from .community import CommunityChain, seed_of
from .directory import HouseholdAccount, NoChainError, change_community, community_chain
from .intent import enqueue, is_opening
from .payload import OpenNonce

_KEY_LETTERS: Final = 8


def nonce_seed(community: str, household: str, owner: Pubkey) -> str:
    """Return the seed of the nonce account for decisions about a household."""
    return seed_of(community, "nonce", household, str(owner))


def community_seed(community: str) -> str:
    """Return the seed of the nonce account for decisions about the community."""
    return seed_of(community, "nonce")


def nonce_account(chain: CommunityChain, household: str, owner: Pubkey) -> Pubkey:
    """Return the nonce account for decisions about a household whose key is ``owner``."""
    return Pubkey.create_with_seed(chain.payer, nonce_seed(chain.community, household, owner), SYSTEM)


def community_account(hub: Pubkey, community: str) -> Pubkey:
    """Return the nonce account of ``hub`` for decisions about the community."""
    return Pubkey.create_with_seed(hub, community_seed(community), SYSTEM)


def community_nonce(connection: Connection, community: str, now: datetime) -> tuple[Pubkey, str | None]:
    """Return the nonce account of decisions about the community, and what is in it; open it the first time."""
    chain = community_chain(connection, community)
    if chain.nonce_account is not None:
        return chain.nonce_account, chain.nonce
    account = community_account(chain.payer, community)
    change_community(connection, community, nonce_account=str(account))
    is_first = not chain.hubs_before and chain.acting_hub is None
    name = "open:nonce" if is_first else f"open:nonce:{str(account)[:_KEY_LETTERS]}"
    enqueue(connection, community, name, OpenNonce(str(account), "" if is_first else name), now)
    return account, None


def household_nonce(
    connection: Connection, community: str, account: HouseholdAccount, now: datetime
) -> tuple[Pubkey, str | None]:
    """Return the nonce account of decisions about a household, and what is in it; open it for a new hub key.

    Raises `NoChainError` while the household's own account is being opened.
    """
    if account.nonce is not None:
        return account.nonce_account, account.nonce
    if not community_chain(connection, community).hubs_before or is_opening(
        connection, community, account.household
    ):
        raise NoChainError(f"the account of {account.household} is not open on the chain yet; try again shortly")
    name = f"open:nonce:{account.household}:{str(account.nonce_account)[:_KEY_LETTERS]}"
    wish = OpenNonce(str(account.nonce_account), name, account.household, str(account.owner))
    enqueue(connection, community, name, wish, now)
    return account.nonce_account, None
