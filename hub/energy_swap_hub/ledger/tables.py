"""The ledger's tables and the names of its accounts.

Amounts are signed and what we owe is positive: a household's wallet grows by a positive posting. What stands
against it (cash in trust, tokens minted) is negative, so that every entry and the whole ledger sum to zero.
"""

from functools import lru_cache
from typing import Final, Literal

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from energy_swap_hub.storage import Id, UtcTime, metadata

type Currency = Literal["KES", "eKWh"]

TRUST_CASH: Final = "trust_cash"  # minus the KES that lie in the trust account at M-Pesa
FEES: Final = "fees"  # earned by the community
FUND: Final = "fund"  # the community's own, for rewards
GRID: Final = "grid"  # owed to the owner of the wires
ROUNDING: Final = "rounding"  # cents left over when energy times price is rounded
SUSPENSE: Final = "suspense"  # money that came without a known owner
PAYOUT_PENDING: Final = "payout_pending"  # left the wallet, has not left M-Pesa
MINTED: Final = "minted"  # minus all Wh ever minted
BURNED: Final = "burned"  # all Wh ever burned

_ENERGY: Final = (MINTED, BURNED, ":ekwh", ":ekwh_held")


def kes(household_id: str) -> str:
    """Return the account of a household's spendable money."""
    return f"{household_id}:kes"


def kes_held(household_id: str) -> str:
    """Return the account of a household's money that an order or bid has reserved."""
    return f"{household_id}:kes_held"


def ekwh(household_id: str) -> str:
    """Return the account of a household's free tokens."""
    return f"{household_id}:ekwh"


def ekwh_held(household_id: str) -> str:
    """Return the account of a household's tokens in the chain's escrow."""
    return f"{household_id}:ekwh_held"


@lru_cache(65_536)
def currency_of(account: str) -> Currency:
    """Return what an account counts: KES cents or eKWh Wh."""
    return "eKWh" if account.endswith(_ENERGY) else "KES"


entry = Table(
    "ledger_entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column(
        "at", UtcTime, nullable=False
    ),  # when it happened, by whoever told it: M-Pesa's receipts carry M-Pesa's time
    Column("booked_at", UtcTime, nullable=False),  # when we took it into the books: never inside a closed day
    Column("text", Text, nullable=False),
    Column("corrects_entry_id", ForeignKey("ledger_entry.id")),
    UniqueConstraint("community_id", "source", "external_id"),
    Index("ledger_entry_booked_at", "community_id", "booked_at"),
    Index("ledger_entry_by_number", "community_id", "id"),
)

# A closed day: a hash of all that was booked in it and of the day before (see days.py).
day = Table(
    "ledger_day",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # 2026-11-20, in the community's zone
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("first_entry_id", BigInteger),  # none on a day without entries
    Column("last_entry_id", BigInteger),
    Column("hash", Text, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
)

posting = Table(
    "ledger_posting",
    metadata,
    Column("entry_id", ForeignKey("ledger_entry.id"), primary_key=True),
    Column("leg", BigInteger, primary_key=True),
    Column("community_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("ledger_posting_account", "community_id", "account"),
    sqlite_with_rowid=False,  # its key is where it lies: one tree to write, not two
)

# The sum of an account's postings, kept beside them in the same transaction.
account_balance = Table(
    "ledger_balance",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("balance", BigInteger, nullable=False),
    CheckConstraint("balance >= 0 OR account NOT LIKE '%:%'", name="no_household_below_zero"),
    sqlite_with_rowid=False,
)

hold = Table(
    "ledger_hold",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),  # the household's free account it was taken from
    Column("remaining", BigInteger, nullable=False),
    Column("is_open", BigInteger, nullable=False),
    CheckConstraint("remaining >= 0", name="no_hold_below_zero"),
    sqlite_with_rowid=False,
)
