"""An edge reports its meter's relay and gets the hub's command; an admin protects or ends a connection."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from energy_swap_protocol.message import SwitchConnection
from energy_swap_protocol.relay import (
    Action,
    Outcome,
    Reason,
    RelayReport,
    decode_command,
    from_text,
    sign_report,
    to_text,
)

from tests.hub.village import Home

from .conftest import NOT_AN_ADMIN, Hub, Person, problem_of


async def report(hub: Hub, home: Home, text: str | None) -> tuple[int, dict[str, Any]]:
    body = msgspec.json.encode({"report": text})
    answer = await hub.signed(home.key, "POST", "/household/relay", body)
    return answer.status, await answer.json()


def closed(hub: Hub, home: Home) -> str:
    meter = bytes(home.meter_key.verify_key)
    said = RelayReport(meter, hub.now, 0, 0, False, False, Outcome.NONE, Reason.NONE)
    return to_text(sign_report(said, home.meter_key))


async def test_an_ended_connection_is_commanded_and_listed(hub: Hub) -> None:
    home, admin = hub.homes[0], await hub.admin()
    status, answer = await report(hub, home, None)
    assert (status, answer["command"]) == (200, None)
    authority = bytes.fromhex(answer["authority"])
    assert (await report(hub, home, closed(hub, home)))[1]["command"] is None
    assert (await admin.post(f"/relays/{home.id}", {"is_ended": True, "reason": "moved away"})).status == 200
    _, answer = await report(hub, home, closed(hub, home))
    command = decode_command(from_text(answer["command"]), authority)
    assert (command.action, command.reason) == (Action.OPEN, Reason.CONNECTION_ENDED)
    shown = await shown_of(admin, home)
    assert (shown["name"], shown["is_ended"], shown["meter"]["is_open"]) == (home.name, True, False)
    assert shown["wanted"] == shown["command"]["reason"] == "connection_ended"
    assert shown["command"]["expires_at"] == command.expires_at
    listed = (await (await admin.get("/relays")).json())["relays"]
    assert [one["household"] for one in listed] == [one.id for one in hub.homes], "all members, with or without"
    assert all(one["meter"] is None for one in listed if one["household"] != home.id)
    waiting = await (await admin.get("/relays?state=unfollowed&count=1")).json()
    assert [one["household"] for one in waiting["relays"]] == [home.id]
    assert waiting["counts"] == {"all": 4, "unfollowed": 1, "open": 0, "closed": 0}
    opened = replace(_obeyed(home, hub, command.sequence, command.open_until), reason=command.reason)
    await report(hub, home, to_text(sign_report(opened, home.meter_key)))
    assert (await (await admin.get("/relays?count=1")).json())["counts"]["open"] == 1


async def shown_of(admin: Person, home: Home) -> dict[str, Any]:
    relays = (await (await admin.get("/relays")).json())["relays"]
    return dict(next(one for one in relays if one["household"] == home.id))


async def switch(hub: Hub, home: Home, *, on: bool) -> tuple[int, dict[str, Any]]:
    answer = await hub.send(home.key, SwitchConnection(**hub.head(), on=on))
    return answer.status, await answer.json()


async def test_a_household_has_itself_switched_off_and_on(hub: Hub) -> None:
    home, admin = hub.homes[0], await hub.admin()
    status, refused = await switch(hub, home, on=False)
    assert status == 422
    assert "has none" in refused["detail"], "no meter has told of a relay"
    _, answer = await report(hub, home, closed(hub, home))
    authority = bytes.fromhex(answer["authority"])
    status, answer = await switch(hub, home, on=False)
    assert (status, answer["on"], answer["reason"]) == (200, False, "asked_by_household")
    _, answer = await report(hub, home, closed(hub, home))
    command = decode_command(from_text(answer["command"]), authority)
    assert (command.action, command.reason) == (Action.OPEN, Reason.ASKED_BY_HOUSEHOLD)
    assert (await shown_of(admin, home))["is_asked_off"]
    own = await (await hub.signed(home.key, "GET", "/household")).json()
    assert own["relay"] == {"is_asked_off": True, "is_protected": False, "wanted": "asked_by_household"}
    assert (await switch(hub, home, on=True))[1]["on"] is True
    opened = to_text(sign_report(_obeyed(home, hub, command.sequence, command.open_until), home.meter_key))
    _, answer = await report(hub, home, opened)
    back = decode_command(from_text(answer["command"]), authority)
    assert (back.action, back.sequence) == (Action.CLOSE, command.sequence + 1)
    acts = (await (await admin.get("/audit")).json())["acts"]
    said = [act["what"] for act in acts if act["who"] == home.id and act["what"].startswith("relay")]
    assert said == [
        "relay: the household asks to be on again", "relay: the household asks to be off",
    ]  # fmt: skip


def _obeyed(home: Home, hub: Hub, sequence: int, open_until: int) -> RelayReport:
    meter = bytes(home.meter_key.verify_key)
    return RelayReport(meter, hub.now, sequence, open_until, True, False, Outcome.DONE, Reason.ASKED_BY_HOUSEHOLD)


async def test_what_the_community_decided_stays_when_the_household_wants_to_be_on(hub: Hub) -> None:
    home, admin = hub.homes[0], await hub.admin()
    await report(hub, home, closed(hub, home))
    await admin.post(f"/relays/{home.id}", {"is_ended": True, "reason": "moved away"})
    _, answer = await switch(hub, home, on=True)
    assert (answer["on"], answer["reason"]) == (False, "connection_ended")


async def test_a_protected_household_is_not_switched_off_by_itself_either(hub: Hub) -> None:
    home, admin = hub.homes[0], await hub.admin()
    await report(hub, home, closed(hub, home))
    await switch(hub, home, on=False)
    await admin.post(f"/relays/{home.id}", {"is_protected": True, "reason": "a breathing machine"})
    assert not (await shown_of(admin, home))["is_asked_off"], "what was asked before is forgotten"
    status, refused = await switch(hub, home, on=False)
    assert status == 422
    assert "protects this household" in refused["detail"]


async def test_what_is_no_report_of_this_households_meter_is_refused(hub: Hub) -> None:
    home, other = hub.homes[0], hub.homes[1]
    for text, words in (
        (closed(hub, other), "another meter"),
        ("?", "base64url"),
        ("AAAA", "this frame has 128 bytes"),
    ):
        status, problem = await report(hub, home, text)
        assert status == 422
        assert words in problem["detail"]


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({"is_protected": True, "is_ended": True, "reason": "why"}, 422, "protection"),
        ({"is_protected": True, "reason": ""}, 422, "reason"),
    ],
)
async def test_marks_that_make_no_sense_are_refused(
    hub: Hub, wish: dict[str, Any], status: int, words: str
) -> None:
    answer = await (await hub.admin()).post(f"/relays/{hub.homes[0].id}", wish)
    problem = await problem_of(answer)
    assert (answer.status, words in problem["detail"]) == (status, True), problem


async def test_only_an_admin_marks(hub: Hub) -> None:
    auditor = hub.person()
    await auditor.sign_in("regulator")
    wish = {"is_protected": True, "reason": "why"}
    assert (await problem_of(await auditor.post(f"/relays/{hub.homes[0].id}", wish)))["detail"] == NOT_AN_ADMIN
