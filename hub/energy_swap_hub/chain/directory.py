"""Where each community's token and each household's account are, as the hub's tables know it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from energy_swap_protocol.memo import AdmissionMemo
from solders.pubkey import Pubkey
from sqlalchemy import Connection, bindparam, insert, select, update

from energy_swap_hub.storage import Lookup, is_in

from .community import CommunityChain
from .tables import chain_community, chain_household

_BY_ID: Final = Lookup(select(chain_community).where(chain_community.c.community_id == bindparam("community_id")))

_OF_COMMUNITY: Final = select(chain_household.c.household_id, chain_household.c.account).where(
    chain_household.c.community_id == bindparam("community")
)
_ALL_ACCOUNTS: Final = Lookup(_OF_COMMUNITY)
_ACCOUNTS: Final = Lookup(_OF_COMMUNITY.where(is_in(chain_household.c.household_id, "households")))


class NoChainError(LookupError):
    """A community has no token yet, or a household no account; the text says which."""


@dataclass(frozen=True, slots=True)
class HouseholdAccount:
    """A household's token account; ``nonce`` is there once the account has been opened on the chain.

    ``admission`` says with which meter the approvers admit it; None for accounts of before that was said.
    """

    household: str
    owner: Pubkey
    account: Pubkey
    nonce_account: Pubkey
    nonce: str | None
    admission: AdmissionMemo | None = None

    @property
    def memo(self) -> str:
        """What the transaction of its admission says."""
        return f"admit:{self.household}" if self.admission is None else self.admission.text


def find_community(connection: Connection, community: str) -> CommunityChain | None:
    """Return a community's token, ``None`` if it has not been made."""
    rows = _BY_ID.mappings(connection, community_id=community)
    return _community(rows[0]) if rows else None


def community_chain(connection: Connection, community: str) -> CommunityChain:
    """Return a community's token; raise `NoChainError` if it has not been made."""
    found = find_community(connection, community)
    if found is None:
        raise NoChainError(f"community {community} has no token yet; open it on the chain first")
    return found


def add_community(connection: Connection, chain: CommunityChain) -> None:
    """Remember a community's token."""
    connection.execute(
        insert(chain_community).values(
            community_id=chain.community,
            genesis=chain.genesis,
            mint=str(chain.mint),
            authority=str(chain.authority),
            approvers_authority=str(chain.approvers_authority),
            escrow=str(chain.escrow),
            hub=str(chain.hub),
            verifiers=" ".join(map(str, chain.verifiers)),
            approvers=" ".join(map(str, chain.approvers)),
            needed=chain.needed,
            program=None if chain.program is None else str(chain.program),
            meter_lamports=chain.meter_lamports,
        )
    )


def find_household(connection: Connection, community: str, household: str) -> HouseholdAccount | None:
    """Return a household's account, ``None`` if none was asked for."""
    row = (
        connection.execute(
            select(chain_household).where(
                chain_household.c.community_id == community, chain_household.c.household_id == household
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return HouseholdAccount(
        household,
        Pubkey.from_string(row["owner"]),
        Pubkey.from_string(row["account"]),
        Pubkey.from_string(row["nonce_account"]),
        row["nonce"],
        None if row["memo"] is None else AdmissionMemo.parse(row["memo"]),
    )


def household_account(connection: Connection, community: str, household: str) -> HouseholdAccount:
    """Return a household's account; raise `NoChainError` if none was asked for."""
    found = find_household(connection, community, household)
    if found is None:
        raise NoChainError(f"household {household} of {community} has no token account; open it first")
    return found


def owners(connection: Connection, community: str) -> dict[str, Pubkey]:
    """Return the key of each household that asked for an account."""
    row = chain_household.c
    query = select(row.household_id, row.owner).where(row.community_id == community)
    return {household: Pubkey.from_string(owner) for household, owner in connection.execute(query).all()}


def token_accounts(
    connection: Connection, community: str, households: Collection[str] | None = None
) -> dict[str, str]:
    """Return the token accounts (base58) of all households that asked for one, or of those of ``households``."""
    if households is None:
        return dict(_ALL_ACCOUNTS.all(connection, community=community))
    return dict(_ACCOUNTS.all(connection, community=community, households=households))


def add_household(connection: Connection, community: str, account: HouseholdAccount) -> None:
    """Remember a household's account before it is made."""
    connection.execute(
        insert(chain_household).values(
            community_id=community,
            household_id=account.household,
            owner=str(account.owner),
            account=str(account.account),
            nonce_account=str(account.nonce_account),
            nonce=account.nonce,
            memo=None if account.admission is None else account.admission.text,
        )
    )


def bind_household(connection: Connection, community: str, account: HouseholdAccount) -> None:
    """Remember that a household has another account from now on."""
    connection.execute(
        update(chain_household)
        .where(chain_household.c.community_id == community, chain_household.c.household_id == account.household)
        .values(
            owner=str(account.owner),
            account=str(account.account),
            nonce_account=str(account.nonce_account),
            nonce=account.nonce,
            memo=None if account.admission is None else account.admission.text,
        )
    )


def set_nonce(connection: Connection, community: str, account: str, nonce: str) -> None:
    """Remember what is in a nonce ``account`` now."""
    for table in (chain_household, chain_community):
        connection.execute(
            update(table)
            .where(table.c.community_id == community, table.c.nonce_account == account)
            .values(nonce=nonce)
        )


def hubs(connection: Connection) -> frozenset[Pubkey]:
    """Return the keys of the hub that are in office: what each token's households allow to burn."""
    rows = connection.execute(select(chain_community.c.hub)).scalars()
    return frozenset(map(Pubkey.from_string, rows))


def forget_nonces(connection: Connection, community: str, accounts: Mapping[str, Pubkey]) -> None:
    """Bind each household to a nonce account that is still to be opened: nobody renews the one of before."""
    row = chain_household.c
    for household, account in accounts.items():
        connection.execute(
            update(chain_household)
            .where(row.community_id == community, row.household_id == household)
            .values(nonce_account=str(account), nonce=None)
        )


def change_community(connection: Connection, community: str, **values: Any) -> None:
    """Change what is known of a community's token: columns of `chain_community`."""
    connection.execute(update(chain_community).where(chain_community.c.community_id == community).values(**values))


def _community(row: Mapping[str, Any]) -> CommunityChain:
    return CommunityChain(
        community=row["community_id"],
        genesis=row["genesis"],
        mint=Pubkey.from_string(row["mint"]),
        authority=Pubkey.from_string(row["authority"]),
        approvers_authority=Pubkey.from_string(row["approvers_authority"]),
        escrow=Pubkey.from_string(row["escrow"]),
        hub=Pubkey.from_string(row["hub"]),
        verifiers=tuple(map(Pubkey.from_string, row["verifiers"].split())),
        approvers=tuple(map(Pubkey.from_string, row["approvers"].split())),
        needed=row["needed"],
        nonce_account=None if row["nonce_account"] is None else Pubkey.from_string(row["nonce_account"]),
        nonce=row["nonce"],
        is_paused=row["paused_at"] is not None,
        handing_over=row["handing_over"],
        hubs_before=tuple(map(Pubkey.from_string, (row["hubs_before"] or "").split())),
        acting_hub=None if row["acting_hub"] is None else Pubkey.from_string(row["acting_hub"]),
        lost_hub=None if row["lost_hub"] is None else Pubkey.from_string(row["lost_hub"]),
        program=None if row["program"] is None else Pubkey.from_string(row["program"]),
        meter_lamports=row["meter_lamports"] or 0,
    )
