"""A household leaves: paid out, its tokens burned, frozen by the approvers, and in the end without a name."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.directory import household_account
from energy_swap_hub.chain.proposal_store import UNDER_WAY
from energy_swap_hub.ledger import FUND, PAYOUT_PENDING, TRUST_CASH, Entry, Posting
from energy_swap_hub.membership import files
from energy_swap_hub.membership.households import NotAdmitted, by_id
from energy_swap_hub.membership.tables import household as household_table
from energy_swap_hub.membership.tables import member_file
from energy_swap_hub.mpesa.tables import PAID, QUEUED, payout
from energy_swap_hub.settlement import leaving, machine_tables, office_tables, tables
from energy_swap_hub.settlement.departures import LeavingRefused, begin_leaving
from energy_swap_hub.settlement.machine import Next, Work, take_step
from energy_swap_hub.settlement.personal_data import personal_data
from energy_swap_hub.settlement.proposals import ask_suspension, sign_proposal
from energy_swap_protocol.message import Leave
from sqlalchemy import Connection, select, update

from tests.hub.village import APPROVERS, VILLAGE, Home, Village, community, copy_of, open_village


@pytest.fixture
async def paying(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """A village whose fund pays for the tokens of who leaves."""
    folder = copy_of(founded, tmp_path / "paying")
    async with open_village(folder, rules=community(leaving_tokens="pay")) as village:
        yield village
        await village.check()


async def leave(village: Village, home: Home, reason: str = "we move to Kisumu") -> None:
    await village.send(home, Leave(**village.head(), reason=reason))


async def state(village: Village, home: Home) -> str:
    row = machine_tables.saga.c
    query = select(row.state).where(row.kind == "leaving", row.subject == home.id)
    return str(await village.read(lambda c: c.execute(query).scalar_one()))


async def status(village: Village, home: Home) -> str:
    return (await village.read(lambda c: by_id(c, VILLAGE, home.id))).status


async def mpesa_pays(village: Village) -> None:
    """M-Pesa says that what was sent has arrived."""

    def paid(connection: Connection) -> None:
        row = payout.c
        for found in connection.execute(select(payout).where(row.state == QUEUED)).all():
            connection.execute(
                update(payout)
                .where(row.payout_id == found.payout_id)
                .values(state=PAID, ended_at=village.now, due_at=None)
            )
            cents = ledger.posted(connection, VILLAGE, "payout", found.payout_id, PAYOUT_PENDING)
            postings = [Posting(PAYOUT_PENDING, -cents), Posting(TRUST_CASH, cents)]
            name = f"arrived {found.payout_id}"
            ledger.post(connection, VILLAGE, Entry("mpesa", name, village.now, "payout arrived", postings))

    await village.database.write(paid)


async def approvers_sign(village: Village, home: Home) -> None:
    def one(connection: Connection, approver: Any) -> None:
        found = proposal_store.proposals(connection, VILLAGE, UNDER_WAY)
        for asked in (p for p in found if p.household == home.id and p.stage is proposal_store.Stage.OPEN):
            paper = paper_for(connection, asked, approver.pubkey())
            signatures = [approver.sign_message(message) for message in paper.messages]
            sign_proposal(connection, VILLAGE, asked.id, approver.pubkey(), signatures, village.now)

    for approver in APPROVERS[:2]:
        await village.database.write(lambda c, a=approver: one(c, a))  # type: ignore[misc]


async def go_on(village: Village, home: Home) -> None:
    """Let the hub, the chain, M-Pesa and the approvers do their parts until the household has left."""
    for _ in range(12):
        await village.advance()
        await village.chain_works()
        await mpesa_pays(village)
        await approvers_sign(village, home)
        village.now += timedelta(seconds=11)
        if await state(village, home) in {"kept", "erased"}:
            return
    raise AssertionError(await state(village, home))


async def test_who_leaves_is_paid_out_frozen_and_keeps_nothing(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.fund(amina, 60_050)
    await village.fund(chebet, 100_000)
    await village.standing(amina, sell=900)
    await village.end_period({amina.id: 3_000})
    sale = await village.sell(amina, 800, 1_000)
    auction = await village.start_auction(amina, 700, 1_000, 60)
    await village.bid(chebet, auction, 1_100)
    before = await village.wallet(chebet)
    await leave(village, amina)
    assert await status(village, amina) == "leaving"
    with pytest.raises(NotAdmitted, match="leaving"):
        await village.buy(amina, 100, 500)
    await go_on(village, amina)
    assert await status(village, amina) == "left"
    assert (await village.order(sale))["status"] == "cancelled"
    assert before["kes_held_cents"] > 0
    assert (await village.wallet(chebet))["kes_held_cents"] == 0, "the bid on its auction is free again"
    assert set((await village.wallet(amina)).values()) == {0}
    account = await village.read(lambda c: household_account(c, VILLAGE, amina.id))
    (holding,) = await village.chain.holdings([account.account])
    assert holding is not None
    assert holding.is_frozen
    (gone,) = await village.rows(office_tables.departure)
    assert (gone["asked_by"], gone["was"], gone["reason"]) == (amina.id, "admitted", "we move to Kisumu")
    assert (gone["burned_wh"], gone["tokens_cents"]) == (3_000, 0)
    assert gone["paid_kes"] * 100 + gone["remainder_cents"] + await fee(village) == 60_050
    assert await village.balance(FUND) == gone["remainder_cents"] < 1_000
    assert [row["kind"] for row in await village.rows(tables.review)] == []
    await village.check()


async def fee(village: Village) -> int:
    def paid(connection: Connection) -> int:
        rows = connection.execute(select(payout.c.payout_id, payout.c.kes)).all()
        return sum(
            ledger.posted(connection, VILLAGE, "payout", name, PAYOUT_PENDING) - kes * 100 for name, kes in rows
        )

    return await village.read(paid)


async def test_the_fund_pays_for_tokens_where_that_is_the_rule(paying: Village) -> None:
    amina, brian = paying.amina, paying.brian
    await paying.end_period({amina.id: 2_000})
    postings = [Posting(ledger.kes(brian.id), -400), Posting(FUND, 400)]
    await paying.fund(brian, 1_000)
    await paying.database.write(
        lambda c: ledger.post(c, VILLAGE, Entry("correction", "1", paying.now, "a gift to the fund", postings))
    )
    await leave(paying, amina)
    await go_on(paying, amina)
    (gone,) = await paying.rows(office_tables.departure)
    # 2 kWh at the feed-in tariff of KES 3.00 are KES 6.00, but the fund has KES 4.00, which M-Pesa cannot send.
    assert (gone["burned_wh"], gone["tokens_cents"]) == (2_000, 400)
    assert (gone["paid_kes"], gone["remainder_cents"]) == (0, 400)


async def test_tokens_beyond_the_allowance_wait_for_a_grant_with_a_review(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 2_000})
    await village.allow(amina, 500)
    await village.chain_works()
    await leave(village, amina)
    await village.advance()
    await village.chain_works()
    for _ in range(3):
        village.now += timedelta(seconds=11)
        await village.advance()
    assert (await state(village, amina), await village.wh(amina)) == ("tokens", 1_500)
    (asked,) = await village.rows(tables.review)
    assert (asked["kind"], asked["evidence"]["allowed_wh"]) == ("leaving_tokens", 500)
    await village.allow(amina, 5_000)
    await village.chain_works()
    await go_on(village, amina)
    assert await village.wh(amina) == 0


async def test_a_suspended_member_is_paid_and_an_applicant_is_turned_away(village: Village) -> None:
    amina = village.amina
    await village.fund(amina, 60_000)
    await village.end_period({amina.id: 1_000})
    await village.database.write(
        lambda c: ask_suspension(c, VILLAGE, amina.id, who="office", reason="why", now=village.now)
    )
    await approvers_sign(village, amina)
    await village.advance()
    await village.chain_works()
    await ask(village, amina)
    await go_on(village, amina)
    wallet = await village.wallet(amina)
    assert (wallet["kes_cents"], wallet["ekwh_wh"]) == (0, 1_000), "frozen tokens stay where they are"
    stranger = Home("h-005", "Otieno", 5, 1_000)
    await village.send(stranger, stranger.application(village.now))
    await village.chain_works()
    await ask(village, stranger)
    await village.advance()
    assert (await status(village, stranger), await state(village, stranger)) == ("left", "erased")
    again = Home("h-006", "Otieno", 6, 1_000)
    answer = await village.send(again, again.application(village.now, phone=stranger.phone))
    assert answer["status"] == "applied", "the phone is free for another application"
    await village.chain_works()


async def ask(village: Village, home: Home) -> None:
    said: dict[str, Any] = {"who": "office", "reason": "as agreed", "now": village.now}
    await village.database.write(lambda c: begin_leaving(c, VILLAGE, home.id, **said))


async def test_nobody_leaves_twice_or_without_a_reason(village: Village) -> None:
    amina = village.amina
    with pytest.raises(LeavingRefused, match="say why"):
        await leave(village, amina, reason=" ")
    await ask(village, amina)
    with pytest.raises(LeavingRefused, match="h-001 is leaving already"):
        await ask(village, amina)
    await go_on(village, amina)


async def test_the_name_goes_when_the_law_asks_no_more_and_the_books_stay(village: Village) -> None:
    amina = village.amina
    await village.fund(amina, 60_000)
    said: dict[str, Any] = {"who": "office", "now": village.now}
    await village.database.write(
        lambda c: files.record_document(
            c, VILLAGE, amina.id, "national_id", "12345678", phones=village.desk.phones, **said
        )
    )
    facts = await village.read(
        lambda c: personal_data(c, VILLAGE, _home(c, amina), village.desk.phones, village.now)
    )
    known = {(fact.kind, fact.name): fact.value for fact in facts}
    assert known["member", "phone"] == amina.phone
    assert known["file", "document_kind"] == "national_id"
    assert "12345678" not in repr(facts)
    assert ("paid in" in {fact.kind for fact in facts}, "message" in {fact.kind for fact in facts}) == (
        False,
        True,
    )
    await leave(village, amina)
    await go_on(village, amina)
    trial = await village.trial_balance()
    village.now += timedelta(days=7 * 366)
    await village.read(lambda c: None)
    while await state(village, amina) == "kept":
        await _one_step(village)
    left = await village.read(lambda c: _home(c, amina))
    assert (left.name, left.status) == ("Former member", "left")
    found = await village.read(
        lambda c: c.execute(
            select(household_table.c.phone_sealed).where(household_table.c.id == amina.id)
        ).scalar_one()
    )
    assert village.desk.phones.open(bytes(found)) == ""
    assert await village.rows(member_file) == []
    payloads = [row["payload"] for row in await village.rows(tables.message) if row["signer"] == left.key]
    assert {village.desk.phones.open(bytes(sealed)) for sealed in payloads} == {""}
    assert await village.trial_balance() == trial


def _home(connection: Connection, home: Home) -> Any:
    return by_id(connection, VILLAGE, home.id)


async def _one_step(village: Village) -> None:
    """Take the step of leaving alone: seven years of periods are not booked for a test."""
    rule = village.settlement._rules["leaving"]
    row = machine_tables.saga.c
    query = select(row.kind, row.subject, row.state, row.version, row.attempts, row.due_at).where(
        row.kind == "leaving"
    )
    (found,) = await village.read(lambda c: c.execute(query).all())
    await village.database.write(lambda c: take_step(c, VILLAGE, Work(*found), rule, village.now))


@pytest.mark.parametrize("doomed", ["waiting", "tokens", "burning", "paying", "freezing"])
async def test_a_hub_killed_in_the_middle_of_a_step_ends_the_same(
    village: Village, monkeypatch: pytest.MonkeyPatch, doomed: str
) -> None:
    """The step does all that it does, and the process is gone before its transaction is."""
    amina = village.amina
    await village.fund(amina, 60_000)
    await village.end_period({amina.id: 3_000})
    killed: list[Work] = []

    def kill(connection: Connection, desk: Any, work: Work, now: Any) -> Next | None:
        after = leaving.leave(connection, desk, work, now)
        if work.state == doomed and not killed:
            killed.append(work)
            raise _Killed
        return after

    monkeypatch.setattr("energy_swap_hub.settlement.service.leave", kill)
    await leave(village, amina)
    for _ in range(12):
        try:
            await go_on(village, amina)
        except _Killed:
            continue
        break
    assert [work.state for work in killed] == [doomed]
    (gone,) = await village.rows(office_tables.departure)
    assert (gone["burned_wh"], gone["paid_kes"] > 500, await status(village, amina)) == (3_000, True, "left")
    assert len(await village.rows(payout)) == 1
    assert set((await village.wallet(amina)).values()) == {0}


class _Killed(BaseException):
    """The process ends here."""
