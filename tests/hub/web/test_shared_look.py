"""One look for all who wait: it shows what was there when they asked, and none takes it from another."""

import asyncio

import pytest
from energy_swap_hub.web.shared_look import SharedLook


class Place:
    """Something to look at, which can be told to take its time."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def look(self) -> int:
        self.looks += 1
        self.has_begun.set()
        seen = self.value
        await self.may_end.wait()
        if seen < 0:
            raise LookupError("nothing there")
        return seen


async def test_who_asks_while_one_is_taken_shares_the_next_which_sees_what_was_there() -> None:
    place = Place()
    look = SharedLook(place.look)
    place.may_end.clear()
    first = [asyncio.create_task(look.take()) for _ in range(5)]
    await place.has_begun.wait()
    place.value = 1
    then = [asyncio.create_task(look.take()) for _ in range(5)]
    await asyncio.sleep(0)
    place.may_end.set()
    assert await asyncio.gather(*first) == [0] * 5
    assert await asyncio.gather(*then) == [1] * 5
    assert place.looks == 2
    place.value = 2
    assert await look.take() == 2


async def test_all_who_share_a_look_that_fails_are_told_and_the_next_is_another() -> None:
    place = Place()
    look = SharedLook(place.look)
    place.value = -1
    told = await asyncio.gather(*(look.take() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [LookupError] * 3
    place.value = 5
    assert await look.take() == 5


async def test_who_gives_up_does_not_take_it_from_the_others() -> None:
    place = Place()
    look = SharedLook(place.look)
    place.may_end.clear()
    gone, stays = (asyncio.create_task(look.take()) for _ in range(2))
    await place.has_begun.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    place.may_end.set()
    assert await stays == 0
