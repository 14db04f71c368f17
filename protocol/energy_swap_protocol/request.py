"""Signed requests: how an edge proves to the hub who asks, on every HTTP request and WebSocket."""

import base64
import binascii
import hashlib
from typing import Final, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

HEADER: Final = "Energy-Swap-Signature"
MAX_SKEW_SECONDS: Final = 300
_DOMAIN: Final = b"energy-swap/request/1\n"


class RequestError(ValueError):
    """A request is not from whom it says; the text says what is wrong."""


class SignedRequest(NamedTuple):
    """Who signed a request (the public key), its nonce, and the sender's Unix time."""

    signer: bytes
    nonce: str
    at: int


def _signed_bytes(method: str, target: str, body: bytes, nonce: str, at: int) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return _DOMAIN + f"{method}\n{target}\n{at}\n{nonce}\n{digest}".encode()


def sign_request(method: str, target: str, body: bytes, *, key: SigningKey, nonce: str, at: int) -> str:
    """Return the header value for a request.

    ``target`` is the path with its query as sent, ``nonce`` is unique per request (no spaces), ``at`` is the
    sender's Unix time.
    """
    signature = key.sign(_signed_bytes(method, target, body, nonce, at)).signature
    return f"{bytes(key.verify_key).hex()} {at} {nonce} {base64.urlsafe_b64encode(signature).decode()}"


def verify_request(header: str, method: str, target: str, body: bytes, *, now: int) -> SignedRequest:
    """Return who signed the request, and when; raise `RequestError` else.

    The caller refuses a (signer, nonce) that it has seen within twice `MAX_SKEW_SECONDS`, and what was signed
    before it began to remember them.
    """
    try:
        signer_hex, at_text, nonce, signature_text = header.split(" ")
        signer, at = bytes.fromhex(signer_hex), int(at_text)
        signature = base64.b64decode(signature_text, altchars=b"-_", validate=True)
    except ValueError, binascii.Error:
        raise RequestError(f"the {HEADER} header is 'key time nonce signature'") from None
    if len(signer) != 32 or len(signature) != 64 or not 8 <= len(nonce) <= 64:
        raise RequestError("key has 32 bytes, signature 64 bytes, nonce 8 to 64 characters")
    if abs(now - at) > MAX_SKEW_SECONDS:
        raise RequestError(f"the request's clock differs by {at - now} s from the hub's; set the clock")
    try:
        VerifyKey(signer).verify(_signed_bytes(method, target, body, nonce, at), signature)
    except BadSignatureError:
        raise RequestError("the signature does not belong to this request") from None
    return SignedRequest(signer, nonce, at)
