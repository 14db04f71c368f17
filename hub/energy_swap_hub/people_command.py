"""What an operator does about people who sign in, at the command line."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from energy_swap_hub.config import HubConfig
from energy_swap_hub.data_folder import locked_data_folder
from energy_swap_hub.membership import second_factor
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.membership.sessions import end_sessions_of
from energy_swap_hub.storage import Database, StorageError


def forget_second_factor(config: HubConfig, user: str, clock: Callable[[], datetime]) -> bool:
    """Let ``user``, who lost the phone, sign in with the password alone; return whether there was a second factor.

    The hub must not be running. All sessions of the user end. Raises `StorageError`, `DataFolderError`, `OSError`,
    and `LookupError` for a user who is not in the configuration.
    """
    if user not in {known.user for known in config.users}:
        raise LookupError(f"no user {user!r} is in the configuration")

    def forget(connection: Connection) -> bool:
        end_sessions_of(connection, user)
        community_id, now = config.community.id, clock()
        record_audit(
            connection, community_id, who="operator", what="forgot the second factor", subject=user, now=now
        )
        return second_factor.remove(connection, user)

    with locked_data_folder(config.data):
        return asyncio.run(_write(config, forget))


async def _write(config: HubConfig, change: Callable[[Connection], bool]) -> bool:
    where = config.database_url or config.data / "hub.sqlite"
    if not Database.is_there(where):
        raise StorageError(f"there is no database at {where}; the hub makes it at its first start")
    database = Database.open(where)
    try:
        return await database.write(change)
    finally:
        await database.close()
