"""The pages as a person without scripts uses them: forms in, pages out, nothing hostile gets through."""

from typing import Any

import pytest

from tests.daraja_simulator.desk import PHONE, Desk


async def page(desk: Desk, path: str, form: dict[str, Any] | None = None) -> str:
    """Open a page or send a form, follow the way back, and return what is then on the page."""
    method = "GET" if form is None else "POST"
    async with desk.session.request(method, desk.server.make_url(path), data=form) as response:
        assert (response.status, response.content_type) == (200, "text/html"), await response.text()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        return await response.text()


async def prompt(desk: Desk) -> str:
    """Ask the phone and return the request's id."""
    await desk.control("PATCH", f"subscribers/{PHONE}", {"behaviour": "manual"})
    return str((await desk.push(Amount=120))[1]["CheckoutRequestID"])


@pytest.mark.parametrize(
    ("form", "code", "shown"),
    [
        ({"pin": "1234", "cancel": ""}, 0, "Confirmed. Ksh120.00 sent to ENERGY SWAP"),
        ({"pin": "9999", "cancel": ""}, 2001, "was not paid"),
        ({"cancel": "1"}, 1032, "was not paid"),
    ],
)
async def test_a_person_answers_a_prompt(desk: Desk, form: dict[str, str], code: int, shown: str) -> None:
    checkout = await prompt(desk)
    before = await page(desk, f"/_simulator/phone/{PHONE}")
    assert "Do you want to pay <b>Ksh 120</b>" in before
    after = await page(desk, f"/_simulator/phone/{PHONE}/answer", {"checkout": checkout, **form})
    assert ("Do you want to pay" in after, shown in after) == (False, True)
    assert (await desk.callback())["Body"]["stkCallback"]["ResultCode"] == code
    again = await page(desk, f"/_simulator/phone/{PHONE}/answer", {"checkout": checkout, **form})
    assert "The request is over already." in again


async def test_a_phone_shows_the_sms_of_others(desk: Desk) -> None:
    sent = {"phone": PHONE, "text": "123456 is your code <b>", "sender": "EnergySwap"}
    await desk.control("POST", "sms", sent)
    shown = await page(desk, f"/_simulator/phone/{PHONE}")
    assert "EnergySwap ·" in shown
    assert "123456 is your code &lt;b&gt;" in shown
    async with desk.session.post(
        desk.server.make_url("/_simulator/sms"), json=sent | {"phone": "254700000000"}
    ) as answer:
        assert answer.status == 404


async def test_a_prompt_that_nobody_answers_runs_out(desk: Desk) -> None:
    await prompt(desk)
    await desk.pass_time(61)
    assert "Do you want to pay" not in await page(desk, f"/_simulator/phone/{PHONE}")


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ({"kes": "55", "account": "HOUSE-7", "pin": "1234"}, "Confirmed. Ksh55.00 sent to ENERGY SWAP"),
        ({"kes": "55", "account": "HOUSE-7", "pin": "4321"}, "The PIN was wrong. No money was taken."),
        ({"kes": "5.5", "account": "HOUSE-7", "pin": "1234"}, "An amount is whole shillings"),
        ({"kes": "501", "account": "HOUSE-7", "pin": "1234"}, "Ksh 501 was not paid (code 1)."),
    ],
)
async def test_a_person_pays_from_the_menu(desk: Desk, form: dict[str, str], shown: str) -> None:
    assert shown in await page(desk, f"/_simulator/phone/{PHONE}/pay", form)


async def test_a_person_chooses_who_answers(desk: Desk) -> None:
    shown = await page(desk, f"/_simulator/phone/{PHONE}/behaviour", {"behaviour": "cancels"})
    assert '<option value="cancels" selected>' in shown
    url = desk.server.make_url(f"/_simulator/phone/{PHONE}/behaviour")
    async with desk.session.post(url, data={"behaviour": "sings"}) as response:
        assert (response.status, "at `$.behaviour`" in await response.text()) == (400, True)


async def test_the_desk_makes_phones_and_arms_faults(desk: Desk) -> None:
    person = {"name": "Brian", "phone": "254110000002", "balance_kes": "70"}
    assert "Ksh 70.00" in await page(desk, "/_simulator/phones", person)
    wrong = await page(desk, "/_simulator/phones", person | {"phone": "0712345678"})
    assert "That is no phone" in wrong
    assert "F13 1019 · 2 times" in await page(desk, "/_simulator/arm", {"fault": "F13/1019", "times": "2"})
    assert "F01 · 10%</span>" in await page(desk, "/_simulator/arm", {"scenario": "storm"})
    assert "Nothing is armed." in await page(desk, "/_simulator/arm", {"scenario": "calm"})
    await desk.push()
    shown = await page(desk, "/")
    assert "Payment request</span>" in shown
    shown = await page(desk, "/_simulator/pass", {"seconds": "60"})
    assert ("Payment in</td>" in shown, "14:31:00 in Nairobi" in shown) == (True, True)
    await page(desk, "/_simulator/replay", {"number": "1"})
    await desk.pass_time(1)
    first, second = desk.of("/here")
    assert first == second
    assert "There is no such callback." in await page(desk, "/_simulator/replay", {"number": "9"})


async def test_hostile_names_and_references_stay_text(desk: Desk) -> None:
    name = "<script>alert(1)</script>\u202e\x00"
    await desk.control("POST", "subscribers", {"phone": PHONE, "name": name})
    await desk.control("POST", f"subscribers/{PHONE}/pay", {"kes": 5, "account": "<b>'\"&"})
    for path in (f"/_simulator/phone/{PHONE}", "/_simulator/"):
        shown = await page(desk, path)
        assert ("<script>alert" in shown, "\u202e" in shown, "\x00" in shown) == (False, False, False)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\ufffd\ufffd" in shown
        assert "&lt;b&gt;&#x27;&quot;&amp;" in shown


@pytest.mark.parametrize(("name", "kind"), [("page.css", "text/css"), ("page.js", "text/javascript")])
async def test_the_pages_bring_their_own_style_and_script(desk: Desk, name: str, kind: str) -> None:
    async with desk.session.get(desk.server.make_url(f"/_simulator/{name}")) as response:
        assert (response.status, response.content_type) == (200, kind)
