"""A signing meter for tests: registers that grow minute by minute."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from energy_swap_hub.metering.plausibility import Site
from energy_swap_protocol.reading import Reading, sign_reading
from nacl.signing import SigningKey

START = int(datetime(2026, 11, 20, 11, 30, tzinfo=UTC).timestamp())
SITE = Site(rated_pv_w=5_000, main_breaker_w=10_000)


@dataclass(slots=True)
class Meter:
    """One meter; ``last`` is what it measured last, beginning with the reading of its application."""

    seed: int = 1
    key: SigningKey = field(init=False)
    last: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.key = SigningKey(bytes([self.seed]) * 32)
        self.last = Reading(bytes(self.key.verify_key), 10, START, 1_000, 2_000, 3_000)

    @property
    def public(self) -> bytes:
        """The meter's public key."""
        return self.last.meter

    def sign(self, reading: Reading, **changes: int) -> bytes:
        """Return the frame of ``reading`` with ``changes``."""
        return sign_reading(replace(reading, **changes), self.key)  # type: ignore[arg-type]

    def measure(
        self, *, seconds: int = 60, export_wh: int = 0, import_wh: int = 0, generation_wh: int = 0
    ) -> bytes:
        """Let time pass and energy flow; return the frame of the new reading."""
        before = self.last
        self.last = replace(
            before,
            sequence=before.sequence + 1,
            measured_at=before.measured_at + seconds,
            export_wh=before.export_wh + export_wh,
            import_wh=before.import_wh + import_wh,
            generation_wh=before.generation_wh + generation_wh,
        )
        return self.sign(self.last)
