from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.market.auction import AuctionOverError, BidTooLowError, HasBidError, OwnAuctionError
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.reputation import facts_of
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_hub.web.household_view import household_state
from energy_swap_hub.web.market_view import market
from energy_swap_protocol.message import StartAuction
from energy_swap_protocol.transaction import lock_message

from tests.hub.village import FEES, VILLAGE, Village

MONEY = 100_000
WH = 2_000


@pytest.fixture
async def village(village: Village) -> Village:
    """The village after a period: Amina has 3 kWh, the others have money."""
    await village.end_period({village.amina.id: 3_000})
    for home in village.homes[1:]:
        await village.fund(home, MONEY)
    return village


async def state(village: Village, auction: UUID) -> str:
    return str({row["id"]: row["status"] for row in await village.rows(tables.auction)}[str(auction)])


async def test_the_highest_bid_wins_and_an_outbid_ones_money_is_free_at_once(village: Village) -> None:
    amina, brian, chebet = village.amina, village.brian, village.chebet
    auction = await village.start_auction(amina, WH, start_price=1_000, minutes=60)
    assert await village.bid(brian, auction, 1_000) == {"leading": True} | await _head(village, brian)
    assert (await village.wallet(brian))["kes_held_cents"] == 2 * (1_000 + FEES)
    assert (await village.bid(chebet, auction, 1_300))["leading"]
    assert (await village.wallet(brian))["kes_held_cents"] == 0
    assert await village.cents(brian) == MONEY

    village.now += timedelta(minutes=60)
    await village.advance()
    await village.chain_works()
    assert await state(village, auction) == "sold"
    told = [
        (row["household_id"], row["event"], row["data"])
        for row in await village.rows(tables.notification)
        if row["event"] in ("outbid", "auction_ended")
    ]
    ended = {"auction": str(auction), "wh": WH, "cents_per_kwh": 1_300}
    assert told == [
        (brian.id, "outbid", {"auction": str(auction), "cents_per_kwh": 1_300}),
        (amina.id, "auction_ended", ended),
        (chebet.id, "auction_ended", ended),
    ]
    wallet = await village.wallet(chebet)
    assert (wallet["ekwh_wh"], wallet["kes_cents"], wallet["kes_held_cents"]) == (
        WH,
        MONEY - 2 * (1_300 + FEES),
        0,
    )
    assert await village.cents(amina) == 2 * 1_300
    assert await village.on_chain(chebet) == WH


async def _head(village: Village, home: object) -> dict[str, str]:
    del home
    newest = (await village.rows(tables.message))[-1]
    return {"id": newest["id"], "status": "accepted"}


async def test_a_bid_below_the_minimum_beyond_the_wallet_or_by_the_seller_changes_nothing(
    village: Village,
) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60)
    await village.bid(village.brian, auction, 1_000)
    with pytest.raises(BidTooLowError, match="at least 1010"):
        await village.bid(village.chebet, auction, 1_009)
    with pytest.raises(Overdrawn):
        await village.bid(village.chebet, auction, 99_000)
    with pytest.raises(OwnAuctionError):
        await village.bid(village.amina, auction, 2_000)
    with pytest.raises(OrderRefused, match="there is no auction"):
        await village.bid(village.chebet, uuid4(), 2_000)
    assert (await village.wallet(village.brian))["kes_held_cents"] == 2 * (1_000 + FEES)
    assert await village.cents(village.chebet) == MONEY


async def test_a_leader_may_raise_its_own_bid_and_only_the_new_money_is_held(village: Village) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60)
    await village.bid(village.brian, auction, 1_000)
    await village.bid(village.brian, auction, 1_500)
    assert (await village.wallet(village.brian))["kes_held_cents"] == 2 * (1_500 + FEES)


async def test_a_late_bid_moves_the_end(village: Village) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60)
    end = village.now + timedelta(minutes=60)
    village.now = end - timedelta(seconds=30)
    await village.bid(village.brian, auction, 1_000)
    village.now = end + timedelta(seconds=80)
    await village.advance()
    assert await state(village, auction) == "open"
    await village.bid(village.chebet, auction, 1_100)
    village.now += timedelta(minutes=2)
    with pytest.raises(AuctionOverError):
        await village.bid(village.brian, auction, 1_500)
    await village.advance()
    assert await state(village, auction) == "sold"
    await village.chain_works()
    assert await village.wh(village.chebet) == WH


async def test_without_bids_the_tokens_come_back(village: Village) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60)
    village.now += timedelta(minutes=60)
    await village.advance()
    await village.chain_works()
    assert await state(village, auction) == "unsold"
    assert (await village.wh(village.amina), await village.on_chain(village.amina)) == (3_000, 3_000)


async def test_below_the_reserve_price_nothing_is_sold_and_nobody_learns_it(village: Village) -> None:
    amina, brian = village.amina, village.brian
    auction = await village.start_auction(amina, WH, start_price=1_000, minutes=60, reserve_price=1_777)
    await village.bid(brian, auction, 1_700)
    shown = [
        await village.read(
            lambda c: household_state(c, village.community, by_id(c, VILLAGE, brian.id), village.now)
        ),
        await village.read(lambda c: market(c, village.community, village.now)),
    ]
    assert "1777" not in str(shown)
    village.now += timedelta(minutes=60)
    await village.advance()
    await village.chain_works()
    assert await state(village, auction) == "unsold"
    assert (await village.wh(amina), await village.cents(brian)) == (3_000, MONEY)
    assert "1777" not in str([row["text"] for row in await village.rows(entry)])


async def test_at_the_reserve_price_the_leader_has_won(village: Village) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60, reserve_price=1_700)
    await village.bid(village.brian, auction, 1_700)
    village.now += timedelta(minutes=60)
    await village.advance()
    await village.chain_works()
    assert await state(village, auction) == "sold"
    assert await village.cents(village.amina) == 2 * 1_700


async def test_a_reserve_price_is_not_below_the_start_price(village: Village) -> None:
    with pytest.raises(
        OrderRefused, match="reserve_price: 900 is below the start price; give 1000 or more, or none"
    ):
        await village.start_auction(village.amina, WH, start_price=1_000, minutes=60, reserve_price=900)


async def test_a_bid_is_the_sellers_step_above_the_best(village: Village) -> None:
    auction = await village.start_auction(village.amina, WH, start_price=1_000, minutes=60, minimum_step=150)
    await village.bid(village.brian, auction, 1_000)
    with pytest.raises(BidTooLowError, match="at least 1150"):
        await village.bid(village.chebet, auction, 1_149)
    await village.bid(village.chebet, auction, 1_150)


async def test_an_auction_without_a_bid_can_be_cancelled_and_counts_in_the_reputation(village: Village) -> None:
    amina, brian = village.amina, village.brian
    auction = await village.start_auction(amina, WH, start_price=1_000, minutes=60)
    assert (await village.wallet(amina))["ekwh_held_wh"] == WH
    with pytest.raises(OrderRefused, match="h-002 has no auction"):
        await village.cancel(brian, auction)
    answer = await village.cancel(amina, auction)
    assert (answer["auction"], answer["status"]) == (str(auction), "cancelled")
    await village.chain_works()
    assert (await village.wh(amina), await village.on_chain(amina)) == (3_000, 3_000)
    facts = await village.read(lambda c: facts_of(c, VILLAGE, village.now))
    assert (facts[amina.id].ended, facts[amina.id].cancelled) == (1, 1)
    with pytest.raises(OrderRefused, match="is cancelled"):
        await village.cancel(amina, auction)
    village.now += timedelta(minutes=61)
    await village.advance()
    assert await state(village, auction) == "cancelled"


async def test_an_auction_with_a_bid_or_that_is_over_cannot_be_cancelled(village: Village) -> None:
    amina, brian = village.amina, village.brian
    auction = await village.start_auction(amina, WH, start_price=1_000, minutes=60)
    other = await village.start_auction(amina, 500, start_price=1_000, minutes=60)
    await village.bid(brian, auction, 1_000)
    with pytest.raises(HasBidError, match="h-002 has bid"):
        await village.cancel(amina, auction)
    village.now += timedelta(minutes=60)
    with pytest.raises(AuctionOverError):
        await village.cancel(amina, other)
    assert await state(village, auction) == "open"
    await village.advance()
    await village.chain_works()


async def test_an_auction_whose_lock_expires_is_refused(village: Village) -> None:
    amina, auction, info = village.amina, uuid4(), await village.info()
    lock = amina.sign(lambda chain: lock_message(chain, amina.pubkey, WH, auction), info)
    ends_at = int(village.now.timestamp()) + 600
    await village.send(
        amina, StartAuction(**village.head(auction), wh=WH, start_price=1_000, ends_at=ends_at, lock=lock)
    )
    with pytest.raises(OrderRefused, match="not open"):
        await village.bid(village.brian, auction, 1_000)
    await village.localnet.tick(200)
    await village.chain.send_waiting()
    assert await state(village, auction) == "refused"
    assert (await village.wallet(amina))["ekwh_held_wh"] == 0


async def test_an_auction_ends_at_a_sensible_time(village: Village) -> None:
    for ends_at in (int(village.now.timestamp()), 10**12, 10**18, 10**30):
        with pytest.raises(OrderRefused, match="ends_at"):
            await village.send(
                village.amina,
                StartAuction(**village.head(), wh=WH, start_price=1_000, ends_at=ends_at, lock="AAAA"),
            )
