"""A process beside the hub that checks signatures while the hub writes, once many messages come at a time.

Python runs one thread at a time, so what one process does while checking it cannot write. This one knows no
database and keeps nothing. It has the hub's key, which it is told through its pipe, to complete sales' locks.
A frame is its length in 4 bytes, then MessagePack. The process ends with the pipe, however the hub ended.
"""

import asyncio
import base64
import logging
import signal
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

import msgspec
from energy_swap_protocol.message import Envelope, MessageError, SellOrder, open_envelope
from energy_swap_protocol.transaction import ChainInfo, TransactionError, complete_as_hub, lock_message
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey

_LOG = logging.getLogger(__name__)
_LENGTH: Final = struct.Struct("<I")
_STOP_SECONDS: Final = 5


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where the community's tokens are, for the locks of sales, and the key of the hub that pays for them."""

    mint: bytes
    escrow: bytes
    hub: bytes


class Verdict(msgspec.Struct, array_like=True, frozen=True):
    """Why a message is refused; else, of a sale, its lock as the hub completed it (base64), or why it did not."""

    refusal: str | None = None
    lock: str | None = None
    lock_refusal: str | None = None


class _Question(msgspec.Struct, array_like=True, frozen=True):
    place: Place | None
    envelopes: list[Envelope]


_question: Final = msgspec.msgpack.Decoder(_Question)
_verdicts: Final = msgspec.msgpack.Decoder(list[Verdict])


class CheckerLost(RuntimeError):  # noqa: N818
    """The process is not there any more; the messages have to be checked here."""


class Checker:
    """The process, from here; it is started the first time that it is wanted."""

    def __init__(self, hub: Keypair) -> None:
        self._hub = hub
        self._process: Process | None = None
        self._start: asyncio.Task[None] | None = None

    def is_ready(self) -> bool:
        """Whether `check` can be called now; if it never was, have it started. One that failed stays away."""
        self._started()
        return self._process is not None

    async def start(self) -> None:
        """Have it started, and wait until it is there or has failed."""
        await asyncio.shield(self._started())

    def _started(self) -> asyncio.Task[None]:
        if self._start is None:
            self._start = asyncio.create_task(self._begin())
        return self._start

    async def check(self, envelopes: Sequence[Envelope], place: Place | None) -> list[Verdict]:
        """Return the verdict on each message; raises `CheckerLost`. Without ``place`` locks are not looked at."""
        if self._process is None:
            raise CheckerLost
        try:
            await _send(self._process, msgspec.msgpack.encode(_Question(place, list(envelopes))))
            return _verdicts.decode(await _receive(self._process))
        except (OSError, EOFError) as error:
            _LOG.warning("the process that checks signatures has gone; the hub checks them itself")
            process, self._process = self._process, None
            with suppress(ProcessLookupError):
                process.kill()
            raise CheckerLost from error

    async def close(self) -> None:
        """End the process."""
        if self._start is not None:
            self._start.cancel()
            await asyncio.gather(self._start, return_exceptions=True)
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    async def _begin(self) -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE)
        try:
            await _send(process, bytes(self._hub))
            await _receive(process)
        except BaseException as error:
            await _end(process)
            if not isinstance(error, OSError | EOFError):
                raise
            _LOG.warning("the process that checks signatures did not start; the hub checks them itself")
            return
        self._process = process


async def _send(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(_LENGTH.pack(len(data)) + data)
    await process.stdin.drain()


async def _receive(process: Process) -> bytes:
    assert process.stdout is not None
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    return await process.stdout.readexactly(length)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def verdict(envelope: Envelope, place: Place | None, hub: Keypair) -> Verdict:
    """Return whether a message is true, and for a sale its completed lock."""
    try:
        signer, message = open_envelope(envelope)
    except MessageError as error:
        return Verdict(refusal=str(error))
    if place is None or not isinstance(message, SellOrder):
        return Verdict()
    owner = Pubkey.from_bytes(signer)
    mint, escrow, payer = map(Pubkey.from_bytes, (place.mint, place.escrow, place.hub))

    def expected(blockhash: Hash) -> MessageV0:
        return lock_message(ChainInfo(mint, escrow, payer, blockhash), owner, message.wh, message.id)

    try:
        transaction = complete_as_hub(message.lock, expected, owner, hub)
    except TransactionError as error:
        return Verdict(lock_refusal=str(error))
    return Verdict(lock=base64.b64encode(bytes(transaction)).decode())


def _frame(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return data if len(data) == length else None


def main() -> None:
    """Answer the hub until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the hub, which has work to finish
    key = _frame(sys.stdin.buffer)
    if key is None:
        return
    hub = Keypair.from_bytes(key)
    answer = b""
    while True:
        sys.stdout.buffer.write(_LENGTH.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()
        asked = _frame(sys.stdin.buffer)
        if asked is None:
            return
        question = _question.decode(asked)
        answer = msgspec.msgpack.encode([verdict(one, question.place, hub) for one in question.envelopes])


if __name__ == "__main__":
    main()
