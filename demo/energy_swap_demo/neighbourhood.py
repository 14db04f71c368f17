"""The neighbourhood's parts, in order: broker, Daraja, chain, verifier, hub, meters, edges. All are real."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from energy_swap_daraja_simulator.business import Business
from energy_swap_edge.config import EdgeConfig, MqttConfig
from energy_swap_hub.chain.keys import load_hub_key
from energy_swap_hub.config import (
    CommunityConfig,
    HubConfig,
    LimitsConfig,
    PhonesConfig,
    RewardPolicy,
    SmsConfig,
    UserConfig,
)
from energy_swap_hub.config import VerifierConfig as HubVerifier
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.sign_in import hash_password
from energy_swap_verifier.config import VerifierConfig, load_key

from .approvers import ApproverDevice, keep_approvers
from .broker import Broker
from .clock import SharedClock
from .daraja import daraja_settings
from .edge_client import EdgeClient, pair
from .households import ADMISSIONS_NEEDED, COMMUNITY_START, HOUSEHOLDS, Household, PromptHabit
from .hub_console import HubConsole
from .metering import Metering
from .processes import Child, Children
from .profile import Profile, read_profiles
from .settings import COMMUNITY, Folder, Settings, from_json, to_json, write_private

_HOST: Final = "127.0.0.1"
_NAIROBI: Final = (-1.2864, 36.8172)
_SAVINGS_KES: Final = 20_000
_PATIENCE_SECONDS: Final = 240.0
_TARIFF: Final = Tariff(
    valid_from=COMMUNITY_START,
    community_fee_cents_per_kwh=40,
    grid_fee_cents_per_kwh=150,
    retail_cents_per_kwh=2_100,
    feed_in_cents_per_kwh=0,
)


class Neighbourhood:
    """Twelve households with everything behind them; use as a context manager."""

    def __init__(self, folder: Folder, settings: Settings, root: Path) -> None:
        self.folder = folder
        self.settings = settings
        self.ports = settings.ports
        self._root = root
        self._stack = AsyncExitStack()
        self._edges: dict[int, EdgeClient] = {}
        self._hub: Child | None = None
        self._verifier: Child | None = None
        self.profiles: dict[int, Profile] = read_profiles()
        self.approvers: tuple[ApproverDevice, ...] = keep_approvers(folder.approvers)
        self.children = Children(folder.logs)

    @property
    def hub_url(self) -> str:
        """Where the hub and its console are."""
        return f"http://{_HOST}:{self.ports.hub}"

    @property
    def daraja_url(self) -> str:
        """Where the Daraja simulator is."""
        return f"http://{_HOST}:{self.ports.daraja}"

    @property
    def chain_url(self) -> str:
        """Where the chain's JSON-RPC is."""
        return f"http://{_HOST}:{self.ports.localnet}"

    def edge_url(self, number: int) -> str:
        """Where a household's edge is."""
        return f"http://{_HOST}:{self.ports.edges[number - 1]}"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        folder = self.folder
        folder.logs.mkdir(parents=True, exist_ok=True)
        self.clock = (
            SharedClock.open(folder.clock)
            if folder.clock.exists()
            else SharedClock.create(folder.clock, COMMUNITY_START)
        )
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
        self.session = await self._stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        broker = Broker(folder.path / "broker", folder.logs, self.ports.broker)
        self._stack.push_async_callback(broker.stop)
        await broker.start()
        self._stack.push_async_callback(self.children.stop_all)
        await self._start_daraja()
        await self._module("localnet", "energy_swap_hub.chain.localnet", "--port", self.ports.localnet,
                           "--data", folder.localnet)  # fmt: skip
        await self._wait_for(self.chain_url)
        write_private(folder.verifier_config, to_json(self._verifier_config()))
        self._verifier = await self._module("verifier", "energy_swap_demo.verifier_process", folder.path)
        write_private(folder.hub_config, to_json(self._hub_config()))
        self._hub = await self._module("hub", "energy_swap_demo.hub_process", folder.path)
        self.console = HubConsole(self.session, self.hub_url, "auditor", self.settings.secrets.auditor)
        await self._wait_for(f"{self.hub_url}/health")
        await self._start_meters()
        write_private(folder.edges_config, to_json([self._edge_config(h) for h in HOUSEHOLDS]))
        folder.pairing.unlink(missing_ok=True)
        await self._module("edges", "energy_swap_demo.edges_process", folder.path)
        await self._connect_edges()

    # Parts

    async def _module(self, name: str, module: str, *arguments: object) -> Child:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return await self.children.start(name, command, environment={"PYTHONUNBUFFERED": "1"})

    async def _wait_for(self, url: str) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                self.children.raise_if_any_died()
                try:
                    async with self.session.get(url):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def _start_daraja(self) -> None:
        await self._module("daraja", "energy_swap_demo.simulator_process", self.folder.path, self.ports.daraja)
        await self._wait_for(f"{self.daraja_url}/_simulator/clock")
        async with self.session.get(f"{self.daraja_url}/_simulator/certificate") as response:
            self.folder.certificate.write_bytes(await response.read())
        for household in HOUSEHOLDS:
            subscriber = {
                "phone": household.phone,
                "name": household.full_name,
                "balance_kes": _SAVINGS_KES,
                "behaviour": "cancels" if household.habit is PromptHabit.CANCELS else "pays",
            }
            async with self.session.post(f"{self.daraja_url}/_simulator/subscribers", json=subscriber) as response:
                response.raise_for_status()

    async def set_habit(self, household: Household, behaviour: str) -> None:
        """Decide what the household's person does with the next prompt: pays, cancels, ignores or manual."""
        url = f"{self.daraja_url}/_simulator/subscribers/{household.phone}"
        async with self.session.patch(url, json={"behaviour": behaviour}) as response:
            response.raise_for_status()

    async def daraja_books(self) -> dict[str, Any]:
        """Return the simulator's own books."""
        async with self.session.get(f"{self.daraja_url}/_simulator/books?movements=100000") as response:
            response.raise_for_status()
            return dict(await response.json())

    async def rpc(self, method: str, *params: Any) -> Any:
        """Ask the chain directly, past the hub."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        async with self.session.post(self.chain_url, json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def _start_meters(self) -> None:
        self.metering = await Metering.prepare(
            self.profiles,
            root=self._root,
            folder=self.folder.meters,
            logs=self.folder.logs,
            start=COMMUNITY_START,
            broker_port=self.ports.broker,
        )
        self._stack.push_async_callback(self.metering.stop)
        await self.metering.start(full_minute(self.clock.now()))

    async def _connect_edges(self) -> None:
        tokens: dict[str, str] = {}
        if self.folder.clients.exists():
            tokens = from_json(self.folder.clients.read_bytes(), dict[str, str])
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not self.folder.pairing.exists():
                self.children.raise_if_any_died()
                await asyncio.sleep(0.05)
        for household in HOUSEHOLDS:
            name = str(household.number)
            if name not in tokens:
                code = self.pairing_code(household.number)
                tokens[name] = await pair(self.session, self.edge_url(household.number), code)
            client = EdgeClient(self.session, self.edge_url(household.number), tokens[name])
            self._edges[household.number] = await self._stack.enter_async_context(client)
        write_private(self.folder.clients, to_json(tokens))

    def edge(self, number: int) -> EdgeClient:
        """Return the connection to a household's edge."""
        return self._edges[number]

    def pairing_code(self, number: int) -> str:
        """Return the code that pairs the next client with a household's edge."""
        return from_json(self.folder.pairing.read_bytes(), list[str])[number - 1]

    async def kill_hub(self) -> None:
        """Kill the hub as a power cut would, and start it again."""
        async with self.without_hub():
            pass

    @asynccontextmanager
    async def without_hub(self) -> AsyncIterator[None]:
        """Kill the hub as a power cut would; start it again when the context ends."""
        assert self._hub is not None
        await self._hub.kill()
        yield
        await self._hub.start()
        await self._wait_for(f"{self.hub_url}/health")

    async def kill_verifier(self) -> None:
        """Kill the verifier as a power cut would, and start it again."""
        assert self._verifier is not None
        await self._verifier.kill()
        await self._verifier.start()

    # Configurations

    def _verifier_config(self) -> VerifierConfig:
        return VerifierConfig(
            data=self.folder.verifier,
            host=_HOST,
            port=self.ports.verifier,
            community=COMMUNITY,
            hub=str(load_hub_key(self.folder.hub / "keys").pubkey()),
            approvers=tuple(str(device.public_key) for device in self.approvers),
            approvals_needed=ADMISSIONS_NEEDED,
            chain_url=self.chain_url,
        )

    def _hub_config(self) -> HubConfig:
        secrets, business = self.settings.secrets, Business()
        return HubConfig(
            data=self.folder.hub,
            host=_HOST,
            port=self.ports.hub,
            chain_url=self.chain_url,
            # Both keys are in this demo's folder; a community gives each to somebody else.
            verifiers=(
                HubVerifier(
                    key=str(load_key(self.folder.verifier).pubkey()), url=f"http://{_HOST}:{self.ports.verifier}"
                ),
                HubVerifier(key=str(load_key(self.folder.reserve).pubkey())),
            ),
            # A day passes in a minute or so, and everybody calls from this machine.
            limits=LimitsConfig(address_per_second=0, key_per_second=0),
            # The simulated phones take any SMS, so a code that pairs a phone is read on its page.
            phones=PhonesConfig(
                sms=SmsConfig(
                    url=f"{self.daraja_url}/_simulator/sms",
                    encoding="json",
                    fields={"phone": "{phone}", "text": "{text}", "sender": "EnergySwap"},
                )
            ),
            users=(
                UserConfig("admin", "admin", hash_password(secrets.admin)),
                UserConfig("auditor", "auditor", hash_password(secrets.auditor)),
            ),
            community=CommunityConfig(
                id=COMMUNITY,
                name="Jua Mtaani",
                opened_at=COMMUNITY_START,
                approvers=tuple(str(device.public_key) for device in self.approvers),
                approvals_needed=ADMISSIONS_NEEDED,
                tariffs=(_TARIFF,),
                rewards=RewardPolicy(cents_per_kwh=200),
            ),
            daraja=daraja_settings(business, self.daraja_url, self.hub_url, self.folder.certificate),
        )

    def _edge_config(self, household: Household) -> EdgeConfig:
        return EdgeConfig(
            data_dir=self.folder.edges / str(household.number),
            name=household.name,
            phone=household.phone,
            hub_url=self.hub_url,
            community=COMMUNITY,
            mqtt=MqttConfig(host=_HOST, port=self.ports.broker),
            meter=self.metering.public_keys[household.number].hex(),
            rated_pv_w=household.rated_pv_w,
            main_breaker_w=household.main_breaker_w,
            api_host=_HOST,
            api_port=self.ports.edges[household.number - 1],
            latitude=_NAIROBI[0],
            longitude=_NAIROBI[1],
            sell_at_least=household.sell_at_least,
            buy_at_most=household.buy_at_most,
        )


def full_minute(time: datetime) -> datetime:
    """Return the full minute that ``time`` is in."""
    return time - timedelta(seconds=time.second, microseconds=time.microsecond)
