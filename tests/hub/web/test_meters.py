"""A replaced meter goes on where the old one ended when somebody asks and the approvers sign; nobody else can."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from energy_swap_protocol.reading import Reading, ReadingFlag, frame_to_text, sign_reading
from nacl.signing import SigningKey
from solders.keypair import Keypair

from tests.hub.village import APPROVERS, OPENED, Home

from .conftest import Hub, Person, problem_of

NEW = SigningKey(bytes([150]) * 32)


def frame_of(number: int, **changes: int) -> bytes:
    """Return a frame of the new meter, a second apart from the next."""
    at = int((OPENED + timedelta(seconds=65)).timestamp()) + number
    flags = ReadingFlag.REGISTER_EPOCH_STARTED if number == 0 else ReadingFlag(0)
    first = Reading(bytes(NEW.verify_key), number, at, 0, number, 0, flags)
    return sign_reading(replace(first, **changes), NEW)  # type: ignore[arg-type]


async def send(hub: Hub, home: Home, *frames: bytes) -> list[str]:
    body = msgspec.json.encode({"frames": [frame_to_text(frame) for frame in frames]})
    answer = await hub.signed(home.key, "POST", "/readings", body)
    assert answer.status == 200
    return [result["status"] for result in (await answer.json())["results"]]


async def sign(hub: Hub, approver: Keypair, proposal: str) -> None:
    """Sign as an approver's device does, over the hub's API."""
    key = SigningKey(approver.secret())
    async with asyncio.timeout(60):  # the proposal is open once its nonce account is known
        while True:
            waiting = await (await hub.signed(key, "GET", "/proposals")).json()
            asked = next((one for one in waiting if one["proposal"] == proposal), None)
            if asked is not None:
                break
            await asyncio.sleep(0.1)
    messages = map(base64.b64decode, asked["messages"])
    body = msgspec.json.encode({"signatures": [str(approver.sign_message(raw)) for raw in messages]})
    answer = await hub.signed(key, "POST", f"/proposals/{proposal}/signatures", body)
    assert answer.status == 200, await answer.text()


async def begun(admin: Person, home: Home) -> list[dict[str, Any]]:
    """Wait until the chain has carried out what was signed, and return the household's epochs."""
    async with asyncio.timeout(60):
        while True:
            meters = (await (await admin.get("/meters")).json())["meters"]
            epochs: list[dict[str, Any]] = next(m["epochs"] for m in meters if m["household"] == home.id)
            if epochs:
                return epochs
            await asyncio.sleep(0.1)


async def test_an_epoch_begins_with_the_frame_that_waits_when_the_approvers_have_signed(hub: Hub) -> None:
    amina, admin = hub.homes[0], await hub.admin()
    frames = [frame_of(number) for number in range(3)]
    assert await send(hub, amina, *frames) == ["quarantined"] * 3
    [waiting] = (await (await admin.get("/meters/waiting")).json())["waiting"]
    assert (waiting["household"], waiting["sequence"], waiting["frames"]) == (amina.id, 0, 3)
    assert waiting["meter"] == bytes(NEW.verify_key).hex()

    wish = {"frame": waiting["frame"], "reason": "burnt by lightning"}
    answer = await admin.post(f"/meters/{amina.id}/epoch", wish)
    assert answer.status == 200
    proposal = (await answer.json())["proposal"]
    assert (await problem_of(await admin.post(f"/meters/{amina.id}/epoch", wish)))["status"] == 409, "once"
    await sign(hub, APPROVERS[0], proposal)
    [waiting] = (await (await admin.get("/meters/waiting")).json())["waiting"]
    assert waiting["asked"] == {"proposal": proposal, "signatures": 1, "needed": 2}
    assert await send(hub, amina, frame_of(3)) == ["quarantined"], "one approver's word is not enough"
    await sign(hub, APPROVERS[1], proposal)
    [epoch] = await begun(admin, amina)
    assert (epoch["number"], epoch["meter"], epoch["proposal"]) == (1, waiting["meter"], proposal)
    assert (await (await admin.get("/meters/waiting")).json())["waiting"] == []
    assert await send(hub, amina, *frames, frame_of(3)) == ["duplicate"] * 4
    assert await send(hub, amina, frame_of(4)) == ["accepted"]
    [row] = [
        r for r in (await (await admin.get("/households")).json())["households"] if r["household"] == amina.id
    ]
    assert (row["meter"], row["quarantined"]) == (waiting["meter"], 0)
    assert (await problem_of(await admin.post(f"/meters/{amina.id}/epoch", wish)))["status"] == 422


async def test_only_an_installer_or_an_admin_with_the_sessions_token_asks_for_an_epoch(hub: Hub) -> None:
    wish = {"frame": frame_to_text(frame_of(0)), "reason": "why"}
    path = f"/meters/{hub.homes[0].id}/epoch"
    assert (await hub.person().post(path, wish)).status == 401
    auditor = hub.person()
    await auditor.sign_in("regulator")
    refused = await problem_of(await auditor.post(path, wish))
    assert refused["detail"] == "only an installer or an admin may do this, and regulator is an auditor"
    admin = await hub.admin()
    assert (await admin.post(path, wish, csrf="another")).status == 403
    assert (await auditor.get("/meters")).status == 200


@pytest.mark.parametrize(
    ("household", "wish", "status", "words"),
    [
        ("h-099", {"frame": frame_to_text(frame_of(0)), "reason": "why"}, 404, "no household h-099"),
        ("h-001", {"frame": "no frame", "reason": "why"}, 422, "frame: "),
        ("h-001", {"frame": frame_to_text(bytes(144)), "reason": "why"}, 422, "frame: "),
        ("h-001", {"frame": frame_to_text(frame_of(0)), "reason": ""}, 422, "reason"),
        ("h-001", {"frame": frame_to_text(frame_of(1, flags=4)), "reason": "why"}, 422, "tampering"),
        ("h-001", {"reason": "why"}, 422, "frame"),
    ],
)
async def test_what_cannot_begin_an_epoch_is_refused(
    hub: Hub, household: str, wish: dict[str, str], status: int, words: str
) -> None:
    admin = await hub.admin()
    refused = await problem_of(await admin.post(f"/meters/{household}/epoch", wish))
    assert refused["status"] == status
    assert words in refused["detail"]


async def test_the_console_shows_every_meter_its_epochs_and_what_is_in_quarantine(hub: Hub) -> None:
    amina, auditor = hub.homes[0], hub.person()
    await auditor.sign_in("regulator")
    before = (await (await auditor.get("/meters")).json())["meters"]
    assert [row["household"] for row in before] == [home.id for home in hub.homes]
    mine = before[0]
    assert (mine["epochs"], mine["quarantined"]) == ([], 0)

    assert await send(hub, amina, frame_of(0)) == ["quarantined"]
    assert await send(hub, amina, b"not a frame".ljust(144)) == ["quarantined"]
    listed = await (await auditor.get(f"/meters/quarantine?household={amina.id}")).json()
    nonsense, waiting = listed["frames"]
    assert listed["next"] is None
    assert (nonsense["meter"], nonsense["sequence"]) == (None, None)
    assert (waiting["meter"], waiting["import_wh"]) == (bytes(NEW.verify_key).hex(), 0)
    assert "meter" in waiting["reason"]
    assert (await (await auditor.get("/meters/quarantine?household=h-002")).json())["frames"] == []
    [newest] = (await (await auditor.get("/meters/quarantine?limit=1")).json())["frames"]
    assert newest == nonsense

    admin = await hub.admin()
    wish = {"frame": frame_to_text(frame_of(0)), "reason": "burnt by lightning"}
    asked = await (await admin.post(f"/meters/{amina.id}/epoch", wish)).json()
    for approver in APPROVERS[:2]:
        await sign(hub, approver, asked["proposal"])
    await begun(admin, amina)
    assert await send(hub, amina, frame_of(1)) == ["accepted"]
    after = (await (await auditor.get("/meters")).json())["meters"][0]
    assert after["meter"] == bytes(NEW.verify_key).hex()
    assert [(e["number"], e["who"], e["reason"]) for e in after["epochs"]] == [(1, "office", "burnt by lightning")]
    assert after["import_wh"] == mine["import_wh"] + 1
