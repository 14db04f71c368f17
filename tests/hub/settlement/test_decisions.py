"""What a person decides about a review is done once, and a late word of M-Pesa finds it so."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.chain import outbox
from energy_swap_hub.chain.intent import find
from energy_swap_hub.chain.keys import CoSignRefusedError, CoSignRequest, LocalCoSigner
from energy_swap_hub.ledger import PAYOUT_PENDING, TRUST_CASH
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.mpesa import PaymentRefused, intents, payouts, receipts
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.client import Accepted, Refused
from energy_swap_hub.mpesa.tables import payment_intent, payout
from energy_swap_hub.mpesa.wire import Payment, PayoutResult, PulledPayment
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.decisions import Action, Decision, actions_of, decide
from energy_swap_protocol.message import TopUp
from solders.signature import Signature
from sqlalchemy import Connection

from tests.hub.village import ALLOWED_WH, VILLAGE, Home, Village, copy_of, open_village

from .test_revoked_allowance import take_back

RECEIPT = "SKJ4H7T2QX"


async def open_reviews(village: Village) -> list[tuple[int, str, str, list[Action]]]:
    """Return id, kind, subject and actions of what waits for a person."""
    rows = [row for row in await village.rows(tables.review) if row["state"] == "open"]
    return [
        (row["id"], row["kind"], row["subject"], await actions(village, row["kind"], row["subject"]))
        for row in rows
    ]


async def actions(village: Village, kind: str, subject: str) -> list[Action]:
    return await village.read(lambda c: actions_of(c, VILLAGE, kind, subject))


async def decided(village: Village, review: int, action: Action | None, **fields: object) -> None:
    decision = Decision("looked it up", action, **fields)  # type: ignore[arg-type]
    await village.database.write(
        lambda c: decide(c, village.desk, review, decision, who="office", now=village.now)
    )


# The chain


async def refuse(_self: LocalCoSigner, _request: CoSignRequest) -> Signature:
    raise CoSignRefusedError("the verifier's office is closed")


async def test_a_failed_mint_is_tried_again_until_the_period_is_settled(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        with monkeypatch.context() as patch:
            patch.setattr(LocalCoSigner, "co_sign", refuse)
            period = await village.end_period({village.amina.id: 1_000})
            [(first, kind, subject, offered)] = await open_reviews(village)
            assert (kind, subject, offered) == ("chain failed", f"mint:{period}", [Action.TRY_AGAIN])
            await decided(village, first, Action.TRY_AGAIN)
            assert await village.period_state(period) == "booked"
            await village.chain_works()
        # The office was still closed, so it waits for a person once more.
        assert await village.period_state(period) == "review"
        [(second, _, subject, _)] = await open_reviews(village)
        assert subject == f"mint:{period}.2"
        await decided(village, second, Action.TRY_AGAIN)
        await village.chain_works()
        assert await village.period_state(period) == "settled"
        assert await open_reviews(village) == []
        assert await village.chain.supply_wh(VILLAGE) == await village.on_chain(village.amina) == 1_000

        for review in (first, second, 99):
            with pytest.raises(LookupError, match="not open"):
                await decided(village, review, Action.TRY_AGAIN)
        await village.chain_works()
        assert await village.chain.supply_wh(VILLAGE) == 1_000
        told = [row["what"] for row in await village.rows(audit) if "review" in row["what"]]
        assert told == [
            f"resolved a review: tried again as mint:{period}.{attempt}: looked it up" for attempt in (2, 3)
        ]


async def test_two_failed_parts_keep_a_period_in_review_until_both_are_tried_again(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        chebet = village.chebet
        await village.standing(village.amina, sell=1_000)
        await village.standing(chebet, buy=1_000)
        await village.fund(chebet, 100_000)
        with monkeypatch.context() as patch:
            patch.setattr(LocalCoSigner, "co_sign", refuse)
            period = await village.end_period({village.amina.id: 1_000, chebet.id: -1_000})
        mint, burn = await open_reviews(village)
        assert [one[2] for one in (mint, burn)] == [f"mint:{period}", f"burn:{period}"]
        await decided(village, mint[0], Action.TRY_AGAIN)
        await village.chain_works()
        assert await village.period_state(period) == "review", "its burn is still to be decided"
        assert await village.on_chain(chebet) == 1_000
        await decided(village, burn[0], Action.TRY_AGAIN)
        await village.chain_works()
        assert await village.period_state(period) == "settled"
        assert await village.chain.supply_wh(VILLAGE) == 0


async def test_a_burn_is_tried_again_under_what_the_household_granted_since(founded: Path, tmp_path: Path) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        chebet = village.chebet
        await village.standing(village.amina, sell=1_000)
        await village.standing(chebet, buy=1_000)
        await village.fund(chebet, 100_000)
        await take_back(village, chebet)
        period = await village.end_period({village.amina.id: 1_000, chebet.id: -1_000})
        [(too_early, _, _, _)] = await open_reviews(village)
        await decided(village, too_early, Action.TRY_AGAIN)
        await village.chain_works()
        assert await village.allowance(chebet) == 0
        assert await village.period_state(period) == "review", "the chain said no again"

        await village.allow(chebet, 5_000)
        await village.chain_works()
        [(review, _, subject, _)] = await open_reviews(village)
        assert subject == f"burn:{period}.2"
        await decided(village, review, Action.TRY_AGAIN)
        assert await village.allowance(chebet) == 4_000, "what the chain will burn is not there to be sold twice"
        await village.chain_works()
        assert (await village.period_state(period), await village.on_chain(chebet)) == ("settled", 0)
        assert await village.chain.supply_wh(VILLAGE) == await village.read(
            lambda c: ledger.ekwh_outstanding(c, VILLAGE)
        )
        assert await village.allowance(village.david) == ALLOWED_WH


async def test_a_failed_release_is_tried_again(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        amina, chebet = village.amina, village.chebet
        await village.end_period({amina.id: 1_000})
        await village.fund(chebet, 100_000)
        order = await village.sell(amina, 600, 1_000)
        with monkeypatch.context() as patch:
            patch.setattr(LocalCoSigner, "co_sign", refuse)
            await village.buy(chebet, 400, 1_000)
            await village.chain_works()
            await village.cancel(amina, order)
            await village.chain_works()
        reviews = await open_reviews(village)
        assert [one[2].partition(":")[0] for one in reviews] == ["release", "refund"]
        for review, _, _, offered in reviews:
            assert offered == [Action.TRY_AGAIN]
            await decided(village, review, Action.TRY_AGAIN)
        await village.chain_works()
        assert (await village.on_chain(amina), await village.on_chain(chebet)) == (600, 400)
        assert await village.chain.escrow_wh(VILLAGE) == 0


async def test_what_needs_somebody_elses_signature_or_worked_is_not_tried_again(village: Village) -> None:
    period = await village.end_period({village.amina.id: 1_000})
    for subject in (f"mint:{period}", f"open:{village.amina.id}", "mint:nothing"):
        assert await actions(village, "chain failed", subject) == []
    done = await village.read(lambda c: find(c, VILLAGE, f"mint:{period}"))
    assert done is not None
    with pytest.raises(ValueError, match="did not fail"):
        await village.database.write(lambda c: outbox.enqueue_again(c, done, village.now))
    assert await actions(village, "unknown payer", RECEIPT) == []


# Money


async def lost_top_up(village: Village, home: Home, kes: int) -> str:
    """A top-up that was sent, about which M-Pesa says nothing for an hour; return its id."""
    intent_id: str = (await village.send(home, TopUp(**village.head(), kes=kes)))["intent"]
    sent_at = village.now
    village.now += timedelta(hours=1)
    intent = await village.read(lambda c: intents.find(c, intent_id))
    assert intent is not None
    await village.database.write(lambda c: intents.begin_sending(c, intent, sent_at))
    await village.database.write(lambda c: intents.record_lost(c, intent, sent_at))
    current = await village.read(lambda c: intents.find(c, intent_id))
    assert current is not None
    await village.database.write(
        lambda c: intents.schedule(c, village.payments, current, was_pulled=True, now=village.now)
    )
    return intent_id


async def pulled(village: Village, receipt: str, kes: int) -> int:
    """M-Pesa's list of payments names the (only) top-up after all; return how many payments that credited."""
    [row] = await village.rows(payment_intent)
    told = [PulledPayment(row["account_reference"], Payment(receipt, kes, village.now))]
    return await village.database.write(
        lambda c: receipts.receive_all(c, village.payments, None, told, "pull", village.now)
    )


async def test_a_top_up_that_a_person_found_is_credited_once(village: Village) -> None:
    amina = village.amina
    await lost_top_up(village, amina, 500)
    [(review, kind, _, offered)] = await open_reviews(village)
    assert (kind, offered) == ("top_up_unresolved", [Action.CREDIT, Action.CLOSE_UNPAID, Action.ASK_AGAIN])
    for receipt, kes in ((None, None), (RECEIPT, None), (None, 500)):
        with pytest.raises(ValueError, match="is missing"):
            await decided(village, review, Action.CREDIT, receipt=receipt, kes=kes)
    for receipt, kes in (("skj4h7t2qx", 500), (RECEIPT, 250_001)):
        with pytest.raises(PaymentRefused):
            await decided(village, review, Action.CREDIT, receipt=receipt, kes=kes)
    assert await village.cents(amina) == 0
    await decided(village, review, Action.CREDIT, receipt=RECEIPT, kes=500)
    assert await village.cents(amina) == 50_000
    with pytest.raises(LookupError):
        await decided(village, review, Action.CREDIT, receipt="SKJ4H7T2QY", kes=500)
    assert await pulled(village, RECEIPT, 500) == 0
    assert (await village.cents(amina), await village.balance(TRUST_CASH)) == (50_000, -50_000)


async def test_a_receipt_is_credited_to_one_top_up_only(village: Village) -> None:
    await lost_top_up(village, village.amina, 500)
    await lost_top_up(village, village.brian, 500)
    [(first, *_), (second, *_)] = await open_reviews(village)
    await decided(village, first, Action.CREDIT, receipt=RECEIPT, kes=500)
    with pytest.raises(PaymentRefused, match="in the books already"):
        await decided(village, second, Action.CREDIT, receipt=RECEIPT, kes=500)
    assert await village.balance(TRUST_CASH) == -50_000
    assert [one[0] for one in await open_reviews(village)] == [second]


async def test_a_top_up_closed_as_unpaid_is_credited_when_its_receipt_comes(village: Village) -> None:
    await lost_top_up(village, village.amina, 500)
    [(review, *_)] = await open_reviews(village)
    await decided(village, review, Action.CLOSE_UNPAID)
    assert await village.balance(TRUST_CASH) == 0
    assert await pulled(village, RECEIPT, 500) == 1
    assert await village.cents(village.amina) == 50_000


async def test_a_top_up_that_resolved_by_itself_waits_for_nobody(village: Village) -> None:
    await lost_top_up(village, village.amina, 500)
    [(review, *_)] = await open_reviews(village)
    assert await pulled(village, RECEIPT, 500) == 1
    assert await open_reviews(village) == []
    with pytest.raises(LookupError):
        await decided(village, review, Action.CREDIT, receipt="SKJ4H7T2QY", kes=500)
    assert await village.cents(village.amina) == 50_000
    [row] = await village.rows(tables.review)
    assert (row["resolved_by"], row["resolution"]) == ("the hub", f"it was paid by {RECEIPT}")


async def unclear_payout(village: Village, home: Home, kes: int, kind: str) -> payouts.Payout:
    """A payout of which nobody knows whether it was paid."""
    await village.fund(home, kes * 100 + 500)
    payout_id = (await village.pay_out(home, kes))["payout"]

    async def now() -> payouts.Payout:
        found = await village.read(lambda c: payouts.find(c, VILLAGE, payout_id))
        assert found is not None
        return found

    async def send(answer: Accepted | Refused) -> None:
        item = await now()
        await village.database.write(lambda c: payouts.begin_sending(c, item, village.now))
        sent = await now()
        await village.database.write(
            lambda c: payouts.record_answer(c, village.payments, sent, answer, village.now)
        )

    if kind == "payout_refused_later":
        item = await now()
        await village.database.write(lambda c: payouts.begin_sending(c, item, village.now))
        sent = await now()
        await village.database.write(lambda c: payouts.record_lost(c, sent, village.now))
        await send(Refused("400.002.02", "Bad Request"))
    else:
        await send(Accepted("AG_1"))
        item = await now()
        if kind == "payout_result_missing":
            await village.database.write(lambda c: payouts.record_overdue(c, village.payments, item))
        else:
            await result(village, item, "77", None)
    return item


async def result(village: Village, item: payouts.Payout, code: str, receipt: str | None) -> str:
    """M-Pesa tells how a payout ended."""
    payment = None if receipt is None else Payment(receipt, item.kes, village.now)
    told = PayoutResult(code, item.originator_conversation_id, payment, None)

    def record(connection: Connection) -> str:
        now = payouts.find(connection, VILLAGE, item.payout_id)
        assert now is not None
        return payouts.record_result(
            connection, village.payments, Charges.load(), now, told, village.now, confirm_above_kes=5_000
        )

    return await village.database.write(record)


UNCLEAR = ("payout_result_missing", "payout_result_unclear", "payout_refused_later")


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_a_payout_that_a_person_found_paid_is_settled_once(village: Village, kind: str) -> None:
    item = await unclear_payout(village, village.amina, 600, kind)
    [(review, told, _, offered)] = await open_reviews(village)
    again = [] if kind == "payout_result_missing" else [Action.SEND_AGAIN]
    assert (told, offered) == (kind, [Action.PAID, Action.NOT_PAID, Action.ASK_AGAIN, *again])
    with pytest.raises(ValueError, match="receipt is missing"):
        await decided(village, review, Action.PAID)
    await decided(village, review, Action.PAID, receipt=RECEIPT)
    assert (await village.balance(PAYOUT_PENDING), await village.balance(TRUST_CASH)) == (0, 0)
    assert await result(village, item, "0", RECEIPT) == "recorded before"
    await result(village, item, "2040", None)
    with pytest.raises(LookupError):
        await decided(village, review, Action.NOT_PAID)
    assert (await village.cents(village.amina), await village.balance(TRUST_CASH)) == (0, 0)
    assert await open_reviews(village) == []


@pytest.mark.parametrize("kind", UNCLEAR)
@pytest.mark.parametrize(("code", "receipt"), [("0", RECEIPT), ("2040", None)])
async def test_a_payout_that_m_pesa_decides_after_all_waits_for_nobody(
    village: Village, kind: str, code: str, receipt: str | None
) -> None:
    item = await unclear_payout(village, village.amina, 600, kind)
    assert len(await open_reviews(village)) == 1
    await result(village, item, code, receipt)
    assert await open_reviews(village) == []
    assert await village.balance(PAYOUT_PENDING) == 0


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_a_payout_that_was_not_paid_gives_the_money_back_once(village: Village, kind: str) -> None:
    item = await unclear_payout(village, village.amina, 600, kind)
    [(review, *_)] = await open_reviews(village)
    await decided(village, review, Action.NOT_PAID)
    assert (await village.cents(village.amina), await village.balance(PAYOUT_PENDING)) == (60_500, 0)
    with pytest.raises(LookupError):
        await decided(village, review, Action.NOT_PAID)
    await result(village, item, "2040", None)
    assert await village.cents(village.amina) == 60_500
    # It was paid after all: a person hears of it and has it booked; the household owes what it has no more.
    assert await result(village, item, "0", RECEIPT) == "paid after its end"
    [(review, kind, _, offered)] = await open_reviews(village)
    assert (kind, offered) == ("payout_paid_after_end", [Action.BOOK])
    await decided(village, review, Action.BOOK)
    assert (await village.cents(village.amina), await village.balance(TRUST_CASH)) == (500, -500)
    assert await actions(village, kind, item.payout_id) == []


async def test_a_payouts_receipt_is_no_other_payments(village: Village) -> None:
    await unclear_payout(village, village.amina, 600, "payout_result_missing")
    [(review, *_)] = await open_reviews(village)
    await decided(village, review, Action.PAID, receipt=RECEIPT)
    await lost_top_up(village, village.brian, 500)
    [(top_up, *_)] = await open_reviews(village)
    with pytest.raises(PaymentRefused, match="in the books already"):
        await decided(village, top_up, Action.CREDIT, receipt=RECEIPT, kes=500)


async def test_a_payout_that_still_moves_by_itself_is_nobodys_to_decide(village: Village) -> None:
    await village.fund(village.amina, 100_000)
    payout_id = (await village.pay_out(village.amina, 600))["payout"]
    for kind in UNCLEAR:
        assert await actions(village, kind, payout_id) == []
    assert await actions(village, UNCLEAR[0], str(uuid4())) == []
    [row] = await village.rows(payout)
    assert row["state"] == "queued"
