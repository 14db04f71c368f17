"""A hub whose books are long, without the years that it takes to fill them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig, UserConfig

from tests.hub.village import OPENED, VILLAGE, community, found_in, no_daraja
from tests.hub.web.conftest import PASSWORD, Hub, hub_with

# Row n of a list says n: a trade's cents, an act's subject, a payment's KES. Each came a minute after the last.
_NUMBERS: Final = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :rows)"
_AT: Final = ":at + (n - :rows) * 60000000"
MEMBERS: Final = 2_000
LISTS: Final = {
    "trades": (
        f"""INSERT INTO trade (community_id, market, reference, seller, buyer, wh, cents_per_kwh, cents, at)
        {_NUMBERS} SELECT :community, 'spot', 'order ' || n, 'h-00' || (1 + n % 2), 'h-00' || (3 + n % 2), 1000,
        n, n, {_AT} FROM number""",
    ),
    "acts": (
        f"""INSERT INTO audit (community_id, at, who, what, subject)
        {_NUMBERS} SELECT :community, {_AT}, 'office',
        CASE n % 7 WHEN 0 THEN 'noted at length what the fitter said about the meter, the roof and the wires, '
        || 'so that whoever comes next knows where to look and what was already tried' ELSE 'noted' END,
        'act ' || n FROM number""",
    ),
    # Each third payment failed, the others brought a receipt.
    "payments": (
        f"""INSERT INTO payment_intent (community_id, intent_id, household_id, kes, purpose, phone_key,
        account_reference, state, reason, created_at, ended_at)
        {_NUMBERS} SELECT :community, printf('intent-%08d', n * 7919 % 99999989), 'h-00' || (1 + n % 4), n,
        'top_up', 'phone ' || n, 'R' || n, iif(n % 3, 'paid', 'failed'),
        iif(n % 3, NULL, 'The request was cancelled on the phone.'), {_AT}, {_AT} + 20000000 FROM number""",
        """INSERT INTO payment_receipt (receipt, community_id, intent_id, household_id, reference, kes, channel,
        paid_at, recorded_at) SELECT 'SKI' || kes, community_id, intent_id, household_id, account_reference, kes,
        'callback', ended_at, ended_at FROM payment_intent WHERE state = 'paid'""",
    ),
    # Each tenth payout failed; what the others took out of the trust account is an entry of the ledger.
    "payouts": (
        f"""INSERT INTO payout (community_id, payout_id, household_id, kes, originator_conversation_id, state,
        reason, attempts, receipt, is_overdue, created_at, ended_at)
        {_NUMBERS} SELECT :community, printf('payout-%08d', n * 7919 % 99999989), 'h-00' || (1 + n % 4), n,
        'C' || n, iif(n % 10, 'paid', 'failed'), iif(n % 10, NULL, 'The phone is not registered with M-Pesa.'), 1,
        iif(n % 10, 'SKO' || n, NULL), 0, {_AT}, {_AT} + 20000000 FROM number""",
        """INSERT INTO ledger_entry (community_id, source, external_id, at, booked_at, text)
        SELECT community_id, 'mpesa', receipt, ended_at, ended_at, 'payout' FROM payout WHERE state = 'paid'
        ORDER BY created_at""",
        """INSERT INTO ledger_posting (entry_id, leg, community_id, account, amount)
        SELECT entry.id, leg.number, entry.community_id, leg.account, leg.sign * (100 * payout.kes + 450)
        FROM payout JOIN ledger_entry entry ON entry.source = 'mpesa' AND entry.external_id = payout.receipt
        JOIN (SELECT 0 number, 'trust_cash' account, 1 sign UNION SELECT 1, 'payout_pending', -1) leg""",
        """INSERT INTO ledger_balance (community_id, account, balance)
        SELECT community_id, account, sum(amount) FROM ledger_posting
        WHERE account IN ('trust_cash', 'payout_pending') GROUP BY 1, 2
        ON CONFLICT DO UPDATE SET balance = excluded.balance""",
    ),
    # Who joined once and left, all with the same telephone.
    "members": (
        f"""INSERT INTO household (community_id, id, number, name, key, meter, phone_sealed, phone_hash,
        rated_pv_w, main_breaker_w, status, applied_at)
        {_NUMBERS} SELECT :community, printf('h-%03d', 4 + n), 4 + n, 'Former ' || n, randomblob(32),
        randomblob(32), (SELECT phone_sealed FROM household WHERE number = 1), randomblob(32), 0, 1, 'left', {_AT}
        FROM number LIMIT {MEMBERS}""",
    ),
    "refused": (
        f"""INSERT INTO quarantine (community_id, household_id, received_at, reason, frame)
        {_NUMBERS} SELECT :community, 'h-00' || (1 + n % 4), {_AT}, 'implausible', zeroblob(144) FROM number""",
    ),
    "intents": (
        f"""INSERT INTO chain_intent (community_id, id, kind, payload, state, signature, fee_lamports, created_at,
        finished_at)
        {_NUMBERS} SELECT :community, 'long ' || n, iif(n % 2, 'burn_period', 'mint_period'),
        '{{"type":"open_nonce","account":"A"}}', 'confirmed', replace(printf('%064d', 0), '0', '1'), 5000,
        {_AT}, {_AT} FROM number""",
    ),
    "periods": (
        f"""INSERT INTO period (community_id, start, state, cents_per_kwh, supply_wh, demand_wh, traded_wh,
        booked_at, settled_at, intents)
        {_NUMBERS} SELECT :community, :at - (:rows - n + 1) * 1800000000, 'settled', n, n, n, n, {_AT}, {_AT}, '[]'
        FROM number WHERE true ON CONFLICT DO NOTHING""",
    ),
}


@asynccontextmanager
async def running_long_hub(folder: Path, rows: int, lists: Sequence[str] = tuple(LISTS)) -> AsyncIterator[Hub]:
    """Let a hub run in ``folder`` that has ``rows`` rows in each of the named ``lists``."""
    data = await asyncio.to_thread(found_in, folder)
    with closing(sqlite3.connect(data / "hub.sqlite")) as database, database:
        values = {"rows": rows, "community": VILLAGE, "at": int(OPENED.timestamp()) * 1_000_000}
        for statement in (one for name in lists for one in LISTS[name]):
            database.execute(statement, values)
    (folder / "daraja.pem").write_bytes(certificate(new_key()))
    port = unused_port()
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    config = HubConfig(
        data=data,
        community=community(),
        users=(UserConfig("office", "admin", hashed),),
        port=port,
        daraja=no_daraja(port, folder / "daraja.pem"),
    )
    async with hub_with(config) as made:
        yield made
