"""A message with something wrong in it is told which field that is, and what would be accepted."""

import base64
from typing import get_args

import msgspec
import pytest
from energy_swap_protocol.accepted import accepted
from energy_swap_protocol.message import AnyMessage, Envelope, MessageError, read_checked

BUY: dict[str, object] = {
    "kind": "buy",
    "id": "00000000-0000-4000-8000-000000000001",
    "community": "k",
    "sent_at": 1,
    "wh": 100,
    "at_most": 1,
}
AHEAD = BUY | {"kind": "buy_ahead", "period": "2026-11-20T12:30Z"}


def read(given: object) -> AnyMessage:
    """Return ``given`` as a message, as the hub does once it knows the signature to be true."""
    signer, payload = (
        base64.urlsafe_b64encode(data).decode().rstrip("=") for data in (bytes(32), msgspec.json.encode(given))
    )
    return read_checked(Envelope(signer, payload, ""))[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (BUY | {"wh": 99}, "wh: give a whole number from 100 to 10000000"),
        (BUY | {"wh": 10_000_001}, "wh: give a whole number from 100 to 10000000"),
        (BUY | {"wh": 100.5}, "wh: give a whole number from 100 to 10000000"),
        (BUY | {"at_most": 0}, "at_most: give a whole number from 1 to 100000"),
        (BUY | {"minimum_reputation": 101}, "minimum_reputation: give a whole number from 0 to 100"),
        (BUY | {"valid_until": "soon"}, "valid_until: give a whole number or null"),
        (BUY | {"post_only": 1}, "post_only: give true or false"),
        (BUY | {"pay": "cash"}, "pay: give mpesa or wallet"),
        (BUY | {"id": "1"}, "id: give a UUID"),
        (
            BUY | {"seller": ""},
            "seller: give text of 1 to 80 characters, none of them a control character or null",
        ),
        (
            AHEAD | {"period": "noon"},
            "period: give the period's start in UTC, such as 2026-11-20T12:30Z",
        ),
        ({name: BUY[name] for name in BUY if name != "wh"}, "wh: it is missing; give a whole number from 100"),
        (BUY | {"limit": 1}, "limit: there is no such field; give id, community, sent_at, wh, at_most, "),
        (BUY | {"kind": "purchase"}, "kind: give one of allow, apply, bid, buy, buy_ahead, cancel, "),
        (BUY | {"kind": ["buy"]}, "kind: give one of allow, "),
        ([], "Expected `object`, got `array`"),
    ],
    ids=str,
)
def test_an_order_that_is_not_understood_is_told_the_field_and_what_it_takes(given: object, words: str) -> None:
    with pytest.raises(MessageError) as refused:
        read(given)
    assert str(refused.value).startswith(f"message not understood: {words}")


@pytest.mark.parametrize(
    "change", [{"wh": 100}, {"wh": 10_000_000}, {"at_most": 100_000}, {"pay": "mpesa"}, {"seller": None}], ids=str
)
def test_what_is_said_to_be_accepted_is(change: dict[str, object]) -> None:
    message = read(BUY | change)
    assert all(getattr(message, name) == value for name, value in change.items())


@pytest.mark.parametrize("kind", get_args(AnyMessage.__value__), ids=lambda kind: kind.__name__)
def test_every_field_of_every_message_has_words_for_what_it_takes(kind: type[msgspec.Struct]) -> None:
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined] # a struct's
        words = accepted(field.type)
        assert words, field.encode_name
        assert "regex" not in words
