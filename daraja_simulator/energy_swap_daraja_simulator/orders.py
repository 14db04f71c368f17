"""What the control API takes: one struct per request, and how it is read."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

type Behaviour = Literal["pays", "cancels", "ignores", "manual", "wrong_pin", "expires"]
type Phone = Annotated[str, Meta(pattern=r"^254[0-9]{9}$")]
type Pin = Annotated[str, Meta(pattern=r"^[0-9]{4}$")]
type WholeKes = Annotated[int, Meta(ge=0, le=10_000_000)]


class Subscriber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person with an M-Pesa account; ``balance_kes`` is paid in when the subscriber is first made."""

    phone: Phone
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    balance_kes: WholeKes = 0
    behaviour: Behaviour = "pays"
    pin: Pin = "1234"
    daily_limit_kes: WholeKes | None = None  # what may be paid in a Nairobi day; without one the rule holds
    wallet_limit_kes: WholeKes | None = None  # what the account may hold; without one the rule holds


class SubscriberChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed later; ``balance_kes`` sets the balance, ``unlock`` forgives wrong PINs."""

    behaviour: Behaviour | None = None
    deposit_kes: WholeKes = 0
    balance_kes: WholeKes | None = None
    pin: Pin | None = None
    daily_limit_kes: WholeKes | None = None
    wallet_limit_kes: WholeKes | None = None
    unlock: bool = False


class MenuPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lipa na M-PESA, Pay Bill, from the subscriber's own menu."""

    kes: Annotated[int, Meta(ge=1, le=999_999)]
    account: Annotated[str, Meta(max_length=20)] = ""


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money between Utility and the business's bank: positive comes in, negative goes out."""

    kes: Annotated[int, Meta(ge=-10_000_000, le=10_000_000)]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a prompt: a PIN pays, none cancels."""

    pin: str | None = None


class Handling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a callback: send it (again) now, lose it, or keep it back for some seconds."""

    do: Literal["replay", "drop", "hold"]
    seconds: Annotated[float, Meta(ge=0)] = 60.0


class Sms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of somebody other than M-Pesa to a subscriber."""

    phone: Annotated[str, Meta(pattern="^254[17][0-9]{8}$")]
    text: Annotated[str, Meta(min_length=1, max_length=1000)]
    sender: Annotated[str, Meta(pattern="^[A-Za-z0-9 ._-]{1,11}$")] = "SMS"


class Arming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault or a scenario to come; ``times`` 0 is once, or without end where a probability is given."""

    fault: str = ""
    scenario: str = ""
    times: Annotated[int, Meta(ge=0)] = 0
    variant: str = ""
    probability: float = 1.0
    product: str = ""
    phone: str = ""
    seconds: Annotated[float, Meta(ge=0)] | None = None


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unlocks the initiator, with a new password if there is one."""

    password: str | None = None


class TimeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far, or to which time (with its zone), a virtual clock moves."""

    advance_seconds: Annotated[float, Meta(ge=0)] = 0.0
    to: Annotated[datetime, Meta(tz=True)] | None = None


async def read[T](request: web.Request, type_: type[T]) -> T:
    """Return the request's body; a wrong one is answered with 400 and what is wrong."""
    try:
        return msgspec.json.decode(await request.read(), type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
