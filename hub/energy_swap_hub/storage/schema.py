"""Brings a database to the newest version of the tables, one migration after another, all or nothing."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from .engines import StorageError, lock_migrations

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, to: str = "head") -> None:
    """Run the migrations that the database lacks; raises `StorageError` when it is newer than this program."""
    with engine.begin() as connection:
        lock_migrations(connection)
        scripts = ScriptDirectory(_MIGRATIONS)
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
            raise StorageError(
                f"the database is of version {current}, which this program does not know: it was used by a newer "
                "one. Install that again, or restore a backup made before"
            )
        command.upgrade(migrations(connection), to)
        if engine.dialect.name == "sqlite":
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:
                raise StorageError(f"the database refers to rows that are not there: {orphans[:3]}")


def migrations(connection: Connection) -> Config:
    """Return Alembic's configuration for working on ``connection``."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    return config
