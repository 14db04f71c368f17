"""A hub whose books are long, without the years that it takes to fill them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig, UserConfig
from energy_swap_hub.hub import running_hub

from tests.hub.village import OPENED, VILLAGE, community, found_in, no_daraja
from tests.hub.web.conftest import PASSWORD, Hub

# Row n of a list says n: a trade's cents, an act's subject.
_NUMBERS = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :rows)"
_TRADES = f"""INSERT INTO trade (community_id, market, reference, seller, buyer, wh, cents_per_kwh, cents, at)
    {_NUMBERS} SELECT :community, 'spot', 'order ' || n, 'h-00' || (1 + n % 2), 'h-00' || (3 + n % 2), 1000, n, n,
    :at + (n - :rows) * 60000000 FROM number"""
_ACTS = f"""INSERT INTO audit (community_id, at, who, what, subject)
    {_NUMBERS} SELECT :community, :at + (n - :rows) * 60000000, 'office',
    CASE n % 7 WHEN 0 THEN 'noted at length what the fitter said about the meter, the roof and the wires, '
    || 'so that whoever comes next knows where to look and what was already tried' ELSE 'noted' END, 'act ' || n
    FROM number"""


def clock() -> datetime:
    """The hub's time, which stands still."""
    return OPENED.replace(minute=1)


@asynccontextmanager
async def running_long_hub(folder: Path, rows: int) -> AsyncIterator[Hub]:
    """Let a hub run in ``folder`` that has ``rows`` trades and as many acts in its audit."""
    data = await asyncio.to_thread(found_in, folder)
    with closing(sqlite3.connect(data / "hub.sqlite")) as database, database:
        values = {"rows": rows, "community": VILLAGE, "at": int(OPENED.timestamp()) * 1_000_000}
        for statement in (_TRADES, _ACTS):
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
    url = f"http://127.0.0.1:{port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        made = Hub(url, config, session)
        yield made
        await made.close()
