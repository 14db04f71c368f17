"""What settlement asks of the chain: durable intents in the same transaction as the ledger's entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from energy_swap_protocol.memo import AdmissionMemo
from energy_swap_protocol.period import Period
from energy_swap_protocol.reading import Reading, frame_to_text
from energy_swap_protocol.transaction import (
    ChainInfo,
    TransactionError,
    allowance_message,
    complete_as_hub,
    lock_message,
    token_account,
)
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from sqlalchemy import Connection

from energy_swap_hub import metering
from energy_swap_hub.chain import outbox
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import community_chain, household_account, token_accounts
from energy_swap_hub.chain.payload import Burn, Transfer
from energy_swap_hub.chain.payload import Mint as MintPayload
from energy_swap_hub.membership.households import Household


@dataclass(frozen=True, slots=True)
class Mint:
    """A household's net export; ``evidence`` are the (meter, sequence) of the readings that prove it."""

    household: Household
    wh: int
    evidence: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Move:
    """``wh`` that reach a household's account, or are burned from it."""

    household: Household
    wh: int


def settle_period(
    connection: Connection,
    community_id: str,
    period: Period,
    mints: Sequence[Mint],
    releases: Sequence[Move],
    burns: Sequence[Move],
    now: datetime,
    *,
    is_late: bool = False,
) -> list[str]:
    """Ask for a period's mints, what they release, then its burns; return the ids of the intents.

    They are named by the period's id, for late energy followed by ``.late``.
    """
    name = f"{period.id}.late" if is_late else period.id
    parties = {m.household.id for m in mints} | {m.household.id for m in (*releases, *burns)}
    if not parties:
        return []
    accounts = token_accounts(connection, community_id, parties)
    intents: list[str] = []
    if mints:
        frames = metering.frames(connection, {place for m in mints for place in m.evidence})
        texts = {place: frame_to_text(frame) for place, frame in frames.items()}
        mint_payloads = [
            MintPayload(
                m.household.id,
                accounts[m.household.id],
                m.wh,
                tuple(texts[place] for place in m.evidence if place in texts),
            )
            for m in mints
        ]
        transfers = [Transfer(accounts[r.household.id], r.wh) for r in releases]
        intents += outbox.enqueue_mint_period(
            connection, community_id, name, mint_payloads, transfers, now, minutes=period.minutes
        )
    if burns:
        burn_payloads = [Burn(b.household.id, accounts[b.household.id], b.wh) for b in burns]
        intents += outbox.enqueue_burn_period(connection, community_id, name, burn_payloads, now)
    return intents


def release(connection: Connection, community_id: str, reference: str, move: Move, now: datetime) -> None:
    """Give escrowed Wh to the buyer of a trade."""
    account = household_account(connection, community_id, move.household.id).account
    outbox.enqueue_release(connection, community_id, reference, account, move.wh, now)


def refund(connection: Connection, community_id: str, reference: str, move: Move, now: datetime) -> None:
    """Give escrowed Wh back to the seller."""
    account = household_account(connection, community_id, move.household.id).account
    outbox.enqueue_refund(connection, community_id, reference, account, move.wh, now)


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Completes with the hub's key what a household has signed; ``next_hub`` may take its place meanwhile."""

    hub: Keypair
    next_hub: Keypair | None = None

    def open_account(
        self, connection: Connection, community_id: str, household: Household, first: Reading, now: datetime
    ) -> None:
        """Open a household's frozen token account; ``first`` is the reading that it applied with."""
        owner = Pubkey.from_bytes(household.key)
        admission = AdmissionMemo(
            household.id, household.meter, first.sequence, household.rated_pv_w, household.main_breaker_w
        )
        outbox.enqueue_open_account(connection, community_id, household.id, owner, now, admission)

    def lock(
        self,
        connection: Connection,
        community_id: str,
        household: Household,
        text: str,
        wh: int,
        order: UUID,
        now: datetime,
    ) -> None:
        """Send the household's move of ``wh`` into escrow; raises `TransactionError` when it is anything else."""
        chain = community_chain(connection, community_id)
        check_locks_are_taken(chain)
        transaction = self.completed_lock(chain, household.key, text, wh, order)
        outbox.enqueue_household_transaction(connection, community_id, f"lock:{order}", transaction, now)

    def completed_lock(
        self, chain: CommunityChain, key: bytes, text: str, wh: int, order: UUID
    ) -> VersionedTransaction:
        """Return the move of ``wh`` into escrow by who has ``key``, with the hub's signature; raises as `lock`."""
        owner = Pubkey.from_bytes(key)
        return complete_as_hub(
            text, lambda b: lock_message(_info(chain, b), owner, wh, order), owner, self._pair(chain)
        )

    def allow(
        self,
        connection: Connection,
        community_id: str,
        household: Household,
        text: str,
        wh: int,
        message: UUID,
        now: datetime,
    ) -> None:
        """Send the household's allowance of ``wh``; raises `TransactionError` when it is anything else."""
        owner = Pubkey.from_bytes(household.key)
        chain = community_chain(connection, community_id)
        if is_hub_changing(chain):
            raise TransactionError("allowance: the hub's key is changing; ask for the chain again and sign later")
        transaction = complete_as_hub(
            text, lambda b: allowance_message(_info(chain, b), owner, wh, message), owner, self._pair(chain)
        )
        outbox.enqueue_household_transaction(connection, community_id, f"allow:{message}", transaction, now)

    def _pair(self, chain: CommunityChain) -> Keypair:
        """Return the hub's key of now; the other one signs nothing that could land."""
        is_next = self.next_hub is not None and self.next_hub.pubkey() == chain.hub
        return self.next_hub if is_next and self.next_hub is not None else self.hub


def is_hub_changing(chain: CommunityChain) -> bool:
    """Whether another key is taking the place of the hub's own."""
    return chain.acting_hub is not None or (chain.handing_over or "").startswith("hub:")


def check_locks_are_taken(chain: CommunityChain) -> None:
    """Raise `TransactionError` while nothing can be locked: it would be too late, or in an escrow that is left."""
    if chain.handing_over is not None or chain.acting_hub is not None:
        raise TransactionError(
            "lock: minting is going to other keys; ask for the chain again and sign in a minute"
        )
    if chain.is_paused:
        raise TransactionError("lock: the token is paused; sign again when the community has resumed it")


def _info(chain: CommunityChain, blockhash: Hash) -> ChainInfo:
    return ChainInfo(chain.mint, chain.escrow, chain.hub, blockhash)


def _account(mint: Pubkey, household: Household) -> str:
    return str(token_account(Pubkey.from_bytes(household.key), mint))
