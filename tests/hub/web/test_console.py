import asyncio
from base64 import b64decode
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from solders.transaction import VersionedTransaction

from .conftest import CONSOLE, NOT_AN_ADMIN, PASSWORD, Hub, problem_of

READ = (
    "/session",
    "/overview",
    "/households",
    "/periods",
    "/periods/2026-11-20T09:00Z",
    "/trades",
    "/market",
    "/ledger/entries",
    "/ledger/trial-balance",
    "/ledger/days",
    "/ledger/entries.csv",
    "/households/h-001/statement",
    "/households/h-001/statement.csv",
    "/chain",
    "/reviews",
)


async def review_states(person: Any) -> list[str]:
    body = await (await person.get("/reviews")).json()
    return [review["state"] for review in body["reviews"]]


async def test_without_a_session_nothing_is_shown_and_nothing_changes(hub: Hub) -> None:
    stranger = hub.person()
    who = await stranger.get("/session")
    assert (who.status, await who.json()) == (200, None)
    for path in set(READ) - {"/session"}:
        answer = await stranger.get(path)
        assert (answer.status, (await problem_of(answer))["code"]) == (401, "not_signed_in"), path
    changes = {"/sign-out": {}, "/reviews/1/resolve": {"note": "it was I"}, "/ledger/corrections": {}}
    for path, body in changes.items():
        assert (await stranger.post(path, body)).status == 401, path
    with pytest.raises(WSServerHandshakeError) as refused:
        await stranger.session.ws_connect(f"{CONSOLE}/live")
    assert refused.value.status == 401
    for cookie in ("x" * 43, "\xff\xfe", ""):
        answer = await hub.session.get(f"{CONSOLE}/overview", headers={"Cookie": f"energy_swap_session={cookie}"})
        assert answer.status == 401
    assert await review_states(await hub.admin()) == ["open"]


async def test_an_auditor_reads_everything_and_changes_nothing(hub: Hub) -> None:
    auditor = hub.person()
    await auditor.sign_in("regulator")
    for path in READ:
        answer = await auditor.get(path)
        assert answer.status == (404 if path.startswith("/periods/") else 200), (path, await answer.text())
    answer = await auditor.post("/reviews/1/resolve", {"note": "looks fine"})
    assert (answer.status, (await problem_of(answer))["detail"]) == (
        403,
        NOT_AN_ADMIN,
    )
    assert await review_states(auditor) == ["open"]


async def test_an_admin_resolves_a_review_once(hub: Hub) -> None:
    admin = await hub.admin()
    empty = await admin.post("/reviews/1/resolve", {"note": "  "})
    assert (empty.status, (await problem_of(empty))["code"]) == (422, "invalid")
    assert (await admin.post("/reviews/1/resolve", {"note": "minted by hand"})).status == 200
    [review] = (await (await admin.get("/reviews")).json())["reviews"]
    assert (review["state"], review["resolution"]) == ("resolved", "minted by hand")
    again = await admin.post("/reviews/1/resolve", {"note": "again"})
    assert (again.status, (await problem_of(again))["code"]) == (404, "not_found")


async def test_an_action_is_only_what_a_review_offers_and_only_an_admins(hub: Hub) -> None:
    admin, auditor = await hub.admin(), hub.person()
    await auditor.sign_in("regulator")
    [review] = (await (await admin.get("/reviews")).json())["reviews"]
    assert review["actions"] == [], "nobody knows the transaction that this one is about"
    wish = {"note": "once more", "action": "try_again"}
    assert (await auditor.post("/reviews/1/resolve", wish)).status == 403
    assert (await admin.post("/reviews/1/resolve", wish, csrf="wrong")).status == 403
    for body, code in (
        (wish, "invalid"),
        ({"note": "x", "action": "print_money"}, "invalid_field"),
        ({"note": "x", "action": "credit", "receipt": "SKJ4H7T2QX", "kes": 0}, "invalid_field"),
        ({"note": "x", "action": "credit", "receipt": "S" * 21, "kes": 1}, "invalid_field"),
        ({"action": "try_again"}, "invalid"),  # only asking again needs no note
    ):
        answer = await admin.post("/reviews/1/resolve", body)
        assert (answer.status, (await problem_of(answer))["code"]) == (422, code), body
    assert await review_states(admin) == ["open"]


async def test_a_change_needs_the_sessions_own_token(hub: Hub) -> None:
    admin, other = await hub.admin(), await hub.admin()
    for token in ("", "wrong", "é", other.csrf):
        answer = await admin.post("/reviews/1/resolve", {"note": "from elsewhere"}, csrf=token)
        assert (answer.status, (await problem_of(answer))["code"]) == (403, "forbidden")
        assert (await admin.post("/sign-out", {}, csrf=token)).status == 403
    assert await review_states(admin) == ["open"]


async def test_the_cookie_is_kept_from_scripts_and_other_sites_and_ends_with_sign_out(hub: Hub) -> None:
    person = hub.person()
    answer = await person.sign_in("office")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    token = answer.cookies["energy_swap_session"].value
    assert (await person.post("/sign-out", {})).status == 200
    stolen = {"Cookie": f"energy_swap_session={token}"}
    assert (await hub.session.get(f"{CONSOLE}/overview", headers=stolen)).status == 401


async def test_wrong_passwords_lock_this_user_out_and_nobody_else(hub: Hub) -> None:
    person = hub.person()
    for _ in range(5):
        answer = await person.sign_in("office", "guess")
        assert (answer.status, (await problem_of(answer))["code"]) == (401, "sign_in_refused")
    locked = await person.sign_in("office", PASSWORD)
    body = await problem_of(locked)
    assert (locked.status, body["code"]) == (429, "too_many_tries")
    assert "five minutes" in body["detail"]
    assert (await hub.person().sign_in("regulator")).status == 200
    unknown = await person.sign_in("nobody", "guess")
    assert (await problem_of(unknown))["detail"] == "user or password is wrong"


async def test_live_pages_of_another_origin_get_nothing(hub: Hub) -> None:
    admin = await hub.admin()
    for origin in ("https://evil.example", "null", "http://127.0.0.1", f"{hub.url}.evil.example"):
        with pytest.raises(WSServerHandshakeError) as refused:
            await admin.session.ws_connect(f"{CONSOLE}/live", headers={"Origin": origin})
        assert refused.value.status == 403, origin
    async with admin.session.ws_connect(f"{CONSOLE}/live", headers={"Origin": hub.url}) as socket:
        assert (await socket.receive_json())["community"]["id"] == "kisima"


async def test_a_live_page_ends_with_its_session(hub: Hub) -> None:
    admin = await hub.admin()
    async with admin.session.ws_connect(f"{CONSOLE}/live", headers={"Origin": hub.url}) as socket:
        await socket.receive_json()
        await admin.post("/sign-out", {})
        async with asyncio.timeout(60):
            async for _ in socket:
                pass
        assert socket.closed


async def test_odd_parameters_are_refused_in_words(hub: Hub) -> None:
    admin = await hub.admin()
    for path in (
        "/periods/2026-11-20",
        "/periods/2026-11-20T09:07Z",
        "/periods/%00",
        "/periods?limit=0",
        "/periods?limit=501",
        "/periods?limit=-1",
        "/periods?limit=²",
        "/trades?before=x",
        "/trades?skip=-1",
        "/mpesa/receipts?skip=x",
        "/mpesa/receipts?before=NOSUCH",
        "/periods?before=yesterday",
        "/chain/intents?before=x",
        f"/trades?before={10**30}",
        f"/ledger/entries?before={10**400}",
        f"/ledger/entries?limit={'9' * 5_000}",
    ):
        answer = await admin.get(path)
        assert answer.status in {400, 404, 422}, (path, await answer.text())
        await problem_of(answer)


async def test_a_review_that_is_not_there_is_not_found(hub: Hub) -> None:
    admin = await hub.admin()
    for review in ("0", "99", "x", "²", "-1", str(10**30)):
        answer = await admin.post(f"/reviews/{review}/resolve", {"note": "gone"})
        assert (answer.status, (await problem_of(answer))["code"]) == (404, "not_found"), review


async def test_only_a_transaction_of_the_community_is_told_as_the_chain_has_it(hub: Hub) -> None:
    admin = await hub.admin()
    (intent,) = (await (await admin.get("/chain/intents?limit=1&kind=approved")).json())["intents"]
    assert intent["kind"] == "approved"
    told = (await (await admin.get(f"/chain/transactions/{intent['signature']}")).json())["transaction"]
    assert str(VersionedTransaction.from_bytes(b64decode(told)).signatures[0]) == intent["signature"]
    for unknown in ("1" * 64, "x"):
        answer = await admin.get(f"/chain/transactions/{unknown}")
        assert (answer.status, (await problem_of(answer))["code"]) == (404, "not_found")


async def test_phones_are_masked_and_no_secret_is_on_any_page(hub: Hub) -> None:
    admin = await hub.admin()
    pages = [await (await admin.get(path)).text() for path in READ]
    for home in hub.homes:
        assert not any(home.phone in page for page in pages)
        assert any(f"{home.phone[:4]}*****{home.phone[-3:]}" in page for page in pages)
    assert not any("argon2" in page or "password" in page for page in pages)
