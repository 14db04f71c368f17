"""What Home Assistant may ask for: each command becomes a signed message to the hub and its answer comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid7

import msgspec
from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    CentsPerKwh,
    ChoosePartners,
    Kes,
    Name,
    OrderWh,
    Partners,
    PayOut,
    Percent,
    SellAhead,
    SellOrder,
    StandingOrder,
    StartAuction,
    SwitchConnection,
    TopUp,
    sign_message,
)
from energy_swap_protocol.period import LENGTHS_MINUTES, period_named
from energy_swap_protocol.transaction import lock_message, sign_as_household
from solders.message import MessageV0

from .backoff import Backoff
from .command_error import CommandError, invalid_data
from .hub_client import HubClient, HubRefused, HubUnavailable
from .keys import HouseholdKey
from .state import Clock, LiveState, unix

_ATTEMPTS: Final = 5
_SHORTEST_PERIOD: Final = timedelta(minutes=min(LENGTHS_MINUTES))
_DEADLINE_SECONDS: Final = 25.0

_NO_ANSWER: Final = (
    "the hub did not answer in time; it may or may not have acted. Look at orders and wallet before asking again"
)
_NOT_ADMITTED: Final = {
    "unknown": "the hub does not know this household yet; it applies by itself when meter and hub are there",
    "applied": "the community has not admitted this household yet; ask its approvers",
    "suspended": "the community has suspended this household; ask its office",
    "leaving": "this household is leaving the community; it trades no more",
    "left": "this household has left the community",
}

Minutes = Annotated[int, msgspec.Meta(gt=0, le=60 * 24 * 366)]


class _Sell(msgspec.Struct, frozen=True):
    wh: OrderWh
    at_least: CentsPerKwh
    valid_for_minutes: Minutes | None = None
    post_only: bool = False
    minimum_reputation: Percent = 0


class _Buy(msgspec.Struct, frozen=True):
    wh: OrderWh
    at_most: CentsPerKwh
    valid_for_minutes: Minutes | None = None
    seller: Name | None = None
    post_only: bool = False
    minimum_reputation: Percent = 0
    pay: Literal["wallet", "mpesa"] = "wallet"


class _CancelOrder(msgspec.Struct, frozen=True):
    order: UUID


class _SetLimits(msgspec.Struct, frozen=True):
    sell_at_least: CentsPerKwh | None
    buy_at_most: CentsPerKwh | None


class _ChoosePartners(msgspec.Struct, frozen=True):
    partners: Partners


class _SellAhead(msgspec.Struct, frozen=True):
    period: str
    wh: OrderWh
    at_least: CentsPerKwh


class _BuyAhead(msgspec.Struct, frozen=True):
    period: str
    wh: OrderWh
    at_most: CentsPerKwh


class _StartAuction(msgspec.Struct, frozen=True):
    wh: OrderWh
    start_price: CentsPerKwh
    minutes: Minutes
    reserve_price: CentsPerKwh | None = None
    minimum_step: CentsPerKwh | None = None


class _Bid(msgspec.Struct, frozen=True):
    auction: UUID
    price: CentsPerKwh


class _TopUp(msgspec.Struct, frozen=True):
    kes: Kes


class _PayOut(msgspec.Struct, frozen=True):
    kes: Kes | None = None


class _SwitchConnection(msgspec.Struct, frozen=True):
    on: bool


# What each command is made of.
WISHES: Final[dict[str, type[msgspec.Struct]]] = {
    "sell": _Sell,
    "buy": _Buy,
    "cancel_order": _CancelOrder,
    "set_limits": _SetLimits,
    "choose_partners": _ChoosePartners,
    "sell_ahead": _SellAhead,
    "buy_ahead": _BuyAhead,
    "start_auction": _StartAuction,
    "bid": _Bid,
    "top_up": _TopUp,
    "pay_out": _PayOut,
    "switch_connection": _SwitchConnection,
}


class Commands:
    """The household's interactive wishes. Only an admitted household has any."""

    def __init__(
        self,
        hub: HubClient,
        key: HouseholdKey,
        community: str,
        *,
        state: LiveState,
        clock: Clock,
        new_id: Callable[[], UUID] = uuid7,
    ) -> None:
        self._hub = hub
        self._key = key
        self._community = community
        self._state = state
        self._clock = clock
        self._new_id = new_id
        self._build: Final[dict[str, Callable[[Any], Awaitable[AnyMessage]]]] = {
            "sell": self._sell,
            "buy": self._buy,
            "cancel_order": self._cancel_order,
            "set_limits": self._set_limits,
            "choose_partners": self._choose_partners,
            "sell_ahead": self._sell_ahead,
            "buy_ahead": self._buy_ahead,
            "start_auction": self._start_auction,
            "bid": self._bid,
            "top_up": self._top_up,
            "pay_out": self._pay_out,
            "switch_connection": self._switch_connection,
        }

    async def carry_out(self, command: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the hub's answer to ``command``; raise `CommandError` for everything else."""
        if command not in WISHES:
            raise CommandError("unknown_command", f"this edge knows no command {command!r}; update it")
        try:
            wish: Any = msgspec.convert(data, type=WISHES[command])
        except msgspec.ValidationError as error:
            raise invalid_data(error) from None
        if (membership := self._state["membership"]) != "admitted":
            why = membership if membership in _NOT_ADMITTED else "suspended"
            raise CommandError("not_admitted", _NOT_ADMITTED[why], f"not_admitted_{why}")
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                message = await self._build[command](wish)
                return await self._post(message)
        except HubRefused as refusal:
            raise CommandError(refusal.code, refusal.detail, refusal.key, refusal.numbers) from None
        except HubUnavailable as error:
            if error.may_have_arrived:
                raise CommandError("no_answer", _NO_ANSWER) from None
            raise CommandError(
                "hub_unreachable", f"the hub cannot be reached, nothing was done: {error}"
            ) from None
        except TimeoutError:
            raise CommandError("no_answer", _NO_ANSWER) from None

    async def _post(self, message: AnyMessage) -> dict[str, Any]:
        """Post one envelope until it is answered, a few times at most; the hub knows it by its id."""
        envelope = msgspec.json.encode(sign_message(message, self._key.signing_key))
        backoff = Backoff()
        may_have_arrived = False
        for attempt in range(_ATTEMPTS):
            try:
                return await self._hub.post_message(envelope)
            except HubUnavailable as error:
                may_have_arrived = may_have_arrived or error.may_have_arrived
                if attempt == _ATTEMPTS - 1:
                    raise HubUnavailable(str(error), may_have_arrived=may_have_arrived) from None
            await asyncio.sleep(backoff.seconds())
        raise AssertionError("unreachable")

    async def _sell(self, wish: _Sell) -> SellOrder:
        order = self._new_id()
        return SellOrder(
            **self._head(order),
            wh=wish.wh,
            at_least=wish.at_least,
            valid_until=self._after(wish.valid_for_minutes),
            post_only=wish.post_only,
            minimum_reputation=wish.minimum_reputation,
            lock=await self._lock(wish.wh, order),
        )

    async def _buy(self, wish: _Buy) -> BuyOrder:
        return BuyOrder(
            **self._head(),
            wh=wish.wh,
            at_most=wish.at_most,
            valid_until=self._after(wish.valid_for_minutes),
            seller=wish.seller,
            post_only=wish.post_only,
            minimum_reputation=wish.minimum_reputation,
            pay=wish.pay,
        )

    async def _cancel_order(self, wish: _CancelOrder) -> CancelOrder:
        return CancelOrder(**self._head(), order=wish.order)

    async def _set_limits(self, wish: _SetLimits) -> StandingOrder:
        return StandingOrder(**self._head(), sell_at_least=wish.sell_at_least, buy_at_most=wish.buy_at_most)

    async def _choose_partners(self, wish: _ChoosePartners) -> ChoosePartners:
        return ChoosePartners(**self._head(), partners=wish.partners)

    async def _sell_ahead(self, wish: _SellAhead) -> SellAhead:
        return SellAhead(**self._head(), period=_period(wish.period), wh=wish.wh, at_least=wish.at_least)

    async def _buy_ahead(self, wish: _BuyAhead) -> BuyAhead:
        return BuyAhead(**self._head(), period=_period(wish.period), wh=wish.wh, at_most=wish.at_most)

    async def _start_auction(self, wish: _StartAuction) -> StartAuction:
        auction = self._new_id()
        return StartAuction(
            **self._head(auction),
            wh=wish.wh,
            start_price=wish.start_price,
            ends_at=unix(self._clock) + wish.minutes * 60,
            reserve_price=wish.reserve_price,
            minimum_step=wish.minimum_step,
            lock=await self._lock(wish.wh, auction),
        )

    async def _bid(self, wish: _Bid) -> Bid:
        return Bid(**self._head(), auction=wish.auction, price=wish.price)

    async def _top_up(self, wish: _TopUp) -> TopUp:
        return TopUp(**self._head(), kes=wish.kes)

    async def _pay_out(self, wish: _PayOut) -> PayOut:
        return PayOut(**self._head(), kes=wish.kes)

    async def _switch_connection(self, wish: _SwitchConnection) -> SwitchConnection:
        return SwitchConnection(**self._head(), on=wish.on)

    def _head(self, message_id: UUID | None = None) -> dict[str, Any]:
        """Return what every message carries."""
        return {"id": message_id or self._new_id(), "community": self._community, "sent_at": unix(self._clock)}

    async def _lock(self, wh: int, order: UUID) -> str:
        """Return the signed transaction that moves ``wh`` into escrow; the order is known by its message's id."""
        transaction: MessageV0 = lock_message(await self._hub.chain_info(), self._key.wallet, wh, order)
        return sign_as_household(transaction, self._key.seed)

    def _after(self, minutes: int | None) -> int | None:
        return None if minutes is None else unix(self._clock) + minutes * 60


def _period(period_id: str) -> str:
    """Return the id of a period as the hub takes it; the hub knows how long its periods are."""
    try:
        return period_named(period_id, _SHORTEST_PERIOD).id
    except ValueError as error:
        raise CommandError("invalid_data", f"period: {error}", "no_such_period") from None
