"""The compiled meter under power cuts and broker outages: what the stated losses are, it keeps to."""

import asyncio
import random
import signal

from tests.esphome.conftest import Neighbourhood
from tests.esphome.simulation import Line, eventually, exact_registers, repeated, stored_state
from tests.esphome.test_program import MIDNIGHT, a_day, assert_never_falls, registers

KILLS = 100
MWH_PER_WATT_SECOND = 1000 / 3600


async def test_a_hundred_power_cuts_lose_at_most_a_minute_each(neighbourhood: Neighbourhood) -> None:
    """A live feed goes on without the meter, so what was counted and not stored at a kill is really lost."""
    chance = random.Random(7)
    feed, meter, listener = neighbourhood.feed, neighbourhood.meter, neighbourhood.listener
    feed.is_live, feed.ahead = True, 64
    now, bound_mwh, sent_mwh, kept_mwh = MIDNIGHT, 0.0, 0.0, 0
    seed = None
    for _ in range(KILLS):
        await meter.start()
        watts = chance.randint(500, 5000)
        lines = [Line(now + i, watts * 1000) for i in range(chance.randint(40, 200))]
        giving = asyncio.create_task(feed.give(lines))
        target = lines[chance.randrange(len(lines))].time
        await feed.wait_until_confirmed(target)
        await meter.stop(signal.SIGKILL)
        giving.cancel()
        await asyncio.gather(giving, return_exceptions=True)
        feed.drop()
        # Confirmed is counted; lines under way at the kill may or may not be, and count as flowed all the same.
        counted_to = max(feed.confirmed, target)
        sent_mwh += (counted_to - now) * watts * MWH_PER_WATT_SECOND
        bound_mwh += 60 * watts * MWH_PER_WATT_SECOND
        state = stored_state(meter.state / "meter.meter")
        assert state.import_mwh >= kept_mwh, "a register fell"
        assert state.seed == (seed := seed or state.seed), "the key survives"
        kept_mwh = state.import_mwh
        assert sent_mwh - kept_mwh <= bound_mwh, "more than a minute was lost by a cut"
        now = lines[-1].time + chance.randint(1, 100)
    await meter.start()
    await feed.give([Line(now, 0), Line(now + 60, 0)])
    await listener.wait_for_minute((now + 60) // 60 * 60)
    readings = listener.readings
    assert_never_falls(readings)
    assert len({reading.meter for reading in readings}) == 1
    assert readings[-1].import_wh == kept_mwh // 1000
    assert 0 < sent_mwh - kept_mwh < bound_mwh


async def test_a_clean_restart_loses_nothing(neighbourhood: Neighbourhood) -> None:
    feed, meter = neighbourhood.feed, neighbourhood.meter
    feed.is_live = True
    await meter.start()
    await feed.give([Line(MIDNIGHT, 3_600_000), Line(MIDNIGHT + 17, 3_600_000)])
    await meter.stop(signal.SIGTERM)
    assert stored_state(meter.state / "meter.meter").import_mwh == 17_000
    feed.drop()
    await meter.start()
    await feed.give([Line(MIDNIGHT + 100, 0), Line(MIDNIGHT + 120, 0)])
    await neighbourhood.listener.wait_for_minute(MIDNIGHT + 120)
    assert neighbourhood.listener.readings[-1].import_wh == 17, "nobody knows what flowed between"


async def test_a_day_with_the_broker_down_for_six_hours_brings_every_wh_once(neighbourhood: Neighbourhood) -> None:
    feed, broker, meter, listener = (
        neighbourhood.feed, neighbourhood.broker, neighbourhood.meter, neighbourhood.listener,
    )  # fmt: skip
    lines = a_day(5, minutes=24 * 60)
    exact = exact_registers(lines)
    feed.ahead = len(lines)
    await meter.start()
    await feed.give(lines[: 10 * 60])
    await broker.stop()
    giving = asyncio.create_task(feed.give(lines[10 * 60 : 16 * 60]))
    record = meter.state / "meter.meter"
    last = lines[16 * 60 - 1].time
    await eventually(lambda: stored_state(record).sequence == 16 * 60)
    assert feed.confirmed < lines[10 * 60].time, "nothing is confirmed while the broker is away"
    # A power cut, too, while nothing can be sent: the period ends are in flash.
    await meter.stop(signal.SIGKILL)
    giving.cancel()
    await asyncio.gather(giving, return_exceptions=True)
    feed.drop()
    await meter.start()
    await broker.start()
    await feed.give(lines[16 * 60 - 1 :])
    await listener.wait_for_minute(lines[-1].time)
    readings = sorted(listener.readings, key=lambda reading: reading.sequence)
    assert_never_falls(readings)
    assert repeated(reading.measured_at for reading in readings) == []
    for reading in readings:
        assert registers(reading) == exact[reading.measured_at]
    # Between the readings that came lies every Wh once; each period of the outage has its own end.
    period_ends = {minute for minute in exact if minute % 900 == 0}
    assert period_ends <= {reading.measured_at for reading in readings}
    assert registers(readings[-1]) == exact[lines[-1].time]
    assert last in {reading.measured_at for reading in readings}, "the last reading before the cut"


async def test_what_the_edge_acknowledges_is_forgotten_and_what_it_left_out_comes_again(
    neighbourhood: Neighbourhood,
) -> None:
    feed, meter, listener = neighbourhood.feed, neighbourhood.meter, neighbourhood.listener
    await meter.start()
    await feed.give([Line(MIDNIGHT + 900 * i, 1000) for i in range(9)])
    await listener.wait_for_minute(MIDNIGHT + 900 * 8)
    (key,) = {meter for meter, _ in listener.frames}
    sequences = {reading.measured_at: reading.sequence for reading in listener.readings}
    missing = sequences[MIDNIGHT + 1800]
    before = len([1 for _, reading in listener.frames if reading.sequence == missing])
    everything_but = f"1-{missing - 1} {missing + 1}-{max(sequences.values())}"
    await listener.publish(f"energy_swap/{key}/ack", everything_but)
    await eventually(lambda: len([1 for _, reading in listener.frames if reading.sequence == missing]) > before)
    await listener.publish(f"energy_swap/{key}/ack", str(missing))
    # It is stored with the next minute.
    record, now = meter.state / "meter.meter", MIDNIGHT + 900 * 8
    while stored_state(record).acknowledged < max(sequences.values()):
        now += 60
        await feed.give([Line(now, 0)])
    newest = stored_state(record).sequence
    # After a restart nothing comes again that was acknowledged; the last one, which was not, does.
    await meter.stop(signal.SIGKILL)
    count = len(listener.frames)
    await meter.start()
    await eventually(lambda: len(listener.frames) > count)
    await feed.give([Line(now + 60, 0)])
    await listener.wait_for_minute(now + 60)
    again = {reading.sequence for _, reading in listener.frames[count:]}
    assert min(again) > max(sequences.values())
    assert {newest, newest + 1} <= again
