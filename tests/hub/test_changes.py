import asyncio
import threading

from energy_swap_hub.changes import Changes


async def test_a_change_marked_on_another_thread_wakes_all_who_wait() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.after(0, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    thread = threading.Thread(target=changes.mark)
    thread.start()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    thread.join()


async def test_a_change_before_the_wait_is_not_missed() -> None:
    changes = Changes()
    seen = changes.count
    changes.mark()
    changes.mark()
    await asyncio.sleep(0)
    assert await changes.after(seen, 10) == 2


async def test_without_a_change_the_wait_ends_in_time_and_the_next_one_still_wakes() -> None:
    changes = Changes()
    assert await changes.after(0, 0.01) == 0
    waiting = asyncio.create_task(changes.after(0, 10))
    await asyncio.sleep(0)
    changes.mark()
    assert await waiting == 1


async def test_one_who_gives_up_does_not_take_the_others_along() -> None:
    changes = Changes()
    leaving, staying = (asyncio.create_task(changes.after(0, 10)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    changes.mark()
    assert await staying == 1
