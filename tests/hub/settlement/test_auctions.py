from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.auction import AuctionOverError, BidTooLowError, OwnAuctionError
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_protocol.message import StartAuction
from energy_swap_protocol.transaction import lock_message

from tests.hub.village import FEES, Village

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
    with pytest.raises(OrderRefused, match="not open"):
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
