"""A village and its verifier in one process, joined by real HTTP only; tests start and stop either."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp.test_utils import TestServer, unused_port
from energy_swap_hub import metering
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.community import CommunityChain, fund
from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.chain.intent import Intent, find
from energy_swap_hub.chain.keys import CoSigned, CoSignRequest, HubKeys, ReserveCoSigner, load_hub_key
from energy_swap_hub.chain.localnet.__main__ import application
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.outbox import enqueue_mint_period
from energy_swap_hub.chain.payload import Mint, Payload, Transfer
from energy_swap_hub.chain.trust import deploy, program_bytes
from energy_swap_hub.chain.verifier import RemoteCoSigner
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.period_states import replace_intent
from energy_swap_hub.storage import Database
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.transaction import token_account
from energy_swap_verifier.config import VerifierConfig, load_key
from energy_swap_verifier.service import running_verifier
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from sqlalchemy import Connection, insert, select

from tests.hub.village import APPROVERS, MPESA, VILLAGE, Home, Village, community


class Verified:
    """The village, and its verifier, which can be stopped and started again."""

    def __init__(self, folder: Path, village: Village, config: VerifierConfig, remote: RemoteCoSigner) -> None:
        self.folder = folder
        self.village = village
        self.config = config
        self.remote = remote
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start the verifier on its folder."""
        key = load_key(self.config.data)
        await self._stack.enter_async_context(running_verifier(self.config, key, self.village.clock))

    async def stop(self) -> None:
        """Stop the verifier."""
        await self._stack.aclose()

    @property
    def now(self) -> datetime:
        return self.village.now

    @property
    def node(self) -> Node:
        return Node(self.village.localnet.client())

    async def chain(self) -> CommunityChain:
        return await self.village.read(lambda c: community_chain(c, VILLAGE))

    async def account(self, home: Home) -> str:
        return str(token_account(home.pubkey, (await self.chain()).mint))

    async def mint(
        self,
        period: str,
        mints: Sequence[Mint],
        releases: Sequence[Transfer] | None = None,
        *,
        minutes: int | None = None,
    ) -> list[Intent]:
        """Have the hub ask for a mint of the test's making, and return what became of it."""
        given = [Transfer(m.account, m.wh) for m in mints] if releases is None else releases
        start = datetime.fromisoformat(period.partition(".")[0])

        def ask(connection: Connection) -> tuple[str, ...]:
            ids = enqueue_mint_period(connection, VILLAGE, period, mints, given, self.now, minutes=minutes)
            row = tables.period.c
            if connection.execute(select(row.start).where(row.start == start)).first() is None:
                counts = {"supply_wh": 0, "demand_wh": 0, "traded_wh": 0, "intents": list(ids)}
                values = {
                    "community_id": VILLAGE,
                    "start": start,
                    "state": "booked",
                    "booked_at": self.now,
                } | counts
                connection.execute(insert(tables.period).values(values))
            else:
                replace_intent(connection, VILLAGE, start, "", ids)
            return ids

        ids = await self.village.database.write(ask)
        for _ in ids:
            await self.village.chain_works()
        return [await self.intent(intent_id) for intent_id in ids]

    async def intent(self, intent_id: str) -> Intent:
        found = await self.village.read(lambda c: find(c, VILLAGE, intent_id))
        assert found is not None, intent_id
        return found

    async def export(self, home: Home, wh: int, *, minutes: int = 29) -> Mint:
        """Let a meter measure over the next minutes; return the mint that this proves."""
        first = home.last
        start = home.measure(self.now)
        self.village.now += timedelta(minutes=minutes)
        end = home.measure(self.now, export_wh=wh)
        assert first.sequence < home.last.sequence
        return Mint(home.id, await self.account(home), wh, (frame_to_text(start), frame_to_text(end)))

    async def ask(self, payload: Payload, wire: bytes) -> CoSigned:
        """Ask the verifier past the hub's own rules, with the hub's key."""
        hub = self.village.desk.tokens.hub
        return await self.remote.co_sign(
            CoSignRequest(VILLAGE, "test", payload, wire, hub.sign_message(wire), hub)
        )


async def program_on(localnet: LocalnetService, folder: Path, payer: Keypair) -> Pubkey:
    """Return the trust mode's program on an embedded chain, put there the first time that it is asked for."""
    known = folder / "program"
    if not known.exists():
        program, client = Keypair(), localnet.client()
        slots = asyncio.create_task(localnet.run_slots(0.005))
        await fund(Node(client), payer.pubkey())
        await deploy(Node(client), payer, program, program_bytes())
        slots.cancel()
        await client.close()
        await localnet.tick(2)  # a program runs from the slot after its deployment on
        known.write_text(str(program.pubkey()))
    return Pubkey.from_string(known.read_text())


@asynccontextmanager
async def open_verified(
    folder: Path, *, is_trusting: bool = False, rules: CommunityConfig | None = None
) -> AsyncIterator[Verified]:
    """Open the village in ``folder`` with its verifier; whoever made the folder founds it.

    One that ``is_trusting`` is founded with the trust mode; its program is put on the chain the first time.
    """
    rules = rules or community()
    async with AsyncExitStack() as stack:
        database = Database.open(folder / "hub.sqlite")
        stack.push_async_callback(database.close)
        begin = datetime(2026, 11, 20, 9, 1, tzinfo=UTC)
        clock: list[Village] = []
        localnet = await LocalnetService.open(folder / "localnet.sqlite", lambda: clock[0].now if clock else begin)
        stack.push_async_callback(localnet.close)
        client = localnet.client()
        stack.push_async_callback(client.close)
        node = await stack.enter_async_context(TestServer(application(localnet)))
        hub = load_hub_key(folder / "keys")
        program = await program_on(localnet, folder, hub) if is_trusting else None
        config = VerifierConfig(
            data=folder / "verifier",
            community=VILLAGE,
            hub=str(hub.pubkey()),
            approvers=tuple(str(key.pubkey()) for key in APPROVERS),
            approvals_needed=2,
            period_minutes=rules.period_minutes,
            chain_url=str(node.make_url("/")),
            port=unused_port(),
            trust_program=None if program is None else str(program),
        )
        key = load_key(config.data)
        remote = RemoteCoSigner(
            f"http://127.0.0.1:{config.port}", key.pubkey(), lambda: clock[0].now if clock else begin
        )
        keys = HubKeys(hub, [remote, ReserveCoSigner(load_key(folder / "reserve").pubkey())])
        village = Village(folder, database, localnet, client, begin, rules, MPESA, keys)
        village.program = program
        clock.append(village)
        verified = Verified(folder, village, config, remote)
        stack.push_async_callback(verified.stop)
        await verified.start()
        for home in village.homes:
            last = await database.read(lambda c, h=home: metering.latest(c, h.last.meter))  # type: ignore[misc]
            home.last = last or home.last
        yield verified
