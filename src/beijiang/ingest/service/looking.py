"""What people look at before and after a run: previews, quarantine pages, raw cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import (
    FilePreview,
    LandedFile,
    QuarantinedRow,
    QuarantinePage,
    RawCell,
    Run,
    TablePreview,
    file_tag,
)
from beijiang.ingest.readers import BadRow, ReadOptions, SourceTable, open_tables
from beijiang.ingest.service.reading import read_options
from beijiang.ingest.store import IngestStore, Landing
from beijiang.ingest.store.quarantine import Quarantine, read_change
from beijiang.kit import NotFound

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.ingest.service.work import Shop

__all__ = ["preview_file", "quarantine_page", "raw_cell"]

_ROWS: Final = 20
_TYPED_ROWS: Final = 20_000
"""Rows from which a preview guesses types; the run itself looks at all of them."""


def preview_file(landing: Landing, file: LandedFile, options: ReadOptions) -> FilePreview:
    """Return the head of every table inside a landed file, as raw text, with the types that its first rows suggest."""
    tables = open_tables(landing.path(file.sha256), file.name, options)
    return FilePreview(file, tuple(_preview(table) for table in tables))


def _preview(table: SourceTable) -> TablePreview:
    head = table.preview(_ROWS)
    return TablePreview(
        inner=table.inner_name,
        format=table.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=table.columns,
        types=_types(table),
        rows=tuple(head.rows),
        row_numbers=tuple(head.row_numbers),
        bad=tuple(_bad(b) for b in head.bad),
        header=dict(table.header.to_json()),  # type: ignore[arg-type]  # plain JSON values by construction
        notes=tuple(n.text for n in table.notes),
        row_estimate=table.row_estimate,
    )


def _types(table: SourceTable) -> tuple[str, ...]:
    from beijiang.ingest.typing import TypeInference

    inference = TypeInference(table.columns, geometry=getattr(table, "geometry", frozenset()))
    batches = table.batches()
    try:
        for batch in batches:
            inference.observe(batch)
            if inference.rows >= _TYPED_ROWS:
                break
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    return tuple(c.type.value for c in inference.decide().columns)


def _bad(bad: BadRow) -> dict[str, Any]:
    raw = bad.raw_text()
    return {"line": bad.line, "reason": bad.reason.value, "zh": bad.text.zh, "en": bad.text.en, "raw": raw[:500]}


def quarantine_page(
    db: Database, shop: Shop, runs: Sequence[Run], *, offset: int, limit: int, reason: str | None
) -> QuarantinePage:
    """Return one page of the rows that ``runs`` set aside, newest run first."""
    by_reason = Counter[str]()
    rows: list[QuarantinedRow] = []
    total, skip = 0, offset
    for run in runs:
        quarantine = shop.quarantine(run.id)
        if not quarantine.exists:
            continue
        counts = quarantine.counts()
        by_reason.update(counts)
        here = counts.get(reason, 0) if reason else sum(counts.values())
        total += here
        if skip < here and len(rows) < limit:
            rows += _rows(db, quarantine, run, skip, limit - len(rows), reason)
        skip = max(0, skip - here)
    return QuarantinePage(total, tuple(rows), dict(sorted(by_reason.items())))


def _rows(
    db: Database, quarantine: Quarantine, run: Run, offset: int, limit: int, reason: str | None
) -> list[QuarantinedRow]:
    with db.read() as connection:
        resolved = IngestStore(connection).resolved(run.id)
    files: Any = run.report["files"]
    return [
        QuarantinedRow.stored(run.id, row, files[row["source"]]["columns"], resolved.get(row["seq"]))
        for row in quarantine.page(offset, limit, reason=reason)
    ]


def raw_cell(shop: Shop, run: Run, file: tuple[str, str], row: int, column: str) -> RawCell:
    """Return what stands in the landed file at ``row`` (1-based line or sheet row) in ``column``.

    A cell that typing rewrote was kept aside; any other is read from the landed bytes.

    Raises:
        NotFound: there is no such row or column in that file.

    """
    sha256, inner = file
    changed = read_change(shop.changes(run.id), file_tag(sha256, inner), row, column)
    if changed is not None:
        return RawCell(column, changed, changed=True)
    with shop.db.read() as connection:
        request = IngestStore(connection).request(run.id)
    name = next((n for s, n in run.files if s == sha256), "")
    options = replace(read_options(request, None), header=None)
    for table in open_tables(shop.landing.path(sha256), name, options):
        if table.inner_name == inner and column in table.columns:
            found = _cell(table, row, column)
            if found is not None:
                return RawCell(column, found[0], changed=False)
    raise NotFound(
        f"文件第 {row} 行没有列“{column}”的单元格。",
        f'There is no cell of "{column}" in line {row} of the file.',
        code="cell_not_found",
    )


def _cell(table: SourceTable, row: int, column: str) -> tuple[str | None] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    batches = table.batches()
    try:
        for batch in batches:
            at = pc.index(batch.row_numbers, pa.scalar(row, pa.int64())).as_py()
            if at >= 0:
                return (batch.rows.column(column)[at].as_py(),)
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    return None
