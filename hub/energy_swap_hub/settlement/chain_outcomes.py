"""What a final chain intent means for members, orders, allowances and periods."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from energy_swap_protocol.reading import frame_from_text
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from energy_swap_hub.chain import proposal_store
from energy_swap_hub.chain.intent import Intent, State
from energy_swap_hub.chain.outbox import enqueue_burn_period
from energy_swap_hub.chain.payload import (
    Admit,
    Approved,
    BurnPeriod,
    HandOver,
    HouseholdTransaction,
    MintPeriod,
    OpenAccount,
    OpenNonce,
    Pause,
    Release,
)
from energy_swap_hub.chain.proposal import Admission, HubChange, Readmission, Recovery, Replacement
from energy_swap_hub.chain.proposal_store import Proposal
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import by_id, record_audit, set_key, set_status
from energy_swap_hub.metering.epochs import start_approved

from . import auctions, spot
from .allowances import grant_confirmed, lose_allowance, lose_allowances
from .departures import is_leaving_burn
from .notifications import Event, Notification, notify
from .period_states import intent_final, put_in_review, replace_intent
from .reviews import open_review
from .settled import start_registers

_ALLOWANCE: Final = "allow:"  # of what a household has signed; all else are locks


def start_of(payload: MintPeriod | BurnPeriod) -> datetime:
    """Return the start of the period that ``payload`` belongs to.

    A burn asked for household by household is called ``<period>.<household>``, another try ``<period>.2``.
    """
    return datetime.fromisoformat(payload.period.partition(".")[0])


class ChainOutcomes:
    """Told once about each final intent of the chain's room; some become final together."""

    def __init__(
        self, community: CommunityConfig, clock: Callable[[], datetime], on_change: Callable[[], None]
    ) -> None:
        self._community = community
        self._clock = clock
        self._on_change = on_change

    def final(self, connection: Connection, finals: Sequence[Intent]) -> None:
        """Carry confirmed and failed intents over into the hub's own state, in their order."""
        now, sales = self._clock(), dict[str, str | None]()  # by order: why its lock failed
        subjects = {_subject(one) for one in finals if isinstance(one.payload, HouseholdTransaction)}
        auctioned = auctions.which_are_auctions(connection, self._community.id, subjects)
        for intent in finals:
            if (
                isinstance(intent.payload, HouseholdTransaction)
                and not intent.id.startswith(_ALLOWANCE)
                and _subject(intent) not in auctioned
            ):
                sales[_subject(intent)] = _error_of(intent)
                continue
            spot.locks_final(connection, self._community, sales, now)
            sales.clear()
            self._one(connection, intent, now)
        spot.locks_final(connection, self._community, sales, now)
        self._on_change()

    def _one(self, connection: Connection, intent: Intent, now: datetime) -> None:
        error = _error_of(intent)
        match intent.payload:
            case OpenAccount() | OpenNonce() | Release() | Admit():
                self._review_failure(connection, intent, error, now)
            case Approved():
                self._decided(connection, intent, error, now)
            case HandOver() | Pause():
                self._review_failure(connection, intent, error, now)
                self._audit(connection, intent, error, now)
                if isinstance(intent.payload, HandOver) and intent.payload.hub and error is None:
                    lose_allowances(connection, self._community.id)
            case MintPeriod() | BurnPeriod():
                self._period(connection, intent, error, now)
            case HouseholdTransaction() if not intent.id.startswith(_ALLOWANCE):
                auctions.lock_final(connection, self._community, _subject(intent), error, now)
            case HouseholdTransaction():
                if error is None:
                    grant_confirmed(connection, intent, _subject(intent))

    def _decided(self, connection: Connection, intent: Intent, error: str | None, now: datetime) -> None:
        """Carry over what the approvers have decided about a household; the rest is the chain's room's."""
        self._review_failure(connection, intent, error, now)
        self._audit(connection, intent, error, now)
        if error is not None:
            return
        community_id = self._community.id
        proposal = proposal_store.get(connection, community_id, intent.id)
        match wish := proposal.wish:
            case Replacement():
                self._meter_replaced(connection, proposal, wish, now)
                return
            case Admission():
                household = by_id(connection, community_id, wish.household)
                if household.status != "applied":
                    return
                start_registers(connection, community_id, household)
                told = Notification(household.id, Event.ADMITTED, {})
            case Readmission():
                told = Notification(wish.household, Event.READMITTED, {})
            case Recovery():
                set_key(connection, community_id, wish.household, bytes(Pubkey.from_string(wish.owner)))
                lose_allowance(connection, community_id, wish.household)  # the new account has granted nothing
                told = Notification(wish.household, Event.RECOVERED, {"wh": wish.wh})
            case HubChange():
                # What is burned from now on would be burned by another key, which nobody has allowed to.
                lost = lose_allowances(connection, community_id)
                tell = [Notification(name, Event.ALLOWANCE_LOST, {"wh": wh}) for name, wh in lost.items()]
                notify(connection, community_id, tell, now)
                return
            case _:
                return
        set_status(connection, community_id, wish.household, "admitted", now=now)
        notify(connection, community_id, [told], now)

    def _meter_replaced(
        self, connection: Connection, proposal: Proposal, wish: Replacement, now: datetime
    ) -> None:
        community_id = self._community.id
        try:
            start_approved(
                connection,
                community_id,
                wish.household,
                frame_from_text(wish.frame),
                proposal=proposal.id,
                who=proposal.asked_by,
                reason=proposal.reason,
                now=now,
            )
        except ValueError as error:
            # The approvers' word stands on the chain; what it was about has changed, so somebody must look.
            evidence = {"household": wish.household, "error": str(error)}
            open_review(
                connection, community_id, kind="meter_waits", subject=proposal.id, evidence=evidence, now=now
            )

    def _audit(self, connection: Connection, intent: Intent, error: str | None, now: datetime) -> None:
        what = f"{intent.kind} is on the chain" if error is None else f"{intent.kind} failed: {error}"
        record_audit(connection, self._community.id, who="the chain", what=what, subject=intent.id, now=now)

    def _period(self, connection: Connection, intent: Intent, error: str | None, now: datetime) -> None:
        assert isinstance(intent.payload, MintPeriod | BurnPeriod)
        if is_leaving_burn(intent.payload):
            if error is not None and isinstance(intent.payload, BurnPeriod):
                lose_allowance(connection, self._community.id, intent.payload.burns[0].household)
            self._review_failure(connection, intent, error, now)
            return
        start = start_of(intent.payload)
        if error is None:
            intent_final(connection, self._community.id, start, intent.id, now)
        elif isinstance(intent.payload, BurnPeriod) and len(intent.payload.burns) > 1:
            self._burn_one_by_one(connection, intent, intent.payload, start, now)
        else:
            if isinstance(intent.payload, BurnPeriod):
                # What it granted is not there any more: it buys nothing until it grants anew.
                lose_allowance(connection, self._community.id, intent.payload.burns[0].household)
            self._review_failure(connection, intent, error, now)
            put_in_review(connection, self._community.id, start)

    def _burn_one_by_one(
        self, connection: Connection, intent: Intent, failed: BurnPeriod, start: datetime, now: datetime
    ) -> None:
        """One household's missing allowance must not keep its neighbours' tokens from being burned."""
        single = [
            intent_id
            for burn in failed.burns
            for intent_id in enqueue_burn_period(
                connection, self._community.id, f"{failed.period}.{burn.household}", [burn], now
            )
        ]
        replace_intent(connection, self._community.id, start, intent.id, single)

    def _review_failure(self, connection: Connection, intent: Intent, error: str | None, now: datetime) -> None:
        if error is None:
            return
        evidence = {"kind": intent.kind, "error": error, "signature": intent.signature}
        open_review(
            connection, self._community.id, kind="chain failed", subject=intent.id, evidence=evidence, now=now
        )


def _subject(intent: Intent) -> str:
    """Return the message, the order or the auction that a household's transaction is for."""
    return intent.id.partition(":")[2]


def _error_of(intent: Intent) -> str | None:
    return intent.error if intent.state is State.FAILED else None
