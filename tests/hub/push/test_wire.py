"""Push messages on the wire: sealed as the RFC's example, carried to known services only, answers understood."""

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import unused_port
from cryptography.hazmat.primitives.asymmetric import ec
from energy_swap_hub.config import PushConfig
from energy_swap_hub.push.courier import PADDED, Address, Courier, Parcel, push_session, waiting_time
from energy_swap_hub.push.encryption import seal_message
from energy_swap_hub.push.services import PublicAddresses, PushServices, UnknownPushService
from energy_swap_hub.push.vapid import Vapid

from .service import PushService, from_unpadded, open_message, running_push_service, unpadded

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def key_of(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(from_unpadded(text)), ec.SECP256R1())


def test_a_message_is_sealed_as_in_the_example_of_rfc_8291() -> None:
    receiver = from_unpadded(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    auth = from_unpadded("BTBZMqHH6r4Tts7J_aSIgg")
    sealed = seal_message(
        b"When I grow up, I want to be a watermelon",
        receiver,
        auth,
        sender=key_of("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=from_unpadded("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert unpadded(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert open_message(sealed, key_of("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), auth).startswith(b"When I")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QGuQ",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYA",
        "http://127.0.0.1:9000/send/1",
    ],
)
def test_known_services_and_the_operators_own_are_spoken_to(endpoint: str) -> None:
    assert PushServices(["http://127.0.0.1:9000"]).check(endpoint) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:8443/fcm/send/abc",
        "https://fcm.googleapis.com@127.0.0.1/",
        "https://user@fcm.googleapis.com/",
        "https://fcm.googleapis.com.example.org/",
        "https://example.org/fcm.googleapis.com",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1\\.push.apple.com/",
        "https://10.0.0.1%2f.push.apple.com/",
        "http://127.0.0.1:9001/send/1",
        "http://127.0.0.1/send/1",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://fcm.googleapis.com:port/",
        "https://fcm.googleapis.com/\r\nHost: inside",
        "https://fcm.googleapis.com/" + "x" * 1_000,
        "",
    ],
)
def test_other_addresses_are_refused(endpoint: str) -> None:
    with pytest.raises(UnknownPushService, match="endpoint: "):
        PushServices(["http://127.0.0.1:9000"]).check(endpoint)


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    with pytest.raises(OSError, match="has no public address"):
        await PublicAddresses(PushServices()).resolve("localhost", 443, socket.AF_INET)
    own = PublicAddresses(PushServices(["http://localhost:9000"]))
    assert {one["host"] for one in await own.resolve("localhost", 9000, socket.AF_INET)} == {"127.0.0.1"}


@pytest.mark.parametrize("origin", ["https://push.example.org/path", "push.example.org", "ftp://example.org"])
def test_the_operator_is_told_what_a_service_is(origin: str) -> None:
    with pytest.raises(ValueError, match="an origin like https"):
        PushConfig(services=(origin,))


def test_what_retry_after_says() -> None:
    assert waiting_time("120", NOW) == timedelta(minutes=2)
    assert waiting_time("Sun, 22 Nov 2026 09:05:00 GMT", NOW) == timedelta(minutes=5)
    assert waiting_time("Sun, 22 Nov 2026 08:05:00 GMT", NOW) == timedelta()
    assert [waiting_time(text, NOW) for text in ("", "soon", "-5", "9" * 30)] == [None] * 4


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with running_push_service() as made:
        yield made


@pytest.fixture
async def courier(service: PushService) -> AsyncIterator[Courier]:
    services = PushServices([service.origin])
    vapid = Vapid(bytes(range(32)), "mailto:office@kisima.example")
    async with push_session(services) as session:
        yield Courier(session, vapid, services, lambda: datetime.now(UTC))


def parcel(text: bytes = b'{"event":"topped_up"}') -> Parcel:
    return Parcel(text=text, topic="n7", lasts=timedelta(hours=3), urgency="high")


async def test_a_message_arrives_and_tells_its_length_to_nobody(service: PushService, courier: Courier) -> None:
    browser = service.browser()
    address = Address(browser.endpoint, browser.point, browser.auth)
    assert (await courier.carry(address, parcel())).outcome == "taken"
    assert (await courier.carry(address, parcel(b'{"event":"paid_out","cents":250000}'))).outcome == "taken"
    assert browser.told == [{"event": "topped_up"}, {"event": "paid_out", "cents": 250_000}]
    assert browser.sizes == [16 + 4 + 1 + 65 + PADDED + 1 + 16] * 2
    assert browser.bodies[0][:16] != browser.bodies[1][:16]
    sent = browser.headers[0]
    assert (sent["TTL"], sent["Topic"], sent["Urgency"]) == ("10800", "n7", "high")
    assert "Cookie" not in sent


async def test_answers_are_understood_and_never_followed(service: PushService, courier: Courier) -> None:
    browser = service.browser()
    address = Address(browser.endpoint, browser.point, browser.auth)
    service.answers = [
        (404, {}),
        (410, {}),
        (400, {}),
        (413, {}),
        (429, {"Retry-After": "90"}),
        (503, {}),
        (403, {}),
        (307, {"Location": "/inside"}),
    ]
    found = [await courier.carry(address, parcel()) for _ in range(8)]
    assert [one.outcome for one in found] == ["gone"] * 2 + ["refused"] * 2 + ["later"] * 4
    assert [one.wait for one in found[4:]] == [timedelta(seconds=90), None, None, None]
    assert service.wandered == []


async def test_a_service_that_is_down_is_asked_later(courier: Courier, service: PushService) -> None:
    nowhere = f"http://127.0.0.1:{unused_port()}"
    services = PushServices([nowhere])
    async with push_session(services) as session:
        lost = Courier(session, Vapid(bytes(32), None), services, lambda: datetime.now(UTC))
        browser = service.browser()
        found = await lost.carry(Address(f"{nowhere}/send/1", browser.point, browser.auth), parcel())
    assert (found.outcome, found.why) == ("later", "ClientConnectorError")
    # What the operator allows no more is not asked at all.
    assert (await courier.carry(Address(f"{nowhere}/send/1", browser.point, browser.auth), parcel())).outcome == (
        "gone"
    )
