"""Landed segments of a stream as typed rows: how a batch reads them, and how a verification reads them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.connectors.messages import Record, Rows
from beijiang.ingest.connectors.stream_options import StreamOptions
from beijiang.ingest.models import DUPLICATE_SAME
from beijiang.ingest.readers import BadReason, BadRow, HeaderTemplate
from beijiang.ingest.service.conforming import conform
from beijiang.ingest.service.reading import ReadPlan, Source
from beijiang.ingest.service.staging import staged_schema
from beijiang.ingest.store.spool import lines_of
from beijiang.ingest.typing import TypedBatch, TypedSchema
from beijiang.kit import Text
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

if TYPE_CHECKING:
    from beijiang.ingest.models import Segment
    from beijiang.ingest.store import Landing

__all__ = ["Reader", "arrived", "last_of_each_key", "name_of", "reading_of"]

_CHUNK: Final = 20_000
_READING: Final = frozenset({"columns", "rows", "payload", "time_zone"})
_ORDER: Final = "\0order"

_WORDS: Final = {
    "not_an_object": Text("消息不是 JSON 对象，原文已保留。", "The message is no JSON object; it is kept as it came."),
    "undecodable": Text("消息不是 UTF-8 文本，原文已保留。", "The message is no UTF-8 text; it is kept as it came."),
}


def reading_of(options: StreamOptions) -> dict[str, Any]:
    """Return how messages become rows, apart from how they come; kept beside the segments that were read so."""
    return options.model_dump(mode="json", include=set(_READING))


def name_of(stream: str, segment: Segment) -> str:
    """Return what a landed segment is called."""
    return f"{stream} {segment.seq}.ndjson"


class Kept(Protocol):
    """Where segments are."""

    def path(self, sha256: str, /) -> Path:
        """Return where a segment is."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Read some segments of one stream in one way."""

    landing: Kept
    stream: str
    """Its name."""
    key: tuple[str, ...]
    options: StreamOptions

    @classmethod
    def as_told(cls, landing: Landing, stream: str, key: tuple[str, ...], reading: Mapping[str, Any]) -> Reader:
        """Return the reader for what ``reading_of`` returned."""
        return cls(landing, stream, key, StreamOptions.model_validate(reading))

    def plan(self, segments: Sequence[Segment]) -> ReadPlan:
        """Return what step one of a run decides."""
        schema = TypedSchema(tuple(c.spec for c in self.options.columns))
        header = HeaderTemplate(0, 0, schema.names).to_json()
        sources = [
            Source(
                index=index,
                sha256=segment.sha256,
                name=name_of(self.stream, segment),
                inner="",
                format="messages",
                encoding="utf-8",
                columns=schema.names,
                header=header,
                notes=(),
                bytes=segment.bytes,
            )
            for index, segment in enumerate(segments)
        ]
        return ReadPlan(schema, tuple(sources), spooled=False)

    def typed(self, source: Source) -> Iterator[tuple[int, TypedBatch, int]]:
        """Yield the records of a segment in the types of the table; they count from 1 in the order in which they came."""
        rows = Rows(self.options)
        waiting: list[tuple[int, Record]] = []
        number, size = 0, 0
        for line in lines_of(self.landing.path(source.sha256)):
            size += len(line)
            for record in rows.of(line):
                number += 1
                waiting.append((number, record))
            if len(waiting) >= _CHUNK:
                yield self._batch(waiting, size)
                waiting, size = [], 0
        if waiting:
            yield self._batch(waiting, size)

    def _batch(self, waiting: Sequence[tuple[int, Record]], size: int) -> tuple[int, TypedBatch, int]:
        schema = TypedSchema(tuple(c.spec for c in self.options.columns))
        good = [(number, record.cells) for number, record in waiting if record.cells is not None]
        bad = [
            BadRow(number, None, BadReason(record.trouble), _WORDS[record.trouble], record.raw)
            for number, record in waiting
            if record.cells is None
        ]
        columns = list(zip(*(cells for _, cells in good), strict=True)) or [()] * len(schema.columns)
        arrow = pa.schema([(name, pa.string()) for name in schema.names])
        batch = pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], schema=arrow)
        typed = conform(batch, schema, self.key, 0)
        numbers = pa.array([number for number, _ in good], pa.int64())
        misfits = [BadRow(good[b.line][0], b.column, b.reason, b.text, b.raw) for b in typed.bad]
        placed = TypedBatch(
            typed.rows,
            numbers.take(typed.row_numbers),
            sorted([*bad, *misfits], key=lambda b: b.line),
            typed.changes,
        )
        return len(waiting), placed, size


def arrived(files: Sequence[Path], columns: Sequence[str], numbers: Mapping[str, int], after: int) -> pa.Table:
    """Return some columns of staged rows that came after a segment, in the order in which they came."""
    order = pl.col(FILE_COLUMN).replace_strict(numbers, return_dtype=pl.Int64).alias(_ORDER)
    frame = pl.read_parquet(list(files), columns=[*columns, FILE_COLUMN, ROW_COLUMN]).with_columns(order)
    return frame.filter(pl.col(_ORDER) > after).sort(_ORDER, ROW_COLUMN).select(columns).to_arrow()


def last_of_each_key(plan: ReadPlan, key: Sequence[str], files: Sequence[Path], target: Path) -> dict[str, Any]:
    """Leave the last message of each key; those before it have been overtaken and stay in the landed files."""
    order = {source.tag: source.index for source in plan.sources}
    frame = pl.read_parquet(list(files))
    last = (
        frame.with_columns(pl.col(FILE_COLUMN).replace_strict(order, return_dtype=pl.Int64).alias(_ORDER))
        .sort(_ORDER, ROW_COLUMN)
        .unique(list(key), keep="last", maintain_order=True)
        .drop(_ORDER)
    )
    pq.write_table(last.to_arrow().cast(staged_schema(plan.schema)), target, compression="zstd")
    left = []
    for source in plan.sources:
        came = frame.filter(pl.col(FILE_COLUMN) == source.tag).height
        stays = last.filter(pl.col(FILE_COLUMN) == source.tag).height
        if came > stays:
            left.append({"source": source.index, "reason": DUPLICATE_SAME, "rows": came - stays})
    return {"left": left, "good": last.height}
