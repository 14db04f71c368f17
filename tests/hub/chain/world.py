"""A community on a real embedded chain, with households that act as their edges would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from energy_swap_hub.chain import (
    Chain,
    HubKeys,
    Intent,
    Stage,
    State,
    Transfer,
    enqueue_household_transaction,
    enqueue_mint_period,
    enqueue_open_account,
    find,
    load_keys,
    paper_for,
    proposals,
    sign,
)
from energy_swap_hub.chain.approvals import Paper, send_approved
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.payload import Mint
from energy_swap_hub.chain.proposal_store import Proposal
from energy_swap_hub.storage import Database
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading
from energy_swap_protocol.transaction import (
    ChainInfo,
    allowance_message,
    complete_as_hub,
    lock_message,
    sign_as_household,
)
from nacl.signing import SigningKey
from solana.rpc.async_api import AsyncClient
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from sqlalchemy import Connection

COMMUNITY = "kibera-01"
APPROVERS = sorted((Keypair.from_seed(bytes([n] * 32)) for n in (101, 102, 103)), key=lambda k: str(k.pubkey()))


def now() -> datetime:
    return datetime.now(UTC)


def frame(meter: int, export_wh: int, at: int = 1_763_640_000) -> str:
    """A reading as a meter signs it."""
    key = SigningKey(bytes([meter] * 32))
    return frame_to_text(sign_reading(Reading(bytes(key.verify_key), at, at, export_wh, 0, export_wh), key))


type Tick = Callable[[int], Awaitable[None]]


class World:
    """One hub with its chain; `restart` is what remains after a kill."""

    def __init__(self, database: Database, client: AsyncClient, keys: HubKeys, tick: Tick) -> None:
        self.database = database
        self.client = client
        self.node = Node(client)
        self.keys = keys
        self.finals: list[Intent] = []
        self.chain = self.new_chain()
        self.community: CommunityChain
        self.tick_slots = tick

    def new_chain(self, client: AsyncClient | None = None) -> Chain:
        """Another hub process on the same database and keys."""
        return Chain(
            self.database, client or self.client, self.keys, now, lambda _c, finals: self.finals.extend(finals)
        )

    async def tick(self, slots: int = 1) -> None:
        """Let slots pass."""
        await self.tick_slots(slots)

    async def open(self, needed: int = 2, program: Pubkey | None = None) -> None:
        approvers = [k.pubkey() for k in APPROVERS]
        self.community = await self.chain.open_community(COMMUNITY, approvers, needed, program)

    async def intent(self, intent_id: str) -> Intent:
        found = await self.database.read(lambda c: find(c, COMMUNITY, intent_id))
        assert found is not None, intent_id
        return found

    async def done(self, intent_id: str, chain: Chain | None = None) -> Intent:
        """Send until the intent is final."""
        async with asyncio.timeout(60):
            while True:
                await (chain or self.chain).send_waiting()
                intent = await self.intent(intent_id)
                if intent.state in {State.CONFIRMED, State.FAILED}:
                    return intent
                await asyncio.sleep(0.05)

    async def confirmed(self, intent_id: str) -> Intent:
        intent = await self.done(intent_id)
        assert intent.state is State.CONFIRMED, intent.error
        return intent

    async def enqueue[T](self, change: Callable[[Connection], T]) -> T:
        return await self.database.write(change)

    async def open_account(self, household: str, owner: Pubkey) -> Pubkey:
        account = await self.enqueue(lambda c: enqueue_open_account(c, COMMUNITY, household, owner, now()))
        await self.confirmed(f"open:{household}")
        return account

    async def proposal(self, kind: str, household: str | None = None) -> Proposal:
        """The newest proposal of a kind."""
        found = await self.database.read(lambda c: proposals(c, COMMUNITY, tuple(Stage)))
        return next(one for one in found if (one.kind, one.household) == (kind, household))

    async def paper(self, proposal: Proposal, approver: Pubkey) -> Paper:
        return await self.database.read(lambda c: paper_for(c, proposal, approver))

    async def sign(self, proposal: Proposal, approver: Keypair) -> Paper:
        """An approver's device: fetch, sign everything off-line, hand in."""
        paper = await self.paper(proposal, approver.pubkey())
        signatures = [approver.sign_message(message) for message in paper.messages]
        return await self.enqueue(lambda c: sign(c, COMMUNITY, proposal.id, approver.pubkey(), signatures, now()))

    async def sign_admission(self, household: str, approver: Keypair) -> int:
        return len((await self.sign(await self.proposal("admit", household), approver)).signed)

    async def admit_intent(self, household: str) -> str:
        return (await self.proposal("admit", household)).id

    async def decide(self, proposal: Proposal, *approvers: Keypair) -> Intent:
        """Have a panel sign, and the chain carry it out; an unsigned household's things are in order before."""
        for approver in approvers or APPROVERS[: self.community.needed]:
            await self.sign(proposal, approver)
        complete = await self.proposal(proposal.kind, proposal.household)
        if complete.kind == "suspend":
            await self.enqueue(lambda c: send_approved(c, complete, now()))
        await self.tick()
        return await self.confirmed(proposal.id)

    async def household(self, name: str, seed: int) -> Household:
        """An admitted household."""
        key = Keypair.from_seed(bytes([seed] * 32))
        account = await self.open_account(name, key.pubkey())
        for approver in APPROVERS[: self.community.needed]:
            await self.sign_admission(name, approver)
        await self.tick()
        await self.confirmed(await self.admit_intent(name))
        return Household(self, name, key, account)

    async def give(self, household: Household, wh: int, period: str) -> None:
        """Mint an export to ``household``."""
        mint = Mint(household.name, str(household.account), wh, (frame(household.seed[0], wh),))
        await self.enqueue(
            lambda c: enqueue_mint_period(
                c, COMMUNITY, period, [mint], [Transfer(str(household.account), wh)], now()
            )
        )
        await self.confirmed(f"mint:{period}")


class Household:
    """A household's edge: it signs with its own key what it builds from the hub's chain information."""

    def __init__(self, world: World, name: str, key: Keypair, account: Pubkey) -> None:
        self.world = world
        self.name = name
        self.key = key
        self.seed = key.secret()
        self.account = account

    async def balance(self) -> int:
        return await self.world.chain.balance_wh(self.account)

    async def lock(self, wh: int, order: UUID | None = None) -> str:
        order = order or uuid4()
        return await self._send(f"lock:{order}", lambda info: lock_message(info, self.key.pubkey(), wh, order))

    async def allow(self, wh: int) -> str:
        number = uuid4()
        return await self._send(
            f"allow:{number}", lambda info: allowance_message(info, self.key.pubkey(), wh, number)
        )

    async def signed(self, build: Callable[[ChainInfo], MessageV0]) -> VersionedTransaction:
        info = (await self.world.chain.chain_info(COMMUNITY)).info()

        def expected(blockhash: Hash) -> MessageV0:
            return build(ChainInfo(info.mint, info.escrow, info.hub, blockhash))

        text = sign_as_household(build(info), self.seed)
        return complete_as_hub(text, expected, self.key.pubkey(), self.world.keys.hub)

    async def _send(self, intent_id: str, build: Callable[[ChainInfo], MessageV0]) -> str:
        transaction = await self.signed(build)
        return await self.world.enqueue(
            lambda c: enqueue_household_transaction(c, COMMUNITY, intent_id, transaction, now())
        )


@asynccontextmanager
async def new_world(
    folder: Path, client: AsyncClient, tick: Tick, *, needed: int = 2, founds: bool = True
) -> AsyncIterator[World]:
    database = Database.open(folder / "hub.sqlite")
    world = World(database, client, load_keys(folder / "keys"), tick)
    try:
        if founds:
            await world.open(needed)
        yield world
    finally:
        await database.close()
