"""Runs the example of late readings in docs/markets.md: what can be followed on paper is what the program does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from energy_swap_hub.settlement.late import Span, count, true_up
from energy_swap_hub.settlement.netting import Means
from energy_swap_protocol.period import Period
from energy_swap_protocol.reading import Reading

from tests.hub.market.test_markets_on_paper import tables

LENGTH = timedelta(minutes=30)
MUCH = 100_000


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20T{time}Z").astimezone(UTC)


def words(minted: int, burned: int, grid: int) -> str:
    parts = [
        *([f"{minted} Wh are new tokens"] if minted else []),
        *([f"{burned} Wh of own tokens"] if burned else []),
        *([f"{grid} Wh from the grid"] if grid else []),
    ]
    return "late: " + ", ".join(parts)


def test_an_hour_without_a_link() -> None:
    measured, became = tables("Example: an hour without a link")
    readings = [
        Reading(
            bytes(32), number, int(at(row["measured"]).timestamp()), int(row["given Wh"]), int(row["taken Wh"]), 0
        )
        for number, row in enumerate(measured)
    ]
    running = Period(at(became[-1]["period"]), LENGTH)
    spans = [Span(before.time, after, after) for before, after in pairwise(readings)]
    found = count(readings[0], spans, running)
    means = Means(0, 100, MUCH)
    rows = []
    for late in found.late:
        it, means = true_up(late, "Chebet", means)
        net = it.position.export_wh - it.position.import_wh
        rows.append(
            (f"{late.start:%H:%M}", f"{net:+}", words(it.minted_wh, it.burned_wh, it.grid_wh), means.ekwh_wh)
        )
    position = found.position("Chebet")
    traded = f"{position.export_wh - position.import_wh:+}"
    assert rows == [
        (row["period"], row["given - taken"], row["what becomes of it"], int(row["tokens then"]))
        for row in became[:-1]
    ]
    assert (f"{running.start:%H:%M}", traded) == (became[-1]["period"], became[-1]["given - taken"])
