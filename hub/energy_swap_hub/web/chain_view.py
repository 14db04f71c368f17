"""What the console shows of the chain, beside what the ledger says."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypedDict

from energy_swap_protocol.transaction import token_account
from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.chain import Chain
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.chain.intent import Intent, State, all_intents, intent_in, intents_of
from energy_swap_hub.chain.keys import HubKeys
from energy_swap_hub.chain.payload import (
    Admit,
    Approved,
    BurnPeriod,
    HouseholdTransaction,
    MintPeriod,
    OpenAccount,
    Release,
)
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.ledger import BURNED, MINTED
from energy_swap_hub.membership.households import by_key
from energy_swap_hub.settlement import chain_watch, machine_tables, spot_tables, tables
from energy_swap_hub.settlement.chain_watch import fees_needed
from energy_swap_hub.storage import Database

from .paging import Page, rows_of

_PILOT_CUSTODY: Final = (
    "Pilot custody: minting and escrow need two of three keys, but both verifier keys still lie beside the hub's. "
    "Admissions need the approvers' own devices."
)
_VERIFIED: Final = (
    "Minting and escrow need two of three keys: the hub holds one, a verifier elsewhere re-checks the signed "
    "readings before it signs. Verifiers: {}. Admissions need the approvers' own devices."
)


class IntentRow(TypedDict):
    """What shall happen on the chain once; ``wh`` and ``household`` where it has one, times Unix seconds."""

    number: int
    id: str
    kind: str
    state: str
    signature: str | None
    fee_lamports: int | None
    created_at: int
    finished_at: int | None
    error: str | None
    signed: str | None
    household: str | None
    wh: int | None


class Intents(TypedDict):
    """A page of intents, newest first; ``next`` is the ``before`` of what follows; ``total`` if asked for."""

    intents: list[IntentRow]
    next: int | None
    total: int | None


class ChainTransaction(TypedDict):
    """A transaction's bytes in base64, as the chain has them."""

    transaction: str


class ChainView:
    """Reads the chain for the console."""

    def __init__(
        self,
        database: Database,
        chain: Chain,
        community: CommunityChain,
        keys: HubKeys,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._clock = clock
        self.chain = self._chain = chain
        self._community = community
        self._keys = keys

    def _custody(self, token: CommunityChain) -> str:
        if self._keys.is_pilot_custody(token.verifiers):
            return _PILOT_CUSTODY
        return _VERIFIED.format(", ".join(map(str, token.verifiers)))

    def account(self, key: bytes) -> str:
        """Return the token account (base58) of a household's public key."""
        return str(token_account(Pubkey.from_bytes(key), self._community.mint))

    def pending(self, connection: Connection) -> int:
        """Return how many intents are not final."""
        query = (
            select(func.count())
            .select_from(chain_intent)
            .where(
                chain_intent.c.community_id == self._community.community,
                chain_intent.c.state.in_((State.QUEUED, State.SENT)),
            )
        )
        return connection.execute(query).scalar_one()

    def _costs(self, connection: Connection) -> dict[str, Any]:
        """Return what transactions cost: by kind, for each kWh ever minted, and what should be there for more."""
        name, row = self._community.community, chain_intent.c
        query = (
            select(row.kind, func.count(), func.coalesce(func.sum(row.fee_lamports), 0))
            .where(row.community_id == name, row.finished_at.is_not(None))
            .group_by(row.kind)
            .order_by(row.kind)
        )
        kinds = [
            {"kind": kind, "transactions": int(count), "lamports": int(lamports)}
            for kind, count, lamports in connection.execute(query)
        ]
        total, minted_wh = sum(kind["lamports"] for kind in kinds), -ledger.balance(connection, name, MINTED)
        needed, week = fees_needed(connection, name, self._clock())
        return {
            "lamports": total,
            "lamports_per_kwh": None if not minted_wh else round(total * 1000 / minted_wh),
            "week_lamports": week,
            "needed_lamports": needed,
            "kinds": kinds,
        }

    def intents(self, connection: Connection, kind: str | None, page: Page) -> Intents:
        """Return a page of the intents, all or those of a kind, newest first."""
        query = all_intents(self._community.community, kind)
        found, total = rows_of(connection, query, chain_intent.c.number, page)
        rows = [_row(connection, intent_in(row)) for row in found]
        return {"intents": rows, "next": page.following([row["number"] for row in rows]), "total": total}

    async def transaction(self, signature: str) -> str:
        """Return one of the community's transactions as the chain has it, in base64; raise `LookupError`."""
        return base64.b64encode(await self._chain.transaction(self._community.community, signature)).decode()

    async def summary(self) -> dict[str, Any]:
        """Return supply and slot as the chain has them now."""
        slot, supply_wh = await self._chain.supply_wh_at(self._community.community)
        return {
            "cluster": await self._chain.cluster(),
            "slot": slot,
            "supply_wh": supply_wh,
            "mint": str(self._community.mint),
        }

    async def page(self) -> dict[str, Any]:
        """Return the chain page: supply beside ledger, custody, and the newest intents."""
        name = self._community.community

        def query(connection: Connection) -> dict[str, Any]:
            return {
                "ledger_wh": ledger.ekwh_outstanding(connection, name),
                "minted_wh": -ledger.balance(connection, name, MINTED),
                "burned_wh": ledger.balance(connection, name, BURNED),
                "pending": self.pending(connection),
                "costs": self._costs(connection),
                "compared_at": _compared_at(connection, name),
                "intents": [_row(connection, intent) for intent in intents_of(connection, name)],
            }

        token = await self._database.read(lambda c: community_chain(c, name))
        lamports = await self._chain.fee_balance_lamports(name)
        return {
            **await self.summary(),
            **await self._database.read(query),
            "version": await self._chain.version(),
            "escrow": str(token.escrow),
            "escrow_wh": await self._chain.escrow_wh(name),
            "custody": self._custody(token),
            "is_paused": token.is_paused,
            "fee_payer": str(token.payer),
            "trust_program": None if token.program is None else str(token.program),
            "lost_hub": None if token.lost_hub is None else str(token.lost_hub),
            "fee_balance_lamports": lamports,
        }


def _compared_at(connection: Connection, community_id: str) -> int | None:
    """Return when every wallet was last compared with the chain."""
    row = machine_tables.saga_step.c
    query = select(func.max(row.at)).where(
        row.community_id == community_id, row.kind == chain_watch.SAGA, row.error.is_(None)
    )
    at = connection.execute(query).scalar()
    return None if at is None else int(at.timestamp())


def _row(connection: Connection, intent: Intent) -> IntentRow:
    signed, household, wh = _what(connection, intent)
    return {
        "number": intent.number,
        "id": intent.id,
        "kind": intent.kind,
        "state": intent.state.value,
        "signature": intent.signature,
        "fee_lamports": intent.fee_lamports,
        "created_at": int(intent.created_at.timestamp()),
        "finished_at": None if intent.finished_at is None else int(intent.finished_at.timestamp()),
        "error": intent.error,
        "signed": signed,
        "household": household,
        "wh": wh,
    }


def _what(connection: Connection, intent: Intent) -> tuple[str | None, str | None, int | None]:
    """Return what a household signed (order, auction, allowance), whose transaction it is, and of how much."""
    signed, household, wh = None, None, None
    match intent.payload:
        case OpenAccount() | Admit() as payload:
            household = payload.household
        case Approved() as payload:
            proposal = proposal_store.find(connection, intent.community, payload.proposal)
            household = None if proposal is None else proposal.household
        case MintPeriod() as payload:
            wh = sum(mint.wh for mint in payload.mints)
        case BurnPeriod() as payload:
            wh = sum(burn.wh for burn in payload.burns)
            household = payload.burns[0].household if len(payload.burns) == 1 else None
        case Release() as payload:
            wh = payload.transfer.wh
        case HouseholdTransaction():
            signed, household, wh = _signed(connection, intent)
    return signed, household, wh


def _signed(connection: Connection, intent: Intent) -> tuple[str | None, str | None, int | None]:
    what, _, subject = intent.id.partition(":")
    message = tables.message.c
    found = connection.execute(
        select(message.signer, message.details).where(
            message.community_id == intent.community, message.id == subject
        )
    ).first()
    if found is None:
        return None, None, None
    signer = by_key(connection, bytes(found[0]))
    household = None if signer is None else signer.id
    if what == "allow":
        return "allowance", household, int(found[1]["wh"])
    for name, table in (("order", spot_tables.spot_order), ("auction", tables.auction)):
        wh = connection.execute(
            select(table.c.wh).where(table.c.community_id == intent.community, table.c.id == subject)
        ).scalar()
        if wh is not None:
            return name, household, int(wh)
    return None, household, None
