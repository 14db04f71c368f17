"""A storm over M-Pesa: households pay and are paid while everything goes wrong and the hub is killed.

The seed decides who wants what and when, which faults happen, and when the hub dies; how the processes are
scheduled it does not. The simulator runs here, the hub in processes of its own; both read one clock.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

from aiohttp import ClientError, web
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.catalogue import FAULTS, SCENARIOS
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.orders import Behaviour
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, insert

from .storm_operator import judge
from .storm_process import HubProcess

START: Final = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
_BOOK: Final = PhoneBook(b"p" * 32)
_CALLBACK_KES: Final = 150  # above it, only M-Pesa's list is believed
_MOST_KES: Final = 300
_AT_ONCE: Final = 4  # wishes at a time
_OPERATOR_EVERY: Final = 12  # steps
# A forged success and a query that says paid of what was not (F07) would together be believed, up to
# `confirm_above_kes`. So whoever forges before the end here forges what is above it.
_FORGED: Final = "F25"
_FORGED_BEFORE: Final = (_FORGED, "paid")
# A request that hangs does so in real time; the hub gives it up after 20 seconds.
_TOO_SLOW: Final = {("F01", "hang"), ("F17", "hang")}
_BEHAVIOURS: Final[dict[int, Behaviour]] = {3: "cancels", 6: "ignores", 9: "expires"}
_SECONDS: Final = {"F34": 400.0, "F28": 300.0}


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens: wishes that the hub took, and how often it is killed."""

    households: int
    top_ups: int
    payouts: int
    kills: int


@dataclass
class Outcome:
    """What a storm was like."""

    seed: int
    size: Size
    seconds: float = 0
    hours: float = 0  # of virtual time
    kills: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    reviews: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        faults = Counter[str]()
        for (number, _), times in self.faults.items():
            faults[number] += times
        told = {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "virtual hours": round(self.hours, 1),
            "kills": self.kills,
            "taken": dict(sorted(self.taken.items())),
            "faults": dict(sorted(faults.items())),
            "reviews": dict(sorted(self.reviews.items())),
        }
        return "\n".join(f"{name}: {value}" for name, value in told.items())


class Storm:
    """The simulator here, a hub in a process, one clock for both."""

    def __init__(self, seed: int, size: Size, folder: Path, database: str, private_key_pem: bytes | None) -> None:
        self.size = size
        self.now = START
        # In memory: these books are not what is killed here.
        self.simulator = simulator = Simulator(clock=lambda: self.now, seed=seed, private_key_pem=private_key_pem)
        self.random = Random(seed)
        self.outcome = Outcome(seed, size)
        self.phones = {f"h-{n:03d}": f"2547{n:08d}" for n in range(1, size.households + 1)}
        self.base_url = ""
        self.repeat: list[dict[str, Any]] = []  # payouts whose answer was lost: they are wished for again
        self.days = 0
        business = simulator.business
        self.hub = HubProcess(
            folder,
            simulator,
            {
                "database": database,
                "phones": self.phones,
                "config": {
                    "short_code": int(business.short_code),
                    "passkey": business.passkey,
                    "consumer_key": business.consumer_key,
                    "consumer_secret": business.consumer_secret,
                    "initiator": business.initiator,
                    "initiator_password": business.initiator_password,
                    # Behind a proxy of ours, as it were: what comes with a false X-Forwarded-For is held.
                    "callback_sources": ["127.0.0.0/8"],
                    "trusted_proxies": 1,
                    "confirm_above_kes": _CALLBACK_KES,
                },
            },
        )

    async def step(self, seconds: float) -> None:
        """Let time go on, with room for both sides to act."""
        self.now += timedelta(seconds=seconds)
        self.hub.set_clock(self.now)
        await asyncio.sleep(0.012)

    # What people do

    async def wish(self, kind: str) -> None:
        """Somebody wants something; what the hub refuses was not to be had."""
        random = self.random
        home = random.choice(list(self.phones))
        is_small = int(home[2:]) % 2
        kes = random.randrange(10, _CALLBACK_KES) if is_small else random.randrange(_CALLBACK_KES, _MOST_KES)
        wish = {"kind": kind, "id": f"{random.getrandbits(64):x}", "household": home, "kes": kes}
        match kind:
            case "by hand":
                with contextlib.suppress(ClientError):
                    url = f"{self.base_url}/_simulator/subscribers/{self.phones[home]}/pay"
                    body = json.dumps({"kes": kes, "account": account_number(int(home[2:]))})
                    async with self.hub.session.post(url, data=body) as response:
                        assert response.status == 201, await response.text()
                self.outcome.taken[kind] += 1
                return
            case "reversal":
                paid = self.rows("SELECT receipt FROM movement WHERE kind = 'c2b'")
                if not paid:
                    return
                wish["id"] = random.choice(paid)["receipt"]
            case "payout" if self.repeat:
                wish = self.repeat.pop()
        answer = await self.hub.ask("POST", "wish", wish)
        if answer is None and kind == "payout":
            self.repeat.append(wish)  # the same id: the same payout
        elif answer is not None and answer["refused"] is None:
            self.outcome.taken[kind] += 1

    def kinds(self) -> list[str]:
        """What is wanted next: as often as it is still to come."""
        asked = self.outcome.taken["top_up"] + self.outcome.taken["order"]
        top_ups = max(self.size.top_ups - asked, 3)
        # Nobody has money at first.
        payouts = max(self.size.payouts - self.outcome.taken["payout"], 1) if asked > self.size.households else 0
        weights = [top_ups * 0.85, top_ups * 0.15, payouts * 1.5, top_ups * 0.08, top_ups * 0.03]
        names = ["top_up", "order", "payout", "by hand", "reversal"]
        return self.random.choices(names, weights, k=_AT_ONCE)

    @property
    def progress(self) -> float:
        asked = self.outcome.taken["top_up"] + self.outcome.taken["order"]
        return min(asked / self.size.top_ups, self.outcome.taken["payout"] / self.size.payouts)

    async def rage(self) -> None:
        """Let it storm until as much was taken as is to be, and every fault and every death has happened."""
        random = self.random
        faults = [
            (number, variant)
            for number, fault in FAULTS.items()
            for variant in fault.variants
            if (number, variant) not in (_FORGED_BEFORE, *_TOO_SLOW)
        ]
        random.shuffle(faults)
        faults.sort(key=lambda fault: fault[0] != "F31")  # the balance is asked for each hour, and at each start
        steps = (self.size.top_ups + self.size.payouts) // 2
        deaths = sorted(random.sample(range(5, max(steps, self.size.kills * 2) + 5), self.size.kills))
        arms = {deaths[0] + 1 + number * steps // len(faults): fault for number, fault in enumerate(faults)}
        self.arm_storm()
        start_at = self.now
        number = 0
        while self.progress < 1 or deaths or arms or self.not_yet(faults):
            number += 1
            assert number < 4 * steps + 600, f"never happened: {self.not_yet(faults)}, {self.outcome}"
            for at in [at for at in arms if at <= number]:
                self.arm(*arms.pop(at))
            wishes = [self.wish(kind) for kind in self.kinds()]
            if deaths and deaths[0] <= number and self.hub.pid is not None:
                deaths.pop(0)
                await asyncio.gather(*wishes, self._die(random.random() * 0.05))
                start_at = self.now + timedelta(seconds=random.randrange(60))
            else:
                await asyncio.gather(*wishes)
            if self.hub.pid is None and self.now >= start_at:
                await self.hub.start()
            if number % _OPERATOR_EVERY == 0:
                await self.operate()
            # When only M-Pesa's own doings are awaited, hours pass: the balance is asked for once in each.
            is_done = self.progress >= 1 and not deaths and not arms
            await self.step(60 if is_done else random.uniform(1, 5))

    async def _die(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await self.hub.kill()
        self.outcome.kills += 1

    def arm_storm(self) -> None:
        """Begin the scenario; callbacks are forged in a race, and early for those who pay much."""
        for number, probability in SCENARIOS["storm"].items():
            variant = "race" if number == _FORGED else ""
            seconds = _SECONDS.get(number)
            self.simulator.faults.arm(number, None, variant=variant, probability=probability, seconds=seconds)
        for home, phone in self.phones.items():
            if int(home[2:]) % 4 == 0:
                self.simulator.faults.arm(_FORGED, None, variant="paid", probability=0.3, phone=phone)

    def arm(self, number: str, variant: str) -> None:
        # What may befall any product would mostly hit questions; money is what matters.
        product = "" if FAULTS[number].product != "any" else self.random.choice(["stk", "stk", "b2c", "c2b"])
        if number in ("F14", "F15", "F16", "F29"):
            product = self.random.choice(["stk", "b2c"])
        self.simulator.faults.arm(number, variant=variant, product=product, seconds=_SECONDS.get(number))

    def not_yet(self, faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [fault for fault in faults if not self.simulator.faults.happened[fault]]

    # What the operator does, who sees M-Pesa's portal: the simulator's truth

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.simulator.books.rows(sql, *values)

    async def operate(self) -> int:
        """Mend what is broken and decide what can be decided; return how many decisions were taken."""
        if self.hub.pid is None:
            return 0
        if self.hub.certificate_pem != self.simulator.certificate_pem:
            await self.hub.kill()  # it reads the new certificate at its start
            await self.hub.start()
        self.simulator.initiator.reset()
        await self.hub.ask("POST", "register")
        self.days += 1
        await self.hub.ask("POST", f"day?later={self.days}")
        taken = 0
        for review in await self.hub.ask("GET", "reviews") or []:
            decision = judge(review, self.rows, self.phones, self.random)
            answer = await self.hub.ask("POST", "decide", {"id": review["id"], **decision})
            if answer is not None and answer["refused"] is None:
                self.outcome.reviews[f"{review['kind'].partition(':')[0]} {decision['action'] or '-'}"] += 1
                taken += 1
        return taken

    async def calm(self) -> None:
        """After the storm: give everything time, take M-Pesa's statement in, decide what is left."""
        self.simulator.faults.disarm()
        while self.repeat:
            await self.wish("payout")
        for minutes in range(60 * 60):  # a payout is asked about for two days
            if minutes % 20 == 0:
                await self.operate()
            await self.step(2 if minutes < 60 else 10 if minutes < 600 else 60)
            if minutes % 10 == 0 and not await self.is_busy():
                break
        else:
            raise AssertionError(f"it never comes to rest: {await self.hub.ask('GET', 'open')}, {self.outcome}")
        await self.step(600)  # what M-Pesa takes back unasked
        # A decision may set off payments, and these something to decide.
        decisions = 0
        for rounds in range(10):
            while await self.is_busy():
                await self.step(2)
            if rounds >= 3 and not decisions:
                break
            url = f"{self.base_url}/_simulator/statement.csv"
            async with self.hub.session.get(url) as response:
                data = await response.read()
            await self.hub.ask("POST", "statement", data)
            decisions = await self.operate()
            await self.step(60)

    async def is_busy(self) -> bool:
        told = await self.hub.ask("GET", "open")
        books = self.simulator.control.summary(0)
        on_the_way = self.rows("SELECT 1 FROM delivery WHERE outcome = 'lost'")
        return bool(
            told is None
            or told["open"] + told["news"]
            or books["open_prompts"] + books["open_payouts"] + books["undelivered"]
            or on_the_way
        )


@asynccontextmanager
async def storm(
    seed: int, size: Size, folder: Path, where: Path | str, private_key_pem: bytes | None = None
) -> AsyncIterator[Storm]:
    """Found a community on a new database, and let a storm rage and calm down; the hub is dead then."""
    began_at = monotonic()
    database = Database.open(where)
    made = Storm(seed, size, folder, str(where), private_key_pem)
    simulator = made.simulator
    await database.write(lambda c: _found(c, made.phones))
    await database.close()
    for number, (home, phone) in enumerate(made.phones.items()):
        behaviour = _BEHAVIOURS.get(number % 10, "pays")
        simulator.control.add_subscriber(
            Subscriber(phone=phone, name=home, balance_kes=400_000, behaviour=behaviour)
        )
    # Not a TestServer: that one drops a request whose caller dies, and the callbacks that were to go out with it.
    runner = web.AppRunner(simulator.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with made.hub.living(made.base_url):
            await made.step(0)
            await made.hub.start()
            await made.rage()
            if made.hub.pid is None:
                await made.hub.start()
            await made.calm()
            await made.hub.kill()
        made.outcome.seconds = monotonic() - began_at
        made.outcome.hours = (made.now - START).total_seconds() / 3600
        made.outcome.faults = Counter(simulator.faults.happened)
        yield made
    finally:
        await runner.cleanup()
        simulator.close()


def _found(connection: Connection, phones: dict[str, str]) -> None:
    sizes = {"rated_pv_w": 0, "main_breaker_w": 0, "applied_at": START, "phone_sealed": b"", "status": "admitted"}
    for number, (home, phone) in enumerate(phones.items(), start=1):
        key = number.to_bytes(32)
        values = {"id": home, "number": number, "name": home, "key": key, "meter": key, "community_id": "green"}
        connection.execute(insert(household).values(**values, **sizes, phone_hash=_BOOK.hash(phone)))
