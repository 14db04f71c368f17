"""kill -9 between any two steps of a token's life: ``python -m tests.soak.chain``.

After every start the hub takes up what was left. After every round the ledger's eKWh are those on the chain,
wallet by wallet, no transaction has landed twice, and nothing is left to do.
"""

import argparse
import asyncio
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from .mortality import Doom, Mortality, Place, live
from .outside import Outside
from .token_life import CHANGES, Life, open_life

_PLACES: Final = (Place.STATEMENT, Place.COMMIT, Place.COMMITTED, Place.SENDING, Place.SENT, Place.CLOCK)
_WEIGHTS: Final = (5, 3, 5, 5, 5, 3)
_DOWN_SLOTS: Final = 200  # more than a blockhash lives
_MONEY_CENTS: Final = 50_000_000


def main() -> None:
    """Run the soak and tell its figures; fail unless everything held and all kills took place."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.chain", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trust-mode", action="store_true", help="found the village with the trust mode")
    parser.add_argument("--folder", type=Path, help="keep everything there")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="energy-swap-chain-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run(folder / "village", arguments.kills, arguments.seed, is_trusting=arguments.trust_mode)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder)


def run(folder: Path, kills: int, seed: int, *, is_trusting: bool = False) -> None:
    """Found a village, live a cycle of all changes undisturbed, then be killed ``kills`` times; raise on a lie."""
    random, begun = Random(seed), monotonic()
    folder.mkdir()
    if is_trusting:
        (folder / "trust-mode").touch()
    live(lambda mortality: _live(folder, mortality, found=True), None)
    counted = {Place[line.split()[0]]: int(line.split()[1]) for line in _counts(folder).splitlines()}
    _say(f"founded and lived {CHANGES} rounds in {monotonic() - begun:.1f} s")
    begun, struck, steps = monotonic(), Counter[Place](), Counter[str]()
    while struck.total() < kills:
        place = random.choices(_PLACES, _WEIGHTS)[0]
        count = 1 + int(counted.get(place, 1) / CHANGES * random.random() ** 2)
        slots = _DOWN_SLOTS if random.random() < 0.2 else 0
        doom = Doom(0, 0, place, count, random.uniform(0, 1.5), slots)
        if not live(lambda mortality, away=slots: _live(folder, mortality, away=away), doom):  # type: ignore[misc]
            struck[place] += 1
            outside = Outside(folder)
            steps[STEPS[outside.position[1]]] += 1
            outside.close()
    live(lambda mortality: _live(folder, mortality), None)
    outside = Outside(folder)
    rounds = outside.position[0]
    outside.close()
    _say(
        f"{struck.total()} kills in {rounds - CHANGES} rounds, {monotonic() - begun:.1f} s, seed {seed}: all held"
    )
    for name, times in (*struck.most_common(), *steps.most_common()):
        _say(f"  {times:4} {name}")


STEPS: Final = ("in a period", "in a sale", "in a purchase", "in a cancellation", "in a change", "in the proof")


def _live(folder: Path, mortality: Mortality, *, found: bool = False, away: int = 0) -> None:
    logging.getLogger().addHandler(_Alarm(logging.ERROR))
    asyncio.run(_go_on(folder, mortality, found=found, away=away))


async def _go_on(folder: Path, mortality: Mortality, *, found: bool, away: int) -> None:
    """Live from where the world stands to the end of the next cycle of changes, or be killed on the way."""
    outside = Outside(folder)
    number, step = outside.position
    until = (number // CHANGES + 1) * CHANGES
    while number < until:
        # In one round of a cycle the hub starts with other verifiers, in the next with a next key of its own.
        async with open_life(folder, outside, mortality) as life:
            if found and number == 0:
                await life.found()
                await life.fund(life.chebet, _MONEY_CENTS)
            await life.localnet.tick(away)
            away = 0
            mortality.reach(0, 0)
            await _round(life, outside, number, step)
        number, step = number + 1, 0
        outside.go_to(number, step)
    outside.close()
    if found:
        lines = [f"{place.name} {count}" for place, count in mortality.counts.items()]
        (folder / "counts").write_text("\n".join(lines))


async def _round(life: Life, outside: Outside, number: int, step: int) -> None:
    if step == 0:
        await life.period(number)
        outside.go_to(number, 1)
    if step <= 1:
        await life.sale(number)
        outside.go_to(number, 2)
    if step <= 2:
        await life.purchase(number)
        outside.go_to(number, 3)
    if step <= 3:
        await life.cancellation(number, await life.sale(number))
        outside.go_to(number, 4)
    if step <= 4:
        await life.change(number)
        outside.go_to(number, 5)
    await life.all_is_sent()
    await life.prove()


class _Alarm(logging.Handler):
    """Ends the process at the first error that it would only have logged."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()
        os._exit(3)


def _counts(folder: Path) -> str:
    return (folder / "counts").read_text()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
