"""A process beside the hub's own that answers its questions in their order: Python runs one thread at a time.

A frame is its length in 4 bytes, then its bytes. The first one tells the process what it has to know: no list of
processes shows what goes through a pipe. The process ends with the pipe, however the hub ended.
"""

import asyncio
import logging
import os
import signal
import struct
import sys
from asyncio.subprocess import PIPE
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, Final, cast

_LOG = logging.getLogger(__name__)
_LENGTH: Final = struct.Struct("<I")
_STOP_SECONDS: Final = 5
_AGAIN_SECONDS: Final = 60.0
_READ_BYTES: Final = 1 << 20


class ProcessLost(RuntimeError):  # noqa: N818
    """The process is not there, or not any more; the hub has to do without it."""


class Beside:
    """A process that runs ``module``, from here; it is started the first time that it is wanted.

    ``first`` is the first frame, and ``purpose`` says in the log what it is for. One that was lost is started
    again when it is wanted a minute later.
    """

    def __init__(self, module: str, first: bytes, purpose: str) -> None:
        self._module = module
        self._first = first
        self._purpose = purpose
        self._pipe: _Pipe | None = None
        self._start: asyncio.Task[None] | None = None
        self._started_at = 0.0

    def is_ready(self) -> bool:
        """Whether `ask` can be called now; if it cannot, have the process started."""
        if self._pipe is not None and not self._pipe.is_lost:
            return True
        self._started()
        return False

    async def start(self) -> None:
        """Have it started, and wait until it is there or has failed."""
        await asyncio.shield(self._started())

    async def ask(self, question: bytes) -> bytes:
        """Return the answer to a question; raises `ProcessLost`."""
        if self._pipe is None or self._pipe.is_lost:
            raise ProcessLost
        try:
            return await self._pipe.ask(question)
        except ProcessLost:
            _LOG.warning("the process that %s has gone; the hub does it itself", self._purpose)
            raise

    async def close(self) -> None:
        """End the process."""
        if self._start is not None:
            self._start.cancel()
            await asyncio.gather(self._start, return_exceptions=True)
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.end()

    def _started(self) -> asyncio.Task[None]:
        now = asyncio.get_running_loop().time()
        if self._start is None or (self._start.done() and now - self._started_at > _AGAIN_SECONDS):
            self._started_at = now
            self._start = asyncio.create_task(self._begin())
        return self._start

    async def _begin(self) -> None:
        lost, self._pipe = self._pipe, None
        if lost is not None:
            await lost.end()
        _, pipe = await asyncio.get_running_loop().subprocess_exec(
            _Pipe, sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE, stderr=None
        )
        try:
            await pipe.ask(self._first)
        except ProcessLost:
            _LOG.warning("the process that %s did not start; the hub does it itself", self._purpose)
            await pipe.end()
        except BaseException:
            await pipe.end()
            raise
        else:
            self._pipe = pipe


class _Pipe(asyncio.SubprocessProtocol):
    """What goes to a process and comes from it."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._exited = asyncio.Event()
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._process.get_pipe_transport(0))

    async def ask(self, question: bytes) -> bytes:
        if self.is_lost:
            raise ProcessLost
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._stdin.write(_LENGTH.pack(len(question)) + question)
        return await future

    def pipe_data_received(self, _fd: int, data: bytes | str) -> None:
        self._received += cast("bytes", data)
        for answer in _frames(self._received):
            future = self._waiting.popleft()
            if not future.done():  # cancelled
                future.set_result(answer)

    def pipe_connection_lost(self, _fd: int, _exc: Exception | None) -> None:
        self._lose()

    def process_exited(self) -> None:
        self._lose()
        self._exited.set()

    async def end(self) -> None:
        """Close the pipe, which ends the process; one that does not end is killed."""
        self._lose()
        self._stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._exited.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._exited.wait()
        self._process.close()

    def _lose(self) -> None:
        self.is_lost = True
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(ProcessLost())


def answer_hub(begin: Callable[[bytes], Callable[[Sequence[bytes]], Iterable[bytes]]]) -> None:
    """Be the process: answer until the hub closes the pipe.

    ``begin`` is given the first frame and returns what answers the questions that wait together, in their order.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the hub, which has work to finish
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # what somebody prints is no answer
    groups = _groups(sys.stdin.fileno())
    for first in groups:
        answers = begin(first[0])
        _write(out, [b""])
        for questions in groups:
            _write(out, answers(questions))


def _write(out: BinaryIO, frames: Iterable[bytes]) -> None:
    out.write(b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames))
    out.flush()


def _groups(pipe: int) -> Iterator[list[bytes]]:
    """Yield what has come, at least a frame at a time, until the pipe ends."""
    received = bytearray()
    while data := os.read(pipe, _READ_BYTES):
        received += data
        if group := list(_frames(received)):
            yield group


def _frames(received: bytearray) -> Iterator[bytes]:
    """Take whole frames from the front of ``received``."""
    while len(received) >= _LENGTH.size:
        end = _LENGTH.size + int(_LENGTH.unpack_from(received)[0])
        if len(received) < end:
            return
        frame = bytes(received[_LENGTH.size : end])
        del received[:end]
        yield frame
