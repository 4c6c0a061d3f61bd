"""Step one of a run: open every file, agree on columns, and decide their types over all rows of all files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from beijiang.ingest.errors import different_tables, unknown_columns
from beijiang.ingest.models import IngestRequest, file_tag, glob_matches
from beijiang.ingest.readers import BadReason, BadRow, HeaderTemplate, RawBatch, ReadOptions, SourceTable, open_tables
from beijiang.ingest.typing import ColumnSpec, ColumnType, TypedSchema
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.ingest.store import Landing

__all__ = ["ReadPlan", "Source", "decide_plan", "pinned_schema", "plan_of", "raw_batches", "read_options"]

_LINE: Final = "\0line"
_TYPE_MARK: Final = b"beijiang.type"
_SHARED: Final = 0.5
"""Tables go together when each shares at least this part of the columns of the widest."""

_READING = Text("读取文件", "Reading the files")
"""Progress names no file: those who watch jobs may not know what a department handed in."""


@dataclass(frozen=True, slots=True)
class Source:
    """One rectangular table inside one landed file, as the plan of a run keeps it."""

    index: int
    sha256: str
    name: str
    inner: str
    format: str
    encoding: str | None
    columns: tuple[str, ...]
    header: dict[str, Any]
    notes: tuple[tuple[str, str, str], ...]
    bytes: int
    """Its part of the file's bytes, for the progress bar."""

    @property
    def tag(self) -> str:
        """Return what ``_bj_file`` holds for its rows."""
        return file_tag(self.sha256, self.inner)

    @property
    def label(self) -> str:
        """Name it for a person."""
        return f"{self.name} › {self.inner}" if self.inner else self.name


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What step one decided; step two follows it."""

    schema: TypedSchema
    sources: tuple[Source, ...]
    spooled: bool
    """The text of all rows waits in Arrow files, because types had to be inferred first."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan for storage."""
        return {
            "schema": self.schema.to_json(),
            "sources": [asdict(s) for s in self.sources],
            "spooled": self.spooled,
        }

    @classmethod
    def of_landed(cls, schema: TypedSchema, columns: tuple[str, ...], sha256: str, name: str, path: Path) -> ReadPlan:
        """Return the plan of a run whose rows are all in one landed Parquet file, with a schema that is known."""
        source = Source(
            index=0,
            sha256=sha256,
            name=name,
            inner="",
            format="parquet",
            encoding=None,
            columns=columns,
            header=HeaderTemplate(0, 0, columns).to_json(),
            notes=(),
            bytes=path.stat().st_size,
        )
        return cls(schema, (source,), spooled=False)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ReadPlan:
        """Rebuild a stored plan."""
        sources = tuple(
            Source(**{**s, "columns": tuple(s["columns"]), "notes": tuple(tuple(n) for n in s["notes"])})
            for s in value["sources"]
        )
        return cls(TypedSchema.from_json(value["schema"]), sources, value["spooled"])


def read_options(request: IngestRequest, remembered: dict[str, Any] | None) -> ReadOptions:
    """Return how the files are to be read; a confirmed header comes before a remembered one."""
    header = request.header if request.header is not None else remembered
    return ReadOptions(
        encoding=request.encoding,
        sheet=request.sheet,
        delimiter=request.delimiter,
        header=HeaderTemplate.from_json(dict(header)) if header else None,
        members=(lambda name: any(glob_matches(p, name) for p in request.members)) if request.members else None,
    )


def pinned_schema(
    arrow: pa.Schema | None, remembered: dict[str, Any] | None, hidden: frozenset[str]
) -> TypedSchema | None:
    """Return the columns that a table already has: types from the table itself, spelling notes from the last run."""
    if arrow is None:
        return None
    notes = {c.name: c for c in TypedSchema.from_json(remembered).columns} if remembered else {}
    return TypedSchema(tuple(_spec(field, notes.get(field.name)) for field in arrow if field.name not in hidden))


def _spec(field: pa.Field, note: ColumnSpec | None) -> ColumnSpec:
    kind, precision, scale = field.type, None, None
    if (field.metadata or {}).get(_TYPE_MARK) == b"geometry":
        word = ColumnType.GEOMETRY
    elif pa.types.is_decimal(kind):
        word, precision, scale = ColumnType.DECIMAL, kind.precision, kind.scale
    else:
        words = (
            (pa.types.is_integer, ColumnType.INTEGER),
            (pa.types.is_floating, ColumnType.DOUBLE),
            (pa.types.is_boolean, ColumnType.BOOLEAN),
            (pa.types.is_date, ColumnType.DATE),
            (pa.types.is_timestamp, ColumnType.TIMESTAMP),
        )
        word = next((w for test, w in words if test(kind)), ColumnType.TEXT)
    spec = ColumnSpec(field.name, word, precision=precision, scale=scale)
    if note is not None and note.type is word:
        spec = replace(spec, percent=note.percent, fixed=note.fixed and note.scale == scale)
    return spec


def decide_plan(
    request: IngestRequest,
    files: Sequence[tuple[str, str]],
    *,
    landing: Landing,
    options: ReadOptions,
    pinned: TypedSchema | None,
    folder: Path,
    tick: Callable[[int, Text], None],
) -> ReadPlan:
    """Open all files, agree on the columns, and infer the types of those that the table does not have yet.

    Raises:
        Invalid: a file cannot be read, tables do not go together, or a key or check names no column.
        TooLarge: a file goes over a limit of the readers.

    """
    tables = [(sha256, t) for sha256, name in files for t in open_tables(landing.path(sha256), name, options)]
    return plan_of(request, tables, landing=landing, pinned=pinned, folder=folder, tick=tick)


def plan_of(
    request: IngestRequest,
    opened: Sequence[tuple[str, SourceTable]],
    *,
    landing: Landing,
    pinned: TypedSchema | None,
    folder: Path,
    tick: Callable[[int, Text], None],
) -> ReadPlan:
    """Do the same for tables that are open already, each with the SHA-256 of its file."""
    tables = [(sha256, t) for sha256, t in opened if t.columns]
    if not tables:
        raise Invalid("文件里没有任何表。", "The files hold no table.", code="no_table")
    columns = _agree([t for _, t in tables], pinned)
    _check_names(request, columns)
    sources = _sources(tables, landing)
    fresh = tuple(c for c in columns if pinned is None or pinned.column(c) is None)
    if pinned is not None and not fresh:
        return ReadPlan(pinned, sources, spooled=False)
    schema = _infer([t for _, t in tables], sources, fresh, folder, tick)
    known = pinned.columns if pinned is not None else ()
    return ReadPlan(TypedSchema((*known, *schema.columns)), sources, spooled=True)


def _sources(tables: Sequence[tuple[str, SourceTable]], landing: Landing) -> tuple[Source, ...]:
    within: dict[str, int] = {}
    for sha256, _ in tables:
        within[sha256] = within.get(sha256, 0) + 1
    return tuple(
        Source(
            index=index,
            sha256=sha256,
            name=table.file_name,
            inner=table.inner_name,
            format=table.format,
            encoding=table.encoding,
            columns=table.columns,
            header=dict(table.header.to_json()),
            notes=tuple((n.code, n.text.zh, n.text.en) for n in table.notes),
            bytes=max(1, landing.path(sha256).stat().st_size // within[sha256]),
        )
        for index, (sha256, table) in enumerate(tables)
    )


def _agree(tables: Sequence[SourceTable], pinned: TypedSchema | None) -> tuple[str, ...]:
    """Return the columns of all tables together, or say that the tables do not go together."""
    widest = max((set(t.columns) for t in tables), key=len)
    if any(len(widest & set(t.columns)) < _SHARED * len(widest) for t in tables):
        raise different_tables([(t.label, list(t.columns)) for t in tables])
    if pinned is not None and not widest & set(pinned.names):
        raise Invalid(
            f"文件的列与表中已有的列没有一个相同。表的列：{'、'.join(pinned.names)}；文件的列：{'、'.join(tables[0].columns)}。"
            "请确认目标表（--into），或用 --mode replace 重建。",
            f"No column of the files is a column of the table. The table has {', '.join(pinned.names)}; the files have "
            f"{', '.join(tables[0].columns)}. Check the target (--into), or rebuild it with --mode replace.",
            code="columns_do_not_match",
        )
    return tuple(dict.fromkeys(c for t in tables for c in t.columns))


def _check_names(request: IngestRequest, columns: tuple[str, ...]) -> None:
    lost = [c for c in request.key if c not in columns]
    if lost:
        raise unknown_columns(lost, list(columns), ("主键列", "The key column"))
    lost = [c.column for c in request.checks if c.column not in columns]
    if lost:
        raise unknown_columns(lost, list(columns), ("检查的列", "The checked column"))


def _infer(
    tables: Sequence[SourceTable],
    sources: Sequence[Source],
    fresh: tuple[str, ...],
    folder: Path,
    tick: Callable[[int, Text], None],
) -> TypedSchema:
    """Spool the text of all rows and count the values of the columns whose types are not known."""
    from beijiang.ingest.typing import TypeInference

    geometry = frozenset[str]().union(*(getattr(t, "geometry", frozenset()) for t in tables))
    inference = TypeInference(fresh, geometry=geometry & set(fresh))
    for table, source in zip(tables, sources, strict=True):
        schema = pa.schema([*((c, pa.string()) for c in table.columns), (_LINE, pa.int64())])
        bad = _spooled_bad(folder, source.index)
        with (
            pa.OSFile(str(_text(folder, source.index)), "wb") as sink,
            pa.ipc.new_stream(sink, schema) as writer,
            bad.open("w", encoding="utf-8") as notes,
        ):
            for number, batch in enumerate(table.batches()):
                inference.observe(_padded(batch, fresh))
                arrays = [*batch.rows.columns, batch.row_numbers]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
                notes.writelines(json.dumps([number, *_bad_to_json(b)], ensure_ascii=False) + "\n" for b in batch.bad)
                tick(batch.rows.nbytes, _READING)
    return inference.decide()


def _padded(batch: RawBatch, columns: tuple[str, ...]) -> RawBatch:
    """Give a batch every column that is being inferred; what its file lacks is null."""
    rows = batch.rows
    if tuple(rows.schema.names) == columns:
        return batch
    have = set(rows.schema.names)
    nothing = pa.nulls(rows.num_rows, pa.string())
    arrays = [rows.column(c) if c in have else nothing for c in columns]
    padded = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return RawBatch(padded, batch.row_numbers, [])


def raw_batches(
    plan: ReadPlan, source: Source, *, landing: Landing, options: ReadOptions, folder: Path
) -> Iterator[RawBatch]:
    """Yield the text of one table again: from the spool of step one, or from the landed file."""
    if not plan.spooled:
        tables = open_tables(landing.path(source.sha256), source.name, options)
        table = next(t for t in tables if t.inner_name == source.inner and t.columns == source.columns)
        yield from table.batches()
        return
    bad_path = _spooled_bad(folder, source.index)
    with (
        pa.OSFile(str(_text(folder, source.index)), "rb") as file,
        pa.ipc.open_stream(file) as reader,
        bad_path.open(encoding="utf-8") as lines,
    ):
        waiting = _bad_lines(lines)
        ahead = next(waiting, None)
        for number, batch in enumerate(reader):
            bad: list[BadRow] = []
            while ahead is not None and ahead[0] == number:
                bad.append(ahead[1])
                ahead = next(waiting, None)
            rows = pa.RecordBatch.from_arrays(batch.columns[:-1], names=batch.schema.names[:-1])
            yield RawBatch(rows, batch.column(batch.num_columns - 1), bad)


def _bad_lines(lines: Iterator[str]) -> Iterator[tuple[int, BadRow]]:
    for line in lines:
        number, at, column, reason, zh, en, raw = json.loads(line)
        cells = tuple(raw) if isinstance(raw, list) else raw
        yield number, BadRow(at, column, BadReason(reason), Text(zh, en), cells)


def _bad_to_json(bad: BadRow) -> list[Any]:
    raw = bad.raw if isinstance(bad.raw, str) else list(bad.raw)
    return [bad.line, bad.column, bad.reason.value, bad.text.zh, bad.text.en, raw]


def _text(folder: Path, index: int) -> Path:
    return folder / f"text-{index}.arrow"


def _spooled_bad(folder: Path, index: int) -> Path:
    return folder / f"bad-{index}.ndjson"
