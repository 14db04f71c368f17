"""The subscriber's phone as a page: balance, the prompt, Pay Bill, messages."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .clock import EAT, from_micros
from .markup import hidden, money, page, text


@dataclass(frozen=True, slots=True)
class Phone:
    """What is on a phone. ``notice`` is what the last action led to."""

    phone: str
    name: str
    behaviour: str
    pin: str
    balance_cents: int
    now: datetime
    business: str
    short_code: str
    prompt: sqlite3.Row | None
    last: sqlite3.Row | None
    messages: Sequence[sqlite3.Row]
    notice: str


_ANSWERS = {
    "pays": "enters the PIN by itself",
    "cancels": "cancels by itself",
    "ignores": "lets prompts run out",
    "wrong_pin": "enters a wrong PIN by itself",
    "expires": "lets prompts expire",
}

_PIN = (
    '<input class="pin" name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="4"'
    ' pattern="[0-9]{4}" title="4 digits" required>'
)


def phone_page(phone: Phone) -> str:
    """Return the page."""
    behaviour = ""
    if phone.behaviour != "manual":
        behaviour = f" · {text(_ANSWERS.get(phone.behaviour, phone.behaviour))}"
    notice = f'<p class="notice space" role="status">{text(phone.notice)}</p>' if phone.notice else ""
    body = f"""
<main class="phone">
<header>
  <div class="status"><a href="/_simulator/">All phones</a>
  <span id="time" data-live>{_moment(phone.now)}</span></div>
  <h1>{text(phone.name)}</h1>
  <p class="balance" id="balance" data-live>{money(phone.balance_cents)}</p>
  <p class="soft" id="about" data-live>+{text(phone.phone)}{behaviour}</p>
</header>
<div class="screen">
  {_prompt(phone)}{notice}
  <p class="notice space" id="offline" role="status" hidden>The simulator does not answer.</p>
  {_pay(phone)}
  {_behaviour(phone)}
  <h2>Messages</h2>
  {_messages(phone)}
  <p class="soft space">A simulated phone. No real money moves.</p>
</div>
</main>"""
    return page(f"{phone.name}: simulated phone", body, is_phone=True)


def _prompt(phone: Phone) -> str:
    prompt = phone.prompt
    if prompt is not None:
        return f"""<form id="prompt" data-live class="card prompt" role="alertdialog" aria-labelledby="ask"
 method="post" action="/_simulator/phone/{text(phone.phone)}/answer">
  {hidden("checkout", prompt["checkout"])}
  <p class="ask" id="ask">Do you want to pay <b>Ksh {prompt["kes"]:,}</b> to <b>{text(phone.business)}</b>
   account no. <b>{text(prompt["reference"])}</b>?</p>
  <label>M-PESA PIN (here {text(phone.pin)})
   {_PIN}</label>
  <div class="pair"><button name="cancel" value="1" formnovalidate>Cancel</button>
  <button class="main" name="cancel" value="">Send</button></div>
</form>"""
    last = phone.last
    told = "No payment request."
    if last is not None and last["code"] != "0":
        told += f" The last one, Ksh {last['kes']:,}, was not paid: {last['description']}"
    return f'<p id="prompt" data-live class="card quiet soft" role="status">{text(told)}</p>'


def _pay(phone: Phone) -> str:
    return f"""<details class="card space"><summary>Lipa na M-PESA · Pay Bill</summary>
<form class="fields" method="post" action="/_simulator/phone/{text(phone.phone)}/pay">
  <p class="soft">To {text(phone.business)}, business no. {text(phone.short_code)}</p>
  <div class="pair"><label>Account no.<input name="account" maxlength="20" autocomplete="off"></label>
  <label>Amount (Ksh)<input name="kes" inputmode="numeric" pattern="[1-9][0-9]{{0,5}}" title="whole shillings"
   required></label></div>
  <label>M-PESA PIN (here {text(phone.pin)})
   {_PIN}</label>
  <button class="main">Pay</button>
</form></details>"""


def _behaviour(phone: Phone) -> str:
    words = {"manual": "I answer prompts on this page", **{key: f"It {what}" for key, what in _ANSWERS.items()}}
    options = "".join(
        f'<option value="{key}"{" selected" if key == phone.behaviour else ""}>{text(what)}</option>'
        for key, what in words.items()
    )
    return f"""<details class="card space"><summary>Who answers</summary>
<form class="fields" method="post" action="/_simulator/phone/{text(phone.phone)}/behaviour">
  <label>When a prompt arrives<select name="behaviour">{options}</select></label><button>Save</button>
</form></details>"""


def _messages(phone: Phone) -> str:
    cards = "".join(
        f'<div class="sms"><span class="soft">{text(sms["sender"])} · {_moment(from_micros(sms["at"]))}</span>'
        f"{text(sms['text'])}</div>"
        for sms in phone.messages
    )
    return f'<div id="messages" data-live>{cards or '<p class="soft">No messages yet.</p>'}</div>'


def _moment(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at.astimezone(EAT):%-d %b, %H:%M}</time>'
