"""The routes with which a paired phone asks to be told what happens, and not to be told any more."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypedDict

import msgspec
from sqlalchemy import Connection

from energy_swap_hub.config import utc_now
from energy_swap_hub.membership.device_sessions import DeviceSession
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.push_subscriptions import Browser, subscribe, subscription_of, unsubscribe
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.push.encryption import AUTH_BYTES, point_key
from energy_swap_hub.push.services import LONGEST_ENDPOINT, PushServices
from energy_swap_hub.settlement.notifications import last_notification
from energy_swap_hub.settlement.phone_news import Topic
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .phone_session_api import PATH
from .route import Route


class PushWish(msgspec.Struct, forbid_unknown_fields=True):
    """A browser's ``PushSubscription``, its bytes in base64url, and what its person wants to be told of."""

    endpoint: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ENDPOINT)]
    p256dh: Annotated[str, msgspec.Meta(max_length=100)]
    auth: Annotated[str, msgspec.Meta(max_length=40)]
    topics: Annotated[frozenset[Topic], msgspec.Meta(min_length=1)]


class PushState(TypedDict):
    """The hub's key (``applicationServerKey``), and where and of what this phone is told, if it is."""

    key: str
    endpoint: str | None
    topics: list[str]


class PushApi:
    """The routes below ``/api/v1/app/push``; a subscription is the phone's own, and goes with it."""

    def __init__(
        self,
        doors: Doors,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        *,
        seal: Seal,
        services: PushServices,
        public_key: str,
    ) -> None:
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._seal = seal
        self._services = services
        self._public_key = public_key

    def routes(self) -> list[Route]:
        """Return the routes."""
        phone, path = self._doors.phone, f"{PATH}/push"
        return [
            phone("GET", path, self._state, says="Whether and of what this phone is told."),
            phone("POST", path, self._subscribe, says="Tell this phone what happens, or of other topics."),
            phone("POST", f"{path}/off", self._unsubscribe, says="Tell this phone nothing more."),
        ]

    async def _state(self, call: Call[DeviceSession, None]) -> PushState:
        return await self._database.read(lambda c: self._read(c, call.who))

    async def _subscribe(self, call: Call[DeviceSession, PushWish]) -> PushState:
        who, wish = call.who, call.body
        browser = Browser(
            self._services.check(wish.endpoint), _bytes("p256dh", wish.p256dh), _bytes("auth", wish.auth)
        )
        try:
            point_key(browser.p256dh)
        except ValueError:
            raise ValueError("p256dh: this is no public key of P-256; send what the browser gave") from None
        if len(browser.auth) != AUTH_BYTES:
            raise ValueError(f"auth: {AUTH_BYTES} bytes in base64url; send what the browser gave")

        def change(connection: Connection) -> PushState:
            is_new = subscription_of(connection, who.key, self._seal) is None
            told = last_notification(connection, self._community_id, who.household_id)
            subscribe(
                connection,
                self._community_id,
                who.household_id,
                who.key,
                self._seal,
                browser,
                wish.topics,
                told=told,
                now=utc_now(),
            )
            if is_new:
                self._audit(connection, who, "turned a phone's messages on")
            return self._read(connection, who)

        return await self._database.write(change)

    async def _unsubscribe(self, call: Call[DeviceSession, None]) -> PushState:
        who = call.who

        def change(connection: Connection) -> PushState:
            if subscription_of(connection, who.key, self._seal) is not None:
                unsubscribe(connection, who.key)
                self._audit(connection, who, "turned a phone's messages off")
            return self._read(connection, who)

        return await self._database.write(change)

    def _read(self, connection: Connection, who: DeviceSession) -> PushState:
        found = subscription_of(connection, who.key, self._seal)
        return {
            "key": self._public_key,
            "endpoint": None if found is None else found.browser.endpoint,
            "topics": [] if found is None else sorted(found.topics),
        }

    def _audit(self, connection: Connection, who: DeviceSession, what: str) -> None:
        record_audit(
            connection,
            self._community_id,
            who=who.household_id,
            what=what,
            subject=who.device_id,
            now=self._clock(),
        )


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error, ValueError:
        raise ValueError(f"{name}: base64url, as the browser gave it") from None
