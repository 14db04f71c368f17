"""Random readings, possible and not: either compiler's program counts as a few lines of Python do."""

import random
from dataclasses import dataclass, replace

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.trust import Refusal
from energy_swap_protocol.reading import Reading, ReadingFlag, sign_reading

from tests.hub.chain.world import APPROVERS

from .conftest import RATED_W, Trusting


@dataclass(slots=True)
class Model:
    """What the program should think of a meter."""

    last: Reading | None
    sequence: int
    minted_wh: int = 0

    def judge(self, reading: Reading, now: int) -> Refusal | None:
        """Return why the program must refuse, or count it."""
        if reading.flags:
            return Refusal.DOUBTED
        if reading.sequence <= self.sequence:
            return Refusal.REPLAYED
        if reading.measured_at > now + 60:
            return Refusal.FROM_THE_FUTURE
        if self.last is not None:
            seconds = reading.measured_at - self.last.measured_at
            exported, imported = reading.export_wh - self.last.export_wh, reading.import_wh - self.last.import_wh
            if seconds <= 0:
                return Refusal.REPLAYED
            if exported < 0 or imported < 0:
                return Refusal.FALLING
            if exported > RATED_W * 5 // 4 * seconds // 3600 + 2:
                return Refusal.IMPOSSIBLE
            self.minted_wh += max(0, exported - imported)
        self.last, self.sequence = reading, reading.sequence
        return None


@pytest.mark.parametrize("base", [0, 2**32 - 100, 2**63 - 50_000])
async def test_program_and_model_agree_on_random_readings(trusting: Trusting, base: int) -> None:
    # Where a compiler takes 64 bits for 32, or unsigned for signed, the registers cross the border.
    rng, site, now = random.Random(base), trusting.brian, int(trusting.now.timestamp())
    await trusting.send(await trusting.registration(site, APPROVERS[:2]), signers=APPROVERS[:2])
    model = Model(None, 6)
    reading = replace(
        site.reading, measured_at=now - 200_000, export_wh=base, import_wh=base // 2, generation_wh=base
    )
    seen: set[Refusal | None] = set()
    for _ in range(60):
        seconds = rng.choice((1, 60, 1_800, 7_200))
        possible = RATED_W * 5 // 4 * seconds // 3600 + 2
        candidate = replace(
            reading,
            sequence=reading.sequence + rng.choice((1, 1, 1, 5, 0, -1)),
            measured_at=reading.measured_at + rng.choice((seconds,) * 6 + (0, -5, 400_000)),
            export_wh=reading.export_wh + rng.choice((0, possible // 2, possible, possible, possible + 1, -1)),
            import_wh=reading.import_wh + rng.choice((0, 0, possible // 3, possible, -1)),
            flags=rng.choice((ReadingFlag(0),) * 12 + (ReadingFlag.TAMPER, ReadingFlag.REGISTER_EPOCH_STARTED)),
        )
        if candidate.export_wh < 0 or candidate.import_wh < 0:
            continue
        why = model.judge(candidate, now)
        seen.add(why)
        call = trusting.attested(site, sign_reading(candidate, site.meter_key))
        if why is None:
            reading = candidate
            await trusting.send(*call)
        else:
            await trusting.refused(why, *call)
        assert await trusting.balance(site.account) == model.minted_wh
    state = trust.parse_meter(
        await trusting.state(trust.meter_address(trusting.program, trusting.mint, site.meter)) or b""
    )
    assert (state.sequence, state.export_wh, state.import_wh) == (
        model.sequence,
        reading.export_wh,
        reading.import_wh,
    )
    assert {None, Refusal.REPLAYED, Refusal.FALLING, Refusal.IMPOSSIBLE, Refusal.DOUBTED} <= seen
    assert model.minted_wh > 0
