"""Durable tables on SQLite or PostgreSQL: one writer, readers beside it, versioned migrations."""

from .columns import Id, UtcTime, metadata
from .database import Database
from .engines import StorageError

__all__ = ["Database", "Id", "StorageError", "UtcTime", "metadata"]
