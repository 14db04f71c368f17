"""An approver with the installed program, against a running hub: looks, declines and signs."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from energy_swap_verifier.approve_command import approve
from energy_swap_verifier.config import ApproverConfig
from solders.keypair import Keypair

from tests.hub.village import APPROVERS, OPENED, VILLAGE, Home

from .conftest import Hub


def device(folder: Path, key: Keypair, hub: str, token: str, url: str) -> ApproverConfig:
    folder.mkdir(mode=0o700)
    path = folder / "approver.json"
    path.write_text(key.to_json())
    path.chmod(0o600)
    return ApproverConfig(data=folder, community=VILLAGE, hub_url=url, hub=hub, mint=token)


def clock() -> datetime:
    return OPENED + timedelta(minutes=1)


async def test_an_approver_looks_declines_and_signs(hub: Hub, tmp_path: Path) -> None:
    office = await hub.admin()
    body = {"kind": "suspend", "household": "h-002", "reason": "the seal of the meter is broken"}
    asked = await office.post("/proposals", body)
    assert (asked.status, await asked.json()) == (200, {"proposal": "suspend:h-002:5"})
    again = await office.post("/proposals", body)
    assert again.status == 409
    info = await (await hub.session.get(f"/api/v1/communities/{VILLAGE}/chain")).json()
    first = device(tmp_path / "a", APPROVERS[0], info["hub"], info["mint"], hub.url)
    lines: list[str] = []
    # Without a node of its own the device cannot know whose account it is.
    assert await approve(first, set(), lambda _: True, lines.append, clock) == 1
    assert "the seal of the meter is broken" in lines[0]
    assert "NOT SIGNED" in lines[1]
    assert "chain_url" in lines[1]
    stranger = device(tmp_path / "s", Keypair(), info["hub"], info["mint"], hub.url)
    assert await approve(stranger, set(), lambda _: True, lines.append, clock) == 1
    assert "no approver of the community" in lines[-1]
    nowhere = msgspec.structs.replace(first, hub_url="http://127.0.0.1:9")
    assert await approve(nowhere, set(), lambda _: True, lines.append, clock) == 2
    page: dict[str, Any] = await (await office.get("/proposals")).json()
    (shown,) = [p for p in page["proposals"] if p["kind"] == "suspend"]
    assert (shown["state"], shown["signatures"], shown["needed"]) == ("open", [], 2)
    withdrawn = await office.post("/proposals/suspend:h-002:5/withdraw", {"reason": "it was not"})
    assert withdrawn.status == 200
    assert await approve(first, set(), lambda _: True, lines.append, clock) == 0, "nothing waits any more"


async def test_an_admission_is_signed_when_its_person_wants_it(hub: Hub, tmp_path: Path) -> None:
    esther = Home("h-005", "Esther", 5, 3_000)
    assert (await hub.send(esther.key, esther.application(OPENED + timedelta(minutes=1)))).status == 200
    info = await (await hub.session.get(f"/api/v1/communities/{VILLAGE}/chain")).json()
    devices = [
        device(tmp_path / str(n), key, info["hub"], info["mint"], hub.url) for n, key in enumerate(APPROVERS[:2])
    ]
    lines: list[str] = []
    while not lines:  # until its account is open
        assert await approve(devices[0], set(), lambda _: False, lines.append, clock) == 0
        await asyncio.sleep(0.1)
    assert lines[-1].strip() == "not signed"
    assert "admits Esther (h-005)" in lines[1]
    assert "panels of 3000 W, a breaker of 10000 W" in lines[1]
    assert await approve(devices[0], {"admit:h-001:1"}, lambda _: True, lines.append, clock) == 0
    for number, config in enumerate(devices, start=1):
        assert await approve(config, set(), lambda _: True, lines.append, clock) == 0
        assert lines[-1].strip() == f"signed: {number} of 2"
        (noted,) = (config.data / "signed.jsonl").read_text().splitlines()
        assert "admits Esther" in msgspec.json.decode(noted)["words"]
    office = await hub.admin()
    async with asyncio.timeout(60):
        while True:
            rows = (await (await office.get("/households")).json())["households"]
            row = next(row for row in rows if row["household"] == "h-005")
            if row["status"] == "admitted":
                break
            await asyncio.sleep(0.1)
    assert (row["signatures"], row["signatures_needed"]) == (2, 2)


async def test_asking_takes_an_admin_and_the_right_fields(hub: Hub) -> None:
    office = await hub.admin()
    for body, status, text in (
        ({"kind": "suspend", "reason": "x"}, 422, "household: suspend takes this field"),
        ({"kind": "suspend", "household": "h-099", "reason": "x"}, 404, "no household h-099"),
        ({"kind": "readmit", "household": "h-001", "reason": "x"}, 409, "only a suspended household"),
        ({"kind": "recover", "household": "h-001", "key": "0OIl", "reason": "x"}, 422, "key"),
        (
            {"kind": "recover", "household": "h-001", "key": str(Keypair().pubkey()), "reason": "x"},
            422,
            "not frozen",
        ),
        ({"kind": "approvers", "approvers": [], "needed": 1, "reason": "x"}, 409, "1 to 11 different keys"),
        ({"kind": "minters", "reason": "x"}, 409, "names those who mint now"),
        ({"kind": "suspend", "household": "h-001", "reason": ""}, 422, "reason"),
        ({"kind": "burn", "reason": "x"}, 422, "kind"),
    ):
        answer = await office.post("/proposals", body)
        told = await answer.json()
        assert answer.status == status, (body, told)
        assert text in told["detail"], (body, told)
    paused = await office.post("/chain/pause", {"reason": "a drill"})
    assert await paused.json() == {"intent": "pause:1"}
    async with asyncio.timeout(60):
        while not (await (await office.get("/chain")).json())["is_paused"]:  # noqa: ASYNC110 - of another task
            await asyncio.sleep(0.1)
    assert (await office.post("/chain/pause", {"reason": "again"})).status == 422
    page = await (await office.get("/chain")).json()
    assert page["fee_balance_lamports"] > page["costs"]["needed_lamports"]
    assert {kind["kind"] for kind in page["costs"]["kinds"]} >= {"open_account", "approved", "pause"}
