"""A compiled meter is claimed with its code, obeys its authority's commands, and tells its key to nobody."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from energy_swap_demo.broker import free_port
from energy_swap_protocol.reading import ReadingFlag
from energy_swap_protocol.relay import (
    Action,
    Outcome,
    Reason,
    RelayCommand,
    RelayReport,
    claim_meter,
    decode_report,
    from_text,
    sign_command,
    to_text,
)
from nacl.signing import SigningKey

from tests.esphome.conftest import Neighbourhood
from tests.esphome.native_api import Shown, entities_of
from tests.esphome.simulation import PATIENCE, Line, eventually, stored_state
from tests.esphome.test_program import MIDNIGHT

HUB, STRANGER = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
DAY = 86_400
NO_CODE = "00000000"


@dataclass(slots=True)
class Relay:
    """One meter, what its entities show, and what is said to it."""

    neighbourhood: Neighbourhood
    shown: Shown
    meter: bytes = b""
    now: int = MIDNIGHT
    sequence: int = 0

    async def pass_time(self, seconds: int) -> None:
        self.now += seconds
        await self.neighbourhood.feed.give([Line(self.now, 1_000_000)])

    def reports(self) -> list[RelayReport]:
        said = self.neighbourhood.listener.said["relay/state"]
        return [decode_report(from_text(text)) for text in said]

    async def say(self, topic: str, text: str) -> None:
        await self.neighbourhood.listener.publish(f"energy_swap/{self.meter.hex()}/{topic}", text)

    async def claim(self, code: str, authority: SigningKey = HUB) -> None:
        await self.say("claim", to_text(claim_meter(self.meter, bytes(authority.verify_key), code)))

    async def command(self, action: Action, *, key: SigningKey = HUB, sequence: int = 0, **times: int) -> str:
        """Send a command, by default the next one of now, and return its text."""
        self.sequence = sequence or self.sequence + 1
        open_until = times.get("open_until", self.now + DAY if action is Action.OPEN else 0)
        command = RelayCommand(
            self.meter,
            self.sequence,
            times.get("issued_at", self.now),
            times.get("expires_at", self.now + 900),
            action,
            Reason.PREPAID_USED_UP,
            open_until,
        )
        text = to_text(sign_command(command, key))
        await self.say("relay/set", text)
        return text

    async def answered(self, sequence: int) -> RelayReport:
        await eventually(lambda: any(report.sequence == sequence for report in self.reports()))
        return self.reports()[-1]


@pytest.fixture
async def relay(neighbourhood: Neighbourhood) -> AsyncIterator[Relay]:
    port = free_port()
    neighbourhood.meter.settings["ENERGY_SWAP_API"] = str(port)
    await neighbourhood.meter.start()
    async with entities_of(port) as shown:
        relay = Relay(neighbourhood, shown)
        relay.meter = bytes.fromhex(str(await shown.wait_for("Public key", bool)))
        await relay.pass_time(0)
        await eventually(lambda: bool(relay.reports()))
        yield relay


async def claimed(relay: Relay) -> None:
    await relay.claim(str(await relay.shown.wait_for("Claim code", bool)))
    await relay.shown.wait_for("Claim code", lambda code: code == "")


async def test_only_the_code_that_is_shown_claims_the_meter_and_only_once(relay: Relay) -> None:
    code = str(await relay.shown.wait_for("Claim code", bool))
    enrolments = relay.neighbourhood.listener.said["enrolment"]
    await eventually(lambda: bool(enrolments))
    assert msgspec.json.decode(enrolments[-1]) == {"meter": relay.meter.hex(), "authority": None}
    assert code != NO_CODE, "one chance in a hundred million"
    for _ in range(4):
        await relay.claim(NO_CODE, STRANGER)
    await relay.claim(code)
    await relay.shown.wait_for("Claim code", lambda shown: shown == "")
    await eventually(lambda: len(enrolments) == 2)
    await relay.claim(code, STRANGER)
    await relay.command(Action.OPEN)
    assert (await relay.answered(1)).is_open, "the first authority still commands"
    assert msgspec.json.decode(enrolments[-1])["authority"] == bytes(HUB.verify_key).hex()


async def test_after_five_wrong_claims_there_is_a_new_code(relay: Relay) -> None:
    code = str(await relay.shown.wait_for("Claim code", bool))
    for _ in range(5):
        await relay.claim(NO_CODE, STRANGER)
    await relay.shown.wait_for("Claim code", lambda shown: shown not in {"", code})
    await relay.claim(code)
    await claimed(relay)


async def test_commands_are_obeyed_confirmed_and_survive_a_power_cut(relay: Relay) -> None:
    await claimed(relay)
    assert relay.shown.states["Connection"] is True
    text = await relay.command(Action.OPEN)
    report = await relay.answered(1)
    assert report == RelayReport(
        relay.meter, relay.now, 1, relay.now + DAY, True, False, Outcome.DONE, Reason.PREPAID_USED_UP
    )
    await relay.shown.wait_for("Connection", lambda state: state is False)

    # Whoever cuts the meter's power finds the connection as it was, and the same command counts no second time.
    meter = relay.neighbourhood.meter
    await meter.stop(signal.SIGKILL)
    relay.neighbourhood.feed.drop()
    said = len(relay.reports())
    await meter.start()
    await relay.pass_time(60)
    await eventually(lambda: len(relay.reports()) > said)
    assert relay.reports()[-1].is_open
    await relay.command(Action.CLOSE)
    assert not (await relay.answered(2)).is_open
    await relay.say("relay/set", text)
    await relay.command(Action.CLOSE, sequence=3)
    assert not (await relay.answered(3)).is_open, "an old command opened the connection again"


async def test_forged_stale_and_unclaimed_commands_switch_nothing(relay: Relay) -> None:
    await relay.command(Action.OPEN)  # nobody has claimed it
    relay.sequence = 0
    await claimed(relay)
    await relay.command(Action.OPEN, key=STRANGER, sequence=50)
    await relay.command(Action.OPEN, sequence=1, issued_at=relay.now - 2000, expires_at=relay.now)
    assert (await relay.answered(1)).outcome is Outcome.EXPIRED
    await relay.command(Action.OPEN, sequence=2, open_until=relay.now + 3 * DAY)
    assert (await relay.answered(2)).outcome is Outcome.NOT_POSSIBLE
    await relay.command(Action.PROTECT, sequence=3)
    await relay.command(Action.OPEN, sequence=4)
    report = await relay.answered(4)
    assert (report.outcome, report.is_protected) == (Outcome.PROTECTED, True)
    assert not any(report.is_open for report in relay.reports())


async def test_without_a_new_command_the_connection_closes_by_itself(relay: Relay) -> None:
    await claimed(relay)
    await relay.command(Action.OPEN)
    assert (await relay.answered(1)).is_open
    await relay.pass_time(DAY - 1)
    assert relay.reports()[-1].is_open
    await relay.pass_time(1)
    await eventually(lambda: not relay.reports()[-1].is_open)
    await relay.shown.wait_for("Connection", lambda state: state is True)


async def test_a_released_claim_closes_the_connection_and_is_told_as_tampering(relay: Relay) -> None:
    await claimed(relay)
    await relay.command(Action.OPEN)
    assert (await relay.answered(1)).is_open
    shown = relay.shown
    shown.client.button_command(shown.keys["Release claim"])
    await shown.wait_for("Connection", lambda state: state is True)
    await shown.wait_for("Claim code", bool)
    await relay.command(Action.OPEN, sequence=2)  # nobody's any more
    await relay.pass_time(60)
    listener = relay.neighbourhood.listener
    await listener.wait_for_minute(relay.now)
    await relay.pass_time(60)
    await listener.wait_for_minute(relay.now)
    assert [reading.flags for reading in listener.readings[-2:]] == [ReadingFlag.TAMPER, ReadingFlag(0)]
    assert not relay.reports()[-1].is_open


async def test_an_open_lid_is_told_with_the_next_reading(relay: Relay) -> None:
    shown, listener = relay.shown, relay.neighbourhood.listener
    shown.client.switch_command(shown.keys["Open the lid"], True)
    await shown.wait_for("Lid", lambda state: state is True)
    # Closed again before the next reading, and told all the same.
    shown.client.switch_command(shown.keys["Open the lid"], False)
    await shown.wait_for("Lid", lambda state: state is False)
    await relay.pass_time(60)
    await listener.wait_for_minute(relay.now)
    assert listener.readings[-1].flags == ReadingFlag.TAMPER


async def test_the_display_shows_what_the_edge_says(relay: Relay) -> None:
    await relay.say("display", "KSh 1,234.50\n12.3 kWh\nSelling at 18 KSh")
    await relay.shown.wait_for("Balance", lambda text: text == "KSh 1,234.50")
    await relay.shown.wait_for("Energy left", lambda text: text == "12.3 kWh")
    await relay.shown.wait_for("Note", lambda text: text == "Selling at 18 KSh")


async def test_the_key_is_told_to_nobody(relay: Relay, tmp_path: Path) -> None:
    await claimed(relay)
    await relay.command(Action.OPEN)
    await relay.answered(1)
    await asyncio.wait_for(relay.neighbourhood.listener.wait_for_minute(MIDNIGHT), PATIENCE)
    seed = stored_state(relay.neighbourhood.meter.state / "meter.meter").seed
    assert bytes(SigningKey(seed).verify_key) == relay.meter
    listener = relay.neighbourhood.listener
    heard = [*listener.statuses, *(text for texts in listener.said.values() for text in texts)]
    shown = [str(state) for state in relay.shown.states.values()]
    logged = (tmp_path / "meter.log").read_text(errors="replace")
    for secret in (seed.hex(), to_text(seed)):
        assert not any(secret in text for text in (*heard, *shown, logged))
