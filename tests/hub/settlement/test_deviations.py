"""What happens to bills and tokens when meters, links or people deviate from what is expected of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from energy_swap_hub import metering
from energy_swap_hub.chain.keys import CoSignRefusedError, CoSignRequest, LocalCoSigner
from energy_swap_hub.ledger.tables import entry
from energy_swap_hub.membership.tables import audit, household
from energy_swap_hub.metering.epochs import candidates, start_epoch
from energy_swap_hub.metering.plausibility import Site
from energy_swap_hub.metering.tables import meter_state, quarantine, reading, register_epoch
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.decisions import Action, Decision, decide
from energy_swap_hub.settlement.statements import statement
from energy_swap_hub.web.market_view import period_detail
from energy_swap_protocol.period import period_at
from energy_swap_protocol.reading import Reading, ReadingFlag, sign_reading
from nacl.signing import SigningKey
from solders.signature import Signature
from sqlalchemy import Connection, select, update

from tests.hub.village import (
    ALLOWED_WH,
    GRACE,
    OPENED,
    PERIOD,
    VILLAGE,
    Home,
    Village,
    copy_of,
    open_village,
)

MONEY = 100_000
MINUTE = timedelta(minutes=1)
FAR = timedelta(days=30)


@pytest.fixture
async def market(village: Village) -> Village:
    """Amina sells from 10.00 and Chebet, who has money, buys up to 20.00.

    The price is 10.00 where there is too much, 20.00 where there is too little, and 15.00 where it is just enough.
    """
    await village.standing(village.amina, sell=1_000)
    await village.standing(village.chebet, buy=2_000)
    await village.fund(village.chebet, MONEY)
    return village


async def sent(village: Village, home: Home, *frames: bytes) -> list[str]:
    """Deliver frames and return what became of each."""
    site = Site(home.rated_pv_w, 10_000)
    results = await village.database.write(
        lambda c: metering.accept_frames(
            c, VILLAGE, home.id, meter=home.last.meter, site=site, received=frames, now=village.now
        )
    )
    return [result.status for result in results]


async def true_ups(village: Village) -> list[tuple[object, ...]]:
    """Return (number of the period, household, export, import, minted, burned, grid) of each true-up."""
    rows = sorted(await village.rows(tables.true_up), key=lambda row: (row["start"], row["household_id"]))
    return [
        (
            (row["start"] - OPENED) // PERIOD + 1, row["household_id"], row["export_wh"], row["import_wh"],
            row["minted_wh"], row["burned_wh"], row["grid_wh"],
        )
        for row in rows
    ]  # fmt: skip


async def bill(village: Village, period: str, home: Home) -> tuple[int, int, int, int]:
    """Return (sold Wh, earned cents, bought Wh, paid cents)."""
    row = await village.position(period, home)
    return row["sold_wh"], row["earned_cents"], row["bought_wh"], row["paid_cents"]


async def lines(village: Village, home: Home) -> list[str]:
    found = await village.read(lambda c: statement(c, VILLAGE, home.id, home.name, OPENED - FAR, OPENED + FAR))
    assert (found.totals["other_wh"], found.totals["other_cents"]) == (0, 0)
    return [line.text for line in found.lines]


async def test_a_seller_with_less_than_usual_sells_less_and_owes_nothing(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    sunny = await market.end_period({amina.id: 3_000, chebet.id: -2_000})
    cloudy = await market.end_period({amina.id: 500, chebet.id: -2_000})
    assert await bill(market, sunny, amina) == (2_000, 2_000, 0, 0)
    assert await bill(market, cloudy, amina) == (500, 1_000, 0, 0)
    assert await bill(market, cloudy, chebet) == (0, 0, 500, 1_100)
    assert await market.cents(amina) == 3_000
    assert await market.cents(chebet) == MONEY - 2_400 - 1_100


async def test_a_silent_meter_is_left_out_and_its_next_reading_carries_its_energy(market: Village) -> None:
    amina, brian, chebet = market.amina, market.brian, market.chebet
    await market.standing(brian, sell=1_000)
    first = await market.end_period({amina.id: 2_000, brian.id: 900, chebet.id: -1_000}, silent=(brian.id,))
    assert await bill(market, first, amina) == (1_000, 1_000, 0, 0)
    assert await bill(market, first, chebet) == (0, 0, 1_000, 1_200)
    assert await bill(market, first, brian) == (0, 0, 0, 0)
    second = await market.end_period({brian.id: 100, chebet.id: -400})
    assert await bill(market, second, brian) == (400, 400, 0, 0)
    assert (await market.wh(brian), await true_ups(market)) == (600, [])


async def test_late_export_becomes_the_sellers_own_tokens_and_no_bill_changes(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    stored = [
        amina.measure(OPENED + 15 * MINUTE, export_wh=800),
        amina.measure(OPENED + PERIOD, export_wh=1_200),
    ]
    market.now = OPENED + PERIOD
    for home in market.homes[1:]:
        await market.report(home, import_wh=1_500 if home is chebet else 0)
    market.now += GRACE
    await market.advance()
    first = period_at(OPENED, PERIOD).id
    assert await bill(market, first, chebet) == (0, 0, 0, 0)

    market.now += MINUTE
    assert await sent(market, amina, *stored) == ["accepted"] * 2
    second = await market.end_period({amina.id: 1_000, chebet.id: -700})
    assert await true_ups(market) == [(1, amina.id, 2_000, 0, 2_000, 0, 0)]
    assert await bill(market, first, chebet) == (0, 0, 0, 0)
    assert await bill(market, second, amina) == (700, 700, 0, 0)
    assert await bill(market, second, chebet) == (0, 0, 700, 840)
    assert (await market.wh(amina), await market.cents(amina)) == (2_300, 700)
    assert await market.on_chain(amina) == 2_300
    query = select(entry.c.external_id, entry.c.at, entry.c.booked_at).where(entry.c.source == "true_up")
    [(name, at, booked_at)] = await market.read(lambda c: c.execute(query).all())
    assert name == f"{first}/{amina.id}/{amina.last.sequence - 1}"
    assert (at, booked_at) == (OPENED + PERIOD, OPENED + 2 * PERIOD)
    assert await lines(market, amina) == [
        "Late readings for the period of 2026-11-20 12:00: kept 2.000 kWh as tokens",
        "Period of 2026-11-20 12:30: sold 0.700 kWh at KES 10.00 per kWh for KES 7.00, kept 0.300 kWh as tokens",
    ]
    shown = await market.read(lambda c: period_detail(c, market.community, first))
    assert shown["true_ups"] == [
        {
            "household": amina.id, "export_wh": 2_000, "import_wh": 0, "minted_wh": 2_000, "burned_wh": 0,
            "grid_wh": 0, "booked_at": int((OPENED + 2 * PERIOD).timestamp()),
        }
    ]  # fmt: skip
    # It may sell them like any token.
    order = await market.sell(amina, 2_000, 900)
    assert (await market.order(order))["status"] == "open"


async def test_late_import_uses_own_tokens_and_the_rest_was_the_grids(market: Village) -> None:
    brian = market.brian
    await market.end_period({brian.id: 600})
    stored = brian.measure(OPENED + 2 * PERIOD, import_wh=1_000)
    market.now = OPENED + 2 * PERIOD
    for home in (market.amina, market.chebet, market.david):
        await market.report(home)
    market.now += GRACE
    await market.advance()
    await market.deliver(brian, stored)
    await market.end_period()
    assert await true_ups(market) == [(2, brian.id, 0, 1_000, 0, 600, 400)]
    assert (await market.wh(brian), await market.on_chain(brian)) == (0, 0)
    assert await market.allowance(brian) == ALLOWED_WH - 600
    assert await market.cents(brian) == 0
    assert (await lines(market, brian))[-1] == (
        "Late readings for the period of 2026-11-20 12:30: used 0.600 kWh of own tokens, "
        "the grid delivered 0.400 kWh, which the utility bills"
    )


async def test_late_import_that_the_grid_alone_delivered_has_its_line_on_the_statement(market: Village) -> None:
    brian = market.brian
    stored = brian.measure(OPENED + PERIOD, import_wh=1_000)
    market.now = OPENED + PERIOD + GRACE
    await market.advance()
    await market.deliver(brian, stored)
    await market.end_period()
    assert await true_ups(market) == [(1, brian.id, 0, 1_000, 0, 0, 1_000)]
    assert [line for line in await lines(market, brian) if "Late" in line] == [
        "Late readings for the period of 2026-11-20 12:00: the grid delivered 1.000 kWh, which the utility bills"
    ]
    assert not [line for line in await lines(market, market.amina) if "Late" in line]


async def test_late_import_beyond_the_allowance_is_the_grids(market: Village) -> None:
    brian = market.brian
    await market.end_period({brian.id: 600})
    await market.allow(brian, 250)
    await market.chain_works()
    stored = brian.measure(OPENED + 2 * PERIOD, import_wh=1_000)
    market.now = OPENED + 2 * PERIOD + GRACE
    await market.advance()
    await market.deliver(brian, stored)
    await market.end_period()
    assert await true_ups(market) == [(2, brian.id, 0, 1_000, 0, 250, 750)]
    assert (await market.wh(brian), await market.allowance(brian)) == (350, 0)


async def test_readings_stored_for_hours_are_trued_up_period_by_period(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    stored = []
    for number in range(1, 4):
        middle = OPENED + number * PERIOD - 10 * MINUTE
        stored.append(amina.measure(middle, export_wh=number * 100))
        stored.append(amina.measure(OPENED + number * PERIOD, import_wh=number * 30))
        market.now = OPENED + number * PERIOD + GRACE
        for home in market.homes[1:]:
            await market.deliver(home, home.measure(OPENED + number * PERIOD))
        await market.advance()
        await market.chain_works()
    assert await sent(market, amina, *stored) == ["accepted"] * 6
    fourth = await market.end_period({amina.id: 400, chebet.id: -100})
    assert await true_ups(market) == [
        (1, amina.id, 100, 30, 70, 0, 0),
        (2, amina.id, 200, 60, 140, 0, 0),
        (3, amina.id, 300, 90, 210, 0, 0),
    ]
    assert await bill(market, fourth, amina) == (100, 100, 0, 0)
    assert await market.wh(amina) == 70 + 140 + 210 + 300


async def test_a_late_mint_that_a_verifier_refuses_is_tried_again(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: LocalCoSigner, _request: CoSignRequest) -> Signature:
        raise CoSignRefusedError("the verifier's office is closed")

    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        amina = village.amina
        stored = amina.measure(OPENED + PERIOD, export_wh=700)
        village.now = OPENED + PERIOD + GRACE
        await village.advance()
        await village.deliver(amina, stored)
        with monkeypatch.context() as patch:
            patch.setattr(LocalCoSigner, "co_sign", refuse)
            second = await village.end_period()
        assert await village.period_state(second) == "review"
        [review] = await village.rows(tables.review)
        assert review["subject"] == f"mint:{second}.late"
        decision = Decision("the office is open again", Action.TRY_AGAIN)
        await village.database.write(
            lambda c: decide(c, village.desk, review["id"], decision, who="office", now=village.now)
        )
        await village.chain_works()
        assert await village.period_state(second) == "settled"
        assert (await village.wh(amina), await village.on_chain(amina)) == (700, 700)


async def test_who_was_silent_for_more_than_a_period_cannot_trade_what_piled_up(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    await market.end_period({amina.id: 1_000}, silent=(amina.id,))
    await market.end_period({amina.id: 1_000}, silent=(amina.id,))
    # Nothing was stored; the third period's first reading shows it all.
    market.now = OPENED + 2 * PERIOD + 15 * MINUTE
    await market.report(amina, export_wh=1_000)
    third = await market.end_period({amina.id: 500, chebet.id: -3_000})
    assert await true_ups(market) == [(3, amina.id, 3_000, 0, 3_000, 0, 0)]
    assert await bill(market, third, amina) == (500, 1_000, 0, 0)
    assert await bill(market, third, chebet) == (0, 0, 500, 1_100)
    assert await market.wh(amina) == 3_000


async def test_a_reading_sent_again_counts_once(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    market.now = OPENED + 29 * MINUTE
    frame = amina.measure(market.now, export_wh=1_000)
    assert await sent(market, amina, frame, frame) == ["accepted", "duplicate"]
    first = await market.end_period({chebet.id: -1_000})
    assert await sent(market, amina, frame) == ["duplicate"]
    await market.end_period()
    assert await bill(market, first, amina) == (1_000, 1_500, 0, 0)
    assert await bill(market, first, chebet) == (0, 0, 1_000, 1_700)
    assert (await market.wh(amina), await true_ups(market)) == (0, [])
    assert await market.balance("minted") == -1_000


async def test_the_same_stored_batch_applied_twice_counts_once(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    batch = [amina.measure(OPENED + minute * MINUTE, export_wh=100) for minute in (9, 19, 29)]
    market.now = OPENED + 29 * MINUTE
    assert await sent(market, amina, *batch) == ["accepted"] * 3
    assert await sent(market, amina, *batch) == ["duplicate"] * 3
    first = await market.end_period({chebet.id: -300})
    assert await sent(market, amina, *batch) == ["duplicate"] * 3
    await market.end_period()
    assert await bill(market, first, chebet) == (0, 0, 300, 510)
    assert await market.balance("minted") == -300
    assert await true_ups(market) == []


async def test_a_reading_out_of_order_is_set_aside_and_the_newer_one_has_its_energy(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    early = amina.measure(OPENED + 10 * MINUTE, export_wh=400)
    market.now = OPENED + 20 * MINUTE
    late = amina.measure(market.now, export_wh=600)
    assert await sent(market, amina, late, early) == ["accepted", "quarantined"]
    [aside] = await market.rows(quarantine)
    assert "does not follow" in aside["reason"]
    period = await market.end_period({chebet.id: -1_000})
    assert await bill(market, period, amina) == (1_000, 1_500, 0, 0)
    assert await market.balance("minted") == -1_000


@pytest.mark.parametrize(
    ("clock", "reason"),
    [
        ({"flags": ReadingFlag.CLOCK_NOT_SYNCHRONISED}, "clock"),
        ({"measured_at": int((OPENED + 2 * PERIOD).timestamp())}, "future"),
        ({"measured_at": int((OPENED - 2 * PERIOD).timestamp())}, "no later than"),
    ],
    ids=["says so", "ahead", "behind"],
)
async def test_readings_of_a_clock_that_is_off_wait_and_the_next_good_one_carries_the_energy(
    market: Village, clock: dict[str, int], reason: str
) -> None:
    amina, chebet = market.amina, market.chebet
    market.now = OPENED + 20 * MINUTE
    amina.measure(market.now, export_wh=700)
    off = replace(amina.last, **clock)  # type: ignore[arg-type]
    assert await sent(market, amina, sign_reading(off, amina.meter_key)) == ["quarantined"]
    assert reason in (await market.rows(quarantine))[0]["reason"]
    period = await market.end_period({amina.id: 300, chebet.id: -1_000})
    assert await bill(market, period, amina) == (1_000, 1_500, 0, 0)
    assert await bill(market, period, chebet) == (0, 0, 1_000, 1_700)
    assert await market.balance("minted") == -1_000


async def replace_meter(village: Village, home: Home, at: datetime, seed: int = 150) -> bytes:
    """Mount a meter that has counted elsewhere before, and return its first frame."""
    home.meter_key = SigningKey(bytes([seed]) * 32)
    flags = ReadingFlag.REGISTER_EPOCH_STARTED
    home.last = Reading(bytes(home.meter_key.verify_key), 0, int(at.timestamp()), 5, 7, 3, flags)
    frame = sign_reading(home.last, home.meter_key)
    home.last = replace(home.last, flags=ReadingFlag(0))
    return frame


async def test_a_replaced_meter_goes_on_where_the_old_one_ended(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    old = amina.last.meter
    market.now = OPENED + 10 * MINUTE
    await market.report(amina, export_wh=700)
    market.now = OPENED + 15 * MINUTE
    first = await replace_meter(market, amina, market.now)
    waiting = [first, amina.measure(OPENED + 18 * MINUTE, export_wh=100)]
    site = Site(amina.rated_pv_w, 10_000)
    results = await market.database.write(
        lambda c: metering.accept_frames(
            c, VILLAGE, amina.id, meter=old, site=site, received=waiting, now=market.now + 5 * MINUTE
        )
    )
    assert [result.status for result in results] == ["quarantined"] * 2
    market.now = OPENED + 20 * MINUTE
    [candidate] = await market.read(lambda c: candidates(c, VILLAGE, market.now))
    assert (candidate.household, candidate.frame, candidate.frames) == (amina.id, first, 2)
    await market.database.write(
        lambda c: start_epoch(
            c, VILLAGE, amina.id, candidate.frame, who="office", reason="burnt by lightning", now=market.now
        )
    )
    # What waited is taken in, nothing of it stays aside, and the old meter is not this household's any more.
    assert await market.rows(quarantine) == []
    assert await market.read(lambda c: candidates(c, VILLAGE, market.now)) == []
    [row] = await market.rows(register_epoch)
    assert (row["number"], row["meter"], row["first_sequence"], row["export_wh"], row["who"], row["reason"]) == (
        1, amina.last.meter, 0, 5, "office", "burnt by lightning",
    )  # fmt: skip
    assert row["closed_meter"] == old
    [told] = [row for row in await market.rows(audit) if row["subject"] == amina.id]
    assert (told["who"], "burnt by lightning" in told["what"]) == ("office", True)
    query = select(household.c.meter).where(household.c.id == amina.id)
    assert await market.read(lambda c: bytes(c.execute(query).scalar_one())) == amina.last.meter

    period = await market.end_period({amina.id: 200, chebet.id: -900})
    position = await market.position(period, amina)
    assert (position["export_wh"], position["import_wh"], position["generation_wh"]) == (1_000, 0, 1_000)
    assert await bill(market, period, amina) == (900, 900, 0, 0)
    assert await bill(market, period, chebet) == (0, 0, 900, 1_080)
    # The evidence of the mint: both ends of both meters.
    [mint] = [intent for intent in await market.intents() if intent.id == f"mint:{period}"]
    assert [len(one.frames) for one in mint.payload.mints] == [4]  # type: ignore[union-attr]
    second = await market.end_period({amina.id: 50, chebet.id: -50})
    assert await bill(market, second, chebet) == (0, 0, 50, 85)
    assert (await market.balance("minted"), await true_ups(market)) == (-1_050, [])


async def test_a_meter_that_counts_anew_goes_on_by_an_admins_word(market: Village) -> None:
    amina, chebet = market.amina, market.chebet
    market.now = OPENED + 10 * MINUTE
    await market.report(amina, export_wh=700)
    market.now = OPENED + 15 * MINUTE
    anew = replace(
        amina.last, sequence=amina.last.sequence + 1, measured_at=int(market.now.timestamp()),
        export_wh=0, import_wh=0, generation_wh=0, flags=ReadingFlag.REGISTER_EPOCH_STARTED,
    )  # fmt: skip
    frame = sign_reading(anew, amina.meter_key)
    assert await sent(market, amina, frame) == ["quarantined"]
    amina.last = replace(anew, flags=ReadingFlag(0))
    await market.database.write(
        lambda c: start_epoch(c, VILLAGE, amina.id, frame, who="office", reason="firmware", now=market.now)
    )
    assert await sent(market, amina, frame) == ["duplicate"]
    period = await market.end_period({amina.id: 300, chebet.id: -1_000})
    assert await bill(market, period, amina) == (1_000, 1_500, 0, 0)
    assert await market.balance("minted") == -1_000


async def test_a_meter_replaced_while_it_was_late_is_trued_up_from_both(market: Village) -> None:
    amina = market.amina
    stored = [
        amina.measure(OPENED + 10 * MINUTE, export_wh=400),
        amina.measure(OPENED + 20 * MINUTE, import_wh=50),
    ]
    market.now = OPENED + PERIOD
    for home in market.homes[1:]:
        await market.report(home)
    market.now += GRACE
    await market.advance()
    await market.deliver(amina, *stored)
    first = await replace_meter(market, amina, OPENED + 25 * MINUTE)
    await market.database.write(
        lambda c: start_epoch(c, VILLAGE, amina.id, first, who="office", reason="new", now=market.now)
    )
    await market.deliver(amina, amina.measure(OPENED + 28 * MINUTE, export_wh=30))
    second = await market.end_period({amina.id: 100})
    assert await true_ups(market) == [(1, amina.id, 430, 50, 380, 0, 0)]
    assert (await market.position(second, amina))["export_wh"] == 100
    assert await market.wh(amina) == 480


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flags": ReadingFlag(0)}, "flag of a new register epoch"),
        ({"flags": ReadingFlag.TAMPER | ReadingFlag.REGISTER_EPOCH_STARTED}, "tampering; take a later reading"),
        ({"sequence": 1}, "sequence 1 does not follow"),
        ({"measured_at": int(OPENED.timestamp())}, "already counted; take a later one"),
        ({"measured_at": int(OPENED.timestamp()) + 86_400}, "in the future"),
    ],
)
async def test_a_frame_that_cannot_begin_an_epoch_is_refused_in_words(
    village: Village, change: dict[str, int], words: str
) -> None:
    amina = village.amina
    village.now = OPENED + 10 * MINUTE
    good = replace(
        amina.last, sequence=amina.last.sequence + 5, measured_at=int(village.now.timestamp()),
        flags=ReadingFlag.REGISTER_EPOCH_STARTED,
    )  # fmt: skip
    frame = sign_reading(replace(good, **change), amina.meter_key)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        await village.database.write(
            lambda c: start_epoch(c, VILLAGE, amina.id, frame, who="office", reason="why", now=village.now)
        )
    assert await village.rows(register_epoch) == []


async def test_another_households_meter_cannot_begin_an_epoch(village: Village) -> None:
    village.now = OPENED + 10 * MINUTE
    frame = village.brian.measure(village.now)
    with pytest.raises(ValueError, match="belongs to another household"):
        await village.database.write(
            lambda c: start_epoch(c, VILLAGE, village.amina.id, frame, who="office", reason="why", now=village.now)
        )


async def applied(village: Village, home: Home, at: datetime) -> None:
    """Have the household apply at ``at`` and be admitted only now."""
    last = await village.read(lambda c: metering.latest(c, home.last.meter))
    assert last is not None

    def change(connection: Connection) -> None:
        connection.execute(update(household).where(household.c.id == home.id).values(admitted_at=village.now))
        first = sign_reading(replace(last, measured_at=int(at.timestamp())), home.meter_key)
        registers = {"measured_at": int(at.timestamp())}
        row = reading.c
        connection.execute(update(reading).where(row.meter == last.meter).values(frame=first, **registers))
        connection.execute(update(meter_state).where(meter_state.c.meter == last.meter).values(registers))
        settled = tables.settled_register
        connection.execute(update(settled).where(settled.c.household_id == home.id).values(registers))

    await village.database.write(change)


async def test_what_a_household_gave_before_its_admission_is_its_own(village: Village) -> None:
    amina = village.amina
    village.now = OPENED + 10 * MINUTE
    await applied(village, amina, OPENED - 3 * PERIOD)
    # Her edge sends what it stored while she waited once she is admitted.
    stored = [amina.measure(OPENED + minute * MINUTE, export_wh=300) for minute in (-60, -20, 8, 25)]
    village.now = OPENED + 26 * MINUTE
    await village.deliver(amina, *stored)
    first = await village.end_period({amina.id: 50})
    assert (await village.position(first, amina))["export_wh"] == 350
    assert (await village.wh(amina), await true_ups(village)) == (350, [])


async def test_without_readings_from_before_its_admission_a_household_begins_with_the_first_after(
    village: Village,
) -> None:
    amina = village.amina
    village.now = OPENED + 10 * MINUTE
    await applied(village, amina, OPENED - 3 * PERIOD)
    village.now = OPENED + 20 * MINUTE
    await village.report(amina, export_wh=5_000)
    first = await village.end_period({amina.id: 50})
    assert (await village.position(first, amina))["export_wh"] == 50
    assert (await village.wh(amina), await true_ups(village)) == (50, [])


async def test_a_hub_that_was_down_waits_for_what_was_stored_meanwhile(founded: Path, tmp_path: Path) -> None:
    up_again = OPENED + 3 * PERIOD + 5 * MINUTE
    async with open_village(copy_of(founded, tmp_path / "village"), now=up_again) as village:
        amina, chebet = village.amina, village.chebet
        await village.fund(chebet, MONEY)
        await village.advance()
        assert await village.rows(tables.period) == []
        village.now += GRACE - MINUTE
        for home in village.homes:
            ends = [OPENED + number * PERIOD for number in (1, 2, 3)]
            stored = [
                home.measure(end, export_wh=500 * (home is amina), import_wh=400 * (home is chebet))
                for end in ends
            ]
            await village.deliver(home, *stored)
        await village.advance()
        await village.chain_works()
        assert len(await village.rows(tables.period)) == 3
        assert await true_ups(village) == []
        assert await village.balance("minted") == -1_500
        await village.check()
