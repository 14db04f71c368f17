"""The books on the web: statements of one's own, the ledger for spreadsheets, corrections by admins."""

import asyncio
import csv
import io
import sqlite3
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.storage import Database
from energy_swap_hub.web.spreadsheet import csv_bytes
from nacl.signing import SigningKey
from sqlalchemy import Connection

from tests.hub.village import OPENED, VILLAGE

from .conftest import NOT_AN_ADMIN, Hub, Person, problem_of

AMINA = "h-001:kes"
EVIL = '=HYPERLINK("http://evil.example","click")'
RANGE = "?from=2026-11-20&to=2026-11-20"


@pytest.fixture
async def config(config: Any) -> Any:
    """The hub's data with some history: money that came, and a text that a spreadsheet would obey."""
    database = Database.open(config.data / "hub.sqlite")

    def add(connection: Connection) -> None:
        at = OPENED + timedelta(seconds=30)
        top_up = [Posting(AMINA, 12_345), Posting(ledger.TRUST_CASH, -12_345)]
        ledger.post(connection, VILLAGE, Entry("mpesa", "QK1", at, "top-up", top_up))
        unknown = [Posting(ledger.SUSPENSE, 500), Posting(ledger.TRUST_CASH, -500)]
        ledger.post(connection, VILLAGE, Entry("mpesa", "QK2", at, EVIL, unknown))
        ledger.post(connection, VILLAGE, Entry("period", "2026-11-20T08:30Z", at, "nothing moved", []))
        tokens = [Posting(ledger.ekwh("h-001"), 1_500), Posting(ledger.MINTED, -1_500)]
        ledger.post(connection, VILLAGE, Entry("gift", "1", at, EVIL, tokens))

    await database.write(add)
    await database.close()
    return config


def wish(**changes: Any) -> dict[str, Any]:
    """A correction as the console sends it."""
    body = {
        "id": str(uuid4()),
        "account_from": "suspense",
        "account_to": AMINA,
        "amount": 500,
        "currency": "KES",
        "reason": "it was Amina's",
    }
    return body | changes


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


async def balances(person: Person) -> dict[str, int]:
    accounts = (await (await person.get("/ledger/trial-balance")).json())["accounts"]
    return {account["account"]: account["balance"] for account in accounts}


async def test_a_household_reads_its_own_statement(hub: Hub) -> None:
    amina, brian = hub.homes[0].key, hub.homes[1].key
    answer = await hub.signed(amina, "GET", f"/household/statement{RANGE}")
    body = await answer.json()
    assert (body["household"], body["from"], body["to"]) == ("h-001", "2026-11-20", "2026-11-20")
    assert set(body["opening"].values()) == {0}
    assert [line["text"] for line in body["lines"]] == ["Top-up by M-Pesa, receipt QK1: KES 123.45", EVIL]
    assert body["lines"][0]["change"] == {
        "kes_cents": 12_345,
        "kes_held_cents": 0,
        "ekwh_wh": 0,
        "ekwh_held_wh": 0,
    }
    assert body["closing"] == body["lines"][-1]["after"]
    assert (body["closing"]["kes_cents"], body["closing"]["ekwh_wh"]) == (12_345, 1_500)
    assert (body["totals"]["topped_up_cents"], body["totals"]["other_wh"]) == (12_345, 1_500)
    assert (await (await hub.signed(brian, "GET", f"/household/statement{RANGE}")).json())["lines"] == []
    stranger = await hub.signed(SigningKey(b"s" * 32), "GET", "/household/statement")
    assert (stranger.status, (await problem_of(stranger))["code"]) == (403, "not_admitted")


async def test_without_days_a_statement_is_this_months_so_far(hub: Hub) -> None:
    body = await (await hub.signed(hub.homes[0].key, "GET", "/household/statement")).json()
    assert (body["from"], body["to"], len(body["lines"])) == ("2026-11-01", "2026-11-20", 2)
    later = await (
        await hub.signed(hub.homes[0].key, "GET", "/household/statement?from=2026-11-21&to=2026-12-31")
    ).json()
    assert later["lines"] == []
    assert later["opening"] == later["closing"] == body["closing"]


async def test_odd_days_are_refused_in_words(hub: Hub) -> None:
    admin = await hub.admin()
    for query in (
        "from=yesterday", "to=2026-13-01", "from=2026-11-21&to=2026-11-20", "from=2020-01-01&to=2026-11-20",
        "from=0001-01-01&to=0001-01-02", "to=9999-12-31", "from=²", "from=", "to=%00", "from=20261120",
    ):  # fmt: skip
        answer = await admin.get(f"/households/h-001/statement?{query}")
        assert (answer.status, (await problem_of(answer))["code"]) == (400, "bad_request"), query
    for household in ("h-999", "%00", "h-001:kes"):
        answer = await admin.get(f"/households/{household}/statement")
        assert (answer.status, (await problem_of(answer))["code"]) == (404, "not_found"), household


async def test_the_console_and_the_household_see_the_same(hub: Hub) -> None:
    admin = await hub.admin()
    for end in (f"statement{RANGE}", f"statement.csv{RANGE}"):
        own = await hub.signed(hub.homes[0].key, "GET", f"/household/{end}")
        seen = await admin.get(f"/households/h-001/{end}")
        assert await own.text() == await seen.text()
        assert own.headers.get("Content-Disposition") == seen.headers.get("Content-Disposition")


async def test_a_statement_as_csv_has_exact_decimals_and_no_formula(hub: Hub) -> None:
    answer = await hub.signed(hub.homes[0].key, "GET", f"/household/statement.csv{RANGE}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="h-001-2026-11-20-2026-11-20.csv"'
    head, opening, top_up, gift, closing = rows_of(await answer.text())
    assert head[5:] == ["kes", "kes_held", "ekwh_kwh", "ekwh_held_kwh"] + [
        f"{name}_after" for name in ("kes", "kes_held", "ekwh_kwh", "ekwh_held_kwh")
    ]
    assert opening == ["2026-11-20T00:00:00+03:00", "", "", "opening", *[""] * 5, "0.00", "0.00", "0.000", "0.000"]
    assert top_up[:4] == ["2026-11-20T12:00:30+03:00", "2026-11-20T12:00:30+03:00", "1", "top_up"]
    assert top_up[5:] == ["123.45", "0.00", "0.000", "0.000", "123.45", "0.00", "0.000", "0.000"]
    assert gift[4] == f"'{EVIL}"
    assert closing[9:] == ["123.45", "0.00", "1.500", "0.000"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r\n=1", "\uff1d1", "\0=1", "\u200b=1"]
)
def test_no_text_can_become_a_formula(text: str) -> None:
    [[cell, number]] = rows_of(csv_bytes([[text, Decimal("-0.05")]]).decode())
    assert cell.startswith("'")
    assert number == "-0.05", "a number below zero stays one"


async def test_the_whole_ledger_comes_as_csv(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy_swap_hub.web.ledger_api._ENTRIES_AT_ONCE", 1)
    auditor = hub.person()
    await auditor.sign_in("regulator")
    answer = await auditor.get("/ledger/entries.csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{VILLAGE}-ledger.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head, *rows = rows_of(await answer.text())
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["entry"] for row in found] == ["1", "1", "2", "2", "3", "4", "4"]
    assert [(row["account"], row["currency"], row["amount"]) for row in found[:2]] == [
        (AMINA, "KES", "123.45"),
        ("trust_cash", "KES", "-123.45"),
    ]
    assert (found[4]["text"], found[4]["account"], found[4]["amount"]) == ("nothing moved", "", "")
    assert (found[5]["text"], found[5]["amount"]) == (f"'{EVIL}", "1.500")
    for currency in ("KES", "eKWh"):
        assert sum(Decimal(row["amount"]) for row in found if row["currency"] == currency) == 0


async def test_an_admin_corrects_the_books_once(hub: Hub) -> None:
    admin = await hub.admin()
    body = wish(corrects=2)
    assert await (await admin.post("/ledger/corrections", body)).json() == {"id": body["id"], "is_new": True}
    assert await (await admin.post("/ledger/corrections", body)).json() == {"id": body["id"], "is_new": False}
    after = await balances(admin)
    assert (after[AMINA], after["suspense"]) == (12_845, 0)
    other = await admin.post("/ledger/corrections", body | {"account_from": "fees", "amount": 1})
    assert "another correction" in (await problem_of(other))["detail"]
    back = await admin.post("/ledger/corrections", wish(account_from=AMINA, account_to="fees", amount=45))
    assert back.status == 200
    after = await balances(admin)
    assert (after[AMINA], after["fees"]) == (12_800, 45)
    newest = (await (await admin.get("/ledger/entries?limit=2")).json())["entries"]
    assert newest[1]["text"] == "it was Amina's (booked by office)"
    assert [entry["corrects"] for entry in newest] == [None, 2]
    assert newest[1]["booked_at"] == newest[1]["at"] == hub.now
    lines = (await (await admin.get(f"/households/h-001/statement{RANGE}")).json())["lines"]
    assert lines[-2]["text"] == "Correction: it was Amina's (booked by office)"
    audit = await asyncio.to_thread(
        stored, hub, "SELECT who, what, subject FROM audit WHERE what LIKE 'corrected%'"
    )
    assert audit[0] == (
        "office",
        f"corrected the books, KES 5.00 from suspense to {AMINA}: it was Amina's",
        body["id"],
    )
    assert len(audit) == 2


async def test_what_is_no_correction_is_refused_and_books_nothing(hub: Hub) -> None:
    admin = await hub.admin()
    before = await balances(admin)
    for changes, status in (
        ({"account_from": "trust_cash"}, 422),
        ({"account_from": "fees", "account_to": "suspense"}, 422),
        ({"account_from": AMINA, "account_to": "h-002:kes"}, 422),
        ({"account_to": "h-001:kes_held"}, 422),
        ({"account_to": "h-001:ekwh"}, 422),
        ({"account_to": "h-999:kes"}, 404),
        ({"account_to": ":kes"}, 404),
        ({"amount": 501}, 409),  # more than lies in suspense
        ({"account_from": AMINA, "account_to": "fees", "amount": 12_346}, 409),
        ({"amount": 0}, 422),
        ({"amount": -5}, 422),
        ({"amount": 1.5}, 422),
        ({"amount": 2**63}, 422),
        ({"currency": "eKWh"}, 422),
        ({"reason": ""}, 422),
        ({"reason": "  "}, 422),
        ({"corrects": 99}, 404),
        ({"id": "1"}, 422),
        ({"at": 1}, 422),
    ):
        answer = await admin.post("/ledger/corrections", wish(**changes))
        assert answer.status == status, (changes, await answer.text())
        await problem_of(answer)
    assert await balances(admin) == before


async def test_neither_an_auditor_nor_another_page_corrects(hub: Hub) -> None:
    auditor, admin = hub.person(), await hub.admin()
    await auditor.sign_in("regulator")
    answer = await auditor.post("/ledger/corrections", wish())
    assert (answer.status, (await problem_of(answer))["detail"]) == (
        403,
        NOT_AN_ADMIN,
    )
    assert (await admin.post("/ledger/corrections", wish(), csrf="wrong")).status == 403
    assert (await balances(admin))[AMINA] == 12_345


def stored(hub: Hub, query: str) -> list[tuple[Any, ...]]:
    """Look into the hub's file, as somebody with the machine can."""
    with sqlite3.connect(hub.config.data / "hub.sqlite") as connection:
        return connection.execute(query).fetchall()


async def test_an_accounts_statement_has_the_balance_after_each_entry(hub: Hub) -> None:
    admin = await hub.admin()
    for amount in (500, 200):
        assert (
            await admin.post("/ledger/corrections", wish(account_from=AMINA, account_to="fees", amount=amount))
        ).status == 200
    body = await (await admin.get(f"/ledger/accounts/{AMINA}/statement?limit=2&count=1")).json()
    held = (await balances(admin))[AMINA]
    assert (body["account"], body["currency"], body["total"]) == (AMINA, "KES", 3)
    assert [(one["amount"], one["balance"]) for one in body["moves"]] == [(-200, held), (-500, held + 200)]
    older = await (await admin.get(f"/ledger/accounts/{AMINA}/statement?before={body['next']}")).json()
    assert [(one["amount"], one["balance"]) for one in older["moves"]] == [(12_345, 12_345)]

    head, *rows = rows_of(
        (await (await admin.get(f"/ledger/accounts/{AMINA}/statement.csv")).text()).removeprefix("\ufeff")
    )
    assert head[-2:] == ["amount", "balance"]
    assert [row[-2:] for row in rows] == [["-2.00", "116.45"], ["-5.00", "118.45"], ["123.45", "123.45"]]
    for account in ("h-001:kess", "%00", "nobody"):
        for path in ("statement", "statement.csv"):
            assert (await admin.get(f"/ledger/accounts/{account}/{path}")).status in (400, 404), account
