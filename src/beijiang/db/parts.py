"""Long lists in SQL: narrowed, counted, sorted and cut by the database, in two statements whatever their length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, String, and_, case, cast, func, literal, or_, select, type_coerce, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text

from beijiang.kit import NEW_FOR

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from beijiang.kit import Find, Wanted

__all__ = ["Shelf", "age_of", "number_of", "part_of"]

SOUND: Final = "beijiang_sound"
"""What SQLite calls the function that Chinese is sorted by.

PostgreSQL sorts by the bytes of GB 18030 instead, where the 3,755 common characters stand in the order of their pinyin: every
server has that, collations of ICU are not built into all.
"""


class _Sounded(FunctionElement[str]):
    """Text as it is sorted: Chinese by its pinyin."""

    type = String()
    inherit_cache = True
    name = SOUND


@compiles(_Sounded)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"{SOUND}({compiler.process(element.clauses, **options)})"


@compiles(_Sounded, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"convert_to(lower({compiler.process(element.clauses, **options)}), 'GB18030')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A long list as the database has it."""

    rows: Select[Any]
    """Every row that the asking person may see, with all that a row is made of."""
    columns: Mapping[str, ColumnElement[Any]]
    """What stands in a column of the list."""
    counted: Sequence[str] = ()
    """Columns of few values: counted, narrowed by, sorted by their names."""
    words: Sequence[str] = ()
    """Columns in whose text words are looked for, what a row is called first."""
    inner: Sequence[tuple[Select[Any], ColumnElement[Any]]] = ()
    """Rows of another table that belong to a row, and what of them words are looked for in too."""
    order: Sequence[ColumnElement[Any]] = ()
    """The order before anybody asked for one, to the last tie."""


def part_of(
    connection: Connection, shelf: Shelf, wanted: Wanted
) -> tuple[Sequence[Row[Any]], int, dict[str, dict[str, int]]]:
    """Return the rows that are wanted, how many fit, and how many have each value of the counted columns, if that is wanted."""
    shelf = shelf if wanted.counted else replace(shelf, counted=())
    held = shelf.rows.where(*(_holds(shelf, find) for find in wanted.finds))
    fitting = held.where(*_only(shelf, wanted))
    counting = wanted.total or bool(shelf.counted)
    found, counts = _counted(connection, shelf, held, fitting) if counting else (0, {})
    if wanted.limit == 0 or (counting and not found):
        return (), found, counts
    query = fitting.order_by(None).order_by(*_near(shelf, wanted), *_order(shelf, wanted))
    rows = connection.execute(query.offset(wanted.offset or None).limit(wanted.limit)).all()
    return rows, found if counting else len(rows), counts


def age_of(moment: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    """Return what a list narrows by: whether something happened within the last days, nothing where it did not happen."""
    return case((moment.is_(None), None), (moment >= now - NEW_FOR, "recent"), else_="older")


def number_of(document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """Return a whole number of a JSON document, of any size: PostgreSQL's own integers end at 2,147,483,647."""
    return cast(document[key].as_string(), BigInteger)


def _counted(
    connection: Connection, shelf: Shelf, held: Select[Any], fitting: Select[Any]
) -> tuple[int, dict[str, dict[str, int]]]:
    """Count what fits, and the values of what holds the words, in one statement."""
    total = fitting.order_by(None).with_only_columns(
        literal("", String).label("key"),
        literal("", String).label("value"),
        func.count().label("n"),
        maintain_column_froms=True,
    )
    each = []
    for key in shelf.counted:
        column = shelf.columns[key]
        values = held.where(column.is_not(None)).order_by(None)
        inner = values.with_only_columns(cast(column, Text).label("value"), maintain_column_froms=True).subquery()
        each.append(select(literal(key, String), inner.c.value, func.count()).group_by(inner.c.value))
    counts: dict[str, dict[str, int]] = {key: {} for key in shelf.counted}
    found = 0
    for name, told, number in connection.execute(union_all(total, *each)):
        if not name:
            found = int(number)
        elif told:
            counts[name][str(told)] = int(number)
    return found, counts


def _only(shelf: Shelf, wanted: Wanted) -> list[ColumnElement[bool]]:
    return [cast(shelf.columns[key], Text) == value for key, value in wanted.only.items() if key in shelf.columns]


def _holds(shelf: Shelf, find: Find) -> ColumnElement[bool]:
    texts = [_written(shelf.columns[key], find) for key in shelf.words]
    texts += [rows.where(_written(column, find)).exists() for rows, column in shelf.inner]
    named = [
        cast(shelf.columns[key], Text).in_(codes) for key, codes in find.codes.items() if codes and key in shelf.columns
    ]
    return or_(literal(1) == 0, *texts, *named)


def _written(column: ColumnElement[Any], find: Find) -> ColumnElement[bool]:
    return or_(*(func.lower(column).contains(form, autoescape=True) for form in find.forms))


def _near(shelf: Shelf, wanted: Wanted) -> Sequence[ColumnElement[Any]]:
    if wanted.near is None or not shelf.words:
        return ()
    name, forms = func.lower(shelf.columns[shelf.words[0]]), wanted.near.forms
    begins = or_(*(name.startswith(form, autoescape=True) for form in forms))
    return (case((name.in_(forms), 0), (begins, 1), (_written(name, wanted.near), 2), else_=3),)


def _order(shelf: Shelf, wanted: Wanted) -> Sequence[ColumnElement[Any]]:
    """Sort by what was asked for, what is empty last, then as the list is sorted by itself."""
    column = shelf.columns.get(wanted.sort)
    if column is None:
        return shelf.order
    if wanted.sort in shelf.counted:
        places = {code: place for place, code in enumerate(wanted.order)}
        column = case(places, value=cast(column, Text), else_=None) if places else column
        empty: ColumnElement[bool] = column.is_(None)
    elif isinstance(column.type, String):
        empty = or_(column.is_(None), column == "")
        column = type_coerce(_Sounded(column), String)
    else:
        empty = column.is_(None)
    last = case((and_(empty), 1), else_=0)
    return (last, column.desc() if wanted.falling else column.asc(), *shelf.order)
