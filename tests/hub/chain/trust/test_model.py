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

    def judge(self, one: Reading, two: Reading, wh: int, now: int) -> Refusal | None:
        """Return why the program must refuse to mint between two readings, or count it."""
        if wh == 0:
            return Refusal.NOTHING
        if one.flags & ~ReadingFlag.REGISTER_EPOCH_STARTED or two.flags:
            return Refusal.DOUBTED
        if one.sequence < self.sequence or two.sequence <= one.sequence:
            return Refusal.REPLAYED
        if two.measured_at > now + 60:
            return Refusal.FROM_THE_FUTURE
        last = self.last or replace(one, measured_at=0, export_wh=0, import_wh=0)
        seconds = two.measured_at - one.measured_at
        if one.measured_at < last.measured_at or seconds <= 0:
            return Refusal.REPLAYED
        exported, imported = two.export_wh - one.export_wh, two.import_wh - one.import_wh
        if min(one.export_wh - last.export_wh, one.import_wh - last.import_wh, exported, imported) < 0:
            return Refusal.FALLING
        if exported > RATED_W * 125 * seconds // 360_000 + 2:
            return Refusal.IMPOSSIBLE
        if exported - imported < wh:
            return Refusal.TOO_MUCH
        self.minted_wh += wh
        self.last, self.sequence = two, two.sequence
        return None


def following(rng: random.Random, reading: Reading) -> Reading:
    """A reading after this one, possible or not."""
    seconds = rng.choice((1, 60, 1_800, 7_200))
    possible = RATED_W * 5 // 4 * seconds // 3600 + 2
    return replace(
        reading,
        sequence=reading.sequence + rng.choice((1, 1, 1, 1, 5, 0, -1)),
        measured_at=reading.measured_at + rng.choice((seconds,) * 8 + (0, -5, 400_000)),
        export_wh=reading.export_wh + rng.choice((possible, possible, possible, possible // 2, possible + 1, -1)),
        import_wh=reading.import_wh + rng.choice((0, 0, 0, possible // 3, possible, -1)),
        flags=rng.choice((ReadingFlag(0),) * 12 + (ReadingFlag.TAMPER, ReadingFlag.REGISTER_EPOCH_STARTED)),
    )


@pytest.mark.parametrize("base", [0, 2**32 - 100, 2**63 - 50_000])
async def test_program_and_model_agree_on_random_readings(trusting: Trusting, base: int) -> None:
    # Where a compiler takes 64 bits for 32, or unsigned for signed, the registers cross the border.
    rng, site, now = random.Random(base + 3), trusting.brian, int(trusting.now.timestamp())
    await trusting.send(await trusting.registration(site, APPROVERS[:2]), signers=APPROVERS[:2])
    model = Model(None, 7)
    reading = replace(
        site.reading, measured_at=now - 200_000, export_wh=base, import_wh=base // 2, generation_wh=base
    )
    seen: set[Refusal | None] = set()
    for _ in range(40):
        one = reading if rng.random() < 0.6 else following(rng, reading)
        two = following(rng, one)
        if min(one.export_wh, one.import_wh, two.export_wh, two.import_wh) < 0:
            continue
        net = (two.export_wh - one.export_wh) - (two.import_wh - one.import_wh)
        wh = max(0, net + rng.choice((0, 0, 0, 0, 1, -1, -net)))
        why = model.judge(one, two, wh, now)
        seen.add(why)
        earlier, later = sign_reading(one, site.meter_key), sign_reading(two, site.meter_key)
        call = trust.attested_mint(
            trusting.program, mint=trusting.mint, minters=trusting.world.community.authority,
            signers=trusting.minters, to=trusting.escrow, account=site.account, earlier=earlier, later=later,
            wh=wh,
        )  # fmt: skip
        if why is None:
            reading = two
            await trusting.send(*call)
        else:
            await trusting.refused(why, *call)
        assert await trusting.minted() == model.minted_wh
    state = trust.parse_meter(
        await trusting.state(trust.meter_address(trusting.program, trusting.mint, site.meter)) or b""
    )
    assert (state.sequence, state.export_wh, state.import_wh) == (
        model.sequence,
        reading.export_wh,
        reading.import_wh,
    )
    assert {None, Refusal.REPLAYED, Refusal.FALLING, Refusal.IMPOSSIBLE, Refusal.TOO_MUCH, Refusal.DOUBTED} <= seen
    assert model.minted_wh > 0
