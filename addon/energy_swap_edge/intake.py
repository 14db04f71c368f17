"""Take in what the meter sends over MQTT: signed readings into the store, power and status into the state.

A reading is acknowledged to the broker only after the store has it on disk, and the edge keeps a persistent
session: whatever was not acknowledged, or was sent while the edge was away, the broker delivers again. The meter
is told, too, what is stored (topic ``ack``): it keeps the period ends of a week and sends again what is missing.

What remains: of readings that a broker lost (a restart without persistence, its queue's limit) while the edge was
away for longer than two hours, a meter has the period ends only. No energy is lost: registers are cumulative.
"""

import asyncio
import logging
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Annotated, Any, Final

import aiomqtt
import msgspec
from energy_swap_protocol.reading import FrameError, Reading, decode_frame, frame_from_text
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .backoff import Backoff
from .config import MqttConfig
from .live_power import LivePower
from .state import Clock, LiveState, unix
from .store import Store

_LOGGER = logging.getLogger(__name__)
_MAX_BATCH: Final = 200
_SILENT_AFTER_SECONDS: Final = 180
# With a fast clock 180 s pass in no time; a meter is silent only if it was for a real while, too.
_SILENT_AFTER_REAL_SECONDS: Final = 10.0
_WATCH_SECONDS: Final = 1.0
_FOR_EVER: Final = 0xFFFFFFFF  # how long an MQTT 5 broker is to keep the session
_VERSIONS: Final = {
    "auto": (aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311),
    "5": (aiomqtt.ProtocolVersion.V5,),
    "3.1.1": (aiomqtt.ProtocolVersion.V311,),
}


type _Watts = Annotated[int, msgspec.Meta(ge=-10_000_000, le=10_000_000)]
type _Second = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class Power(msgspec.Struct, frozen=True):
    """The meter's unsigned live display: net power, + import and - export, and generation, in W."""

    net_w: _Watts
    at: _Second
    generation_w: _Watts = 0


class _AcknowledgingClient(aiomqtt.Client):
    """An MQTT client that acknowledges a message when told to, not when it arrives."""

    def __init__(
        self, config: MqttConfig, identifier: str, tls: ssl.SSLContext | None, version: aiomqtt.ProtocolVersion
    ) -> None:
        is_5 = version is aiomqtt.ProtocolVersion.V5
        properties = None
        if is_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _FOR_EVER
        super().__init__(
            config.host,
            config.port,
            username=config.username,
            password=config.password,
            identifier=identifier,
            protocol=version,
            clean_session=None if is_5 else False,
            clean_start=False if is_5 else MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
            keepalive=20,
            tls_context=tls,
            timeout=10,
        )
        # aiomqtt has no option for it; paho, which it wraps, has.
        self._client.manual_ack_set(True)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(exc_type, exc, tb)
        finally:
            # Else asyncio complains, whenever the broker goes away, about a failure that was dealt with.
            if self._disconnected.done() and not self._disconnected.cancelled():
                self._disconnected.exception()

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Tell the broker that ``message`` needs no further delivery."""
        if message.qos:
            self._client.ack(message.mid, message.qos)


class MeterIntake:
    """The subscription to one meter. ``frames_stored`` are told when there are new ones.

    ``is_listening``: the broker delivers. ``rejected`` counts, by topic, what came in and was no good.
    """

    def __init__(
        self,
        config: MqttConfig,
        meter: str,
        identifier: str,
        *,
        store: Store,
        state: LiveState,
        clock: Clock,
        frames_stored: Sequence[Callable[[], None]],
        power: LivePower,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._meter = meter
        self._identifier = identifier
        self._store = store
        self._state = state
        self._clock = clock
        self._frames_stored = frames_stored
        self._power = power
        self._monotonic = monotonic
        self._heard_at: int | None = None
        self._heard_monotonic = 0.0
        self._is_offline = False
        self.is_listening = False
        self.listening_since: int | None = None  # or when it ended
        self.rejected: Counter[str] = Counter()

    async def run(self) -> None:
        """Stay subscribed for ever, through broker outages."""
        tls = None
        if self._config.tls:
            tls = await asyncio.to_thread(ssl.create_default_context, cafile=self._config.ca_file)
        await self._show_last_reading()
        backoff = Backoff()
        is_down = cannot_store = False
        versions = _VERSIONS[self._config.version]
        attempt, is_known = 0, False
        while True:
            version = versions[attempt % len(versions)]
            try:
                async with _AcknowledgingClient(self._config, self._identifier, tls, version) as client:
                    is_known = True  # else the next attempt tries the other version
                    await self._subscribe(client)
                    # What the meter sent in vain while nobody listened it sends again when it hears of us.
                    latest = await self._store.latest_frame()
                    if latest is not None and decode_frame(latest[1]).meter.hex() == self._meter:
                        await self._tell_meter(client, [latest[0]])
                    _LOGGER.info("listening to meter %s", self._meter[:12])
                    is_down = False
                    self._show_listening(True)
                    if not cannot_store:
                        backoff.reset()
                    cannot_store = False
                    await self._take_in(client)
            except (aiomqtt.MqttError, OSError) as error:
                if not is_down:
                    _LOGGER.warning("the MQTT broker %s is away: %s", self._config.host, error)
                is_down = True
            except sqlite3.Error as error:
                # Not acknowledged, so the broker keeps what could not be stored and brings it again.
                if not cannot_store:
                    _LOGGER.error("readings cannot be stored (%s); is the disk full?", error)  # noqa: TRY400
                cannot_store = True
            self._show_listening(False)
            attempt += 0 if is_known else 1
            await asyncio.sleep(backoff.seconds())

    def _show_listening(self, is_listening: bool) -> None:
        if is_listening != self.is_listening or self.listening_since is None:
            self.listening_since = unix(self._clock)
        self.is_listening = is_listening

    async def watch(self) -> None:
        """Notice when the meter falls silent."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._heard_at is not None and not self._is_live():
                self._show_silence()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        base = f"energy_swap/{self._meter}"
        await client.subscribe([(f"{base}/reading", 1), (f"{base}/status", 1), (f"{base}/power", 0)])

    async def _take_in(self, client: _AcknowledgingClient) -> None:
        messages = client.messages
        while True:
            batch = [await anext(messages)]
            while len(messages) and len(batch) < _MAX_BATCH:
                batch.append(await anext(messages))
            readings = [reading for message in batch if (reading := self._understand(message)) is not None]
            if readings:
                await self._keep(readings)
                await self._tell_meter(client, [reading.sequence for reading, _ in readings])
            for message in batch:
                client.acknowledge(message)

    async def _tell_meter(self, client: aiomqtt.Client, sequences: Sequence[int]) -> None:
        await client.publish(f"energy_swap/{self._meter}/ack", acknowledgement(sequences))

    def _understand(self, message: aiomqtt.Message) -> tuple[Reading, bytes] | None:
        """Return the reading in ``message``; act on power and status at once; count what is no good."""
        kind = str(message.topic).rpartition("/")[2]
        payload = message.payload if isinstance(message.payload, bytes) else b""
        try:
            if kind == "reading":
                return self._reading(payload)
            if kind == "power":
                self._take_power(msgspec.json.decode(payload, type=Power))
            elif kind == "status":
                self._take_status(payload)
        except (FrameError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._reject(kind, str(error))
        return None

    def _reading(self, payload: bytes) -> tuple[Reading, bytes]:
        frame = frame_from_text(payload.decode("ascii"))
        reading = decode_frame(frame)
        if reading.meter.hex() != self._meter:
            raise FrameError("signed by another meter than the one this household has")
        return reading, frame

    async def _keep(self, readings: Sequence[tuple[Reading, bytes]]) -> None:
        await self._store.add_frames(readings)
        self._heard()
        self._show_reading(max((reading for reading, _ in readings), key=lambda r: r.sequence))
        for tell in self._frames_stored:
            tell()

    def _take_power(self, power: Power) -> None:
        self._heard()
        self._power.add(power.at, power.net_w, power.generation_w)
        self._state.set(
            "power",
            {
                "net_w": power.net_w,
                "surplus_w": max(-power.net_w, 0),
                "generation_w": power.generation_w,
                "at": power.at,
            },
        )
        self._show_status("live")

    def _take_status(self, payload: bytes) -> None:
        if payload == b"offline":
            self._is_offline = True
            self._show_silence()
        elif payload == b"online":
            self._heard()
            self._show_status("live")
        else:
            self._reject("status", "neither online nor offline")

    def _heard(self) -> None:
        self._is_offline = False
        self._heard_at = unix(self._clock)
        self._heard_monotonic = self._monotonic()

    def _is_live(self) -> bool:
        if self._is_offline or self._heard_at is None:
            return False
        return (
            unix(self._clock) - self._heard_at <= _SILENT_AFTER_SECONDS
            or self._monotonic() - self._heard_monotonic <= _SILENT_AFTER_REAL_SECONDS
        )

    def _show_silence(self) -> None:
        self._state.set("power", None)
        self._show_status("silent")

    def _show_status(self, status: str) -> None:
        shown = self._state["meter"]
        if shown is not None:
            self._state.set("meter", {**shown, "status": status})

    def _show_reading(self, reading: Reading, status: str = "live") -> None:
        shown: dict[str, Any] | None = self._state["meter"]
        if shown is not None and shown["measured_at"] > reading.measured_at and status == "live":
            return
        self._state.set(
            "meter",
            {
                "key": self._meter,
                "status": status,
                "export_wh": reading.export_wh,
                "import_wh": reading.import_wh,
                "generation_wh": reading.generation_wh,
                "measured_at": reading.measured_at,
            },
        )

    async def _show_last_reading(self) -> None:
        latest = await self._store.latest_frame()
        if latest is not None:
            self._show_reading(decode_frame(latest[1]), "unknown")

    def _reject(self, kind: str, reason: str) -> None:
        self.rejected[kind] += 1
        if self.rejected[kind] == 1:
            _LOGGER.warning(
                "a message on the meter's topic %r is no good: %s (further ones are only counted)", kind, reason
            )


def acknowledgement(sequences: Iterable[int]) -> str:
    """Return what tells a meter that readings are stored: their sequences as numbers and ranges, ``7 9-12``.

    There is at least one sequence; order and repetition do not matter.
    """
    ranges: list[list[int]] = []
    for sequence in sorted(set(sequences)):
        if ranges and sequence == ranges[-1][1] + 1:
            ranges[-1][1] = sequence
        else:
            ranges.append([sequence, sequence])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
