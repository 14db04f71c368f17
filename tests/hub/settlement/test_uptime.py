from datetime import timedelta

from energy_swap_hub.changes import Changes
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.service import Settlement

from tests.hub.village import GRACE, OPENED, PERIOD, Village

END = OPENED + PERIOD
MINUTE = timedelta(minutes=1)


async def start_again(village: Village) -> Settlement:
    """Let a new process take the settlement up where the one before it died."""
    village.settlement = Settlement(village.database, village.desk, village.clock, Changes(), lambda: None)
    await village.advance()
    return village.settlement


async def is_booked(village: Village) -> bool:
    return bool(await village.rows(tables.period))


async def test_a_hub_that_dies_every_other_minute_waits_for_a_reading_no_longer_than_one_that_lives(
    village: Village,
) -> None:
    await village.advance()
    village.now = END
    while village.now < END + GRACE:
        assert not await is_booked(village)
        await start_again(village)
        village.now += 2 * MINUTE
    await start_again(village)
    assert await is_booked(village)
    await village.chain_works()


async def test_after_a_long_break_readings_have_the_grace_time_to_arrive(village: Village) -> None:
    await village.advance()
    village.now = END + GRACE + MINUTE
    await start_again(village)
    assert not await is_booked(village), "what edges stored while the hub was away is on its way"
    village.now += GRACE - MINUTE
    await village.advance()
    assert not await is_booked(village)
    village.now += MINUTE
    await village.advance()
    assert await is_booked(village)
    await village.chain_works()
