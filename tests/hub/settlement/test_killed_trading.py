"""kill -9 in the middle of trading loses nothing that was answered, and leaves nothing by half."""

import asyncio
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from energy_swap_hub import ledger
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.market.trade import Side
from energy_swap_hub.settlement import spot_tables, tables
from energy_swap_hub.settlement.spot import book
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, select

from tests.hub.trading import NOW, VILLAGE

ROOT = Path(__file__).parents[3]


def trade_until_killed(where: Path | str) -> list[str]:
    """Let a hub of its own trade, kill it in the middle and return the answers that it gave."""
    program = [sys.executable, "-m", "tests.hub.settlement.trading_hub", str(where)]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            answered = [child.stdout.readline().strip() for _ in range(200)]
        finally:
            child.kill()
        # What follows the last line break was cut short by the kill.
        answered += child.stdout.read().split("\n")[:-1]
    assert child.returncode == -signal.SIGKILL
    return answered


async def test_a_killed_hub_loses_no_order_that_it_answered(where: Path | str) -> None:
    answered = await asyncio.to_thread(trade_until_killed, where)
    assert all(answered)
    assert len(answered) >= 200
    placed = {line.split()[0]: int(line.split()[2]) for line in answered if " cancel " not in line}
    cancelled = {line.split()[0] for line in answered if " cancel " in line}
    assert cancelled

    def audit(connection: Connection) -> None:
        orders = {row.id: row for row in connection.execute(select(spot_tables.spot_order))}
        trades = connection.execute(select(tables.trade)).all()
        messages = set(connection.execute(select(tables.message.c.id)).scalars())
        filled: defaultdict[str, int] = defaultdict(int)
        for row in trades:
            filled[row.sell_order] += row.wh
            filled[row.buy_order] += row.wh
        assert placed.keys() <= orders.keys() <= messages
        for order_id, wh in placed.items():
            assert orders[order_id].wh - orders[order_id].remaining_wh >= wh
        assert {orders[order_id].status for order_id in cancelled} == {"cancelled"}
        assert all(order.wh - order.remaining_wh == filled[order.id] for order in orders.values())
        assert ledger.first_lie(connection, VILLAGE) is None
        released = set(connection.execute(select(chain_intent.c.id)).scalars())
        for row in trades:
            came = row.reference.partition("/")[0]
            waited = row.sell_order if came == row.buy_order else row.buy_order
            assert f"release:{came}/{waited}" in released
        resting = book(connection, VILLAGE, NOW)
        there = {o.number: o.wh for side in ("sell", "buy") for o in resting.resting(Side(side))}
        assert there == {o.number: o.remaining_wh for o in orders.values() if o.status == "open"}

    database = Database.open(where)
    await database.read(audit)
    await database.close()
