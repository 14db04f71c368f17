"""Queries that are made once and asked often, without what SQLAlchemy does around each time they are."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Dialect, SelectBase, Text, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import LargeBinary, TypeEngine

from .bulk import on_driver

type Values = tuple[Any, ...]
type _Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A query as one of the databases is asked it."""

    text: str
    parameters: Sequence[tuple[str, _Convert | None]]  # in the order of the text
    constants: dict[str, Any]
    loads: Sequence[tuple[int, _Convert]]  # what makes our values of the database's, by column


class Lookup:
    """A query whose values are named by `bindparam` and given with each use.

    To ask takes a third of the time that SQLAlchemy needs for the same rows. Errors are SQLAlchemy's. It may have
    no ``in_`` with a list of values, which would be made anew each time: see `is_in`, for constants `is_one_of`.
    """

    def __init__(self, query: SelectBase) -> None:
        self._query: Final = query
        self._names: Final = tuple(str(column.key) for column in query.selected_columns)
        self._forms: Final[dict[str, _Form]] = {}  # by the name of the dialect

    def all(self, connection: Connection, **values: Any) -> Sequence[Values]:
        """Return all rows."""
        form = self._forms.get(connection.dialect.name) or self._form(connection.dialect)
        if form.constants:
            values |= form.constants
        given = [values[name] if convert is None else convert(values[name]) for name, convert in form.parameters]
        rows: Sequence[Values]
        if connection.dialect.name == "sqlite":
            rows = on_driver(connection, form.text, tuple(given)).fetchall()
        else:
            named = {name: value for (name, _), value in zip(form.parameters, given, strict=True)}
            rows = connection.exec_driver_sql(form.text, named).tuples().all()
        return [_loaded(row, form.loads) for row in rows] if form.loads else rows

    def first(self, connection: Connection, **values: Any) -> Values | None:
        """Return the first row, or None."""
        rows = self.all(connection, **values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, **values: Any) -> Any:
        """Return the first row's first value; None without a row."""
        rows = self.all(connection, **values)
        return rows[0][0] if rows else None

    def mappings(self, connection: Connection, **values: Any) -> list[dict[str, Any]]:
        """Return all rows, with their values by column."""
        return [dict(zip(self._names, row, strict=True)) for row in self.all(connection, **values)]

    def _form(self, dialect: Dialect) -> _Form:
        compiled = self._query.compile(dialect=dialect)
        binds = compiled.binds
        if any(bind.expanding for bind in binds.values()):
            raise TypeError(f"a list of values would be made anew each time, use is_in or is_one_of: {compiled}")
        order = compiled.positiontup or binds  # where parameters have places, one may have several
        columns = [column.type.dialect_impl(dialect) for column in self._query.selected_columns]
        loads = [(i, kind.result_processor(dialect, None)) for i, kind in enumerate(columns)]
        form = _Form(
            str(compiled),
            [(name, binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in order],
            {name: bind.value for name, bind in binds.items() if not bind.required},
            [(i, load) for i, load in loads if load is not None],
        )
        self._forms[dialect.name] = form
        return form


def _loaded(row: Values, loads: Sequence[tuple[int, _Convert]]) -> Values:
    values = list(row)
    for i, load in loads:
        values[i] = load(values[i])
    return tuple(values)


def is_in(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that ``column`` (text, bytes, integers) is one of the values given as ``name``.

    It is for a `Lookup`: one parameter however many values.
    """
    return _IsIn(column, name)


class _IsIn(ColumnElement[bool]):
    inherit_cache = False

    def __init__(self, column: Column[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=_Values(column.type))


class _Values(TypeDecorator[Collection[Any]]):
    """Many values as one: an array, or on SQLite a JSON text, in which bytes are hexadecimal."""

    impl = Text
    cache_ok = False

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.kind))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        if dialect.name != "sqlite":
            return values
        if isinstance(self.kind, LargeBinary):
            values = [one.hex() for one in values]
        return msgspec.json.encode(values).decode()


@compiles(_IsIn)
def _in_array(element: _IsIn, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} = ANY({compiler.process(element.values, **options)})"


@compiles(_IsIn, "sqlite")
def _in_json(element: _IsIn, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    value = "unhex(value)" if isinstance(element.column.type, LargeBinary) else "value"
    values = compiler.process(element.values, **options)
    return f"{column} IN (SELECT {value} FROM json_each({values}))"  # noqa: S608 - names of ours and parameters
