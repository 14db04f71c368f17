"""Signed messages and requests: what is true opens, what was changed does not."""

import base64
from typing import Any
from uuid import UUID

import msgspec
import pytest
from energy_swap_protocol.message import (
    AnyMessage,
    Application,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    Envelope,
    GrantAllowance,
    MessageError,
    PayOut,
    SellAhead,
    SellOrder,
    StandingOrder,
    StartAuction,
    TopUp,
    open_envelope,
    sign_message,
)
from energy_swap_protocol.request import MAX_SKEW_SECONDS, RequestError, sign_request, verify_request
from nacl.signing import SigningKey

KEY = SigningKey(bytes(range(32)))
ID = UUID("00000000-0000-4000-8000-000000000001")
COMMON: dict[str, Any] = {"id": ID, "community": "kibera", "sent_at": 1_795_174_200}
NOW = 1_795_174_200
MESSAGES: list[AnyMessage] = [
    Application(
        **COMMON, name="Amina", phone="254712345678", meter="ab" * 32, frame="A" * 192,
        rated_pv_w=5000, main_breaker_w=10_000,
    ),
    StandingOrder(**COMMON, sell_at_least=1200),
    SellOrder(**COMMON, wh=1500, at_least=1500, lock="AAAA"),
    BuyOrder(**COMMON, wh=110, at_most=2000, valid_until=NOW + 60),
    CancelOrder(**COMMON, order=ID),
    StartAuction(**COMMON, wh=105, start_price=1, ends_at=NOW, lock="AAAA"),
    StartAuction(**COMMON, wh=105, start_price=1, ends_at=NOW, reserve_price=9, minimum_step=2, lock="AAAA"),
    ChoosePartners(**COMMON, partners=("h-002", "h-003")),
    SellAhead(**COMMON, period="2026-11-20T12:30Z", wh=1500, at_least=900),
    BuyAhead(**COMMON, period="2026-11-20T12:30Z", wh=100, at_most=1700),
    Bid(**COMMON, auction=ID, price=1300),
    TopUp(**COMMON, kes=100),
    PayOut(**COMMON),
    GrantAllowance(**COMMON, wh=5000, approval="AAAA"),
]  # fmt: skip


def signed(payload: bytes, key: SigningKey = KEY) -> Envelope:
    """Sign whatever bytes, as a careless or hostile sender would."""

    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    signature = key.sign(b"energy-swap/message/1\n" + payload).signature
    return Envelope(text(bytes(key.verify_key)), text(payload), text(signature))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_kind_of_message_opens_as_it_was_signed(message: AnyMessage) -> None:
    travelled = msgspec.json.decode(msgspec.json.encode(sign_message(message, KEY)), type=Envelope)
    assert open_envelope(travelled) == (bytes(KEY.verify_key), message)


def test_a_changed_message_is_refused() -> None:
    envelope = sign_message(MESSAGES[7], KEY)
    richer = signed(msgspec.json.encode(TopUp(**COMMON, kes=99_999)))
    with pytest.raises(MessageError, match="does not belong"):
        open_envelope(Envelope(envelope.signer, richer.payload, envelope.signature))


def test_a_message_is_not_believed_under_another_signer() -> None:
    envelope = sign_message(MESSAGES[7], KEY)
    other = signed(b"{}", SigningKey(bytes(32)))
    with pytest.raises(MessageError, match="does not belong"):
        open_envelope(Envelope(other.signer, envelope.payload, envelope.signature))


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b'{"kind":"steal"}',
        b'{"kind":"top_up","id":"00000000-0000-4000-8000-000000000001","community":"k","sent_at":1,"kes":0}',
        b'{"kind":"top_up","id":"00000000-0000-4000-8000-000000000001","community":"k","sent_at":1,"kes":1,"x":1}',
        b'{"kind":"top_up","id":"00000000-0000-4000-8000-000000000001","community":"k","sent_at":1,"kes":1.5}',
    ],
)
def test_a_signed_message_that_is_not_understood_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageError, match="not understood"):
        open_envelope(signed(payload))


@pytest.mark.parametrize("field", ["signer", "payload", "signature"])
def test_an_envelope_that_is_not_base64url_is_refused(field: str) -> None:
    envelope = msgspec.structs.replace(sign_message(MESSAGES[7], KEY), **{field: "!"})
    with pytest.raises(MessageError, match=field):
        open_envelope(envelope)


def test_a_signature_for_a_message_is_none_for_its_bare_bytes() -> None:
    payload = msgspec.json.encode(MESSAGES[7])
    envelope = signed(payload)
    bare = base64.urlsafe_b64encode(KEY.sign(payload).signature).decode().rstrip("=")
    with pytest.raises(MessageError, match="does not belong"):
        open_envelope(msgspec.structs.replace(envelope, signature=bare))


def header(at: int = NOW, nonce: str = "n0123456789") -> str:
    return sign_request("POST", "/api/v1/x?y=1", b"body", key=KEY, nonce=nonce, at=at)


def test_a_signed_request_names_its_signer_nonce_and_time() -> None:
    assert verify_request(header(), "POST", "/api/v1/x?y=1", b"body", now=NOW) == (
        bytes(KEY.verify_key),
        "n0123456789",
        NOW,
    )


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("PUT", "/api/v1/x?y=1", b"body"), ("POST", "/api/v1/x?y=2", b"body"), ("POST", "/api/v1/x?y=1", b"bodz")],
)
def test_a_signature_fits_only_its_own_request(method: str, target: str, body: bytes) -> None:
    with pytest.raises(RequestError, match="does not belong"):
        verify_request(header(), method, target, body, now=NOW)


@pytest.mark.parametrize("skew", [MAX_SKEW_SECONDS + 1, -MAX_SKEW_SECONDS - 1])
def test_a_request_from_another_time_is_refused_with_the_difference(skew: int) -> None:
    with pytest.raises(RequestError, match=f"{skew} s"):
        verify_request(header(NOW + skew), "POST", "/api/v1/x?y=1", b"body", now=NOW)


@pytest.mark.parametrize("skew", [MAX_SKEW_SECONDS, -MAX_SKEW_SECONDS])
def test_a_request_within_the_allowed_skew_is_good(skew: int) -> None:
    verify_request(header(NOW + skew), "POST", "/api/v1/x?y=1", b"body", now=NOW)


@pytest.mark.parametrize(
    "text", ["", "a b c", "zz 1 n0123456789 AAAA", "ab x n0123456789 AAAA", "ab 1 n0123456789 A"]
)
def test_a_header_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        verify_request(text, "GET", "/", b"", now=NOW)


@pytest.mark.parametrize("nonce", ["short", "n" * 65])
def test_a_nonce_has_8_to_64_characters(nonce: str) -> None:
    with pytest.raises(RequestError, match="8 to 64"):
        verify_request(header(nonce=nonce), "POST", "/api/v1/x?y=1", b"body", now=NOW)
