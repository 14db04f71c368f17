"""Open a household's envelope: what it says, who says it, and what is kept of it as evidence."""

from dataclasses import dataclass

from energy_swap_protocol.message import AnyMessage, Envelope, SellOrder, open_envelope, read_checked
from energy_swap_protocol.transaction import TransactionError

from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.outbox import household_transaction
from energy_swap_hub.chain.payload import HouseholdTransaction

from .desk import Desk

type Lock = tuple[str, HouseholdTransaction]


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose signature is true, and what is kept of it; ``payload`` is the text that travelled.

    ``lock`` is what a spot sale asks of the chain, or why its transaction cannot be accepted; None: not looked at.
    ``by_phone``: it came by the session of a paired phone, whose key signed it; else phones' keys count nothing.
    """

    id: str  # the message's
    signer: bytes
    message: AnyMessage
    payload: str
    sealed: bytes
    signature: str
    lock: Lock | TransactionError | None = None
    by_phone: bool = False


def open_message(desk: Desk, envelope: Envelope, chain: CommunityChain | None = None) -> Opened:
    """Return what a true envelope says, and what is kept of it; raises `MessageError`. Any thread may do this.

    With ``chain`` the lock of a sale is completed too, which else happens when the sale is carried out.
    """
    signer, message = open_envelope(envelope)
    lock = None if chain is None or not isinstance(message, SellOrder) else lock_of(desk, chain, signer, message)
    return _opened(desk, envelope, signer, message, lock)


def open_checked(desk: Desk, envelope: Envelope, lock: str | TransactionError | None) -> Opened:
    """Return what `open_message` does of an envelope that is known to be true; ``lock`` is a sale's, completed."""
    signer, message = read_checked(envelope)
    if not isinstance(lock, str):
        return _opened(desk, envelope, signer, message, lock)
    memo = f"lock:{message.id}"
    return _opened(desk, envelope, signer, message, (memo, HouseholdTransaction(memo, lock)))


def _opened(
    desk: Desk, envelope: Envelope, signer: bytes, message: AnyMessage, lock: Lock | TransactionError | None
) -> Opened:
    # Sealed: an application holds a phone number.
    sealed = desk.phones.seal(envelope.payload)
    return Opened(str(message.id), signer, message, envelope.payload, sealed, envelope.signature, lock)


def lock_of(desk: Desk, chain: CommunityChain, signer: bytes, sale: SellOrder) -> Lock | TransactionError:
    """Return what a sale asks of the chain, or why not. Any thread may do this."""
    try:
        transaction = desk.tokens.completed_lock(chain, signer, sale.lock, sale.wh, sale.id)
    except TransactionError as error:
        return error
    return household_transaction(f"lock:{sale.id}", transaction)
