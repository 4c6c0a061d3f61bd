"""Query trees that tell whether two sets of rows are equal: canonical texts, key ranges, checksums, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.port import LAKE
from beijiang.tables.models import FILE_COLUMN, NULL_MARK, SEPARATOR, Among, Part
from beijiang.tables.store.schema import word_of

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = [
    "MINE",
    "THEIRS",
    "count",
    "differences",
    "highest",
    "keys_without_partner",
    "latecomers",
    "only_among",
    "row_tallies",
    "tallies",
    "texts",
]

MINE: Final = "mine"
THEIRS: Final = "theirs"
_COPY: Final = "_bj_copy"
_DIGITS: Final = 15
"""Hexadecimal digits of a checksum: 60 bits, so that a signed 64-bit number holds it."""


def tallies(schema: pa.Schema, key: Sequence[str], part: Part | None) -> exp.Select:
    """Select bucket, rows and checksum for every key range of ``mine`` that has rows; columns as in ``schema``."""
    from sqlglot import exp

    whole = _joined([_canonical(_column(None, f.name), word_of(f)) for f in schema])
    bucket = _hash(_key_text(schema, key, None) if key else whole, 2)
    query = exp.select(
        exp.alias_(bucket, "bucket"),
        exp.alias_(exp.Count(this=exp.Star()), "rows"),
        exp.alias_(exp.cast(exp.Sum(this=_hash(whole, _DIGITS)), "VARCHAR"), "checksum"),
    )
    query = _within(query.from_(_relation(MINE)), schema, part)
    return query.group_by(exp.Literal.number(1))


def row_tallies(columns: Sequence[tuple[str, str]]) -> exp.Select:
    """Select rows and sum of checksums of ``mine``; columns with the words of their types."""
    from sqlglot import exp

    whole = _joined([_canonical(_column(None, name), word) for name, word in columns])
    query = exp.select(
        exp.alias_(exp.Count(this=exp.Star()), "rows"),
        exp.alias_(exp.cast(exp.Sum(this=_hash(whole, _DIGITS)), "VARCHAR"), "checksum"),
    )
    return query.from_(_relation(MINE))


def texts(schema: pa.Schema, key: Sequence[str], columns: Sequence[str]) -> exp.Query:
    """Select key and columns as canonical text, of rows whose key (as canonical text) ``theirs`` holds."""
    from sqlglot import exp

    names = [*key, *columns]
    shown = [exp.alias_(_canonical(_column("m", n), word_of(schema.field(n))), n, quoted=True) for n in names]
    same = exp.and_(
        *(exp.EQ(this=_canonical(_column("m", n), word_of(schema.field(n))), expression=_column("t", n)) for n in key)
    )
    partner = exp.select("1").from_(_relation(THEIRS, "t")).where(same)
    return exp.select(*shown).from_(_relation(MINE, "m")).where(exp.Exists(this=partner))


def only_among(query: exp.Select, key: Sequence[str], among: Among) -> exp.Select:
    """Keep the rows of ``mine`` that came from some files, or whose key ``theirs`` holds."""
    from sqlglot import exp

    if among.files:
        names: list[exp.Expr] = [exp.Literal.string(name) for name in among.files]
        query = query.where(exp.In(this=_column(None, FILE_COLUMN), expressions=names))
    if among.keys:
        query = query.where(_partner(THEIRS, "t", MINE, key))
    return query


def count() -> exp.Query:
    """Count the rows of ``mine``."""
    from sqlglot import exp

    return exp.select(exp.alias_(exp.Count(this=exp.Star()), "rows")).from_(_relation(MINE))


def highest(schema: pa.Schema, column: str) -> exp.Query:
    """Select the highest value of a column of ``mine``, as canonical text."""
    from sqlglot import exp

    top = exp.Max(this=_column(None, column))
    return exp.select(exp.alias_(_canonical(top, word_of(schema.field(column))), "top")).from_(_relation(MINE))


def keys_without_partner(key: Sequence[str]) -> exp.Query:
    """Select the keys of ``mine`` that ``theirs`` does not hold."""
    from sqlglot import exp

    query = exp.select(*(_column("m", name) for name in key)).from_(_relation(MINE, "m"))
    return query.where(exp.not_(_partner(THEIRS, "t", "m", key)))


def latecomers(schema: pa.Schema, key: Sequence[str], part: Part) -> exp.Query:
    """Select the values of the part's column in rows of ``theirs`` before its end that ``mine`` does not hold with that value."""
    from sqlglot import exp

    field = schema.field(part.column)
    column = _column("t", part.column)
    query = exp.select(column).from_(_relation(THEIRS, "t"))
    known = exp.select("1").from_(_relation(MINE, "m")).where(_same_key("t", "m", [*key, part.column]))
    if part.start is not None:
        query = query.where(exp.GTE(this=column.copy(), expression=_bound(part.start, field)))
        known = known.where(exp.GTE(this=_column("m", part.column), expression=_bound(part.start, field)))
    if part.end is not None:
        query = query.where(exp.LT(this=column.copy(), expression=_bound(part.end, field)))
    return query.where(exp.not_(exp.Exists(this=known)))


def differences(
    schema: pa.Schema, key: Sequence[str], buckets: Sequence[int], part: Part | None, limit: int
) -> exp.Query:
    """Select kind, canonical key columns (``k0`` ...) and a flag per column (``d0`` ...) of rows that are not equal.

    A row that stands in the table more than once equals its partner each time, so copies are counted before the join.
    """
    from sqlglot import exp

    ranges = exp.In(this=_hash(_key_text(schema, key, None), 2), expressions=[exp.Literal.number(b) for b in buckets])
    copy = exp.Window(this=exp.RowNumber(), partition_by=[_column(None, name) for name in key])
    mine = _within(exp.select("*", exp.alias_(copy, _COPY)).from_(_relation(MINE)), schema, part).where(ranges)
    theirs = exp.select("*").from_(_relation(THEIRS)).where(ranges.copy())
    others = [name for name in schema.names if name not in key]
    flags = [exp.NullSafeNEQ(this=_column("m", name), expression=_column("t", name)) for name in others]
    in_mine, in_theirs = (exp.Is(this=_column(side, key[0]), expression=exp.null()).not_() for side in ("m", "t"))
    doubled = exp.GT(this=_column("m", _COPY), expression=exp.Literal.number(1))
    kind = (
        exp.Case()
        .when(exp.not_(in_mine.copy()), exp.Literal.string("missing"))
        .when(exp.not_(in_theirs.copy()), exp.Literal.string("extra"))
        .when(doubled.copy(), exp.Literal.string("doubled"))
        .else_(exp.Literal.string("altered"))
    )
    shown = [exp.alias_(kind, "kind")]
    for index, name in enumerate(key):
        either = exp.Coalesce(this=_column("m", name), expressions=[_column("t", name)])
        shown.append(exp.alias_(_canonical(either, word_of(schema.field(name))), f"k{index}"))
    shown += [exp.alias_(flag.copy(), f"d{index}") for index, flag in enumerate(flags)]
    query = (
        exp.select(*shown)
        .from_(mine.subquery("m"))
        .join(theirs.subquery("t"), on=_same_key("m", "t", key), join_type="full")
    )
    unequal: list[Any] = [exp.not_(in_mine), exp.not_(in_theirs), doubled, *flags]
    return query.where(exp.or_(*unequal)).limit(limit)


def _canonical(value: exp.Expr, word: str) -> exp.Expr:
    """Return the text of a value that sources write alike: ISO days, UTC moments to the microsecond, plain digits."""
    from sqlglot import exp

    if word in {"text", "geometry"}:
        return value
    if word == "boolean":
        case = exp.Case().when(value, exp.Literal.string("1"))
        return case.when(exp.not_(value.copy()), exp.Literal.string("0"))
    if word == "date":
        return exp.Anonymous(this="strftime", expressions=[value, exp.Literal.string("%Y-%m-%d")])
    if word == "timestamp":
        utc = exp.AtTimeZone(this=value, zone=exp.Literal.string("UTC"))
        return exp.Anonymous(this="strftime", expressions=[utc, exp.Literal.string("%Y-%m-%d %H:%M:%S.%f")])
    text = exp.cast(value, "VARCHAR")
    if word != "double":
        return text
    plain = exp.Anonymous(
        this="regexp_replace", expressions=[text, exp.Literal.string(r"\.0$"), exp.Literal.string("")]
    )
    return _renamed(plain, {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-0": "-0"})


def _renamed(text: exp.Expr, names: dict[str, str]) -> exp.Expr:
    from sqlglot import exp

    case = exp.Case(this=text)
    for ours, theirs in names.items():
        case = case.when(exp.Literal.string(ours), exp.Literal.string(theirs))
    return case.else_(text.copy())


def _joined(texts: Sequence[exp.Expr]) -> exp.Expr:
    from sqlglot import exp

    parts: list[exp.Expr] = []
    for text in texts:
        parts += [exp.Literal.string(SEPARATOR), exp.Coalesce(this=text, expressions=[exp.Literal.string(NULL_MARK)])]
    return exp.Anonymous(this="concat", expressions=parts[1:])


def _key_text(schema: pa.Schema, key: Sequence[str], relation: str | None) -> exp.Expr:
    return _joined([_canonical(_column(relation, name), word_of(schema.field(name))) for name in key])


def _hash(text: exp.Expr, digits: int) -> exp.Expr:
    from sqlglot import exp

    digest = exp.Anonymous(this="md5", expressions=[text])
    head = exp.Anonymous(this="substr", expressions=[digest, exp.Literal.number(1), exp.Literal.number(digits)])
    hexadecimal = exp.Anonymous(this="concat", expressions=[exp.Literal.string("0x"), head])
    return exp.cast(hexadecimal, "BIGINT")


def _within(query: exp.Select, schema: pa.Schema, part: Part | None) -> exp.Select:
    from sqlglot import exp

    if part is None:
        return query
    column, field = _column(None, part.column), schema.field(part.column)
    bounds: list[Any] = []
    if part.start is not None:
        bounds.append(exp.GTE(this=column, expression=_bound(part.start, field)))
    if part.end is not None:
        bounds.append(exp.LTE(this=column.copy(), expression=_bound(part.end, field)))
    if not bounds:
        return query
    return query.where(exp.or_(exp.and_(*bounds), exp.Is(this=column.copy(), expression=exp.null())))


def _bound(text: str, field: pa.Field) -> exp.Expr:
    from sqlglot import exp

    from beijiang.engine.binding import type_name

    if word_of(field) == "timestamp":
        return exp.cast(exp.Literal.string(f"{text}+00"), "TIMESTAMPTZ")
    return exp.cast(exp.Literal.string(text), type_name(field.type), dialect="duckdb")


def _partner(name: str, alias: str, other: str, key: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    return exp.Exists(this=exp.select("1").from_(_relation(name, alias)).where(_same_key(other, alias, key)))


def _same_key(left: str, right: str, key: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    return exp.and_(*(exp.EQ(this=_column(left, name), expression=_column(right, name)) for name in key))


def _relation(name: str, alias: str | None = None) -> exp.Table:
    from sqlglot import exp

    return exp.table_(name, db=LAKE, alias=alias)


def _column(relation: str | None, name: str) -> exp.Column:
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=relation)
