"""An edge reports its meter's relay and gets the hub's command; an admin protects or ends a connection."""

from typing import Any

import msgspec
import pytest
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

from .conftest import NOT_AN_ADMIN, Hub, problem_of


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
    [shown] = (await (await admin.get("/relays")).json())["relays"]
    assert (shown["household"], shown["is_ended"], shown["meter"]["is_open"]) == (home.id, True, False)


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
