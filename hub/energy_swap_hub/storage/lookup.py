"""Queries that are made once and asked often, without what SQLAlchemy does around each time they are."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    SelectBase,
    Text,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import LargeBinary, TypeEngine

from .driver import on_driver

type Values = tuple[Any, ...]
type _Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A query as one of the databases is asked it."""

    text: str
    parameters: Sequence[tuple[str, _Convert | None]]  # in the order of the text
    names: Sequence[str] | None  # of the parameters; None: they are known by their places
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
        self._lists: Final = tuple(part.values.key for part in iterate(query) if isinstance(part, _IsIn))
        # By the name of the dialect, and whether one value is given where there may be many.
        self._forms: Final[dict[tuple[str, bool], _Form]] = {}

    def all(self, connection: Connection, **values: Any) -> Sequence[Values]:
        """Return all rows."""
        is_one = bool(self._lists) and all(len(values[name]) == 1 for name in self._lists)
        form = self._forms.get((connection.dialect.name, is_one)) or self._form(connection.dialect, is_one)
        if form.constants:
            values |= form.constants
        given = [values[name] if convert is None else convert(values[name]) for name, convert in form.parameters]
        rows: Sequence[Values] = on_driver(
            connection,
            form.text,
            tuple(given) if form.names is None else dict(zip(form.names, given, strict=True)),
        ).fetchall()
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

    def _form(self, dialect: Dialect, is_one: bool) -> _Form:
        compiled = self._query.compile(dialect=dialect, compile_kwargs={"is_one": True} if is_one else {})
        binds = compiled.binds
        if any(bind.expanding for bind in binds.values()):
            raise TypeError(f"a list of values would be made anew each time, use is_in or is_one_of: {compiled}")
        order = compiled.positiontup or binds  # where parameters have places, one may have several
        columns = [column.type.dialect_impl(dialect) for column in self._query.selected_columns]
        loads = [(i, kind.result_processor(dialect, None)) for i, kind in enumerate(columns)]
        form = _Form(
            str(compiled),
            [(name, self._converter(binds[name], dialect, is_one=is_one)) for name in order],
            None if compiled.positiontup else list(order),
            {name: bind.value for name, bind in binds.items() if not bind.required},
            [(i, load) for i, load in loads if load is not None],
        )
        self._forms[dialect.name, is_one] = form
        return form

    def _converter(self, bind: BindParameter[Any], dialect: Dialect, *, is_one: bool) -> _Convert | None:
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if not is_one or bind.key not in self._lists:
            return convert

        def the_one(values: Collection[Any]) -> Any:
            (value,) = values
            return value if convert is None else convert(value)

        return the_one


def _loaded(row: Values, loads: Sequence[tuple[int, _Convert]]) -> Values:
    values = list(row)
    for i, load in loads:
        values[i] = load(values[i])
    return tuple(values)


def is_in(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that ``column`` (text, bytes, integers) is one of the values given as ``name``.

    It is for a `Lookup`: one parameter however many values. One value is compared with by itself, as quick
    as if there could not be more.
    """
    return _IsIn(column, name)


class _IsIn(ColumnElement[bool]):
    inherit_cache = False

    def __init__(self, column: Column[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=_Values(column.type))
        self.value = bindparam(name, type_=column.type)


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
def _in_array(element: _IsIn, compiler: SQLCompiler, *, is_one: bool = False, **options: Any) -> str:
    if is_one:
        return _is_the_one(element, compiler, **options)
    return f"{compiler.process(element.column, **options)} = ANY({compiler.process(element.values, **options)})"


@compiles(_IsIn, "sqlite")
def _in_json(element: _IsIn, compiler: SQLCompiler, *, is_one: bool = False, **options: Any) -> str:
    if is_one:
        return _is_the_one(element, compiler, **options)
    column = compiler.process(element.column, **options)
    value = "unhex(value)" if isinstance(element.column.type, LargeBinary) else "value"
    values = compiler.process(element.values, **options)
    return f"{column} IN (SELECT {value} FROM json_each({values}))"  # noqa: S608 - names of ours and parameters


def _is_the_one(element: _IsIn, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} = {compiler.process(element.value, **options)}"
