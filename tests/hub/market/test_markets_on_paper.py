"""Runs the examples of docs/markets.md: what a member can follow on paper is what the program does."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from energy_swap_hub.market.ahead import Contract, close_gate
from energy_swap_hub.market.auction import (
    Auction,
    AuctionOverError,
    Bid,
    BidTooLowError,
    HasBidError,
    check_cancel,
    place_bid,
    winning_bid,
)
from energy_swap_hub.market.delivery import Delivery, settle_contracts
from energy_swap_hub.market.fees import Tariff, bill
from energy_swap_hub.market.period import Clearing, PeriodOrder, Side, clear_period
from energy_swap_hub.market.spot import Book, SpotOrder, WouldTradeError
from energy_swap_hub.market.stages import GridShare, clear_stages
from energy_swap_protocol.period import Period

DOCUMENT = (Path(__file__).parents[3] / "docs" / "markets.md").read_text(encoding="utf-8")
DAY = datetime(2026, 11, 20, tzinfo=UTC)

type Table = list[dict[str, str]]


def section(title: str) -> str:
    """Return the text under ``### title``."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/markets.md has no section {title!r}"
    return found[1]


def tables(title: str) -> list[Table]:
    """Return the tables of a section, each row as a mapping from its column's head."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", section(title), re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def cents(kes: str) -> int:
    """Return ``-1.05`` as -105."""
    assert re.fullmatch(r"-?\d+\.\d\d", kes)
    return int(kes.replace(".", ""))


def kes(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def time(text: str) -> datetime:
    hour, minute = text.split(":")
    return DAY.replace(hour=int(hour), minute=int(minute))


def period_orders(table: Table) -> list[PeriodOrder]:
    return [PeriodOrder(row["household"], Side(row["wish"]), int(row["Wh"]), cents(row["limit"])) for row in table]


def cleared(orders: Table) -> Clearing:
    return clear_period(period_orders(orders), "2026-11-20T11:30Z")


def test_every_example_is_run_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    examples = re.findall(r"^### (Example: .*)$", DOCUMENT, re.MULTILINE)
    assert len(examples) >= 10
    assert [title for title in examples if title not in tests] == []


@pytest.mark.parametrize(
    "title", ["Example: the price", "Example: too little in the evening", "Example: too much at noon"]
)
def test_period(title: str) -> None:
    orders, trades = tables(title)
    clearing = cleared(orders)
    assert clearing.cents_per_kwh is not None
    assert f"**Price: {kes(clearing.cents_per_kwh)}**" in section(title)
    assert [{"seller": t.seller, "buyer": t.buyer, "Wh": str(t.wh)} for t in clearing.trades] == trades


def test_bill() -> None:
    clearing = cleared(tables("Example: the price")[0])
    fees = re.search(r"community fee of (\S+) and a grid fee of (\S+) per kWh", section("Example: the bill"))
    assert fees
    assert clearing.cents_per_kwh is not None
    tariff = Tariff(DAY, cents(fees[1]), cents(fees[2]), 2100, 800)
    result = bill(clearing.trades, clearing.cents_per_kwh, tariff)
    lines = [
        {
            "household": line.household,
            "bought Wh": str(line.bought_wh),
            "pays": kes(line.paid_cents),
            "sold Wh": str(line.sold_wh),
            "earns": kes(line.earned_cents),
        }
        for line in result.lines
    ]
    accounts = [
        {"goes to": "community fee", "KES": kes(result.community_fee_cents)},
        {"goes to": "grid fee", "KES": kes(result.grid_fee_cents)},
        {"goes to": "rounding", "KES": kes(result.rounding_cents)},
    ]
    assert [lines, accounts] == tables("Example: the bill")
    paid = sum(line.paid_cents for line in result.lines)
    received = sum(line.earned_cents for line in result.lines) + result.community_fee_cents + result.grid_fee_cents
    sentence = f"The buyers pay {kes(paid)}; sellers and fees receive {kes(received)}."
    assert sentence in section("Example: the bill")


def test_partners_first() -> None:
    orders, expected = tables("Example: partners first")
    chosen = {row["household"]: [name for name in row["has chosen"].split(", ") if name] for row in orders}
    clearing = clear_stages(period_orders(orders), chosen, "2026-11-20T11:30Z")
    stages = ["partners"] * len(clearing.partners) + ["community"] * len(clearing.community.trades)
    rows = [
        _row(stage, p.trade.seller, p.trade.buyer, p.trade.wh, kes(p.cents_per_kwh))
        for stage, p in zip(stages, clearing.trades, strict=True)
    ]
    assert rows + [_grid_row(share) for share in clearing.grid] == expected


def _row(stage: str, seller: str, buyer: str, wh: int, price: str) -> dict[str, str]:
    return {"stage": stage, "from": seller, "to": buyer, "Wh": str(wh), "price": price}


def _grid_row(share: GridShare) -> dict[str, str]:
    parties = (share.household, "grid") if share.side == Side.SELL else ("grid", share.household)
    return _row("grid", *parties, share.wh, "")


PERIOD = Period(DAY.replace(hour=12), timedelta(minutes=30))


def test_contracts() -> None:
    orders, expected = tables("Example: the contracts")
    clearing, contracts = close_gate(period_orders(orders), PERIOD)
    assert clearing.cents_per_kwh is not None
    assert f"**Price: {kes(clearing.cents_per_kwh)}**" in section("Example: the contracts")
    assert expected == [
        {"number": str(c.number), "seller": c.seller, "buyer": c.buyer, "Wh": str(c.wh)} for c in contracts
    ]


def test_delivery() -> None:
    text = section("Example: what the meters showed").replace("\n", " ")
    found = re.search(
        r"at (\S+)\. Fees (\S+) \+ (\S+) per kWh, retail tariff (\S+), feed-in tariff (\S+)\. ", text
    )
    assert found
    price, *rates = map(cents, found.groups())
    contract = Contract(1, PERIOD, "Amina", "Dalia", 1000, price)
    for row in tables("Example: what the meters showed")[0]:
        meters = {name: _metered(row[f"{name}'s meter"]) for name in ("Amina", "Dalia")}
        delivery = settle_contracts([contract], meters, Tariff(DAY, *rates))
        assert _delivery_row(delivery) == {head: cell for head, cell in row.items() if "meter" not in head}


def _metered(text: str) -> int | None:
    return None if text == "silent" else int(text)


def _delivery_row(delivery: Delivery) -> dict[str, str]:
    amina, dalia = delivery.lines
    giver, taker = (amina, dalia) if amina.difference_cents < 0 else (dalia, amina)
    return {
        "delivered": str(dalia.bought_wh),
        "Dalia pays": kes(dalia.paid_cents),
        "refunded": kes(dalia.refunded_cents),
        "Amina earns": kes(amina.earned_cents),
        "grid": ", ".join(f"{line.household} {kes(line.grid_cents)}" for line in delivery.lines if line.grid_wh),
        "difference": f"{giver.household} to {taker.household} {kes(taker.difference_cents)}"
        if taker.difference_cents
        else "",
        "left": ", ".join(f"{name} {wh:+}" for name, wh in delivery.left_wh.items()),
    }


def test_book() -> None:
    placed, rests = tables("Example: the book")
    book = Book()
    for number, row in enumerate(placed):
        side = Side(row["wish"])
        order = SpotOrder(number, row["household"], side, int(row["Wh"]), cents(row["limit"]))
        trades = (
            f"{fill.wh} Wh with {fill.seller if side == Side.BUY else fill.buyer} at {kes(fill.cents_per_kwh)}"
            for fill in book.place(order, DAY)
        )
        assert ", ".join(trades) == row["trades at once"]
    resting = book.resting(Side.SELL) + book.resting(Side.BUY)
    assert rests == [
        {"household": o.household, "wish": str(o.side), "Wh": str(o.wh), "limit": kes(o.limit)} for o in resting
    ]


def test_orders_that_choose() -> None:
    book = Book()
    for number, row in enumerate(tables("Example: orders that choose")[0]):
        side, says = Side(row["wish"]), row["says"]
        least = re.fullmatch(r"at least (\d+) %", says)
        seller = re.fullmatch(r"from (\w+)", says)
        assert says in {"", "post-only"} or least or seller
        order = SpotOrder(
            number,
            row["household"],
            side,
            int(row["Wh"]),
            cents(row["limit"]),
            seller=seller[1] if seller else None,
            reputation=100 * int(row["reputation"].removesuffix(" %")),
            minimum_reputation=100 * int(least[1]) if least else 0,
            post_only=says == "post-only",
        )
        try:
            answer = ", ".join(
                f"{fill.wh} Wh with {fill.seller if side == Side.BUY else fill.buyer} at {kes(fill.cents_per_kwh)}"
                for fill in book.place(order, DAY)
            )
        except WouldTradeError as refused:
            answer = f"refused: a limit below {kes(refused.cents_per_kwh)}"
        assert answer == row["trades at once"]


def test_a_late_bid() -> None:
    text = section("Example: a late bid")
    start = re.search(r"Start price (\S+), end (\S+)\.", text)
    assert start
    auction = after_bids(Auction("Amina", 5000, cents(start[1]), time(start[2])), "Example: a late bid")
    winner = winning_bid(auction, auction.ends_at)
    assert winner
    assert f"{winner.household} wins at {kes(winner.price)}." in text


def test_a_step_and_a_reserve_price() -> None:
    text = section("Example: a step and a reserve price")
    terms = re.search(r"Start price (\S+), step (\S+), secret reserve price (\S+), end (\S+)\.", text)
    until = re.search(r"Until (\S+) Amina, who sells, can take the auction\nback", text)
    assert terms
    assert until
    start, step, reserve = (cents(price) for price in terms.groups()[:3])
    auction = Auction("Amina", 5000, start, time(terms[4]), reserve_price=reserve, minimum_step=step)
    check_cancel(auction, time(until[1]))
    auction = after_bids(auction, "Example: a step and a reserve price")
    with pytest.raises(HasBidError):
        check_cancel(auction, time(until[1]))
    assert winning_bid(auction, auction.ends_at) is None
    assert auction.leading
    assert f"Nothing is sold: {kes(auction.leading.price)} is below the reserve price." in text


def after_bids(auction: Auction, title: str) -> Auction:
    """Return the auction after the bids of a section, and compare every answer."""
    for row in tables(title)[0]:
        outbid = None
        try:
            auction, outbid = place_bid(auction, Bid(row["household"], cents(row["bid"])), time(row["time"]))
            answer = "leads"
        except BidTooLowError as refused:
            answer = f"at least {kes(refused.minimum)}"
        except AuctionOverError:
            answer = "over"
        assert answer == row["answer"]
        assert (outbid.household if outbid else "") == row["money free again"]
        assert auction.ends_at == time(row["end"])
    return auction
