"""Phones that are told at once: subscribing, what is sent and what is not, patience, and the end of it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import HubConfig, PushConfig
from energy_swap_hub.membership.device_tables import push_subscription
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.push_subscriptions import Browser as Told
from energy_swap_hub.membership.push_subscriptions import subscribe
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.push.courier import Courier, push_session
from energy_swap_hub.push.services import PushServices
from energy_swap_hub.push.vapid import Vapid
from energy_swap_hub.settlement.departures import begin_leaving
from energy_swap_hub.settlement.erasure import erase
from energy_swap_hub.settlement.notifications import Event, Notification, last_notification, notify
from energy_swap_hub.settlement.telling_phones import TellingPhones, wait_after
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import StandingOrder
from sqlalchemy import func, select

from tests.hub.push.service import Browser, PushService, running_push_service
from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, problem_of
from .phones import Gateway, Phone

AMINA, CHEBET = 0, 2
TOPICS = ("money", "trades", "home")
SECRET = bytes(range(32))


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with running_push_service() as made:
        yield made


@pytest.fixture
async def config(config: HubConfig, service: PushService) -> HubConfig:
    """A hub whose phones may be told by ``service``."""
    push = PushConfig(contact="mailto:office@kisima.example", services=(service.origin,))
    return msgspec.structs.replace(config, push=push)


def paid(cents: int, household: str = "h-003") -> Notification:
    return Notification(household, Event.TOPPED_UP, {"cents": cents, "receipt": "SKL1ABCDEF"})


async def happens(hub: Hub, phone: Phone, *told: Notification) -> None:
    """Let something be told, and something change."""
    database = Database.open(hub.config.data / "hub.sqlite")
    await database.write(lambda c: notify(c, VILLAGE, told, OPENED))
    await database.close()
    assert (await phone.send(StandingOrder(**phone.head(), buy_at_most=1_500))).status == 200


async def test_a_phone_is_told_from_the_press_on_until_it_is_turned_off(
    app_hub: Hub, gateway: Gateway, service: PushService, new_phone: Any
) -> None:
    phone, other, browser = new_phone(), new_phone(), service.browser()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    await other.pair(app_hub.homes[AMINA].phone, gateway)
    await happens(app_hub, phone, paid(10_000))
    before = await (await phone.get("/push")).json()
    assert (before["endpoint"], before["topics"]) == (None, [])
    answer = await phone.post("/push", browser.wish("money"))
    assert (answer.status, (await answer.json())["endpoint"]) == (200, browser.endpoint)
    assert (await (await other.get("/push")).json())["endpoint"] is None  # the other household's phone has none

    silent = Notification("h-003", Event.METER_SILENT, {"period": "2026-11-20T09:00Z"})
    await happens(app_hub, phone, paid(77_700, "h-001"), silent, paid(20_000))
    await service.until_asked(1)
    assert [(one["event"], one["cents"]) for one in browser.told] == [("topped_up", 20_000)]
    assert service.keys == {before["key"]}
    said = str(browser.told)
    assert not any(word in said for word in (app_hub.homes[CHEBET].phone, "Chebet", "h-003", "SKL1"))

    assert (await (await phone.post("/push", browser.wish(*TOPICS))).json())["topics"] == sorted(TOPICS)
    assert (await (await phone.post("/push/off")).json())["endpoint"] is None
    database = Database.open(app_hub.config.data / "hub.sqlite")
    assert (
        await database.read(lambda c: c.execute(select(func.count()).select_from(push_subscription)).scalar()) == 0
    )
    await database.close()


async def test_a_subscription_dies_with_its_phone(
    app_hub: Hub, gateway: Gateway, service: PushService, new_phone: Any
) -> None:
    phone, other, browser = new_phone(), new_phone(), service.browser()
    for one in (phone, other):
        await one.pair(app_hub.homes[CHEBET].phone, gateway)
    first = service.browser()
    assert (await phone.post("/push", first.wish())).status == 200
    assert (await other.post("/push", browser.wish())).status == 200
    lost = next(one for one in (await (await phone.get("/phones")).json())["phones"] if not one["is_this"])
    assert (await phone.post(f"/phones/{lost['id']}/revoke")).status == 200
    await happens(app_hub, phone, paid(30_000))
    await service.until_asked(1)
    assert ([one["cents"] for one in first.told], browser.told) == ([30_000], [])
    # A browser that is paired anew has another key; its address is told once.
    again = new_phone()
    await again.pair(app_hub.homes[CHEBET].phone, gateway)
    assert (await again.post("/push", first.wish())).status == 200
    assert (await (await phone.get("/push")).json())["endpoint"] is None


async def test_what_is_no_browser_is_refused_in_words(
    app_hub: Hub, gateway: Gateway, service: PushService, new_phone: Any
) -> None:
    phone = new_phone()
    await phone.pair(app_hub.homes[CHEBET].phone, gateway)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"endpoint": "http://169.254.169.254/latest"}, "no push service known here"),
        ({"endpoint": "https://127.0.0.1/"}, "no push service known here"),
        ({"p256dh": "BAAA"}, "p256dh: this is no public key"),
        ({"p256dh": "B" + "A" * 86}, "p256dh: this is no public key"),
        ({"auth": "AAAA"}, "auth: 16 bytes"),
        ({"auth": "no base64!"}, "auth: base64url"),
        ({"topics": []}, "topics"),
        ({"topics": ["weather"]}, "topics"),
    )
    for change, why in cases:
        answer = await phone.post("/push", service.browser().wish() | change)
        assert (answer.status, change) == (422, change)
        assert why in (await problem_of(answer))["detail"]
    assert (await (await phone.get("/push")).json())["endpoint"] is None


@dataclass(slots=True)
class Teller:
    """The task that tells phones, on a database of its own, with a time that a test moves."""

    database: Database
    tell_phones: Callable[[], TellingPhones]
    now: datetime = OPENED
    task: TellingPhones | None = None

    async def subscribe(
        self, browser: Browser, *topics: str, household: str = "h-003", key: bytes = b"key"
    ) -> None:
        told = Told(browser.endpoint, browser.point, browser.auth)

        def change(connection: Any) -> None:
            last = last_notification(connection, VILLAGE, household)
            subscribe(
                connection,
                VILLAGE,
                household,
                key,
                Seal(SECRET, b"test"),
                told,
                topics or TOPICS,
                told=last,
                now=self.now,
            )

        await self.database.write(change)

    async def happens(self, *told: Notification) -> None:
        await self.database.write(lambda c: notify(c, VILLAGE, told, self.now))

    async def tell(self) -> None:
        """Tell all that may be told now."""
        self.task = self.task or self.tell_phones()
        while await self.task.tell():
            pass

    async def subscriptions(self) -> int:
        found = await self.database.read(
            lambda c: c.execute(select(func.count()).select_from(push_subscription)).scalar()
        )
        return int(found or 0)


@pytest.fixture
async def teller(config: HubConfig, service: PushService) -> AsyncIterator[Teller]:
    database, services = Database.open(config.data / "hub.sqlite"), PushServices(config.push.services)
    async with push_session(services) as session:
        vapid = Vapid(SECRET, config.push.contact)
        courier = Courier(session, vapid, services, lambda: datetime.now(UTC))

        def make() -> TellingPhones:
            seal = Seal(SECRET, b"test")
            return TellingPhones(
                database, VILLAGE, seal, courier, Changes(), clock=lambda: made.now, now=lambda: made.now
            )

        made = Teller(database, make)
        yield made
    await database.close()


async def test_a_phone_that_was_away_is_told_in_order_and_once(teller: Teller, service: PushService) -> None:
    browser = service.browser()
    await teller.happens(paid(1))
    await teller.subscribe(browser)
    await teller.happens(*(paid(cents) for cents in range(2, 50)))
    await teller.tell()
    await teller.tell()
    assert [one["cents"] for one in browser.told] == list(range(2, 50))
    assert len({one["tag"] for one in browser.told}) == 48


async def test_who_is_killed_before_noting_it_sends_again_and_the_phone_knows_it(
    teller: Teller, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = service.browser()
    await teller.subscribe(browser)
    await teller.happens(paid(500))

    async def die(_change: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as killed:
        killed.setattr(teller.database, "write", die)
        with pytest.raises(ConnectionAbortedError):
            await teller.tell()
    teller.task = None
    await teller.tell()
    first, second = browser.told
    assert first == second
    assert browser.headers[0]["Topic"] == browser.headers[1]["Topic"] == first["tag"]


async def test_a_service_in_trouble_is_asked_again_later_and_nothing_is_lost(
    teller: Teller, service: PushService
) -> None:
    browser = service.browser()
    await teller.subscribe(browser)
    service.answers = [(503, {}), (429, {"Retry-After": "600"}), (500, {})]
    await teller.happens(paid(100), paid(200))
    began, asked = teller.now, []
    for _ in range(200):
        await teller.tell()
        asked.append(service.asked)
        teller.now += timedelta(seconds=10)
    minutes = [sum(10 for times in asked if times < count) / 60 for count in (1, 2, 3, 4)]
    assert minutes == [0, 0.5, 10.5, 12.5]  # half a minute; as asked; two minutes for the third time
    assert [one["cents"] for one in browser.told] == [100, 200]
    assert teller.now - began < timedelta(hours=1)


def test_waiting_grows_and_ends() -> None:
    assert [wait_after(n, None).total_seconds() for n in (1, 2, 3, 9, 1_000)] == [30, 60, 120, 3_600, 3_600]
    assert wait_after(1, timedelta(days=30)) == timedelta(hours=6)


async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_told(
    teller: Teller, service: PushService
) -> None:
    gone, here = service.browser(), service.browser()
    del service.browsers["/send/0"]
    await teller.subscribe(gone, key=b"gone")
    await teller.subscribe(here, key=b"here")
    await teller.happens(paid(100))
    await teller.tell()
    assert (len(here.told), await teller.subscriptions()) == (1, 1)


async def test_only_what_is_news_and_wanted_is_told(teller: Teller, service: PushService) -> None:
    browser = service.browser()
    await teller.subscribe(browser, "trades")
    none = {"period": "p", "sold_wh": 300, "bought_wh": 0, "earned_cents": 0, "paid_cents": 0}
    await teller.happens(Notification("h-003", Event.OUTBID, {"auction": "a", "cents_per_kwh": 1}))
    teller.now += timedelta(hours=25)
    await teller.happens(
        paid(5),
        Notification("h-003", Event.TRUED_UP, {"period": "p", "minted_wh": 1, "burned_wh": 0, "grid_wh": 0}),
        Notification("h-003", Event.PERIOD_SETTLED, none),
        Notification("h-003", Event.PERIOD_SETTLED, none | {"earned_cents": 450}),
        Notification("h-003", Event.ORDER_ENDED, {"order": "o", "reason": "expired", "remaining_wh": 700}),
    )
    await teller.tell()
    assert [(one["event"], one["tag"] == "period") for one in browser.told] == [
        ("period_settled", True),
        ("order_ended", False),
    ]
    assert browser.told[0] == {"tag": "period", "event": "period_settled", "sold_wh": 300, "bought_wh": 0,
                               "earned_cents": 450, "paid_cents": 0}  # fmt: skip


async def test_every_event_that_is_told_has_the_numbers_it_names(teller: Teller, service: PushService) -> None:
    browser = service.browser()
    await teller.subscribe(browser)
    numbers = dict.fromkeys(
        ("cents", "wh", "cents_per_kwh", "remaining_wh", "sold_wh", "bought_wh", "earned_cents", "paid_cents"), 12
    )
    data = numbers | {"side": "buy", "reason": "a private reason", "receipt": "SKL1", "order": "an order"}
    await teller.happens(*(Notification("h-003", event, data) for event in Event))
    await teller.tell()
    told = {one["event"] for one in browser.told}
    untold = {Event.ADMITTED, Event.TRUED_UP, Event.LEAVING}
    assert told == {event.value for event in Event if event not in untold}
    assert not any(word in str(browser.told) for word in ("private", "SKL1", "an order"))


@pytest.mark.parametrize("end", ["leaving", "erased"])
async def test_who_leaves_is_told_nothing_more(end: str, teller: Teller, service: PushService) -> None:
    await teller.subscribe(service.browser())

    def change(connection: Any) -> None:
        if end == "leaving":
            begin_leaving(connection, VILLAGE, "h-003", who="office", reason="moves away", now=teller.now)
        else:
            erase(connection, VILLAGE, by_id(connection, VILLAGE, "h-003"), PhoneBook(SECRET), teller.now)

    await teller.database.write(change)
    assert await teller.subscriptions() == 0
    await teller.happens(paid(100))
    await teller.tell()
    assert service.asked == 0
