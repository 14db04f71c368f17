"""A village that does everything a token can live through, round after round, whoever kills its hub in between.

A round is a period (minted and burned), a sale (locked), a purchase of a part of it (released), a cancellation
(refunded), and one of six changes: a suspension and readmission, a pause, other approvers, a lost device, other
verifiers, another key of the hub. Every step may be begun again: what has happened is looked up, not remembered.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from energy_swap_hub import metering
from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.community import check_community
from energy_swap_hub.chain.directory import community_chain, household_account
from energy_swap_hub.chain.intent import open_intents
from energy_swap_hub.chain.keys import HubKeys, LocalCoSigner, load_keys
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.proposal_store import Proposal, Stage
from energy_swap_hub.data_folder import locked_data_folder
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.settlement import messages
from energy_swap_hub.settlement.periods import next_period
from energy_swap_hub.settlement.proposals import (
    ask_approvers,
    ask_hub,
    ask_minters,
    ask_readmission,
    ask_recovery,
    ask_suspension,
    set_pause,
    sign_proposal,
)
from energy_swap_hub.settlement.tokens import TokenDesk
from energy_swap_protocol.message import (
    AnyMessage,
    BuyOrder,
    CancelOrder,
    GrantAllowance,
    SellOrder,
    sign_message,
)
from energy_swap_protocol.period import Period
from energy_swap_protocol.transaction import allowance_message, lock_message
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from tests.hub.verifier.verified import program_on
from tests.hub.village import (
    ALLOWED_WH,
    APPROVERS,
    MPESA,
    OPENED,
    PERIOD,
    VILLAGE,
    Home,
    Village,
    community,
    database_of,
)

from .mortality import Mortality
from .neighbourhood import MortalDatabase
from .outside import Outside

CHANGES: Final = 6
_VERIFIERS: Final = 4  # the round of a cycle in which minting goes to other verifiers, and that of another hub
_HUB: Final = 5
_IDS: Final = UUID("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d")
_OTHERS: Final = tuple(Keypair.from_seed(bytes([n]) * 32) for n in (204, 205, 206, 207))
_TRIES: Final = 300


class Life(Village):
    """The village with what its people know: keys of all devices, and what they have signed."""

    outside: Outside

    async def step_over(self, is_done: Callable[[], Awaitable[bool]]) -> None:
        """Let settlement and chain work until ``is_done``."""
        for _ in range(_TRIES):
            if await is_done():
                return
            await self.advance()
            await self.chain_works()
        raise RuntimeError(f"not done after {_TRIES} looks: {[i.id for i in await self.intents()][:10]}")

    async def all_is_sent(self) -> None:
        async def is_sent() -> bool:
            return not await self.read(lambda c: open_intents(c, VILLAGE, 1))

        await self.advance()
        await self.step_over(is_sent)

    # A round's steps

    async def period(self, number: int) -> None:
        """Amina exports, Chebet takes, and what they measured is booked, minted and burned."""
        period = Period(OPENED + number * PERIOD, PERIOD)
        self.now = max(self.now, period.end)
        if (await self.read(lambda c: next_period(c, self.community))).start <= period.start:
            nets = {self.amina.id: 900, self.brian.id: 200, self.chebet.id: -300}
            for home in self.homes:
                if home.last.measured_at < period.end.timestamp():
                    net = nets.get(home.id, 0)
                    await self.deliver(home, home.measure(period.end, max(net, 0), max(-net, 0)))
        await self.all_is_sent()

    async def say(self, name: str, home: Home, make: Callable[[UUID], Awaitable[AnyMessage]]) -> dict[str, Any]:
        """A household signs once and sends until it is answered; the same again is answered again."""
        message_id = uuid5(_IDS, name)
        envelope = self.outside.said(str(message_id))
        if envelope is None:
            envelope = sign_message(await make(message_id), home.key)
            self.outside.say(str(message_id), envelope)
        return await self.database.write(lambda c: messages.receive(c, self.desk, envelope, self.now))

    async def sale(self, number: int) -> UUID:
        """Amina locks 300 Wh for sale; one whose lock expired while the hub was away is signed anew."""
        for attempt in range(20):

            async def make(order: UUID) -> AnyMessage:
                lock = self.amina.sign(
                    lambda chain: lock_message(chain, self.amina.pubkey, 300, order), await self.info()
                )
                return SellOrder(**self.head(order), wh=300, at_least=900, valid_until=None, lock=lock)

            answer = await self.say(f"sale/{number}/{attempt}", self.amina, make)
            await self.all_is_sent()
            order = UUID(answer["order"])
            if (await self.order(order))["status"] != "refused":
                return order
        raise RuntimeError("a lock expired twenty times")

    async def purchase(self, number: int) -> None:
        async def make(order: UUID) -> AnyMessage:
            return BuyOrder(**self.head(order), wh=100, at_most=1_000, valid_until=None)

        await self.say(f"purchase/{number}", self.chebet, make)

    async def cancellation(self, number: int, order: UUID) -> None:
        async def make(message: UUID) -> AnyMessage:
            return CancelOrder(**self.head(message), order=order)

        await self.say(f"cancellation/{number}", self.amina, make)
        await self.all_is_sent()

    async def change(self, number: int) -> None:
        """One of the six."""
        match number % CHANGES:
            case 0:
                await self.decided("suspend", number, ask_suspension, self.brian.id)
                await self.decided("readmit", number, ask_readmission, self.brian.id)
            case 1:
                await self.paused(number, is_paused=True)
                await self.paused(number, is_paused=False)
            case 2:
                chain = await self.read(lambda c: community_chain(c, VILLAGE))
                keys = _OTHERS if APPROVERS[0].pubkey() in chain.approvers else APPROVERS
                rent = await self.chain.multisig_lamports()
                await self.decided("approvers", number, ask_approvers, [k.pubkey() for k in keys], 2, rent)
            case 3:
                await self.decided("suspend", number, ask_suspension, self.david.id)
                new = SigningKey(device_seed(number))
                (holding,) = await self.chain.holdings([await self.account_of(self.david)])
                assert holding is not None
                key = Pubkey(bytes(new.verify_key))
                await self.decided("recover", number, ask_recovery, self.david.id, key, holding.wh)
                self.david.key = new
            case _ if number % CHANGES == _VERIFIERS:
                rent = await self.chain.multisig_lamports()
                verifiers = self.chain.configured_verifiers
                await self.decided("minters", number, ask_minters, verifiers, rent)
            case _:
                rent = await self.chain.multisig_lamports()
                await self.decided("hub", number, ask_hub, self.chain.next_hub, rent)
                for home in self.homes:
                    await self.allowed_anew(number, home)

    async def allowed_anew(self, number: int, home: Home) -> None:
        """Let the hub's new key burn, as the household's edge does by itself; one that expired is signed anew."""
        for attempt in range(20):
            if await self.allowance(home):
                return

            async def make(message: UUID) -> AnyMessage:
                approval = home.sign(
                    lambda chain: allowance_message(chain, home.pubkey, ALLOWED_WH, message), await self.info()
                )
                return GrantAllowance(**self.head(message), wh=ALLOWED_WH, approval=approval)

            await self.say(f"allowance/{number}/{home.id}/{attempt}", home, make)
            await self.all_is_sent()
        raise RuntimeError("an allowance expired twenty times")

    async def account_of(self, home: Home) -> Pubkey:
        return (await self.read(lambda c: household_account(c, VILLAGE, home.id))).account

    async def paused(self, number: int, *, is_paused: bool) -> None:
        word = f"{'pause' if is_paused else 'resume'} in round {number}"
        stopped = {i.id for i in await self.intents() if i.kind == "pause"}
        wanted = f"{'pause' if is_paused else 'resume'}:{2 * (number // CHANGES) + (1 if is_paused else 2)}"
        if wanted not in stopped:
            await self.database.write(
                lambda c: set_pause(c, VILLAGE, is_paused=is_paused, who="office", reason=word, now=self.now)
            )

        async def is_so() -> bool:
            chain = await self.read(lambda c: community_chain(c, VILLAGE))
            return chain.is_paused == is_paused or wanted in stopped

        await self.step_over(is_so)
        if not is_paused:
            await self.all_is_sent()

    async def decided(self, kind: str, number: int, ask: Callable[..., Proposal], *arguments: Any) -> None:
        """Have the approvers decide something; what failed or was forestalled is asked for again."""
        word = f"round {number}"

        async def known() -> Proposal | None:
            found = await self.read(lambda c: proposal_store.proposals(c, VILLAGE, tuple(Stage)))
            return next((p for p in found if (p.kind, p.reason) == (kind, word)), None)

        async def is_done() -> bool:
            proposal = await known()
            assert proposal is not None
            if proposal.stage is Stage.OPEN:
                await self.sign(proposal)
            assert proposal.stage not in (Stage.FAILED, Stage.OUTDATED), proposal
            return proposal.stage is Stage.DONE

        if await known() is None:
            said: dict[str, Any] = {"who": "office", "reason": word, "now": self.now}
            await self.database.write(lambda c: ask(c, VILLAGE, *arguments, **said))
        await self.step_over(is_done)
        await self.all_is_sent()

    async def sign(self, proposal: Proposal) -> None:
        def one(connection: Connection, approver: Keypair) -> None:
            found = proposal_store.get(connection, VILLAGE, proposal.id)
            if found.stage is not Stage.OPEN:
                return
            paper = paper_for(connection, found, approver.pubkey())
            if paper.messages:
                signatures = [approver.sign_message(message) for message in paper.messages]
                sign_proposal(connection, VILLAGE, proposal.id, approver.pubkey(), signatures, self.now)

        chain = await self.read(lambda c: community_chain(c, VILLAGE))
        for approver in [key for key in (*APPROVERS, *_OTHERS) if key.pubkey() in chain.approvers][:2]:
            await self.database.write(lambda c, a=approver: one(c, a))  # type: ignore[misc]

    async def prove(self) -> None:
        """Check the books, every wallet on the chain, every authority, and that nothing was done twice."""
        await self.check()
        node = Node(self.localnet.client())
        chain = await self.read(lambda c: community_chain(c, VILLAGE))
        await check_community(node, chain)
        history = await node.call("getSignaturesForAddress", str(chain.mint), {"limit": 1_000})
        said = Counter(item["memo"] for item in history if item["err"] is None and item["memo"])
        twice = {memo: times for memo, times in said.items() if times > 1}
        assert not twice, twice


def device_seed(number: int) -> bytes:
    """Return the seed of the device that David has since round ``number``."""
    return number.to_bytes(4, "big") * 8


def keys_for(folder: Path, number: int) -> HubKeys:
    """Return the hub's keys as they lie there in round ``number``.

    In one round of a cycle minting goes to two others, in the next another key takes the hub's place.
    """
    pilot = load_keys(folder / "keys")
    changes = range(_VERIFIERS, number + 1, CHANGES)
    others = [
        [LocalCoSigner(Keypair.from_seed(bytes([which]) + change.to_bytes(31, "big"))) for which in (1, 2)]
        for change in changes
    ]
    every = [pilot.co_signers, *others]
    hubs = [pilot.hub, *(Keypair.from_seed(change.to_bytes(32, "big")) for change in range(_HUB, number, CHANGES))]
    following = Keypair.from_seed(number.to_bytes(32, "big")) if number % CHANGES == _HUB else None
    return HubKeys(hubs[-1], every[-1], [one for pair in every[:-1] for one in pair], following)


@asynccontextmanager
async def open_life(folder: Path, outside: Outside, mortality: Mortality | None) -> AsyncIterator[Life]:
    """Open the village in ``folder`` as a hub opens its own: lock, tables, lease, chain, token."""
    number, step = outside.position
    now = OPENED + (number + (step > 0)) * PERIOD  # a round's first step takes its period
    async with AsyncExitStack() as stack:
        stack.enter_context(locked_data_folder(folder))
        database = MortalDatabase.open(database_of(folder))
        database.mortality = mortality
        stack.push_async_callback(database.close)
        await database.take_lease(VILLAGE, "soak")
        opened: list[Life] = []
        localnet = await LocalnetService.open(folder / "localnet.sqlite", lambda: opened[0].now if opened else now)
        stack.push_async_callback(localnet.close)
        client = localnet.client()
        stack.push_async_callback(client.close)
        life = Life(folder, database, localnet, client, now, community(), MPESA, keys_for(folder, number))
        opened.append(life)
        life.outside = outside
        life.desk = replace(life.desk, tokens=TokenDesk(life.keys.hub, life.keys.next_hub))
        if (folder / "trust-mode").exists():
            life.program = await program_on(localnet, folder, life.keys.hub)
        await life.chain.open_community(VILLAGE, [key.pubkey() for key in APPROVERS], 2, life.program)
        if number:
            await _remember(life, number)
        yield life


async def _remember(life: Life, number: int) -> None:
    """Let the people know what they knew: the meters' registers, and which key David's device has."""
    for home in life.homes:
        last = await life.read(lambda c, h=home: metering.latest(c, h.last.meter))  # type: ignore[misc]
        home.last = last or home.last
    bound = (await life.read(lambda c: by_id(c, VILLAGE, life.david.id))).key
    for change in range(number + 1):
        device = SigningKey(device_seed(change))
        if bytes(device.verify_key) == bound:
            life.david.key = device
