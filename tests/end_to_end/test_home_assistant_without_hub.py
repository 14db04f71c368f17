"""A real edge in a real Home Assistant while the hub is out of reach: found, fed by a broker, restarted, newer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import msgspec
import pytest
import pytest_asyncio
from energy_swap_demo.broker import Broker, free_port
from energy_swap_demo.home_assistant import INTEGRATION, PATIENCE_SECONDS, CommandFailedError, HomeAssistant
from energy_swap_edge.api import server
from energy_swap_edge.config import EdgeConfig, MqttConfig
from energy_swap_edge.edge import Edge

from .conftest import complaints

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

METER = "a1" * 32
ANNOUNCER = Path(__file__).parents[1] / "custom_components" / "announcer"


@dataclass
class House:
    """A household's Home Assistant, broker and edge; its community hub is out of reach."""

    home: HomeAssistant
    broker: Broker
    edge_config: EdgeConfig
    edge: Edge
    entry_id: str
    entities: dict[str, str]

    @asynccontextmanager
    async def showing_power(self, net_w: int, generation_w: int) -> AsyncIterator[None]:
        """Publish, again and again as a meter does, what it measures; who was not listening hears the next one."""
        meter = asyncio.create_task(self._publish_power(net_w, generation_w))
        try:
            yield
        finally:
            meter.cancel()
            with suppress(asyncio.CancelledError):
                await meter

    async def _publish_power(self, net_w: int, generation_w: int) -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
            while True:
                at = int(datetime.now(UTC).timestamp())
                power = msgspec.json.encode({"net_w": net_w, "generation_w": generation_w, "at": at})
                await client.publish(f"energy_swap/{METER}/power", power)
                await asyncio.sleep(0.2)

    async def wait_for(self, key: str, wanted: str) -> None:
        # Home Assistant and the edge come back to each other after waits that grow: 1 s, 2 s, 4 s, 8 s.
        await self.home.wait_for(self.entities[key], lambda state: state == wanted)

    async def issues(self) -> set[str]:
        """Return what Home Assistant shows of us under Repairs."""
        found = (await self.home.command("repairs/list_issues"))["issues"]
        return {issue["translation_key"] for issue in found if issue["domain"] == "energy_swap"}

    async def until_issues(self, wanted: set[str]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.issues() != wanted:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    async def restart_edge(self) -> None:
        await self.edge.stop()
        await self.wait_for("surplus_power", "unavailable")
        self.edge = Edge(self.edge_config, lambda: datetime.now(UTC))
        await self.edge.start()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    broker = Broker(folder / "broker", folder / "logs")
    await broker.start()
    config = EdgeConfig(
        data_dir=folder / "edge",
        name="Amina's house",
        phone="254712345678",
        hub_url=f"http://127.0.0.1:{free_port()}",
        community="kibera",
        mqtt=MqttConfig(host=broker.host, port=broker.port),
        meter=METER,
        rated_pv_w=3000,
        main_breaker_w=9000,
        api_host="127.0.0.1",
        api_port=free_port(),
    )
    edge = Edge(config, lambda: datetime.now(UTC))
    await edge.start()
    home = HomeAssistant(
        folder / "home_assistant",
        free_port(),
        integrations=(INTEGRATION, ANNOUNCER),
        extra_configuration="announcer:\n",
    )
    async with home:
        await home.onboard()
        entry_id = await add_announced(home, edge)
        house = House(home, broker, config, edge, entry_id, await home.entities(entry_id))
        yield house
        await house.edge.stop()
    await broker.stop()


async def add_announced(home: HomeAssistant, edge: Edge) -> str:
    """Let Home Assistant hear what the edge announces, and enter the code that its page shows."""
    async with aiohttp.request("GET", f"http://127.0.0.1:{edge.api_port}/api/v1/info") as response:
        info = await response.json()
    properties = {"id": info["edge_id"], "name": info["name"], "api": str(info["api_version"])}
    data = {"address": "127.0.0.1", "port": edge.api_port, "properties": properties}
    await home.call("announcer", "announce", data, with_response=False)
    flows = await home.command("config_entries/flow/progress")
    (flow,) = [flow for flow in flows if flow["handler"] == "energy_swap"]
    assert flow["context"]["title_placeholders"] == {"name": "Amina's house"}
    step = await home.answer_flow(flow["flow_id"], {"code": edge.pairing_code})
    assert step["type"] == "create_entry", step
    return str(step["result"]["entry_id"])


async def test_live_power_travels_from_the_meters_topic_to_the_entity(house: House) -> None:
    async with house.showing_power(net_w=-1500, generation_w=2100):
        await house.wait_for("surplus_power", "1500")
        await house.wait_for("generation_power", "2100")
    await house.wait_for("hub_connection", "off")
    await house.wait_for("kes_balance", "unavailable")


async def test_an_order_before_admission_is_refused_with_the_reason(house: House) -> None:
    with pytest.raises(CommandFailedError, match="The hub does not know this household yet") as failed:
        await house.home.call("energy_swap", "sell", {"energy": 1, "minimum_price": 18})
    assert failed.value.code == "service_validation_error"


async def test_a_restarted_edge_still_knows_home_assistant(house: House) -> None:
    await house.restart_edge()
    async with house.showing_power(net_w=300, generation_w=0):
        await house.wait_for("net_power", "300")


async def test_an_edge_of_another_age_is_said_to_be_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Home Assistant goes on trying, and is well again when both speak the same version."""
    with monkeypatch.context() as future:
        future.setattr(server, "API_VERSION", 2)
        await house.restart_edge()
        await house.until_issues({"unsupported_version"})
        await house.wait_for("net_power", "unavailable")
    await house.restart_edge()
    await house.until_issues(set())
    async with house.showing_power(net_w=400, generation_w=0):
        await house.wait_for("net_power", "400")


async def test_a_restarted_home_assistant_needs_neither_onboarding_nor_pairing(house: House) -> None:
    credentials = await house.home.onboard()
    await house.home.stop()
    await house.home.start()
    assert await house.home.onboard() == credentials
    async with house.showing_power(net_w=700, generation_w=0):
        await house.wait_for("net_power", "700")


async def test_the_app_tells_where_it_is_and_nothing_has_to_be_typed(house: House) -> None:
    """The real edge introduces itself as it does to the Supervisor, whose place a test's integration takes."""
    home = house.home
    await home.request("DELETE", f"config/config_entries/entry/{house.entry_id}")

    async def supervisor(config: dict[str, Any]) -> bool:
        await home.call("announcer", "discover", {"config": config}, with_response=False)
        return True

    assert await house.edge.introduce(supervisor, "127.0.0.1")
    flows = await home.command("config_entries/flow/progress")
    (flow,) = [flow for flow in flows if flow["handler"] == "energy_swap"]
    assert flow["context"]["source"] == "hassio"
    step = await home.answer_flow(flow["flow_id"], {})
    assert step["type"] == "create_entry", step
    house.entry_id = step["result"]["entry_id"]
    house.entities = await home.entities(house.entry_id)
    async with house.showing_power(net_w=-900, generation_w=1000):
        await house.wait_for("surplus_power", "900")

    # A restart of the app brings a new token, which is taken without a question.
    assert await house.edge.introduce(supervisor, "127.0.0.1")
    flows = await home.command("config_entries/flow/progress")
    assert [flow for flow in flows if flow["handler"] == "energy_swap"] == []
    async with house.showing_power(net_w=-700, generation_w=1000):
        await house.wait_for("surplus_power", "700")


async def test_nothing_in_the_log_is_against_the_integration(house: House) -> None:
    assert complaints(house.home) == []
