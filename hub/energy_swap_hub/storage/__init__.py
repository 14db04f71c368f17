"""Durable tables: one writer with group commit, readers beside it."""

from .columns import Id, UtcTime, metadata
from .database import Database

__all__ = ["Database", "Id", "UtcTime", "metadata"]
