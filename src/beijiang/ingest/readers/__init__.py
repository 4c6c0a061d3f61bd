"""Reading landed files: any supported format becomes batches of text rows, each with its place in the file.

Nothing here touches the metadata database, the lake or the network. Types are decided next door, in
``beijiang.ingest.typing``. Heavy libraries load when a file is opened, not when this module is imported.
"""

from __future__ import annotations

from pathlib import Path

from beijiang.ingest.readers.contract import (
    BadReason,
    BadRow,
    HeaderTemplate,
    Note,
    Preview,
    RawBatch,
    ReadLimits,
    ReadOptions,
    SourceTable,
)

__all__ = [
    "BadReason",
    "BadRow",
    "HeaderTemplate",
    "Note",
    "Preview",
    "RawBatch",
    "ReadLimits",
    "ReadOptions",
    "SourceTable",
    "open_tables",
]


def open_tables(path: Path, name: str, options: ReadOptions | None = None) -> list[SourceTable]:
    """Find every table inside the landed file ``path``, which the supplier called ``name``.

    One for a text file, one per sheet of a workbook, and those of each member of an archive. Looks only as far as
    needed to know encoding and header; rows are read by ``SourceTable.batches``.

    Raises ``Invalid`` (``empty_file``, ``binary_file``, ``unknown_format``, ``broken_file``, ``encrypted_file``, ...)
    and ``TooLarge`` (``too_many_columns``, ``archive_bomb``, ``record_too_long``, ...).
    """
    from beijiang.ingest.readers.formats import tables_of
    from beijiang.ingest.readers.source import Source

    return tables_of(Source.of_file(path, name), options or ReadOptions())
