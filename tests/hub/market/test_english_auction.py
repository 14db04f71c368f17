"""The English auction: rising bids, a fair end, and outbid money free at once."""

from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub.market.auction import (
    Auction,
    AuctionOverError,
    Bid,
    BidTooLowError,
    HasBidError,
    OwnAuctionError,
    check_cancel,
    place_bid,
    winning_bid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
END = START + timedelta(hours=1)


def auction(start_price: int = 1000) -> Auction:
    return Auction("sun", wh=5000, start_price=start_price, ends_at=END)


def test_first_bid_may_be_the_start_price() -> None:
    led, outbid = place_bid(auction(), Bid("a", 1000), START)
    assert (led.leading, outbid) == (Bid("a", 1000), None)
    with pytest.raises(BidTooLowError) as refused:
        place_bid(auction(), Bid("a", 999), START)
    assert refused.value.minimum == 1000


@pytest.mark.parametrize(
    ("best", "minimum"), [(1, 2), (50, 51), (100, 101), (101, 103), (1000, 1010), (1001, 1012)]
)
def test_next_bid_is_one_per_cent_and_at_least_one_cent_more(best: int, minimum: int) -> None:
    led, _ = place_bid(auction(1), Bid("a", best), START)
    assert led.minimum_bid == minimum
    with pytest.raises(BidTooLowError, match=str(minimum)):
        place_bid(led, Bid("b", minimum - 1), START)
    _, outbid = place_bid(led, Bid("b", minimum), START)
    assert outbid == Bid("a", best)


def test_leader_who_raises_gets_its_former_bid_released() -> None:
    led, _ = place_bid(auction(), Bid("a", 1000), START)
    led, outbid = place_bid(led, Bid("a", 1200), START)
    assert (led.leading, outbid) == (Bid("a", 1200), Bid("a", 1000))


@pytest.mark.parametrize(
    ("before_end", "after_end"),
    [
        (timedelta(minutes=3), timedelta(0)),
        (timedelta(minutes=2), timedelta(0)),
        (timedelta(seconds=1), timedelta(seconds=119)),
    ],
)
def test_late_bid_moves_the_end_to_two_minutes_after_it(before_end: timedelta, after_end: timedelta) -> None:
    led, _ = place_bid(auction(), Bid("a", 1000), END - before_end)
    assert led.ends_at == END + after_end


def test_no_bid_at_the_end_or_after() -> None:
    with pytest.raises(AuctionOverError):
        place_bid(auction(), Bid("a", 1000), END)


def test_seller_cannot_bid() -> None:
    with pytest.raises(OwnAuctionError):
        place_bid(auction(), Bid("sun", 1000), START)


def test_highest_bid_wins_at_the_end_only() -> None:
    led, _ = place_bid(auction(), Bid("a", 1000), START)
    with pytest.raises(ValueError, match="runs until"):
        winning_bid(led, END - timedelta(microseconds=1))
    assert winning_bid(led, END) == Bid("a", 1000)
    assert winning_bid(auction(), END) is None


def test_senseless_auctions_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 Wh"):
        Auction("sun", 0, 1000, END)
    with pytest.raises(ValueError, match="start price"):
        Auction("sun", 1, 0, END)
    with pytest.raises(ValueError, match="aware"):
        Auction("sun", 1, 1000, END.replace(tzinfo=None))


@pytest.mark.parametrize(("price", "sold"), [(1499, False), (1500, True), (1600, True)])
def test_below_the_reserve_price_nothing_is_sold(price: int, sold: bool) -> None:
    led = Auction("sun", 5000, 1000, END, reserve_price=1500)
    assert not led.is_reserve_met
    led, _ = place_bid(led, Bid("a", price), START)
    assert led.is_reserve_met == sold
    assert winning_bid(led, END) == (Bid("a", price) if sold else None)


def test_the_reserve_price_is_secret_and_does_not_change_what_can_be_bid() -> None:
    led = Auction("sun", 5000, 1000, END, reserve_price=1583)
    assert led.minimum_bid == 1000
    assert "1583" not in repr(led)
    with pytest.raises(BidTooLowError) as refused:
        place_bid(led, Bid("a", 999), START)
    assert "1583" not in str(refused.value)


def test_a_reserve_price_below_the_start_price_is_refused() -> None:
    with pytest.raises(ValueError, match="reserve price"):
        Auction("sun", 5000, 1000, END, reserve_price=999)


@pytest.mark.parametrize(("step", "minimum"), [(None, 1010), (1, 1001), (50, 1050), (5000, 6000)])
def test_a_step_of_the_sellers_own_replaces_the_one_per_cent(step: int | None, minimum: int) -> None:
    offered = Auction("sun", 5000, 1000, END, minimum_step=step)
    assert offered.minimum_bid == 1000  # the first bid may be the start price
    led, _ = place_bid(offered, Bid("a", 1000), START)
    with pytest.raises(BidTooLowError) as refused:
        place_bid(led, Bid("b", minimum - 1), START)
    assert refused.value.minimum == minimum
    assert place_bid(led, Bid("b", minimum), START)[0].leading == Bid("b", minimum)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_of_nothing_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="at least 1 cent"):
        Auction("sun", 5000, 1000, END, minimum_step=step)


def test_the_seller_takes_it_back_only_while_nobody_has_bid_and_it_runs() -> None:
    check_cancel(auction(), END - timedelta(microseconds=1))
    with pytest.raises(AuctionOverError):
        check_cancel(auction(), END)
    led, _ = place_bid(auction(), Bid("a", 1000), START)
    with pytest.raises(HasBidError, match="only an auction without a bid"):
        check_cancel(led, START)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "sun"]), st.integers(1, 3000), st.integers(0, 900)), max_size=30
    )
)
def test_all_money_but_the_winners_is_released(bids: list[tuple[str, int, int]]) -> None:
    state, now = auction(), START
    held: list[Bid] = []
    for household, price, seconds in bids:
        now += timedelta(seconds=seconds)
        bid = Bid(household, price)
        try:
            following, outbid = place_bid(state, bid, now)
        except AuctionOverError, OwnAuctionError, BidTooLowError:
            continue
        held.append(bid)
        if outbid:
            held.remove(outbid)
            assert outbid.price < bid.price
        assert following.ends_at - now >= timedelta(minutes=2)
        assert following.ends_at >= state.ends_at
        state = following
    winner = winning_bid(state, state.ends_at)
    assert held == ([winner] if winner else [])
