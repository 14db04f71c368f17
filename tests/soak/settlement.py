"""kill -9 over settlement, again and again; the books are those without: ``python -m tests.soak.settlement``."""

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from tests.hub.postgresql import new_database, programs, running_server
from tests.hub.village import Home, copy_of, forget

from .life import PHASES, run_life
from .mortality import Doom, Mortality, Place, draw_dooms, live
from .neighbourhood import ACROSS_LENGTHS, AT_NOON, Times, found, many_homes
from .script import Tick, write_script

# Where a change of length can go wrong: within its first tick, and as the first longer period is booked.
_SETTLING: Final = 4
_AFTER_CHANGE: Final = (timedelta(0), timedelta(minutes=12), timedelta(hours=1), timedelta(hours=1, minutes=12))


@dataclass(frozen=True, slots=True)
class Run:
    """How a script was lived to its end: the books are in ``folder``."""

    folder: Path
    kills: Counter[Place]
    seconds: float

    @property
    def books(self) -> Path:
        return self.folder / "books.txt"


def main() -> None:
    """Run the soak, tell its figures, and fail unless the two books are the same to the byte."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.settlement", description=__doc__)
    parser.add_argument("--periods", type=int, default=500)
    parser.add_argument("--households", type=int, default=50)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own, not SQLite")
    parser.add_argument("--server", help="URL of a PostgreSQL server to make the databases on instead")
    parser.add_argument("--at-once", action="store_true", help="all side by side, and prove the invariants only")
    parser.add_argument(
        "--across-lengths", action="store_true", help="let periods become an hour long at the first midnight"
    )
    parser.add_argument("--folder", type=Path, help="keep everything there")
    arguments = parser.parse_args()
    if not (arguments.periods >= 2 and 5 <= arguments.households <= 50 and arguments.kills >= 1):
        parser.error("at least 2 periods, 5 to 50 households, at least 1 kill")
    with _folder(arguments.folder) as folder, _server(arguments.server, arguments.postgresql) as server:
        homes = many_homes(arguments.households)
        times = ACROSS_LENGTHS if arguments.across_lengths else AT_NOON
        ticks = write_script(arguments.seed, arguments.periods, homes, times.opens)
        _say(f"{'PostgreSQL' if server else 'SQLite'}, {arguments}")
        soak = Soak(folder, homes, ticks, times, arguments.at_once)
        is_sound = soak.run(server, arguments.kills, Random(arguments.seed))
    sys.exit(0 if is_sound else 1)


@dataclass(frozen=True, slots=True)
class Soak:
    """One neighbourhood, founded once in ``folder``, and its script."""

    folder: Path
    homes: tuple[Home, ...]
    ticks: Sequence[Tick]
    times: Times
    at_once: bool

    def run(self, server: str | None, kills: int, random: Random) -> bool:
        """Live undisturbed and with ``kills``; return whether the books agree and all kills took place."""
        self._found(server)
        counted = self.folder / "counts"
        undisturbed = self._live("undisturbed", counted=counted)
        lines = (line.split() for line in counted.read_text().splitlines())
        per_tick = {Place[name]: int(count) / len(self.ticks) for name, count in lines}
        seconds = undisturbed.seconds / len(self.ticks)
        dooms = draw_dooms(random, kills, len(self.ticks), phases=len(PHASES), per_tick=per_tick, seconds=seconds)
        dooms = sorted([*dooms, *self._dooms_of_the_change()], key=lambda doom: (doom.tick, doom.phase))
        killed = self._live("killed", dooms)
        for place, times in killed.kills.most_common():
            _say(f"  {times:4} {place}")
        is_sound = self.at_once or _is_same(undisturbed, killed)
        for run in (undisturbed, killed):
            forget(run.folder)
        forget(self.folder / "founded")
        return is_sound and killed.kills.total() >= kills

    def _dooms_of_the_change(self) -> Iterator[Doom]:
        """Yield kills around the change of length, each at the first commit of a phase or at the news of it."""
        if self.times.lengthened is None:
            return
        moments = {self.times.lengthened + after for after in _AFTER_CHANGE}
        for tick in (one.number for one in self.ticks if one.at in moments):
            yield Doom(tick, 0, Place.COMMIT, 1, 0, 0)
            yield Doom(tick, _SETTLING, Place.COMMITTED, 1, 0, 0)

    def _found(self, server: str | None) -> None:
        folder = self.folder / "founded"
        folder.mkdir()
        if server is not None:
            (folder / "database_url").write_text(new_database(server))
        begun = monotonic()
        live(lambda _: found(folder, self.homes, self.times), None)
        _say(f"founded in {monotonic() - begun:.1f} s")

    def _live(self, name: str, dooms: Sequence[Doom] = (), counted: Path | None = None) -> Run:
        folder = copy_of(self.folder / "founded", self.folder / name)
        begun, kills, slots_away = monotonic(), Counter[Place](), 0

        def life(mortality: Mortality) -> None:
            run_life(folder, self.ticks, self.homes, slots_away, mortality, self.times.rules, at_once=self.at_once)
            if counted is not None:
                counted.write_text("\n".join(f"{place.name} {n}" for place, n in mortality.counts.items()))

        for doom in (*dooms, None):
            if live(life, doom):
                break
            assert doom is not None
            kills[doom.place] += 1
            slots_away = doom.slots_away
        run = Run(folder, kills, monotonic() - begun)
        _say(f"{name}: {kills.total()} kills, {run.seconds:.1f} s, {_digest(run)}")
        return run


def _is_same(undisturbed: Run, killed: Run) -> bool:
    is_same = undisturbed.books.read_bytes() == killed.books.read_bytes()
    if not is_same:
        one, other = (run.books.read_text().splitlines() for run in (undisturbed, killed))
        lines = unified_diff(one, other, "undisturbed", "killed", n=0, lineterm="")
        _say("\n".join(line[:300] for line in islice(lines, 60)))
    _say("the books are the same" if is_same else "THE BOOKS DIFFER")
    return is_same


def _digest(run: Run) -> str:
    data = run.books.read_bytes()
    return f"{data.count(b'\n')} lines of books, SHA-256 {hashlib.sha256(data).hexdigest()[:16]}"


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept
        return
    folder = Path(tempfile.mkdtemp(prefix="energy-swap-soak-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(url: str | None, is_wanted: bool) -> Iterator[str | None]:
    if url is not None or not is_wanted:
        yield url
        return
    where = programs()
    if where is None:
        sys.exit("no PostgreSQL server program on this machine (Debian: postgresql); script/bootstrap gets it")
    with running_server(where) as server:
        yield server


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
