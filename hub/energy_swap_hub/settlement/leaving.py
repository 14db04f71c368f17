"""A household leaves: what it has open ends, tokens and money are settled, its account is frozen, its data goes.

A saga that is taken up wherever a hub stopped: ``waiting`` until nothing of it is under way, ``tokens``,
``burning``, ``paying``, ``freezing`` (the approvers freeze the account; the hub cannot), then ``kept`` for as long
as the law asks for records, and at last ``erased``: the books stay, under the household's number, without a name.
"""

from datetime import datetime, timedelta
from typing import Final

from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, func, select, update

from energy_swap_hub import ledger
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.directory import household_account
from energy_swap_hub.chain.intent import State
from energy_swap_hub.chain.outbox import enqueue_burn_period
from energy_swap_hub.chain.payload import Burn
from energy_swap_hub.chain.proposal_store import UNDER_WAY, Stage
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.ledger import BURNED, FUND, Entry, Posting
from energy_swap_hub.membership.households import Household, by_id, record_audit, set_status
from energy_swap_hub.mpesa.payouts import LEAST_KES
from energy_swap_hub.mpesa.tables import OPEN_INTENT, OPEN_PAYOUT, PAID, REVIEW, payment_intent, payout

from .allowances import allowance_wh, use_allowance
from .departures import leaving_burn
from .desk import Desk
from .erasure import erase
from .machine import Next, Work, rest
from .office_tables import departure
from .payouts import most_kes, pay_out
from .proposals import ask_suspension
from .reviews import open_review
from .settings import tariff_of
from .suspensions import end_orders, is_under_way

_LOOK_AGAIN: Final = timedelta(seconds=10)
_AFTER_FAILED_PAYOUT: Final = timedelta(days=1)


def leave(connection: Connection, desk: Desk, work: Work, now: datetime) -> Next | None:
    """Take the next step of a household's leaving."""
    household = by_id(connection, desk.community.id, work.subject)
    match work.state:
        case "tokens":
            return _settle_tokens(connection, desk, household, now)
        case "burning":
            return _await_burn(connection, desk, household, now)
        case "paying":
            return _pay(connection, desk, household, now)
        case "freezing":
            return _freeze(connection, desk, household, now)
        case "kept":
            erase(connection, desk.community.id, household, desk.phones, now)
            _note(connection, desk.community.id, household.id, erased_at=now)
            return Next("erased")
        case _:
            return _clear(connection, desk, household, now)


def _clear(connection: Connection, desk: Desk, household: Household, now: datetime) -> Next:
    community = desk.community
    if _was(connection, community.id, household.id) == "applied":
        return _left(connection, desk, household, now, erase_at=now)
    end_orders(connection, community, household, now)
    wallet = ledger.wallet(connection, community.id, household.id)
    if (
        is_under_way(connection, community.id, household.id)
        or _is_paying_in(connection, community.id, household.id)
        or wallet["kes_held_cents"]
        or wallet["ekwh_held_wh"]
    ):
        return rest("waiting", now + _LOOK_AGAIN)  # for contracts that are not booked, and for what the chain has
    return Next("tokens", now)


def _settle_tokens(connection: Connection, desk: Desk, household: Household, now: datetime) -> Next:
    """Burn the tokens within the household's allowance; by the community's rule, the fund pays for them."""
    community = desk.community
    wh = ledger.wallet(connection, community.id, household.id)["ekwh_wh"]
    if wh == 0 or _was(connection, community.id, household.id) == "suspended":
        return Next("paying", now)  # a frozen account's tokens can be neither burned nor moved: they stay frozen
    allowed = max(allowance_wh(connection, community.id, household.id), 0)
    if allowed < wh:
        evidence = {"household": household.id, "tokens_wh": wh, "allowed_wh": allowed}
        open_review(
            connection, community.id, kind="leaving_tokens", subject=household.id, evidence=evidence, now=now
        )
        if not allowed:
            return rest("tokens", now + _LOOK_AGAIN)
    burned = min(wh, allowed)
    cents = 0
    if community.leaving_tokens == "pay":
        worth = cost_cents(burned, tariff_of(connection, community, now).feed_in_cents_per_kwh)
        cents = min(worth, max(ledger.balance(connection, community.id, FUND), 0))
    name = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    postings = [
        Posting(ledger.ekwh(household.id), -burned),
        Posting(BURNED, burned),
        Posting(ledger.kes(household.id), cents),
        Posting(FUND, -cents),
    ]
    text = f"{household.id} leaves: its tokens are burned"
    ledger.post(connection, community.id, Entry("leaving", f"{household.id}/{name}", now, text, postings))
    use_allowance(connection, community.id, household.id, burned)
    account = str(household_account(connection, community.id, household.id).account)
    burn = leaving_burn(household.id, now)
    enqueue_burn_period(connection, community.id, burn, [Burn(household.id, account, burned)], now)
    row = departure.c
    _note(
        connection,
        community.id,
        household.id,
        burned_wh=row.burned_wh + burned,
        tokens_cents=row.tokens_cents + cents,
        burn=burn,
    )
    return Next("burning", now)


def _await_burn(connection: Connection, desk: Desk, household: Household, now: datetime) -> Next:
    """The account is frozen only when the chain has burned what the books say."""
    community_id = desk.community.id
    row, intent = departure.c, chain_intent.c
    burn = connection.execute(
        select(row.burn).where(row.community_id == community_id, row.household_id == household.id)
    ).scalar_one()
    # One that failed is in front of a person, who tries it again under a name that begins the same.
    states = select(intent.state).where(
        intent.community_id == community_id, intent.id.startswith(f"burn:{burn}", autoescape=True)
    )
    if State.CONFIRMED not in connection.execute(states).scalars().all():
        return rest("burning", now + _LOOK_AGAIN)
    return Next("tokens", now)


def _pay(connection: Connection, desk: Desk, household: Household, now: datetime) -> Next:
    """Send all that M-Pesa can send; what is too small for it goes to the community's fund."""
    community_id = desk.community.id
    row = payout.c
    mine = (row.community_id == community_id, row.household_id == household.id)
    if connection.execute(select(row.payout_id).where(*mine, row.state.in_((*OPEN_PAYOUT, REVIEW)))).first():
        return rest("paying", now + _LOOK_AGAIN)
    prefix = f"leave/{household.id}/"
    tried = connection.execute(
        select(row.state, row.kes, row.ended_at)
        .where(*mine, row.payout_id.startswith(prefix))
        .order_by(row.created_at, row.payout_id)
    ).all()
    if tried and tried[-1].state != PAID and tried[-1].ended_at + _AFTER_FAILED_PAYOUT > now:
        return rest("paying", tried[-1].ended_at + _AFTER_FAILED_PAYOUT)
    cents = ledger.balance(connection, community_id, ledger.kes(household.id))
    if most_kes(cents, lambda kes: desk.charges.payout_cents(kes, now)) >= LEAST_KES:
        pay_out(connection, desk, household, f"{prefix}{len(tried) + 1}", None, now)
        return Next("paying", now + _LOOK_AGAIN)
    if cents:
        text = f"{household.id} has left: too little for M-Pesa, so it is the community's"
        postings = [Posting(ledger.kes(household.id), -cents), Posting(FUND, cents)]
        ledger.post(connection, community_id, Entry("leaving", f"{household.id}/rest", now, text, postings))
    paid = sum(one.kes for one in tried if one.state == PAID)
    _note(connection, community_id, household.id, paid_kes=paid, remainder_cents=cents)
    return Next("freezing", now)


def _freeze(connection: Connection, desk: Desk, household: Household, now: datetime) -> Next:
    community_id = desk.community.id
    if _was(connection, community_id, household.id) == "suspended":
        return _left(connection, desk, household, now)
    row = departure.c
    known = connection.execute(
        select(row.proposal).where(row.community_id == community_id, row.household_id == household.id)
    ).scalar()
    proposal = None if known is None else proposal_store.find(connection, community_id, known)
    if proposal is not None and proposal.stage is Stage.DONE:
        return _left(connection, desk, household, now)
    if proposal is None or proposal.stage not in UNDER_WAY:
        reason = "it leaves the community; its money is paid out"
        asked = ask_suspension(connection, community_id, household.id, who="the hub", reason=reason, now=now)
        _note(connection, community_id, household.id, proposal=asked.id)
    return rest("freezing", now + _LOOK_AGAIN)


def _left(
    connection: Connection, desk: Desk, household: Household, now: datetime, *, erase_at: datetime | None = None
) -> Next:
    community = desk.community
    until = erase_at or now + timedelta(days=round(community.retention_years * 365.25))
    set_status(connection, community.id, household.id, "left", now=now)
    _note(connection, community.id, household.id, left_at=now, erase_at=until)
    record_audit(connection, community.id, who="the hub", what="has left", subject=household.id, now=now)
    return Next("kept", until)


def _was(connection: Connection, community_id: str, household_id: str) -> str:
    row = departure.c
    query = select(row.was).where(row.community_id == community_id, row.household_id == household_id)
    return str(connection.execute(query).scalar_one())


def _note(connection: Connection, community_id: str, household_id: str, **values: object) -> None:
    row = departure.c
    connection.execute(
        update(departure)
        .where(row.community_id == community_id, row.household_id == household_id)
        .values(**values)
    )


def _is_paying_in(connection: Connection, community_id: str, household_id: str) -> bool:
    row = payment_intent.c
    query = select(func.count()).where(
        row.community_id == community_id, row.household_id == household_id, row.state.in_(OPEN_INTENT)
    )
    return connection.execute(query).scalar_one() > 0
