"""Cut the demo's measured week out of the public source files; what and how is told in demo/data/README.md."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

HOURS_PER_WEEK: Final = 168
NAIROBI: Final = timedelta(hours=3)
# A source that lacks an hour or two at the edge of the day gets them from a straight line.
LONGEST_FILLED_GAP_HOURS: Final = 2
SOURCE_FILE: Final = "homes_fetch.parquet"
WEEK_FILE: Final = Path(__file__).parents[1] / "data" / "measured_week.csv"

# Whole hours that put the source's solar noon on Nairobi's: (longitude of Nairobi - longitude of the home) / 15.
SHIFT_HOURS: Final[Mapping[str, int]] = {
    "cossmic2": -2,
    "cossmic3": -2,
    "cossmic5": -2,
    "emhass_fr": -2,
}


class SourceError(ValueError):
    """The source files do not hold what a slice asks for; the text says which hour."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Which week of which measured home one household of the demo lives through.

    ``monday`` is the source's own date in Nairobi's shifted clock; ``pv_scale`` 0 leaves the solar out.
    """

    household: int
    home: str
    monday: str
    pv_scale: float

    @property
    def starts_at(self) -> datetime:
        """The source hour that becomes Monday 00:00 in Nairobi."""
        local = datetime.fromisoformat(self.monday).replace(tzinfo=UTC)
        return local - NAIROBI - timedelta(hours=SHIFT_HOURS[self.home])


SLICES: Final = (
    Slice(1, "cossmic3", "2016-09-05", 0.6),
    Slice(2, "emhass_fr", "2024-09-16", 0.5),
    Slice(3, "cossmic3", "2016-08-29", 0.5),
    Slice(4, "emhass_fr", "2024-08-26", 0.5),
    Slice(5, "cossmic3", "2016-09-19", 0.7),
    Slice(6, "cossmic3", "2016-03-14", 0.6),
    Slice(7, "emhass_fr", "2024-04-08", 0.4),
    Slice(8, "cossmic2", "2016-10-24", 0.0),
    Slice(9, "cossmic2", "2016-11-07", 0.0),
    Slice(10, "cossmic2", "2016-05-16", 0.0),
    Slice(11, "cossmic5", "2016-10-10", 0.0),
    Slice(12, "cossmic5", "2016-11-28", 0.0),
)

type Hour = tuple[float | None, float | None]  # pv_kwh, load_kwh; None where the source knows nothing
type Row = tuple[int, str, str, int, str, int, int, str, str, int]

COLUMNS: Final = (
    "household", "source_home", "source_monday", "shift_hours", "pv_scale",
    "day", "hour", "pv_kwh", "load_kwh", "pv_filled",
)  # fmt: skip


def fill_short_gaps(values: Sequence[float | None]) -> list[tuple[float, bool]]:
    """Return ``values`` with gaps of at most two hours on a straight line, each with whether it was filled.

    Raises `SourceError` for a longer gap, or one at either end.
    """
    filled: list[tuple[float, bool]] = []
    for index, value in enumerate(values):
        if value is not None:
            filled.append((value, False))
            continue
        left = next((i for i in range(index, -1, -1) if values[i] is not None), None)
        right = next((i for i in range(index, len(values)) if values[i] is not None), None)
        if left is None or right is None or right - left - 1 > LONGEST_FILLED_GAP_HOURS:
            raise SourceError(f"hour {index} of the week lies in a gap too long to fill")
        before, after = values[left], values[right]
        assert before is not None
        assert after is not None
        filled.append((before + (after - before) * (index - left) / (right - left), True))
    return filled


def cut_week(wanted: Slice, hours: Mapping[datetime, Hour]) -> Iterator[Row]:
    """Yield the 168 rows of one household from its source home's ``hours``; raise `SourceError` for a gap."""
    week = [hours.get(wanted.starts_at + timedelta(hours=n), (None, None)) for n in range(HOURS_PER_WEEK)]
    pv = fill_short_gaps([h[0] for h in week]) if wanted.pv_scale else [(0.0, False)] * HOURS_PER_WEEK
    for n, ((pv_kwh, was_filled), (_, load_kwh)) in enumerate(zip(pv, week, strict=True)):
        if load_kwh is None:
            raise SourceError(f"{wanted.home} {wanted.monday}: the load of hour {n} is unknown")
        yield (
            wanted.household, wanted.home, wanted.monday, SHIFT_HOURS[wanted.home], f"{wanted.pv_scale:.1f}",
            n // 24, n % 24, f"{pv_kwh * wanted.pv_scale:.3f}", f"{load_kwh:.3f}", int(was_filled),
        )  # fmt: skip


def write_week(rows: Iterable[Row], path: Path) -> None:
    """Write the week as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def read_source(folder: Path) -> dict[str, dict[datetime, Hour]]:
    """Return hour -> (pv, load) of every source home; needs pyarrow, which only this step uses."""
    import pyarrow.parquet  # type: ignore[import-not-found]

    table = pyarrow.parquet.read_table(folder / SOURCE_FILE).to_pydict()
    homes: dict[str, dict[datetime, Hour]] = {}
    for home, time, pv, load in zip(
        table["home_id"], table["time_utc"], table["pv_kwh"], table["load_kwh"], strict=True
    ):
        known = (None if x is None or x != x else float(x) for x in (pv, load))  # noqa: PLR0124 - NaN
        at = time.to_pydatetime() if hasattr(time, "to_pydatetime") else time
        homes.setdefault(home, {})[at.astimezone(UTC)] = (next(known), next(known))
    return homes


def main() -> None:
    """Write the CSV from the folder named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: script/make-demo-data SOURCE_FOLDER")
    homes = read_source(Path(sys.argv[1]))
    write_week((row for wanted in SLICES for row in cut_week(wanted, homes[wanted.home])), WEEK_FILE)
    print(f"wrote {WEEK_FILE}")


if __name__ == "__main__":
    main()
