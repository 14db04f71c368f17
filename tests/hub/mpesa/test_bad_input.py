"""What is wrong from the start is refused in words, and nothing of it stays: no row, no cent, no request."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub.ledger import PAYOUT_PENDING
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.settlement.payouts import book_pay_out
from sqlalchemy import Connection

from tests.hub.mpesa.conftest import PHONES

WRONG_PHONES = ("", "0712345678", "+254712345678", "25471234567", "2547123456789", "255712345678", "٢٥٤٧١٢٣٤٥٦٧٨")
WHO: dict[str, Any] = {"community_id": "green", "household_id": "h-001"}


async def funded(bank: Any) -> None:
    await bank.top_up(1_000)
    await bank.settle()


async def asked_for(bank: Any) -> tuple[int, int, int, int]:
    """What there is: payments in, payouts, the wallet and what is set aside."""
    return (
        len(await bank.intents()),
        len(await bank.payouts()),
        await bank.cents(),
        await bank.balance(PAYOUT_PENDING),
    )


async def ask(bank: Any, what: str, phone: str, kes: Any) -> None:
    """Ask for a payment as the rest of the hub does: with its booking, in one transaction."""

    def change(connection: Connection) -> None:
        if what == "in":
            bank.mpesa.request_top_up(connection, **WHO, phone=phone, kes=kes, now=bank.now)
            return
        book_pay_out(connection, "green", "h-001", "p-1", kes=int(kes) or 1, fee_cents=0, now=bank.now)
        bank.mpesa.request_pay_out(connection, **WHO, payout_id="p-1", phone=phone, kes=kes, now=bank.now)

    await bank.database.write(change)


@pytest.mark.parametrize("what", ["in", "out"])
async def test_a_wrong_phone_is_refused_before_anything_moves(bank: Any, what: str) -> None:
    await funded(bank)
    before = await asked_for(bank)
    for phone in WRONG_PHONES:
        with pytest.raises(PaymentRefused, match="12 digits and begin with 254, like 254712345678"):
            await ask(bank, what, phone, 100)
    assert await asked_for(bank) == before


@pytest.mark.parametrize(
    ("what", "words"), [("in", "between 1 and 250,000 whole KES"), ("out", "between 10 and 250,000 whole KES")]
)
async def test_an_amount_that_m_pesa_does_not_know_is_refused_before_anything_moves(
    bank: Any, what: str, words: str
) -> None:
    # So much is in the wallet that the amount alone is wrong.
    await bank.database.write(
        lambda c: bank.mpesa.request_top_up(c, **WHO, phone=PHONES["h-001"], kes=1_000, now=bank.now)
    )
    await bank.settle()
    before = await asked_for(bank)
    for kes in (0, -5, 10.5, True):
        with pytest.raises(PaymentRefused, match=f"{words}; this was {kes}"):
            await ask(bank, what, PHONES["h-001"], kes)
    if what == "in":
        with pytest.raises(PaymentRefused, match=f"{words}; this was 250001"):
            await ask(bank, what, PHONES["h-001"], 250_001)
    assert await asked_for(bank) == before


async def test_a_payout_above_the_most_is_refused_though_the_money_is_there(world: Any) -> None:
    with pytest.raises(PaymentRefused, match="between 10 and 250,000 whole KES; this was 250001"):
        await world.pay_out("p-1", 250_001)
    assert await world.payouts() == []


async def test_an_expired_initiator_password_stops_payouts_and_gives_the_money_back(bank: Any) -> None:
    await funded(bank)
    rules = bank.simulator.rules
    rules.change(type(rules.now)(initiator_password_days=90))
    bank.now += timedelta(days=91)
    await bank.pay_out("p-1", 100)
    await bank.settle()
    [failed] = await bank.payouts()
    assert (failed["state"], "password has expired" in failed["reason"]) == ("failed", True)
    assert (await bank.cents(), await bank.balance(PAYOUT_PENDING)) == (100_000, 0)
    assert await bank.reviews() == {"payout_set_up": "p-1"}
    await bank.pay_out("p-2", 100)
    await bank.pass_time(5)
    assert [row["state"] for row in await bank.payouts()] == ["failed", "queued"], "the next is not tried"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe{}", b'{"Body": "' + b"x" * 1_000_000 + b'"}', b"[" * 100_000, b"null", b'{"Body": {}}'],
    ids=["empty", "not UTF-8", "1 MB", "deep", "null", "hollow"],
)
async def test_a_callback_that_is_none_moves_nothing_and_the_payment_goes_on(bank: Any, body: bytes) -> None:
    bank.behaves("manual")
    intent = await bank.top_up(100)
    await bank.until(lambda: bank.simulator.control.summary(0)["open_prompts"] == 1, step=0)
    [prompt] = bank.simulator.books.rows("SELECT checkout, callback FROM prompt")
    unsigned = prompt["callback"].rsplit("/", 1)[0] + "/" + "0" * 32
    async with ClientSession() as session:
        async with session.post(unsigned, data=body) as answer:
            assert answer.status == 404
        assert await bank.callbacks() == []
        async with session.post(prompt["callback"], data=body) as answer:
            assert answer.status == 200
    while not await bank.reviews():  # noqa: ASYNC110 - time stands still: the prompt stays open
        await asyncio.sleep(0.01)
    [kept] = await bank.callbacks()
    assert kept["outcome"].startswith("unreadable: ")
    assert len(kept["body"]) <= 64 * 1024
    assert (await bank.reviews(), await bank.cents()) == ({"callback_unreadable": intent}, 0)
    url = bank.simulator_server.make_url(f"/_simulator/prompts/{prompt['checkout']}/answer")
    async with ClientSession() as session, session.post(url, json={"pin": "1234"}) as answer:
        assert answer.status == 200
    await bank.settle()
    assert (await bank.cents(), await bank.state()) == (10_000, "paid")
