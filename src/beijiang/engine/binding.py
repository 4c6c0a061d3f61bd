"""Turn the relations that a query tree names into reads of their files, as trees.

Files of one snapshot may differ: a column added later is missing in older files, and a file may hold a narrower physical
type. What a file holds is read from its footer once; files never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.failures import failure
from beijiang.engine.port import AT, LAKE, PART, Scan, View

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = ["copy_sql", "physical_columns", "relation_sql", "setting_sql", "stub_sql", "to_sql", "type_name", "view_sql"]

DIALECT: Final = "duckdb"
_SIMPLE: Final = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
}


def type_name(kind: pa.DataType) -> str:
    """Return the engine's name of an Arrow type; dictionaries and large strings are plain text.

    Raises:
        TypeError: for a type that lake tables do not have.

    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return type_name(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "VARCHAR"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind) and kind.unit in {"us", "ms"}:
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    name = _SIMPLE.get(str(kind))
    if name is None:
        msg = f"no lake type for {kind}"
        raise TypeError(msg)
    return name


@lru_cache(maxsize=50_000)
def physical_columns(path: str) -> tuple[tuple[str, str], ...]:
    """Return the columns of one file as (name, type name), from its footer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as exc:
        raise failure("data_unavailable") from exc
    return tuple((field.name, _physical_name(field.type)) for field in schema)


def _physical_name(kind: pa.DataType) -> str:
    try:
        return type_name(kind)
    except TypeError:
        return str(kind)  # never equal to a lake type, so the column is cast and the engine decides


def _relation(scan: Scan) -> exp.Query:
    from sqlglot import exp

    if not scan.files:
        return _empty(scan)
    files = [physical_columns(path) for path in scan.files]
    uniform = all(columns == files[0] for columns in files)
    known: dict[str, str] = {}
    for columns in files:
        for name, kind in columns:
            known[name] = kind if known.setdefault(name, kind) == kind else "mixed"
    source = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=_arguments(scan.files, uniform=uniform)))
    query = exp.select(*(_column(field.name, type_name(field.type), known) for field in scan.schema), copy=False)
    if scan.position:
        query.select(_renamed("file_index", PART), _renamed("file_row_number", AT), copy=False)
    return query.from_(source, copy=False)


def _arguments(files: Sequence[str], *, uniform: bool) -> list[exp.Expr]:
    from sqlglot import exp

    arguments: list[Any] = [exp.Array(expressions=[exp.Literal.string(path) for path in files])]
    arguments.append(exp.EQ(this=exp.column("hive_partitioning"), expression=exp.false()))
    if not uniform:
        arguments.append(exp.EQ(this=exp.column("union_by_name"), expression=exp.true()))
    return arguments


def _column(name: str, wanted: str, known: Mapping[str, str]) -> exp.Expr:
    from sqlglot import exp

    column = exp.column(exp.to_identifier(name, quoted=True))
    if name not in known:
        return exp.alias_(exp.cast(exp.null(), wanted, dialect=DIALECT), name, quoted=True)
    if known[name] == wanted:
        return column
    return exp.alias_(exp.cast(column, wanted, dialect=DIALECT), name, quoted=True)


def _renamed(name: str, alias: str) -> exp.Expr:
    from sqlglot import exp

    return exp.alias_(exp.column(name), alias, quoted=True)


def _empty(scan: Scan) -> exp.Query:
    from sqlglot import exp

    columns = [_column(field.name, type_name(field.type), {}) for field in scan.schema]
    if scan.position:
        columns += [
            exp.alias_(exp.cast(exp.null(), "BIGINT", dialect=DIALECT), name, quoted=True) for name in (PART, AT)
        ]
    return exp.select(*columns, copy=False).where(exp.false(), copy=False)


@lru_cache(maxsize=256)
def relation_sql(source: Scan | View) -> str:
    """Return a relation in the engine's dialect; made once, because file lists and masks are long."""
    return to_sql(source.query, source.scans) if isinstance(source, View) else _relation(source).sql(DIALECT)


@lru_cache(maxsize=256)
def view_sql(name: str, scan: Scan) -> str:
    """Return the statement that makes the view of a scan under its name."""
    from sqlglot import exp

    return exp.Create(this=_named(name), kind="VIEW", expression=_relation(scan)).sql(DIALECT)


@lru_cache(maxsize=256)
def stub_sql(name: str, scan: Scan) -> str:
    """Return the statement that makes an empty table with the columns of a scan."""
    from sqlglot import exp

    columns = [
        exp.ColumnDef(
            this=exp.to_identifier(field.name, quoted=True),
            kind=exp.DataType.build(type_name(field.type), dialect=DIALECT),
        )
        for field in scan.schema
    ]
    return exp.Create(this=exp.Schema(this=_named(name), expressions=columns), kind="TABLE").sql(DIALECT)


def copy_sql(query: exp.Query, scans: Mapping[str, Scan | View], target: str, row_group: int) -> str:
    """Return the statement that writes the rows of a query as one Parquet file."""
    from sqlglot import exp

    words = {"FORMAT": "parquet", "COMPRESSION": "zstd", "ROW_GROUP_SIZE": row_group}
    params = [exp.CopyParameter(this=exp.var(name), expression=exp.convert(value)) for name, value in words.items()]
    copy = exp.Copy(this=exp.Subquery(this=query.copy()), kind=False, files=[exp.Literal.string(target)], params=params)
    sql: str = _generator_class()(scans).generate(copy)
    return sql


def quoted_name(name: str) -> str:
    """Return a relation's name as an identifier of the engine."""
    from sqlglot import exp

    return exp.to_identifier(name, quoted=True).sql(DIALECT)


def setting_sql(name: str, value: bool | str | list[str]) -> str:
    """Return the statement that sets an engine setting."""
    from sqlglot import exp

    return f"SET {name} = {exp.convert(value).sql(DIALECT)}"


def _named(name: str) -> exp.Table:
    from sqlglot import exp

    return exp.table_(exp.to_identifier(name, quoted=True), db=LAKE)


def to_sql(query: exp.Query, scans: Mapping[str, Scan | View], *, copy: bool = True) -> str:
    """Return the engine's SQL for ``query`` with each ``lake`` table written as the read of its scan.

    The tree is changed by that, so a copy is written, unless the caller gives the tree away (``copy=False``).

    Raises:
        KeyError: the tree names a relation without a scan; a mistake of the caller, never of a user.

    """
    sql: str = _generator_class()(scans).generate(query, copy=copy)
    return sql


@lru_cache(maxsize=1)
def _generator_class() -> Any:
    """Return a generator that binds tables while it writes: a copy of the tree less on every page."""
    from sqlglot import exp
    from sqlglot.generators.duckdb import DuckDBGenerator

    class BindingGenerator(DuckDBGenerator):
        def __init__(self, scans: Mapping[str, Scan | View]) -> None:
            super().__init__(dialect=DIALECT)
            self._scans = scans

        def table_sql(self, expression: exp.Table, sep: str = " AS ") -> str:
            if expression.db != LAKE:
                return super().table_sql(expression, sep)
            name = expression.name
            alias = expression.args.get("alias") or exp.to_identifier(name, quoted=True)
            joins = "".join(self.sql(join) for join in expression.args.get("joins") or ())
            return f"({relation_sql(self._scans[name])}){sep}{self.sql(alias)}{joins}"

    return BindingGenerator
