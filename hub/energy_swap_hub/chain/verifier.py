"""The verifier as the hub sees it: asked over HTTP, it answers with a signature or a reason."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec
from energy_swap_protocol.request import HEADER, sign_request
from nacl.signing import SigningKey
from solders.pubkey import Pubkey
from solders.signature import Signature
from yarl import URL

from .keys import CoSigned, CoSignerUnavailableError, CoSignRefusedError, CoSignRequest
from .payload import encode

_PATH: Final = "/co-sign"
_SECONDS: Final = 20
_REFUSED: Final = 409


class VerifierAnswer(msgspec.Struct, frozen=True):
    """What a verifier answers: a signature (base58) over a message (base64), or a reason."""

    signature: str | None = None
    message: str | None = None
    reason: str | None = None


class RemoteCoSigner:
    """A verifier at a URL. Its answers prove themselves: nothing but its own signature is taken from it."""

    def __init__(self, url: str, key: Pubkey, clock: Callable[[], datetime]) -> None:
        self._url = URL(url.rstrip("/") + _PATH)
        self._key = key
        self._clock = clock

    @property
    def key(self) -> Pubkey:
        """The verifier's public key."""
        return self._key

    async def co_sign(self, request: CoSignRequest) -> CoSigned:
        """Ask for the signature; raises `CoSignRefusedError` or `CoSignerUnavailableError`."""
        body = msgspec.json.encode(
            {
                "community": request.community,
                "intent": request.intent,
                "payload": msgspec.Raw(encode(request.payload).encode()),
                "message": base64.b64encode(request.message).decode(),
                "signature": str(request.signature),
            }
        )
        status, answer = await self._ask(body, SigningKey(request.hub.secret()))
        if status == _REFUSED:
            raise CoSignRefusedError(answer.reason or "without a reason")
        if status != 200 or answer.signature is None or answer.message is None:
            raise CoSignerUnavailableError(f"verifier {self._key} answered {status}: {answer.reason}")
        try:
            message = base64.b64decode(answer.message, validate=True)
            signature = Signature.from_string(answer.signature)
        except binascii.Error, ValueError:
            raise CoSignerUnavailableError(f"verifier {self._key} answered with no signature") from None
        if not signature.verify(self._key, message):
            raise CoSignerUnavailableError(f"the answer from {self._url.host} was not signed by {self._key}")
        return CoSigned(message, signature)

    async def _ask(self, body: bytes, hub: SigningKey) -> tuple[int, VerifierAnswer]:
        at = int(self._clock().timestamp())
        header = sign_request("POST", self._url.raw_path_qs, body, key=hub, nonce=uuid4().hex, at=at)
        headers: dict[str, Any] = {HEADER: header, "Content-Type": "application/json"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
                session.post(self._url, data=body, headers=headers) as response,
            ):
                return response.status, msgspec.json.decode(await response.read(), type=VerifierAnswer)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, OSError) as error:
            raise CoSignerUnavailableError(
                f"verifier {self._key} cannot be reached ({type(error).__name__})"
            ) from None
