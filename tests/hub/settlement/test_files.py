"""A file's evidence: a shilling from the phone proves it, and an admission can wait until nothing is missing."""

import pytest
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.proposal_store import Stage, proposals
from energy_swap_hub.membership import consent, files
from energy_swap_hub.membership.files import EvidenceRefused, evidence_of
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.mpesa.tables import payment_intent
from energy_swap_hub.settlement.payments import PHONE, ask_phone_proof
from energy_swap_hub.settlement.proposals import sign_proposal
from sqlalchemy import Connection

from tests.hub.village import APPROVERS, VILLAGE, Home, Village


async def apply(village: Village) -> Home:
    home = Home("h-005", "Otieno", 5, 1_000)
    await village.send(home, home.application(village.now))
    await village.chain_works()
    return home


async def pay(village: Village, home: Home, purpose: str, receipt: str) -> None:
    """M-Pesa tells that a prompt on the household's phone was paid."""
    await village.database.write(
        lambda c: village.payments.received(
            c,
            community_id=VILLAGE,
            household_id=home.id,
            cents=100,
            receipt=receipt,
            at=village.now,
            purpose=purpose,
        )
    )


async def test_a_shilling_paid_from_the_phone_confirms_it_and_is_the_households(village: Village) -> None:
    home = await apply(village)
    await village.database.write(
        lambda c: ask_phone_proof(c, village.mpesa, home.phone, VILLAGE, home.id, village.now)
    )
    (asked,) = await village.rows(payment_intent)
    assert (asked["kes"], asked["purpose"]) == (1, "phone:h-005")
    await pay(village, home, "top_up", "TKL0000001")
    assert (await village.read(lambda c: evidence_of(c, VILLAGE, home.id))).phone_at is None, "anybody tops up"
    await pay(village, home, PHONE + "h-001", "TKL0000002")
    assert (await village.read(lambda c: evidence_of(c, VILLAGE, home.id))).phone_at is None
    await pay(village, home, asked["purpose"], "TKL0000003")
    found = await village.read(lambda c: evidence_of(c, VILLAGE, home.id))
    assert (found.phone_by, found.phone_at) == ("payment TKL0000003", village.now)
    assert (await village.wallet(home))["kes_cents"] == 300


async def test_approvers_cannot_admit_while_the_file_lacks_something(village: Village) -> None:
    home = await apply(village)
    phones, now = village.desk.phones, village.now

    def sign(connection: Connection) -> None:
        (asked,) = [p for p in proposals(connection, VILLAGE, (Stage.OPEN,)) if p.household == home.id]
        paper = paper_for(connection, asked, APPROVERS[0].pubkey())
        signatures = [APPROVERS[0].sign_message(message) for message in paper.messages]
        sign_proposal(connection, VILLAGE, asked.id, APPROVERS[0].pubkey(), signatures, now, needs_evidence=True)

    def fill(connection: Connection) -> None:
        files.confirm_phone(connection, VILLAGE, home.id, by="office", now=now)
        files.record_document(
            connection, VILLAGE, home.id, "passport", "AK 0123456", phones=phones, who="office", now=now
        )
        files.record_site(connection, VILLAGE, home.id, "TX-7", "North 2", who="fitter", now=now)

    with pytest.raises(EvidenceRefused, match="h-005 lacks phone, document, site, consent"):
        await village.database.write(sign)
    await village.database.write(fill)
    with pytest.raises(EvidenceRefused, match="h-005 lacks consent"):
        await village.database.write(sign)
    await village.database.write(
        lambda c: files.record_consent(c, VILLAGE, home.id, consent.VERSION, who="office", now=now)
    )
    await village.database.write(sign)
    with pytest.raises(NotAdmitted, match="waits for the community's approvers"):
        await village.buy(home, 100, 500)


async def test_evidence_that_makes_no_sense_is_refused(village: Village) -> None:
    phones, now = village.desk.phones, village.now

    def see(connection: Connection, kind: str, number: str) -> None:
        files.record_document(connection, VILLAGE, "h-001", kind, number, phones=phones, who="office", now=now)

    for kind, number, why in (("library_card", "12345", "kind: one of"), ("passport", "1-2", "number: 4 to 20")):
        with pytest.raises(EvidenceRefused, match=why):
            await village.database.write(lambda c, k=kind, n=number: see(c, k, n))  # type: ignore[misc]
    with pytest.raises(EvidenceRefused, match="transformer and feeder"):
        await village.database.write(
            lambda c: files.record_site(c, VILLAGE, "h-001", " ", "North", who="fitter", now=now)
        )
    with pytest.raises(LookupError):
        await village.database.write(lambda c: files.confirm_phone(c, VILLAGE, "h-404", by="office", now=now))
