"""What the edge tells the meter (the hub's relay commands, the claim, its display's words), and what it answers.

The hub decides and signs, the meter checks and obeys; the edge only carries. It asks the hub when the meter has
said something new of its relay, when the hub wants something else of it, and each minute. Commands and words are
retained, so a meter that was away finds them; a command that is too old it refuses by itself.
"""

import asyncio
import logging
import ssl
from typing import Annotated, Any, Final

import aiomqtt
import msgspec
from energy_swap_protocol.relay import RelayError, RelayReport, claim_meter, decode_report, from_text, to_text

from .backoff import Backoff
from .command_error import CommandError
from .config import MqttConfig
from .household import HouseholdState, OwnRelay
from .hub_client import HubClient, HubRefused, HubUnavailable
from .state import LiveState

_LOGGER = logging.getLogger(__name__)
_ASK_SECONDS: Final = 60.0
_CLAIM_SECONDS: Final = 10.0
_KEY: Final = 64


class Enrolment(msgspec.Struct, frozen=True):
    """Whose commands the meter obeys: a public key in hex, or nobody's."""

    authority: Annotated[str, msgspec.Meta(min_length=_KEY, max_length=_KEY)] | None


class ClaimMeter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The local command that claims the meter with the eight digits that it shows."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=9)]


class MeterControl:
    """The way from hub to meter and back, beside the readings. ``run`` it for ever."""

    def __init__(
        self,
        config: MqttConfig,
        meter: str,
        identifier: str,
        *,
        hub: HubClient,
        state: LiveState,
        ask_seconds: float = _ASK_SECONDS,
    ) -> None:
        self._config = config
        self._meter = meter
        self._identifier = identifier
        self._hub = hub
        self._state = state
        self._ask_seconds = ask_seconds
        self._client: aiomqtt.Client | None = None
        self._report: str | None = None
        self._said: RelayReport | None = None  # what the report says
        self._wanted: OwnRelay | None = None  # by the hub
        self._hub_key: str | None = None  # whose commands the meter is to obey
        self._authority: str | None = None  # of the meter, as it says itself
        self._told: dict[str, str] = {}  # what was published last, by topic
        self._something_new = asyncio.Event()
        self._enrolled = asyncio.Event()
        self._is_enrolment_known = False

    async def run(self) -> None:
        """Stay connected to the broker for ever."""
        tls = None
        if self._config.tls:
            tls = await asyncio.to_thread(ssl.create_default_context, cafile=self._config.ca_file)
        backoff = Backoff()
        while True:
            try:
                async with self._connection(tls) as client:
                    self._client = client
                    self._told.clear()
                    base = f"energy_swap/{self._meter}"
                    await client.subscribe([(f"{base}/relay/state", 1), (f"{base}/enrolment", 1)])
                    backoff.reset()
                    await self._carry(client)
            except (aiomqtt.MqttError, OSError) as error:
                _LOGGER.debug("the MQTT broker is away: %s", error)  # the intake says so louder
            self._client = None
            await asyncio.sleep(backoff.seconds())

    def take(self, household: HouseholdState) -> None:
        """Look at the hub's view; a command is asked for when it wants something else of the connection."""
        if household.relay != self._wanted:
            self._wanted = household.relay
            self._show()
            self._something_new.set()

    async def claim(self, data: dict[str, Any]) -> dict[str, Any]:
        """Make the hub's key the one whose relay commands the meter obeys; raise `CommandError` if it does not."""
        try:
            code = msgspec.convert(data, type=ClaimMeter).code
            authority = self._hub_key = (await self._hub.relay(None)).authority
            claim = claim_meter(bytes.fromhex(self._meter), bytes.fromhex(authority), code)
        except (msgspec.ValidationError, ValueError) as error:
            raise CommandError("invalid_data", str(error)) from None
        except (HubRefused, HubUnavailable) as error:
            raise CommandError("hub_unreachable", f"the hub tells no key to claim for: {error}") from None
        if self._client is None:
            raise CommandError("meter_unreachable", "the MQTT broker is away; try again when it is back")
        self._enrolled.clear()
        try:
            async with asyncio.timeout(_CLAIM_SECONDS):
                await self._client.publish(f"energy_swap/{self._meter}/claim", to_text(claim), qos=1)
                while self._authority != authority:
                    await self._enrolled.wait()
                    self._enrolled.clear()
        except aiomqtt.MqttError as error:
            raise CommandError("meter_unreachable", f"the MQTT broker is away: {error}") from None
        except TimeoutError:
            raise CommandError("not_claimed", _not_claimed(self._authority)) from None
        return {"status": "claimed", "authority": authority}

    def _connection(self, tls: ssl.SSLContext | None) -> aiomqtt.Client:
        is_5 = self._config.version == "5"
        return aiomqtt.Client(
            self._config.host,
            self._config.port,
            username=self._config.username,
            password=self._config.password,
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if is_5 else aiomqtt.ProtocolVersion.V311,
            keepalive=20,
            tls_context=tls,
            timeout=10,
        )

    async def _carry(self, client: aiomqtt.Client) -> None:
        telling = asyncio.create_task(self._tell(client))
        try:
            async for message in client.messages:
                self._take(str(message.topic), message.payload if isinstance(message.payload, bytes) else b"")
                if telling.done():
                    break
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            if topic.endswith("/enrolment"):
                self._authority = msgspec.json.decode(payload, type=Enrolment).authority
                self._is_enrolment_known = True
                self._enrolled.set()
                self._show_enrolment()
            else:
                text = payload.decode("ascii")
                report = decode_report(from_text(text))
                if report.meter.hex() != self._meter:
                    raise RelayError("signed by another meter than the one this household has")
                self._report, self._said = text, report
                self._show()
                self._something_new.set()
        except (RelayError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            _LOGGER.warning("a message on %s is no good: %s", topic.rpartition("/")[2], error)

    async def _tell(self, client: aiomqtt.Client) -> None:
        while True:
            self._something_new.clear()
            await self._publish(client, "display", display_words(self._state["wallet"], self._state["market"]))
            if self._report is not None and self._state["membership"] != "unknown":
                try:
                    answer = await self._hub.relay(self._report)
                except (HubRefused, HubUnavailable) as error:
                    _LOGGER.debug("the hub has no word on the relay: %s", error)
                else:
                    self._hub_key = answer.authority
                    self._show_enrolment()
                    await self._publish(client, "relay/set", answer.command)
            try:
                async with asyncio.timeout(self._ask_seconds):
                    await self._something_new.wait()
            except TimeoutError:
                pass

    async def _publish(self, client: aiomqtt.Client, topic: str, text: str | None) -> None:
        if text is not None and self._told.get(topic) != text:
            await client.publish(f"energy_swap/{self._meter}/{topic}", text, qos=1, retain=True)
            self._told[topic] = text

    def _show(self) -> None:
        said, wanted = self._said, self._wanted
        if said is None:
            return
        self._state.set(
            "relay",
            {
                "is_closed": not said.is_open,
                "reason": said.reason.name.lower(),
                "protected": said.is_protected,
                "wanted": None if wanted is None else wanted.wanted,
                "asked_off": None if wanted is None else wanted.is_asked_off,
            },
        )

    def _show_enrolment(self) -> None:
        if not self._is_enrolment_known:
            return
        if self._authority is None:
            status = "unclaimed"
        else:
            is_ours = self._hub_key is None or self._hub_key == self._authority
            status = "claimed" if is_ours else "claimed_elsewhere"
        self._state.set("enrolment", {"status": status})


def display_words(wallet: dict[str, Any] | None, market: dict[str, Any] | None) -> str | None:
    """Return the three lines of the meter's display, money first; None while the hub has not told."""
    if wallet is None:
        return None
    price = None if market is None else market["clearing_cents_per_kwh"]
    note = "" if price is None else f"Price {price / 100:.2f}"
    return f"KSh {wallet['kes_cents'] / 100:,.2f}\n{wallet['ekwh_wh'] / 1000:.1f} kWh\n{note}"


def _not_claimed(authority: str | None) -> str:
    if authority is None:
        return "the meter did not take the code: is it the one it shows now? It changes after five wrong ones"
    return f"the meter obeys {authority} already; release it with the button inside its housing first"
