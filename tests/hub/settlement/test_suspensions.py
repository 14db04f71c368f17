"""A suspended household trades and mints nothing and loses nothing; a new device lets it go on with a new key."""

from typing import Any
from uuid import uuid4

import pytest
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.directory import household_account
from energy_swap_hub.chain.proposal_store import Proposal, Stage
from energy_swap_hub.membership.households import NotAdmitted, by_id, claims_of, households
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.tables import payout
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.office_payouts import pay_out_suspended
from energy_swap_hub.settlement.proposals import (
    ask_readmission,
    ask_recovery,
    ask_suspension,
    set_pause,
    sign_proposal,
)
from energy_swap_hub.web.household_view import household_state
from energy_swap_protocol.message import StandingOrder
from nacl.signing import SigningKey
from solders.pubkey import Pubkey
from sqlalchemy import Connection, select

from tests.hub.village import APPROVERS, VILLAGE, Home, Village


async def sign(village: Village, proposal: Proposal) -> None:
    """Two approvers' devices sign, one after the other."""

    def one(connection: Connection, approver: Any) -> None:
        now = proposal_store.get(connection, VILLAGE, proposal.id)
        paper = paper_for(connection, now, approver.pubkey())
        signatures = [approver.sign_message(message) for message in paper.messages]
        sign_proposal(connection, VILLAGE, proposal.id, approver.pubkey(), signatures, village.now)

    for approver in APPROVERS[:2]:
        await village.database.write(lambda c, a=approver: one(c, a))  # type: ignore[misc]


async def decide(village: Village, ask: Any, *arguments: Any) -> Proposal:
    said: dict[str, Any] = {"who": "office", "reason": "the meter was opened", "now": village.now}
    proposal: Proposal = await village.database.write(lambda c: ask(c, VILLAGE, *arguments, **said))
    await village.chain_works()
    await sign(village, proposal)
    await settle(village)
    return await village.read(lambda c: proposal_store.get(c, VILLAGE, proposal.id))


async def settle(village: Village) -> None:
    for _ in range(4):
        await village.advance()
        await village.chain_works()


async def status(village: Village, home: Home) -> str:
    members = await village.read(lambda c: households(c, VILLAGE))
    return next(member.status for member in members if member.id == home.id)


async def is_frozen(village: Village, home: Home) -> bool:
    account = await village.read(lambda c: household_account(c, VILLAGE, home.id))
    (holding,) = await village.chain.holdings([account.account])
    assert holding is not None
    return holding.is_frozen


async def test_suspension_gives_back_what_is_open_and_then_freezes(village: Village) -> None:
    amina, brian, chebet, _ = village.homes
    await village.fund(chebet, 100_000)
    await village.fund(amina, 50_000)
    await village.standing(amina, sell=900)
    await village.end_period({amina.id: 3_000, brian.id: 1_000})
    sale = await village.sell(amina, 800, 1_000)
    purchase = await village.buy(amina, 100, 500)
    auction = await village.start_auction(amina, 700, 1_000, 60)
    await village.bid(chebet, auction, 1_100)
    other = await village.start_auction(brian, 500, 1_000, 60)
    await village.bid(amina, other, 1_000)
    ahead = await village.sell_ahead(amina, village.period_after(4), 500, 900)
    before = await village.wallet(chebet)
    assert before["kes_held_cents"] > 0

    proposal = await decide(village, ask_suspension, amina.id)
    assert proposal.stage is Stage.DONE
    assert await status(village, amina) == "suspended"
    assert await is_frozen(village, amina)
    assert [(await village.order(order))["status"] for order in (sale, purchase["order"])] == ["cancelled"] * 2
    wallet = await village.wallet(amina)
    assert (wallet["ekwh_wh"], wallet["ekwh_held_wh"], wallet["kes_cents"], wallet["kes_held_cents"]) == (
        3_000,
        0,
        50_000,
        0,
    )
    assert (await village.wallet(chebet))["kes_held_cents"] == 0, "the bid on its auction is free again"
    assert ahead["status"] == "open"
    with pytest.raises(NotAdmitted, match="suspended"):
        await village.buy(amina, 100, 500)
    member = await village.read(lambda c: by_id(c, VILLAGE, amina.id))
    shown = await village.read(lambda c: household_state(c, village.community, member, village.now))
    assert (shown["status"], shown["orders"], shown["ahead_orders"]) == ("suspended", [], [])
    await village.bid(chebet, other, 1_000)  # the auction in which its bid led takes bids from its start price on
    await village.check()
    found = await village.read(
        lambda c: [tuple(row) for row in c.execute(select(audit.c.who, audit.c.what, audit.c.subject))]
    )
    assert ("office", "asked the approvers to suspend: the meter was opened", proposal.id) in found
    assert ("approvers", "suspended", amina.id) in found
    assert ("the chain", "approved is on the chain", proposal.id) in found


async def test_what_a_suspended_household_measures_is_kept_and_never_minted(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.end_period({amina.id: 1_000})
    await decide(village, ask_suspension, amina.id)
    await village.end_period({amina.id: 2_000, brian.id: 400})
    assert (await village.wh(amina), await village.wh(brian)) == (1_000, 400)
    await village.end_period({amina.id: 500})
    await decide(village, ask_readmission, amina.id)
    assert await status(village, amina) == "admitted"
    assert not await is_frozen(village, amina)
    assert await village.allowance(amina) > 0, "what it had granted before is granted still"
    await village.end_period({amina.id: 300})
    await village.end_period({amina.id: 200})
    assert await village.wh(amina) == 1_000 + 300 + 200
    await village.check()


async def test_a_lock_on_its_way_is_given_back_before_the_account_is_frozen(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 1_000})
    order = await village.sell_order(amina, 600, 900)
    await village.send(amina, order)
    proposal = await village.database.write(
        lambda c: ask_suspension(c, VILLAGE, amina.id, who="office", reason="why", now=village.now)
    )
    await sign(village, proposal)
    assert await status(village, amina) == "suspended", "at once"
    await village.advance()
    assert not await is_frozen(village, amina)
    await settle(village)
    assert await is_frozen(village, amina)
    assert (await village.order(order.id))["status"] == "cancelled"
    await village.check()


async def recover(village: Village, home: Home, new: SigningKey) -> Proposal:
    account = await village.read(lambda c: household_account(c, VILLAGE, home.id))
    wh = await village.chain.balance_wh(account.account)
    return await decide(village, ask_recovery, home.id, Pubkey(bytes(new.verify_key)), wh)


async def test_a_lost_device_is_replaced_and_the_household_goes_on(village: Village) -> None:
    amina, brian, chebet, _ = village.homes
    await village.fund(chebet, 100_000)
    await village.standing(amina, sell=900)
    await village.standing(chebet, buy=1_500)
    await village.end_period({amina.id: 2_000})
    entries = await village.trial_balance()
    old, new = amina.key, SigningKey(bytes([91]) * 32)
    # The new edge applies with the household's meter and phone: it is noted, and decides nothing.
    amina.key = new
    claimed = await village.send(amina, amina.application(village.now))
    assert (claimed["status"], claimed["household"]) == ("waits_for_recovery", amina.id)
    assert [claim[:2] for claim in await village.read(lambda c: claims_of(c, VILLAGE))] == [
        (amina.id, bytes(new.verify_key))
    ]
    with pytest.raises(NotAdmitted):
        await village.send(amina, StandingOrder(**village.head(), sell_at_least=1, buy_at_most=None))
    amina.key = old
    with pytest.raises(ValueError, match="suspend it first"):
        await recover(village, amina, new)

    await decide(village, ask_suspension, amina.id)
    proposal = await recover(village, amina, new)
    assert proposal.stage is Stage.DONE
    with pytest.raises(NotAdmitted, match="belongs to no household"):
        await village.standing(amina, sell=1)
    amina.key = new
    assert await status(village, amina) == "admitted"
    assert await village.on_chain(amina) == 2_000
    assert await village.trial_balance() == entries, "the books do not change"
    assert await village.read(lambda c: claims_of(c, VILLAGE)) == []
    assert await village.allowance(amina) == 0, "the new account has granted nothing yet"
    await village.allow(amina, 5_000)
    await village.chain_works()
    await village.sell(amina, 500, 900)
    await village.end_period({amina.id: 700, brian.id: 100, chebet.id: -300})
    await village.end_period({amina.id: 0, chebet.id: -100})
    await village.check()
    told = {row["event"] for row in await village.rows(tables.notification) if row["household_id"] == amina.id}
    assert {"suspended", "recovered"} <= told


async def test_a_device_with_another_phone_or_meter_is_no_claim(village: Village) -> None:
    amina = village.amina
    stranger = SigningKey(bytes([92]) * 32)
    mine, amina.key = amina.key, stranger
    with pytest.raises(ValueError, match="already belongs"):
        await village.send(amina, amina.application(village.now, phone="254799999999"))
    amina.key = mine
    assert await village.read(lambda c: claims_of(c, VILLAGE)) == []


async def test_a_contract_of_a_suspended_household_is_settled_like_a_silent_ones(village: Village) -> None:
    amina, _, chebet, _ = village.homes
    for home in (amina, chebet):
        await village.fund(home, 100_000)
    period = village.period_after(2)
    await village.sell_ahead(amina, period, 500, 900)
    await village.buy_ahead(chebet, period, 500, 1_000)
    await village.end_period({})
    await village.advance()
    await decide(village, ask_suspension, amina.id)
    await village.end_period({amina.id: 500, chebet.id: -500})
    await village.end_period({amina.id: 500, chebet.id: -500})
    assert (await village.wallet(amina))["kes_held_cents"] == 0
    assert (await village.wallet(chebet))["kes_held_cents"] == 0
    await village.check()


async def test_a_pause_stops_the_token_and_not_the_books(village: Village) -> None:
    amina = village.amina
    said: dict[str, Any] = {"who": "office", "reason": "a key was stolen"}
    await village.database.write(lambda c: set_pause(c, VILLAGE, is_paused=True, now=village.now, **said))
    await village.chain_works()
    period = await village.end_period({amina.id: 900})
    assert await village.period_state(period) == "booked", "and not settled: the chain stands still"
    await village.database.write(lambda c: set_pause(c, VILLAGE, is_paused=False, now=village.now, **said))
    await settle(village)
    assert await village.period_state(period) == "settled"
    await village.check()


async def test_a_suspended_households_money_goes_to_its_phone_by_an_admins_act(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.fund(amina, 50_000)
    await village.end_period({amina.id: 1_000})
    order = await village.buy(amina, 100, 500)  # holds a part of the money

    def act(home: Home, reason: str) -> Any:
        return village.database.write(
            lambda c: pay_out_suspended(
                c, village.desk, home.id, str(uuid4()), who="wanjiru", reason=reason, now=village.now
            )
        )

    with pytest.raises(ValueError, match="is admitted"):
        await act(amina, "it left")
    await decide(village, ask_suspension, amina.id)
    assert (await village.order(order["order"]))["status"] == "cancelled"
    with pytest.raises(NotAdmitted, match="suspended"):
        await village.pay_out(amina)
    with pytest.raises(ValueError, match="reason"):
        await act(amina, "  ")
    kes = await act(amina, "it left the community")
    fee = village.desk.charges.payout_cents(kes, village.now)
    left = (await village.wallet(amina))["kes_cents"]
    assert 0 <= left == 50_000 - 100 * kes - fee < 100 + fee
    (ordered,) = await village.rows(payout)
    assert (ordered["household_id"], ordered["kes"]) == (amina.id, kes)
    with pytest.raises(PaymentRefused):
        await act(amina, "once more")
    told = await village.read(lambda c: [tuple(row) for row in c.execute(select(audit.c.who, audit.c.what))])
    assert ("wanjiru", f"paid out KES {kes} of a suspended household: it left the community") in told
    assert (await village.trial_balance())["payout_pending"] == 100 * kes + fee
    assert await village.cents(brian) == 0
