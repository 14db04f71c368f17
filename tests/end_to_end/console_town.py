"""A real hub beside a real Daraja and a chain's node, and its console in one Chromium."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.credential import new_key
from energy_swap_demo.browser import DESKTOP, Browser, listen_for_errors
from energy_swap_demo.daraja import daraja_settings
from energy_swap_hub import metering
from energy_swap_hub.chain.keys import load_hub_key
from energy_swap_hub.chain.localnet.__main__ import application as node_application
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.config import HubConfig, PhonesConfig, SmsConfig, UserConfig, VerifierConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import SellOrder
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.transaction import ChainInfo, lock_message
from energy_swap_verifier.approve_command import approve
from energy_swap_verifier.config import ApproverConfig, load_key
from energy_swap_verifier.config import VerifierConfig as OwnVerifierConfig
from energy_swap_verifier.service import running_verifier
from playwright.async_api import Page
from solders.keypair import Keypair

from tests.hub.village import OPENED, PERIOD, VILLAGE, Home, community, found_in, homes
from tests.hub.web.conftest import API, PASSWORD, Hub, Person
from tests.hub.web.phones import Gateway, Phone, running_gateway

AXE = Path(__file__).parents[2] / "hub/console/node_modules/axe-core/axe.min.js"
SMALL_PHONE = (360, 800)
PATIENCE_SECONDS = 120
# Of the faults that axe-core finds, those that keep people out.
FAULTS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${node.target.flat()}: ${node.failureSummary}`));
}"""


@dataclass(slots=True)
class Moment:
    """The time of everything in the town; a test moves it."""

    now: datetime = OPENED + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class TownHub(Hub):
    """The hub in a time that moves."""

    moment: Moment = field(default_factory=Moment)

    @property
    def now(self) -> int:
        return int(self.moment.now.timestamp())


@dataclass(slots=True)
class Town:
    """The hub, who lives around it, and the browser of its office."""

    hub: TownHub
    simulator: Simulator
    daraja_url: str
    node_url: str
    gateway: Gateway
    browser: Browser
    folder: Path
    homes: list[Home]

    def home(self, name: str) -> Home:
        return next(home for home in self.homes if home.name == name)

    async def until[T](self, look: Callable[[], Awaitable[T]], *, passing: float = 0) -> T:
        """Return what ``look`` sees once it sees something; ``passing`` seconds go by between its looks."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (seen := await look()):
                self.hub.moment.now += timedelta(seconds=passing)
                await asyncio.sleep(0.05)
        return seen

    # The office at its browser

    @asynccontextmanager
    async def screen(
        self, user: str | None, *, size: tuple[int, int] = DESKTOP, is_dark: bool = False
    ) -> AsyncIterator[Page]:
        """Have the console open for ``user``, who is signed in; its console must stay free of errors."""
        cookies = {} if user is None else {"energy_swap_session": await self._session_of(user)}
        async with self.browser.page(self.hub.url, {}, cookies=cookies, size=size, is_dark=is_dark) as page:
            await page.add_init_script(path=AXE)  # the console's policy lets no other script in
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            errors = listen_for_errors(page)
            await page.goto(self.hub.url)
            yield page
            assert not errors, errors

    async def _session_of(self, user: str) -> str:
        person = await self.person(user)
        return next(one.value for one in person.session.cookie_jar if one.key == "energy_swap_session")

    async def person(self, user: str) -> Person:
        """Return ``user`` signed in, without a browser."""
        person = self.hub.person()
        answer = await person.sign_in(user)
        assert answer.status == 200, await answer.text()
        return person

    # The households

    async def household(self, home: Home) -> dict[str, Any]:
        """Return what the hub tells a household of itself."""
        return dict(await (await self.hub.signed(home.key, "GET", "/household")).json())

    async def end_period(self, net_wh: Mapping[str, int]) -> None:
        """Go to the end of the running period, with what each household gave (above zero) or took in it."""
        seconds = PERIOD.total_seconds()
        end = datetime.fromtimestamp((self.hub.now // seconds + 1) * seconds, UTC)
        self.hub.moment.now = end
        for home in self.homes:
            net = net_wh.get(home.name, 0)
            frame = frame_to_text(home.measure(end, max(net, 0), max(-net, 0)))
            answer = await self.hub.signed(home.key, "POST", "/readings", msgspec.json.encode({"frames": [frame]}))
            (result,) = (await answer.json())["results"]
            assert result["status"] == "accepted", result

    async def sell(self, home: Home, wh: int, at_least: int) -> None:
        """Offer energy on the spot market, with the lock that the chain wants."""
        chain = await (await self.hub.session.get(f"{API}/chain")).json()
        info = ChainInfo.parse(**{name: chain[name] for name in ("mint", "escrow", "hub", "blockhash")})
        number = uuid4()
        lock = home.sign(lambda of: lock_message(of, home.pubkey, wh, number), info)
        order = SellOrder(**self.hub.head() | {"id": number}, wh=wh, at_least=at_least, lock=lock)
        answer = await self.hub.send(home.key, order)
        assert answer.status == 200, await answer.text()

    async def phone_of(self, home: Home) -> Phone:
        """Return a phone that ``home`` has paired with the code that came by SMS."""
        phone = Phone.new(self.hub.url, self.hub.now)
        await phone.pair(home.phone, self.gateway)
        return phone

    # The approvers

    async def approve(self, approver: Keypair) -> list[str]:
        """Have an approver look at what waits and sign it with the installed program; return what it told."""
        folder = self.folder / str(approver.pubkey())
        if not folder.exists():
            folder.mkdir(mode=0o700)
            key = folder / "approver.json"
            key.write_text(approver.to_json())
            key.chmod(0o600)
        chain = await (await self.hub.session.get(f"{API}/chain")).json()
        config = ApproverConfig(
            data=folder,
            community=VILLAGE,
            hub_url=self.hub.url,
            hub=chain["hub"],
            mint=chain["mint"],
            chain_url=self.node_url,
        )
        told: list[str] = []
        assert await approve(config, set(), lambda _: True, told.append, self.hub.moment) == 0, told
        return told


@asynccontextmanager
async def running_town(folder: Path, *, has_new_verifiers: bool = False) -> AsyncIterator[Town]:
    """Found a community of four households in ``folder`` and let all of it run.

    ``has_new_verifiers``: its hub is told of verifiers, one of which works, that are to take over from its own.
    """
    data = folder / "hub"
    data.mkdir()
    await asyncio.to_thread(found_in, data)
    moment, residents = Moment(), await _as_founded(data)
    async with AsyncExitStack() as stack:
        node = await LocalnetService.open(data / "localnet.sqlite", moment)
        stack.push_async_callback(node.close)
        slots = asyncio.create_task(node.run_slots())
        stack.push_async_callback(_ended, slots)
        node_url = await _served(stack, node_application(node))
        simulator = Simulator(clock=moment, private_key_pem=new_key(), least_manual_wait=PATIENCE_SECONDS)
        stack.callback(simulator.close)
        daraja_url = await _served(stack, simulator.application())
        gateway = await stack.enter_async_context(running_gateway())
        config = _config(folder, data, simulator, daraja_url, node_url, gateway)
        if has_new_verifiers:
            verifier = _verifier_of(folder, data, config)
            working, reserve = load_key(verifier.data).pubkey(), Keypair().pubkey()
            await stack.enter_async_context(running_verifier(verifier, load_key(verifier.data), moment))
            asked = (
                VerifierConfig(key=str(working), url=f"http://127.0.0.1:{verifier.port}"),
                VerifierConfig(key=str(reserve)),
            )
            config = msgspec.structs.replace(config, verifiers=asked)
        await stack.enter_async_context(running_hub(config, moment))
        url = f"http://127.0.0.1:{config.port}"
        session = await stack.enter_async_context(ClientSession(url))
        hub = TownHub(url, config, session, homes=residents, moment=moment)
        stack.push_async_callback(hub.close)
        for home in residents:
            simulator.control.add_subscriber(Subscriber(phone=home.phone, name=home.name, balance_kes=5_000))
        browser = await stack.enter_async_context(Browser())
        yield Town(hub, simulator, daraja_url, node_url, gateway, browser, folder, list(residents))


async def _as_founded(data: Path) -> tuple[Home, Home, Home, Home]:
    """Return the households with their meters where they stood when they were admitted."""
    found = homes()
    database = Database.open(data / "hub.sqlite")
    for home in found:
        last = await database.read(lambda c, h=home: metering.latest(c, h.last.meter))  # type: ignore[misc]
        assert last is not None
        home.last = last
    await database.close()
    return found


async def _served(stack: AsyncExitStack, application: web.Application) -> str:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _config(
    folder: Path, data: Path, simulator: Simulator, daraja_url: str, node_url: str, gateway: Gateway
) -> HubConfig:
    port = unused_port()
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    (folder / "daraja.pem").write_bytes(simulator.certificate_pem)
    fields = {"username": "kisima", "to": "+{phone}", "message": "{text}"}
    return HubConfig(
        data=data,
        community=community(),
        users=(UserConfig("office", "admin", hashed), UserConfig("regulator", "auditor", hashed)),
        port=port,
        chain_url=node_url,
        phones=PhonesConfig(
            sms=SmsConfig(url=gateway.url, fields=fields, headers={"apiKey": "secret of the gateway"})
        ),
        daraja=daraja_settings(simulator.business, daraja_url, f"http://127.0.0.1:{port}", folder / "daraja.pem"),
    )


def _verifier_of(folder: Path, data: Path, config: HubConfig) -> OwnVerifierConfig:
    """What the holder of a new verifier's key sets, in a folder of its own."""
    own = folder / "verifier"
    own.mkdir(mode=0o700)
    assert config.chain_url is not None
    return OwnVerifierConfig(
        data=own,
        community=VILLAGE,
        hub=str(load_hub_key(data / "keys").pubkey()),
        approvers=config.community.approvers,
        approvals_needed=config.community.approvals_needed,
        chain_url=config.chain_url,
        port=unused_port(),
    )


async def faults(page: Page) -> list[str]:
    """Return the serious and critical faults of accessibility that axe-core finds on the page as it is."""
    return list(await page.evaluate(FAULTS))
