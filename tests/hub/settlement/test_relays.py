"""When a connection opens and closes again: prepaid money, protection, an ended connection, silent meters."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.settlement.relay_rules import (
    EXPIRES_SECONDS,
    OPEN_SECONDS,
    RENEW_SECONDS,
    Standing,
    command_for,
    wanted,
)
from energy_swap_hub.settlement.relays import mark, relay_of, take_report
from energy_swap_protocol.relay import (
    Action,
    Outcome,
    Reason,
    RelayCommand,
    RelayReport,
    decode_command,
    sign_report,
)
from nacl.signing import SigningKey
from sqlalchemy import Connection

from tests.hub.village import VILLAGE, Home, Village, community, copy_of, forget, open_village

METER = bytes([7]) * 32
NOW = 1_795_174_200
POOR = Standing(free_cents=99, ekwh_wh=0, cut_off_below_cents=100, is_protected=False, is_ended=False)
RICH = replace(POOR, free_cents=100)
CLOSED = RelayReport(METER, NOW, 0, 0, False, False, Outcome.NONE, Reason.NONE)
HUB = SigningKey(bytes([9]) * 32)


def after(command: RelayCommand | None, report: RelayReport = CLOSED) -> RelayReport:
    """Return what a meter reports that has obeyed ``command``."""
    assert command is not None
    opens, protects = command.action is Action.OPEN, command.action is Action.PROTECT
    return replace(
        report,
        sequence=command.sequence,
        open_until=command.open_until,
        is_open=opens,
        is_protected=protects or (report.is_protected and command.action is not Action.UNPROTECT),
        outcome=Outcome.DONE,
        reason=command.reason,
    )


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (RICH, None),
        (POOR, Reason.PREPAID_USED_UP),
        (replace(POOR, ekwh_wh=1), None),
        (replace(POOR, cut_off_below_cents=None), None),
        (replace(POOR, is_protected=True), None),
        (replace(RICH, is_ended=True), Reason.CONNECTION_ENDED),
        (replace(RICH, is_ended=True, is_protected=True), None),
        (replace(RICH, is_asked_off=True), Reason.ASKED_BY_HOUSEHOLD),
        (replace(POOR, is_asked_off=True), Reason.PREPAID_USED_UP),
        (replace(RICH, is_asked_off=True, is_protected=True), None),
    ],
)
def test_who_is_cut_off(standing: Standing, reason: Reason | None) -> None:
    assert wanted(standing) is reason


def test_a_command_is_given_repeated_and_done_with() -> None:
    assert command_for(RICH, CLOSED, None, NOW) is None
    first = command_for(POOR, CLOSED, None, NOW)
    assert first == RelayCommand(
        METER, 1, NOW, NOW + EXPIRES_SECONDS, Action.OPEN, Reason.PREPAID_USED_UP, NOW + OPEN_SECONDS
    )
    assert command_for(POOR, CLOSED, first, NOW + 60) == first, "not considered yet"
    again = command_for(POOR, CLOSED, first, NOW + EXPIRES_SECONDS)
    assert again is not None
    assert again.sequence == 2, "it expired on the way"
    opened = after(first)
    assert command_for(POOR, opened, first, NOW + 60) is None
    renewed = command_for(POOR, opened, first, NOW + OPEN_SECONDS - RENEW_SECONDS + 1)
    assert renewed is not None
    assert (renewed.sequence, renewed.action) == (2, Action.OPEN)
    closing = command_for(RICH, opened, first, NOW + 120)
    assert closing is not None
    assert (closing.sequence, closing.action, closing.open_until) == (2, Action.CLOSE, 0)
    assert command_for(RICH, after(closing, opened), closing, NOW + 180) is None


def test_a_refused_command_is_given_anew_with_a_higher_sequence() -> None:
    first = command_for(POOR, CLOSED, None, NOW)
    assert first is not None
    refused = replace(CLOSED, sequence=1, outcome=Outcome.EXPIRED)
    again = command_for(POOR, refused, first, NOW + 60)
    assert again is not None
    assert again.sequence == 2


def test_protection_reaches_the_meter_and_is_taken_back() -> None:
    protected = replace(POOR, is_protected=True)
    command = command_for(protected, CLOSED, None, NOW)
    assert command is not None
    assert command.action is Action.PROTECT
    report = after(command)
    assert command_for(protected, report, command, NOW) is None
    back = command_for(POOR, report, command, NOW)
    assert back is not None
    assert (back.action, back.sequence) == (Action.UNPROTECT, 2)
    cut = command_for(POOR, after(back, report), back, NOW)
    assert cut is not None
    assert (cut.action, cut.sequence) == (Action.OPEN, 3)


def test_a_replaced_meter_gets_its_own_commands() -> None:
    first = command_for(POOR, CLOSED, None, NOW)
    other = replace(CLOSED, meter=bytes([8]) * 32)
    command = command_for(POOR, other, first, NOW)
    assert command is not None
    assert (command.meter, command.sequence) == (other.meter, 2)


async def test_the_books_decide_and_the_admins_word_counts(founded: Path, tmp_path: Path) -> None:
    folder = copy_of(founded, tmp_path / "prepaid")
    rules = community(cut_off_below_cents=10_000)
    async with open_village(folder, rules=rules) as village:
        home = village.chebet

        async def report(said: RelayReport) -> RelayCommand | None:
            frame = sign_report(said, home.meter_key)

            def change(connection: Connection) -> bytes | None:
                household = by_id(connection, VILLAGE, home.id)
                return take_report(connection, rules, household, frame, HUB, village.now)

            signed = await village.database.write(change)
            return None if signed is None else decode_command(signed, bytes(HUB.verify_key))

        said = replace(CLOSED, meter=bytes(home.meter_key.verify_key), at=int(village.now.timestamp()))
        cut = await report(said)
        assert cut is not None
        assert cut.reason is Reason.PREPAID_USED_UP
        assert await report(replace(said, at=said.at + 1)) == cut

        await village.fund(home, 10_000)
        opened = replace(after(cut, said), at=said.at + 2)
        closing = await report(opened)
        assert closing is not None
        assert closing.action is Action.CLOSE
        with pytest.raises(ValueError, match="older than the one before"):
            await report(said)
        closed = replace(after(closing, opened), at=said.at + 3)
        assert await report(closed) is None

        await marked(village, home, is_ended=True)
        ending = await report(replace(closed, at=said.at + 4))
        assert ending is not None
        assert ending.reason is Reason.CONNECTION_ENDED
        with pytest.raises(ValueError, match="protected"):
            await marked(village, home, is_protected=True)
        await marked(village, home, is_protected=True, is_ended=False)
        known = await village.database.read(lambda c: relay_of(c, VILLAGE, home.id))
        assert (known.is_protected, known.is_ended) == (True, False)
        protecting = await report(replace(after(ending, closed), at=said.at + 5))
        assert protecting is not None
        assert protecting.action is Action.PROTECT
    forget(folder)


async def marked(village: Village, home: Home, **marks: bool) -> None:
    given: dict[str, bool | None] = {"is_protected": None, "is_ended": None}
    await village.database.write(
        lambda c: mark(
            c, VILLAGE, home.id, **(given | marks), who="office", reason="why", now=village.now + timedelta(0)
        )
    )
