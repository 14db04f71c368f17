"""Look through a hub's books, also while it runs: every balance, every sum, every closed day."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from energy_swap_hub import ledger
from energy_swap_hub.config import HubConfig
from energy_swap_hub.settlement.words import kes, kwh
from energy_swap_hub.storage import Database, StorageError
from energy_swap_hub.storage.engines import postgresql_engines, postgresql_url, sqlite_engines


def check_books(config: HubConfig, say: Callable[[str], None]) -> str | None:
    """Say what the books hold and return the first lie in them, None when they are sound.

    It only reads, one snapshot of the committed state. Raises `StorageError` when there is nothing to read.
    """
    where = config.database_url or config.data / "hub.sqlite"
    if not Database.is_there(where):
        raise StorageError(f"there is no database at {where}; the hub makes it at its first start")
    engines = sqlite_engines(where) if isinstance(where, Path) else postgresql_engines(postgresql_url(where))
    try:
        with engines.reader.begin() as connection:
            return _check(connection, config.community.id, say)
    except DatabaseError as error:
        raise StorageError(f"the database cannot be read, or was made by another version: {error.orig}") from error
    finally:
        for engine in (engines.writer, engines.reader, engines.schema):
            engine.dispose()


def _check(connection: Connection, community_id: str, say: Callable[[str], None]) -> str | None:
    totals = ledger.trial_balance(connection, community_id)
    say(f"{community_id}: {len(totals)} accounts")
    for account, total in totals.items():
        say(f"  {account:24}{_amount(ledger.currency_of(account), total):>24}")
    for currency, total in ledger.sums(totals).items():
        say(f"sum of all {currency:4} {_amount(currency, total):>33}")
    days = ledger.closed_days(connection, community_id)
    if days:
        say(f"{len(days)} closed days from {days[0].day} to {days[-1].day}, hash {days[-1].hash}")
    else:
        say("no day is closed yet")
    return ledger.first_lie(connection, community_id)


def _amount(currency: str, total: int) -> str:
    return kes(total) if currency == "KES" else kwh(total)
