import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from energy_swap_hub.config import HubConfig, LimitsConfig
from energy_swap_hub.hub import running_hub
from energy_swap_protocol import message
from energy_swap_protocol.message import BuyOrder, StandingOrder, sign_message
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.request import HEADER
from nacl.signing import SigningKey

from tests.hub.village import APPROVERS, OPENED, Home

from .conftest import API, Hub, clock, problem_of

STRANGER = SigningKey(b"s" * 32)


def approver(number: int) -> SigningKey:
    return SigningKey(APPROVERS[number].secret())


SIGNED = (
    ("GET", "/household", b""),
    ("GET", "/household/events", b""),
    ("GET", "/household/statement?from=2026-11-01&to=2026-11-30", b""),
    ("GET", "/household/statement.csv", b""),
    ("GET", "/household/notifications?after=7", b""),
    ("POST", "/readings", b'{"frames":[]}'),
    ("GET", "/proposals", b""),
    ("POST", "/proposals/admit:h-001:1/signatures", b'{"signatures":["1"]}'),
)


async def test_signed_routes_refuse_what_is_not_truly_signed_fresh_and_new(hub: Hub) -> None:
    amina, brian = hub.homes[0].key, hub.homes[1].key
    for method, path, body in SIGNED:
        target = f"{API}{path}"
        good = hub.header(amina, method, target, body)[HEADER]
        foreign = hub.header(brian, method, target, body)[HEADER]
        wrong = {
            "missing": "",
            "nonsense": "a b c d",
            "not ascii": "\udcff" + good,
            "another key's name": " ".join([foreign.split(" ")[0], *good.split(" ")[1:]]),
            "another method": hub.header(amina, "PUT", target, body)[HEADER],
            "another path": hub.header(amina, method, target + "x", body)[HEADER],
            "another body": hub.header(amina, method, target, body + b" ")[HEADER],
            "old clock": hub.header(amina, method, target, body, at=hub.now - 301)[HEADER],
            "clock ahead": hub.header(amina, method, target, body, at=hub.now + 301)[HEADER],
        }
        for why, header in wrong.items():
            answer = await hub.session.request(
                method,
                target,
                data=body or None,
                headers={HEADER: header.encode("utf-8", "surrogateescape").decode("latin-1")},
            )
            assert answer.status == 401, (path, why, await answer.text())
            assert (await problem_of(answer))["code"] == "bad_signature"


async def test_a_captured_request_cannot_be_sent_again(hub: Hub) -> None:
    target = f"{API}/household"
    header = hub.header(hub.homes[0].key, "GET", target)
    assert (await hub.session.get(target, headers=header)).status == 200
    again = await hub.session.get(target, headers=header)
    assert again.status == 401
    assert "received before" in (await problem_of(again))["detail"]
    events = f"{API}/household/events"
    with pytest.raises(WSServerHandshakeError) as refused:
        await hub.session.ws_connect(events, headers=header)
    assert refused.value.status == 401


async def test_a_household_sees_itself_and_nobody_else(hub: Hub) -> None:
    states = [await (await hub.signed(home.key, "GET", "/household")).json() for home in hub.homes]
    assert [state["household"] for state in states] == [home.id for home in hub.homes]
    for home, state in zip(hub.homes, states, strict=True):
        text = msgspec.json.encode(state).decode()
        for other in hub.homes:
            assert other.phone not in text
            if other is not home:
                assert other.name not in text
                assert str(other.pubkey) not in text
                assert other.id not in text
    unknown = await hub.signed(STRANGER, "GET", "/household")
    assert (unknown.status, (await problem_of(unknown))["code"]) == (403, "not_admitted")


async def test_a_household_cannot_speak_for_anothers_meter(hub: Hub) -> None:
    amina, brian = hub.homes[0], hub.homes[1]
    frame = frame_to_text(amina.measure(OPENED + timedelta(minutes=1)))
    body = msgspec.json.encode({"frames": [frame]})
    answer = await (await hub.signed(brian.key, "POST", "/readings", body)).json()
    [result] = answer["results"]
    assert (result["status"], result["reason"]) == (
        "quarantined",
        "signed by a meter that is not this household's",
    )
    stranger = await hub.signed(STRANGER, "POST", "/readings", body)
    assert stranger.status == 403


async def test_readings_that_are_none_are_kept_as_evidence_and_odd_bodies_refused(hub: Hub) -> None:
    brian = hub.homes[1].key
    body = msgspec.json.encode({"frames": ["", "é", "not base64!", "A" * 192]})
    answer = await (await hub.signed(brian, "POST", "/readings", body)).json()
    assert [result["status"] for result in answer["results"]] == ["quarantined"] * 4
    for body, status, code in (
        (msgspec.json.encode({"frames": ["A"] * 501}), 422, "invalid_field"),
        (msgspec.json.encode({"frames": ["A" * 401]}), 422, "invalid_field"),
        (b'{"frames":["\\ud800"]}', 400, "not_json"),
        (b'{"frames":["\xff"]}', 400, "not_utf8"),
        (b'{"frames":[],"more":1}', 422, "invalid_field"),
    ):
        refused = await hub.signed(brian, "POST", "/readings", body)
        assert (refused.status, (await problem_of(refused))["code"]) == (status, code), body[:40]


async def test_approver_routes_are_for_approvers(hub: Hub) -> None:
    for key in (hub.homes[0].key, STRANGER):
        for method, path, body in SIGNED[-2:]:
            answer = await hub.signed(key, method, path, body)
            assert (answer.status, (await problem_of(answer))["code"]) == (403, "forbidden"), path
    assert await (await hub.signed(approver(0), "GET", "/proposals")).json() == []


async def test_an_approver_admits_only_with_signatures_of_its_own_over_this_admission(hub: Hub) -> None:
    esther = Home("h-005", "<script>alert('x')</script>", 5, 0)
    assert (await hub.send(esther.key, esther.application(OPENED + timedelta(minutes=1)))).status == 200
    unknown = await hub.signed(approver(0), "POST", "/proposals/admit:h-099:1/signatures", b'{"signatures":["1"]}')
    assert unknown.status == 422, "no signature at all"
    waiting: list[dict[str, Any]] = []
    while not waiting:  # until the chain has opened the account
        waiting = await (await hub.signed(approver(0), "GET", "/proposals")).json()
        await asyncio.sleep(0.1)  # who asks too often is refused
    [admission] = waiting
    assert (admission["household"], admission["name"], admission["needed"]) == ("h-005", esther.name, 2)
    messages = [base64.b64decode(text) for text in admission["messages"]]

    path = "/proposals/admit:h-005:5/signatures"
    other = msgspec.json.encode({"signatures": [str(APPROVERS[1].sign_message(m)) for m in messages]})
    for body, status, code in (
        (other, 409, "approval_refused"),
        (b'{"signatures":["not base58 0OIl"]}', 422, "invalid"),
        (b'{"signatures":[]}', 422, "invalid_field"),
        (b'{"signature":"x"}', 422, "invalid_field"),
        (b"{", 400, "not_json"),
    ):
        answer = await hub.signed(approver(0), "POST", path, body)
        assert (answer.status, (await problem_of(answer))["code"]) == (status, code), body
    good = msgspec.json.encode({"signatures": [str(APPROVERS[0].sign_message(m)) for m in messages]})
    nobody = await hub.signed(approver(0), "POST", "/proposals/admit:h-099:1/signatures", good)
    assert (nobody.status, (await problem_of(nobody))["code"]) == (404, "not_found")
    for _ in range(2):
        answer = await hub.signed(approver(0), "POST", path, good)
        assert await answer.json() == {"signatures": 1, "needed": 2}


async def test_messages_are_refused_in_words_and_leave_nothing_half_done(hub: Hub) -> None:
    chebet = hub.homes[2].key
    before = await (await hub.signed(chebet, "GET", "/household")).json()
    bad_payload = sign_message(StandingOrder(**hub.head()), chebet)
    not_utf8 = _signed_raw(b'{"kind":"\xff"}', chebet)
    unknown = _signed_raw(
        msgspec.json.encode({"kind": "bid", **hub.head(), "auction": uuid4(), "price": 3, "tip": 1}), chebet
    )
    kind = _signed_raw(b'{"kind":"gift"}', chebet)
    altered = msgspec.structs.replace(bad_payload, signature=bad_payload.signer * 2)
    cases: list[tuple[bytes, int, str]] = [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b'{"signer":"\xff\xfe"}', 400, "not_utf8"),
        (b"[]", 422, "invalid_field"),
        (b'{"signer":"a","payload":"b","signature":"c","more":1}', 422, "invalid_field"),
        (b'{"signer":1,"payload":"b","signature":"c"}', 422, "invalid_field"),
        (msgspec.json.encode(altered), 400, "bad_message"),
        (msgspec.json.encode(unknown), 400, "bad_message"),
        (msgspec.json.encode(kind), 400, "bad_message"),
        (msgspec.json.encode(not_utf8), 400, "not_utf8"),
        (b'{"signer":' + b"[" * 100_000, 422, "invalid_field"),
        (
            msgspec.json.encode(sign_message(BuyOrder(**hub.head(), wh=100, at_most=1_000), chebet)),
            409,
            "not_enough",
        ),
    ]
    for body, status, code in cases:
        answer = await hub.session.post(f"{API}/messages", data=body)
        assert (answer.status, (await problem_of(answer))["code"]) == (status, code), body[:80]
    large = await hub.session.post(f"{API}/messages", data=b" " * (256 * 1024 + 1))
    told = await problem_of(large)
    assert (large.status, told["code"], told["detail"]) == (
        413,
        "too_large",
        "a request has at most 256 KiB; send less at once",
    )
    assert await (await hub.signed(chebet, "GET", "/household")).json() == before


def _signed_raw(payload: bytes, key: SigningKey) -> message.Envelope:
    """Sign bytes that are no message, as only somebody with other software would."""
    signature = key.sign(message._DOMAIN + payload).signature
    return message.Envelope(message._text(bytes(key.verify_key)), message._text(payload), message._text(signature))


async def test_a_request_signed_before_the_hub_came_up_is_to_be_signed_anew(hub: Hub) -> None:
    target = f"{API}/household"
    headers = hub.header(hub.homes[0].key, "GET", target, at=hub.now - 1)
    answer = await hub.session.get(target, headers=headers)
    assert (answer.status, (await problem_of(answer))["code"]) == (425, "restarted")
    assert (await hub.signed(hub.homes[0].key, "GET", "/household")).status == 200


async def test_a_household_that_asks_too_often_is_told_when_to_go_on(config: HubConfig) -> None:
    config = msgspec.structs.replace(config, limits=LimitsConfig(key_per_second=1))
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        eager, other = hub.homes[0].key, hub.homes[1].key
        # All at once, so that a slow machine asks no slower than the bucket fills up.
        asked = await asyncio.gather(*(hub.signed(eager, "GET", "/household/notifications") for _ in range(60)))
        taken, refused = ([one for one in asked if (one.status == 200) == is_taken] for is_taken in (True, False))
        assert len(taken) >= 5, "five seconds' worth may come at once"
        assert refused
        for answer in refused:
            assert (answer.status, (await problem_of(answer))["code"]) == (429, "too_many_requests")
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await hub.signed(other, "GET", "/household/notifications")).status == 200
