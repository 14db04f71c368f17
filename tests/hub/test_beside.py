"""A process beside the hub: it answers in order, ends with the hub, and is done without when it is lost."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import pytest
from energy_swap_hub import beside
from energy_swap_hub.beside import Beside, ProcessLost, answer_hub

from tests.hub.beside import kill


def main() -> None:
    """Be the process: tell each question back after the first frame."""

    def begin(first: bytes) -> Callable[[Sequence[bytes]], Iterable[bytes]]:
        sys.stdout.write("what is printed is no answer\n")
        return lambda questions: [first + b" " + question for question in questions]

    answer_hub(begin)


@pytest.fixture
async def process() -> AsyncIterator[Beside]:
    process = Beside(__name__, b"first", "echoes")
    assert not process.is_ready(), "it is started only now"
    await process.start()
    assert process.is_ready()
    yield process
    await process.close()


async def test_each_question_gets_its_own_answer_also_when_some_give_up_waiting(process: Beside) -> None:
    questions = [b"%d" % number * (1 + number % 7 * 20_000) for number in range(60)]
    asked = [asyncio.create_task(process.ask(question)) for question in questions]
    await asyncio.sleep(0)
    for impatient in asked[::5]:
        impatient.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        if number % 5:
            assert answer == b"first " + question
        else:
            assert isinstance(answer, asyncio.CancelledError)
    assert await process.ask(b"") == b"first "


async def test_a_killed_one_answers_nobody_and_comes_back_a_minute_later(
    process: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kill(process)
    assert not process.is_ready()
    await process.start()  # nothing: it was started just now
    with pytest.raises(ProcessLost):
        await process.ask(b"7")
    monkeypatch.setattr(beside, "_AGAIN_SECONDS", 0.0)
    await process.start()
    assert await process.ask(b"7") == b"first 7"


async def test_who_waits_when_it_is_killed_is_told(process: Beside) -> None:
    asked = [asyncio.create_task(process.ask(b"0" * 1_000_000)) for _ in range(8)]
    await asyncio.sleep(0)
    await kill(process)
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, ProcessLost) or len(str(answer)) > 1_000_000


async def test_one_that_cannot_start_is_done_without() -> None:
    process = Beside("energy_swap_hub.there_is_no_such_module", b"", "is not there")
    await process.start()
    assert not process.is_ready()
    with pytest.raises(ProcessLost):
        await process.ask(b"7")
    await process.close()


async def test_it_ends_with_the_pipe_as_when_the_hub_is_killed(process: Beside) -> None:
    pipe = process._pipe
    assert pipe is not None
    pipe._stdin.close()
    await pipe._exited.wait()
    assert pipe._process.get_returncode() == 0


if __name__ == "__main__":
    main()
