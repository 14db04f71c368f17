"""An admin lets a replaced meter go on where the old one ended; nobody else can."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from energy_swap_protocol.reading import Reading, ReadingFlag, frame_to_text, sign_reading
from nacl.signing import SigningKey

from tests.hub.village import OPENED, Home

from .conftest import NOT_AN_ADMIN, Hub, problem_of

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


async def test_an_admin_starts_an_epoch_with_the_frame_that_waits(hub: Hub) -> None:
    amina, admin = hub.homes[0], await hub.admin()
    frames = [frame_of(number) for number in range(3)]
    assert await send(hub, amina, *frames) == ["quarantined"] * 3
    [waiting] = (await (await admin.get("/meters")).json())["waiting"]
    assert (waiting["household"], waiting["sequence"], waiting["frames"]) == (amina.id, 0, 3)
    assert waiting["meter"] == bytes(NEW.verify_key).hex()

    wish = {"frame": waiting["frame"], "reason": "burnt by lightning"}
    answer = await admin.post(f"/meters/{amina.id}/epoch", wish)
    assert answer.status == 200
    started = await answer.json()
    assert (started["household"], started["number"], started["meter"]) == (amina.id, 1, waiting["meter"])
    assert (await (await admin.get("/meters")).json())["waiting"] == []
    assert await send(hub, amina, *frames, frame_of(3)) == ["duplicate"] * 3 + ["accepted"]
    [row] = [
        r for r in (await (await admin.get("/households")).json())["households"] if r["household"] == amina.id
    ]
    assert (row["meter"], row["quarantined"]) == (waiting["meter"], 0)
    assert (await problem_of(await admin.post(f"/meters/{amina.id}/epoch", wish)))["status"] == 422


async def test_only_an_admin_with_the_sessions_token_starts_an_epoch(hub: Hub) -> None:
    wish = {"frame": frame_to_text(frame_of(0)), "reason": "why"}
    path = f"/meters/{hub.homes[0].id}/epoch"
    assert (await hub.person().post(path, wish)).status == 401
    auditor = hub.person()
    await auditor.sign_in("regulator")
    assert (await problem_of(await auditor.post(path, wish)))["detail"] == NOT_AN_ADMIN
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
    assert (await admin.post(f"/meters/{amina.id}/epoch", wish)).status == 200
    assert await send(hub, amina, frame_of(1)) == ["accepted"]
    after = (await (await auditor.get("/meters")).json())["meters"][0]
    assert after["meter"] == bytes(NEW.verify_key).hex()
    assert [(e["number"], e["who"], e["reason"]) for e in after["epochs"]] == [(1, "office", "burnt by lightning")]
    assert after["import_wh"] == mine["import_wh"] + 1
