"""Invoices: what the ledger did to a member's money in a month, once, numbered without a gap, never edited."""

from datetime import timedelta

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import FEES as FEES_ACCOUNT
from energy_swap_hub.ledger import Correction, Posting
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.settlement import invoices, machine_tables, office_tables, tables
from energy_swap_hub.settlement.invoice_rules import InvoiceLine, Item, Month
from energy_swap_hub.settlement.invoices import Invoice, issue
from energy_swap_hub.settlement.machine import Work, take_step
from energy_swap_hub.settlement.regulator import report
from energy_swap_hub.web.invoice_pdf import invoice_pdf
from msgspec.structs import replace
from sqlalchemy import select

from tests.hub.village import VILLAGE, Home, Village

NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)


async def trade(village: Village) -> None:
    """A period's trades with rounding, a spot trade, a top-up, a payout and a correction."""
    amina, brian, chebet, david = village.homes
    for home in village.homes:
        await village.fund(home, 100_000)
    for seller in (amina, brian):
        await village.standing(seller, sell=1_001)
    for buyer in (chebet, david):
        await village.standing(buyer, buy=1_237)
    await village.end_period({amina.id: 3_333, brian.id: 1_111, chebet.id: -1_017, david.id: -977})
    await village.sell(amina, 501, 1_003)
    await village.buy(chebet, 333, 1_003)
    await village.chain_works()
    await village.pay_out(amina, 600)


async def correct(village: Village, home: Home, cents: int, name: str, corrects: int | None = None) -> None:
    postings = [Posting(ledger.kes(home.id), cents), Posting(FEES_ACCOUNT, -cents)]
    correction = Correction(name, postings, "a fee taken twice", "office", corrects)
    await village.database.write(lambda c: ledger.correct(c, VILLAGE, correction, now=village.now))


async def issued(village: Village, month: Month, rules: CommunityConfig | None = None) -> list[Invoice]:
    """Issue a month that is over, as the saga does, without booking all of its periods."""
    await village.database.write(lambda c: issue(c, rules or village.community, month, village.now))
    return await village.read(lambda c: invoices.invoices(c, VILLAGE, month=month.name))


def line(made: Invoice, item: Item) -> InvoiceLine:
    return next(one for one in made.lines if one.item is item)


async def test_the_invoices_of_a_month_sum_to_the_ledger(village: Village) -> None:
    await trade(village)
    await correct(village, village.david, 250, "1")
    before = await village.trial_balance()
    wallets = {home.id: await village.wallet(home) for home in village.homes}
    village.now = NOVEMBER.ends + timedelta(hours=2)
    made = await issued(village, NOVEMBER)
    assert [one.number for one in made] == [1, 2, 3, 4]
    for one in made:
        wallet = wallets[one.household]
        fees = sum(found.cents for found in one.lines if found.item is Item.PAYOUT_FEE)
        assert one.opening_cents + one.topped_up_cents - one.paid_out_cents - one.total_cents == one.closing_cents
        assert one.closing_cents == wallet["kes_cents"] + wallet["kes_held_cents"]
        assert (fees > 0) == (one.household == village.amina.id)
    # What members were charged and did not earn is the community's, the wires' owner's, or M-Pesa's fee.
    community_has = sum(before.get(name, 0) for name in ("fees", "grid", "rounding", "fund"))
    mpesas = sum(found.cents for one in made for found in one.lines if found.item is Item.PAYOUT_FEE)
    assert sum(one.total_cents for one in made) == community_has + mpesas
    bought = {one.household: line(one, Item.ENERGY) for one in made if one.household in {"h-003", "h-004"}}
    assert bought["h-003"].wh == 1_017 + 333
    chebet = next(one for one in made if one.household == "h-003")
    assert line(chebet, Item.COMMUNITY_FEE).cents == round(1_017 * 50 / 1_000) + round(333 * 50 / 1_000)
    assert [found.item for found in chebet.lines if found.item is Item.OTHER] == []


async def test_an_issued_month_is_never_edited_and_a_later_correction_is_a_note_to_it(village: Village) -> None:
    await trade(village)
    village.now = NOVEMBER.ends + timedelta(hours=2)
    first = await issued(village, NOVEMBER)
    assert await issued(village, NOVEMBER) == first, "issuing again changes nothing"
    wrong = await village.read(
        lambda c: next(
            leg.entry_id for leg in ledger.legs(c, VILLAGE, after=0, entries=500) if leg.source == "period"
        )
    )
    await correct(village, village.chebet, 500, "2", wrong)
    await correct(village, village.david, 300, "3")
    village.now = DECEMBER.ends + timedelta(hours=2)
    second = await issued(village, DECEMBER)
    assert await village.read(lambda c: invoices.invoices(c, VILLAGE, month="2026-11")) == first
    assert [one.number for one in (*first, *second)] == [1, 2, 3, 4, 5, 6]
    told = {one.household: (one.kind, one.month, one.corrects, one.total_cents) for one in second}
    number = next(one.number for one in first if one.household == village.chebet.id)
    assert told == {
        village.chebet.id: ("credit_note", "2026-11", number, -500),
        village.david.id: ("invoice", "2026-12", None, -300),
    }


async def test_late_energy_of_an_invoiced_month_is_a_note_without_money(village: Village) -> None:
    await trade(village)
    amina, period = village.amina, village.period_after(0)
    stored = amina.measure(period.end - timedelta(minutes=5), 2_000)
    await village.end_period(silent=(amina.id,))
    village.now = NOVEMBER.ends + timedelta(hours=2)
    first = await issued(village, NOVEMBER)
    await village.deliver(amina, stored)
    await village.end_period()
    assert len(await village.rows(tables.true_up)) == 1
    village.now = DECEMBER.ends + timedelta(hours=2)
    made = await issued(village, DECEMBER)
    (note,) = [one for one in made if one.kind != "invoice"]
    number = next(one.number for one in first if one.household == amina.id)
    assert (note.kind, note.household, note.month, note.corrects) == ("credit_note", amina.id, "2026-11", number)
    assert [(found.item, found.wh, found.cents) for found in note.lines] == [(Item.LATE_ENERGY, 2_000, 0)]
    await village.chain_works()


async def test_nothing_is_invoiced_before_the_month_is_over_and_a_draft_shows_what_there_is(
    village: Village,
) -> None:
    await trade(village)
    with pytest.raises(ValueError, match="2026-11 is not over"):
        await issued(village, NOVEMBER)
    chebet = await village.read(lambda c: by_id(c, VILLAGE, village.chebet.id))
    draft = await village.read(lambda c: invoices.draft(c, village.community, chebet, village.now))
    assert draft is not None
    assert (draft.number, draft.total_cents > 0) == (None, True)


async def test_tax_is_in_the_price_of_what_the_community_supplies_and_not_in_what_members_do(
    village: Village,
) -> None:
    await trade(village)
    rules = replace(village.community, vat_energy_percent=16, vat_fees_percent=16, tax_number="P051234567X")
    village.now = NOVEMBER.ends + timedelta(hours=2)
    made = {one.household: one for one in await issued(village, NOVEMBER, rules)}
    fee = line(made["h-003"], Item.GRID_FEE)
    assert (fee.vat_percent, fee.vat_cents) == (16, round(fee.cents * 16 / 116))
    assert line(made["h-001"], Item.SOLD).vat_cents == 0
    pdf = invoice_pdf(made["h-003"], rules)
    assert pdf.startswith(b"%PDF-1.")
    assert pdf == invoice_pdf(made["h-003"], rules), "the same invoice, the same bytes"
    assert invoice_pdf(made["h-003"], rules, "sw") != pdf


async def test_the_saga_closes_the_month_invoices_it_and_schedules_the_next(village: Village) -> None:
    await trade(village)
    await village.advance()
    row = machine_tables.saga.c
    query = select(row.kind, row.subject, row.state, row.version, row.attempts, row.due_at)
    (due,) = await village.read(lambda c: c.execute(query.where(row.kind == "invoices")).all())
    assert (due.subject, due.due_at) == ("2026-11", NOVEMBER.ends + timedelta(hours=1))
    village.now = due.due_at
    rule = village.settlement._rules["invoices"]
    for _ in range(2):  # a second hub that read the same work does nothing
        await village.database.write(lambda c: take_step(c, VILLAGE, Work(*due), rule, village.now))
    assert len(await village.rows(office_tables.invoice)) == 4
    waits = await village.read(
        lambda c: c.execute(query.where(row.kind == "invoices", row.due_at.is_not(None))).all()
    )
    assert [one.subject for one in waits] == ["2026-12"]


async def test_a_report_adds_up_the_month_without_a_name(village: Village) -> None:
    await trade(village)
    found = await village.read(lambda c: report(c, village.community, NOVEMBER, village.now))
    figures = {one.name: one.value for one in found}
    assert figures["members"] == 4
    assert (figures["prosumers"], figures["consumers"]) == (2, 2)
    assert figures["energy_exported"] == 3_333 + 1_111
    assert figures["period_energy"] == 1_017 + 977
    assert figures["spot_mean_price"] == 1_003
    assert figures["tokens_minted"] == 3_333 + 1_111
    assert figures["community_fees"] == await village.balance(FEES_ACCOUNT)
    assert not any(home.name in repr(found) for home in village.homes)


def test_months_follow_one_another_in_east_africa() -> None:
    assert Month.named("2026-12").next == Month(2027, 1)
    assert NOVEMBER.ends == DECEMBER.begins
    assert Month.of(NOVEMBER.ends - timedelta(seconds=1)) == NOVEMBER
    with pytest.raises(ValueError, match="write it like 2026-11"):
        Month.named("November")
