"""Every way in which M-Pesa is known to go wrong, by its number, against the simulator over HTTP.

The fixture `bank` checks at the end of each: the ledger is sound, cash in trust is what M-Pesa holds, each receipt
is credited once, and whatever is undecided stands in front of a person.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, SUSPENSE, TRUST_CASH
from energy_swap_hub.mpesa import PaymentRefused, hooks
from energy_swap_hub.settlement.actions import Action, Decision
from energy_swap_hub.settlement.amount_corrections import RECEIVABLE
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.payment_decisions import Case, decide_payment, payment_actions
from energy_swap_hub.settlement.reconciliation import reconcile_day, reconcile_statement, reconciliations

ACCOUNT = account_number(1)
ABROAD = {"callback_sources": ("196.201.214.200",)}


def prompts(bank: Any) -> int:
    return len(bank.simulator.books.rows("SELECT 1 FROM prompt"))


async def decided(bank: Any, kind: str, subject: str, action: Action, **fields: Any) -> str:
    """Have a person do one of the things that the review offers."""
    offered = await bank.database.read(lambda c: payment_actions(c, "green", kind, subject))
    assert action in offered
    decision = Decision("looked it up", action, **fields)
    done = await bank.database.write(
        lambda c: decide_payment(Case(c, bank.mpesa, "green", kind, subject, {}, decision, "a person", bank.now))
    )
    return str(done)


async def funded(bank: Any, kes: int = 3_000) -> None:
    """Let h-001 own money, and M-Pesa hold it."""
    await bank.top_up(kes)
    await bank.settle()
    assert await bank.cents() == kes * 100


async def test_f01_a_push_whose_answer_is_lost_is_never_sent_again(bank: Any) -> None:
    for number, variant in enumerate(("reset", "unavailable"), start=1):
        bank.simulator.faults.arm("F01", variant=variant)
        await bank.top_up(100)
        await bank.settle()
        assert (prompts(bank), await bank.cents()) == (number, number * 10_000)


async def test_f01_f02_with_the_callback_lost_too_the_reference_finds_the_receipt(bank: Any) -> None:
    bank.simulator.faults.arm("F01")
    bank.simulator.faults.arm("F02")
    await bank.top_up(100)
    await bank.settle()
    assert (prompts(bank), await bank.cents()) == (1, 10_000)


async def test_f02_a_callback_that_never_comes_is_made_good_by_query_and_list(bank: Any) -> None:
    bank.simulator.faults.arm("F02", product="stk")
    await bank.top_up(100)
    await bank.settle()
    assert (await bank.cents(), await bank.callbacks()) == (10_000, [])


async def test_f03_a_callback_cut_off_halfway_is_not_believed(bank: Any) -> None:
    bank.simulator.faults.arm("F03", product="stk")
    await bank.top_up(100)
    await bank.settle()
    assert (await bank.cents(), await bank.reviews()) == (10_000, {})


async def test_f03_what_was_told_while_the_hub_was_down_is_found(bank: Any) -> None:
    await bank.top_up(100)
    await bank.until(lambda: prompts(bank) == 1, step=0)
    await asyncio.sleep(0.1)
    await bank.stop_hub()
    await bank.until(lambda: bank.utility_cents() > 0)
    await bank.until(lambda: bank.simulator.control.summary(0)["undelivered"] == 0)
    await bank.start_hub()
    await bank.settle()
    assert await bank.cents() == 10_000


async def test_f04_a_callback_that_comes_twice_counts_once(bank: Any) -> None:
    bank.simulator.faults.arm("F04", product="stk")
    await bank.top_up(100)
    await bank.settle()
    await bank.pass_time(1)
    # Which of them counted depends on when M-Pesa's query has its answer.
    assert [bool(row["outcome"]) for row in await bank.callbacks()] == [True, True]
    assert (await bank.cents(), len(await bank.received())) == (10_000, 1)


async def test_f05_a_callback_may_come_before_the_answer(bank: Any) -> None:
    bank.simulator.faults.arm("F05")
    bank.simulator.faults.arm("F13", variant="1032")
    await bank.top_up(100)
    await bank.settle()
    assert await bank.state() == "failed"
    bank.simulator.faults.arm("F05")
    await bank.top_up(100)
    await bank.settle()
    assert await bank.cents() == 10_000


async def test_f06_a_query_in_flight_is_no_answer(bank: Any) -> None:
    bank.behaves("ignores")
    for variant in ("4999", "empty-200", "empty-500"):
        bank.simulator.faults.arm("F02", product="stk")
        bank.simulator.faults.arm("F06", 2, variant=variant)
        await bank.top_up(100)
        await bank.settle()
    assert {row["state"] for row in await bank.intents()} == {"failed"}


async def test_f07_a_query_that_flaps_takes_no_money_away(bank: Any) -> None:
    for variant in ("error", "timeout"):
        bank.simulator.faults.arm("F02", product="stk")
        bank.simulator.faults.arm("F07", 2, variant=variant)
        await bank.top_up(100)
        await bank.settle()
    await bank.look()
    assert await bank.cents() == 20_000
    assert {row["state"] for row in await bank.intents()} == {"paid"}


async def test_f07_a_bare_query_that_says_paid_credits_nothing(bank: Any) -> None:
    bank.simulator.faults.arm("F02", product="stk")
    bank.simulator.faults.arm("F07", None, variant="success")
    bank.behaves("cancels")
    intent = await bank.top_up(100)
    await bank.settle(step=10)
    assert (await bank.cents(), await bank.reviews()) == (0, {"top_up_unresolved": intent})


async def test_f08_f09_f10_words_types_and_order_do_not_matter(bank: Any) -> None:
    for fault in ("F08", "F09", "F10"):
        bank.simulator.faults.arm(fault, None)
    await funded(bank)
    await bank.pay_out("p-1", 1_200)
    bank.behaves("cancels")
    await bank.top_up(100)
    await bank.settle()
    assert await bank.cents() == 300_000 - 120_500
    assert await bank.reviews() == {}


@pytest.mark.parametrize("variant", ["callback", "silent"])
async def test_f11_a_success_after_a_failure_is_credited(bank: Any, variant: str) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F11", variant=variant)
    await bank.top_up(100)
    await bank.settle()
    assert await bank.state() == "failed"
    await bank.pass_time(3)
    assert (await bank.cents(), await bank.state()) == (10_000, "paid")


async def test_f11_a_payment_that_comes_after_its_order_was_given_up_is_the_wallets(bank: Any) -> None:
    bank.simulator.faults.arm("F11")
    await bank.pay_for("7")
    await bank.settle()
    await bank.pass_time(3)
    assert [told[:2] for told in bank.orders.told] == [("not paid", "order:7")]
    assert await bank.cents() == 10_000


async def test_f12_a_phone_that_is_asked_twice_is_told_to_wait(bank: Any) -> None:
    for variant in ("lock", "1001", "17"):
        bank.simulator.faults.arm("F12", variant=variant)
        await bank.top_up(100)
        with pytest.raises(PaymentRefused, match="under way"):
            await bank.top_up(100)
        await bank.settle()
    for row in await bank.intents():
        assert (row["state"], "again" in row["reason"]) == ("failed", True)


async def test_f12_two_prompts_that_are_both_paid_are_both_the_wallets(bank: Any) -> None:
    bank.simulator.faults.arm("F12", variant="both")
    await bank.top_up(100)
    await bank.settle()
    await bank.look()
    assert await bank.cents() == bank.utility_cents()


CODES = ("1032", "1037", "1", "2001", "1019", "1025", "2", "3", "4", "26", "9999", "8006")


async def test_f13_whatever_ends_a_prompt_is_told_in_words(bank: Any) -> None:
    reasons = set()
    for code in CODES:
        bank.simulator.faults.arm("F13", variant=code)
        await bank.top_up(100)
        await bank.settle()
    for row in await bank.intents():
        assert row["state"] == "failed"
        reasons.add(row["reason"])
    assert len(reasons) >= len(CODES) - 1
    assert await bank.reviews() == {}


async def test_f13_what_our_own_account_refuses_is_for_the_operator(bank: Any) -> None:
    for code in ("8", "2028", "SFC-IC0003"):
        bank.simulator.faults.arm("F13", variant=code)
        intent = await bank.top_up(100)
        await bank.settle()
        assert await bank.reviews() == {"top_up_set_up": intent}


async def test_f14_a_token_that_another_killed_is_renewed_once(bank: Any) -> None:
    bank.simulator.faults.arm("F14", product="stk")
    bank.simulator.faults.arm("F14", product="b2c")
    await funded(bank)
    await bank.pay_out("p-1", 100)
    await bank.settle()
    assert (prompts(bank), bank.count("b2c")) == (1, 1)


async def test_f14_a_product_that_the_app_lacks_ends_in_words(bank: Any) -> None:
    bank.simulator.faults.arm("F14", None, variant="no-product", product="stk")
    await bank.top_up(100)
    await bank.settle(step=10)
    assert (await bank.intents())[0]["reason"] == "M-Pesa cannot be reached. Try again later."


async def test_f15_an_answer_that_cannot_be_read_proves_nothing(bank: Any) -> None:
    await funded(bank)
    for number, variant in enumerate(("html", "empty", "envelope"), start=1):
        bank.simulator.faults.arm("F15", variant=variant, product="stk")
        await bank.top_up(100, "h-002")
        bank.simulator.faults.arm("F15", variant=variant, product="b2c")
        await bank.pay_out(variant, 100)
        await bank.settle()
        assert (prompts(bank), bank.count("b2c")) == (1 + number, number)
    assert (await bank.cents(), await bank.cents("h-002")) == (270_000, 30_000)


async def test_f16_what_the_gateway_refused_is_sent_again(bank: Any) -> None:
    await funded(bank)
    for number, variant in enumerate(("spike", "quota", "429"), start=1):
        bank.simulator.faults.arm("F16", variant=variant, product="stk")
        await bank.top_up(100, "h-002")
        bank.simulator.faults.arm("F16", variant=variant, product="b2c")
        await bank.pay_out(variant, 100)
        await bank.settle()
        assert (prompts(bank), bank.count("b2c")) == (1 + number, number)


@pytest.mark.parametrize(("variant", "pushes"), [("busy", 0), ("busy-taken", 1)])
async def test_f16_a_busy_system_may_have_taken_it(bank: Any, variant: str, pushes: int) -> None:
    bank.simulator.faults.arm("F16", variant=variant, product="stk")
    await bank.top_up(100)
    await bank.settle(step=10)
    assert (prompts(bank), await bank.cents()) == (pushes, pushes * 10_000)


async def test_f17_a_payout_whose_answer_is_lost_is_sent_again_with_its_id(bank: Any) -> None:
    await funded(bank)
    for number, variant in enumerate(("reset", "unavailable"), start=1):
        bank.simulator.faults.arm("F17", 2, variant=variant)
        await bank.pay_out(variant, 1_200)
        await bank.settle()
        assert (bank.count("b2c"), await bank.cents()) == (number, 300_000 - number * 120_500)


async def test_f18_a_result_that_never_comes_is_asked_for(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F18")
    await bank.pay_out("p-1", 1_200)
    await bank.settle()
    assert ((await bank.payouts())[0]["state"], await bank.balance(PAYOUT_PENDING)) == ("paid", 0)


async def test_f19_a_queue_time_out_is_no_failure(bank: Any) -> None:
    await funded(bank)
    for variant in ("then-result", "silent"):
        bank.simulator.faults.arm("F19", variant=variant, product="b2c")
        await bank.pay_out(variant, 100)
        await bank.settle()
    assert ({row["state"] for row in await bank.payouts()}, bank.count("b2c")) == ({"paid"}, 2)


async def test_f19_a_payout_that_expired_in_the_queue_gives_the_money_back(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F19", variant="never", product="b2c")
    await bank.pay_out("p-1", 100)
    await bank.settle(step=10, within_minutes=24 * 60)
    assert ((await bank.payouts())[0]["state"], await bank.cents()) == ("failed", 300_000)


async def test_f20_an_empty_float_stops_payouts_until_a_person_lets_them_go(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F20")
    await bank.pay_out("p-1", 100)
    await bank.settle()
    assert (await bank.reviews(), await bank.cents()) == ({"payout_set_up": "p-1"}, 300_000)
    await bank.pay_out("p-2", 100)
    await bank.pass_time(5)
    assert [row["state"] for row in await bank.payouts()] == ["failed", "queued"]
    await decided(bank, "payout_set_up", "p-1", Action.RESUME_PAYOUTS)
    await bank.settle()
    assert (bank.count("b2c"), await bank.cents()) == (1, 290_000)


async def test_f21_a_refused_initiator_is_not_tried_again_and_again(bank: Any) -> None:
    await funded(bank)
    for number, variant in enumerate(("2001", "21", "8006"), start=1):
        bank.simulator.faults.arm("F21", variant=variant, product="b2c")
        await bank.pay_out(variant, 100)
        await bank.settle()
        await bank.pay_out(f"after {variant}", 100)
        await bank.pass_time(5)
        assert len(bank.simulator.books.rows("SELECT 1 FROM payout")) == 2 * number - 1, "it is not even sent"
        assert await bank.reviews() == {"payout_set_up": variant}
        bank.simulator.initiator.reset()
        await decided(bank, "payout_set_up", variant, Action.RESUME_PAYOUTS)
        await bank.settle()
    assert await bank.cents() == 270_000


async def test_f22_what_the_receiver_cannot_take_comes_back(bank: Any) -> None:
    await funded(bank)
    for variant in ("2040", "SFC-IC0003", "4", "8"):
        bank.simulator.faults.arm("F22", variant=variant)
        await bank.pay_out(variant, 100)
        await bank.settle()
    assert {row["state"] for row in await bank.payouts()} == {"failed"}
    assert (await bank.cents(), await bank.balance(PAYOUT_PENDING), await bank.reviews()) == (300_000, 0, {})


async def test_f23_one_payment_with_two_announcements_counts_once(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F23")
    await bank.top_up(100)
    await bank.settle()
    await bank.pass_time(1)
    assert [(row["channel"], bool(row["outcome"])) for row in await bank.callbacks()] == [("c", True), ("k", True)]
    assert (await bank.cents(), len(await bank.received())) == (10_000, 1)


async def test_f24_a_payment_by_hand_is_the_households_whose_account_it_names(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    await bank.pay_by_hand(250, f" {ACCOUNT[:4]}-{ACCOUNT[4:]} ")
    await bank.settle()
    assert (await bank.cents(), await bank.reviews()) == (25_000, {})


async def test_f24_a_phone_typed_as_account_is_understood_and_not_kept(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    for typed in ("0712345678", "+254712345678", "712 345 678"):
        await bank.pay_by_hand(100, typed)
    receipt = (await bank.pay_by_hand(100, "0799000000"))["receipt"]
    await bank.settle()
    assert (await bank.cents(), await bank.reviews()) == (30_000, {"unknown payer": receipt})
    kept = [row["reference"] for row in await bank.received()]
    assert sorted(kept) == ["0712X678", "0799X000", "2547X678", "7123X678"]


@pytest.mark.parametrize("variant", ["wrong", "missing"])
async def test_f24_a_payment_without_a_true_account_waits_for_its_owner(bank: Any, variant: str) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F24", variant=variant)
    receipt = (await bank.pay_by_hand(250, ACCOUNT))["receipt"]
    await bank.settle()
    assert (await bank.balance(SUSPENSE), await bank.reviews()) == (25_000, {"unknown payer": receipt})
    with pytest.raises(LookupError, match="no household h-009"):
        await decided(bank, "unknown payer", receipt, Action.ASSIGN, household="h-009")
    await decided(bank, "unknown payer", receipt, Action.ASSIGN, household="h-001")
    assert (await bank.balance(SUSPENSE), await bank.cents()) == (0, 25_000)
    assert await bank.database.read(lambda c: payment_actions(c, "green", "unknown payer", receipt)) == []


@pytest.mark.parametrize(("variant", "cents"), [("partial", 5_000), ("over", 20_000)])
async def test_f24_what_came_is_credited_not_what_was_meant(bank: Any, variant: str, cents: int) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F24", variant=variant)
    await bank.pay_by_hand(100, ACCOUNT)
    await bank.settle()
    assert await bank.cents() == cents


async def test_f24_validation_refuses_an_account_that_nobody_has(bank: Any) -> None:
    bank.simulator.rules.change(type(bank.simulator.rules.now)(is_validation_on=True))
    await bank.announce_payments_by_hand()
    for account in ("123456", ACCOUNT):
        await bank.pay_by_hand(100, account)
        await bank.settle()
    codes = [row["code"] for row in bank.simulator.books.rows("SELECT code FROM menu_payment ORDER BY number")]
    assert (codes, await bank.cents()) == (["C2B00012", "0"], 10_000)


@pytest.mark.parametrize(
    ("bank", "behaviour", "cents"),
    [({}, "pays", 10_000), ({}, "cancels", 0), ({"confirm_above_kes": 99}, "pays", 10_000)],
    indirect=["bank"],
)
async def test_f25_a_forged_success_is_not_borne_out_by_m_pesa(bank: Any, behaviour: str, cents: int) -> None:
    bank.simulator.faults.arm("F25")
    bank.simulator.faults.arm("F06", variant="4999")  # the query's two ways to say "not yet" come at random
    bank.behaves(behaviour)
    await bank.top_up(100)
    await bank.settle()
    assert (await bank.cents(), await bank.state()) == (cents, "paid" if cents else "failed")


async def test_f25_a_forged_receipt_that_wins_the_race_is_credited_once_and_put_right(bank: Any) -> None:
    bank.simulator.faults.arm("F25", variant="race")
    await bank.announce_payments_by_hand()
    await bank.top_up(100)
    await bank.settle()
    assert await bank.cents() == 10_000, "the forged, the true and the announced receipt are one payment"
    await bank.look()
    [row], [moved] = (
        await bank.received(),
        bank.simulator.books.rows("SELECT receipt FROM movement WHERE kind = 'c2b'"),
    )
    assert row["receipt"] == moved["receipt"], "the list told the true receipt"
    assert (await bank.cents(), await bank.state()) == (10_000, "paid")


@pytest.mark.parametrize("bank", [ABROAD], indirect=True)
async def test_f25_a_forged_success_from_elsewhere_is_held(bank: Any) -> None:
    bank.simulator.faults.arm("F25")
    bank.behaves("cancels")
    await bank.top_up(100)
    await bank.settle()
    assert (await bank.cents(), await bank.state()) == (0, "failed")
    held = [row["number"] for row in await bank.callbacks()]
    for number in held:
        await decided(bank, "callback_held", str(number), Action.TURN_AWAY)
    await bank.pass_time(1)
    assert await bank.cents() == 0


@pytest.mark.parametrize("bank", [ABROAD], indirect=True)
@pytest.mark.parametrize("variant", ["forged", "garbage"])
async def test_f26_a_source_that_a_caller_claims_is_not_believed(bank: Any, variant: str) -> None:
    bank.simulator.faults.arm("F26", variant=variant, product="stk")
    await bank.top_up(100)
    await bank.until(lambda: bank.utility_cents() > 0)
    await bank.pass_time(0.1, step=1)
    [row] = await bank.callbacks()
    assert (row["source"], row["is_held"], row["processed_at"]) == ("127.0.0.1", True, None)
    await bank.settle()
    assert await bank.cents() == 10_000, "the query and the list told of it"
    await decided(bank, "callback_held", str(row["number"]), Action.LET_IN)
    await bank.pass_time(1)
    assert await bank.cents() == 10_000


@pytest.mark.parametrize("bank", [ABROAD | {"trusted_proxies": 1}], indirect=True)
async def test_f26_behind_a_proxy_the_address_that_it_added_counts(bank: Any) -> None:
    url = callback = hooks.callback_url(bank.config_in_use, hooks.TIME_OUT, "1")
    for forwarded in ("196.201.214.200, 10.0.0.9", "10.0.0.9, 196.201.214.200"):
        async with ClientSession() as session:
            await session.post(url, data=b"{}", headers={"X-Forwarded-For": forwarded})
    rows = await bank.callbacks()
    assert [(row["source"], row["is_held"]) for row in rows] == [("10.0.0.9", True), ("196.201.214.200", False)]
    assert callback == url


async def test_f27_a_clock_that_disagrees_is_told_and_moves_nothing(bank: Any) -> None:
    bank.simulator.faults.arm("F27", None)
    intent = await bank.top_up(100)
    await bank.settle(step=10)
    assert (prompts(bank), await bank.reviews()) == (0, {"top_up_unresolved": intent})


async def test_f28_a_payment_that_m_pesa_took_back_is_booked_also_below_zero(bank: Any) -> None:
    bank.simulator.faults.arm("F28")
    await bank.top_up(100)
    await bank.settle()
    await bank.pay_out("p-1", 60)  # it is spent before it is taken back
    await bank.top_up(200, "h-002")
    await bank.settle()
    await bank.pass_time(11)
    data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    [difference] = found.differences
    assert (difference.kind, difference.mpesa_cents, difference.books_cents) == ("reversed_unasked", -10_000, None)
    await decided(bank, "books_differ", difference.subject, Action.BOOK)
    assert (await bank.cents(), await bank.balance(RECEIVABLE)) == (0, -6_000)
    again = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert (again.differences, again.matched) == ((), 4)


@pytest.mark.parametrize("variant", ["before", "after"])
async def test_f29_a_connection_cut_in_the_middle_moves_money_once(bank: Any, variant: str) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F29", variant=variant, product="b2c")
    await bank.pay_out("p-1", 100)
    await bank.settle()
    assert bank.count("b2c") == 1
    bank.simulator.faults.arm("F29", variant=variant, product="stk")
    await bank.top_up(100, "h-002")
    await bank.settle(step=10)
    assert prompts(bank) == (2 if variant == "after" else 1)


@pytest.mark.parametrize("variant", ["missing", "double", "short"])
async def test_f30_what_the_list_leaves_out_once_it_tells_the_next_time(bank: Any, variant: str) -> None:
    for number in range(2):
        bank.simulator.faults.arm("F01")
        bank.simulator.faults.arm("F02", product="stk")
        await bank.top_up(100 + number, "h-001" if number % 2 else "h-002")
        await bank.until(lambda n=number: prompts(bank) == n + 1, step=0)
        await bank.pass_time(0.5, step=2)
    bank.simulator.faults.arm("F30", 2, variant=variant)
    await bank.settle(step=5)
    await bank.look()
    assert await bank.cents() + await bank.cents("h-002") == 20_100


async def test_f31_a_balance_that_is_not_the_books_stops_payouts(bank: Any) -> None:
    await funded(bank)
    await bank.pass_time(70)
    bank.simulator.faults.arm("F31")
    await bank.pass_time(60)
    day = bank.now + timedelta(days=1)
    assert await bank.database.write(lambda c: reconcile_day(c, bank.mpesa, "green", day))
    assert not await bank.database.write(lambda c: reconcile_day(c, bank.mpesa, "green", day))
    [made] = await bank.database.read(lambda c: reconciliations(c, "green", 10))
    [difference] = made["differences"]
    assert (difference["kind"], difference["books_cents"] - difference["mpesa_cents"]) == ("balance", 10_000)
    await bank.pay_out("p-1", 100)
    await bank.pass_time(5)
    assert [row["state"] for row in await bank.payouts()] == ["queued"]
    await decided(bank, "books_differ", (await bank.reviews())["books_differ"], Action.RESUME_PAYOUTS)
    await bank.settle()
    assert bank.count("b2c") == 1


async def test_f32_hostile_text_harms_nothing(bank: Any) -> None:
    for variant in ("markup", "huge", "deep", "charset"):
        bank.simulator.faults.arm("F32", variant=variant, product="stk")
        await bank.top_up(100)
        await bank.settle()
    assert await bank.cents() == 40_000
    assert set(await bank.reviews()) <= {"callback_unreadable"}


async def test_f33_without_announcements_the_list_still_tells(bank: Any) -> None:
    await bank.announce_payments_by_hand()
    bank.simulator.faults.arm("F33", variant="urls")
    await bank.pay_by_hand(100, ACCOUNT)
    assert await bank.cents() == 0
    await bank.look()
    assert await bank.cents() == 10_000


async def test_f33_with_another_certificate_payouts_stop_at_the_first(bank: Any) -> None:
    await funded(bank)
    bank.simulator.faults.arm("F33", variant="certificate")
    await bank.pay_out("p-1", 100)
    await bank.settle()
    assert (await bank.reviews(), await bank.cents()) == ({"payout_set_up": "p-1"}, 300_000)


async def test_f34_after_hours_of_outage_everything_is_settled_once(bank: Any) -> None:
    await funded(bank)
    await bank.top_up(200, "h-002")
    await bank.until(lambda: prompts(bank) == 2, step=0)
    bank.simulator.faults.arm("F34", seconds=3 * 3600)
    await bank.pay_out("p-1", 100)
    await bank.pass_time(190, step=30)
    await bank.settle(step=10)
    assert (await bank.cents("h-002"), bank.count("b2c"), await bank.cents()) == (20_000, 1, 290_000)
    assert -(await bank.balance(TRUST_CASH)) == bank.at_mpesa_cents()


async def test_every_mistake_in_a_typed_account_is_seen() -> None:
    assert account_number(1) == "0001" + ACCOUNT[4:]
    wrong = {ACCOUNT[:place] + digit + ACCOUNT[place + 1 :] for place in range(6) for digit in "0123456789"} - {
        ACCOUNT
    }
    swapped = {ACCOUNT[:p] + ACCOUNT[p + 1] + ACCOUNT[p] + ACCOUNT[p + 2 :] for p in range(5)} - {ACCOUNT}
    assert not [typed for typed in wrong | swapped if typed == account_number(int(typed[:4]))]
    assert ledger.kes("h-001") == "h-001:kes"
