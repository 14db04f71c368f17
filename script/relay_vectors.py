#!/usr/bin/env python3
"""Write the test vectors of relay commands, reports and claims that Python and C++ are both held to.

.venv/bin/python script/relay_vectors.py
"""

from pathlib import Path
from typing import Final

from energy_swap_protocol.relay import (
    Action,
    Outcome,
    Reason,
    RelayCommand,
    RelayReport,
    claim_meter,
    sign_command,
    sign_report,
)
from nacl.signing import SigningKey

FILE = Path(__file__).resolve().parent.parent / "protocol/vectors/relay.csv"
METER: Final = SigningKey(bytes(range(32)))
AUTHORITY: Final = SigningKey(bytes(range(100, 132)))
T: Final = 1_795_174_200


def vectors() -> str:
    """Return the lines: kind, name, a few plain values, the frame in hex."""
    meter = bytes(METER.verify_key)
    commands = {
        "opens_for_a_day": RelayCommand(meter, 7, T, T + 900, Action.OPEN, Reason.PREPAID_USED_UP, T + 86_400),
        "closes": RelayCommand(meter, 8, T + 60, T + 960, Action.CLOSE),
        "protects": RelayCommand(meter, 9, T + 120, T + 1020, Action.PROTECT),
        "largest_numbers": RelayCommand(
            meter, 2**64 - 1, 2**64 - 2, 2**64 - 3, Action.UNPROTECT, Reason.ASKED_BY_HOUSEHOLD, 2**64 - 4
        ),
    }
    reports = {
        "never_commanded": RelayReport(meter, T, 0, 0, False, False, Outcome.NONE, Reason.NONE),
        "open": RelayReport(meter, T, 7, T + 86_400, True, False, Outcome.DONE, Reason.PREPAID_USED_UP),
        "refused_as_protected": RelayReport(meter, 0, 9, 0, False, True, Outcome.PROTECTED, Reason.NONE),
    }
    lines = [
        "kind,name,sequence,first,second,third,action_or_open,reason_or_protected,outcome,last_reason,frame_hex"
    ]
    for name, c in commands.items():
        plain = f"{c.sequence},{c.issued_at},{c.expires_at},{c.open_until},{c.action:d},{c.reason:d},0,0"
        lines.append(f"command,{name},{plain},{sign_command(c, AUTHORITY).hex()}")
    for name, r in reports.items():
        plain = f"{r.sequence},{r.at},{r.open_until},0,{r.is_open:d},{r.is_protected:d},{r.outcome:d},{r.reason:d}"
        lines.append(f"report,{name},{plain},{sign_report(r, METER).hex()}")
    claim = claim_meter(meter, bytes(AUTHORITY.verify_key), "20481632")
    lines.append(f"claim,code_20481632,0,0,0,0,0,0,0,0,{claim.hex()}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(vectors())
