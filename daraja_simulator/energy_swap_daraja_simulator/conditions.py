"""The part of the control API that sets conditions: faults, rules, callbacks, initiator, C2B addresses."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from .catalogue import FAULTS, SCENARIOS
from .clock import iso
from .confirmations import Confirmations
from .orders import Arming, Handling, NewPassword, read
from .rules import Rules
from .wire import answer

if TYPE_CHECKING:
    from .simulator import Simulator


class Conditions:
    """What the simulated world is like, and what is about to go wrong in it."""

    def __init__(self, simulator: Simulator, confirmations: Confirmations) -> None:
        self._simulator = simulator
        self._confirmations = confirmations
        self._books = simulator.books

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        root = "/_simulator"
        return [
            web.get(f"{root}/deliveries", self._deliveries),
            web.post(f"{root}/deliveries/{{number:\\d+}}", self._handle_delivery),
            web.get(f"{root}/faults", self._faults),
            web.post(f"{root}/faults", self._arm),
            web.delete(f"{root}/faults", self._disarm),
            web.get(f"{root}/rules", self._rules),
            web.patch(f"{root}/rules", self._change_rules),
            web.get(f"{root}/initiator", self._initiator),
            web.post(f"{root}/initiator", self._reset_initiator),
            web.get(f"{root}/urls", self._urls),
            web.delete(f"{root}/urls", self._delete_urls),
        ]

    async def _deliveries(self, _request: web.Request) -> web.Response:
        rows = self._books.rows("SELECT * FROM delivery ORDER BY number DESC LIMIT 200")
        return answer(
            {
                "deliveries": [
                    {
                        **{key: row[key] for key in ("number", "channel", "subject", "url", "outcome")},
                        "body": bytes(row["body"]).decode(errors="replace")[:20_000],
                        "due_at": iso(row["due_at"]),
                        "attempted_at": iso(row["attempted_at"]),
                    }
                    for row in rows
                ]
            }
        )

    async def _handle_delivery(self, request: web.Request) -> web.Response:
        handling = await read(request, Handling)
        number, deliveries = int(request.match_info["number"]), self._simulator.deliveries
        match handling.do:
            case "replay":
                is_done = deliveries.replay(number)
            case "drop":
                is_done = deliveries.drop(number)
            case _:
                is_done = deliveries.hold(number, self._simulator.clock() + timedelta(seconds=handling.seconds))
        if not is_done:
            raise web.HTTPNotFound(text="no such callback, or it has left already (then only replay is possible)")
        return answer({})

    async def _faults(self, _request: web.Request) -> web.Response:
        known = {
            number: {"name": fault.name, "product": fault.product, "variants": dict(fault.variants)}
            for number, fault in FAULTS.items()
        }
        scenarios = {name: dict(parts) for name, parts in SCENARIOS.items()}
        faults = self._simulator.faults
        happened: dict[str, dict[str, int]] = {}
        for (number, variant), times in sorted(faults.happened.items()):
            happened.setdefault(number, {})[variant] = times
        told = {"known": known, "scenarios": scenarios, "armed": faults.armed(), "happened": happened}
        return answer(told)

    async def _arm(self, request: web.Request) -> web.Response:
        arming, faults = await read(request, Arming), self._simulator.faults
        try:
            if arming.scenario:
                faults.play(arming.scenario)
            if arming.fault:
                times = arming.times if arming.times != 0 else None if arming.probability < 1 else 1
                faults.arm(
                    arming.fault,
                    times,
                    variant=arming.variant,
                    probability=arming.probability,
                    product=arming.product,
                    phone=arming.phone,
                    seconds=arming.seconds,
                )
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return answer({"armed": faults.armed()})

    async def _disarm(self, _request: web.Request) -> web.Response:
        self._simulator.faults.disarm()
        return answer({"armed": []})

    async def _rules(self, _request: web.Request) -> web.Response:
        return answer(msgspec.to_builtins(self._simulator.rules.now))

    async def _change_rules(self, request: web.Request) -> web.Response:
        kept = msgspec.to_builtins(self._simulator.rules.now)
        try:
            changes = msgspec.json.decode(await request.read(), type=dict[str, Any])
            rules = msgspec.convert({**kept, **changes}, type=Rules)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._simulator.rules.change(rules)
        return answer(msgspec.to_builtins(rules))

    async def _initiator(self, _request: web.Request) -> web.Response:
        return answer(self._simulator.initiator.summary())

    async def _reset_initiator(self, request: web.Request) -> web.Response:
        self._simulator.initiator.reset((await read(request, NewPassword)).password)
        return answer(self._simulator.initiator.summary())

    async def _urls(self, _request: web.Request) -> web.Response:
        return answer({"registered": msgspec.to_builtins(self._confirmations.registration())})

    async def _delete_urls(self, _request: web.Request) -> web.Response:
        self._confirmations.register(None)
        return answer({"registered": None})
