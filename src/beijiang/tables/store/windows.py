"""Query trees of windows: which ones a change touches, and what they hold now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.port import LAKE
from beijiang.tables.models import (
    FILE_COLUMN,
    ROW_COLUMN,
    WINDOW_END,
    WINDOW_START,
    WindowFn,
    WindowMeasure,
    WindowSpec,
)
from beijiang.tables.store.schema import word_of

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = [
    "FRESH",
    "RESULT",
    "TOUCHED",
    "WHOLE",
    "bounds",
    "emptied",
    "result",
    "result_schema",
    "touched",
    "touched_schema",
]

FRESH: Final = "fresh"
WHOLE: Final = "whole"
TOUCHED: Final = "touched"
RESULT: Final = "result"
_MICRO: Final = 1_000_000
_START: Final = "bj_start"


def touched(spec: WindowSpec, after: int | None) -> exp.Select:
    """Select the windows that rows of ``fresh`` belong to and that begin after a moment (None: all)."""
    from sqlglot import exp

    query = exp.select(*(_column(g) for g in spec.groups), _column(_START)).from_(
        _spread(FRESH, spec, ()).subquery("s")
    )
    if after is not None:
        query = query.where(exp.GT(this=_column(_START), expression=exp.Literal.number(after)))
    return query.distinct()


def bounds(spec: WindowSpec, after: int | None, sources: Sequence[str], *, placed: bool) -> exp.Select:
    """Select of ``fresh``: its latest moment, rows without moment or group, and new rows whose windows have all closed."""
    from sqlglot import exp

    incomplete = exp.or_(*(_null(_column(c)) for c in (spec.time, *spec.groups)))
    late: exp.Expr = exp.false()
    if after is not None:
        late = exp.LTE(this=_pane(spec), expression=exp.Literal.number(after))
    new: exp.Expr = exp.true()
    if placed:
        texts = [exp.Literal.string(s) for s in sources]
        new = exp.In(this=_column(FILE_COLUMN), expressions=texts) if texts else exp.false()
    return exp.select(
        exp.alias_(exp.Max(this=_moment(spec)), "watermark"),
        exp.alias_(exp.CountIf(this=exp.and_(new, incomplete)), "left_out"),
        exp.alias_(exp.CountIf(this=exp.and_(new.copy(), late, exp.not_(incomplete.copy()))), "late"),
    ).from_(_relation(FRESH))


def result(spec: WindowSpec, schema: pa.Schema) -> exp.Select:
    """Select what the windows of ``touched`` hold, from ``whole``."""
    from sqlglot import exp

    columns = [m.column for m in spec.measures if m.column and m.column not in spec.groups]
    order = [c for c in (spec.time, FILE_COLUMN, ROW_COLUMN) if c in schema.names]
    rows = _spread(WHOLE, spec, list(dict.fromkeys([*columns, *order]))).subquery("r")
    same = exp.and_(*(exp.EQ(this=_column(c, "r"), expression=_column(c, "t")) for c in (*spec.groups, _START)))
    shown: list[Any] = [exp.alias_(_column(g, "r"), g, quoted=True) for g in spec.groups]
    start = _column(_START, "r")
    shown += [
        exp.alias_(_instant(start), WINDOW_START, quoted=True),
        exp.alias_(
            _instant(exp.Add(this=start.copy(), expression=_number(spec.size * _MICRO))), WINDOW_END, quoted=True
        ),
    ]
    shown += [exp.alias_(_measure(m, schema, order), m.name, quoted=True) for m in spec.measures]
    query = exp.select(*shown).from_(rows).join(_relation(TOUCHED, "t"), on=same)
    return query.group_by(*(_column(c, "r") for c in (*spec.groups, _START)))


def emptied(spec: WindowSpec) -> exp.Select:
    """Select the keys of windows of ``touched`` that hold nothing any more."""
    from sqlglot import exp

    start = _instant(_column(_START, "t"))
    same = [exp.EQ(this=_column(g, "r"), expression=_column(g, "t")) for g in spec.groups]
    same.append(exp.EQ(this=_column(WINDOW_START, "r"), expression=start))
    there = exp.Exists(this=exp.select("1").from_(_relation(RESULT, "r")).where(exp.and_(*same)))
    shown = [exp.alias_(_column(g, "t"), g, quoted=True) for g in spec.groups]
    shown.append(exp.alias_(start.copy(), WINDOW_START, quoted=True))
    return exp.select(*shown).from_(_relation(TOUCHED, "t")).where(exp.not_(there))


def result_schema(spec: WindowSpec, schema: pa.Schema) -> pa.Schema:
    """Return the columns of the window table."""
    import pyarrow as pa

    moment = pa.timestamp("us", "UTC")
    fields = [schema.field(g).with_nullable(True) for g in spec.groups]
    fields += [pa.field(WINDOW_START, moment), pa.field(WINDOW_END, moment)]
    fields += [pa.field(m.name, _type(m, schema)) for m in spec.measures]
    return pa.schema(fields)


def touched_schema(spec: WindowSpec, schema: pa.Schema) -> pa.Schema:
    """Return the columns of ``touched``."""
    import pyarrow as pa

    return pa.schema([*(schema.field(g) for g in spec.groups), pa.field(_START, pa.int64())])


def _type(measure: WindowMeasure, schema: pa.Schema) -> pa.DataType:
    import pyarrow as pa

    if measure.fn is WindowFn.COUNT:
        return pa.int64()
    if measure.fn is WindowFn.MEAN:
        return pa.float64()
    field = schema.field(measure.column)
    word = word_of(field)
    if measure.fn is not WindowFn.SUM or word == "double":
        return field.type
    return pa.decimal128(38, field.type.scale if word == "decimal" else 0)


def _measure(measure: WindowMeasure, schema: pa.Schema, order: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    from beijiang.engine.binding import type_name

    if measure.fn is WindowFn.COUNT:
        return exp.Count(this=exp.Star())
    value = _column(measure.column, "r")
    makers: dict[WindowFn, Callable[[], exp.Expr]] = {
        WindowFn.SUM: lambda: exp.Sum(this=value),
        WindowFn.MEAN: lambda: exp.Avg(this=exp.cast(value, "DOUBLE")),
        WindowFn.MIN: lambda: exp.Min(this=value),
        WindowFn.MAX: lambda: exp.Max(this=value),
        WindowFn.LAST: lambda: exp.Anonymous(
            this="arg_max",
            expressions=[value, exp.Anonymous(this="row", expressions=[_column(c, "r") for c in order])],
        ),
    }
    made = makers[measure.fn]()
    return exp.cast(made, type_name(_type(measure, schema)), dialect="duckdb")


def _spread(relation: str, spec: WindowSpec, columns: Sequence[str]) -> exp.Select:
    """Select groups, other columns and the start of a window, once for each window that a row belongs to."""
    from sqlglot import exp

    shown = [_column(c) for c in dict.fromkeys([*spec.groups, *columns])]
    panes = (
        exp.select(
            *shown,
            exp.alias_(_pane(spec), "bj_pane"),
            exp.alias_(
                exp.Anonymous(
                    this="unnest",
                    expressions=[exp.Anonymous(this="range", expressions=[_number(spec.size // spec.slide)])],
                ),
                "bj_step",
            ),
        )
        .from_(_relation(relation))
        .where(exp.not_(exp.or_(*(_null(_column(c)) for c in (spec.time, *spec.groups)))))
    )
    back = exp.Mul(this=_column("bj_step"), expression=_number(spec.slide * _MICRO))
    start = exp.Sub(this=_column("bj_pane"), expression=back)
    return exp.select(*(c.copy() for c in shown), exp.alias_(start, _START)).from_(panes.subquery("p"))


def _pane(spec: WindowSpec) -> exp.Expr:
    """Return the start of the latest window that a row belongs to, in microseconds since 1970."""
    from sqlglot import exp

    step, offset = spec.slide * _MICRO, spec.offset * _MICRO
    moment = exp.Sub(this=_moment(spec), expression=_number(offset))
    rest = exp.Mod(
        this=exp.paren(
            exp.Add(this=exp.paren(exp.Mod(this=exp.paren(moment), expression=_number(step))), expression=_number(step))
        ),
        expression=_number(step),
    )
    return exp.Sub(this=_moment(spec), expression=exp.paren(rest))


def _moment(spec: WindowSpec) -> exp.Expr:
    from sqlglot import exp

    return exp.Anonymous(this="epoch_us", expressions=[_column(spec.time)])


def _instant(micros: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.Anonymous(this="make_timestamptz", expressions=[micros])


def _number(value: int) -> exp.Expr:
    from sqlglot import exp

    return exp.paren(exp.cast(exp.Literal.number(value), "BIGINT"))


def _null(column: exp.Column) -> exp.Expr:
    from sqlglot import exp

    return exp.Is(this=column, expression=exp.null())


def _relation(name: str, alias: str | None = None) -> exp.Table:
    from sqlglot import exp

    return exp.table_(name, db=LAKE, alias=alias)


def _column(name: str, relation: str | None = None) -> exp.Column:
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=relation)
