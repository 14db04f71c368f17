"""What a neighbourhood does, period by period: drawn from a seed, the same whatever becomes of the hub."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import pi, sin
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    GrantAllowance,
    PayOut,
    SellAhead,
    SellOrder,
    StandingOrder,
    StartAuction,
)
from energy_swap_protocol.period import Period
from energy_swap_protocol.reading import Reading

from tests.hub.village import OPENED, PERIOD, VILLAGE, Home

STEP: Final = timedelta(minutes=2)  # whatever ends, ends at a multiple of it
_FIRST: Final = timedelta(minutes=12)  # after the grace time of the period before
_SECOND: Final = timedelta(minutes=22)
_REST: Final = 6  # ticks at the end in which nothing new comes in and all that is open ends


@dataclass(frozen=True, slots=True)
class Wish:
    """A message of home ``who``; its lock or approval is signed when it is first sent."""

    who: int
    kind: type[AnyMessage]
    id: UUID
    fields: dict[str, Any]

    @property
    def needs_signature(self) -> bool:
        return self.kind in (SellOrder, StartAuction, GrantAllowance)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of home ``who`` as M-Pesa tells it, once or more often."""

    who: int
    cents: int
    receipt: str
    paid_at: datetime


@dataclass(slots=True)
class Tick:
    """A moment: what comes in at any time, what comes in one after the other, and whether the chain answers.

    ``since`` is the moment before it.
    """

    number: int
    since: datetime
    at: datetime
    is_chain_up: bool
    readings: dict[int, list[Reading]] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    standing: list[Wish] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)


def write_script(seed: int, periods: int, homes: Sequence[Home], opens: datetime = OPENED) -> list[Tick]:
    """Return the ticks of ``periods`` half hours, three in each, and those in which it all comes to rest.

    Whenever it ``opens``, the sun stands as it does at noon.
    """
    return _Writer(seed, homes, opens).write(periods)


class _Writer:
    def __init__(self, seed: int, homes: Sequence[Home], opens: datetime) -> None:
        self.opens = opens
        self.random = Random(seed)
        self.seed = seed
        self.homes = homes
        self.sunny = [i for i, home in enumerate(homes) if home.rated_pv_w]
        self.shady = [i for i, home in enumerate(homes) if not home.rated_pv_w]
        # As each home's application found them; see `Home.application`.
        self.meters = [replace(home.last, sequence=1) for home in homes]
        self.late: dict[int, list[Reading]] = defaultdict(list)
        self.orders: list[tuple[int, UUID]] = []
        self.auctions: list[tuple[UUID, datetime]] = []
        self.receipts: list[Receipt] = []
        self.names = 0

    def write(self, periods: int) -> list[Tick]:
        ticks: list[Tick] = []
        since = self.opens
        for number in range(periods):
            start = self.opens + number * PERIOD
            for at in (start + _FIRST, start + _SECOND, start + PERIOD):
                ticks.append(Tick(len(ticks), since, at, self.random.random() < 0.7))
                since = at
            first, second, end = ticks[-3:]
            if not number:
                self._begin(first)
            self._people(number, start, first, second, end)
            self._meters(start, first, end)
        self._deliver_late(ticks[-1], 1)
        for _ in range(_REST):
            ticks.append(Tick(len(ticks), since, since + _FIRST, is_chain_up=True))
            since = ticks[-1].at
        return ticks

    def _begin(self, tick: Tick) -> None:
        for who in range(len(self.homes)):
            if self.random.random() < 0.9:  # the others have nothing, and nothing to buy with
                self._pay(tick, who, self.random.randrange(20_000, 60_000))
            self._standing(tick, who)
        for seller, buyer in zip(self.sunny[::4], self.shady[::4], strict=False):
            for who, other in ((seller, buyer), (buyer, seller)):
                tick.wishes.append(self._wish(who, ChoosePartners, partners=(self.homes[other].id,)))

    def _people(self, number: int, start: datetime, first: Tick, second: Tick, end: Tick) -> None:
        chance, is_day = self.random, self._sun(start) > 0.2
        for tick in (first, second):
            for wish in self._market(number, tick, is_day=is_day):
                tick.wishes.append(wish)
        for tick in (first, end):
            self._standing(tick, chance.randrange(len(self.homes)))
        for who in chance.sample(range(len(self.homes)), 2):
            self._pay(chance.choice((first, second, end)), who, chance.randrange(1_000, 30_000))
        if chance.random() < 0.3:  # M-Pesa tells it again, days or minutes later
            second.receipts.append(chance.choice(self.receipts))

    def _market(self, number: int, tick: Tick, *, is_day: bool) -> Iterator[Wish]:
        chance = self.random
        seconds = int(tick.at.timestamp())
        if chance.random() < (0.6 if is_day else 0.2):
            until = seconds + 60 * chance.choice((24, 66, 500)) if chance.random() < 0.5 else None
            wh, price = chance.randrange(100, 900), chance.randrange(700, 1_500)
            yield self._order(chance.choice(self.sunny), SellOrder, wh=wh, at_least=price, valid_until=until)
        for _ in range(chance.randrange(3)):
            until = seconds + 60 * chance.choice((24, 66, 500)) if chance.random() < 0.5 else None
            wh, price = chance.randrange(100, 700), chance.randrange(600, 1_600)
            yield self._order(chance.randrange(len(self.homes)), BuyOrder, wh=wh, at_most=price, valid_until=until)
        if chance.random() < 0.5:
            period = Period(self.opens + (number + chance.randrange(2, 7)) * PERIOD, PERIOD).id
            wh, price = chance.randrange(100, 600), chance.randrange(700, 1_500)
            yield self._order(chance.choice(self.sunny), SellAhead, period=period, wh=wh, at_least=price)
            price += chance.randrange(-100, 500)
            yield self._order(chance.choice(self.shady), BuyAhead, period=period, wh=wh, at_most=price)
        if self.orders and chance.random() < 0.35:
            who, order = chance.choice(self.orders[-12:])
            yield self._wish(who, CancelOrder, order=order)
        yield from self._auction(tick, is_day=is_day)
        if chance.random() < 0.4:
            who = chance.randrange(len(self.homes))
            yield self._wish(who, GrantAllowance, wh=chance.randrange(20_000, 60_000))
        if chance.random() < 0.15:
            yield self._wish(chance.randrange(len(self.homes)), PayOut, kes=chance.choice((None, 50, 120)))

    def _auction(self, tick: Tick, *, is_day: bool) -> Iterator[Wish]:
        chance = self.random
        for auction, ends_at in self.auctions[-3:]:
            if tick.at < ends_at + timedelta(minutes=5) and chance.random() < 0.7:
                who = chance.randrange(len(self.homes))
                yield self._wish(who, Bid, auction=auction, price=chance.randrange(900, 1_900))
        if chance.random() < (0.2 if is_day else 0.05):
            ends_at = tick.at + timedelta(minutes=chance.randrange(20, 100, 2))
            wish = self._wish(
                chance.choice(self.sunny),
                StartAuction,
                wh=chance.randrange(200, 900),
                start_price=1_000,
                ends_at=int(ends_at.timestamp()),
            )
            self.auctions.append((wish.id, ends_at))
            yield wish

    def _meters(self, start: datetime, first: Tick, end: Tick) -> None:
        self._deliver_late(first, 0.4)
        self._deliver_late(end, 0.6)
        for who, home in enumerate(self.homes):
            used = self.random.randrange(30, 450)
            made = int(1_800 * self._sun(start) * self.random.uniform(0.3, 1)) if home.rated_pv_w else 0
            before = self.meters[who]
            reading = replace(
                before,
                sequence=before.sequence + 1,
                measured_at=int(end.at.timestamp()),
                export_wh=before.export_wh + max(made - used, 0),
                import_wh=before.import_wh + max(used - made, 0),
                generation_wh=before.generation_wh + made,
            )
            self.meters[who] = reading
            if self.random.random() < 0.25 / len(self.homes) or self.late[who]:
                self.late[who].append(reading)
            else:
                end.readings.setdefault(who, []).append(reading)

    def _deliver_late(self, tick: Tick, likely: float) -> None:
        """What could not be sent comes a few minutes or a few periods too late."""
        for who, readings in self.late.items():
            if readings and self.random.random() < likely:
                tick.readings.setdefault(who, []).extend(readings)
                readings.clear()

    def _sun(self, at: datetime) -> float:
        return _sun(at - (self.opens - OPENED))

    def _standing(self, tick: Tick, who: int) -> None:
        chance = self.random
        sells = chance.randrange(700, 1_300) if self.homes[who].rated_pv_w else None
        buys = chance.randrange(900, 1_700) if chance.random() < 0.95 else None
        tick.standing.append(self._wish(who, StandingOrder, sell_at_least=sells, buy_at_most=buys))

    def _pay(self, tick: Tick, who: int, cents: int) -> None:
        self.names += 1
        paid_at = tick.at - timedelta(seconds=self.random.randrange(300))
        self.receipts.append(Receipt(who, cents, f"S{self.names:09d}", paid_at))
        tick.receipts.append(self.receipts[-1])

    def _order(self, who: int, kind: type[AnyMessage], **fields: Any) -> Wish:
        wish = self._wish(who, kind, **fields)
        self.orders.append((who, wish.id))
        return wish

    def _wish(self, who: int, kind: type[AnyMessage], **fields: Any) -> Wish:
        self.names += 1
        return Wish(who, kind, uuid5(UUID(int=self.seed), f"{VILLAGE}/{self.names}"), fields)


def _sun(at: datetime) -> float:
    """How high the sun stands over Nairobi: 0 from 18:30 to 6:30, 1 at half past noon."""
    hour = (at.hour + at.minute / 60 + 3) % 24
    return max(sin(pi * (hour - 6.5) / 12), 0.0)
