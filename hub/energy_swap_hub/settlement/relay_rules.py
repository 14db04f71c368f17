"""When a household's connection is to be open, and which command its meter needs for that. Pure rules."""

from dataclasses import dataclass
from typing import Final

from energy_swap_protocol.relay import Action, Reason, RelayCommand, RelayReport

# A command is to be executed soon or not at all; what it opened closes by itself after a day unless it is renewed.
EXPIRES_SECONDS: Final = 900
OPEN_SECONDS: Final = 86_400
RENEW_SECONDS: Final = 43_200


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides about a connection; ``cut_off_below_cents`` None: this community cuts nobody off for money."""

    free_cents: int
    ekwh_wh: int
    cut_off_below_cents: int | None
    is_protected: bool
    is_ended: bool
    is_asked_off: bool = False


def wanted(standing: Standing) -> Reason | None:
    """Return why the connection is to be open, or None: it is to be closed.

    A protected household is never cut off. Energy that it owns it may use, whatever its money. What the household
    asks for itself comes last: its own wish never hides that it could not be connected anyway.
    """
    if standing.is_protected:
        return None
    if standing.is_ended:
        return Reason.CONNECTION_ENDED
    limit = standing.cut_off_below_cents
    if limit is not None and standing.free_cents < limit and standing.ekwh_wh <= 0:
        return Reason.PREPAID_USED_UP
    return Reason.ASKED_BY_HOUSEHOLD if standing.is_asked_off else None


def command_for(
    standing: Standing, report: RelayReport, last: RelayCommand | None, now: int
) -> RelayCommand | None:
    """Return the command that brings the meter of ``report`` to what is wanted; None: it is there already.

    The ``last`` command is repeated while it is right, not considered by the meter, and not about to expire;
    else there is a new one with a higher sequence. ``now`` is in Unix seconds.
    """
    reason = wanted(standing)
    action = _needed(reason, report, is_protected=standing.is_protected, now=now)
    if action is None:
        return None
    given = reason or Reason.NONE
    if (
        last is not None
        and (last.meter, last.action, last.reason) == (report.meter, action, given)
        and report.sequence < last.sequence
        and now < last.expires_at - EXPIRES_SECONDS // 3
    ):
        return last
    sequence = max(report.sequence, 0 if last is None else last.sequence) + 1
    open_until = now + OPEN_SECONDS if action is Action.OPEN else 0
    return RelayCommand(report.meter, sequence, now, now + EXPIRES_SECONDS, action, given, open_until)


def _needed(reason: Reason | None, report: RelayReport, *, is_protected: bool, now: int) -> Action | None:
    if is_protected != report.is_protected:
        return Action.PROTECT if is_protected else Action.UNPROTECT
    if reason is None:
        return Action.CLOSE if report.is_open else None
    is_fresh = report.is_open and report.open_until - now >= RENEW_SECONDS and report.reason is reason
    return None if is_fresh else Action.OPEN
