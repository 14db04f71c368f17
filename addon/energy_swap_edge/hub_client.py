"""The hub's HTTP API as this household uses it: signed requests, typed answers, two kinds of failure."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import msgspec
from energy_swap_protocol.reading import frame_to_text
from energy_swap_protocol.request import HEADER, sign_request
from energy_swap_protocol.transaction import ChainInfo, TransactionError
from yarl import URL

from .history.periods import OwnTrade, PricedPeriod, Second, SettledPeriod
from .household import HouseholdState
from .keys import HouseholdKey
from .state import Clock, unix

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=4)
_HEARTBEAT_SECONDS: Final = 20
_MAX_EVENT_BYTES: Final = 4 * 1024 * 1024
_MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024


class HubUnavailable(Exception):  # noqa: N818 - reads as the answer it is
    """No usable answer came; asking again later is right.

    ``may_have_arrived`` says whether the hub may have acted on the request.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class HubRefused(Exception):  # noqa: N818 - reads as the answer it is
    """The hub said no, and will say no again to the same request. ``code`` is the hub's word for it.

    ``key`` and ``numbers`` say the ``detail`` to programs, where the hub has them.
    """

    def __init__(
        self, status: int, code: str, detail: str, key: str = "", numbers: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.key = key
        self.numbers = numbers or {}


class FrameResult(msgspec.Struct, frozen=True):
    """What became of one frame; whatever it says, the hub has the frame durably."""

    status: Literal["accepted", "duplicate", "quarantined"]
    sequence: int | None = None
    reason: str | None = None


class _Readings(msgspec.Struct, frozen=True):
    results: list[FrameResult]


class OwnPeriods(msgspec.Struct, frozen=True):
    """Own periods and trades of a span, as the hub booked them."""

    period_minutes: Literal[15, 30, 60]
    periods: list[SettledPeriod]
    trades: list[OwnTrade] = msgspec.field(default_factory=list)


class Prices(msgspec.Struct, frozen=True):
    """The community's booked periods of a span."""

    period_minutes: Literal[15, 30, 60]
    periods: list[PricedPeriod]


class RelayAnswer(msgspec.Struct, frozen=True):
    """Whose commands the meter is to obey (hex), and the signed command for it, if any."""

    authority: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    command: Annotated[str, msgspec.Meta(max_length=400)] | None = None


class _Notifications(msgspec.Struct, frozen=True):
    notifications: list[dict[str, Any]]


class _Told(msgspec.Struct, frozen=True):
    """What every notification has."""

    number: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    event: str
    at: Second


class _Chain(msgspec.Struct, frozen=True):
    mint: str
    escrow: str
    hub: str
    blockhash: str


class _Time(msgspec.Struct, frozen=True):
    time: Second | None = None


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    code: str = ""
    key: str = ""
    numbers: dict[str, Any] = {}


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

    async def time(self) -> int | None:
        """Return the hub's time in Unix seconds; None from an older hub."""
        return (await self._ask("GET", "chain", into=_Time, signed=False)).time

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

    async def relay(self, report: str | None) -> RelayAnswer:
        """Tell what the meter says of its relay and return the command for it; None only asks for the key."""
        body = msgspec.json.encode({"report": report})
        return await self._ask("POST", "household/relay", into=RelayAnswer, body=body)

    async def household(self) -> HouseholdState:
        """Return the hub's view of this household; `HubRefused` with status 403 or 404 when it has none."""
        return await self._ask("GET", "household", into=HouseholdState)

    async def notifications(self, after: int) -> list[dict[str, Any]]:
        """Return what this household was told after number ``after``, oldest first: number, event, at, data."""
        path = f"household/notifications?after={after}"
        found = (await self._ask("GET", path, into=_Notifications)).notifications
        try:
            msgspec.convert(found, type=list[_Told])
        except msgspec.ValidationError as error:
            raise HubUnavailable(f"a notification is not understood: {error}", may_have_arrived=True) from None
        return [one for one in found if one["number"] > after]

    async def own_periods(self, since: int, until: int) -> OwnPeriods:
        """Return own periods with a start in ``[since, until)`` (Unix seconds) and trades booked then."""
        return await self._ask("GET", f"household/periods?from={since}&to={until}", into=OwnPeriods)

    async def prices(self, since: int, until: int) -> Prices:
        """Return the community's booked periods with a start in ``[since, until)``."""
        return await self._ask("GET", f"prices?from={since}&to={until}", into=Prices)

    async def market(self) -> dict[str, Any]:
        """Return the open book and the newest trades, without names."""
        return await self._ask("GET", "market", into=dict[str, Any])

    async def statement(self, days: Mapping[str, str], *, is_csv: bool) -> bytes:
        """Return this household's statement of the days ``from`` and ``to`` as the hub gives it: JSON, or CSV."""
        path = "household/statement.csv" if is_csv else "household/statement"
        query = "&".join(f"{name}={quote(day)}" for name, day in days.items())
        return await self._fetch("GET", f"{path}?{query}" if query else path)

    async def invoices(self) -> list[dict[str, Any]]:
        """Return this household's invoices, the newest first; a draft of the running month has no number."""
        return await self._ask("GET", "household/invoices", into=list[dict[str, Any]])

    async def invoice_pdf(self, number: int, language: str) -> bytes:
        """Return one of this household's invoices as a PDF in ``language`` (en or sw)."""
        return await self._fetch("GET", f"household/invoices/{number}.pdf?language={quote(language)}")

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
        except (msgspec.DecodeError, RecursionError) as error:
            raise HubUnavailable(
                f"an event of the hub is not understood: {error}", may_have_arrived=False
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise HubUnavailable(_reason(error), may_have_arrived=False) from None

    async def _ask[T](self, method: str, path: str, *, into: type[T], body: bytes = b"", signed: bool = True) -> T:
        answer = await self._fetch(method, path, body=body, signed=signed)
        try:
            return msgspec.json.decode(answer, type=into)
        except (msgspec.DecodeError, RecursionError) as error:
            raise HubUnavailable(f"an answer is not understood: {error}", may_have_arrived=True) from None

    async def _fetch(self, method: str, path: str, *, body: bytes = b"", signed: bool = True) -> bytes:
        url = self._base.join(URL(f"{self._base.name}/{path}"))
        headers = self._signature(method, url, body) if signed else {}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=_TIMEOUT
            ) as response:
                status, answer = response.status, await _read(response)
        except aiohttp.ClientConnectorError as error:
            raise HubUnavailable(_reason(error), may_have_arrived=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise HubUnavailable(_reason(error), may_have_arrived=True) from None
        if 200 <= status < 300:
            return answer
        problem = _problem(answer)
        if status in {408, 425, 429} or not 400 <= status < 500:
            raise HubUnavailable(f"status {status} {problem.detail}".strip(), may_have_arrived=True)
        raise HubRefused(
            status,
            problem.code or f"status_{status}",
            problem.detail or problem.title or "no reason",
            problem.key,
            problem.numbers,
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


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, unless it is longer than any answer of a hub; raises `aiohttp.ClientPayloadError`."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError(f"the answer has more than {_MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _problem(answer: bytes) -> _Problem:
    try:
        return msgspec.json.decode(answer, type=_Problem)
    except msgspec.DecodeError, RecursionError:
        return _Problem()


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
