"""What people do in a day besides living: they top up, choose partners, trade in every market."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from .edge_client import CommandRefusedError
from .households import HOUSEHOLDS, Household, PromptHabit
from .neighbourhood import Neighbourhood
from .settings import from_json, to_json, write_private

NAIROBI: Final = ZoneInfo("Africa/Nairobi")
PARTNERS_AT: Final = time(8, 10)
PARTNERS: Final = (1, 12)
AHEAD_AT: Final = time(10, 5)
AHEAD_FOR: Final = time(11, 30)
AHEAD: Final = (2, 9)  # who sells, who buys
ADVICE_AT: Final = time(12, 40)
SPOT_AT: Final = time(16, 5)
PHONE_AT: Final = time(16, 26)
PHONE_BUYER: Final = 11
AUCTION_AT: Final = time(16, 35)
AUCTION_MINUTES: Final = 20
_LOW_KES: Final = 100
_SPOT_WH: Final = 800
_AUCTION_WH: Final = 500
_AHEAD_WH: Final = 200
_PHONE_WH: Final = 300


class Happenings:
    """The day's happenings, each once; the diary remembers them through a restart."""

    def __init__(self, neighbourhood: Neighbourhood, say: Callable[[str], None]) -> None:
        self._neighbourhood = neighbourhood
        self._say = say
        self._diary = neighbourhood.folder.diary
        self._done: set[str] = set()
        if self._diary.exists():
            self._done = set(from_json(self._diary.read_bytes(), list[str]))

    async def at(self, now: datetime) -> None:
        """Do what people do at this minute."""
        local = now.astimezone(NAIROBI)
        day, minute = local.date(), local.time().replace(second=0, microsecond=0)
        for household in HOUSEHOLDS:
            if household.tops_up_at == minute:
                await self._once(f"{day}/top-up/{household.number}", self._top_up, household)
        if minute == PARTNERS_AT:
            await self._once(f"{day}/partners", self._partners, day)
        if minute == AHEAD_AT:
            await self._once(f"{day}/ahead", self._ahead, day)
        if minute == ADVICE_AT:
            await self._once(f"{day}/advice", self._advice, day)
        if minute == PHONE_AT:
            await self._once(f"{day}/phone", self._buy_by_phone, day)
        if minute == SPOT_AT:
            await self._once(f"{day}/spot", self._spot, day)
        if minute == AUCTION_AT:
            await self._once(f"{day}/auction", self._auction, day)
        for household in HOUSEHOLDS:
            if household.habit is PromptHabit.IGNORES_THEN_PAYS and minute == _later(household.tops_up_at):
                await self._once(f"{day}/second top-up/{household.number}", self._second_top_up, household)

    async def _once(self, key: str, act: Callable[[Any], Any], argument: Any) -> None:
        if key in self._done:
            return
        try:
            await act(argument)
        except CommandRefusedError as error:
            self._say(f"{key}: {error}")
        self._done.add(key)
        write_private(self._diary, to_json(sorted(self._done)))

    async def _top_up(self, household: Household) -> None:
        wallet = self._neighbourhood.edge(household.number).state.get("wallet") or {}
        if wallet.get("kes_cents", 0) >= _LOW_KES * 100:
            return
        if household.habit is PromptHabit.IGNORES_THEN_PAYS:
            await self._neighbourhood.set_habit(household, "ignores")
        await self._neighbourhood.edge(household.number).command("top_up", kes=household.top_up_kes)
        self._say(f"{household.given_name} asks for an M-Pesa prompt of KES {household.top_up_kes}")

    async def _second_top_up(self, household: Household) -> None:
        """The first prompt ran out; this time the person looks at the phone."""
        await self._neighbourhood.set_habit(household, "pays")
        await self._top_up_again(household)

    async def _top_up_again(self, household: Household) -> None:
        wallet = self._neighbourhood.edge(household.number).state.get("wallet") or {}
        if wallet.get("kes_cents", 0) < _LOW_KES * 100:
            await self._neighbourhood.edge(household.number).command("top_up", kes=household.top_up_kes)
            self._say(f"{household.given_name} missed the prompt and asks again")

    async def _partners(self, _day: date) -> None:
        """Two neighbours choose each other: what one has left goes to the other first."""
        rows = (await self._neighbourhood.console.get("households"))["households"]
        first, second = (next(row for row in rows if self._number(row) == number) for number in PARTNERS)
        for one, other in ((first, second), (second, first)):
            await self._edge(one).command("choose_partners", partners=[other["household"]])
        self._say(f"{first['name']} and {second['name']} choose each other as partners")

    async def _ahead(self, day: date) -> None:
        """One promises energy of a period to come, and another one buys the promise."""
        period = datetime.combine(day, AHEAD_FOR, NAIROBI).astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
        seller, buyer = (self._neighbourhood.edge(number) for number in AHEAD)
        await seller.command("sell_ahead", period=period, wh=_AHEAD_WH, at_least=900)
        await buyer.command("buy_ahead", period=period, wh=_AHEAD_WH, at_most=1500)
        self._say(f"ahead: {_AHEAD_WH / 1000:.2f} kWh are offered and wanted for {AHEAD_FOR:%H:%M}")

    async def _advice(self, _day: date) -> None:
        """What the edges advise at noon, for one household with panels and one without."""
        for household in (HOUSEHOLDS[0], HOUSEHOLDS[-1]):
            advice = self._neighbourhood.edge(household.number).state.get("advice")
            self._say(f"{household.name} is advised: {advice['sentence'] if advice else 'nothing yet'}")

    async def _buy_by_phone(self, _day: date) -> None:
        """One buys on the spot market and pays by the prompt on the phone, whatever is in the wallet."""
        rows = (await self._neighbourhood.console.get("households"))["households"]
        sellers = [
            row
            for row in rows
            if row["role"] == "prosumer"
            and row["wallet"]["ekwh_wh"] >= _PHONE_WH
            and self._number(row) != PHONE_BUYER
        ]
        if not sellers:
            self._say("nobody has tokens for a purchase by phone")
            return
        seller = max(sellers, key=lambda row: row["wallet"]["ekwh_wh"])
        await self._edge(seller).command("sell", wh=_PHONE_WH, at_least=1000, valid_for_minutes=120)
        bought = await self._neighbourhood.edge(PHONE_BUYER).command(
            "buy", wh=_PHONE_WH, at_most=1600, pay="mpesa"
        )
        self._say(f"phone: {_PHONE_WH / 1000:.2f} kWh of {seller['name']} for a prompt of KES {bought['kes']}")

    async def _spot(self, _day: date) -> None:
        seller, buyer = await self._seller_and_buyers(1)
        if seller is None:
            self._say("nobody has tokens to sell on the spot market")
            return
        wh = min(_SPOT_WH, seller["wallet"]["ekwh_wh"] // 2)
        sale = await self._edge(seller).command("sell", wh=wh, at_least=1000, valid_for_minutes=120)
        bought = await self._edge(buyer[0]).command("buy", wh=wh, at_most=1600, valid_for_minutes=120)
        self._say(
            f"spot: {seller['name']} offers {wh / 1000:.2f} kWh ({sale['status']}), {buyer[0]['name']} buys "
            f"{bought['filled_wh'] / 1000:.2f} kWh"
        )

    async def _auction(self, _day: date) -> None:
        seller, buyers = await self._seller_and_buyers(2)
        if seller is None:
            self._say("nobody has tokens for an auction")
            return
        wh = min(_AUCTION_WH, seller["wallet"]["ekwh_wh"] // 2)
        started = await self._edge(seller).command(
            "start_auction", wh=wh, start_price=900, minutes=AUCTION_MINUTES
        )
        auction = started["auction"]
        for buyer, price in zip(buyers, (1000, 1250), strict=True):
            await self._edge(buyer).command("bid", auction=auction, price=price)
        self._say(
            f"auction: {seller['name']} offers {wh / 1000:.2f} kWh; {buyers[0]['name']} bids 10.00, "
            f"{buyers[1]['name']} bids 12.50"
        )

    async def _seller_and_buyers(self, count: int) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return who has most tokens, and the ``count`` others with most money."""
        rows = (await self._neighbourhood.console.get("households"))["households"]
        sellers = [row for row in rows if row["role"] == "prosumer" and row["wallet"]["ekwh_wh"] >= 200]
        if not sellers:
            return None, []
        seller = max(sellers, key=lambda row: row["wallet"]["ekwh_wh"])
        others = [row for row in rows if row["household"] != seller["household"]]
        return seller, sorted(others, key=lambda row: -row["wallet"]["kes_cents"])[:count]

    def _number(self, row: dict[str, Any]) -> int:
        return next(household.number for household in HOUSEHOLDS if household.name == row["name"])

    def _edge(self, row: dict[str, Any]) -> Any:
        return self._neighbourhood.edge(self._number(row))


async def wait_for_auctions(neighbourhood: Neighbourhood) -> None:
    """Return when no auction is open whose time has passed."""
    async with asyncio.timeout(240):
        while await _is_auction_due(neighbourhood):  # noqa: ASYNC110 - the hub is another process
            await asyncio.sleep(0.03)


async def _is_auction_due(neighbourhood: Neighbourhood) -> bool:
    now = neighbourhood.clock.now().timestamp()
    auctions = (await neighbourhood.console.get("market"))["auctions"]
    return any(a["state"] in {"open", "pending_lock"} and a["ends_at"] <= now for a in auctions)


def _later(at: time) -> time:
    return at.replace(hour=at.hour + 1)
