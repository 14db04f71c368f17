"""A payment given back: money set aside first, asked for once, and every end of it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, SUSPENSE
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.client import DarajaClient
from energy_swap_hub.mpesa.tables import payment_reversal
from energy_swap_hub.settlement.actions import Action
from energy_swap_hub.settlement.payment_decisions import payment_actions
from energy_swap_hub.settlement.payments import UNKNOWN_PAYER, assign_payment, order_reversal
from energy_swap_hub.settlement.reconciliation import reconcile_statement
from energy_swap_hub.settlement.reviews import resolve_review
from energy_swap_hub.settlement.tables import review
from sqlalchemy import Connection, select

from tests.hub.mpesa.test_faults import decided


async def paid(bank: Any, kes: int = 100) -> str:
    """Let h-001 pay in; return the receipt."""
    await bank.top_up(kes)
    await bank.settle()
    return str(bank.simulator.control.summary()["movements"][0]["receipt"])


async def give_back(bank: Any, receipt: str) -> None:
    await bank.database.write(
        lambda c: order_reversal(c, bank.mpesa, "green", receipt, reason="paid twice", who="office", now=bank.now)
    )


def note_only(kind: str, subject: str, now: datetime) -> Callable[[Connection], None]:
    """Return a person's decision to do nothing about a review."""

    def resolve(connection: Connection) -> None:
        row = review.c
        query = select(row.id).where(row.kind == kind, row.subject == subject, row.state == "open")
        number = connection.execute(query).scalar_one()
        resolve_review(connection, "green", number, note="seen", who="office", now=now)

    return resolve


async def actions(bank: Any, receipt: str) -> list[Action]:
    """Return what can be done about a payment that is nobody's."""
    return await bank.database.read(lambda c: payment_actions(c, "green", UNKNOWN_PAYER, receipt))  # type: ignore[no-any-return]


async def reversal(bank: Any) -> dict[str, Any]:
    rows = await bank.database.read(lambda c: [dict(r) for r in c.execute(select(payment_reversal)).mappings()])
    [row] = rows
    return dict(row)


async def test_a_payment_is_given_back_and_who_ordered_it_is_known(bank: Any) -> None:
    receipt = await paid(bank)
    await give_back(bank, receipt)
    assert (await bank.cents(), await bank.balance(PAYOUT_PENDING)) == (0, 10_000)
    await bank.settle()
    assert (await reversal(bank))["state"] == "reversed"
    assert (await bank.balance(PAYOUT_PENDING), bank.at_mpesa_cents(), await bank.reviews()) == (0, 0, {})
    [line] = await bank.database.read(
        lambda c: c.execute(select(audit.c.who, audit.c.what, audit.c.subject)).all()
    )
    assert tuple(line) == ("office", "gave a payment back: paid twice", receipt)
    with pytest.raises(PaymentRefused, match="never asked for twice"):
        await give_back(bank, receipt)


async def test_what_is_spent_or_unknown_cannot_be_given_back(bank: Any) -> None:
    receipt = await paid(bank)
    await bank.pay_out("p-1", 50)
    await bank.settle()
    with pytest.raises(ledger.Overdrawn):
        await give_back(bank, receipt)
    with pytest.raises(LookupError, match="NOSUCH1234"):
        await give_back(bank, "NOSUCH1234")
    rows = await bank.database.read(lambda c: c.execute(select(payment_reversal)).all())
    assert rows == [], "nothing is half done"


async def test_a_reversal_that_m_pesa_refuses_puts_the_money_back(bank: Any) -> None:
    receipt = await paid(bank)
    bank.simulator.faults.arm("F21", variant="21", product="reversal")
    await give_back(bank, receipt)
    await bank.settle()
    assert (await bank.cents(), await bank.balance(PAYOUT_PENDING)) == (10_000, 0)
    assert await bank.reviews() == {"reversal_failed": receipt}


async def test_what_went_on_while_the_hub_looked_is_not_taken_for_lost(
    bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at what is due may show a request as it was before its answer came."""
    receipt = await paid(bank)
    read, reverse = bank.database.read, DarajaClient.reverse

    async def hear_late(client: DarajaClient, **what: Any) -> Any:
        answer = await reverse(client, **what)
        await asyncio.sleep(0.05)  # the hub looks meanwhile
        return answer

    async def read_slowly(work: Callable[[Connection], Any]) -> Any:
        rows = await read(work)
        await asyncio.sleep(0.1)  # and has not done so when the answer is written down
        return rows

    monkeypatch.setattr(DarajaClient, "reverse", hear_late)
    monkeypatch.setattr(bank.database, "read", read_slowly)
    await give_back(bank, receipt)
    await bank.settle()
    assert (await reversal(bank))["state"] == "reversed"
    assert await bank.reviews() == {}


@pytest.mark.parametrize("action", [Action.REVERSED, Action.NOT_REVERSED])
async def test_a_reversal_whose_answer_is_lost_is_not_sent_again_but_decided(bank: Any, action: Action) -> None:
    receipt = await paid(bank)
    variant = "before" if action is Action.NOT_REVERSED else "after"
    bank.simulator.faults.arm("F29", variant=variant, product="reversal")
    bank.simulator.faults.arm("F19", variant="silent", product="reversal")
    await give_back(bank, receipt)
    await bank.settle()
    await bank.pass_time(1)
    assert (await bank.reviews(), await bank.balance(PAYOUT_PENDING)) == ({"reversal_unresolved": receipt}, 10_000)
    asked = bank.simulator.books.rows("SELECT 1 FROM inquiry WHERE kind = 'reversal'")
    assert len(asked) == (action is Action.REVERSED)
    if action is Action.REVERSED:
        with pytest.raises(ValueError, match="receipt is missing"):
            await decided(bank, "reversal_unresolved", receipt, action)
        movement = next(m for m in bank.simulator.control.summary()["movements"] if m["kind"] == "reversal")
        await decided(bank, "reversal_unresolved", receipt, action, receipt=movement["receipt"])
    else:
        await decided(bank, "reversal_unresolved", receipt, action)
    assert await bank.balance(PAYOUT_PENDING) == 0
    assert await bank.cents() == (0 if action is Action.REVERSED else 10_000)


async def test_the_statement_ends_a_reversal_that_nobody_told_of(bank: Any) -> None:
    receipt = await paid(bank)
    bank.simulator.faults.arm("F19", variant="silent", product="reversal")
    await give_back(bank, receipt)
    await bank.settle(step=30)
    data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert (found.differences, found.matched) == ((), 2)
    assert ((await reversal(bank))["state"], await bank.balance(PAYOUT_PENDING)) == ("reversed", 0)


async def test_a_payment_in_suspense_can_be_given_back(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    receipt = (await bank.pay_by_hand(70, "NOBODY"))["receipt"]
    await bank.settle()
    await give_back(bank, receipt)
    await bank.settle()
    assert (await bank.balance(SUSPENSE), await bank.balance(PAYOUT_PENDING), bank.at_mpesa_cents()) == (0, 0, 0)


async def test_a_payment_on_its_way_back_has_no_owner_to_find(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    receipt = (await bank.pay_by_hand(70, "NOBODY"))["receipt"]
    await bank.settle()
    await bank.stop_hub()
    await give_back(bank, receipt)
    for _ in range(2):  # while it is asked for, and when it has been given back
        assert await actions(bank, receipt) == []
        with pytest.raises(LookupError, match=f"no payment {receipt} waits for an owner"):
            await bank.database.write(lambda c: assign_payment(c, "green", receipt, "h-001", bank.now))
        if (await reversal(bank))["state"] == "queued":
            await bank.start_hub()
            await bank.settle()
    assert (await reversal(bank))["state"] == "reversed"
    assert (await bank.cents(), await bank.balance(SUSPENSE)) == (0, 0)
    assert await bank.reviews() == {"unknown payer": receipt}, "a person closes it with a note"


async def test_a_payment_that_m_pesa_did_not_give_back_can_still_find_its_owner(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    receipt = (await bank.pay_by_hand(70, "NOBODY"))["receipt"]
    await bank.settle()
    bank.simulator.faults.arm("F21", variant="21", product="reversal")
    await bank.stop_hub()
    await give_back(bank, receipt)
    await bank.database.write(note_only(UNKNOWN_PAYER, receipt, bank.now))  # it is on its way back, they thought
    assert await bank.reviews() == {}
    await bank.start_hub()
    await bank.settle()
    assert await bank.reviews() == {"reversal_failed": receipt, "unknown payer": receipt}
    await decided(bank, "unknown payer", receipt, Action.ASSIGN, household="h-001")
    assert (await bank.cents(), await bank.balance(SUSPENSE)) == (7_000, 0)


async def test_what_m_pesa_took_back_unasked_is_not_anybodys_to_have_or_to_get_back(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F28")
    receipt = (await bank.pay_by_hand(70, "NOBODY"))["receipt"]
    await bank.settle()
    await bank.pass_time(11)
    data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    [difference] = found.differences
    assert (difference.kind, await actions(bank, receipt)) == (
        "reversed_unasked",
        [Action.ASSIGN, Action.GIVE_BACK],
    )
    await decided(bank, "books_differ", difference.subject, Action.BOOK)
    assert (await actions(bank, receipt), await bank.balance(SUSPENSE)) == ([], 0)
    with pytest.raises(PaymentRefused):
        await give_back(bank, receipt)
    again = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert again.differences == ()


async def test_what_m_pesa_took_back_is_not_booked_beside_a_reversal_that_was_asked_for(bank: Any) -> None:
    bank.simulator.faults.arm("F28")
    receipt = await paid(bank)
    await bank.pass_time(11)
    data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    [difference] = found.differences
    await give_back(bank, receipt)  # somebody did not wait for the comparison
    await bank.settle()
    offered = await bank.database.read(lambda c: payment_actions(c, "green", "books_differ", difference.subject))
    assert (offered, await bank.balance(PAYOUT_PENDING)) == ([], 10_000)
    movement = next(m for m in bank.simulator.control.summary()["movements"] if m["kind"] == "reversal")
    await decided(bank, "reversal_unresolved", receipt, Action.REVERSED, receipt=movement["receipt"])
    assert (await bank.cents(), await bank.balance(PAYOUT_PENDING)) == (0, 0)
    again = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert again.differences == ()
