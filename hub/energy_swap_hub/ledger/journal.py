"""What one transaction books: checked in memory in the order it is asked for, written with a few statements."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, text

from energy_swap_hub.storage.bulk import insert_rows, put_rows
from energy_swap_hub.storage.lookup import Lookup, is_in

from . import tables
from .days import open_since
from .entries import Entry, Hold, Overdrawn, Posting, net_by_account, overdrawn

_ABSENT: Final = object()

_LAST_ID: Final = Lookup(select(func.max(tables.entry.c.id)))
_BALANCES: Final = Lookup(
    select(tables.account_balance.c.account, tables.account_balance.c.balance).where(
        tables.account_balance.c.community_id == bindparam("community_id"),
        is_in(tables.account_balance.c.account, "accounts"),
    )
)
_HOLDS: Final = Lookup(
    select(tables.hold.c.id, tables.hold.c.account, tables.hold.c.remaining, tables.hold.c.is_open).where(
        tables.hold.c.community_id == bindparam("community_id"), is_in(tables.hold.c.id, "hold_ids")
    )
)
_NAMES: Final = Lookup(
    select(tables.entry.c.external_id).where(
        tables.entry.c.community_id == bindparam("community_id"),
        tables.entry.c.source == bindparam("source"),
        is_in(tables.entry.c.external_id, "external_ids"),
    )
)


class Journal:
    """The entries and holds of one transaction of one community.

    Every call checks all rules against the books as they are with what was booked before it, and either books or
    raises and changes nothing. Nothing reaches the database before `write`; reads beside the journal do not see
    it until then. What a call needs to know is read when it is missing; `expect` reads it for many at once.
    """

    def __init__(self, connection: Connection, community_id: str) -> None:
        self._connection = connection
        self._community_id = community_id
        # As in the database, and as it shall be; an account, name or hold is in both or in none.
        self._stored: dict[str, int] = {}
        self._balances: dict[str, int] = {}
        self._stored_holds: dict[str, Hold | None] = {}
        self._holds: dict[str, Hold | None] = {}
        self._is_used: dict[tuple[str, str], bool] = {}  # by (source, external_id)
        self._entries: list[Entry] = []
        self._attempts = 0
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []  # in an attempt: a mapping, a key, what it was

    def expect(
        self,
        *,
        accounts: Collection[str] = (),
        names: Mapping[str, Collection[str]] | None = None,
        holds: Collection[str] = (),
    ) -> None:
        """Read at once what the next calls need: balances, external ids by source, and holds."""
        self._read_balances(accounts)
        self._read_holds(holds)
        for source, external_ids in (names or {}).items():
            self._read_names(source, external_ids)

    def post(self, entry: Entry, *, is_new: bool = False) -> bool:
        """Append ``entry``; return False, changing nothing, when its (source, external_id) was posted before.

        A caller that knows that the name was never used says so with ``is_new``: it is then not looked up, and the
        table's unique key refuses the whole `write` of who is wrong.

        What comes with a time inside a closed day is booked at the beginning of the open one: money that is there
        is never refused for being late, and a closed day never changes.
        Raises `Overdrawn` when a household account would fall below zero, `ValueError` when it does not balance.
        """
        net = net_by_account(entry.postings)
        name = (entry.source, entry.external_id)
        if name not in self._is_used and not is_new:
            self._read_names(entry.source, (entry.external_id,))
        if self._is_used.get(name):
            return False
        self._move(net)
        self._set(self._is_used, name, True)
        self._entries.append(entry)
        return True

    def balance(self, account: str) -> int:
        """Return the balance of one account in cents or Wh, with what was booked here; 0 when never used."""
        if account not in self._balances:
            self._read_balances((account,))
        return self._balances[account]

    def require(self, account: str, amount: int) -> None:
        """Raise `Overdrawn` when a household's account has less than ``amount``, as taking it would."""
        have = self.balance(account)
        if have < amount:
            raise overdrawn(account, have, amount)

    def hold(
        self, hold_id: str, account: str, amount: int, *, at: datetime, text: str, is_new: bool = False
    ) -> None:
        """Reserve ``amount`` of a household's free account; raises `Overdrawn` when it has less.

        A hold is opened once: the same ``hold_id`` again is a `ValueError`, as is an amount below zero.
        ``is_new`` as in `post`.
        """
        if amount < 0:
            raise ValueError(f"a hold reserves something, not {amount}")
        postings = (Posting(account, -amount), Posting(f"{account}_held", amount))
        if not self.post(Entry("hold", hold_id, at, text, postings), is_new=is_new):
            raise ValueError(f"hold {hold_id} exists")
        # A hold and its entry come and go together: what has no entry has no row either.
        self._stored_holds[hold_id] = None
        self._set(self._holds, hold_id, Hold(account, amount, is_open=True))

    def hold_remaining(self, hold_id: str) -> int:
        """Return what a hold still reserves; 0 when it is closed or unknown."""
        hold = self._hold(hold_id)
        return hold.remaining if hold is not None and hold.is_open else 0

    def spend_hold(self, hold_id: str, amount: int) -> Posting:
        """Take ``amount`` out of an open hold and return the posting that the caller's entry must carry.

        Raises `Overdrawn` when the hold reserves less or is closed, and `ValueError` for an amount below zero.
        """
        if amount < 0:
            raise ValueError(f"a hold is spent, not filled: {amount}")
        hold = self._hold(hold_id)
        if hold is None or not hold.is_open or hold.remaining < amount:
            raise Overdrawn(f"hold {hold_id} does not reserve {amount}")
        self._set(self._holds, hold_id, Hold(hold.account, hold.remaining - amount, is_open=True))
        return Posting(f"{hold.account}_held", -amount)

    def close_hold(self, hold_id: str, *, at: datetime, text: str) -> int:
        """Give back what a hold still reserves and close it for ever; return the amount. Closed ones give 0."""
        hold = self._hold(hold_id)
        if hold is None or not hold.is_open:
            return 0
        account, remaining, _ = hold
        if remaining:
            postings = (Posting(f"{account}_held", -remaining), Posting(account, remaining))
            self.post(Entry("release_hold", hold_id, at, text, postings), is_new=True)
        self._set(self._holds, hold_id, Hold(account, 0, is_open=False))
        return remaining

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """All or nothing: when an error leaves the block, nothing of what was booked inside remains."""
        changes, entries = len(self._undo), len(self._entries)
        self._attempts += 1
        try:
            yield
        except BaseException:
            while len(self._undo) > changes:
                mapping, key, before = self._undo.pop()
                if before is _ABSENT:
                    del mapping[key]
                else:
                    mapping[key] = before
            del self._entries[entries:]
            raise
        finally:
            self._attempts -= 1
            if not self._attempts:
                self._undo.clear()

    def write(self) -> None:
        """Put all of it into the database's transaction and forget what was read."""
        self._write_entries()
        community = self._community_id
        put_rows(
            self._connection,
            tables.account_balance,
            ("community_id", "account", "balance"),
            [
                (community, account, balance)
                for account, balance in self._balances.items()
                if balance != self._stored[account]
            ],
        )
        put_rows(
            self._connection,
            tables.hold,
            ("community_id", "id", "account", "remaining", "is_open"),
            [
                (community, hold_id, hold.account, hold.remaining, int(hold.is_open))
                for hold_id, hold in self._holds.items()
                if hold is not None and hold != self._stored_holds[hold_id]
            ],
        )
        for memory in (self._stored, self._balances, self._stored_holds, self._holds, self._is_used):
            memory.clear()

    def _write_entries(self) -> None:
        if not self._entries:
            return
        community, closed_until = self._community_id, open_since(self._connection, self._community_id)
        entries, postings = [], []
        for entry_id, e in zip(self._next_ids(len(self._entries)), self._entries, strict=True):
            booked_at = e.booked_at or e.at
            if closed_until is not None and booked_at < closed_until:
                booked_at = closed_until
            entries.append((entry_id, community, e.source, e.external_id, e.at, booked_at, e.text, e.corrects))
            moved = [posting for posting in e.postings if posting[1]]
            postings += [
                (entry_id, leg, community, account, amount) for leg, (account, amount) in enumerate(moved)
            ]
        insert_rows(self._connection, tables.entry, _ENTRY, entries)
        insert_rows(self._connection, tables.posting, _POSTING, postings)
        self._entries.clear()

    def _next_ids(self, count: int) -> Iterable[int]:
        """Return ids for as many entries, rising: in their order the days' hashes are made."""
        if self._connection.dialect.name == "sqlite":
            last = _LAST_ID.scalar(self._connection) or 0
            return range(last + 1, last + 1 + count)
        numbers = text(
            "SELECT nextval(pg_get_serial_sequence('ledger_entry', 'id')) FROM generate_series(1, :count)"
        )
        return self._connection.execute(numbers, {"count": count}).scalars().all()

    def _move(self, net: Mapping[str, int]) -> None:
        balances = self._balances
        missing = [account for account in net if account not in balances]
        if missing:
            self._read_balances(missing)
        after = {account: balances[account] + amount for account, amount in net.items()}
        if min(after.values(), default=0) < 0:
            short = [a for a, balance in after.items() if balance < 0 and net[a] < 0 and ":" in a]
            if short:
                account = min(short)
                raise overdrawn(account, balances[account], -net[account])
        if self._attempts:
            for account, balance in after.items():
                self._set(balances, account, balance)
        else:
            balances |= after

    def _hold(self, hold_id: str) -> Hold | None:
        if hold_id not in self._holds:
            self._read_holds((hold_id,))
        return self._holds[hold_id]

    def _set[K, V](self, mapping: dict[K, V], key: K, value: V) -> None:
        if self._attempts:
            self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def _read_balances(self, accounts: Collection[str]) -> None:
        missing = [account for account in accounts if account not in self._balances]
        if not missing:
            return
        found = dict.fromkeys(missing, 0)
        found.update(_BALANCES.all(self._connection, community_id=self._community_id, accounts=missing))
        self._stored |= found
        self._balances |= found

    def _read_holds(self, hold_ids: Collection[str]) -> None:
        missing = [hold_id for hold_id in hold_ids if hold_id not in self._holds]
        if not missing:
            return
        found: dict[str, Hold | None] = dict.fromkeys(missing)
        rows = _HOLDS.all(self._connection, community_id=self._community_id, hold_ids=missing)
        for hold_id, account, remaining, is_open in rows:
            found[hold_id] = Hold(account, remaining, bool(is_open))
        self._stored_holds |= found
        self._holds |= found

    def _read_names(self, source: str, external_ids: Collection[str]) -> None:
        missing = [external_id for external_id in external_ids if (source, external_id) not in self._is_used]
        if not missing:
            return
        given = {"community_id": self._community_id, "source": source, "external_ids": missing}
        used = {external_id for (external_id,) in _NAMES.all(self._connection, **given)}
        self._is_used |= {(source, external_id): external_id in used for external_id in missing}


_ENTRY: Final = (
    "id",
    "community_id",
    "source",
    "external_id",
    "at",
    "booked_at",
    "text",
    "corrects_entry_id",
)
_POSTING: Final = ("entry_id", "leg", "community_id", "account", "amount")
