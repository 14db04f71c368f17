"""All meters of the neighbourhood: one with real firmware where that compiles, the others replayed in software."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from energy_swap_demo.esphome_meter import EspHomeMeter, FirmwareMissingError, build_meter
from energy_swap_demo.meters import MetersError, ReplayMeters
from energy_swap_demo.profile import Profile

FIRMWARE_HOUSEHOLD: Final = 1


class Metering:
    """Publishes every household's reading, minute by minute."""

    def __init__(self, replayed: ReplayMeters, firmware: EspHomeMeter | None, note: str) -> None:
        """Take the meters; use `prepare`."""
        self.replayed: Final = replayed
        self.firmware: Final = firmware
        self.note: Final = note

    @classmethod
    async def prepare(
        cls,
        profiles: Mapping[int, Profile],
        *,
        root: Path,
        folder: Path,
        logs: Path,
        start: datetime,
        broker_port: int,
    ) -> Metering:
        """Compile the firmware and return the meters, not yet started; ``note`` says what household 1 has.

        A household keeps the meter it began with: its key is enrolled. Raises `MetersError` when that was
        the firmware and it does not compile any more.
        """
        keys, preferences = folder / "keys", folder / "meter-firmware"
        began_in_software = (keys / f"meter-{FIRMWARE_HOUSEHOLD}").exists()
        firmware: EspHomeMeter | None = None
        note = f"household {FIRMWARE_HOUSEHOLD} keeps the software meter it began with"
        if not began_in_software:
            try:
                program = await build_meter(root, logs / "build-meter.log")
            except FirmwareMissingError as error:
                if preferences.exists():
                    raise MetersError(
                        f"household {FIRMWARE_HOUSEHOLD} has a meter with firmware, but {error}"
                    ) from None
                note = f"household {FIRMWARE_HOUSEHOLD} has a software meter, because {error}"
            else:
                note = f"household {FIRMWARE_HOUSEHOLD} has the real firmware, compiled for Linux"
                firmware = EspHomeMeter(
                    program, profiles[FIRMWARE_HOUSEHOLD],
                    start=start, preferences=preferences, logs=logs, broker_port=broker_port,
                )  # fmt: skip
        in_software = {n: p for n, p in profiles.items() if firmware is None or n != FIRMWARE_HOUSEHOLD}
        replayed = ReplayMeters(in_software, start=start, keys=keys, host="127.0.0.1", port=broker_port)
        return cls(replayed, firmware, note)

    @property
    def public_keys(self) -> dict[int, bytes]:
        """Every meter's public key by household; the firmware's is known once `start` has returned."""
        keys = self.replayed.public_keys
        if self.firmware is not None:
            keys[FIRMWARE_HOUSEHOLD] = self.firmware.public_key
        return keys

    async def start(self, time: datetime) -> None:
        """Bring all meters up and publish the readings of the full minute ``time``."""
        await self.replayed.connect()
        if self.firmware is not None:
            await self.firmware.start(time, others=self.replayed.public_keys.values())
        await self.replayed.publish_minute(time)

    async def publish_minute(self, time: datetime) -> None:
        """Publish every meter's reading of the full minute ``time`` and return when the broker has them all."""
        if self.firmware is None:
            await self.replayed.publish_minute(time)
        else:
            await asyncio.gather(self.replayed.publish_minute(time), self.firmware.publish_minute(time))

    async def stop(self) -> None:
        """Say goodbye at the broker and stop the firmware."""
        await self.replayed.disconnect()
        if self.firmware is not None:
            await self.firmware.stop()
