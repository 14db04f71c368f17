"""Money out, against the simulator: paid once, whatever is lost on the way."""

import asyncio
from typing import Any

import pytest
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.client import DarajaClient


@pytest.fixture
async def funded(world: Any) -> Any:
    """A world whose short code holds 3,000 KES."""
    await world.top_up(3_000, "h-002")
    await world.until(lambda: world.told.of("received"))
    world.told.outcomes.clear()
    return world


async def test_a_payout_arrives_and_tells_its_fee_and_receipt(funded: Any) -> None:
    await funded.pay_out("p-1", 1_200)
    assert await funded.open() == 1
    await funded.until(lambda: funded.told.outcomes)
    [paid] = funded.told.of("paid_out")
    [movement] = [m for m in funded.simulator.control.summary()["movements"] if m["kind"] == "b2c"]
    assert (paid["payout_id"], paid["cents"], paid["fee_cents"]) == ("p-1", 120_000, 500)
    assert paid["receipt"] == movement["receipt"]
    assert funded.utility_cents() == 180_000
    assert funded.simulator.books.balance_cents("charges") == -paid["fee_cents"]
    assert await funded.open() == 0


async def test_a_payout_asked_for_twice_is_one(funded: Any) -> None:
    await funded.pay_out("p-1", 100)
    await funded.pay_out("p-1", 100)
    await funded.until(lambda: funded.told.outcomes)
    await funded.pay_out("p-1", 100)
    await funded.pass_time(5)
    assert funded.count("b2c") == len(funded.told.of("paid_out")) == 1


async def test_a_payout_whose_answer_was_lost_is_sent_again_and_paid_once(funded: Any) -> None:
    funded.simulator.faults.arm("F17", 2)
    await funded.pay_out("p-1", 100)
    await funded.until(lambda: funded.told.outcomes)
    await funded.pass_time(90)
    [row] = await funded.payouts()
    assert (row["state"], funded.count("b2c"), len(funded.told.of("paid_out"))) == ("paid", 1, 1)


async def test_a_payout_whose_answer_and_result_were_lost_is_known_by_a_status_query(
    funded: Any,
) -> None:
    funded.simulator.faults.arm("F17")
    funded.simulator.faults.arm("F18")
    await funded.pay_out("p-1", 1_200)
    await funded.until(lambda: funded.told.outcomes, step=5)
    [paid] = funded.told.of("paid_out")
    [row] = await funded.payouts()
    assert (row["state"], row["attempts"], row["receipt"]) == ("paid", 2, paid["receipt"])
    assert (funded.count("b2c"), paid["fee_cents"]) == (1, 500)


async def test_a_payout_that_nobody_tells_about_waits_and_a_person_hears_of_it_once(funded: Any) -> None:
    funded.simulator.faults.arm("F18")
    funded.simulator.faults.arm("F19", None, variant="never", product="status")
    await funded.pay_out("p-1", 100)
    await funded.until(lambda: funded.told.outcomes, step=10)
    [row] = await funded.payouts()
    [review] = funded.told.of("needs_review")
    assert (row["state"], review["kind"]) == ("accepted", "payout_result_missing")
    assert await funded.open() == 1
    await funded.pass_time(180, step=60)
    assert len(funded.told.outcomes) == 1


async def test_a_phone_without_m_pesa_is_refused_in_words(funded: Any) -> None:
    await funded.pay_out("p-1", 100, "h-003")
    await funded.until(lambda: funded.told.outcomes)
    assert funded.told.outcomes == [
        (
            "pay_out_failed",
            {
                "community_id": "green",
                "household_id": "h-003",
                "payout_id": "p-1",
                "reason": "The phone is not registered with M-Pesa.",
            },
        )
    ]
    assert funded.utility_cents() == 300_000


async def test_a_short_float_fails_the_payout_and_calls_the_operator(funded: Any) -> None:
    await funded.pay_out("p-1", 4_000)
    await funded.until(lambda: funded.told.outcomes)
    assert [name for name, _ in funded.told.outcomes] == ["pay_out_failed", "needs_review"]
    assert funded.told.of("needs_review")[0]["kind"] == "payout_set_up"
    assert funded.count("b2c") == 0


async def test_a_payout_below_the_minimum_is_refused(world: Any) -> None:
    with pytest.raises(PaymentRefused, match="between 10 and 250,000"):
        await world.pay_out("p-1", 9)


async def test_a_hub_killed_before_it_recorded_the_answer_pays_once(
    funded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = DarajaClient.pay
    was_sent = asyncio.Event()

    async def pay_and_hang(self: DarajaClient, **request: Any) -> Any:
        await pay(self, **request)
        was_sent.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(DarajaClient, "pay", pay_and_hang)
    await funded.pay_out("p-1", 100)
    await was_sent.wait()
    await funded.stop_hub()
    assert [row["state"] for row in await funded.payouts()] == ["sending"]
    monkeypatch.undo()
    await funded.start_hub()
    await funded.until(lambda: funded.told.outcomes)
    await funded.pass_time(5)
    assert (funded.count("b2c"), [name for name, _ in funded.told.outcomes]) == (1, ["paid_out"])


async def test_many_payments_at_once_leave_equal_books(funded: Any) -> None:
    for number in range(40):
        await funded.pay_out(f"p-{number}", 10 + number)
    await funded.until(lambda: len(funded.told.of("paid_out")) == 40)
    paid = sum(what["cents"] for what in funded.told.of("paid_out"))
    assert funded.utility_cents() == 300_000 - paid
    assert funded.simulator.control.summary()["sum_cents"] == 0
