"""The console's M-Pesa routes and commands: who may see what, take a statement in, and give a payment back."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator import Simulator
from energy_swap_demo.daraja import daraja_settings
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.mpesa import Payer, receipts
from energy_swap_hub.mpesa.wire import Payment, PulledPayment
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.storage import Database
from sqlalchemy import Connection

from tests.hub.village import OPENED, VILLAGE

from .conftest import CONSOLE, Hub, Person, clock, problem_of

HEAD = "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,A/C No."
PAID = "SKJ4H7T2QX"


def line(receipt: str, kes: int, account: str) -> str:
    return f"{receipt},20-11-2026 03:00:30,,Pay Bill,Completed,{kes}.00,,{account}"


def statement(*lines: str) -> bytes:
    return "\r\n".join([HEAD, *lines]).encode()


def receive(connection: Connection) -> None:
    """Let h-001 have paid in by hand."""
    told = PulledPayment(account_number(1), Payment(PAID, 500, OPENED + timedelta(seconds=30)))
    events = PaymentBook(clock, lambda _household: None)
    receipts.receive(connection, events, lambda _c, _account: Payer(VILLAGE, "h-001"), told, "c2b", OPENED)


@pytest.fixture
async def config(config: HubConfig) -> HubConfig:
    database = Database.open(config.data / "hub.sqlite")
    await database.write(receive)
    await database.close()
    return config


@pytest.fixture
async def hub(config: HubConfig) -> AsyncIterator[Hub]:
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        made = Hub(url, config, session)
        yield made
        await made.close()


async def post_statement(person: Person, data: bytes) -> ClientResponse:
    headers = {"X-CSRF-Token": person.csrf}
    return await person.session.post(f"{CONSOLE}/mpesa/statements", data=data, headers=headers)


async def get(person: Person, path: str) -> dict[str, Any]:
    answer = await person.get(path)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def test_a_statement_is_taken_in_and_each_difference_is_a_review(hub: Hub) -> None:
    admin = await hub.admin()
    data = statement(
        line(PAID, 500, account_number(1)), line("SKJ4H7T2QY", 70, account_number(2)), line("SKJ4H7T2QZ", 9, "X")
    )
    answer = await post_statement(admin, data)
    assert answer.status == 200, await answer.text()
    body = await answer.json()
    assert (body["matched"], body["credited"]) == (1, 2)
    assert {d["kind"] for d in body["differences"]} == {"missing_credit"}
    [made] = (await get(admin, "/mpesa/reconciliations"))["reconciliations"]
    assert (made["source"], made["matched"], len(made["differences"])) == ("portal", 1, 2)
    households = (await get(admin, "/households"))["households"]
    assert households[1]["wallet"]["kes_cents"] == 7_000
    state = await get(admin, "/mpesa")
    assert (state["trust_cents"], state["suspense_cents"], state["payouts_stopped"]) == (57_900, 900, None)

    reviews = {r["subject"]: r for r in (await get(admin, "/reviews"))["reviews"] if r["state"] == "open"}
    assert {"missing_credit:SKJ4H7T2QY", "missing_credit:SKJ4H7T2QZ", "SKJ4H7T2QZ"} <= reviews.keys()
    unknown = reviews["SKJ4H7T2QZ"]
    assert unknown["actions"] == ["assign", "give_back"]
    path, wish = f"/reviews/{unknown['id']}/resolve", {"note": "she called", "action": "assign"}
    assert (await problem_of(await admin.post(path, wish)))["detail"].startswith("household is missing")
    assert (await admin.post(path, wish | {"household": "h-099"})).status == 404
    assert (await admin.post(path, wish | {"household": "h-003"})).status == 200
    assert (await admin.post(path, wish | {"household": "h-003"})).status == 404
    rows = {row["receipt"]: row for row in (await get(admin, "/mpesa/receipts"))["receipts"]}
    assert rows["SKJ4H7T2QZ"]["household_id"] == "h-003"
    again = await (await post_statement(admin, data)).json()
    assert (again["matched"], again["credited"]) == (3, 0)


async def test_a_payment_is_given_back_by_an_admin_once(hub: Hub) -> None:
    admin = await hub.admin()
    path, wish = f"/mpesa/receipts/{PAID}/reverse", {"reason": "a mistake"}
    assert (await admin.post("/mpesa/receipts/NOSUCH1234/reverse", wish)).status == 404
    assert (await problem_of(await admin.post(path, {"reason": " "})))["detail"].startswith("reason is missing")
    answers = await asyncio.gather(*(admin.post(path, wish) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
    [row] = (await get(admin, "/mpesa/receipts"))["receipts"]
    assert (row["receipt"], row["kes"], row["reversal"] in ("queued", "sending")) == (PAID, 500, True)
    assert (await get(admin, "/households"))["households"][0]["wallet"]["kes_cents"] == 0


async def test_an_auditor_sees_all_and_changes_nothing(hub: Hub) -> None:
    auditor, stranger = hub.person(), hub.person()
    await auditor.sign_in("regulator")
    for path in ("/mpesa", "/mpesa/receipts", "/mpesa/reconciliations"):
        assert (await auditor.get(path)).status == 200
        assert (await stranger.get(path)).status == 401
    assert (await post_statement(auditor, statement())).status == 403
    assert (await auditor.post(f"/mpesa/receipts/{PAID}/reverse", {"reason": "no"})).status == 403
    admin = await hub.admin()
    assert (await admin.post(f"/mpesa/receipts/{PAID}/reverse", {"reason": "no"}, csrf="x")).status == 403


async def test_what_is_no_statement_is_refused_in_words_and_changes_nothing(hub: Hub) -> None:
    admin = await hub.admin()
    for data, words in (
        (b"", "no heading found"),
        (b"\xff\xfe", "not UTF-8"),
        (statement(line("SKJ4H7T2QY", 70, "X"), "SKJ4H7T2QZ,then,,,Completed,1.00,,"), "line 3"),
    ):
        problem = await problem_of(await post_statement(admin, data))
        assert (problem["status"], words in problem["detail"]) == (422, True)
    assert (await get(admin, "/mpesa/reconciliations"))["reconciliations"] == []
    assert (await get(admin, "/mpesa"))["trust_cents"] == 50_000


async def run(config: HubConfig, folder: Path, *arguments: str | Path) -> tuple[int | None, str]:
    """Run the command as a person would; return its code and what it says."""
    (folder / "hub.json").write_bytes(msgspec.json.encode(config, enc_hook=str))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "energy_swap_hub", arguments[0], folder / "hub.json", *arguments[1:],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, (out + err).decode()


async def test_the_command_compares_a_statement_with_a_stopped_hubs_books(
    config: HubConfig, tmp_path: Path
) -> None:
    path = tmp_path / "statement.csv"
    path.write_bytes(statement(line(PAID, 500, account_number(1)), line("SKJ4H7T2QY", 70, account_number(2))))
    code, said = await run(config, tmp_path, "reconcile", path)
    assert (code, "1 movements agree" in said, "missing_credit" in said) == (1, True, True), said
    assert "SKJ4H7T2QY" in said
    code, said = await run(config, tmp_path, "reconcile", path)
    assert (code, "2 movements agree" in said, "0 were missing" in said) == (0, True, True), said
    code, said = await run(config, tmp_path, "reconcile", tmp_path / "none.csv")
    assert (code, "none.csv" in said) == (2, True), said


async def test_the_command_leaves_a_running_hub_alone(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "statement.csv"
    path.write_bytes(statement(line("SKJ4H7T2QY", 70, account_number(2))))
    code, said = await run(hub.config, tmp_path, "reconcile", path)
    assert (code, "another hub runs" in said) == (2, True), said


async def test_the_command_registers_addresses_once(config: HubConfig, tmp_path: Path) -> None:
    simulator = Simulator(clock=clock)
    server = TestServer(simulator.application())
    await server.start_server()
    url, ours = str(server.make_url("")).rstrip("/"), config.daraja
    daraja = daraja_settings(simulator.business, url, ours.callback_base_url, ours.certificate)
    config = msgspec.structs.replace(config, daraja=daraja)
    code, said = await run(config, tmp_path, "register", "--pull-phone", "254700000000")
    assert (code, said.count("registered")) == (0, 2), said
    code, said = await run(config, tmp_path, "register")
    assert (code, "only two operators can change them" in said) == (1, True), said
    await server.close()
    simulator.close()
