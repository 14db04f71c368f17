"""The simulator's own API: time, subscribers, callbacks in other order, the statement, and the same luck again."""

import asyncio
import csv
import io
import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.__main__ import options
from energy_swap_daraja_simulator.books import Books
from energy_swap_daraja_simulator.catalogue import FAULTS
from energy_swap_daraja_simulator.clock import running_clock
from energy_swap_daraja_simulator.qr_code import matrix

from tests.daraja_simulator.conftest import opened
from tests.daraja_simulator.desk import BUSINESS, PHONE, Desk
from tests.daraja_simulator.test_wire import paid, reverse

OTHER = "254110000002"


async def test_time_stands_still_until_it_is_moved(desk: Desk) -> None:
    await desk.push()
    for _ in range(3):
        await asyncio.sleep(0.06)
    assert desk.callbacks == []
    told = await desk.control("POST", "clock", {"to": "2026-11-20T12:00:00Z"})
    assert (told["now"], told["delivered"]) == ("2026-11-20T12:00:00+00:00", 1)
    status, words = await desk.call("POST", "/_simulator/clock", {"to": "2026-11-20T11:00:00Z"})
    assert (status, words) == (409, "the clock stands at 2026-11-20T12:00:00+00:00 and does not run back")
    assert (await desk.call("POST", "/_simulator/clock", {"to": "2026-11-20T13:00:00"}))[0] == 400


async def test_a_clock_that_others_move_is_followed(desk: Desk) -> None:
    await desk.stop()
    desk.is_followed = True
    await desk.start()
    await desk.sign_in()
    await desk.control("POST", "subscribers", {"phone": PHONE, "name": "Amina", "balance_kes": 500})
    await desk.push()
    desk.clock.set(desk.clock() + timedelta(minutes=10))
    for _ in range(1_000):
        if desk.callbacks:
            break
        await asyncio.sleep(0.01)
    assert desk.callbacks[0][1]["Body"]["stkCallback"]["ResultCode"] == 0
    status, words = await desk.call("POST", "/_simulator/clock", {"advance_seconds": 1})
    assert (status, "runs by itself" in words) == (409, True)


async def test_events_happen_at_their_own_times_however_far_time_jumps(desk: Desk) -> None:
    await desk.control("POST", "subscribers", {"phone": OTHER, "name": "Brian", "behaviour": "ignores"})
    await desk.push(PhoneNumber=OTHER, PartyA=OTHER)
    await desk.push()
    await desk.pass_time(86_400)
    ends = [body["Body"]["stkCallback"]["ResultCode"] for body in desk.of("/here")]
    assert ends == [0, 1037]
    [payment] = [m for m in (await desk.books())["movements"] if m["kind"] == "c2b"]
    assert payment["at"] < "2026-11-20T11:30:12"


@pytest.mark.parametrize(("behaviour", "code"), [("wrong_pin", 2001), ("expires", 1019)])
async def test_more_behaviours(desk: Desk, behaviour: str, code: int) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": behaviour})
    await desk.push()
    assert (await desk.callback())["Body"]["stkCallback"]["ResultCode"] == code


async def test_a_subscriber_has_limits_of_their_own(desk: Desk) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"daily_limit_kes": 150, "wallet_limit_kes": 420})
    codes = []
    for _ in "12":
        await desk.push(Amount=100)
        codes.append((await desk.callback())["Body"]["stkCallback"]["ResultCode"])
    for kes in (21, 20):
        await desk.pay(f"es{kes}", Amount=kes)
        codes.append((await desk.callback())["Result"]["ResultCode"])
    assert codes == [0, 4, 8, 0]
    await desk.pass_time(10 * 3_600)  # the day ends at midnight in Nairobi
    await desk.sign_in()
    await desk.push(Amount=100)
    assert (await desk.callback())["Body"]["stkCallback"]["ResultCode"] == 0


async def test_three_wrong_pins_lock_the_subscriber(desk: Desk) -> None:
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "wrong_pin"})
    for _ in range(3):
        await desk.push()
        await desk.callback()
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "pays"})
    await desk.push()
    assert (await desk.callback())["Body"]["stkCallback"]["ResultCode"] == 8006
    [person] = (await desk.control("GET", "subscribers"))["subscribers"]
    assert person["is_pin_locked"]
    await desk.control("PATCH", f"subscribers/{PHONE}", {"unlock": True})
    await paid(desk)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (
            "subscribers",
            {"phone": "0712345678", "name": "A"},
            "Expected `str` matching regex '^254[0-9]{9}$' - at `$.phone`",
        ),
        ("subscribers", {"phone": PHONE, "name": "A", "pin": "12"}, "at `$.pin`"),
        (
            "subscribers",
            {"phone": PHONE, "name": "A", "behaviour": "sings"},
            "Invalid enum value 'sings' - at `$.behaviour`",
        ),
        ("subscribers", {"phone": PHONE, "name": "A", "balance_kes": -1}, "at `$.balance_kes`"),
        (f"subscribers/{PHONE}/pay", {"kes": 0}, "Expected `int` >= 1 - at `$.kes`"),
        ("clock", {"advance_seconds": -1}, "Expected `float` >= 0.0 - at `$.advance_seconds`"),
    ],
)
async def test_a_wrong_request_says_where(desk: Desk, path: str, body: Any, words: str) -> None:
    status, told = await desk.call("POST", f"/_simulator/{path}", body)
    assert (status, words in told) == (400, True), told


async def test_a_wrong_rule_changes_nothing(desk: Desk) -> None:
    before = await desk.control("GET", "rules")
    assert (await desk.call("PATCH", "/_simulator/rules", {"bouquet": "free"}))[0] == 400
    assert (await desk.call("PATCH", "/_simulator/rules", {"bucket": "free"}))[0] == 400
    assert await desk.control("GET", "rules") == before


async def test_callbacks_are_replayed_held_back_and_dropped(desk: Desk) -> None:
    await desk.control("POST", "subscribers", {"phone": OTHER, "name": "Brian", "balance_kes": 100})
    first, second = [
        (await desk.push(PhoneNumber=phone, PartyA=phone))[1]["CheckoutRequestID"] for phone in (PHONE, OTHER)
    ]
    while len(waiting := (await desk.control("GET", "deliveries"))["deliveries"]) < 2:
        await desk.pass_time(0.2)
    numbers = {one["subject"]: one["number"] for one in waiting}
    await desk.control("POST", f"deliveries/{numbers[first]}", {"do": "hold", "seconds": 30})
    await desk.pass_time(60)
    order = [body["Body"]["stkCallback"]["CheckoutRequestID"] for body in desk.of("/here")]
    assert order[-1] == first
    await desk.control("POST", f"deliveries/{numbers[second]}", {"do": "replay"})
    await desk.pass_time(1)
    assert desk.of("/here")[-1]["Body"]["stkCallback"]["CheckoutRequestID"] == second
    known = len(desk.callbacks)
    status, words = await desk.call("POST", f"/_simulator/deliveries/{numbers[first]}", {"do": "drop"})
    assert (status, words) == (404, "no such callback, or it has left already (then only replay is possible)")
    await desk.push()
    while (last := (await desk.control("GET", "deliveries"))["deliveries"][0])["attempted_at"]:
        await desk.pass_time(0.2)
    await desk.control("POST", f"deliveries/{last['number']}", {"do": "drop"})
    await desk.pass_time(60)
    assert len(desk.callbacks) == known


async def test_the_statement_has_the_portals_form(desk: Desk) -> None:
    await desk.control("PATCH", "rules", {"bouquet": "business"})
    receipt = await paid(desk, Amount=400)
    await desk.pay("es1", Amount=200)
    payout = (await desk.callback())["Result"]["TransactionID"]
    await desk.control("POST", "transfers", {"kes": 1_500})
    back = (await reverse(desk, receipt, 400))["Result"]["TransactionID"]
    url = desk.server.make_url("/_simulator/statement.csv")
    async with desk.session.get(url) as response:
        assert response.content_type == "text/csv"
        rows = list(csv.reader(io.StringIO(await response.text())))
    head = {row[0]: row[1] for row in rows[:6]}
    assert (head["Short Code:"], head["Opening Balance:"], head["Closing Balance:"]) == (
        BUSINESS.short_code,
        "0.00",
        "1,300.00",
    )
    columns, *lines = rows[7:]
    told = [dict(zip(columns, line, strict=True)) for line in lines]
    shown = [(line["Paid In"], line["Withdrawn"], line["Balance"], line["Reason Type"]) for line in told]
    assert shown == [
        ("", "400.00", "1,300.00", "Transaction Reversal via API"),
        ("1,500.00", "", "1,700.00", "Organization Deposit"),
        ("", "5.00", "", "Business Payment Charge"),
        ("", "200.00", "200.00", "Business Payment to Customer via API"),
        ("", "5.00", "", "Pay Utility Charge"),
        ("400.00", "", "400.00", "Pay Bill Online"),
    ]
    assert [told[n]["Receipt No."] for n in (0, 3, 5)] == [back, payout, receipt]
    assert (told[0]["Linked Transaction ID"], told[5]["A/C No."]) == (receipt, "ES2345678ABC")
    assert told[5]["Completion Time"].startswith("20-11-2026 14:30:")
    async with desk.session.get(url, params={"from": "2026-11-21T00:00"}) as response:
        assert 'Opening Balance:,"1,300.00"' in await response.text()
    async with desk.session.get(url, params={"from": "yesterday"}) as response:
        assert response.status == 400


async def test_money_moves_between_utility_and_the_bank(desk: Desk) -> None:
    assert (await desk.control("POST", "transfers", {"kes": 500}))["utility_cents"] == 50_000
    assert (await desk.control("POST", "transfers", {"kes": -200}))["utility_cents"] == 30_000
    status, words = await desk.call("POST", "/_simulator/transfers", {"kes": -301})
    assert (status, words) == (409, "Utility holds KES 300.00, which is less than 301")


async def test_m_pesa_reverses_by_hand(desk: Desk) -> None:
    receipt = await paid(desk)
    await desk.control("POST", f"transactions/{receipt}/reverse")
    assert (await desk.books())["accounts"]["utility"] == 0
    assert (await desk.call("POST", "/_simulator/transactions/UKT0000000/reverse"))[0] == 409


async def test_the_same_seed_and_calls_have_the_same_luck(key: bytes) -> None:
    told = []
    for _ in "12":
        async with opened(None, key) as desk:
            await desk.control("POST", "faults", {"scenario": "usual"})
            for n in range(6):
                await desk.push(Amount=10 + n)
                await desk.pass_time(60)
                await desk.pay(f"es{n}", Amount=10)
                await desk.pass_time(60)
                await desk.sign_in()
            deliveries = (await desk.control("GET", "deliveries"))["deliveries"]
            for one in deliveries:
                del one["url"]
            told.append((await desk.books(), deliveries))
    assert told[0] == told[1]


async def test_a_clock_of_its_own_is_not_moved(key: bytes) -> None:
    clock = running_clock(datetime(2026, 11, 20, tzinfo=UTC), 1)
    simulator = Simulator(clock=clock, private_key_pem=key)
    with pytest.raises(ValueError, match="runs by itself"):
        await simulator.advance_to(clock() + timedelta(hours=1))
    simulator.close()


_OLD = """
CREATE TABLE account (name TEXT PRIMARY KEY, cents INTEGER NOT NULL);
CREATE TABLE payout (
  originator TEXT PRIMARY KEY, conversation TEXT NOT NULL, phone TEXT NOT NULL, kes INTEGER NOT NULL,
  is_initiator_true INTEGER NOT NULL, result_url TEXT NOT NULL, asked_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  code TEXT, receipt TEXT, ended_at INTEGER);
CREATE TABLE subscriber (
  phone TEXT PRIMARY KEY, name TEXT NOT NULL, behaviour TEXT NOT NULL, pin TEXT NOT NULL);
CREATE TABLE prompt (
  checkout TEXT PRIMARY KEY, merchant TEXT NOT NULL, phone TEXT NOT NULL, kes INTEGER NOT NULL,
  reference TEXT NOT NULL, callback TEXT NOT NULL, behaviour TEXT NOT NULL, asked_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL, code TEXT, description TEXT, receipt TEXT, ended_at INTEGER);
CREATE UNIQUE INDEX one_prompt_per_subscriber ON prompt (phone) WHERE code IS NULL;
INSERT INTO account VALUES ('subscriber:254712345678', 50000), ('outside', -50000);
INSERT INTO subscriber VALUES ('254712345678', 'Amina', 'pays', '1234');
INSERT INTO prompt (checkout, merchant, phone, kes, reference, callback, behaviour, asked_at, due_at)
  VALUES ('ws_CO_1', '1-2-1', '254712345678', 100, 'A', 'http://127.0.0.1:9/x', 'pays', 1763638200000000,
  1763638208000000);
INSERT INTO payout (originator, conversation, phone, kes, is_initiator_true, result_url, asked_at, due_at)
  VALUES ('es1', 'AG_1', '254712345678', 60, 0, 'http://127.0.0.1:9/x', 1763638200000000, 1763638208000000);
"""


async def test_books_of_the_first_version_go_on(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "daraja.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(_OLD)
    old.close()
    simulator = Simulator(clock=Desk(None, key).clock, path=path, private_key_pem=key)
    simulator.advance()
    assert simulator.books.balance_cents("utility") == 10_000
    row = simulator.books.row("SELECT code FROM payout")
    assert row is not None
    assert row["code"] == "2001"
    simulator.close()


def test_books_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "daraja.sqlite"
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 9")
    later.close()
    with pytest.raises(ValueError, match="written by a later version"):
        Books(path)


def test_the_readme_tells_every_fault() -> None:
    text = (Path(__file__).parents[2] / "daraja_simulator" / "README.md").read_text(encoding="utf-8")
    for number, fault in FAULTS.items():
        [line] = [
            line for line in text.splitlines() if line.startswith(f"| {number} `{fault.name}` | {fault.product} |")
        ]
        told = [variant for variant in fault.variants if len(fault.variants) > 1 and f"`{variant}`" not in line]
        assert not told, (number, told)


def test_a_qr_code_is_the_one_that_a_reader_reads() -> None:
    """The digests are of codes that an independent reader (ZXing) read back."""
    told = [
        sha256(repr(matrix(text)).encode()).hexdigest()[:16]
        for text in (b"mpesa:PB:600584:HOUSE-7:250", b"x" * 213)
    ]
    assert told == ["100ec886eff72857", "1ac30e8d39408249"]
    with pytest.raises(ValueError, match="holds 213 bytes, not 214"):
        matrix(b"x" * 214)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--speed", "0"], "0 is not above 0 and at most 100000"),
        (["--start", "2026-01-01"], "has no zone: write 2026-11-20T14:30:00+03:00"),
        (["--scenario", "mayhem"], "invalid choice: 'mayhem'"),
    ],
)
def test_a_wrong_option_says_what_would_do(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options().parse_args(arguments)
    assert words in capsys.readouterr().err
