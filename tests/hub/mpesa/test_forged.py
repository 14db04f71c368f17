"""Who learns a callback's secret path and tells lies there: no shilling is credited, given back or lost by it."""

from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub.mpesa import hooks

NEIGHBOUR = "254110000002"  # of h-002
ATTACK = {"confirm_above_kes": 1_000}


async def tell(bank: Any, channel: str, subject: str, body: dict[str, Any]) -> None:
    url = hooks.callback_url(bank.config_in_use, channel, subject)
    async with ClientSession() as session, session.post(url, json=body) as response:
        assert response.status == 200


def pushed(receipt: str, kes: int) -> dict[str, Any]:
    items = [{"Name": "Amount", "Value": kes}, {"Name": "MpesaReceiptNumber", "Value": receipt}]
    return {"Body": {"stkCallback": {"ResultCode": 0, "CallbackMetadata": {"Item": items}}}}


def paid_out(conversation: str, code: str, receipt: str, kes: int) -> dict[str, Any]:
    parameters = [{"Key": "TransactionAmount", "Value": kes}, {"Key": "TransactionReceipt", "Value": receipt}]
    result = {"ResultCode": code, "OriginatorConversationID": conversation, "TransactionID": receipt}
    return {"Result": result | {"ResultParameters": {"ResultParameter": parameters}}}


async def announce(bank: Any, receipt: str, kes: int, account: str) -> None:
    body = {"TransID": receipt, "TransAmount": f"{kes}.00", "BillRefNumber": account}
    await tell(bank, hooks.CONFIRMATION, str(bank.config_in_use.short_code), body)


async def test_receipts_made_up_for_a_paid_push_are_worth_nothing(bank: Any) -> None:
    intent_id = await bank.top_up(100)
    await bank.settle()
    for n in range(3):
        await tell(bank, hooks.PUSH, intent_id, pushed(f"FAKE00000{n}", 100))
        reference = (await bank.intents())[0]["account_reference"]
        await announce(bank, f"FAKE10000{n}", 100, reference)
    await bank.look()
    assert await bank.cents() == 10_000
    assert len(await bank.received()) == 1


async def test_an_announcement_of_an_open_push_is_held_against_m_pesas_answer(bank: Any) -> None:
    bank.behaves("cancels")
    await bank.top_up(100)
    await bank.until(lambda: bank.simulator.control.summary(0)["open_prompts"])
    [intent] = await bank.intents()
    await announce(bank, "FAKE000001", 100, intent["account_reference"])
    await bank.settle()
    assert (await bank.cents(), await bank.state()) == (0, "failed")


async def test_a_number_taken_from_somebody_elses_payment_is_given_back_to_it(bank: Any) -> None:
    """The forger reads a neighbour's receipt, still warm, and is quicker than M-Pesa with it."""
    bank.simulator.faults.arm("F02", times=2, product="c2b")
    intent_id = await bank.top_up(100)
    await bank.until(lambda: bank.simulator.control.summary(0)["open_prompts"])
    await bank.pay_by_hand(100, "000292", phone=NEIGHBOUR)
    await bank.until(lambda: bank.count("c2b") == 2)
    rows = bank.simulator.books.rows("SELECT receipt FROM movement WHERE kind = 'c2b' AND phone = ?", NEIGHBOUR)
    await tell(bank, hooks.PUSH, intent_id, pushed(rows[0]["receipt"], 100))
    await bank.settle()
    await bank.look()
    assert (await bank.cents("h-001"), await bank.cents("h-002")) == (10_000, 10_000)


async def test_a_second_payment_to_a_paid_reference_is_real_once_the_list_shows_it(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    await bank.top_up(100)
    await bank.settle()
    [intent] = await bank.intents()
    await bank.pay_by_hand(100, intent["account_reference"])
    await bank.settle()
    await bank.look()
    assert await bank.cents() == 20_000
    assert {row["intent_id"] for row in await bank.received()} == {intent["intent_id"]}


@pytest.mark.parametrize("bank", [ATTACK], indirect=True)
async def test_announcements_alone_credit_no_more_than_the_limit_together(bank: Any) -> None:
    for n in range(5):
        await announce(bank, f"FAKE00000{n}", 400, "000195")
        await bank.pass_time(0.1, step=1)
    assert await bank.cents() == 80_000
    assert "payment_unconfirmed" in await bank.reviews()
    await bank.lose(80_000)


@pytest.mark.parametrize("bank", [ATTACK], indirect=True)
async def test_a_large_payout_has_arrived_when_m_pesa_says_so(bank: Any) -> None:
    bank.simulator.faults.arm("F22", variant="2040")
    await bank.top_up(900)
    await bank.settle()
    await bank.top_up(900)
    await bank.settle()
    await bank.pass_time(1)
    await bank.look()
    before = await bank.cents()
    await bank.pay_out("p-1", 1_500)
    await bank.until(lambda: bank.simulator.control.summary(0)["open_payouts"])
    conversation = (await bank.payouts())[0]["originator_conversation_id"]
    await tell(bank, hooks.PAYOUT, conversation, paid_out(conversation, "0", "FAKE000001", 1_500))
    await bank.settle()
    assert ((await bank.payouts())[0]["state"], await bank.cents()) == ("failed", before)


@pytest.mark.parametrize("bank", [ATTACK], indirect=True)
async def test_a_large_payout_is_given_back_when_m_pesa_says_so(bank: Any) -> None:
    for _ in range(2):
        await bank.top_up(900)
        await bank.settle()
    await bank.look()
    await bank.pay_out("p-1", 1_500)
    await bank.until(lambda: bank.simulator.control.summary(0)["open_payouts"])
    conversation = (await bank.payouts())[0]["originator_conversation_id"]
    await tell(bank, hooks.PAYOUT, conversation, paid_out(conversation, "2040", "SKE0000000", 1_500))
    await bank.settle()
    [row] = await bank.payouts()
    [moved] = bank.simulator.books.rows("SELECT receipt FROM movement WHERE kind = 'b2c'")
    assert (row["state"], row["receipt"]) == ("paid", moved["receipt"])
