"""The replayed meters: each minute, every household's signed reading goes to the broker."""

import asyncio
import logging
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiomqtt
import msgspec
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading
from nacl.signing import SigningKey

from energy_swap_demo.keys import keep_key
from energy_swap_demo.profile import Profile, minute_index

_LOG: Final = logging.getLogger(__name__)
_RECONNECT_S: Final = 0.3
_ANSWER_S: Final = 5.0
_PATIENCE_S: Final = 60.0
_MESSAGES_IN_FLIGHT: Final = 100


class MetersError(RuntimeError):
    """The meters cannot publish; the text says why."""


class ReplayedMeter:
    """A meter in software: a key that is kept, and the registers of its household's profile.

    A reading is a function of its minute alone, its sequence too. So a minute that is published again after a
    crash is the same to the byte, and nothing but the key has to survive.
    """

    def __init__(self, profile: Profile, key: SigningKey, start: datetime) -> None:
        """Begin with registers at zero and sequence 1 at ``start``."""
        self.public_key: Final = bytes(key.verify_key)
        self._profile = profile
        self._key = key
        self._start = start

    @property
    def topic(self) -> str:
        """Beginning of the meter's MQTT topics."""
        return meter_topic(self.public_key)

    def frame_at(self, time: datetime) -> bytes:
        """Return the signed frame of the full minute ``time``; raise `ValueError` before the start."""
        minute = minute_index(time, self._start)
        registers = self._profile.registers_at(minute)
        reading = Reading(
            meter=self.public_key,
            sequence=minute + 1,
            measured_at=int(time.timestamp()),
            export_wh=registers.export_wh,
            import_wh=registers.import_wh,
            generation_wh=registers.generation_wh,
        )
        return sign_reading(reading, self._key)

    def power_at(self, time: datetime) -> bytes:
        """Return the JSON of the live display: the average power of the minute that begins at ``time``."""
        power = self._profile.power_at(minute_index(time, self._start))
        return msgspec.json.encode(
            {"net_w": power.net_w, "generation_w": power.generation_w, "at": int(time.timestamp())}
        )


def meter_topic(public_key: bytes) -> str:
    """Return the beginning of a meter's MQTT topics."""
    return f"energy_swap/{public_key.hex()}"


class ReplayMeters:
    """All meters in software, over one connection to the broker. Use it as an async context.

    The connection's last will can speak for one meter only, so a crash of the demo leaves the others "online".
    These meters have no relay.
    """

    def __init__(
        self, profiles: Mapping[int, Profile], *, start: datetime, keys: Path, host: str, port: int
    ) -> None:
        """Make a meter for each household in ``profiles``; keys are kept in ``keys``."""
        self.meters: Final[Mapping[int, ReplayedMeter]] = {
            household: ReplayedMeter(profile, keep_key(keys / f"meter-{household}"), start)
            for household, profile in profiles.items()
        }
        self._start = start
        self._host = host
        self._port = port
        self._client: aiomqtt.Client | None = None
        self._connection = AsyncExitStack()

    @property
    def public_keys(self) -> dict[int, bytes]:
        """The meters' public keys by household."""
        return {household: meter.public_key for household, meter in self.meters.items()}

    def frame_at(self, household: int, time: datetime) -> bytes:
        """Return the frame that the household's meter publishes at ``time``."""
        return self.meters[household].frame_at(time)

    async def publish_minute(self, time: datetime) -> None:
        """Publish every meter's reading of the full minute ``time`` and return when the broker has them all.

        A broken connection is made again and the minute repeated, which changes nothing. Raises `MetersError`
        when the broker stays away for a minute of real time, `ValueError` for a time that is no full minute.
        """
        if time.second or time.microsecond or time < self._start:
            raise ValueError(f"readings are taken at full minutes from {self._start} on, not at {time}")
        gives_up_at = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                await self._publish(await self._connected(), time)
            except aiomqtt.MqttError as error:
                await self._drop_connection()
                if asyncio.get_running_loop().time() > gives_up_at:
                    raise MetersError(
                        f"the broker at {self._host}:{self._port} does not answer: {error}"
                    ) from error
                _LOG.info("meters: broker lost (%s), connecting again", error)
                await asyncio.sleep(_RECONNECT_S)
            else:
                return

    async def _publish(self, client: aiomqtt.Client, time: datetime) -> None:
        await asyncio.gather(
            *(
                client.publish(f"{meter.topic}/reading", frame_to_text(meter.frame_at(time)), qos=1)
                for meter in self.meters.values()
            ),
            *(
                client.publish(f"{meter.topic}/power", meter.power_at(time), qos=0)
                for meter in self.meters.values()
            ),
        )

    async def _connected(self) -> aiomqtt.Client:
        if self._client is None:
            client = aiomqtt.Client(
                self._host,
                self._port,
                identifier="replayed-meters",
                timeout=_ANSWER_S,
                max_inflight_messages=_MESSAGES_IN_FLIGHT,
                # A minute is many small packets: without this each waits for the one before to be acknowledged.
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            )
            client.pending_calls_threshold = _MESSAGES_IN_FLIGHT
            self._client = await self._connection.enter_async_context(client)
            await self._announce(self._client, "online")
        return self._client

    async def _announce(self, client: aiomqtt.Client, status: str) -> None:
        for meter in self.meters.values():
            await client.publish(f"{meter.topic}/status", status, qos=1, retain=True)

    async def connect(self) -> None:
        """Connect to the broker and announce every meter; raise `aiomqtt.MqttError` when nobody answers."""
        await self._connected()

    async def disconnect(self) -> None:
        """Say "offline" for every meter and leave the broker."""
        if self._client is not None:
            try:
                await self._announce(self._client, "offline")
            except aiomqtt.MqttError as lost:
                _LOG.info("meters: broker lost before they could say goodbye (%s)", lost)
        await self._drop_connection()

    async def _drop_connection(self) -> None:
        self._client = None
        try:
            await self._connection.aclose()
        except aiomqtt.MqttError as error:  # it was lost before it could be closed
            _LOG.debug("meters: %s", error)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()
