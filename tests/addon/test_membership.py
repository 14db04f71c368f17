"""The household applies, is admitted, and then does once what is to be done once."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from energy_swap_edge import membership
from energy_swap_protocol.message import Application, GrantAllowance, StandingOrder
from energy_swap_protocol.transaction import ChainInfo, allowance_message, complete_as_hub
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey

from .broker import Broker
from .conftest import MakeEdge
from .meter import Meter
from .small_hub import SmallHub, until


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is repeated after half a minute be repeated after less than a second."""
    defaults = membership.Membership.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "again_seconds", 0.3)


async def apply(make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter) -> None:
    async with make_edge() as edge:
        await until(lambda: edge.is_listening)
        await broker.publish(meter.topic("reading"), meter.next_text())
        await until(lambda: hub.status == "applied")
        await until(lambda: edge.state["membership"] == "applied")


async def test_the_application_waits_for_a_reading_and_carries_it(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    async with make_edge() as edge:
        await until(lambda: edge.is_listening and edge.state["hub"]["status"] == "connected")
        assert edge.state["membership"] == "unknown"
        assert hub.posts == 0
        text = meter.next_text()
        await broker.publish(meter.topic("reading"), text)
        await until(lambda: edge.state["membership"] == "applied")
        (application,) = hub.messages
        assert isinstance(application, Application)
        assert (application.name, application.phone, application.meter, application.frame) == (
            "Amina's house", "254712345678", meter.hex, text
        )  # fmt: skip
        assert hub.household_key == edge.key.public_key
        assert edge.state["wallet"]["kes_cents"] == 12_345


async def test_nothing_is_sent_to_the_hub_before_admission_but_the_application(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    async with make_edge(sell_at_least=1200) as edge:
        await until(lambda: edge.is_listening)
        await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(3)])
        await until(lambda: edge.state["membership"] == "applied")
        await until(lambda: edge.state["hub"]["queue"] == 3 - hub.accepted[0] + 1)
        await asyncio.sleep(0.2)
        assert hub.kinds() == ["apply"]
        assert hub.batches == []


async def test_allowance_and_standing_order_are_sent_once_after_admission(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await apply(make_edge, broker, hub, meter)
    limits = {"sell_at_least": 1200, "buy_at_most": 2600}
    async with make_edge(**limits) as edge:
        await hub.admit()
        await until(lambda: sorted(hub.kinds()) == ["allow", "apply", "standing_order"])
        hub.allowance_wh = 50_000
        for _ in range(3):
            await hub.push()
        await asyncio.sleep(0.2)
        household = edge.key.wallet
    async with make_edge(**limits) as edge:  # and not again after a restart
        await until(lambda: edge.state["membership"] == "admitted")
        await asyncio.sleep(0.3)
    assert sorted(hub.kinds()) == ["allow", "apply", "standing_order"]
    by_kind = dict(zip(hub.kinds(), hub.messages, strict=True))
    order, grant = by_kind["standing_order"], by_kind["allow"]
    assert isinstance(order, StandingOrder)
    assert (order.sell_at_least, order.buy_at_most) == (1200, 2600)
    assert isinstance(grant, GrantAllowance)
    assert grant.wh == 50_000
    # The hub can complete it: every byte is what the message stands for.
    complete_as_hub(grant.approval, _expected_allowance(grant.id, household, hub.payer), household, hub.payer)


async def test_the_allowance_is_replenished_when_it_runs_low(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    await apply(make_edge, broker, hub, meter)
    hub.allowance_wh = 20_000
    async with make_edge() as edge:
        await hub.admit()
        await until(lambda: edge.state["membership"] == "admitted")
        await asyncio.sleep(0.2)
        assert "allow" not in hub.kinds()
        hub.allowance_wh = 19_999
        await hub.push()
        await until(lambda: hub.kinds().count("allow") == 1)
        hub.allowance_wh = 50_000
        await hub.push()
        await asyncio.sleep(0.4)
        assert hub.kinds().count("allow") == 1


async def test_a_refused_allowance_is_made_anew_with_a_fresh_transaction(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    await apply(make_edge, broker, hub, meter)
    hub.refusals["allow"] = (422, "blockhash_expired", "sign again")
    async with make_edge():
        await hub.admit()
        await until(lambda: hub.posts >= 2)
        hub.refusals.clear()
        await until(lambda: "allow" in hub.kinds())


async def test_messages_survive_a_hub_that_acts_and_does_not_answer(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    hub.answers_to_lose = 2
    await apply(make_edge, broker, hub, meter)
    hub.allowance_wh = 50_000
    async with make_edge(sell_at_least=1200):
        hub.answers_to_lose = 2
        await hub.admit()
        await until(lambda: "standing_order" in hub.kinds() and hub.answers_to_lose == 0)
        await asyncio.sleep(0.5)
    assert hub.kinds() == ["apply", "standing_order"]
    assert hub.posts >= 5  # lost answers were asked for again, with the same message


async def test_a_refused_application_is_shown_and_not_repeated_hotly(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    hub.refusals["apply"] = (409, "meter_taken", "this meter already belongs to a household")
    async with make_edge() as edge:
        await until(lambda: edge.is_listening)
        await broker.publish(meter.topic("reading"), meter.next_text())
        await until(lambda: edge.state["hub"]["status"] == "refused")
        await asyncio.sleep(0.8)
        assert hub.posts == 1


def _expected_allowance(message: UUID, household: Pubkey, payer: Keypair) -> Callable[[Hash], MessageV0]:
    def expected(blockhash: Hash) -> MessageV0:
        chain = ChainInfo(Pubkey([3] * 32), Pubkey([4] * 32), payer.pubkey(), blockhash)
        return allowance_message(chain, household, 50_000, message)

    return expected
