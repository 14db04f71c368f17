"""The edge carries commands to the meter and its signed answers back, claims it, and fills its display."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import msgspec
import pytest
from energy_swap_edge.edge import Edge
from energy_swap_edge.meter_control import display_words
from energy_swap_protocol.message import SwitchConnection
from energy_swap_protocol.relay import Outcome, Reason, RelayReport, claim_meter, sign_report, to_text

from .broker import Broker
from .meter import Meter
from .small_hub import SmallHub, until
from .test_local_api import connected


@asynccontextmanager
async def heard(broker: Broker, meter: Meter) -> AsyncIterator[dict[str, list[str]]]:
    """What is published under the meter's topics, by topic."""
    said: dict[str, list[str]] = {}

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            said.setdefault(message.topic.value.split("/", 2)[2], []).append(message.payload.decode())

    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe(meter.topic("#"), qos=1)
        task = asyncio.create_task(listen(client))
        yield said
        task.cancel()


def report(meter: Meter, *, is_open: bool = False, sequence: int = 0) -> str:
    said = RelayReport(
        meter.public_key, 1_795_174_200, sequence, 0, is_open, False, Outcome.DONE, Reason.PREPAID_USED_UP
    )
    return to_text(sign_report(said, meter.key))


async def test_a_report_goes_to_the_hub_and_its_command_to_the_meter(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    hub.relay_command = "a signed command"
    async with heard(broker, meter) as said:
        await broker.publish(meter.topic("relay/state"), report(meter), retain=True)
        await until(lambda: "a signed command" in said.get("relay/set", []))
        assert hub.relay_reports[-1] == report(meter)
        assert admitted_edge.state["relay"] == {
            "is_closed": True, "reason": "prepaid_used_up", "protected": False, "wanted": None, "asked_off": None,
        }  # fmt: skip
        await broker.publish(meter.topic("relay/state"), report(meter, is_open=True, sequence=1), retain=True)
        await until(lambda: admitted_edge.state["relay"]["is_closed"] is False)
        await until(lambda: len(hub.relay_reports) == 2)
        assert said["relay/set"] == ["a signed command"], "the same command is published once"


async def test_a_wish_to_be_off_goes_to_the_hub_signed_and_its_command_to_the_meter_at_once(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    async with heard(broker, meter) as said, connected(admitted_edge) as client:
        await broker.publish(meter.topic("relay/state"), report(meter), retain=True)
        await until(lambda: len(hub.relay_reports) == 1)
        answer = await client.command("switch_connection", on=False)
        assert answer["result"]["status"] == "accepted"
        wish = hub.messages[-1]
        assert isinstance(wish, SwitchConnection)
        assert wish.on is False
        # The hub's view changes, so the edge asks for the command now, not in a minute.
        hub.relay = {"is_asked_off": True, "is_protected": False, "wanted": "asked_by_household"}
        hub.relay_command = "open it"
        await hub.push()
        await until(lambda: said.get("relay/set") == ["open it"])
        relay = admitted_edge.state["relay"]
        assert (relay["is_closed"], relay["wanted"], relay["asked_off"]) == (True, "asked_by_household", True)


async def test_what_a_person_is_told_of_the_claim(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    def status() -> str | None:
        enrolment = admitted_edge.state["enrolment"]
        return None if enrolment is None else str(enrolment["status"])

    async def says(authority: str | None) -> None:
        enrolment = {"meter": meter.hex, "authority": authority}
        await broker.publish(meter.topic("enrolment"), msgspec.json.encode(enrolment), retain=True)

    assert status() is None
    await says(None)
    await until(lambda: status() == "unclaimed")
    await broker.publish(meter.topic("relay/state"), report(meter))
    await until(lambda: bool(hub.relay_reports))
    await says(hub.relay_authority)
    await until(lambda: status() == "claimed")
    await says("cd" * 32)
    await until(lambda: status() == "claimed_elsewhere")


async def test_what_another_meter_signed_is_not_believed(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await broker.publish(meter.topic("relay/state"), report(Meter(seed=7), is_open=True), "rubbish", report(meter))
    await until(lambda: admitted_edge.state["relay"] is not None)
    assert admitted_edge.state["relay"]["is_closed"] is True
    await until(lambda: bool(hub.relay_reports))
    assert hub.relay_reports == [report(meter)]


async def test_the_meter_is_claimed_for_the_hubs_key(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    async with heard(broker, meter) as said, connected(admitted_edge) as client:

        async def as_the_meter() -> None:
            await until(lambda: bool(said.get("claim")))
            enrolment = {"meter": meter.hex, "authority": hub.relay_authority}
            await broker.publish(meter.topic("enrolment"), msgspec.json.encode(enrolment), retain=True)

        answering = asyncio.create_task(as_the_meter())
        answer: dict[str, Any] = await client.command("claim_meter", code="2048 1632")
        await answering
        assert answer["result"]["status"] == "claimed"
        authority = bytes.fromhex(hub.relay_authority)
        assert said["claim"] == [to_text(claim_meter(meter.public_key, authority, "20481632"))]
        refused = await client.command("claim_meter", code="2048163x")
        assert "eight digits" in refused["error"]["message"]


async def test_the_display_has_money_first(admitted_edge: Edge, broker: Broker, meter: Meter) -> None:
    assert admitted_edge.state["wallet"] is not None
    async with heard(broker, meter) as said:
        await broker.publish(meter.topic("relay/state"), report(meter))
        await until(lambda: bool(said.get("display")))
        assert said["display"][-1].splitlines()[0] == "KSh 123.45"


@pytest.mark.parametrize(
    ("wallet", "market", "words"),
    [
        (None, None, None),
        ({"kes_cents": 123_450, "ekwh_wh": 12_340}, None, "KSh 1,234.50\n12.3 kWh\n"),
        (
            {"kes_cents": 0, "ekwh_wh": 0},
            {"clearing_cents_per_kwh": 1_875},
            "KSh 0.00\n0.0 kWh\nPrice 18.75",
        ),
    ],
)
def test_words_of_the_display(
    wallet: dict[str, int] | None, market: dict[str, Any] | None, words: str | None
) -> None:
    assert display_words(wallet, market) == words
