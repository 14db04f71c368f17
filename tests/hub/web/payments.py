"""Payments in every standing, for tests that list them."""

from dataclasses import dataclass, field
from datetime import timedelta

from energy_swap_hub.ledger import TRUST_CASH, Entry, Posting, kes, post
from energy_swap_hub.mpesa import intents, payouts, receipts
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.wire import Payment, PayoutResult
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.payouts import book_pay_out
from sqlalchemy import Connection

from tests.hub.village import OPENED, VILLAGE

MANY = 230  # more than one page of any client
EVENTS = PaymentBook(lambda: OPENED, lambda _household: None)


@dataclass
class Known:
    """The ids of the payments that a hub starts with."""

    paid: str = ""
    failed: str = ""
    lost: str = ""
    payouts: list[str] = field(default_factory=list)


def fill(connection: Connection, known: Known) -> None:
    """Let there be payments in every standing; nothing of them is due while the hub's time stands still."""
    for number in range(MANY):
        made = intents.create(
            connection, community_id=VILLAGE, household_id="h-002", kes=number + 1, phone_key=f"phone {number}",
            now=OPENED - timedelta(hours=3, minutes=MANY - number),
        )  # fmt: skip
        end(connection, made)
    known.paid, known.failed, known.lost = (ask(connection, name, minutes) for name, minutes in
                                            (("h-001", 70), ("h-003", 65), ("h-001", 60)))  # fmt: skip
    paid, lost = (intents.find(connection, one) for one in (known.paid, known.lost))
    assert paid is not None
    assert lost is not None
    receipts.credit(connection, EVENTS, paid, Payment("SKJ4H7T2QX", 500, None), "pull", OPENED)
    end(connection, known.failed)
    intents.schedule(connection, EVENTS, lost, was_pulled=True, now=OPENED)

    fund = [Posting(kes("h-001"), 500_000), Posting(TRUST_CASH, -500_000)]
    post(connection, VILLAGE, Entry("mpesa", "FUND", OPENED, "top-up", fund))
    for minutes, whole in ((30, 600), (20, 700), (10, 800)):
        name, now = f"payout {whole}", OPENED - timedelta(minutes=minutes)
        book_pay_out(connection, VILLAGE, "h-001", name, kes=whole, fee_cents=500, now=now)
        payouts.create(connection, community_id=VILLAGE, household_id="h-001", payout_id=name, kes=whole, now=now)
        known.payouts.append(name)
        item = payouts.find(connection, VILLAGE, name)
        assert item is not None
        if whole == 600:
            result = PayoutResult("0", item.originator_conversation_id, Payment("SKJ4H7T2QZ", 600, OPENED), 450)
            payouts.pay(connection, EVENTS, Charges.load(), item, result, OPENED)
        if whole == 700:
            payouts.fail(connection, EVENTS, item, "The phone is not registered with M-Pesa.", OPENED)
        if whole == 800:
            payouts.stop(connection, VILLAGE, "the float is empty", OPENED)


def ask(connection: Connection, household: str, minutes: int) -> str:
    """A payment that left and about which nothing was heard."""
    sent_at = OPENED - timedelta(minutes=minutes)
    made = intents.create(
        connection, community_id=VILLAGE, household_id=household, kes=500, phone_key=f"{household} {minutes}",
        now=sent_at,
    )  # fmt: skip
    for step in (intents.begin_sending, intents.record_lost):
        intent = intents.find(connection, made)
        assert intent is not None
        step(connection, intent, sent_at)
    return made


def end(connection: Connection, intent_id: str) -> None:
    intent = intents.find(connection, intent_id)
    assert intent is not None
    intents.fail(connection, EVENTS, intent, "The request was cancelled on the phone.", OPENED)
