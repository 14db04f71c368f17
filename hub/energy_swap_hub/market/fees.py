"""Turns the trades of one clearing into cents: what buyers pay, sellers receive, and who gets the fees."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from energy_swap_protocol.units import cost_cents

from energy_swap_hub.market.trade import PricedTrade, Trade


class NoTariffError(LookupError):
    """No tariff was valid at that time: the community has to record one that starts early enough."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The community's prices, cents per kWh, none negative, from ``valid_from`` (aware UTC) until the next tariff.

    A buyer pays ``community_fee_cents_per_kwh`` and ``grid_fee_cents_per_kwh`` on top of the price of each traded
    kWh. ``retail_cents_per_kwh`` is what energy from the main grid costs, ``feed_in_cents_per_kwh`` what the grid
    gives for energy that nobody bought. A tariff is never changed; a new one follows it, so what is settled keeps
    its price.
    """

    valid_from: datetime
    community_fee_cents_per_kwh: int
    grid_fee_cents_per_kwh: int
    retail_cents_per_kwh: int
    feed_in_cents_per_kwh: int

    def __post_init__(self) -> None:
        if self.valid_from.tzinfo is None:
            raise ValueError(f"a tariff starts at an aware time, not {self.valid_from!r}")
        prices = (
            self.community_fee_cents_per_kwh,
            self.grid_fee_cents_per_kwh,
            self.retail_cents_per_kwh,
            self.feed_in_cents_per_kwh,
        )
        if min(prices) < 0:
            raise ValueError(f"a tariff has no negative price: {self}")

    @property
    def fees_cents_per_kwh(self) -> int:
        """What a buyer pays on top of the price."""
        return self.community_fee_cents_per_kwh + self.grid_fee_cents_per_kwh


@dataclass(frozen=True, slots=True)
class Line:
    """What one household bought and sold in a clearing: ``paid_cents`` with fees, ``earned_cents`` without any."""

    household: str
    bought_wh: int
    paid_cents: int
    sold_wh: int
    earned_cents: int


@dataclass(frozen=True, slots=True)
class Bill:
    """The cents of one clearing: what buyers pay is what sellers, fees and ``rounding_cents`` receive.

    ``lines`` has one line per household, by name. ``rounding_cents`` is what whole cents leave over and the
    community's ``rounding`` account receives; negative if it gives. It is at most half a cent per amount rounded.
    """

    lines: tuple[Line, ...]
    community_fee_cents: int
    grid_fee_cents: int
    rounding_cents: int

    def __post_init__(self) -> None:
        assert sum(line.bought_wh for line in self.lines) == sum(line.sold_wh for line in self.lines)
        paid = sum(line.paid_cents for line in self.lines)
        earned = sum(line.earned_cents for line in self.lines)
        assert paid == earned + self.community_fee_cents + self.grid_fee_cents + self.rounding_cents
        amounts = sum((line.bought_wh > 0) + (line.sold_wh > 0) for line in self.lines) + 2
        assert 2 * abs(self.rounding_cents) <= amounts


def tariff_at(tariffs: Iterable[Tariff], time: datetime) -> Tariff:
    """Return the tariff that is valid at the aware ``time``: the latest that started by then.

    Raise `NoTariffError` if none had started, ValueError if two start at the same time.
    """
    started = sorted((tariff for tariff in tariffs if tariff.valid_from <= time), key=lambda t: t.valid_from)
    if not started:
        raise NoTariffError(f"no tariff is valid at {time.isoformat()}: record one that starts earlier")
    if len(started) > 1 and started[-2].valid_from == started[-1].valid_from:
        raise ValueError(f"two tariffs start at {started[-1].valid_from.isoformat()}")
    return started[-1]


def bill(trades: Sequence[Trade], price: int, tariff: Tariff) -> Bill:
    """Return what all households pay and earn for ``trades`` at ``price`` cents per kWh; as `bill_priced`."""
    return bill_priced([PricedTrade(trade, price) for trade in trades], tariff)


def bill_priced(trades: Iterable[PricedTrade], tariff: Tariff) -> Bill:
    """Return what all households pay and earn for ``trades``, each at its own price.

    Each buyer is charged price + fees for all its Wh, each seller is paid the price for all its Wh, and each fee
    is taken on the Wh of all trades: one rounding per amount (`cost_cents`), never per trade, so how trades were
    paired costs nobody a cent.

    Raise ValueError for a trade of a household with itself or of less than 1 Wh: whatever a market did, it does
    not reach anybody's money.
    """
    bought: dict[str, int] = {}
    sold: dict[str, int] = {}
    paid: dict[str, int] = {}  # Wh x cents per kWh: thousandths of a cent
    earned: dict[str, int] = {}
    fees = tariff.fees_cents_per_kwh
    for priced in trades:
        trade, price = priced.trade, priced.cents_per_kwh
        seller, buyer, wh = trade.seller, trade.buyer, trade.wh
        if seller == buyer or wh <= 0:
            raise ValueError(f"a trade moves at least 1 Wh between two households: {trade}")
        bought[buyer] = bought.get(buyer, 0) + wh
        sold[seller] = sold.get(seller, 0) + wh
        paid[buyer] = paid.get(buyer, 0) + wh * (price + fees)
        earned[seller] = earned.get(seller, 0) + wh * price
    lines = tuple(
        Line(
            household,
            bought_wh=bought.get(household, 0),
            paid_cents=cost_cents(paid.get(household, 0), 1),
            sold_wh=sold.get(household, 0),
            earned_cents=cost_cents(earned.get(household, 0), 1),
        )
        for household in sorted(bought.keys() | sold.keys())
    )
    wh = sum(bought.values())
    community_fee = cost_cents(wh, tariff.community_fee_cents_per_kwh)
    grid_fee = cost_cents(wh, tariff.grid_fee_cents_per_kwh)
    left_over = sum(line.paid_cents - line.earned_cents for line in lines) - community_fee - grid_fee
    return Bill(lines, community_fee, grid_fee, left_over)
