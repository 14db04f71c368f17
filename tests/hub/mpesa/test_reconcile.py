"""M-Pesa's own account of the money held against the books: by file, by day, by command."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from energy_swap_hub.ledger import FEES, SUSPENSE
from energy_swap_hub.mpesa.hooks import unprocessed
from energy_swap_hub.mpesa.reports import Line, StatementError, latest_balances, read_portal_csv
from energy_swap_hub.mpesa.tables import payment_callback
from energy_swap_hub.settlement.actions import Action
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.reconciliation import (
    Reconciliation,
    reconcile_day,
    reconcile_statement,
    reconciliations,
)
from sqlalchemy import insert

from tests.hub.mpesa.test_faults import decided, funded

HEAD = "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,A/C No."


async def reconcile(bank: Any, data: bytes | None = None) -> Reconciliation:
    if data is None:
        data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert isinstance(found, Reconciliation)
    return found


def kinds(found: Reconciliation) -> list[str]:
    return sorted(difference.kind for difference in found.differences)


async def test_books_that_agree_are_said_to_agree(bank: Any) -> None:
    await funded(bank)
    await bank.pay_out("p-1", 1_200)
    await bank.settle()
    found = await reconcile(bank)
    assert (found.matched, found.credited, found.differences) == (3, 0, ())  # the payment, the payout, its charge
    assert await bank.reviews() == {}


async def test_what_nobody_told_of_is_credited_from_the_statement_once(bank: Any) -> None:
    await bank.stop_hub()
    await bank.pay_by_hand(130, account_number(2))
    await bank.pay_by_hand(40, "RENT")
    found = await reconcile(bank)
    assert (kinds(found), found.credited) == (["missing_credit", "missing_credit"], 2)
    assert (await bank.cents("h-002"), await bank.balance(SUSPENSE)) == (13_000, 4_000)
    assert set(await bank.reviews()) == {"unknown payer", "books_differ"}
    again = await reconcile(bank)
    assert (again.matched, again.differences) == (2, ())
    await bank.start_hub()
    await bank.pass_time(1)
    assert await bank.cents("h-002") == 13_000, "nor does the list credit it again"


async def test_a_charge_that_the_tariff_did_not_tell_is_booked_by_a_person(bank: Any) -> None:
    rules = bank.simulator.rules
    rules.change(type(rules.now)(bouquet="business"))
    await funded(bank, 2_000)
    found = await reconcile(bank)
    [charge] = found.differences
    assert (charge.kind, charge.mpesa_cents, charge.books_cents) == ("other_charge", -2_000, 0)
    await decided(bank, "books_differ", charge.subject, Action.BOOK)
    assert await bank.balance(FEES) == -2_000
    assert (await reconcile(bank)).differences == ()


async def test_money_that_left_without_an_order_is_shown_and_booked_against_suspense(bank: Any) -> None:
    await funded(bank, 500)
    await bank.transfer(-200)
    found = await reconcile(bank)
    assert kinds(found) == ["unknown_out"]
    await decided(bank, "books_differ", found.differences[0].subject, Action.BOOK)
    assert await bank.balance(SUSPENSE) == -20_000
    assert (await reconcile(bank)).differences == ()


async def test_what_the_books_have_and_the_statement_has_not_is_shown(bank: Any) -> None:
    await funded(bank, 500)
    await bank.top_up(70, "h-002")
    await bank.settle()
    await bank.pass_time(2)
    data = await bank.statement()
    lines = data.decode().splitlines()
    without = [line for line in lines if ",500.00," not in line]
    assert len(without) == len(lines) - 1
    # The statement goes from its first to its last movement, so the missing one must lie between.
    early = lines[-1].replace("500.00", "0.00")
    found = await reconcile(bank, "\r\n".join([*without, early]).encode())
    assert found.differences == ()
    wide = [*without, "XKL0000000,20-11-2026 00:00:00,,Pay Bill,Completed,1.50,,,,,,,ES1"]
    found = await reconcile(bank, "\r\n".join(wide).encode())
    assert kinds(found) == ["not_at_mpesa", "other_amount"]


async def test_a_day_is_compared_once_with_what_the_list_and_the_balance_say(bank: Any) -> None:
    await funded(bank)
    await bank.look()
    told = await bank.database.read(latest_balances)
    assert told is not None
    assert told[2] == bank.at_mpesa_cents() == 300_000
    tomorrow = bank.now + timedelta(days=1)
    assert await bank.database.write(lambda c: reconcile_day(c, bank.mpesa, "green", tomorrow))
    assert not await bank.database.write(lambda c: reconcile_day(c, bank.mpesa, "green", tomorrow))
    [made] = await bank.database.read(lambda c: reconciliations(c, "green", 10))
    assert (made["source"], made["matched"], made["differences"]) == ("day", 1, [])
    assert made["starts_at"] == datetime(2026, 11, 19, 21, tzinfo=UTC), "Nairobi's midnight"
    assert await bank.database.read(lambda c: unprocessed(c, 10)) == []


async def test_a_payment_under_way_is_no_difference(bank: Any) -> None:
    await funded(bank)
    await bank.pay_out("p-1", 1_200)
    await bank.look()
    tomorrow = bank.now + timedelta(days=1)
    await bank.database.write(lambda c: reconcile_day(c, bank.mpesa, "green", tomorrow))
    assert await bank.reviews() == {}


def test_a_statement_is_read_as_the_portal_writes_it() -> None:
    rows = [
        "Organization Name:,Kisima",
        "",
        HEAD,
        'SKJ4H7T2QX,20-11-2026 14:30:01,x,"Pay Bill from 2547 - A, B",Completed,"1,250.00",,es 234',
        "SKJ4H7T2QY,20-11-2026 14:31:00,x,Business Payment to 2547,Completed,,-600.00,",
        "SKJ4H7T2QY,20-11-2026 14:31:00,x,Business Payment Charge,Completed,,5.00,",
        "SKJ4H7T2QZ,20-11-2026 14:32:00,x,Pay Bill,Cancelled,10.00,,",
    ]
    at = datetime(2026, 11, 20, 11, 30, 1, tzinfo=UTC)
    paid, sent, charge = read_portal_csv("\r\n".join(rows).encode("utf-8-sig"))
    assert paid == Line("SKJ4H7T2QX", "in", 125_000, at, "ES234")
    assert [(line.kind, line.cents) for line in (sent, charge)] == [("out", -60_000), ("charge", -500)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no heading found"),
        (b"Receipt No.,Paid In\r\nA,1", "has the columns Receipt No., Completion Time, Paid In and Withdrawn"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8 text; export it as CSV"),
        (f"{HEAD}\r\nSKJ4H7T2QX,yesterday,,,Completed,1.00,,".encode(), "line 2: the completion time 'yesterday'"),
        (f"{HEAD}\r\nSKJ4H7T2QX,20-11-2026 14:30:01,,,Completed,ten,,".encode(), "line 2: 'ten' is no amount"),
        (f"{HEAD}\r\nSKJ4H7T2QX,20-11-2026 14:30:01,,,Completed,1.005,,".encode(), "whole cents"),
        (b"x" * (8 * 1024 * 1024 + 1), "at most 8 MiB"),
    ],
)
def test_a_file_that_is_no_statement_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(StatementError, match=words):
        read_portal_csv(data)


async def test_however_much_there_is_to_do_m_pesa_is_looked_at(bank: Any) -> None:
    await bank.stop_hub()
    row = {"channel": "t", "community_id": "", "subject": "1", "source": "", "is_held": False, "body": b"{}"}
    rows = [row | {"received_at": bank.now}] * 40
    await bank.database.write(lambda c: c.execute(insert(payment_callback), rows))
    worker = bank.room(bank.config_in_use)._worker
    steps = await worker._due_steps(None)
    for _, step in steps:
        step.close()
    assert "look" in [key for key, _ in steps]
