"""The life of a prompt on a phone: it is decided, once, and the business hears of it."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from .answers import stk_callback, stk_words
from .books import Books
from .chance import Chance
from .clock import Clock, compact, to_micros
from .confirmations import Confirmations
from .deliveries import Deliveries
from .faults import Faults, parse_bound
from .money import Collections

_MANUAL_WAIT: Final = timedelta(seconds=60)
_LATE_SUCCESS_SECONDS: Final = 90.0
_OVERTAKEN: Final = timedelta(seconds=10)
_CODES: Final = {"cancels": "1032", "wrong_pin": "2001", "expires": "1019", "ignores": "1037", "manual": "1037"}


class Prompts:
    """Decisions on prompts.

    ``least_manual_wait``, in ``real_clock``'s time, keeps a manual prompt open for a person when ``clock`` runs
    fast.
    """

    def __init__(
        self,
        books: Books,
        faults: Faults,
        clock: Clock,
        chance: Chance,
        deliveries: Deliveries,
        collections: Collections,
        confirmations: Confirmations,
        least_manual_wait: timedelta,
        real_clock: Clock | None,
    ) -> None:
        self._books = books
        self._faults = faults
        self._clock = clock
        self._chance = chance
        self._deliveries = deliveries
        self._collections = collections
        self._confirmations = confirmations
        self._least_manual_wait = least_manual_wait
        self._real_clock = real_clock
        self._asked_really_at: dict[str, datetime] = {}
        self._forged_when_paid: set[str] = set()

    def open(self, prompt: dict[str, Any]) -> None:
        """Put a prompt on its phone. Call inside a transaction."""
        behaviour = self._behaviour(prompt["phone"])
        due_at = prompt["asked_at"] + self._decision_time(behaviour)
        self._books.insert("prompt", {**prompt, "behaviour": behaviour, "due_at": due_at})
        self._books.later("prompt", prompt["checkout"], due_at)
        if self._real_clock is not None:
            self._asked_really_at[prompt["checkout"]] = self._real_clock()
        bound = prompt["bound"]
        if forgery := self._faults.happens("F25", "stk", phone=prompt["phone"], bound=bound):
            if forgery.variant == "race":
                self._forged_when_paid.add(prompt["checkout"])
            else:
                self._forge(prompt, prompt["asked_at"] + timedelta(seconds=1))

    def decide(self, checkout: str, pin: str | None) -> bool:
        """Answer an open prompt by hand: with a PIN, or cancel it with ``None``. False if it is not open."""
        prompt = self._open_prompt(checkout)
        if prompt is None:
            return False
        with self._books.transaction():
            self._answer(prompt, pin, self._clock())
        return True

    def end_at_once(self, checkout: str) -> None:
        """Let the subscriber decide this moment and the callback be due."""
        with self._books.transaction():
            self.due(checkout, self._clock())
            self._books.change(
                "UPDATE delivery SET due_at = (SELECT asked_at FROM prompt WHERE checkout = ?)"
                " WHERE subject = ? AND attempted_at IS NULL",
                checkout,
                checkout,
            )

    def due(self, checkout: str, at: datetime) -> None:
        """Let a prompt's time come."""
        prompt = self._open_prompt(checkout)
        if prompt is None:
            return
        behaviour = prompt["behaviour"]
        if behaviour == "manual" and self._is_person_deciding(checkout):
            self._books.later("prompt", checkout, self._clock() + timedelta(seconds=1))
            return
        forced = self._forced_code(prompt)
        if forced is not None:
            self._end(prompt, forced, at)
        elif behaviour == "wrong_pin":
            self._answer(prompt, "", at)
        elif behaviour == "pays":
            self._send(prompt, at)
        else:
            self._end(prompt, _CODES.get(behaviour, "1037"), at)

    def late(self, checkout: str, at: datetime, *, is_told: bool) -> None:
        """Let a payment that was told as failed succeed after all."""
        prompt = self._books.row("SELECT * FROM prompt WHERE checkout = ?", checkout)
        if prompt is not None:
            self._pay(prompt, at, is_told=is_told)

    def _answer(self, prompt: sqlite3.Row, pin: str | None, at: datetime) -> None:
        subscriber = self._books.row("SELECT pin FROM subscriber WHERE phone = ?", prompt["phone"])
        if pin is None:
            self._end(prompt, "1032", at)
        elif subscriber is None or subscriber["pin"] != pin:
            self._books.change(
                "UPDATE subscriber SET pin_failures = pin_failures + 1 WHERE phone = ?", prompt["phone"]
            )
            self._end(prompt, "2001", at)
        elif (forced := self._forced_code(prompt)) is not None:
            self._end(prompt, forced, at)
        else:
            self._send(prompt, at)

    def _send(self, prompt: sqlite3.Row, at: datetime) -> None:
        """Pay, or seem to fail and pay later."""
        if late := self._faults.happens("F11", "stk", phone=prompt["phone"], bound=prompt["bound"]):
            self._end(prompt, "1037", at)
            seconds = _LATE_SUCCESS_SECONDS if late.seconds is None else late.seconds
            self._books.later(f"late {late.variant}", prompt["checkout"], at + timedelta(seconds=seconds))
        else:
            self._pay(prompt, at)

    def _pay(self, prompt: sqlite3.Row, at: datetime, *, is_told: bool = True) -> None:
        phone, kes, bound = prompt["phone"], prompt["kes"], prompt["bound"]
        if code := self._collections.refusal(phone, kes, at):
            if prompt["code"] is None:
                self._end(prompt, code, at)
            return
        receipt = self._books.new_receipt(self._chance.of("receipt"), at)
        self._books.change("UPDATE subscriber SET pin_failures = 0 WHERE phone = ?", phone)
        self._collections.collect(receipt, phone, kes, prompt["reference"], at, bound)
        is_overtaken = self._faults.happens("F23", "c2b", phone=phone, bound=bound) is not None
        self._confirmations.confirm(
            receipt,
            phone,
            kes,
            prompt["reference"],
            at,
            after_seconds=0.0 if is_overtaken else None,
        )
        told_at = at + _OVERTAKEN if is_overtaken else at
        self._end(prompt, "0", at, receipt, told_at=told_at, is_told=is_told)
        if prompt["checkout"] in self._forged_when_paid:
            self._forged_when_paid.discard(prompt["checkout"])
            self._forge(prompt, at)

    def _end(
        self,
        prompt: sqlite3.Row,
        code: str,
        at: datetime,
        receipt: str | None = None,
        *,
        told_at: datetime | None = None,
        is_told: bool = True,
    ) -> None:
        description = stk_words(code, self._chance.of("prose"))
        self._asked_really_at.pop(prompt["checkout"], None)
        self._books.change(
            "UPDATE prompt SET code = ?, description = ?, receipt = ?, ended_at = ? WHERE checkout = ?",
            code,
            description,
            receipt,
            to_micros(at),
            prompt["checkout"],
        )
        if not is_told:
            return
        metadata = () if receipt is None else self._metadata(prompt, receipt, at)
        body = stk_callback(prompt["merchant"], prompt["checkout"], code, description, metadata)
        due_at = (told_at or at) + timedelta(seconds=self._chance.of("callback delay").uniform(1, 3))
        self._deliveries.owe(
            prompt["callback"],
            body,
            due_at,
            channel="stk",
            subject=prompt["checkout"],
            phone=prompt["phone"],
            bound=prompt["bound"],
        )

    def _metadata(self, prompt: Any, receipt: str, at: datetime) -> Sequence[tuple[str, Any]]:
        items: list[tuple[str, Any]] = [
            ("Amount", float(prompt["kes"])),
            ("MpesaReceiptNumber", receipt),
            ("TransactionDate", int(compact(at))),
            ("PhoneNumber", int(prompt["phone"])),
        ]
        if self._chance.of("metadata").random() < 0.5:
            items.insert(2, ("Balance", None))
        return items

    def _forge(self, prompt: Any, at: datetime) -> None:
        receipt = self._books.new_receipt(self._chance.of("forged receipt"), at)
        words = stk_words("0", self._chance.of("forged"))
        metadata = self._metadata(prompt, receipt, at)
        body = stk_callback(prompt["merchant"], prompt["checkout"], "0", words, metadata)
        self._deliveries.post(prompt["callback"], body, at, channel="forged", subject=prompt["checkout"])

    def _open_prompt(self, checkout: str) -> sqlite3.Row | None:
        return self._books.row("SELECT * FROM prompt WHERE checkout = ? AND code IS NULL", checkout)

    def _forced_code(self, prompt: sqlite3.Row) -> str | None:
        double = dict(parse_bound(prompt["bound"])).get("F12")
        if double in ("17", "1001"):
            return double
        forced = self._faults.happens("F13", "stk", phone=prompt["phone"], bound=prompt["bound"])
        return None if forced is None else forced.variant.replace("-", "_")

    def _behaviour(self, phone: str) -> str:
        subscriber = self._books.row("SELECT behaviour FROM subscriber WHERE phone = ?", phone)
        return "ignores" if subscriber is None else str(subscriber["behaviour"])

    def _decision_time(self, behaviour: str) -> timedelta:
        if behaviour == "manual":
            return _MANUAL_WAIT
        first, last = (26.0, 60.0) if behaviour == "ignores" else (5.0, 11.0)
        return timedelta(seconds=self._chance.of("decision").uniform(first, last))

    def _is_person_deciding(self, checkout: str) -> bool:
        asked = self._asked_really_at.get(checkout)
        return (
            asked is not None
            and self._real_clock is not None
            and self._real_clock() - asked < self._least_manual_wait
        )
