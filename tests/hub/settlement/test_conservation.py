"""However readings come, on time, late, twice, in any batches or never: every Wh counts exactly once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import energy_swap_hub.hub  # noqa: F401 - with the hub come all tables
from energy_swap_hub import ledger, metering
from energy_swap_hub.chain.intent import intents_of
from energy_swap_hub.chain.payload import BurnPeriod, Mint, MintPeriod
from energy_swap_hub.chain.tables import chain_community, chain_household
from energy_swap_hub.ledger import BURNED, MINTED, Entry, Posting
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.epochs import start_epoch
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.metering.registers import register_epochs
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.allowances import use_allowance
from energy_swap_hub.settlement.periods import book_next_period
from energy_swap_hub.settlement.settled import start_registers
from energy_swap_protocol.reading import Reading, ReadingFlag, decode_frame, frame_from_text, sign_reading
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, insert, select

from tests.hub.tables import empty_tables
from tests.hub.village import GRACE, OPENED, PERIOD, VILLAGE, community

HOMES = ("h-001", "h-002")
SITE = Site(1_000_000, 1_000_000)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Half:
    """What one household does in one period: its flows by minute, and what becomes of the readings."""

    flows: tuple[tuple[int, int, int], ...]  # (minute, export, import)
    at_end: bool  # whether a reading is measured exactly at the end
    lost: frozenset[int]  # which readings the edge never stored
    is_linked: bool  # whether the edge reaches the hub before the period is booked
    is_mixed_up: bool  # whether it sends the newest first
    is_sent_twice: bool
    new_meter: str  # no, key, flag: how the meter changes in the period's middle


def halves(exports: list[int], imports: list[int]) -> st.SearchStrategy[Half]:
    flow = st.tuples(st.integers(1, 29), st.sampled_from(exports), st.sampled_from(imports))
    return st.builds(
        Half,
        flows=st.lists(flow, min_size=1, max_size=3, unique_by=lambda f: f[0]).map(lambda f: tuple(sorted(f))),
        at_end=st.booleans(),
        lost=st.sampled_from([frozenset(), frozenset(), frozenset({0}), frozenset({1, 2}), frozenset(range(4))]),
        is_linked=st.sampled_from([True, True, False]),
        is_mixed_up=st.sampled_from([False] * 7 + [True]),
        is_sent_twice=st.booleans(),
        new_meter=st.sampled_from(["no"] * 8 + ["key", "flag"]),
    )


# The first mostly gives and the second mostly takes, so that they trade.
lives = st.lists(
    st.tuples(halves([900, 121, 0], [0, 0, 333]), halves([0, 0, 777], [850, 99, 0])), min_size=2, max_size=6
)


@dataclass(slots=True)
class Metered:
    """A household's meter and edge, and what the hub must know of it, counted here by itself."""

    id: str
    seed: int
    key: SigningKey = field(init=False)
    last: Reading = field(init=False)
    stored: list[bytes] = field(default_factory=list)
    bases: list[Reading] = field(default_factory=list)  # the first reading of each epoch
    ended: list[Reading] = field(default_factory=list)  # the last accepted one of each epoch before this

    def __post_init__(self) -> None:
        self.key = SigningKey(bytes([self.seed]) * 32)
        self.last = Reading(bytes(self.key.verify_key), 10, int(OPENED.timestamp()), 7_000, 9_000, 8_000)
        self.bases.append(self.last)

    def frame(self) -> bytes:
        return sign_reading(self.last, self.key)

    def measure(self, at: datetime, export_wh: int, import_wh: int) -> bytes:
        self.last = replace(
            self.last,
            sequence=self.last.sequence + 1,
            measured_at=int(at.timestamp()),
            export_wh=self.last.export_wh + export_wh,
            import_wh=self.last.import_wh + import_wh,
            generation_wh=self.last.generation_wh + export_wh,
            flags=ReadingFlag(0),
        )
        return self.frame()

    def change(self, connection: Connection, at: datetime, how: str) -> None:
        """The meter is replaced, or counts anew; what the old one had not delivered is gone with it."""
        ended = metering.latest(connection, self.last.meter)
        assert ended is not None
        self.ended.append(ended)
        self.stored.clear()
        if how == "key":
            self.seed += 10
            self.key = SigningKey(bytes([self.seed]) * 32)
        self.last = Reading(
            bytes(self.key.verify_key), self.last.sequence + 1 if how == "flag" else 0, int(at.timestamp()),
            3, 5, 4, ReadingFlag.REGISTER_EPOCH_STARTED,
        )  # fmt: skip
        self.bases.append(self.last)
        start_epoch(connection, VILLAGE, self.id, self.frame(), who="office", reason="broken", now=at)

    def counted(self, connection: Connection) -> tuple[int, int, int]:
        """Return what the accepted readings show, epoch by epoch: export, import, generation."""
        latest = metering.latest(connection, self.last.meter)
        assert latest is not None
        spans = list(zip(self.bases, [*self.ended, latest], strict=True))
        return (
            sum(end.export_wh - base.export_wh for base, end in spans),
            sum(end.import_wh - base.import_wh for base, end in spans),
            sum(end.generation_wh - base.generation_wh for base, end in spans),
        )


@contextmanager
def small_village() -> Iterator[tuple[Connection, list[Metered]]]:
    """Yield two admitted households: the first would sell from 10.00, the second has money and buys to 20.00."""
    homes = [Metered(name, number) for number, name in enumerate(HOMES, start=1)]
    pubkey = str(Pubkey.from_bytes(bytes(32)))
    with empty_tables() as connection:
        chain = dict.fromkeys(
            ("genesis", "mint", "authority", "approvers_authority", "escrow", "hub", "verifiers", "approvers"),
            pubkey,
        )
        connection.execute(insert(chain_community).values(community_id=VILLAGE, needed=1, **chain))
        for number, home in enumerate(homes, start=1):
            connection.execute(
                insert(household).values(
                    community_id=VILLAGE, id=home.id, number=number, name=home.id, key=bytes([number] * 32),
                    meter=home.last.meter, phone_sealed=b"", phone_hash=bytes([number]),
                    rated_pv_w=SITE.rated_pv_w,
                    main_breaker_w=SITE.main_breaker_w, status="admitted", applied_at=OPENED, admitted_at=OPENED,
                )
            )  # fmt: skip
            connection.execute(
                insert(chain_household).values(
                    community_id=VILLAGE, household_id=home.id, owner=pubkey, nonce_account=pubkey,
                    account=str(Pubkey.from_bytes(bytes([number] * 32))),
                )
            )  # fmt: skip
            metering.claim_meter(connection, VILLAGE, home.id, home.last.meter, home.frame())
            start_registers(connection, VILLAGE, by_id(connection, VILLAGE, home.id))
            use_allowance(connection, VILLAGE, home.id, -2_000)  # so granted, and soon used up
            connection.execute(
                insert(tables.standing_order).values(
                    community_id=VILLAGE, household_id=home.id, sell_at_least=1_000, buy_at_most=2_000,
                    valid_from=OPENED,
                )
            )  # fmt: skip
            money = (Posting(ledger.kes(home.id), 5_000), Posting(ledger.TRUST_CASH, -5_000))
            ledger.post(connection, VILLAGE, Entry("mpesa", home.id, OPENED, "top-up", money))
        yield connection, homes


def live_through(connection: Connection, home: Metered, start: datetime, half: Half) -> None:
    """Let the household's meter measure through one period; the edge stores what it does not lose."""
    flows = [*half.flows, *([(30, 40, 10)] if half.at_end else [])]
    has_changed = half.new_meter == "no"
    for place, (minute, export_wh, import_wh) in enumerate(flows):
        if not has_changed and minute >= 15:
            has_changed = True
            deliver(connection, home, half, start + minute * MINUTE)
            home.change(connection, start + minute * MINUTE - timedelta(seconds=20), half.new_meter)
        frame = home.measure(start + minute * MINUTE, export_wh, import_wh)
        if place not in half.lost:
            home.stored.append(frame)


def deliver(connection: Connection, home: Metered, half: Half, now: datetime) -> None:
    """Send all that is stored, as it pleases the link."""
    frames = list(reversed(home.stored)) if half.is_mixed_up else list(home.stored)
    for batch in (frames, frames) if half.is_sent_twice else (frames,):
        metering.accept_frames(
            connection, VILLAGE, home.id, meter=home.last.meter, site=SITE, received=batch, now=now
        )
    home.stored.clear()


def summed(connection: Connection, table: object, home: str) -> list[int]:
    row = table.c  # type: ignore[attr-defined]
    columns = (row.export_wh, row.import_wh, row.generation_wh)
    query = select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(row.household_id == home)
    return list(connection.execute(query).one())


def unsettled(connection: Connection, home: Metered) -> list[int]:
    latest = metering.latest(connection, home.last.meter)
    assert latest is not None
    now = register_epochs(connection, VILLAGE).carried(latest)
    row = tables.settled_register.c
    query = select(row.export_wh, row.import_wh, row.generation_wh).where(row.household_id == home.id)
    settled = connection.execute(query).one()
    return [now.export_wh - settled[0], now.import_wh - settled[1], now.generation_wh - settled[2]]


def proven_wh(mint: Mint) -> int:
    """Return the net export that a mint's frames prove, as anybody can work it out who has them."""
    readings = [decode_frame(frame_from_text(text)) for text in mint.frames]
    return sum(
        (b.export_wh - a.export_wh) - (b.import_wh - a.import_wh)
        for a, b in pairwise(readings)
        if a.meter == b.meter and ReadingFlag.REGISTER_EPOCH_STARTED not in b.flags
    )


@settings(max_examples=40, deadline=None)
@given(lives)
def test_every_wh_counts_exactly_once_however_readings_come(life: list[tuple[Half, Half]]) -> None:
    with small_village() as (connection, homes):
        for number, deeds in enumerate(life):
            start = OPENED + number * PERIOD
            for home, half in zip(homes, deeds, strict=True):
                live_through(connection, home, start, half)
                if half.is_linked:
                    deliver(connection, home, half, start + PERIOD)
            booked = book_next_period(connection, community(stages=("community",)), start + PERIOD + GRACE)
            assert booked is not None
        minted = burned = 0
        for home in homes:
            assert [
                sum(parts)
                for parts in zip(
                    summed(connection, tables.position, home.id),
                    summed(connection, tables.true_up, home.id),
                    unsettled(connection, home),
                    strict=True,
                )
            ] == list(home.counted(connection))
        for row in connection.execute(select(tables.position)).mappings():
            net = row["export_wh"] - row["import_wh"]
            minted += max(net, 0)
            burned += row["own_wh"] + row["bought_wh"]
            assert row["own_wh"] + row["bought_wh"] <= max(-net, 0)
        for row in connection.execute(select(tables.true_up)).mappings():
            minted += row["minted_wh"]
            burned += row["burned_wh"]
            net = row["export_wh"] - row["import_wh"]
            assert net == row["minted_wh"] - row["burned_wh"] - row["grid_wh"]
        assert ledger.balance(connection, VILLAGE, MINTED) == -minted
        assert ledger.balance(connection, VILLAGE, BURNED) == burned
        assert ledger.first_lie(connection, VILLAGE) is None
        payloads = [intent.payload for intent in intents_of(connection, VILLAGE, newest=1_000)]
        mints = [mint for p in payloads if isinstance(p, MintPeriod) for mint in p.mints]
        assert [proven_wh(mint) for mint in mints] == [mint.wh for mint in mints]
        assert sum(mint.wh for mint in mints) == minted
        assert sum(burn.wh for p in payloads if isinstance(p, BurnPeriod) for burn in p.burns) == burned
