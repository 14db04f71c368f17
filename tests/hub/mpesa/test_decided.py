"""What the office decides about payments beside the real M-Pesa of the simulator: nothing twice, or of nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from energy_swap_hub.ledger import PAYOUT_PENDING, SUSPENSE, Overdrawn
from energy_swap_hub.mpesa import PaymentRefused, payouts
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.gateway import Refused
from energy_swap_hub.mpesa.tables import payment_receipt
from energy_swap_hub.settlement.actions import Action
from energy_swap_hub.settlement.amount_corrections import RECEIVABLE
from energy_swap_hub.settlement.decisions import Decision, actions_of, decide
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.payment_cases import payment_facts
from energy_swap_hub.settlement.payments import assign_payment, order_reversal
from energy_swap_hub.settlement.tables import review
from sqlalchemy import Connection, select

from tests.hub.mpesa.conftest import PHONES
from tests.hub.mpesa.test_faults import funded
from tests.hub.mpesa.test_forged import announce
from tests.hub.mpesa.test_reconcile import kinds, reconcile

CAREFUL = {"confirm_above_kes": 1_000}
ACCOUNT = account_number(1)


async def open_case(bank: Any, kind: str) -> Any:
    def find(connection: Connection) -> Any:
        row = review.c
        query = select(review).where(row.kind == kind, row.state == "open").order_by(row.id)
        return connection.execute(query).mappings().one()

    return await bank.database.read(find)


async def offered(bank: Any, kind: str) -> list[Action]:
    case = await open_case(bank, kind)
    return list(await bank.database.read(lambda c: actions_of(c, "green", kind, case["subject"])))


async def resolved(bank: Any, kind: str, action: Action, **fields: Any) -> None:
    """Have the office decide the only open case of a kind, as its console does."""
    case = await open_case(bank, kind)
    desk: Any = SimpleNamespace(
        community=SimpleNamespace(id="green"),
        mpesa=bank.mpesa,
        charges=Charges.load(),
        phone_of=lambda _connection, _community, household: PHONES[household],
    )
    decision = Decision(fields.pop("note", "looked it up"), action, **fields)
    await bank.database.write(lambda c: decide(c, desk, case["id"], decision, who="office", now=bank.now))


async def so(bank: Any, is_so: Callable[[], Awaitable[bool]]) -> None:
    """Let time run until something is so: a question and its answer take turns that nobody counts."""
    async with asyncio.timeout(60):
        while not await is_so():
            await bank.pass_time(0.05, step=1)


async def test_m_pesa_asked_again_says_what_it_did_not_say(bank: Any) -> None:
    bank.simulator.faults.arm("F02", product="stk")
    bank.simulator.faults.arm("F07", None, variant="success")
    bank.behaves("cancels")
    intent = await bank.top_up(100)
    await bank.settle(step=10)
    assert await offered(bank, "top_up_unresolved") == [Action.CREDIT, Action.CLOSE_UNPAID, Action.ASK_AGAIN]
    facts = await bank.database.read(lambda c: payment_facts(c, "green", intent))
    assert (facts["household"], facts["kes"], facts["state_now"]) == ("h-001", 100, "review")
    assert facts["m_pesa_said"] == "not in the list of payments"

    await resolved(bank, "top_up_unresolved", Action.ASK_AGAIN, note="")

    async def is_answered() -> bool:
        facts = await bank.database.read(lambda c: payment_facts(c, "green", intent))
        return bool(facts.get("m_pesa_said") == "result 0, not in the list of payments")

    await so(bank, is_answered)
    assert await bank.reviews() == {"top_up_unresolved": intent}, "it stays open while M-Pesa says nothing new"

    async def is_decided() -> bool:
        return bool(await bank.state() == "failed")

    bank.simulator.faults.disarm()
    await resolved(bank, "top_up_unresolved", Action.ASK_AGAIN, note="")
    await so(bank, is_decided)
    assert (await bank.reviews(), await bank.cents()) == ({}, 0)


async def test_m_pesa_asked_again_about_a_payout_decides_it(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F18")
    bank.simulator.faults.arm("F19", None, variant="never", product="status")
    await bank.pay_out("p-1", 1_200)
    await bank.pass_time(65)
    assert await offered(bank, "payout_result_missing") == [Action.PAID, Action.NOT_PAID, Action.ASK_AGAIN]
    bank.simulator.faults.disarm()
    await resolved(bank, "payout_result_missing", Action.ASK_AGAIN, note="")
    await bank.settle()
    assert (await bank.reviews(), (await bank.payouts())[0]["state"]) == ({}, "paid")
    assert (bank.count("b2c"), await bank.balance(PAYOUT_PENDING)) == (1, 0)


@pytest.mark.parametrize("has_m_pesa_it", [True, False])
async def test_a_payout_that_is_sent_again_is_paid_once(bank: Any, has_m_pesa_it: bool) -> None:
    await funded(bank)
    if has_m_pesa_it:
        bank.simulator.faults.arm("F18")
        bank.simulator.faults.arm("F19", None, variant="never", product="status")
        await bank.pay_out("p-1", 600)
        await bank.until(lambda: bank.count("b2c") == 1)
        await bank.pass_time(1)
    await bank.stop_hub()
    if not has_m_pesa_it:
        await bank.pay_out("p-1", 600)

    def refuse(connection: Connection) -> None:
        """Leave it as a second try does whose answer was a refusal, after a first one without an answer."""
        item = payouts.find(connection, "green", "p-1")
        assert item is not None
        if item.state == "queued":
            item = payouts.begin_sending(connection, item, bank.now)
            assert item is not None
        payouts._change(connection, item, ("accepted", "sending"), state="sending", attempts=2)
        sent = payouts.find(connection, "green", "p-1")
        assert sent is not None
        payouts.record_answer(connection, bank.book, sent, Refused("400.002.02", "Bad Request"), bank.now)

    await bank.database.write(refuse)
    bank.simulator.faults.disarm()
    await bank.start_hub()
    assert Action.SEND_AGAIN in await offered(bank, "payout_refused_later")
    await resolved(bank, "payout_refused_later", Action.SEND_AGAIN)
    await bank.settle()
    assert ([row["state"] for row in await bank.payouts()], bank.count("b2c")) == (["paid"], 1)
    assert (await bank.reviews(), await bank.cents()) == ({}, 300_000 - 60_000 - 500)


async def test_a_payout_that_failed_for_our_account_is_paid_out_again_once(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F20")
    await bank.pay_out("p-1", 600)
    await bank.settle()
    assert await offered(bank, "payout_set_up") == [Action.RESUME_PAYOUTS, Action.PAY_AGAIN]
    await resolved(bank, "payout_set_up", Action.PAY_AGAIN)
    await bank.settle()
    assert [(row["payout_id"], row["state"]) for row in await bank.payouts()] == [
        ("p-1", "failed"),
        ("p-1/again", "paid"),
    ]
    assert (bank.count("b2c"), await bank.cents()) == (1, 300_000 - 60_500)
    assert await bank.database.read(lambda c: actions_of(c, "green", "payout_set_up", "p-1")) == []


async def test_what_the_household_spent_meanwhile_is_not_paid_out_again(bank: Any) -> None:
    await funded(bank, 600)
    bank.simulator.faults.arm("F20")
    await bank.pay_out("p-1", 500)
    await bank.settle()
    await resolved(bank, "payout_set_up", Action.RESUME_PAYOUTS)
    await bank.pay_out("p-2", 500)
    await bank.settle()
    bank.simulator.faults.arm("F20")
    await bank.top_up(500)
    await bank.settle()
    await bank.pay_out("p-3", 500)
    await bank.settle()
    await bank.pay_out("p-4", 500)
    with pytest.raises(Overdrawn):
        await resolved(bank, "payout_set_up", Action.PAY_AGAIN)
    await resolved(bank, "payout_set_up", Action.RESUME_PAYOUTS)
    await bank.settle()
    assert bank.count("b2c") == 2


async def test_nobodys_money_goes_back_to_its_payer(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    await bank.pay_by_hand(40, "RENT")
    await bank.settle()
    assert await offered(bank, "unknown payer") == [Action.ASSIGN, Action.GIVE_BACK]
    with pytest.raises(ValueError, match="reason is missing"):
        await resolved(bank, "unknown payer", Action.GIVE_BACK, note=" ")
    await resolved(bank, "unknown payer", Action.GIVE_BACK, note="the payer meant her landlord")
    await bank.settle()
    assert (await bank.reviews(), await bank.balance(SUSPENSE), bank.at_mpesa_cents()) == ({}, 0, 0)


@pytest.mark.parametrize("bank", [CAREFUL], indirect=True)
async def test_an_announced_payment_is_credited_by_its_own_receipt_once(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F15", None, product="pull")
    await bank.pay_by_hand(1_200, ACCOUNT)
    await bank.pass_time(1)
    assert await offered(bank, "payment_unconfirmed") == [Action.CREDIT, Action.CLOSE_UNPAID, Action.ASK_AGAIN]
    receipt = (await open_case(bank, "payment_unconfirmed"))["subject"]
    for wrong, error in (
        ({"kes": 1_200}, ValueError),
        ({"receipt": receipt}, ValueError),
        ({"receipt": "SKJ4H7T2QX", "kes": 1_200}, ValueError),
        ({"receipt": receipt, "kes": 250_001}, PaymentRefused),
    ):
        with pytest.raises(error):
            await resolved(bank, "payment_unconfirmed", Action.CREDIT, **wrong)
    assert await bank.cents() == 0
    await resolved(bank, "payment_unconfirmed", Action.CREDIT, receipt=receipt, kes=1_200)
    assert await bank.cents() == 120_000
    bank.simulator.faults.disarm()
    await bank.look()
    assert (await bank.cents(), await bank.reviews()) == (120_000, {})


@pytest.mark.parametrize("bank", [CAREFUL], indirect=True)
async def test_m_pesas_list_is_read_again_for_an_announced_payment(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F15", None, product="pull")
    await bank.pay_by_hand(1_200, ACCOUNT)
    await bank.pass_time(1)
    bank.simulator.faults.disarm()
    await resolved(bank, "payment_unconfirmed", Action.ASK_AGAIN, note="")
    bank.mpesa.look_now()

    async def is_credited() -> bool:
        return bool(await bank.cents() == 120_000)

    await so(bank, is_credited)
    assert await bank.reviews() == {}


async def test_a_payment_that_m_pesa_never_had_is_taken_back(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    await bank.pay_by_hand(100, ACCOUNT)
    await bank.pass_time(1)
    await announce(bank, "FAKE000001", 400, ACCOUNT)
    await bank.pass_time(1)
    await bank.pay_by_hand(100, ACCOUNT)
    await bank.pass_time(1)
    assert await bank.cents() == 60_000
    found = await reconcile(bank)
    assert kinds(found) == ["not_at_mpesa"]
    await resolved(bank, "books_differ", Action.BOOK)
    assert (await bank.cents(), await bank.balance(RECEIVABLE)) == (20_000, 0)
    with pytest.raises(PaymentRefused, match="never had"):
        await bank.database.write(
            lambda c: order_reversal(c, bank.mpesa, "green", "FAKE000001", reason="x", who="office", now=bank.now)
        )
    assert (await reconcile(bank)).differences == ()


async def test_an_amount_is_put_right_by_the_statement(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F02", product="c2b")
    await bank.stop_hub()
    paid = await bank.pay_by_hand(100, "RENT")
    await bank.start_hub()
    await announce(bank, paid["receipt"], 400, "RENT")
    await bank.pass_time(0.1, step=1)
    assert await bank.balance(SUSPENSE) in (10_000, 40_000), "whichever was quicker, the list or the liar"
    if await bank.balance(SUSPENSE) == 40_000:
        assert kinds(await reconcile(bank)) == ["other_amount"]
        await resolved(bank, "books_differ", Action.BOOK)
    assert await bank.balance(SUSPENSE) == 10_000
    assert (await reconcile(bank)).differences == ()
    # The true amount is what finds its owner.
    assert (
        await bank.database.write(lambda c: assign_payment(c, "green", paid["receipt"], "h-002", bank.now)) == 100
    )
    assert (await bank.cents("h-002"), await bank.balance(SUSPENSE)) == (10_000, 0)
    rows = await bank.database.read(lambda c: c.execute(select(payment_receipt.c.kes)).scalars().all())
    assert list(rows) == [100]
