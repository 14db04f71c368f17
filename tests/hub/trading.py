"""A village that only trades on the spot market: many households with money and tokens, and no chain that runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import energy_swap_hub.hub  # noqa: F401 - with the hub come all tables
from energy_swap_hub import ledger
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import HouseholdAccount, add_community, add_household
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household as household_table
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.tokens import TokenDesk
from energy_swap_hub.storage import insert_rows, metadata
from energy_swap_protocol.message import SellOrder
from energy_swap_protocol.transaction import ChainInfo, lock_message, sign_as_household, token_account
from nacl.signing import SigningKey
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VILLAGE = "kisima"
FEES = 200
COMMUNITY = CommunityConfig(
    id=VILLAGE,
    name="Kisima",
    opened_at=NOW - timedelta(days=1),
    approvers=tuple(str(Keypair.from_seed(bytes([n]) * 32).pubkey()) for n in (1, 2, 3)),
    approvals_needed=2,
    tariffs=(Tariff(NOW - timedelta(days=2), 50, 150, 2_500, 300),),
)


def keys(count: int) -> list[SigningKey]:
    """Return the households' keys; the first one's household is h-001."""
    return [SigningKey(number.to_bytes(32, "big")) for number in range(1, count + 1)]


def hub_desk() -> tuple[Desk, CommunityChain]:
    """Return what carries messages out, and the chain whose addresses it signs for."""
    hub = Keypair.from_seed(bytes([9]) * 32)
    places = [Keypair.from_seed(bytes([20 + n]) * 32).pubkey() for n in range(6)]
    chain = CommunityChain(
        community=VILLAGE,
        genesis="none",
        mint=places[0],
        authority=places[1],
        approvers_authority=places[2],
        escrow=places[3],
        hub=hub.pubkey(),
        verifiers=(places[4], places[5]),
        approvers=tuple(Pubkey.from_string(key) for key in COMMUNITY.approvers),
        needed=2,
    )
    mpesa: Any = None  # nobody here asks for a payment
    return Desk(COMMUNITY, PhoneBook(bytes(32)), mpesa, Charges.load(), TokenDesk(hub)), chain


def found(
    connection: Connection, chain: CommunityChain, members: Sequence[SigningKey], *, cents: int, wh: int
) -> None:
    """Let the village be there; each household has ``cents`` and ``wh``."""
    add_community(connection, chain)
    names = (
        *("community_id", "id", "number", "name", "key", "meter", "phone_sealed", "phone_hash", "rated_pv_w"),
        *("main_breaker_w", "status", "applied_at", "admitted_at"),
    )
    rows, postings = [], []
    for number, key in enumerate(members, start=1):
        name, public = f"h-{number:03d}", bytes(key.verify_key)
        row = (VILLAGE, name, number, name, public, public[::-1], b"", public, 5_000, 10_000, "admitted", NOW, NOW)
        rows.append(row)
        owner = Pubkey.from_bytes(public)
        account = HouseholdAccount(name, owner, token_account(owner, chain.mint), owner, None)
        add_household(connection, VILLAGE, account)
        postings += [Posting(ledger.kes(name), cents), Posting(ledger.ekwh(name), wh)]
    insert_rows(connection, household_table, names, rows)
    postings += [Posting(ledger.TRUST_CASH, -cents * len(members)), Posting(ledger.MINTED, -wh * len(members))]
    ledger.post(connection, VILLAGE, Entry("test", "1", NOW, "to begin with", postings))


@contextmanager
def in_memory(members: Sequence[SigningKey], chain: CommunityChain, *, cents: int, wh: int) -> Iterator[Engine]:
    """Yield a database in memory with such a village; it has one connection."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    metadata.create_all(engine)
    with engine.begin() as connection:
        found(connection, chain, members, cents=cents, wh=wh)
    yield engine
    engine.dispose()


def head(order: UUID) -> dict[str, Any]:
    """Return what every message carries."""
    return {"id": order, "community": VILLAGE, "sent_at": int(NOW.timestamp())}


def sale(chain: CommunityChain, key: SigningKey, order: UUID, wh: int, at_least: int, **wishes: Any) -> SellOrder:
    """Return a sale with its lock, which the household has signed."""
    info = ChainInfo(chain.mint, chain.escrow, chain.hub, Hash.hash(b"recent"))
    message = lock_message(info, Pubkey.from_bytes(bytes(key.verify_key)), wh, order)
    return SellOrder(
        **head(order), wh=wh, at_least=at_least, lock=sign_as_household(message, bytes(key)), **wishes
    )
