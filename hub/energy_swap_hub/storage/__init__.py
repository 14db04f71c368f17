"""Durable tables on SQLite or PostgreSQL: one writer, readers beside it, versioned migrations."""

from .bulk import change_rows, find_row, insert_rows, is_among, is_one_of, put_rows
from .columns import Id, UtcTime, metadata
from .database import Database
from .engines import StorageError, reading_engine
from .lease import LeaseLost
from .lookup import Lookup, is_in
from .readers import answer_together

__all__ = [
    "Database",
    "Id",
    "LeaseLost",
    "Lookup",
    "StorageError",
    "UtcTime",
    "answer_together",
    "change_rows",
    "find_row",
    "insert_rows",
    "is_among",
    "is_in",
    "is_one_of",
    "metadata",
    "put_rows",
    "reading_engine",
]
