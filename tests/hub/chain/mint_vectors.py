"""Write hub/console/test/mints.json: mints with their readings and transactions, as the hub makes them.

The hub's code is the definition; the console's check in the browser is tested against this file.

.venv/bin/python -m tests.hub.chain.mint_vectors
"""

import base64
import json
from pathlib import Path
from typing import Any

from energy_swap_hub.chain.build import Facts, draft
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.payload import Mint, MintPeriod, memo_of
from energy_swap_protocol.reading import Reading, ReadingFlag, frame_from_text, frame_to_text, sign_reading
from energy_swap_protocol.transaction import token_account
from energy_swap_verifier.merkle import leaf, root_text
from nacl.signing import SigningKey
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

FILE = Path(__file__).resolve().parents[3] / "hub/console/test/mints.json"
PERIOD = "2026-11-20T11:30Z"
STARTS, ENDS = 1_795_174_200, 1_795_176_000
HUB, VERIFIER, APPROVER, TOKEN, AUTHORITY, ESCROW = (Keypair.from_seed(bytes([n] * 32)) for n in range(1, 7))
CHAIN = CommunityChain(
    community="kisima",
    genesis="genesis",
    mint=TOKEN.pubkey(),
    authority=AUTHORITY.pubkey(),
    approvers_authority=APPROVER.pubkey(),
    escrow=ESCROW.pubkey(),
    hub=HUB.pubkey(),
    verifiers=(VERIFIER.pubkey(), APPROVER.pubkey()),
    approvers=(APPROVER.pubkey(),),
    needed=1,
)


def frames(seed: int, *registers: tuple[int, int, ReadingFlag]) -> tuple[str, ...]:
    """Return readings of one meter through the period: export, import and flags of each."""
    key = SigningKey(bytes([seed] * 32))
    step = (ENDS - STARTS) // (len(registers) - 1)
    readings = (
        Reading(bytes(key.verify_key), 10 + n, STARTS + n * step, export_wh, import_wh, 0, flags)
        for n, (export_wh, import_wh, flags) in enumerate(registers)
    )
    return tuple(frame_to_text(sign_reading(reading, key)) for reading in readings)


def mint(seed: int, wh: int, texts: tuple[str, ...]) -> Mint:
    """Return what a household's readings became."""
    account = token_account(Keypair.from_seed(bytes([seed] * 32)).pubkey(), CHAIN.mint)
    return Mint(f"h-{seed:03}", str(account), wh, texts)


def case(name: str, mints: tuple[Mint, ...], part: tuple[int, int] = (1, 1)) -> dict[str, Any]:
    """Return a mint as it is published, and the transaction that carried it."""
    leaves = [
        leaf([frame_from_text(text) for text in one.frames], bytes(Pubkey.from_string(one.account)), one.wh)
        for one in mints
    ]
    payload = MintPeriod(PERIOD, *part, len(leaves), root_text(leaves), mints, ())
    message = draft(CHAIN, payload, VERIFIER.pubkey(), Facts()).message(HUB.pubkey(), Hash(bytes([7] * 32)))
    signed = VersionedTransaction(message, [HUB, VERIFIER])
    return {
        "name": name,
        "published": {
            "signature": str(signed.signatures[0]),
            "memo": memo_of(payload, CHAIN.community),
            "mints": [{"account": one.account, "wh": one.wh, "frames": one.frames} for one in mints],
        },
        "transaction": base64.b64encode(bytes(signed)).decode(),
    }


def vectors() -> str:
    """Return the file's text."""
    calm, new = ReadingFlag(0), ReadingFlag.REGISTER_EPOCH_STARTED
    one = mint(21, 1_500, frames(21, (70_000, 90_000, calm), (71_600, 90_100, calm)))
    two = mint(22, 3, frames(22, (0, 0, calm), (3, 0, calm)))
    three = mint(23, 800, frames(23, (2**40, 5, calm), (2**40 + 700, 5, calm), (0, 0, new), (100, 0, calm)))
    head = {
        "community": CHAIN.community,
        "mint": str(CHAIN.mint),
        "period_minutes": 30,
        "sells_to_utility": False,
    }
    cases = [
        case("one household", (one,)),
        case("three households, one whose registers began anew", (one, two, three), (1, 2)),
    ]
    return json.dumps({"head": head, "period": PERIOD, "cases": cases}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(vectors())
