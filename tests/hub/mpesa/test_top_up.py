"""Money in, against the simulator: what a household and its ledger see."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.client import DarajaClient


async def test_a_paid_prompt_is_received_once_with_its_receipt(world: Any) -> None:
    await world.top_up(150)
    assert await world.open() == 1
    await world.until(lambda: world.told.outcomes)
    [received] = world.told.of("received")
    [movement] = [m for m in world.simulator.control.summary()["movements"] if m["kind"] == "c2b"]
    assert (received["household_id"], received["cents"]) == ("h-001", 15_000)
    assert received["receipt"] == movement["receipt"]
    assert received["at"] <= world.now
    assert await world.open() == 0
    await world.pass_time(60)
    assert len(world.told.outcomes) == 1
    assert world.received_cents() == world.utility_cents()


async def test_a_cancelled_prompt_is_told_in_words(world: Any) -> None:
    world.behaves("cancels")
    intent = await world.top_up()
    await world.until(lambda: world.told.outcomes)
    assert world.told.of("receive_failed") == [
        {
            "community_id": "green",
            "household_id": "h-001",
            "intent_id": intent,
            "reason": "The request was cancelled on the phone.",
            "purpose": "top_up",
        }
    ]
    assert world.utility_cents() == 0


async def test_an_ignored_prompt_fails_after_the_time_out(world: Any) -> None:
    world.behaves("ignores")
    asked_at = world.now
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    [failed] = world.told.of("receive_failed")
    assert failed["reason"].startswith("There was no answer from the phone")
    assert 26 <= (world.now - asked_at).total_seconds() <= 180


async def test_a_second_top_up_waits_for_the_first(world: Any) -> None:
    await world.top_up()
    with pytest.raises(PaymentRefused, match="already under way"):
        await world.top_up()
    await world.until(lambda: world.told.outcomes)
    await world.top_up()
    await world.until(lambda: len(world.told.of("received")) == 2)


async def test_a_bad_amount_or_phone_is_refused_in_words(world: Any) -> None:
    with pytest.raises(PaymentRefused, match="between 1 and 250,000"):
        await world.top_up(0)
    with pytest.raises(PaymentRefused, match="12 digits"):
        await world.database.write(
            lambda c: world.mpesa.request_top_up(
                c, community_id="green", household_id="h-009", phone="0712345678", kes=5, now=world.now
            )
        )


async def test_a_payment_told_while_the_hub_was_down_is_found_by_query_and_pull(world: Any) -> None:
    await world.top_up()
    await world.until(lambda: world.simulator.control.summary()["open_prompts"] == 1, step=0)
    await asyncio.sleep(0.1)
    await world.stop_hub()
    await world.until(lambda: world.utility_cents() > 0)
    await world.until(lambda: world.simulator.control.summary()["undelivered"] == 0)
    await asyncio.sleep(0.1)
    assert await world.callbacks() == []
    await world.start_hub()
    await world.until(lambda: world.told.outcomes)
    [received] = world.told.of("received")
    assert received["cents"] == 10_000
    assert await world.open() == 0


async def test_a_lost_callback_is_made_good_by_query_and_pull(world: Any) -> None:
    world.simulator.faults.arm("F02")
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    assert [name for name, _ in world.told.outcomes] == ["received"]
    assert await world.callbacks() == []


async def test_a_lost_failure_is_learned_by_query(world: Any) -> None:
    world.behaves("cancels")
    world.simulator.faults.arm("F02")
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    assert [name for name, _ in world.told.outcomes] == ["receive_failed"]


async def test_a_callback_that_comes_twice_is_credited_once(world: Any) -> None:
    world.simulator.faults.arm("F04")
    await world.top_up()
    await world.pass_time(2, step=0.5)
    outcomes = [row["outcome"] for row in await world.callbacks()]
    assert len(outcomes) == 2
    assert "credited before" in outcomes
    assert [name for name, _ in world.told.outcomes] == ["received"]


async def test_an_understood_callback_keeps_no_phone(world: Any) -> None:
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    await asyncio.sleep(0.05)
    assert [row["body"] for row in await world.callbacks()] == [b""]


async def test_a_push_whose_answer_was_lost_is_never_sent_again(world: Any) -> None:
    world.simulator.faults.arm("F01")
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    await world.pass_time(60)
    assert len(world.simulator.books.rows("SELECT 1 FROM prompt")) == 1
    assert [name for name, _ in world.told.outcomes] == ["received"]
    assert world.received_cents() == world.utility_cents() == 10_000


async def test_with_answer_and_callback_lost_the_account_reference_finds_the_receipt(world: Any) -> None:
    world.simulator.faults.arm("F01")
    world.simulator.faults.arm("F02")
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    assert [name for name, _ in world.told.outcomes] == ["received"]
    assert world.received_cents() == world.utility_cents() == 10_000
    assert len(world.simulator.books.rows("SELECT 1 FROM prompt")) == 1


async def test_what_nobody_can_tell_goes_to_a_person_and_frees_the_household(world: Any) -> None:
    world.behaves("ignores")
    world.simulator.faults.arm("F01")
    world.simulator.faults.arm("F02")
    intent = await world.top_up()
    await world.until(lambda: world.told.outcomes, step=10)
    [review] = world.told.of("needs_review")
    assert (review["kind"], review["subject"]) == ("top_up_unresolved", intent)
    assert await world.open() == 0
    world.behaves("pays")
    await world.top_up()
    await world.until(lambda: world.told.of("received"))


async def test_a_success_that_m_pesa_does_not_bear_out_is_not_believed(world: Any) -> None:
    world.behaves("cancels")
    await world.top_up()
    await world.until(lambda: world.told.outcomes)
    forged = (
        b'{"Body":{"stkCallback":{"ResultCode":"0","CallbackMetadata":{"Item":['
        b'{"Name":"MpesaReceiptNumber","Value":"UKL7RT61SV"},{"Name":"Amount","Value":"100.00"}]}}}}'
    )
    url = world.simulator.books.row("SELECT callback FROM prompt")["callback"]
    async with ClientSession() as session, session.post(url, data=forged) as response:
        assert response.status == 200
    await world.pass_time(10, step=5)
    assert [name for name, _ in world.told.outcomes] == ["receive_failed"]
    assert (await world.intents())[0]["state"] == "failed"


async def test_a_success_over_another_amount_waits_for_the_list_of_payments(world: Any) -> None:
    world.behaves("manual")
    await world.top_up(100)
    await world.until(lambda: world.simulator.control.summary()["open_prompts"] == 1, step=0)
    await asyncio.sleep(0.1)
    url = world.simulator.books.row("SELECT callback FROM prompt")["callback"]
    forged = (
        b'{"Body":{"stkCallback":{"ResultCode":0,"CallbackMetadata":{"Item":['
        b'{"Name":"MpesaReceiptNumber","Value":"UKL7RT61SV"},{"Name":"Amount","Value":250000}]}}}}'
    )
    async with ClientSession() as session, session.post(url, data=forged) as response:
        assert response.status == 200
    await world.until(lambda: world.told.outcomes)
    assert [name for name, _ in world.told.outcomes] == ["needs_review"]
    assert world.received_cents() == 0


async def test_a_callback_with_a_wrong_secret_is_not_taken(world: Any) -> None:
    intent = await world.top_up()
    url = f"http://127.0.0.1:{world.hub_port}/hooks/k/{intent}/{'0' * 32}"
    async with ClientSession() as session, session.post(url, data=b"{}") as response:
        assert response.status == 404
    assert await world.callbacks() == []


async def test_an_unreadable_callback_is_kept_for_a_person(world: Any) -> None:
    await world.top_up()
    await world.until(lambda: world.simulator.control.summary()["open_prompts"] == 1, step=0)
    url = world.simulator.books.row("SELECT callback FROM prompt")["callback"]
    async with ClientSession() as session, session.post(url, data=b"<html>") as response:
        assert response.status == 200
    await world.until(lambda: world.told.of("needs_review"), step=0.01)
    assert world.told.of("needs_review")[0]["kind"] == "callback_unreadable"
    assert [row["body"] for row in await world.callbacks()] == [b"<html>"]
    await world.until(lambda: world.told.of("received"))


async def test_a_hub_killed_before_it_recorded_the_answer_asks_and_does_not_send_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = DarajaClient.push
    was_sent = asyncio.Event()

    async def push_and_hang(self: DarajaClient, **request: Any) -> Any:
        await push(self, **request)
        was_sent.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(DarajaClient, "push", push_and_hang)
    await world.top_up()
    await was_sent.wait()
    await world.stop_hub()
    assert [row["state"] for row in await world.intents()] == ["sending"]
    await world.until(lambda: world.utility_cents() > 0)
    await world.until(lambda: world.simulator.control.summary()["undelivered"] == 0)
    await asyncio.sleep(0.1)
    monkeypatch.undo()
    await world.start_hub()
    await world.until(lambda: world.told.outcomes)
    assert [name for name, _ in world.told.outcomes] == ["received"]
    assert world.received_cents() == world.utility_cents() == 10_000
    assert len(world.simulator.books.rows("SELECT 1 FROM prompt")) == 1


async def test_with_daraja_out_of_reach_a_top_up_ends_in_words(world: Any) -> None:
    await world.simulator_server.close()
    await world.top_up()
    await world.until(lambda: world.told.outcomes, step=10)
    assert world.told.of("receive_failed")[0]["reason"] == "M-Pesa cannot be reached. Try again later."


async def test_an_outcome_that_could_not_be_booked_is_told_again_and_credited_once(world: Any) -> None:
    attempts = []

    def refuse(connection: Any, **what: Any) -> None:
        attempts.append(what)
        raise RuntimeError("the ledger is not ready")

    world.told.received = refuse
    await world.top_up()
    await world.until(lambda: len(attempts) > 0)
    assert world.told.outcomes == []
    del world.told.received
    await world.until(lambda: world.told.outcomes)
    await world.pass_time(5)
    assert [name for name, _ in world.told.outcomes] == ["received"]
