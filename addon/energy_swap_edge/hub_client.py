"""The hub's HTTP API as this household uses it: signed requests, typed answers, two kinds of failure."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, Literal
from uuid import uuid4

import aiohttp
import msgspec
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.request import HEADER, sign_request
from energy_swap_protocol.transaction import ChainInfo, TransactionError
from yarl import URL

from .household import HouseholdState
from .keys import HouseholdKey
from .state import Clock, unix

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=4)
_HEARTBEAT_SECONDS: Final = 20
_MAX_EVENT_BYTES: Final = 4 * 1024 * 1024


class HubUnavailable(Exception):  # noqa: N818 - reads as the answer it is
    """No usable answer came; asking again later is right.

    ``may_have_arrived`` says whether the hub may have acted on the request.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class HubRefused(Exception):  # noqa: N818 - reads as the answer it is
    """The hub said no, and will say no again to the same request. ``code`` is the hub's word for it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail


class FrameResult(msgspec.Struct, frozen=True):
    """What became of one frame; whatever it says, the hub has the frame durably."""

    status: Literal["accepted", "duplicate", "quarantined"]
    sequence: int | None = None
    reason: str | None = None


class _Readings(msgspec.Struct, frozen=True):
    results: list[FrameResult]


class _Chain(msgspec.Struct, frozen=True):
    mint: str
    escrow: str
    hub: str
    blockhash: str


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    code: str = ""


class HubClient:
    """One household's door to the hub. It keeps nothing and tries once; callers decide about trying again."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hub_url: str,
        community: str,
        key: HouseholdKey,
        clock: Clock,
        nonce: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._session = session
        self._base = URL(hub_url) / "api/v1/communities" / community
        self._key = key
        self._clock = clock
        self._nonce = nonce

    async def chain_info(self) -> ChainInfo:
        """Return what a Solana transaction of this moment needs; its blockhash is good for about a minute."""
        chain = await self._ask("GET", "chain", into=_Chain, signed=False)
        try:
            return ChainInfo.parse(mint=chain.mint, escrow=chain.escrow, hub=chain.hub, blockhash=chain.blockhash)
        except TransactionError as error:
            raise HubUnavailable(str(error), may_have_arrived=False) from None

    async def post_message(self, envelope: bytes) -> dict[str, Any]:
        """Post a signed message, the exact bytes of its envelope, and return the hub's answer."""
        return await self._ask("POST", "messages", into=dict[str, Any], body=envelope, signed=False)

    async def post_frames(self, frames: Sequence[bytes]) -> list[FrameResult]:
        """Hand frames over, oldest first, and return what became of each, in the same order."""
        body = msgspec.json.encode({"frames": [frame_to_text(frame) for frame in frames]})
        results = (await self._ask("POST", "readings", into=_Readings, body=body)).results
        if len(results) != len(frames):
            raise HubUnavailable(f"{len(results)} answers to {len(frames)} readings", may_have_arrived=True)
        return results

    async def household(self) -> HouseholdState:
        """Return the hub's view of this household; `HubRefused` with status 403 or 404 when it has none."""
        return await self._ask("GET", "household", into=HouseholdState)

    async def household_events(self) -> AsyncIterator[HouseholdState]:
        """Yield the hub's view at connect and after each change, until the connection ends."""
        url = self._base / "household/events"
        try:
            async with self._session.ws_connect(
                url,
                headers=self._signature("GET", url, b""),
                heartbeat=_HEARTBEAT_SECONDS,
                timeout=aiohttp.ClientWSTimeout(ws_close=2),
                max_msg_size=_MAX_EVENT_BYTES,
            ) as socket:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        yield msgspec.json.decode(message.data, type=HouseholdState)
        except msgspec.DecodeError as error:
            raise HubUnavailable(
                f"an event of the hub is not understood: {error}", may_have_arrived=False
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise HubUnavailable(_reason(error), may_have_arrived=False) from None

    async def _ask[T](self, method: str, path: str, *, into: type[T], body: bytes = b"", signed: bool = True) -> T:
        url = self._base / path
        headers = self._signature(method, url, body) if signed else {}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=_TIMEOUT
            ) as response:
                status, answer = response.status, await response.read()
        except aiohttp.ClientConnectorError as error:
            raise HubUnavailable(_reason(error), may_have_arrived=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise HubUnavailable(_reason(error), may_have_arrived=True) from None
        if 200 <= status < 300:
            try:
                return msgspec.json.decode(answer, type=into)
            except msgspec.DecodeError as error:
                raise HubUnavailable(f"an answer is not understood: {error}", may_have_arrived=True) from None
        problem = _problem(answer)
        if status in {408, 425, 429} or not 400 <= status < 500:
            raise HubUnavailable(f"status {status} {problem.detail}".strip(), may_have_arrived=True)
        raise HubRefused(
            status, problem.code or f"status_{status}", problem.detail or problem.title or "no reason"
        )

    def _signature(self, method: str, url: URL, body: bytes) -> dict[str, str]:
        signature = sign_request(
            method,
            url.raw_path_qs,
            body,
            key=self._key.signing_key,
            nonce=self._nonce(),
            at=unix(self._clock),
        )
        return {HEADER: signature}


def _problem(answer: bytes) -> _Problem:
    try:
        return msgspec.json.decode(answer, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
