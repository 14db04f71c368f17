"""The desk: one page over the phones, the business's accounts, what moves, and what is to go wrong."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .catalogue import FAULTS, SCENARIOS
from .clock import EAT, from_micros
from .markup import hidden, money, page, text


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the desk; ``phones`` are pairs of a subscriber and a balance in cents."""

    business: str
    short_code: str
    now: datetime
    is_virtual: bool
    accounts: Mapping[str, int]
    phones: Sequence[tuple[sqlite3.Row, int]]
    waiting: frozenset[str]
    movements: Sequence[sqlite3.Row]
    deliveries: Sequence[sqlite3.Row]
    armed: Sequence[Mapping[str, Any]]
    notice: str


_KINDS = {
    "c2b": "Payment in",
    "c2b_fee": "Fee of the payer",
    "c2b_charge": "Charge for a payment in",
    "b2c": "Payout",
    "b2c_charge": "Charge for a payout",
    "reversal": "Reversal",
    "deposit": "Cash deposit",
    "spending": "Cash spent",
    "funding": "From the bank",
    "withdrawal": "To the bank",
}


def desk_page(desk: Desk) -> str:
    """Return the page."""
    notice = f'<p class="notice space" role="status">{text(desk.notice)}</p>' if desk.notice else ""
    body = f"""
<main class="desk">
<header><div><h1>Simulated M-PESA</h1><p class="soft">{text(desk.business)}, business no. {text(desk.short_code)}.
 No real money moves.</p></div>
<span class="soft" id="time" data-live>{desk.now.astimezone(EAT):%-d %B %Y, %H:%M:%S} in Nairobi</span></header>
<p class="notice space" id="offline" role="status" hidden>The simulator does not answer.</p>{notice}
{_sums(desk)}
<div class="halves"><section><h2>Phones</h2>{_phones(desk)}{_new_phone()}</section>
<section><h2>What goes wrong</h2>{_faults(desk)}{_time(desk)}</section></div>
<h2>Movements</h2>{_movements(desk)}
<p class="soft space"><a href="/_simulator/statement.csv">The business's statement as CSV</a></p>
<h2>Callbacks</h2>{_deliveries(desk)}
</main>"""
    return page("Simulated M-PESA", body, is_phone=False)


def _sums(desk: Desk) -> str:
    subscribers = sum(cents for _, cents in desk.phones)
    parts = (
        ("Utility account", desk.accounts.get("utility", 0)),
        ("Charges paid", desk.accounts.get("charges", 0)),
        ("Working account", desk.accounts.get("working", 0)),
        ("On all phones", subscribers),
    )
    cards = "".join(
        f'<div class="card"><span class="soft">{name}</span><b>{money(n)}</b></div>' for name, n in parts
    )
    return f'<div class="sums" id="sums" data-live>{cards}</div>'


def _phones(desk: Desk) -> str:
    if not desk.phones:
        return '<p class="soft" id="phones" data-live>No phone yet: make one below.</p>'
    rows = []
    for person, cents in desk.phones:
        mark = '<span class="waiting">Payment request</span>' if person["phone"] in desk.waiting else money(cents)
        rows.append(
            f'<li><a href="/_simulator/phone/{text(person["phone"])}"><span><span class="name">'
            f'{text(person["name"])}</span><br><span class="soft">+{text(person["phone"])} · '
            f"{text(person['behaviour'].replace('_', ' '))}</span></span>{mark}</a></li>"
        )
    return f'<ul class="list card" id="phones" data-live>{"".join(rows)}</ul>'


def _new_phone() -> str:
    return """<details class="card space"><summary>New phone</summary>
<form class="fields" method="post" action="/_simulator/phones">
  <label>Name<input name="name" maxlength="100" autocomplete="off" required></label>
  <div class="pair"><label>Phone<input name="phone" inputmode="numeric" placeholder="254712345678"
   pattern="254[0-9]{9}" title="12 digits that begin with 254" required></label>
  <label>Balance (Ksh)<input name="balance_kes" inputmode="numeric" value="1000" pattern="[0-9]{1,7}"
   title="whole shillings" required></label></div>
  <p class="soft">Its PIN is 1234, and you answer its prompts on its page.</p><button>Make</button>
</form></details>"""


def _faults(desk: Desk) -> str:
    options = "".join(
        f'<optgroup label="{number} {text(fault.name)}">'
        + "".join(
            f'<option value="{number}/{text(variant)}">{number} {text(what)}</option>'
            for variant, what in fault.variants.items()
        )
        + "</optgroup>"
        for number, fault in FAULTS.items()
    )
    buttons = "".join(
        f'<button class="small" name="scenario" value="{name}">{name.capitalize()}</button>' for name in SCENARIOS
    )
    armed = "".join(_chip(one) for one in desk.armed)
    return f"""<div class="card"><form class="fields" method="post" action="/_simulator/arm">
  <label>Fault<select name="fault">{options}</select></label>
  <div class="pair"><label>Times<input name="times" inputmode="numeric" value="1" pattern="[1-9][0-9]{{0,3}}"
   title="1 to 9999" required></label><label>&nbsp;<button class="main">Let it happen</button></label></div>
</form>
<form class="buttons space" method="post" action="/_simulator/arm"><span class="soft">Or by chance:</span>
{buttons}</form>
<div class="armed" id="armed" data-live>{armed or '<span class="soft">Nothing is armed.</span>'}</div></div>"""


def _chip(one: Mapping[str, Any]) -> str:
    fault = FAULTS[one["fault"]]
    if one["probability"] < 1:
        shown = f"{one['fault']} · {one['probability']:.0%}"
    else:
        often = "always" if one["times"] is None else "once" if one["times"] == 1 else f"{one['times']} times"
        shown = f"{one['fault']} {one['variant']} · {often}"
    return f'<span title="{text(fault.name)}: {text(fault.variants[one["variant"]])}">{text(shown)}</span>'


def _time(desk: Desk) -> str:
    if not desk.is_virtual:
        return ""
    steps = ((10, "10 s"), (60, "1 min"), (3_600, "1 h"), (86_400, "1 day"))
    buttons = "".join(f'<button class="small" name="seconds" value="{n}">+ {name}</button>' for n, name in steps)
    return f'<h2>Time</h2><form class="buttons card" method="post" action="/_simulator/pass">{buttons}</form>'


def _movements(desk: Desk) -> str:
    rows = "".join(
        f"<tr><td>{text(_KINDS.get(row['kind'], row['kind']))}</td><td class='right'>{money(row['cents'])}</td>"
        f"<td>{_moment(row['at'])}</td><td>{text(row['receipt'])}</td>"
        f"<td>{text(row['phone'])}</td><td>{text(row['reference'][:24])}</td></tr>"
        for row in desk.movements
    )
    head = "<th>What</th><th class='right'>Amount</th><th>When</th><th>Receipt</th><th>Phone</th><th>Account</th>"
    return _table("movements", head, rows, "Nothing has moved yet.")


def _deliveries(desk: Desk) -> str:
    rows = "".join(
        f"<tr><td>{text(row['channel'])}</td><td>{text(row['outcome'] or 'on its way')}</td>"
        f"<td>{_moment(row['due_at'])}</td><td>{_again(row)}</td><td>{text(row['url'][:60])}</td></tr>"
        for row in desk.deliveries
    )
    head = "<th>Of</th><th>Answered</th><th>When</th><th></th><th>To</th>"
    return _table("deliveries", head, rows, "No callback was sent yet.")


def _again(row: sqlite3.Row) -> str:
    if row["attempted_at"] is None:
        return ""
    number = hidden("number", row["number"])
    return (
        f'<form method="post" action="/_simulator/replay">{number}<button class="small">Send again</button></form>'
    )


def _table(name: str, head: str, rows: str, nothing: str) -> str:
    if not rows:
        return f'<p class="soft" id="{name}" data-live>{nothing}</p>'
    return (
        f'<div class="card scroll" id="{name}" data-live tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _moment(micros: int) -> str:
    return f"{from_micros(micros).astimezone(EAT):%-d %b %H:%M:%S}"
