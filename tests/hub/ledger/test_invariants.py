from collections import defaultdict
from datetime import UTC, datetime

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Overdrawn, Posting, currency_of
from energy_swap_hub.ledger.tables import account_balance
from energy_swap_hub.ledger.tables import hold as hold_table
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from tests.hub.tables import empty_tables

VILLAGE = "village"
NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
HOUSEHOLDS = ("h-001", "h-002", "h-003")
FREE = [account(h) for h in HOUSEHOLDS for account in (ledger.kes, ledger.ekwh)]
OUTSIDE = {"KES": ledger.TRUST_CASH, "eKWh": ledger.MINTED}

accounts = st.sampled_from(FREE)
amounts = st.integers(0, 1_000)


class LedgerMachine(RuleBasedStateMachine):
    """Post, hold, spend and close in any order, beside a plain model of what must come out."""

    def __init__(self) -> None:
        super().__init__()
        self._tables = empty_tables()
        self.connection = self._tables.__enter__()
        self.balances: dict[str, int] = defaultdict(int)
        self.holds: dict[str, tuple[str, int]] = {}  # the open ones: free account and what remains
        self.closed: list[str] = []
        self.posted: list[Entry] = []
        self.number = 0

    def teardown(self) -> None:
        self._tables.__exit__(None, None, None)

    def _next(self) -> str:
        self.number += 1
        return str(self.number)

    def _try(self, *postings: Posting) -> bool:
        """Post; return whether it went through, which must be what the model says."""
        entry = Entry("test", self._next(), NOW, "step", postings)
        after = dict(self.balances)
        for p in postings:
            after[p.account] = after.get(p.account, 0) + p.amount
        if any(total < 0 for account, total in after.items() if ":" in account):
            with pytest.raises(Overdrawn):
                ledger.post(self.connection, VILLAGE, entry)
            return False
        assert ledger.post(self.connection, VILLAGE, entry)
        self.balances.update(after)
        self.posted.append(entry)
        return True

    @rule(account=accounts, amount=amounts)
    def bring_in(self, account: str, amount: int) -> None:
        assert self._try(Posting(OUTSIDE[currency_of(account)], -amount), Posting(account, amount))

    @rule(account=accounts, amount=amounts)
    def take_out(self, account: str, amount: int) -> None:
        self._try(Posting(account, -amount), Posting(OUTSIDE[currency_of(account)], amount))

    @rule(
        kes=st.lists(st.tuples(st.sampled_from(FREE[::2]), st.integers(-500, 500)), max_size=4),
        wh=st.lists(st.tuples(st.sampled_from(FREE[1::2]), st.integers(-500, 500)), max_size=4),
    )
    def trade(self, kes: list[tuple[str, int]], wh: list[tuple[str, int]]) -> None:
        postings = [Posting(account, amount) for account, amount in kes + wh]
        postings.append(Posting(ledger.ROUNDING, -sum(amount for _, amount in kes)))
        postings.append(Posting(ledger.BURNED, -sum(amount for _, amount in wh)))
        self._try(*postings)

    @rule(account=accounts, amount=st.integers(1, 1_000))
    def post_unbalanced(self, account: str, amount: int) -> None:
        postings = [Posting(account, amount), Posting(OUTSIDE[currency_of(account)], 1 - amount)]
        with pytest.raises(ValueError, match="sum to zero"):
            ledger.post(self.connection, VILLAGE, Entry("test", self._next(), NOW, "wrong", postings))

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def post_again(self, data: st.DataObject) -> None:
        assert not ledger.post(self.connection, VILLAGE, data.draw(st.sampled_from(self.posted)))

    @rule(account=accounts, amount=amounts)
    def hold(self, account: str, amount: int) -> None:
        name = f"hold:{self._next()}"
        if amount > self.balances[account]:
            with pytest.raises(Overdrawn):
                ledger.hold(self.connection, VILLAGE, name, account, amount, at=NOW, text="hold")
            return
        ledger.hold(self.connection, VILLAGE, name, account, amount, at=NOW, text="hold")
        self.balances[account] -= amount
        self.balances[f"{account}_held"] += amount
        self.holds[name] = (account, amount)

    @precondition(lambda self: self.holds or self.closed)
    @rule(data=st.data())
    def hold_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([*self.holds, *self.closed]))
        with pytest.raises(ValueError, match="exists"):
            ledger.hold(self.connection, VILLAGE, name, FREE[0], 0, at=NOW, text="again")

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.integers(0, 400), taker=st.sampled_from(HOUSEHOLDS))
    def spend(self, data: st.DataObject, amount: int, taker: str) -> None:
        name = data.draw(st.sampled_from(list(self.holds)))
        account, remaining = self.holds[name]
        if amount > remaining:
            with pytest.raises(Overdrawn):
                ledger.spend_hold(self.connection, VILLAGE, name, amount)
            return
        spent = ledger.spend_hold(self.connection, VILLAGE, name, amount)
        assert spent == Posting(f"{account}_held", -amount)
        goes_to = ledger.kes(taker) if currency_of(account) == "KES" else ledger.ekwh(taker)
        assert self._try(spent, Posting(goes_to, amount))
        self.holds[name] = (account, remaining - amount)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.holds)))
        account, remaining = self.holds.pop(name)
        assert ledger.close_hold(self.connection, VILLAGE, name, at=NOW, text="closed") == remaining
        self.balances[account] += remaining
        self.balances[f"{account}_held"] -= remaining
        self.closed.append(name)

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def touch_a_closed_hold(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.closed))
        assert ledger.close_hold(self.connection, VILLAGE, name, at=NOW, text="closed again") == 0
        with pytest.raises(Overdrawn):
            ledger.spend_hold(self.connection, VILLAGE, name, 0)

    @invariant()
    def balances_are_the_sums_of_postings_and_as_expected(self) -> None:
        row = account_balance.c
        query = select(row.account, row.balance).where(row.community_id == VILLAGE)
        stored = {account: balance for account, balance in self.connection.execute(query) if balance}
        summed = {a: total for a, total in ledger.trial_balance(self.connection, VILLAGE).items() if total}
        assert stored == summed == {account: total for account, total in self.balances.items() if total}

    @invariant()
    def each_currency_sums_to_zero_and_no_household_is_below(self) -> None:
        sums = {"KES": 0, "eKWh": 0}
        for account, total in ledger.trial_balance(self.connection, VILLAGE).items():
            sums[currency_of(account)] += total
            assert total >= 0 or ":" not in account
        assert sums == {"KES": 0, "eKWh": 0}

    @invariant()
    def held_accounts_are_what_the_open_holds_reserve(self) -> None:
        reserved: dict[str, int] = defaultdict(int)
        for account, remaining, is_open in self.connection.execute(
            select(hold_table.c.account, hold_table.c.remaining, hold_table.c.is_open)
        ):
            assert is_open or not remaining
            reserved[f"{account}_held"] += remaining
        for free in FREE:
            assert ledger.balance(self.connection, VILLAGE, f"{free}_held") == reserved[f"{free}_held"]


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
