"""A founded village without network: real ledger, metering, settlement and embedded chain; tests move its time."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from energy_swap_hub import ledger, metering
from energy_swap_hub.chain.approvals import paper_for
from energy_swap_hub.chain.chain import Chain
from energy_swap_hub.chain.intent import Intent, State, intents_of, open_intents
from energy_swap_hub.chain.keys import HubKeys, load_keys
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.proposal_store import Stage, proposals
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig, DarajaConfig
from energy_swap_hub.ledger.tables import currency_of
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.households import by_key, households
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.mpesa import MPesa, MPesaConfig
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.settlement import messages, spot, tables
from energy_swap_hub.settlement.ahead_tables import ahead_line
from energy_swap_hub.settlement.allowances import allowance_wh
from energy_swap_hub.settlement.chain_outcomes import ChainOutcomes
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.legal import why_no_payment
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.periods import next_period
from energy_swap_hub.settlement.proposals import ask_meter, sign_proposal
from energy_swap_hub.settlement.purchases import SpotPurchases
from energy_swap_hub.settlement.service import Settlement
from energy_swap_hub.settlement.tokens import TokenDesk
from energy_swap_hub.settlement.totals import totals
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import (
    AnyMessage,
    Application,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    GrantAllowance,
    PayOut,
    SellAhead,
    SellOrder,
    StandingOrder,
    StartAuction,
    sign_message,
)
from energy_swap_protocol.period import Period, period_at
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading
from energy_swap_protocol.transaction import (
    ChainInfo,
    allowance_message,
    lock_message,
    sign_as_household,
    token_account,
)
from nacl.signing import SigningKey
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, select

from tests.hub.append_only import refuse_changes
from tests.hub.postgresql import drop_database, new_database

VILLAGE = "kisima"
OPENED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # noon in Nairobi
PERIOD = timedelta(minutes=30)
GRACE = timedelta(minutes=10)
FEES = 200  # cents per kWh: 50 for the community, 150 for the grid
ALLOWED_WH = 50_000
APPROVERS = tuple(Keypair.from_seed(bytes([n]) * 32) for n in (201, 202, 203))
MPESA = MPesaConfig(
    base_url="http://127.0.0.1:9",
    callback_base_url="http://127.0.0.1:9",
    short_code=600_000,
    passkey="a passkey of the simulator",
    consumer_key="a consumer key",
    consumer_secret="a consumer secret",
    initiator="hub",
    initiator_password="a password of the initiator",
    certificate_pem=b"",
    hmac_secret=b"0123456789abcdef",
)


def community(**changes: Any) -> CommunityConfig:
    """The village's rules."""
    rules: dict[str, Any] = {
        "id": VILLAGE,
        "name": "Kisima",
        "opened_at": OPENED,
        "approvers": tuple(str(key.pubkey()) for key in APPROVERS),
        "approvals_needed": 2,
        "tariffs": (Tariff(OPENED - timedelta(days=1), 50, 150, 2_500, 300),),
    }
    return CommunityConfig(**rules | changes)


def no_daraja(port: int, certificate: Path) -> DarajaConfig:
    """An M-Pesa that nobody answers for, of a hub that listens on ``port``."""
    return DarajaConfig(
        base_url="http://127.0.0.1:9",
        callback_base_url=f"http://127.0.0.1:{port}",
        short_code=600_000,
        passkey="passkey",
        consumer_key="key",
        consumer_secret="secret",
        initiator="hub",
        initiator_password="password",
        certificate=certificate,
    )


@dataclass(slots=True)
class Home:
    """A household as its edge and meter know it."""

    id: str
    name: str
    number: int
    rated_pv_w: int
    key: SigningKey = field(init=False)
    meter_key: SigningKey = field(init=False)
    last: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.key = SigningKey(bytes([self.number]) * 32)
        self.meter_key = SigningKey(bytes([100 + self.number]) * 32)
        self.last = Reading(bytes(self.meter_key.verify_key), 0, int(OPENED.timestamp()), 70_000, 90_000, 80_000)

    @property
    def phone(self) -> str:
        return str(254_712_345_670 + self.number)

    @property
    def pubkey(self) -> Pubkey:
        return Pubkey.from_bytes(bytes(self.key.verify_key))

    def measure(self, at: datetime, export_wh: int = 0, import_wh: int = 0) -> bytes:
        """Return the frame of a new reading; what is exported was generated."""
        before = self.last
        self.last = replace(
            before,
            sequence=before.sequence + 1,
            measured_at=int(at.timestamp()),
            export_wh=before.export_wh + export_wh,
            import_wh=before.import_wh + import_wh,
            generation_wh=before.generation_wh + export_wh,
        )
        return sign_reading(self.last, self.meter_key)

    def application(self, at: datetime, **changes: Any) -> Application:
        """Return the household's application with a reading of its meter."""
        wish: dict[str, Any] = {
            "id": uuid4(),
            "community": VILLAGE,
            "sent_at": int(at.timestamp()),
            "name": self.name,
            "phone": self.phone,
            "meter": bytes(self.meter_key.verify_key).hex(),
            "frame": frame_to_text(self.measure(at)),
            "rated_pv_w": self.rated_pv_w,
            "main_breaker_w": 10_000,
        }
        return Application(**wish | changes)

    def sign(self, build: Callable[[ChainInfo], MessageV0], info: ChainInfo) -> str:
        """Return a household transaction, signed by the household only."""
        return sign_as_household(build(info), bytes(self.key))


def homes() -> tuple[Home, Home, Home, Home]:
    """Two households with panels and two without, as they are before they apply."""
    return (
        Home("h-001", "Amina", 1, 8_000),
        Home("h-002", "Brian", 2, 8_000),
        Home("h-003", "Chebet", 3, 0),
        Home("h-004", "David", 4, 0),
    )


class Village:
    """One hub's rooms put together without web and without tasks: a test says when each does its work."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        localnet: LocalnetService,
        client: AsyncClient,
        now: datetime,
        rules: CommunityConfig,
        mpesa: MPesaConfig,
        keys: HubKeys | None = None,
    ) -> None:
        self.now = now
        self.program: Pubkey | None = None  # of the trust mode, where the village is founded with it
        self.community = rules
        self.database = database
        self.localnet = localnet
        self.amina, self.brian, self.chebet, self.david = homes()
        self.homes: tuple[Home, ...] = (self.amina, self.brian, self.chebet, self.david)
        self.keys = keys = keys or load_keys(folder / "keys")
        self.outcomes = ChainOutcomes(rules, self.clock, lambda: None)
        self.chain = Chain(database, client, keys, self.clock, self.outcomes.final)
        self.payments = PaymentBook(self.clock, lambda _household: None, SpotPurchases(rules, self.clock))
        _secret(folder / "keys" / "callbacks")
        phones = PhoneBook(_secret(folder / "keys" / "phones"))
        self.mpesa = MPesa(
            database=database,
            config=mpesa,
            events=self.payments,
            phone_of=self.phone_of,
            refusal=lambda connection, now: why_no_payment(connection, rules, mpesa.base_url, now),
            clock=self.clock,
            cadence_seconds=0.01,
        )
        self.desk = Desk(rules, phones, self.mpesa, Charges.load(), TokenDesk(keys.hub))
        self.settlement = Settlement(database, self.desk, self.clock, Changes(), lambda: None)

    def clock(self) -> datetime:
        return self.now

    def phone_of(self, connection: Connection, community_id: str, household: str) -> str:
        return self.desk.phone_of(connection, community_id, household)

    # Messages

    async def send(self, home: Home, message: AnyMessage) -> dict[str, Any]:
        """Have ``home`` sign ``message`` and the hub receive it."""
        envelope = sign_message(message, home.key)
        return await self.database.write(lambda c: messages.receive(c, self.desk, envelope, self.now))

    def head(self, message_id: UUID | None = None) -> dict[str, Any]:
        """What every message carries."""
        return {"id": message_id or uuid4(), "community": VILLAGE, "sent_at": int(self.now.timestamp())}

    async def info(self) -> ChainInfo:
        return (await self.chain.chain_info(VILLAGE)).info()

    async def standing(self, home: Home, *, sell: int | None = None, buy: int | None = None) -> None:
        await self.send(home, StandingOrder(**self.head(), sell_at_least=sell, buy_at_most=buy))

    async def choose(self, home: Home, *partners: Home) -> None:
        """Have ``home`` choose its partners."""
        await self.send(home, ChoosePartners(**self.head(), partners=tuple(partner.id for partner in partners)))

    async def sell_ahead(self, home: Home, period: Period, wh: int, at_least: int) -> dict[str, Any]:
        return await self.send(home, SellAhead(**self.head(), period=period.id, wh=wh, at_least=at_least))

    async def buy_ahead(self, home: Home, period: Period, wh: int, at_most: int) -> dict[str, Any]:
        return await self.send(home, BuyAhead(**self.head(), period=period.id, wh=wh, at_most=at_most))

    async def sell_order(
        self, home: Home, wh: int, at_least: int, *, valid_until: datetime | None = None
    ) -> SellOrder:
        """Return a sale with its signed lock, not sent yet."""
        order, info = uuid4(), await self.info()
        lock = home.sign(lambda chain: lock_message(chain, home.pubkey, wh, order), info)
        until = None if valid_until is None else int(valid_until.timestamp())
        return SellOrder(**self.head(order), wh=wh, at_least=at_least, valid_until=until, lock=lock)

    async def sell(self, home: Home, wh: int, at_least: int, *, valid_until: datetime | None = None) -> UUID:
        """Place a sale, let the chain lock the tokens, and return the order's id."""
        order = await self.sell_order(home, wh, at_least, valid_until=valid_until)
        await self.send(home, order)
        await self.chain_works()
        return order.id

    async def buy(
        self, home: Home, wh: int, at_most: int, *, valid_until: datetime | None = None
    ) -> dict[str, Any]:
        until = None if valid_until is None else int(valid_until.timestamp())
        return await self.send(home, BuyOrder(**self.head(), wh=wh, at_most=at_most, valid_until=until))

    async def cancel(self, home: Home, order: UUID | str) -> dict[str, Any]:
        return await self.send(home, CancelOrder(**self.head(), order=UUID(str(order))))

    async def start_auction(
        self, home: Home, wh: int, start_price: int, minutes: int, **terms: int | None
    ) -> UUID:
        """Start an auction, let the chain lock the tokens, and return its id."""
        auction, info = uuid4(), await self.info()
        lock = home.sign(lambda chain: lock_message(chain, home.pubkey, wh, auction), info)
        ends_at = int((self.now + timedelta(minutes=minutes)).timestamp())
        offer: dict[str, Any] = {"wh": wh, "start_price": start_price, "ends_at": ends_at, "lock": lock, **terms}
        await self.send(home, StartAuction(**self.head(auction), **offer))
        await self.chain_works()
        return auction

    async def bid(self, home: Home, auction: UUID, price: int) -> dict[str, Any]:
        return await self.send(home, Bid(**self.head(), auction=auction, price=price))

    async def allow(self, home: Home, wh: int) -> UUID:
        """Send an allowance; it counts once the chain has it."""
        number, info = uuid4(), await self.info()
        approval = home.sign(lambda chain: allowance_message(chain, home.pubkey, wh, number), info)
        await self.send(home, GrantAllowance(**self.head(number), wh=wh, approval=approval))
        return number

    async def pay_out(self, home: Home, kes: int | None = None) -> dict[str, Any]:
        return await self.send(home, PayOut(**self.head(), kes=kes))

    # What happens by itself

    async def fund(self, home: Home, cents: int) -> None:
        """Money comes in as M-Pesa's room tells it."""
        receipt = uuid4().hex[:10].upper()
        await self.database.write(
            lambda c: self.payments.received(
                c, community_id=VILLAGE, household_id=home.id, cents=cents, receipt=receipt, at=self.now
            )
        )

    async def chain_works(self) -> None:
        """Let slots pass and the sender do all that waits."""
        await self.localnet.tick()
        await self.chain.send_waiting()

    async def replace_meter(self, home: Home, frame: bytes) -> None:
        """The office asks, two approvers sign on their devices, and the chain carries it out."""
        await self.database.write(
            lambda c: ask_meter(c, VILLAGE, home.id, frame, who="office", reason="burnt", now=self.now)
        )
        for approver in APPROVERS[:2]:
            await self.database.write(partial(_approve, home=home, approver=approver, now=self.now))
        await self.chain_works()

    async def advance(self) -> None:
        """Let settlement do all that is due."""
        while await self.settlement.advance():
            pass

    async def report(self, home: Home, export_wh: int = 0, import_wh: int = 0) -> None:
        """The meter measures now, and the reading arrives."""
        await self.deliver(home, home.measure(self.now, export_wh, import_wh))

    async def deliver(self, home: Home, *frames: bytes) -> None:
        """Readings arrive at the hub, which must accept every one, or know it already."""
        site = Site(home.rated_pv_w, 10_000)
        results = await self.database.write(
            lambda c: metering.accept_frames(
                c,
                VILLAGE,
                home.id,
                meter=home.last.meter,
                site=site,
                received=frames,
                now=self.now,
            )
        )
        assert {result.status for result in results} <= {"accepted", "duplicate"}, results

    async def end_period(self, net_wh: Mapping[str, int] | None = None, *, silent: tuple[str, ...] = ()) -> str:
        """Go to the end of the running period, with what each household gave (above zero) or took; book it.

        Return its id. The readings of ``silent`` households are measured and lost.
        """
        period = await self.database.read(lambda c: next_period(c, self.community))
        self.now = max(self.now, period.end)
        for home in self.homes:
            net = (net_wh or {}).get(home.id, 0)
            frame = home.measure(period.end, max(net, 0), max(-net, 0))
            if home.id not in silent:
                await self.deliver(home, frame)
        if silent and self.now < period.end + GRACE:
            await self.advance()
            assert await self.period_state(period.id) is None, "it waits for the grace time"
            self.now = period.end + GRACE
        await self.advance()
        await self.chain_works()
        return period.id

    # What there is to see

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        return await self.database.read(query)

    async def wallet(self, home: Home) -> dict[str, int]:
        return await self.read(lambda c: ledger.wallet(c, VILLAGE, home.id))

    async def cents(self, home: Home) -> int:
        return (await self.wallet(home))["kes_cents"]

    async def wh(self, home: Home) -> int:
        return (await self.wallet(home))["ekwh_wh"]

    async def allowance(self, home: Home) -> int:
        return await self.read(lambda c: allowance_wh(c, VILLAGE, home.id))

    async def balance(self, account: str) -> int:
        return await self.read(lambda c: ledger.balance(c, VILLAGE, account))

    async def on_chain(self, home: Home) -> int:
        """What lies in the household's account on the chain."""
        return await self.chain.balance_wh(token_account(home.pubkey, (await self.info()).mint))

    def period_after(self, periods: int) -> Period:
        """The period that begins that many periods after the running one."""
        length = timedelta(minutes=self.community.period_minutes)
        return period_at(self.now + periods * length, length)

    async def period_state(self, period_id: str) -> str | None:
        row = tables.period.c
        start = datetime.fromisoformat(period_id)
        return await self.read(lambda c: c.execute(select(row.state).where(row.start == start)).scalar())

    async def position(self, period_id: str, home: Home) -> dict[str, Any]:
        row = tables.position.c
        query = select(tables.position).where(
            row.start == datetime.fromisoformat(period_id), row.household_id == home.id
        )
        return await self.read(lambda c: dict(c.execute(query).mappings().one()))

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        return await self.read(lambda c: [dict(row) for row in c.execute(select(table)).mappings()])

    async def order(self, order: UUID | str) -> dict[str, Any]:
        return await self.read(lambda c: spot.order_answer(c, VILLAGE, str(order)))

    async def intents(self) -> list[Intent]:
        return await self.read(lambda c: intents_of(c, VILLAGE, newest=1_000))

    async def trial_balance(self) -> dict[str, int]:
        return await self.read(lambda c: ledger.trial_balance(c, VILLAGE))

    async def check(self) -> None:
        """Check every standing invariant of docs/architecture.md, section 6."""
        balances = await self.trial_balance()
        sums = {"KES": 0, "eKWh": 0}
        for account, balance in balances.items():
            sums[currency_of(account)] += balance
            assert balance >= 0 or ":" not in account, (account, balance)
        assert sums == {"KES": 0, "eKWh": 0}
        assert await self.read(lambda c: ledger.first_lie(c, VILLAGE)) is None
        assert await self.read(lambda c: open_intents(c, VILLAGE, 10)) == []
        by_households = ("lock:", "allow:")  # these may expire: the household then signs anew
        failed = [
            i.id for i in await self.intents() if i.state is State.FAILED and not i.id.startswith(by_households)
        ]
        assert failed == []
        reviews = [row for row in await self.rows(tables.review) if row["state"] == "open"]
        assert [r["evidence"] for r in reviews if r["kind"] == "settlement_failed"] == []
        outstanding = await self.read(lambda c: ledger.ekwh_outstanding(c, VILLAGE))
        assert await self.chain.supply_wh(VILLAGE) == outstanding
        wallets = [await self.wallet(home) for home in self.homes]
        assert await self.chain.escrow_wh(VILLAGE) == sum(wallet["ekwh_held_wh"] for wallet in wallets)
        assert [await self.on_chain(home) for home in self.homes] == [wallet["ekwh_wh"] for wallet in wallets]
        assert await self.read(lambda c: [totals(c, VILLAGE, home.id) for home in self.homes]) == await self.read(
            lambda c: [summed(c, home) for home in self.homes]
        )

    async def found(self) -> None:
        """Let the households apply, be admitted by two approvers, and allow the hub to burn."""
        await self.chain.open_community(VILLAGE, [key.pubkey() for key in APPROVERS], 2, self.program)
        for home in self.homes:
            await self.send(home, home.application(self.now))
        await self.chain_works()
        for home in self.homes:
            for approver in APPROVERS[:2]:
                await self.database.write(lambda c, h=home, a=approver: _approve(c, h, a, self.now))  # type: ignore[misc]
        await self.chain_works()
        members = await self.read(lambda c: households(c, VILLAGE, status="admitted"))
        assert [member.id for member in members] == [home.id for home in self.homes]
        for home in self.homes:
            await self.allow(home, ALLOWED_WH)
        await self.chain_works()
        assert [await self.allowance(home) for home in self.homes] == [ALLOWED_WH] * len(self.homes)


def summed(connection: Connection, home: Home) -> dict[str, int]:
    """Return a household's totals from all that was ever booked, which are kept as running sums."""
    stand, late, trade = tables.position.c, tables.true_up.c, tables.trade.c

    def total(amount: Any, *where: Any) -> int:
        return int(connection.execute(select(func.coalesce(func.sum(amount), 0)).where(*where)).scalar_one())

    own, beside = stand.household_id == home.id, trade.market.in_(("spot", "auction"))
    money = (ledger.kes(home.id), ledger.kes_held(home.id))
    gained_beside = sum(ledger.posted_by(connection, VILLAGE, a, ("spot", "auction")) for a in money)
    earned_beside = total(trade.cents, beside, trade.seller == home.id)
    line = ahead_line.c
    mine = line.household_id == home.id
    gained, borne = (line.difference_cents > 0, line.difference_cents < 0)
    return {
        "exported_wh": total(stand.export_wh, own) + total(late.export_wh, late.household_id == home.id),
        "imported_wh": total(stand.import_wh, own) + total(late.import_wh, late.household_id == home.id),
        "generated_wh": total(stand.generation_wh, own) + total(late.generation_wh, late.household_id == home.id),
        "sold_wh": total(stand.sold_wh, own)
        + total(trade.wh, beside, trade.seller == home.id)
        + total(line.delivered_wh, mine, line.side == "sell"),
        "bought_wh": total(stand.bought_wh, own)
        + total(trade.wh, beside, trade.buyer == home.id)
        + total(line.delivered_wh, mine, line.side == "buy"),
        "earned_cents": total(stand.earned_cents, own)
        + earned_beside
        + total(line.earned_cents, mine)
        + total(line.difference_cents, mine, gained),
        "spent_cents": total(stand.paid_cents, own)
        + earned_beside
        - gained_beside
        + total(line.paid_cents, mine)
        - total(line.difference_cents, mine, borne),
    }


def _secret(path: Path) -> bytes:
    """Return the secret that a hub finds in ``path`` when it takes the folder over."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(path.name.encode().ljust(32))
    return path.read_bytes()


def _approve(connection: Connection, home: Home, approver: Keypair, now: datetime) -> None:
    household = by_key(connection, bytes(home.key.verify_key))
    assert household is not None
    (proposal,) = [p for p in proposals(connection, VILLAGE, (Stage.OPEN,)) if p.household == household.id]
    paper = paper_for(connection, proposal, approver.pubkey())
    signatures = [approver.sign_message(message) for message in paper.messages]
    sign_proposal(connection, VILLAGE, proposal.id, approver.pubkey(), signatures, now)


@asynccontextmanager
async def open_village(
    folder: Path,
    *,
    now: datetime = OPENED + timedelta(minutes=1),
    rules: CommunityConfig | None = None,
    mpesa: MPesaConfig = MPESA,
) -> AsyncIterator[Village]:
    """Open the village in ``folder``, founding it when there is none."""
    database = Database.open(database_of(folder))
    clock: list[Village] = []
    localnet = await LocalnetService.open(folder / "localnet.sqlite", lambda: clock[0].now if clock else now)
    client = localnet.client()
    try:
        village = Village(folder, database, localnet, client, now, rules or community(), mpesa)
        clock.append(village)
        for home in village.homes:
            last = await database.read(lambda c, h=home: metering.latest(c, h.last.meter))  # type: ignore[misc]
            home.last = last or home.last
        yield village
    finally:
        await client.close()
        await localnet.close()
        await database.close()


def database_of(folder: Path) -> Path | str:
    """Return where the village's database is: in its folder, unless a file there names one of PostgreSQL."""
    url = folder / "database_url"
    return url.read_text() if url.exists() else folder / "hub.sqlite"


def found_in(folder: Path, database_url: str | None = None) -> Path:
    """Found a village once, whose ledger nothing can change; tests work on copies of its folder."""
    if database_url is not None:
        (folder / "database_url").write_text(database_url)

    async def found() -> None:
        async with open_village(folder) as village:
            await village.found()
            await village.database.write(refuse_changes)

    asyncio.run(found())
    return folder


def copy_of(founded: Path, folder: Path) -> Path:
    """Return a copy of a founded village's folder."""
    shutil.copytree(founded, folder)
    if isinstance(url := database_of(founded), str):
        (folder / "database_url").write_text(new_database(url, like=url))
    return folder


def forget(folder: Path) -> None:
    """Remove what of a copy is not in its folder, which pytest removes."""
    if isinstance(url := database_of(folder), str):
        drop_database(url)
