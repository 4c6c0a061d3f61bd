"""How columns stand in a serving copy, and which reads a copy answers exactly as the engine would. Pure functions.

A copy is an SQLite file. Its numbers keep the engine's order because they are kept as whole numbers (decimals scaled, days and
microseconds since 1970), its texts because both compare the bytes of UTF-8. What has no such form is shown but not compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.kit import Invalid, Text
from beijiang.protection.models.conditions import condition, literal
from beijiang.tables import AnyPart, Filter, FilterOp, Sort

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "MOST_COLUMNS",
    "NAN",
    "CopyColumn",
    "Form",
    "Put",
    "WholeCopy",
    "decoded",
    "encoded",
    "form_of",
    "key_of",
    "puts",
]

NAN: Final = "nan"
"""Stands for what is no number: in SQLite a text comes after every number, as in the engine."""
MOST_COLUMNS: Final = 500
_DIGITS: Final = 18
"""Digits of a decimal that a whole number of 64 bits holds for certain."""
_BIGGEST: Final = 1 << 63
_INDEXED: Final = frozenset(
    {FilterOp.EQ, FilterOp.IN_, FilterOp.GT, FilterOp.GTE, FilterOp.LT, FilterOp.LTE, FilterOp.ISNULL}
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


class Form(StrEnum):
    """How the values of a column are kept."""

    TEXT = "text"
    WHOLE = "whole"
    SCALED = "scaled"
    REAL = "real"
    YES_NO = "yes_no"
    DAY = "day"
    MOMENT = "moment"
    LONG = "long"
    """A decimal of more digits than a whole number holds, as text: shown, not compared."""

    @property
    def compares(self) -> bool:
        """Tell whether values of this form can be compared and ordered."""
        return self is not Form.LONG


@dataclass(frozen=True, slots=True)
class CopyColumn:
    """A column of a copy: its name, its word, how it is kept, and the scale of a decimal."""

    name: str
    word: str
    form: Form
    scale: int = 0

    @property
    def compares(self) -> bool:
        """Tell whether filters and orders on it are answered by the copy; a geometry is text that is only shown."""
        return self.form.compares and self.word != "geometry"


@dataclass(frozen=True, slots=True)
class Put:
    """A filter with its values as they stand in a copy; ``column`` is a place among the copy's columns."""

    column: int
    op: FilterOp
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCopy:
    """A copy as it is on the disk."""

    print: str
    rows: int
    bytes: int
    indexes: tuple[str, ...]


def form_of(field: pa.Field, word: str) -> CopyColumn:
    """Return how a column of the engine's answer is kept.

    Raises:
        Invalid: a type that a copy cannot keep (``serving_type``).

    """
    import pyarrow as pa

    kind, name = field.type, field.name
    if pa.types.is_decimal128(kind):
        return CopyColumn(name, word, Form.SCALED if kind.precision <= _DIGITS else Form.LONG, kind.scale)
    tests = (
        (Form.TEXT, pa.types.is_string(kind) or pa.types.is_large_string(kind)),
        (Form.WHOLE, pa.types.is_signed_integer(kind)),
        (Form.REAL, pa.types.is_float32(kind) or pa.types.is_float64(kind)),
        (Form.YES_NO, pa.types.is_boolean(kind)),
        (Form.DAY, pa.types.is_date32(kind)),
        (Form.MOMENT, pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz is not None),
    )
    for form, fits in tests:
        if fits:
            return CopyColumn(name, word, form)
    text = Text(
        f"列“{name}”的类型不能放进服务副本。请去掉这一列的公开，或不为此表设置副本。",
        f'The type of column "{name}" cannot stand in a serving copy. Release the table without it, or do without a copy.',
    )
    raise Invalid(text.zh, text.en, code="serving_type", detail={"column": name})


def encoded(values: pa.Array, column: CopyColumn) -> list[Any]:
    """Return the values as they are kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.form is Form.SCALED:
        return _unscaled(values)
    if column.form is Form.LONG:
        return [None if v is None else str(v) for v in values.to_pylist()]
    if column.form is Form.DAY:
        return list(values.cast(pa.int32()).to_pylist())
    if column.form is Form.MOMENT:
        return list(values.cast(pa.int64()).to_pylist())
    found: list[Any] = values.to_pylist()
    if column.form is Form.REAL and pc.any(pc.is_nan(values)).as_py():
        return [NAN if v is not None and math.isnan(v) else v for v in found]
    return found


def _unscaled(values: pa.Array) -> list[int | None]:
    """Return the whole numbers behind decimals of up to 18 digits: the low half of each, which holds all of it."""
    import numpy as np

    halves = np.frombuffer(values.buffers()[1], dtype="<i8")[2 * values.offset :: 2][: len(values)]
    found: list[int | None] = halves.tolist()
    if values.null_count:
        found = [v if there else None for v, there in zip(found, values.is_valid().to_pylist(), strict=True)]
    return found


def decoded(values: Sequence[Any], column: CopyColumn, kind: pa.DataType) -> pa.Array:
    """Return kept values as the engine gives them."""
    import pyarrow as pa

    if column.form in {Form.DAY, Form.MOMENT}:
        return pa.array(values, pa.int32() if column.form is Form.DAY else pa.int64()).cast(kind)
    if column.form is Form.REAL:
        return pa.array([math.nan if v == NAN else v for v in values], kind)
    makers: dict[Form, Callable[[Any], Any]] = {
        Form.SCALED: lambda v: Decimal(v).scaleb(-column.scale),
        Form.LONG: Decimal,
        Form.YES_NO: bool,
    }
    make = makers.get(column.form)
    return pa.array(values if make is None else [None if v is None else make(v) for v in values], kind)


def puts(
    filters: Sequence[Filter], sort: Sort | None, columns: Mapping[str, tuple[int, CopyColumn]], indexed: frozenset[int]
) -> tuple[Put, ...] | None:
    """Return the filters as a copy compares them, None where the engine has to answer.

    A copy answers if nothing has to be compared that it cannot compare, one filter is on an indexed column, and so is the order.

    Raises:
        Invalid: a value that does not fit its column, as the engine's path says it.

    """
    found = []
    for one in filters:
        place, column = columns[one.column]
        put = _put(one, place, column)
        if put is None:
            return None
        found.append(put)
    if sort is not None:
        place, column = columns[sort.column]
        if place not in indexed or not column.compares:
            return None
    if found and not any(put.column in indexed and put.op in _INDEXED for put in found):
        return None
    return tuple(found)


def _put(one: Filter, place: int, column: CopyColumn) -> Put | None:
    types = {column.name: column.word}
    condition(one, types)  # says what does not fit, in the words of the engine's path
    if one.op in {FilterOp.ISNULL, FilterOp.NOTNULL}:
        return Put(place, one.op, ())
    if not column.compares or isinstance(one, AnyPart):
        return None
    given: Sequence[Any] = [one.value]
    if one.op in {FilterOp.IN_, FilterOp.NOTIN}:
        given = one.value.split(",") if isinstance(one.value, str) else list(one.value)  # type: ignore[arg-type]
    values = tuple(_kept(literal(value, column.word, one), column) for value in given)
    return None if any(value is None for value in values) else Put(place, one.op, values)


def key_of(value: Any, sort: Sort, column: CopyColumn) -> Any:
    """Return the value of a page mark as it is kept; None where only the engine can compare it."""
    if column.form is Form.REAL and value in {"nan", "inf", "-inf"}:
        return NAN if value == "nan" else float(value)
    return _kept(literal(value, column.word, Filter(sort.column, FilterOp.EQ, value)), column)


def _kept(tree: exp.Expr, column: CopyColumn) -> Any:
    """Return a literal as the copy keeps such a value; None where it has no such form."""
    if column.form is Form.TEXT:
        return str(tree.this)
    if column.form is Form.YES_NO:
        return 1 if tree.this else 0
    if column.form is Form.DAY:
        return date.fromisoformat(tree.this.name).toordinal() - _FIRST_DAY
    if column.form is Form.MOMENT:
        since = datetime.fromisoformat(tree.this.name) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if column.form is Form.REAL:
        return float(tree.this.name)
    return _whole(tree, column.scale)


def _whole(tree: exp.Expr, scale: int) -> int | None:
    negative = isinstance(tree, exp.Neg)
    try:
        number = Decimal((tree.this if negative else tree).name)
    except InvalidOperation:
        return None
    digits = number.as_tuple()
    places = digits.exponent if isinstance(digits.exponent, int) else 0
    if len(digits.digits) > _DIGITS or -places > scale:
        return None
    size = int(number * 10**scale)
    return None if size >= _BIGGEST else (-size if negative else size)
