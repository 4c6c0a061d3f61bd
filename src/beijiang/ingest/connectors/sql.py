"""What all SQL databases share: finding tables, mapping types, and statements made as trees, never as text.

``SqlTable`` is one described table with its columns as the database knows them. A ``Grammar`` says, for one product, how a
column is read so that nothing of it is lost, and how its canonical text is written inside the database. A ``Snapshot`` asks
one transaction all that a run wants to know.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.reflection import Inspector

from beijiang.ingest.connectors.contract import Feed, FeedColumn, Position, Reading, Wanted, Window
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Invalid
from beijiang.tables import NULL_MARK, SEPARATOR, Fingerprint, Tally

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CURSOR_TYPES",
    "Grammar",
    "Snapshot",
    "SqlTable",
    "find_feeds",
    "find_table",
    "is_ordered",
    "landed_schema",
    "spec_of",
    "text_schema",
]

CURSOR_TYPES: Final = frozenset({ColumnType.INTEGER, ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.DECIMAL})
_MAX_PRECISION: Final = 38
_TYPES: Final = (
    (sa.Boolean, ColumnType.BOOLEAN),
    (sa.Integer, ColumnType.INTEGER),
    (sa.Float, ColumnType.DOUBLE),
    (sa.DateTime, ColumnType.TIMESTAMP),
    (sa.Date, ColumnType.DATE),
)


def spec_of(name: str, kind: sa.types.TypeEngine[Any]) -> ColumnSpec:
    """Map a type of a database to one of ours; whatever has no exact counterpart is kept as its text."""
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return _decimal(name, kind.precision, kind.scale)
    word = next((word for known, word in _TYPES if isinstance(kind, known)), ColumnType.TEXT)
    return ColumnSpec(name, word)


def _decimal(name: str, precision: int | None, scale: int | None) -> ColumnSpec:
    """Keep declared decimals as they are; undeclared or wider ones hold anything, so their text is kept."""
    if precision is None or precision > _MAX_PRECISION or not 0 <= (scale or 0) <= precision:
        return ColumnSpec(name, ColumnType.TEXT)
    return ColumnSpec(name, ColumnType.DECIMAL, precision=precision, scale=scale or 0, fixed=True)


def is_ordered(spec: ColumnSpec) -> bool:
    """Tell whether a column could be a cursor."""
    return spec.type in CURSOR_TYPES


@dataclass(frozen=True, slots=True)
class SqlTable:
    """One table or view: its place, and its columns with the types that the database gives them."""

    schema: str | None
    name: str
    types: dict[str, sa.types.TypeEngine[Any]]

    def tree(self) -> sa.TableClause:
        """Return the table for use in a statement."""
        columns = [sa.column(name, kind) for name, kind in self.types.items()]
        return sa.table(self.name, *columns, schema=self.schema)


class Grammar(ABC):
    """How one database product reads and spells its columns."""

    dialect: sa.engine.Dialect

    @abstractmethod
    def read(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        """Return the expression that delivers a column without loss."""

    @abstractmethod
    def canonical(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[str]:
        """Return the canonical text of a column: what ``tables`` computes of the stored value; NULL stays NULL."""

    @abstractmethod
    def bucket(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        """Return the first byte of the MD5 of a text, as a number."""

    @abstractmethod
    def checksum(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        """Return the sum, over all rows, of the first 60 bits of the MD5 of a text."""

    @abstractmethod
    def bound(self, value: Position, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        """Return a cursor value (canonical text, or a number) as an expression that compares with the column."""

    def ordered(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        """Return what of a cursor column is compared with ``bound``; NULL where a value has no place in the order."""
        del spec
        return column

    # The statements

    def rows(self, table: SqlTable, wanted: Wanted, buckets: Sequence[int] | None = None) -> sa.Select[Any]:
        """Select the wanted rows, or those of some key ranges."""
        tree = table.tree()
        columns = [self.read(tree.c[c.name], c.spec).label(c.name) for c in wanted.feed.columns]
        query = self._within(sa.select(*columns), tree, wanted)
        if buckets is not None:
            query = query.where(self.bucket(self._key_text(tree, wanted)).in_(list(buckets)))
        return query

    def key_rows(self, table: SqlTable, wanted: Wanted) -> sa.Select[Any]:
        """Select the key of every row, whatever the window."""
        tree = table.tree()
        specs = {c.name: c.spec for c in wanted.feed.columns}
        return sa.select(*(self.read(tree.c[name], specs[name]).label(name) for name in wanted.key))

    def tallies(self, table: SqlTable, wanted: Wanted) -> sa.Select[Any]:
        """Select bucket, number of rows and sum of checksums for every key range that has rows."""
        tree = table.tree()
        whole = self._joined([self.canonical(tree.c[c.name], c.spec) for c in wanted.feed.columns])
        bucket = self.bucket(self._key_text(tree, wanted) if wanted.key else whole).label("bucket")
        query = sa.select(bucket, sa.func.count().label("rows"), self.checksum(whole).label("checksum"))
        return self._within(query, tree, wanted).group_by(sa.text("1"))

    def count(self, table: SqlTable, wanted: Wanted) -> sa.Select[Any]:
        """Select how many rows are wanted."""
        return self._within(sa.select(sa.func.count()), table.tree(), wanted)

    def highest(self, table: SqlTable, wanted: Wanted, window: Window) -> sa.Select[Any]:
        """Select the highest cursor value of the window, as canonical text."""
        tree = table.tree()
        spec = _spec(wanted.feed, window.column)
        top = sa.func.max(tree.c[window.column]).label("top")
        inner = self._within(sa.select(top), tree, wanted).subquery()
        return sa.select(self.canonical(sa.column("top", table.types[window.column]), spec)).select_from(inner)

    def _within(self, query: sa.Select[Any], tree: sa.TableClause, wanted: Wanted) -> sa.Select[Any]:
        query = query.select_from(tree)
        window = wanted.window
        if window is None:
            return query
        column, spec = tree.c[window.column], _spec(wanted.feed, window.column)
        value = self.ordered(column, spec)
        bounds = []
        if window.start is not None:
            bounds.append(value >= self.bound(window.start, column, spec))
        if window.end is not None:
            bounds.append(value <= self.bound(window.end, column, spec))
        return query.where(sa.or_(sa.and_(*bounds), value.is_(None))) if bounds else query

    def _key_text(self, tree: sa.TableClause, wanted: Wanted) -> sa.ColumnElement[str]:
        return self._joined([self.canonical(tree.c[name], _spec(wanted.feed, name)) for name in wanted.key])

    def _joined(self, texts: Sequence[sa.ColumnElement[str]]) -> sa.ColumnElement[str]:
        filled: list[Any] = []
        for text in texts:
            filled += [sa.literal(SEPARATOR, sa.Text()), sa.func.coalesce(text, sa.literal(NULL_MARK, sa.Text()))]
        return self.concat(filled[1:])

    def concat(self, texts: Sequence[sa.ColumnElement[str]]) -> sa.ColumnElement[str]:
        """Return texts, none of them null, as one."""
        return sa.func.concat(*texts)

    def text(self, statement: sa.Select[Any]) -> str:
        """Return a statement as the database's own text, with every value quoted by the dialect."""
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        return str(compiled)


class Snapshot(Reading):
    """One transaction that sees one moment: rows, keys, position and fingerprint are statements in it."""

    consistent = True

    def __init__(self, table: SqlTable, wanted: Wanted, grammar: Grammar, schema: pa.Schema) -> None:
        if any(c.name not in table.types for c in wanted.feed.columns):  # renamed or dropped since the run began
            raise source_refuses("source_object_missing")
        self._table = table
        self._wanted = wanted
        self._grammar = grammar
        self.schema = schema

    @abstractmethod
    def _again(self, wanted: Wanted) -> Reading:
        """Return the same look at other rows."""

    @abstractmethod
    def stream(self, statement: sa.Select[Any]) -> Iterator[pa.RecordBatch]:
        """Yield what a statement selects, in the types of ``schema``."""

    @abstractmethod
    def _all(self, statement: sa.Select[Any]) -> Sequence[Sequence[Any]]:
        """Return the few rows that a statement selects."""

    def until(self, end: Position) -> Reading:
        window = self._wanted.window
        return self._again(self._wanted if window is None else replace(self._wanted, window=replace(window, end=end)))

    def position(self) -> Position:
        window = self._wanted.window
        if window is None:
            return None
        found: Position = self._all(self._grammar.highest(self._table, self._wanted, window))[0][0]
        return found

    def batches(self) -> Iterator[pa.RecordBatch]:
        return self.stream(self._grammar.rows(self._table, self._wanted))

    def keys(self) -> Iterator[pa.RecordBatch]:
        return self.stream(self._grammar.key_rows(self._table, self._wanted))

    def rows_in(self, buckets: Sequence[int]) -> Iterator[pa.RecordBatch]:
        return self.stream(self._grammar.rows(self._table, self._wanted, buckets))

    def count(self) -> int | None:
        return int(self._all(self._grammar.count(self._table, self._wanted))[0][0])

    def fingerprint(self) -> Fingerprint | None:
        found = self._all(self._grammar.tallies(self._table, self._wanted))
        return Fingerprint({int(bucket): Tally(int(rows), int(total)) for bucket, rows, total in found})


def _spec(feed: Feed, name: str) -> ColumnSpec:
    found = feed.column(name)
    if found is None:
        raise Invalid(
            f"数据源的“{feed.name}”没有列“{name}”。现有：{'、'.join(c.name for c in feed.columns)}。",
            f'"{feed.name}" of the source has no column "{name}". It has: {", ".join(c.name for c in feed.columns)}.',
            code="unknown_column",
        )
    return found.spec


def landed_schema(feed: Feed) -> pa.Schema:
    """Return how rows come where the database's types are exact: decimals as their text, all else in its own type."""
    import pyarrow as pa

    fields = []
    for column in feed.columns:
        kind = column.spec.to_arrow().type
        fields.append(pa.field(column.name, pa.string() if pa.types.is_decimal(kind) else kind))
    return pa.schema(fields)


def text_schema(feed: Feed) -> pa.Schema:
    """Return how rows come where every value is delivered as its canonical text, to be read afterwards."""
    import pyarrow as pa

    return pa.schema([pa.field(c.name, pa.string()) for c in feed.columns])


def find_feeds(inspector: Inspector, schemas: Iterable[str | None]) -> list[Feed]:
    """List tables and views of some schemas, with their comments."""
    feeds = []
    for schema in schemas:
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        comments = _comments(inspector, schema)
        feeds += [Feed(name=_joined_name(schema, n), comment=comments.get(n) or "") for n in sorted(names)]
    return feeds


def _comments(inspector: Inspector, schema: str | None) -> dict[str, str | None]:
    if not inspector.dialect.supports_comments:
        return {}
    found = inspector.get_multi_table_comment(schema, kind=sa.engine.reflection.ObjectKind.ANY)
    return {name: value["text"] for (_, name), value in found.items()}


def _joined_name(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def find_table(inspector: Inspector, name: str, schemas: Sequence[str | None]) -> tuple[SqlTable, Feed]:
    """Describe the table or view called ``name``, with or without its schema.

    Raises:
        NotFound: no such table, or the account may not see it.

    """
    for schema in schemas:
        bare = name.removeprefix(f"{schema}.") if schema else name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", sa.exc.SAWarning
                )  # a type that SQLAlchemy does not know is kept as text
                columns = inspector.get_columns(bare, schema)
        except sa.exc.NoSuchTableError:
            continue
        if columns:
            return _described(inspector, schema, bare, columns)
    raise feed_missing(name)


def _described(inspector: Inspector, schema: str | None, name: str, columns: Sequence[Any]) -> tuple[SqlTable, Feed]:
    types = {c["name"]: c["type"] for c in columns}
    described = []
    for column in columns:
        spec = spec_of(column["name"], column["type"])
        native = str(column["type"]).lower() if not isinstance(column["type"], sa.types.NullType) else "?"
        described.append(FeedColumn(spec, native, column.get("comment") or "", is_ordered(spec)))
    key = tuple(inspector.get_pk_constraint(name, schema).get("constrained_columns") or ())
    comment = inspector.get_table_comment(name, schema)["text"] if inspector.dialect.supports_comments else ""
    feed = Feed(name=_joined_name(schema, name), comment=comment or "", columns=tuple(described), key=key)
    return SqlTable(schema, name, types), feed
