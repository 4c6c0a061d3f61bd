"""Type the rows of many small files as one: the work of a batch costs more than its rows where those are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from beijiang.ingest.readers import RawBatch
from beijiang.ingest.service.staging import typed_batches
from beijiang.ingest.typing import TypedBatch

if TYPE_CHECKING:
    from beijiang.ingest.models import CheckSpec
    from beijiang.ingest.service.reading import Source
    from beijiang.ingest.typing import TypedSchema

__all__ = ["typed_together"]

_ROWS: Final = 50_000
_FILE: Final = 1 << 40
"""A file's rows are numbered from here times its place among those that are typed together."""

Typed: TypeAlias = "tuple[Source, int, TypedBatch, int]"


def typed_together(
    sources: Sequence[Source],
    raw: Callable[[Source], Iterator[RawBatch]],
    schema: TypedSchema,
    checks: Sequence[CheckSpec],
) -> Iterator[Typed]:
    """Yield typed batches of all sources in their order, each with the records read for it and the bytes of their text."""
    waiting: list[tuple[Source, RawBatch]] = []
    rows = 0
    for source in sources:
        for batch in raw(source):
            like = not waiting or waiting[0][1].rows.schema.names == batch.rows.schema.names
            if not like or rows + batch.rows.num_rows > _ROWS:
                yield from _typed(waiting, schema, checks)
                waiting, rows = [], 0
            waiting.append((source, batch))
            rows += batch.rows.num_rows
    yield from _typed(waiting, schema, checks)


def _typed(
    waiting: Sequence[tuple[Source, RawBatch]], schema: TypedSchema, checks: Sequence[CheckSpec]
) -> Iterator[Typed]:
    if not waiting:
        return
    first, batch = waiting[0]
    if len(waiting) == 1:
        yield from ((first, *told) for told in typed_batches(iter([batch]), schema, checks, first))
        return
    for _, made, _ in typed_batches(iter([_joined([b for _, b in waiting])]), schema, checks, first):
        for place, (source, part) in enumerate(waiting):
            yield source, part.rows.num_rows + len(part.bad), _part(made, place), part.rows.nbytes


def _joined(batches: Sequence[RawBatch]) -> RawBatch:
    table = pa.Table.from_batches([b.rows for b in batches])
    numbers = [pc.add(b.row_numbers, pa.scalar(place * _FILE)) for place, b in enumerate(batches)]
    bad = [replace(b, line=b.line + place * _FILE) for place, batch in enumerate(batches) for b in batch.bad]
    rows = pa.RecordBatch.from_arrays([pa.concat_arrays(c.chunks) for c in table.columns], schema=table.schema)
    return RawBatch(rows, pa.concat_arrays(numbers), bad)


def _part(made: TypedBatch, place: int) -> TypedBatch:
    """Return what belongs to one file, with its own numbers of rows."""
    first = pa.scalar(place * _FILE)
    here = _between(made.row_numbers, place)
    changed = made.changes.filter(_between(made.changes.column(0), place))
    numbers = pc.subtract(changed.column(0), first)
    return TypedBatch(
        made.rows.filter(here),
        pc.subtract(made.row_numbers.filter(here), first),
        [replace(b, line=b.line - place * _FILE) for b in made.bad if b.line // _FILE == place],
        pa.RecordBatch.from_arrays([numbers, *changed.columns[1:]], schema=made.changes.schema),
    )


def _between(numbers: pa.Array, place: int) -> pa.Array:
    low, high = pa.scalar(place * _FILE), pa.scalar((place + 1) * _FILE)
    return pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, high))
