"""Statements handed straight to the database's driver, without what SQLAlchemy does around each of them.

That takes longer than either database needs for a row. Errors are SQLAlchemy's all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def on_driver(connection: Connection, text: str, values: Sequence[Any] | Mapping[str, Any]) -> Any:
    """Run a statement with its values and return the driver's cursor; on SQLite a list has many rows' values."""
    if not connection.in_transaction():
        connection.begin()  # as SQLAlchemy does by itself
    driver: Any = connection.connection.dbapi_connection
    try:
        if isinstance(values, list):
            return driver.executemany(text, values)
        return driver.execute(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver, None):
            connection.exec_driver_sql("SELECT 1")  # SQLAlchemy finds out, and gives up those as old as this one
        raise DBAPIError.instance(
            text, None, error, connection.dialect.loaded_dbapi.Error, dialect=connection.dialect
        ) from error
