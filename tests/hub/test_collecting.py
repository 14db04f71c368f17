"""A process that looks for garbage rarely still finds it."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest
from energy_swap_hub.collecting import collect_rarely


class Ring:
    """An object that only itself keeps alive."""

    def __init__(self) -> None:
        self.myself = self


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_rings_that_nobody_holds_are_freed_before_they_are_many() -> None:
    collect_rarely()
    rings = [ref(Ring()) for _ in range(100_000)]
    assert sum(ring() is not None for ring in rings) < 50_000
