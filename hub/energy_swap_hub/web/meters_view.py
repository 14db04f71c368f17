"""What the console shows of meters: how each is, its register epochs, what is in quarantine."""

from collections import defaultdict
from datetime import datetime
from typing import Final, TypedDict

from energy_swap_protocol.reading import FrameError, decode_frame, frame_to_text
from sqlalchemy import Connection, and_, exists, func, select

from energy_swap_hub.chain.approvals import signers_of
from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.chain.proposal import Replacement
from energy_swap_hub.chain.proposal_store import UNDER_WAY, proposals
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.epochs import Candidate, candidates
from energy_swap_hub.metering.registers import register_epochs
from energy_swap_hub.metering.tables import meter_state, quarantine, register_epoch
from energy_swap_hub.storage import is_among

from .household_lists import Order, Wanted, listed
from .paging import Page, rows_of

SILENT_SECONDS: Final = 900
"""A meter signs a reading every minute; after a quarter of an hour something is wrong with it or its way here."""


class MeterEpoch(TypedDict):
    """A register epoch after the first: since which reading, who asked for it, and when it began (Unix seconds).

    ``proposal`` is what the approvers signed; null for one from before they were asked.
    """

    number: int
    meter: str
    since: int
    who: str
    reason: str
    proposal: str | None
    at: int


class Meter(TypedDict):
    """A household's meter; registers are the household's in Wh, powers W (net: positive takes), keys hex."""

    household: str
    name: str
    status: str
    meter: str
    sequence: int | None
    measured_at: int | None
    export_wh: int | None
    import_wh: int | None
    generation_wh: int | None
    net_w: int | None
    generation_w: int | None
    rated_pv_w: int
    main_breaker_w: int
    quarantined: int
    epochs: list[MeterEpoch]


class AskedApprovers(TypedDict):
    """The proposal that is under way about a household's meter, and how many approvers have signed it."""

    proposal: str
    signatures: int
    needed: int


class WaitingMeter(TypedDict):
    """The first frame of a meter in quarantine that could begin a household's next register epoch.

    ``asked`` is null until an admin has asked the approvers.
    """

    household: str
    meter: str
    sequence: int
    measured_at: int
    export_wh: int
    import_wh: int
    generation_wh: int
    reason: str
    received_at: int
    frames: int
    frame: str
    asked: AskedApprovers | None


class Meters(TypedDict):
    """A page of meters by household; ``next`` is the ``before`` of what follows.

    ``total`` and ``counts`` (how many are in each standing, and ``all``) are told if asked for.
    """

    meters: list[Meter]
    next: str | None
    total: int | None
    counts: dict[str, int] | None


class WaitingMeters(TypedDict):
    """The meters whose frames wait for the approvers' word."""

    waiting: list[WaitingMeter]


class QuarantinedFrame(TypedDict):
    """A frame that was not accepted, and why; what cannot be read of it is null."""

    id: int
    household: str
    received_at: int
    reason: str
    meter: str | None
    sequence: int | None
    measured_at: int | None
    export_wh: int | None
    import_wh: int | None
    generation_wh: int | None


class QuarantinedFrames(TypedDict):
    """A page of the quarantine, newest first; ``next`` is the ``before`` of what follows, ``total`` if asked."""

    frames: list[QuarantinedFrame]
    next: int | None
    total: int | None


def order(now: datetime) -> Order:
    """Return what the list of meters can be sorted and chosen by."""
    home, state, refused = household.c, meter_state.c, quarantine.c

    measured_at = func.coalesce(select(state.measured_at).where(state.meter == home.meter).scalar_subquery(), 0)
    refusals = (
        select(func.count())
        .where(refused.community_id == home.community_id, refused.household_id == home.id)
        .scalar_subquery()
    )
    is_member = home.status.in_(("admitted", "suspended", "leaving"))
    silent_since = int(now.timestamp()) - SILENT_SECONDS
    return Order(
        keys={
            "number": home.number,
            "name": func.lower(home.name),
            "reading": measured_at,
            "refused": refusals,
        },
        standings={
            "well": measured_at >= silent_since,
            "silent": and_(is_member, measured_at < silent_since),
            "refused": exists().where(refused.community_id == home.community_id, refused.household_id == home.id),
        },
    )


def meters(connection: Connection, community_id: str, wanted: Wanted, phones: PhoneBook, now: datetime) -> Meters:
    """Return a page of the households' meters."""
    home, state, refused = household.c, meter_state.c, quarantine.c
    page = listed(connection, community_id, wanted, order(now), phones)
    found: dict[str, Meter] = {}
    if page.ids:
        counted = (
            select(refused.household_id, func.count())
            .where(refused.community_id == community_id, is_among(connection, refused.household_id, page.ids))
            .group_by(refused.household_id)
        )
        counts = dict(connection.execute(counted).tuples().all())
        epochs = _epochs(connection, community_id)
        carried = register_epochs(connection, community_id).carried_wh
        query = (
            select(household, meter_state)
            .join(meter_state, state.meter == home.meter, isouter=True)
            .where(home.community_id == community_id, is_among(connection, home.id, page.ids))
        )
        for row in connection.execute(query).mappings():
            home_id, meter = row[home.id], row[home.meter]
            extra = carried(meter, row[state.sequence] or 0)
            registers = [row[state.export_wh], row[state.import_wh], row[state.generation_wh]]
            export_wh, import_wh, generation_wh = (
                None if wh is None else wh + more for wh, more in zip(registers, extra, strict=True)
            )
            found[home_id] = Meter(
                household=home_id,
                name=row[home.name],
                status=row[home.status],
                meter=meter.hex(),
                sequence=row[state.sequence],
                measured_at=row[state.measured_at],
                export_wh=export_wh,
                import_wh=import_wh,
                generation_wh=generation_wh,
                net_w=row[state.net_w],
                generation_w=row[state.generation_w],
                rated_pv_w=row[home.rated_pv_w],
                main_breaker_w=row[home.main_breaker_w],
                quarantined=counts.get(home_id, 0),
                epochs=epochs.get(home_id, []),
            )
    rows = [found[one] for one in page.ids]
    return {"meters": rows, "next": page.following, "total": page.total, "counts": page.counts}


def waiting_meters(connection: Connection, community_id: str, now: datetime) -> WaitingMeters:
    """Return the candidates for new epochs."""
    waiting = candidates(connection, community_id, now)
    asked = _asked(connection, community_id) if waiting else {}
    return {"waiting": [_waiting(found, asked.get(found.household)) for found in waiting]}


def quarantined_frames(
    connection: Connection, community_id: str, household_id: str | None, page: Page
) -> QuarantinedFrames:
    """Return a page of what is in quarantine, of one household or of all, newest first."""
    row = quarantine.c
    query = select(quarantine).where(row.community_id == community_id)
    if household_id is not None:
        query = query.where(row.household_id == household_id)
    found, total = rows_of(connection, query, row.id, page)
    frames = [
        _frame(one["id"], one["household_id"], one["received_at"], one["reason"], one["frame"]) for one in found
    ]
    return {"frames": frames, "next": page.following([frame["id"] for frame in frames]), "total": total}


def _frame(number: int, home: str, received_at: datetime, reason: str, frame: bytes) -> QuarantinedFrame:
    try:
        read = decode_frame(frame)
    except FrameError:
        read = None
    return {
        "id": number,
        "household": home,
        "received_at": int(received_at.timestamp()),
        "reason": reason,
        "meter": None if read is None else read.meter.hex(),
        "sequence": None if read is None else read.sequence,
        "measured_at": None if read is None else read.measured_at,
        "export_wh": None if read is None else read.export_wh,
        "import_wh": None if read is None else read.import_wh,
        "generation_wh": None if read is None else read.generation_wh,
    }


def _epochs(connection: Connection, community_id: str) -> dict[str, list[MeterEpoch]]:
    row = register_epoch.c
    query = select(register_epoch).where(row.community_id == community_id).order_by(row.household_id, row.number)
    found: dict[str, list[MeterEpoch]] = defaultdict(list)
    for epoch in connection.execute(query):
        found[epoch.household_id].append(
            {
                "number": epoch.number,
                "meter": epoch.meter.hex(),
                "since": epoch.measured_at,
                "who": epoch.who,
                "reason": epoch.reason,
                "proposal": epoch.proposal,
                "at": int(epoch.at.timestamp()),
            }
        )
    return found


def _asked(connection: Connection, community_id: str) -> dict[str, AskedApprovers]:
    """Return by household what the approvers are asked about its meter now."""
    chain = community_chain(connection, community_id)
    return {
        wish.household: {
            "proposal": proposal.id,
            "signatures": len(signers_of(connection, proposal, chain)),
            "needed": chain.needed,
        }
        for proposal in proposals(connection, community_id, UNDER_WAY)
        if isinstance(wish := proposal.wish, Replacement)
    }


def _waiting(candidate: Candidate, asked: AskedApprovers | None) -> WaitingMeter:
    first = candidate.first
    return {
        "household": candidate.household,
        "meter": first.meter.hex(),
        "sequence": first.sequence,
        "measured_at": first.measured_at,
        "export_wh": first.export_wh,
        "import_wh": first.import_wh,
        "generation_wh": first.generation_wh,
        "reason": candidate.reason,
        "received_at": int(candidate.received_at.timestamp()),
        "frames": candidate.frames,
        "frame": frame_to_text(candidate.frame),
        "asked": asked,
    }
