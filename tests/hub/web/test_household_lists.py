"""Lists of households, their meters and relays: found, chosen and sorted by the database, a page at a time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import TRUST_CASH, Entry, Posting
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.tables import meter_state, quarantine
from energy_swap_hub.storage import Database
from energy_swap_hub.web import meters_view
from energy_swap_hub.web.household_lists import Listed, Order, Wanted, listed
from energy_swap_hub.web.households_view import ORDER
from solders.pubkey import Pubkey
from sqlalchemy import Connection, insert

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, Person, problem_of

MANY = 120
PHONES = PhoneBook(bytes(32))
NAMES = ("Amina", "brian", "Chebet 50%", "O'Neil", "Wanjirũ")
KSH = 100


def name_of(number: int) -> str:
    return f"{NAMES[number % len(NAMES)]} {number}"


def status_of(number: int) -> str:
    return "applied" if number % 40 == 0 else "suspended" if number % 30 == 0 else "admitted"


def fill(connection: Connection) -> None:
    """Let there be households 1 to `MANY`, of whom number n has a wallet of 7 n modulo 101 shillings."""
    rows = [
        {
            "community_id": VILLAGE, "id": f"h-{n:03d}", "number": n, "name": name_of(n),
            "key": n.to_bytes(32), "meter": (n << 240).to_bytes(32), "phone_sealed": PHONES.seal(phone_of(n)),
            "phone_hash": PHONES.hash(phone_of(n)), "rated_pv_w": 0, "main_breaker_w": 1, "status": status_of(n),
            "applied_at": OPENED,
        }
        for n in range(1, MANY + 1)
    ]  # fmt: skip
    connection.execute(insert(household), rows)
    connection.execute(insert(household), rows[0] | {"community_id": "another", "key": b"k", "meter": b"m"})
    for n in range(1, MANY + 1):
        if cents := wallet_of(n):
            legs = [Posting(ledger.kes(f"h-{n:03d}"), cents), Posting(TRUST_CASH, -cents)]
            ledger.post(connection, VILLAGE, Entry("mpesa", f"R{n}", OPENED, "top-up", legs))
    read_at = int(OPENED.timestamp())
    state = {"community_id": VILLAGE, "sequence": 1, "export_wh": 0, "import_wh": 0, "generation_wh": 0}
    for n, late in ((1, 0), (2, 1_000), (3, 60), (30, 5_000), (40, 9_000)):
        one = {"meter": (n << 240).to_bytes(32), "household_id": f"h-{n:03d}", "measured_at": read_at - late}
        connection.execute(insert(meter_state), state | one)
    for n, frames in ((7, 3), (9, 1)):
        frame = {"community_id": VILLAGE, "household_id": f"h-{n:03d}", "received_at": OPENED, "reason": "why"}
        connection.execute(insert(quarantine), [frame | {"frame": b""}] * frames)


def phone_of(number: int) -> str:
    return str(254_712_000_000 + number)


def wallet_of(number: int) -> int:
    return (7 * number % 101) * KSH


@pytest.fixture
async def database(where: Path | str) -> AsyncIterator[Database]:
    database = Database.open(where)
    await database.write(fill)
    yield database
    await database.close()


async def page(database: Database, order: Order = ORDER, **asked: Any) -> Listed:
    wanted = {
        "words": "", "standing": None, "sort": order.usual, "is_falling": False, "limit": 50, "after": None,
        "skip": 0, "is_counted": False, "may_find_phones": False,
    }  # fmt: skip
    return await database.read(lambda c: listed(c, VILLAGE, Wanted(**wanted | asked), order, PHONES))


async def all_of(database: Database, order: Order = ORDER, **asked: Any) -> list[int]:
    """Return the numbers of all households of a list, read page after page as a program does."""
    numbers: list[int] = []
    after: str | None = None
    while True:
        part = await page(database, order, after=after, limit=17, **asked)
        numbers += [int(one.removeprefix("h-")) for one in part.ids]
        after = part.following
        if after is None:
            return numbers


async def test_each_order_is_read_whole_by_pages_and_from_anywhere(database: Database) -> None:
    every = range(1, MANY + 1)
    assert await all_of(database) == list(every)
    assert await all_of(database, is_falling=True) == list(reversed(every))
    by_wallet = sorted(every, key=lambda n: (wallet_of(n), n))
    assert await all_of(database, sort="wallet") == by_wallet
    assert await all_of(database, sort="wallet", is_falling=True) == by_wallet[::-1]
    by_name = await all_of(database, sort="name")
    assert sorted(by_name) == list(every)
    assert [name_of(n)[0] for n in by_name if name_of(n)[0] in "AbC"] == ["A"] * 24 + ["b"] * 24 + ["C"] * 24
    # As the console jumps into the middle of a list that it has seen the beginning of.
    first = await page(database, sort="wallet", is_falling=True, limit=1)
    middle = await page(database, sort="wallet", is_falling=True, limit=3, after=first.ids[0], skip=59)
    assert [int(one.removeprefix("h-")) for one in middle.ids] == by_wallet[::-1][60:63]
    with pytest.raises(LookupError, match="h-999"):
        await page(database, after="h-999")


async def test_words_find_names_ids_keys_and_addresses(database: Database) -> None:
    async def found(words: str, **asked: Any) -> list[int]:
        return await all_of(database, words=words, **asked)

    assert await found("AMINA 115") == [115]
    assert await found("h-01") == list(range(10, 20))
    assert await found("50%") == [n for n in range(1, MANY + 1) if n % 5 == 2]
    assert await found("_") == [], "no word has another meaning to the database"
    assert await found("o'neil 3") == [3, 33, 38]
    assert await found("0007") == [7], "the beginning of a meter's key"
    assert await found((7 << 240).to_bytes(32).hex().upper()) == [7]
    assert await found(str(Pubkey.from_bytes((9).to_bytes(32)))) == [9]
    assert await found("nobody") == []
    assert await found("brian", standing="suspended") == []
    assert await found("amina", standing="suspended") == [30, 60, 90]


async def test_a_phone_is_found_by_the_whole_of_it_and_by_admins_only(database: Database) -> None:
    for words in ("254712000042", "+254 712 000 042", "0712-000-042"):
        assert await all_of(database, words=words, may_find_phones=True) == [42]
        assert await all_of(database, words=words) == []
    assert await all_of(database, words="25471200004", may_find_phones=True) == []


async def test_standings_are_counted_among_what_is_found(database: Database) -> None:
    everything = await page(database, is_counted=True)
    assert everything.total == MANY
    assert everything.counts == {
        "all": MANY, "applied": 3, "admitted": MANY - 6, "suspended": 3, "leaving": 0, "left": 0,
    }  # fmt: skip
    chosen = await page(database, words="amina", standing="applied", is_counted=True)
    assert (chosen.total, list(chosen.ids)) == (3, ["h-040", "h-080", "h-120"])
    assert chosen.counts is not None
    assert (chosen.counts["all"], chosen.counts["admitted"]) == (24, 18)
    rest = await page(database, is_counted=True, after="h-100")
    assert rest.total == 20
    assert (await page(database)).counts is None


async def test_meters_that_are_silent_or_refused_are_chosen(database: Database) -> None:
    order = meters_view.order(OPENED)
    assert await all_of(database, order, standing="well") == [1, 3]
    silent = await all_of(database, order, standing="silent")
    assert {2, 30} <= set(silent), "the readings are too old"
    assert not {1, 3, 40, 80, 120} & set(silent), "an applicant's meter owes nothing yet"
    assert await all_of(database, order, standing="refused") == [7, 9]
    assert (await all_of(database, order, sort="refused", is_falling=True))[:2] == [7, 9]
    assert (await all_of(database, order, sort="reading", is_falling=True))[:3] == [1, 3, 2]
    assert (await page(database, meters_view.order(OPENED + timedelta(hours=1)), standing="well")).ids == []


async def read(person: Person, path: str) -> dict[str, Any]:
    answer = await person.get(path)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def test_lists_are_asked_for_over_http(hub: Hub) -> None:
    admin = await hub.admin()
    part = await read(admin, "/households?limit=3&sort=-name&count=1")
    assert [one["name"] for one in part["households"]] == ["David", "Chebet", "Brian"]
    assert (part["total"], part["next"], part["counts"]["admitted"]) == (4, "h-002", 4)
    last = await read(admin, "/households?limit=3&sort=-name&before=h-002")
    assert [one["household"] for one in last["households"]] == ["h-001"]
    assert (last["next"], last["total"], last["counts"]) == (None, None, None)
    alone = await read(admin, "/households/h-002")
    assert alone == (await read(admin, "/households?q=brian"))["households"][0]
    meters = await read(admin, "/meters?q=ami&count=1")
    assert [(one["household"], one["epochs"]) for one in meters["meters"]] == [("h-001", [])]
    relays = await read(admin, "/relays?sort=-number&limit=2&count=1")
    assert [one["household"] for one in relays["relays"]] == ["h-004", "h-003"]
    assert relays["counts"] == {"all": 4, "unfollowed": 0, "open": 0, "closed": 0}
    phone = hub.homes[2].phone
    assert [one["household"] for one in (await read(admin, f"/households?q=0{phone[3:]}"))["households"]] == [
        "h-003"
    ]
    auditor = hub.person()
    await auditor.sign_in("regulator")
    assert (await read(auditor, f"/households?q=0{phone[3:]}"))["households"] == []


async def test_what_no_list_has_is_refused_in_words(hub: Hub) -> None:
    admin = await hub.admin()
    for path, status, words in (
        ("/households?sort=phone", 400, "number, name, wallet"),
        ("/households?sort=--name", 400, "sort is"),
        ("/households?state=rich", 400, "applied, admitted, suspended, leaving or left"),
        (f"/households?q={'x' * 101}", 400, "100 characters"),
        ("/households?before=h-999", 404, "h-999"),
        ("/households?limit=0", 400, "limit"),
        ("/households/h-999", 404, "h-999"),
        ("/meters?state=open", 400, "well, silent or refused"),
        ("/relays?state=well", 400, "unfollowed, open or closed"),
        ("/relays?sort=wallet", 400, "attention, number or name"),
    ):
        answer = await admin.get(path)
        problem = await problem_of(answer)
        assert (answer.status, words in problem["detail"]) == (status, True), (path, problem)
