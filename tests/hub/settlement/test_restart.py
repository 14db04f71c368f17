"""A hub that dies anywhere and starts again ends with the books of one that never died."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from energy_swap_hub.chain.intent import State
from energy_swap_hub.mpesa.tables import payout
from energy_swap_hub.settlement import machine_tables, spot_tables, tables
from energy_swap_hub.settlement.periods import next_period
from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyOrder,
    CancelOrder,
    PayOut,
    StandingOrder,
    StartAuction,
)
from energy_swap_protocol.reading import Reading
from energy_swap_protocol.transaction import lock_message
from sqlalchemy import update

from tests.hub.village import GRACE, OPENED, VILLAGE, Home, Village, copy_of, open_village


@dataclass(slots=True)
class Outside:
    """What the hub's death does not touch: time, meters, and messages that edges signed once and send again."""

    now: datetime = OPENED + timedelta(minutes=1)
    meters: dict[str, Reading] = field(default_factory=dict)
    messages: dict[str, AnyMessage] = field(default_factory=dict)
    frames: dict[str, tuple[datetime, dict[str, bytes]]] = field(default_factory=dict)

    async def enter(self, village: Village) -> None:
        """Begin a life of the hub; the one before it was up until then, so nobody's readings are on their way."""
        village.now = self.now
        await village.database.write(lambda c: c.execute(update(machine_tables.uptime).values(seen_at=self.now)))
        for home in village.homes:
            home.last = self.meters.setdefault(home.id, home.last)

    def leave(self, village: Village) -> None:
        self.now = village.now
        self.meters = {home.id: home.last for home in village.homes}

    def id(self, name: str) -> UUID:
        return self.messages[name].id


type Step = Callable[[Village, Outside], Awaitable[None]]


def say(name: str, who: int, make: Callable[[Village, Outside, Home, UUID], Awaitable[AnyMessage]]) -> Step:
    """A message that its household signs once and sends until it is answered."""

    async def step(village: Village, outside: Outside) -> None:
        home = village.homes[who]
        if name not in outside.messages:
            outside.messages[name] = await make(village, outside, home, uuid4())
        await village.send(home, outside.messages[name])

    return step


def message[**P](
    name: str, who: int, kind: Callable[..., AnyMessage], fields: Callable[[Outside], dict[str, Any]]
) -> Step:
    async def make(village: Village, outside: Outside, _home: Home, number: UUID) -> AnyMessage:
        return kind(**village.head(number), **fields(outside))

    return say(name, who, make)


def sale(name: str, who: int, wh: int, at_least: int) -> Step:
    async def make(village: Village, _outside: Outside, home: Home, _number: UUID) -> AnyMessage:
        return await village.sell_order(home, wh, at_least)

    return say(name, who, make)


def auction(name: str, who: int, wh: int, minutes: int) -> Step:
    async def make(village: Village, _outside: Outside, home: Home, number: UUID) -> AnyMessage:
        lock = home.sign(lambda chain: lock_message(chain, home.pubkey, wh, number), await village.info())
        ends_at = int(village.now.timestamp()) + 60 * minutes
        return StartAuction(**village.head(number), wh=wh, start_price=1_000, ends_at=ends_at, lock=lock)

    return say(name, who, make)


def period(name: str, nets: tuple[int, int, int, int], silent: int | None = None) -> Step:
    async def step(village: Village, outside: Outside) -> None:
        if name not in outside.frames:
            ends = (await village.read(lambda c: next_period(c, village.community))).end
            frames = {
                home.id: home.measure(ends, max(net, 0), max(-net, 0))
                for home, net in zip(village.homes, nets, strict=True)
            }
            outside.frames[name] = ends, frames
            outside.meters = {home.id: home.last for home in village.homes}
        ends, frames = outside.frames[name]
        village.now = max(village.now, ends)
        for number, home in enumerate(village.homes):
            if number != silent:
                await village.deliver(home, frames[home.id])
        if silent is not None:
            village.now = max(village.now, ends + GRACE)

    return step


async def money_comes(village: Village, _outside: Outside) -> None:
    for number, home in enumerate(village.homes):
        await village.database.write(
            lambda c, h=home, n=number: village.payments.received(  # type: ignore[misc]
                c, community_id=VILLAGE, household_id=h.id, cents=50_000, receipt=f"RCPT{n}", at=OPENED
            )
        )


DAY: tuple[Step, ...] = (
    money_comes,
    message("amina sells", 0, StandingOrder, lambda _: {"sell_at_least": 1_000}),
    message("chebet buys", 2, StandingOrder, lambda _: {"buy_at_most": 1_500}),
    period("first", (3_000, 2_000, -1_000, 0)),
    sale("sale", 0, 1_500, 1_100),
    message("purchase", 3, BuyOrder, lambda _: {"wh": 600, "at_most": 1_200}),
    auction("auction", 1, 2_000, 35),
    message("bid", 2, Bid, lambda o: {"auction": o.id("auction"), "price": 1_000}),
    message("higher bid", 3, Bid, lambda o: {"auction": o.id("auction"), "price": 1_100}),
    period("second", (800, -500, -700, -300), silent=0),
    message("cancel", 0, CancelOrder, lambda o: {"order": o.id("sale")}),
    message("pay out", 0, PayOut, lambda _: {"kes": 50}),
    period("third", (700, 0, -900, -2_500)),
)


async def work(village: Village, step: Step, outside: Outside) -> None:
    """Do a step and all that follows from it, in this task alone: every await is one where it may die."""
    await step(village, outside)
    outside.leave(village)
    for _ in range(2):
        await village.advance()
        await village.localnet.tick()
        await village.chain._sender._serve(VILLAGE)


class Doomed:
    """Runs a coroutine and cancels it at its n-th suspension."""

    def __init__(self, life: Coroutine[Any, Any, None], suspensions: int) -> None:
        self._life = life
        self._left = suspensions

    def __await__(self) -> Generator[Any, Any, bool]:
        steps = self._life.__await__()
        for awaited in steps:
            if not self._left:
                with pytest.raises(asyncio.CancelledError):
                    steps.throw(asyncio.CancelledError)
                return True
            self._left -= 1
            yield awaited
        return False


async def books(village: Village) -> dict[str, Any]:
    """Return all that must not depend on deaths."""
    await village.check()
    return {
        "balances": {account: total for account, total in (await village.trial_balance()).items() if total},
        "chain": [await village.on_chain(home) for home in village.homes],
        "allowances": [await village.allowance(home) for home in village.homes],
        "periods": [
            (row["start"], row["state"], row["cents_per_kwh"]) for row in await village.rows(tables.period)
        ],
        "trades": [
            (row["market"], row["seller"], row["wh"], row["cents"]) for row in await village.rows(tables.trade)
        ],
        "orders": [
            (row["wh"], row["remaining_wh"], row["status"])
            for row in sorted(await village.rows(spot_tables.spot_order), key=lambda row: row["number"])
        ],
        "auctions": [(row["best_bid"], row["status"]) for row in await village.rows(tables.auction)],
        "payouts": [(row["household_id"], row["kes"]) for row in await village.rows(payout)],
        "reviews": await village.rows(tables.review),
        "messages": len(await village.rows(tables.message)),
        "intents": sorted((i.kind, i.state) for i in await village.intents()),
    }


async def live(folder: Path, random: Random | None) -> tuple[dict[str, Any], int]:
    """Live through the day, dying up to twice in each step if ``random`` says where; return books and deaths."""
    outside, deaths = Outside(), 0
    for step in DAY:
        for _ in range(2 if random else 0):
            async with open_village(folder, now=outside.now) as village:
                await outside.enter(village)
                assert random is not None
                deaths += await Doomed(work(village, step, outside), random.randrange(16))
        async with open_village(folder, now=outside.now) as village:
            await outside.enter(village)
            await work(village, step, outside)
    async with open_village(folder, now=outside.now) as village:
        return await books(village), deaths


async def test_deaths_anywhere_change_nothing_about_the_books(founded: Path, tmp_path: Path) -> None:
    undisturbed, _ = await live(copy_of(founded, tmp_path / "undisturbed"), None)
    assert {market for market, *_ in undisturbed["trades"]} == {"period", "spot", "auction"}
    assert {state for _, state in undisturbed["intents"]} == {State.CONFIRMED}
    for seed in (1, 2):
        disturbed, deaths = await live(copy_of(founded, tmp_path / f"disturbed-{seed}"), Random(seed))
        assert disturbed == undisturbed, seed
        assert deaths >= 15, seed
