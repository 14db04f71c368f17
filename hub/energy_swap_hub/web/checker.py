"""Signatures are checked by a process beside the hub, while the hub writes, once many messages come at a time.

It knows no database and keeps nothing. It has the hub's key to complete sales' locks.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from energy_swap_protocol.message import Envelope, MessageError, SellOrder, open_envelope
from energy_swap_protocol.transaction import ChainInfo, TransactionError, complete_as_hub, lock_message
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey

from energy_swap_hub.beside import Beside, answer_hub


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


class Checker:
    """The process, from here."""

    def __init__(self, hub: Keypair) -> None:
        self.process: Final = Beside(__name__, bytes(hub), "checks signatures")

    async def check(self, envelopes: Sequence[Envelope], place: Place | None) -> list[Verdict]:
        """Return the verdict on each message; raises `ProcessLost`. Without ``place`` locks are not looked at."""
        question = msgspec.msgpack.encode(_Question(place, list(envelopes)))
        return _verdicts.decode(await self.process.ask(question))


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


def main() -> None:
    """Be the process."""

    def begin(first: bytes) -> Callable[[Sequence[bytes]], Iterable[bytes]]:
        hub = Keypair.from_bytes(first)

        def answers(asked: Sequence[bytes]) -> Iterable[bytes]:
            for question in map(_question.decode, asked):
                yield msgspec.msgpack.encode([verdict(one, question.place, hub) for one in question.envelopes])

        return answers

    answer_hub(begin)


if __name__ == "__main__":
    main()
