"""Standing offers: the same order again on chosen weekdays at a chosen time, placed through the edge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import WEEKDAYS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util import dt as dt_util

from .commands import carry_out
from .const import LOGGER
from .coordinator import EnergySwapCoordinator
from .refusals import text_of

type Outcome = Literal["placed", "refused", "failed"]

CONF_SIDE: Final = "side"
CONF_ENERGY: Final = "energy"
CONF_PRICE: Final = "price"
CONF_TIME: Final = "time"
CONF_DAYS: Final = "days"
CONF_MINUTES: Final = "minutes"


@dataclass(frozen=True, slots=True)
class StandingOffer:
    """An order to be placed again and again; ``at`` is local time, ``days`` are ``mon`` to ``sun``."""

    side: Literal["sell", "buy"]
    wh: int
    cents_per_kwh: int
    minutes: int
    at: time
    days: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> StandingOffer:
        """Return the offer that a subentry holds."""
        return cls(
            side=data[CONF_SIDE],
            wh=data[CONF_ENERGY],
            cents_per_kwh=data[CONF_PRICE],
            minutes=data[CONF_MINUTES],
            at=time.fromisoformat(data[CONF_TIME]),
            days=frozenset(data[CONF_DAYS]),
        )

    def next_after(self, now: datetime) -> datetime | None:
        """Return when it is placed next, None if on no day; ``now`` is local."""
        for ahead in range(8):
            moment = datetime.combine(now.date() + timedelta(days=ahead), self.at, now.tzinfo)
            if moment > now and WEEKDAYS[moment.weekday()] in self.days:
                return moment
        return None


@dataclass(frozen=True, slots=True)
class Placement:
    """How the last placement went."""

    outcome: Outcome
    at: datetime
    order: str | None = None
    reason: str | None = None


class OfferDesk:
    """Places one standing offer when it is due, and knows how that went."""

    def __init__(self, coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> None:
        self.offer = StandingOffer.of(subentry.data)
        self.is_on = True
        self.last: Placement | None = None
        self._title = subentry.title
        self._coordinator = coordinator
        self._listeners: list[Callable[[], None]] = []

    @property
    def next_at(self) -> datetime | None:
        """When it is placed next, None while it is switched off."""
        return self.offer.next_after(dt_util.now()) if self.is_on else None

    @callback
    def async_start(self, hass: HomeAssistant) -> CALLBACK_TYPE:
        """Place the offer whenever it is due; return how to stop that."""
        at = self.offer.at
        return async_track_time_change(hass, self._due, hour=at.hour, minute=at.minute, second=at.second)

    @callback
    def async_listen(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call ``listener`` after each change; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def switch(self, *, is_on: bool) -> None:
        """Place the offer from now on, or no more."""
        self.is_on = is_on
        self._tell()

    async def place(self) -> None:
        """Place the order now. Raises as `carry_out`, after noting why it could not be."""
        offer = self.offer
        limit = "at_least" if offer.side == "sell" else "at_most"
        order = {"wh": offer.wh, limit: offer.cents_per_kwh, "valid_for_minutes": offer.minutes}
        now = dt_util.utcnow()
        try:
            answer = await carry_out(self._coordinator, offer.side, order)
        except HomeAssistantError as err:
            outcome: Outcome = "refused" if isinstance(err, ServiceValidationError) else "failed"
            self.last = Placement(outcome, now, reason=text_of(self._coordinator.hass, err))
            raise
        else:
            self.last = Placement("placed", now, order=answer.get("order"))
        finally:
            self._tell()

    async def _due(self, now: datetime) -> None:
        if not self.is_on or WEEKDAYS[now.weekday()] not in self.offer.days:
            return
        try:
            await self.place()
        except HomeAssistantError as err:
            LOGGER.info("The standing offer %s was not placed: %s", self._title, err)

    @callback
    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
