"""Payments for an order: told once, in time or as late money for the wallet."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.mpesa import PaymentRefused
from sqlalchemy import select


async def texts(bank: Any) -> list[str]:
    """What the ledger says of each movement, oldest first."""
    return list(
        await bank.database.read(lambda c: c.execute(select(entry.c.text).order_by(entry.c.id)).scalars().all())
    )


async def test_a_paid_order_is_told_with_its_money_in_the_wallet(bank: Any) -> None:
    await bank.pay_for("7", 120)
    await bank.settle()
    assert bank.orders.told == [("paid", "order:7", 12_000)]
    assert (await bank.cents(), await texts(bank)) == (12_000, ["paid for order:7"])
    await bank.pass_time(20)
    assert len(bank.orders.told) == 1


async def test_a_payment_that_failed_gives_its_order_up(bank: Any) -> None:
    bank.behaves("cancels")
    await bank.pay_for("7")
    await bank.settle()
    assert bank.orders.told == [("not paid", "order:7", "The request was cancelled on the phone.")]
    await bank.pass_time(20)
    assert len(bank.orders.told) == 1
    bank.behaves("pays")
    await bank.pay_for("7")
    await bank.settle()
    assert bank.orders.told[1:] == [("paid", "order:7", 10_000)]


async def test_an_order_is_given_up_in_time_though_its_payment_is_still_unknown(bank: Any) -> None:
    bank.simulator.faults.arm("F01")
    bank.simulator.faults.arm("F02", product="stk")
    bank.simulator.faults.arm("F30", None, variant="missing")
    await bank.pay_for("7", minutes=2)
    await bank.pass_time(3, step=2)
    assert bank.orders.told == [("not paid", "order:7", "It was not paid in time.")]
    assert await bank.state() == "unknown"
    bank.simulator.faults.disarm()
    await bank.settle(step=5)
    assert len(bank.orders.told) == 1
    assert (await bank.cents(), await texts(bank)) == (10_000, ["late paid for order:7"])


async def test_an_order_that_waits_unsent_is_not_asked_for_after_its_time(bank: Any) -> None:
    await bank.simulator_server.close()
    await bank.pay_for("7", minutes=1)
    await bank.until(lambda: bank.orders.told, step=5)
    assert (bank.orders.told[0][2], await bank.state()) == ("It was not paid in time.", "failed")


async def test_a_withdrawn_order_is_given_up_once(bank: Any) -> None:
    bank.behaves("ignores")
    await bank.pay_for("7")
    await bank.until(lambda: bank.simulator.books.rows("SELECT 1 FROM prompt"), step=0)
    for _ in range(2):
        await bank.database.write(
            lambda c: bank.mpesa.give_up_payment(c, community_id="green", purpose="order:7", now=bank.now)
        )
    await bank.settle()
    assert bank.orders.told == [("not paid", "order:7", "It was withdrawn.")]


async def test_the_same_order_is_the_same_payment_and_a_paid_one_is_not_paid_again(bank: Any) -> None:
    first = await bank.pay_for("7")
    assert await bank.pay_for("7") == first
    with pytest.raises(PaymentRefused, match="under way"):
        await bank.pay_for("8")
    await bank.settle()
    with pytest.raises(PaymentRefused, match="paid already"):
        await bank.pay_for("7")
    assert len(await bank.intents()) == 1


async def test_one_phone_has_one_payment_whoever_asks(bank: Any) -> None:
    await bank.pay_for("7")
    with pytest.raises(PaymentRefused, match="under way"):
        await bank.top_up(100)
    await bank.top_up(100, "h-002")
    await bank.settle()
    assert await bank.cents("h-002") == 10_000


async def test_the_wrong_way_to_ask_is_refused_in_words(bank: Any) -> None:
    for kes in (0, 250_001, 10.5, "10"):
        with pytest.raises(PaymentRefused, match=f"between 1 and 250,000 whole KES; this was {kes}"):
            await bank.pay_for("7", kes)
    with pytest.raises(PaymentRefused, match="over already"):
        await bank.pay_for("7", minutes=0)
    assert await bank.intents() == []


async def test_an_order_that_was_told_by_a_refusing_market_is_told_again(bank: Any) -> None:
    tell, refused = bank.orders.paid, []

    def refuse(connection: Any, **what: Any) -> None:
        refused.append(what)
        raise RuntimeError("the market is not ready")

    bank.orders.paid = refuse
    await bank.pay_for("7")
    await bank.until(lambda: refused)
    await asyncio.sleep(0.05)
    assert await bank.cents() == 0, "money and order go together"
    bank.orders.paid = tell
    await bank.settle()
    await bank.until(lambda: bank.orders.told)
    assert (bank.orders.told, await bank.cents()) == ([("paid", "order:7", 10_000)], 10_000)


async def test_a_phone_that_changed_before_sending_is_not_asked(bank: Any) -> None:
    await bank.database.write(
        lambda c: bank.mpesa.request_payment(
            c,
            community_id="green",
            household_id="h-001",
            phone="254799999998",
            kes=10,
            purpose="order:7",
            now=bank.now,
            expires_at=bank.now + timedelta(minutes=5),
        )
    )
    await bank.settle()
    assert (await bank.intents())[0]["reason"].startswith("The household's phone is another one now")
    assert bank.simulator.books.rows("SELECT 1 FROM prompt") == []
