"""Book late energy under the period it belongs to: an entry of its own, tokens, and a row that stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from energy_swap_protocol.period import Period, PeriodCalendar
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.ledger import BURNED, MINTED, Entry, Journal, Posting
from energy_swap_hub.membership.households import Household
from energy_swap_hub.metering.registers import Epochs
from energy_swap_hub.storage import insert_rows

from . import tables, tokens, totals
from .allowances import use_allowances
from .late import Count, TrueUp, true_up, true_up_id
from .notifications import Event, Notification, notify
from .stands import means_of


@dataclass(frozen=True, slots=True)
class _Booked:
    household: Household
    period: Period
    epoch: int
    it: TrueUp

    @property
    def external_id(self) -> str:
        """What its entry is called."""
        return true_up_id(self.period.start, self.household.id, self.epoch, self.it.position.sequence_to)


def book_true_ups(
    connection: Connection,
    community_id: str,
    calendar: PeriodCalendar,
    booking: Period,
    members: Sequence[Household],
    counts: Mapping[str, Count],
    epochs: Epochs,
    now: datetime,
) -> list[str]:
    """True up all late energy that was found when ``booking`` was booked; return the ids of the chain intents.

    No trade, price or bill of a booked period changes: late export becomes the household's own tokens, late
    import uses up its own tokens, and the rest of it is the utility's.
    """
    late = [member for member in members if counts[member.id].late]
    if not late:
        return []
    booked = _worked_out(connection, community_id, calendar, late, counts, epochs)
    _post(connection, community_id, booked, now)
    _record(connection, community_id, booked, now)
    mints = [
        tokens.Mint(
            b.household, b.it.minted_wh, epochs.evidence(b.household.id, b.it.late.before, b.it.late.after)
        )
        for b in booked
        if b.it.minted_wh
    ]
    kept = [tokens.Move(b.household, b.it.minted_wh) for b in booked if b.it.minted_wh]
    burns = [tokens.Move(b.household, b.it.burned_wh) for b in booked if b.it.burned_wh]
    return tokens.settle_period(connection, community_id, booking, mints, kept, burns, now, is_late=True)


def _worked_out(
    connection: Connection,
    community_id: str,
    calendar: PeriodCalendar,
    late: Sequence[Household],
    counts: Mapping[str, Count],
    epochs: Epochs,
) -> list[_Booked]:
    means = means_of(connection, community_id, late)
    booked = []
    for member in late:
        left = means[member.id]
        for part in counts[member.id].late:
            it, left = true_up(part, member.id, left, is_net_metered=member.is_net_metered_at(part.start))
            number = epochs.number(member.id, part.after)
            booked.append(_Booked(member, calendar.starting(part.start), number, it))
    return booked


def _post(connection: Connection, community_id: str, booked: Sequence[_Booked], now: datetime) -> None:
    journal = Journal(connection, community_id)
    journal.expect(
        accounts=[MINTED, BURNED, *(ledger.ekwh(b.household.id) for b in booked)],
        names={"true_up": [b.external_id for b in booked]},
    )
    for b in booked:
        postings = [
            Posting(ledger.ekwh(b.household.id), b.it.minted_wh - b.it.burned_wh),
            Posting(MINTED, -b.it.minted_wh),
            Posting(BURNED, b.it.burned_wh),
        ]
        text = f"late energy of period {b.period.id}"
        is_new = journal.post(Entry("true_up", b.external_id, b.period.end, text, postings, booked_at=now))
        assert is_new, f"{b.external_id} was trued up before"
    journal.write()


def _record(connection: Connection, community_id: str, booked: Sequence[_Booked], now: datetime) -> None:
    insert_rows(
        connection,
        tables.true_up,
        tables.true_up.c.keys(),
        [
            (
                community_id,
                b.period.start,
                b.household.id,
                b.epoch,
                b.it.position.sequence_to,
                b.it.position.sequence_from,
                b.it.position.export_wh,
                b.it.position.import_wh,
                b.it.position.generation_wh,
                b.it.minted_wh,
                b.it.burned_wh,
                b.it.grid_wh,
                now,
            )
            for b in booked
        ],
    )
    burned: dict[str, int] = {}
    for b in booked:
        burned[b.household.id] = burned.get(b.household.id, 0) + b.it.burned_wh
    use_allowances(connection, community_id, {name: wh for name, wh in burned.items() if wh})
    added: dict[str, totals.Change] = {}
    for b in booked:
        p, before = b.it.position, added.get(b.household.id, totals.Change(b.household.id))
        added[b.household.id] = totals.Change(
            b.household.id,
            before.exported_wh + p.export_wh,
            before.imported_wh + p.import_wh,
            before.generated_wh + p.generation_wh,
        )
    totals.add(connection, community_id, added.values())
    notify(connection, community_id, [Notification(b.household.id, Event.TRUED_UP, _told(b)) for b in booked], now)


def _told(booked: _Booked) -> dict[str, object]:
    it = booked.it
    return {
        "period": booked.period.id,
        "minted_wh": it.minted_wh,
        "burned_wh": it.burned_wh,
        "grid_wh": it.grid_wh,
    }
