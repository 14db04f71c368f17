import pytest
from energy_swap_hub.web.limits import Limit, TooManyRequests


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_a_steady_rate_for_each_caller_by_itself() -> None:
    clock = Clock()
    limit = Limit[str](2, 10, clock)
    for _ in range(10):
        limit.take("amina")
    with pytest.raises(TooManyRequests, match="wait 1 s") as refused:
        limit.take("amina")
    assert refused.value.seconds == 1
    limit.take("brian")
    clock.now += 0.5
    limit.take("amina")
    with pytest.raises(TooManyRequests):
        limit.take("amina")
    clock.now += 3_600
    for _ in range(10):
        limit.take("amina")
    with pytest.raises(TooManyRequests):
        limit.take("amina")


def test_without_a_rate_there_is_no_limit() -> None:
    limit = Limit[str](0, 0)
    for _ in range(1_000):
        limit.take("amina")


def test_callers_who_left_are_forgotten_and_those_who_wait_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy_swap_hub.web.limits._MOST_CALLERS", 100)
    clock = Clock()
    limit = Limit[int](1, 2, clock)
    for _ in range(2):
        limit.take(-1)
    for number in range(200):
        limit.take(number)
        clock.now += 0.02
    limit.take(-1)
    limit.take(-1)
    with pytest.raises(TooManyRequests):
        limit.take(-1)
    assert len(limit._buckets) < 150
