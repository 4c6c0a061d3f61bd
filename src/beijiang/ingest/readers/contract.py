"""The words that every reader shares: options, limits, header templates, batches as read, and bad rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from beijiang.kit import Text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "BadReason",
    "BadRow",
    "FileLike",
    "HeaderTemplate",
    "Note",
    "Preview",
    "RawBatch",
    "ReadLimits",
    "ReadOptions",
    "SourceTable",
]

MIB = 1 << 20
GIB = 1 << 30
RAW_EXCERPT = 2_000
"""Characters of an over-long or unreadable record that are kept beside its reason."""


class BadReason(StrEnum):
    """Why a row is in quarantine; stable codes that go into the supplier's return file."""

    CHECK_FAILED = "check_failed"
    DIGITS_LOST = "digits_lost"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_KEY = "missing_key"
    NUL_BYTE = "nul_byte"
    NOT_AN_OBJECT = "not_an_object"
    TOO_LONG = "too_long"
    UNCLOSED_QUOTE = "unclosed_quote"
    UNDECODABLE = "undecodable"
    UNTYPABLE = "untypable"
    WRONG_WIDTH = "wrong_width"


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that was not taken: where it stands, what is wrong in words, and what was written there."""

    line: int
    """Physical line, sheet row or record number, from 1, where the record begins."""
    column: str | None
    reason: BadReason
    text: Text
    raw: tuple[str, ...] | str
    """The cells in file order where they could be told apart, otherwise the record's text (long ones are cut)."""

    def raw_text(self) -> str:
        """Return the raw record as one text: cells joined by a tab."""
        return self.raw if isinstance(self.raw, str) else "\t".join(self.raw)


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about how a file was understood (a renamed column, a skipped title line, a header without rows)."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class HeaderTemplate:
    """Where the header stands and what it says, so that next month's file of the same supplier is read alike.

    ``title_rows`` rows are skipped, then ``header_rows`` rows are the header (flattened as 上级_下级).
    ``header_rows == 0`` means that the data begin at once and ``columns`` names them.
    """

    title_rows: int = 0
    header_rows: int = 1
    columns: tuple[str, ...] = ()
    """The flattened names; empty in a template that only says where the header stands."""
    titles: tuple[str, ...] = ()
    """What the skipped rows above the header said."""

    def to_json(self) -> dict[str, object]:
        """Return a plain dictionary for storage."""
        return {
            "title_rows": self.title_rows,
            "header_rows": self.header_rows,
            "columns": list(self.columns),
            "titles": list(self.titles),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> HeaderTemplate:
        """Rebuild a stored template."""
        columns, titles = value.get("columns", []), value.get("titles", [])
        return cls(
            title_rows=int(str(value.get("title_rows", 0))),
            header_rows=int(str(value.get("header_rows", 1))),
            columns=tuple(str(c) for c in columns) if isinstance(columns, list) else (),
            titles=tuple(str(c) for c in titles) if isinstance(titles, list) else (),
        )


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds that keep one hostile or broken file from taking the platform down. Sizes in bytes unless named."""

    chunk_bytes: int = 4 * MIB
    """Bytes of a text file that are decoded and parsed at a time."""
    max_columns: int = 5_000
    max_cell_chars: int = 1_000_000
    max_record_bytes: int = 8 * MIB
    """One record, all its cells together; a longer one goes to quarantine as ``too_long``."""
    max_rows: int = 500_000_000
    max_expanded_bytes: int = 20 * GIB
    max_ratio: int = 100
    """Expanded to packed size, for archive members that expand beyond ``ratio_floor_bytes``."""
    ratio_floor_bytes: int = 50 * MIB
    max_members: int = 1_000
    max_nesting: int = 1
    """Archives inside an archive: 1 opens the outer one only."""
    max_sheet_bytes: int = GIB
    """Expanded XML of one workbook."""
    max_sheet_cells: int = 30_000_000
    """Cells of the sheets of one workbook: they are held in memory while they are read."""
    max_workbook_memory: int = 3 * GIB
    """Bytes of memory that the sheets of a workbook may take while they are parsed."""
    max_document_bytes: int = 512 * MIB
    """A JSON document (not NDJSON) is parsed in one piece."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the caller knows better than the file; everything may be left to be found."""

    encoding: str = "auto"
    sheet: str | None = None
    delimiter: str | None = None
    header: HeaderTemplate | None = None
    members: Callable[[str], bool] | None = None
    """Tells by its name whether a member of an archive is read; none: all are."""
    limits: ReadLimits = field(default_factory=ReadLimits)


@dataclass(slots=True)
class RawBatch:
    """Some consecutive records as text, and those of them that could not be read."""

    rows: pa.RecordBatch
    """All columns ``string``; an empty cell is null."""
    row_numbers: pa.Int64Array
    """For each row of ``rows``: the physical line, sheet row or record number, from 1, where it begins."""
    bad: list[BadRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """The head of a table as a person wants to see it before saying yes."""

    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    row_numbers: list[int]
    bad: list[BadRow]
    header: HeaderTemplate
    notes: tuple[Note, ...]


class FileLike(Protocol):
    """A readable stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...

    def close(self) -> None:
        """Release the stream."""
        ...


class SourceTable:
    """One rectangular table inside a landed file: what it looks like, and its rows as often as wanted.

    ``file_name`` is the supplier's name of the file, ``inner_name`` the sheet or archive member ("" when the file is
    the table). ``columns`` keep their Chinese names; blank and double names were made unique (see ``notes``).
    """

    file_name: str
    inner_name: str
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    columns: tuple[str, ...]
    header: HeaderTemplate
    notes: tuple[Note, ...] = ()
    geometry: frozenset[str] = frozenset()
    """Columns that hold GeoJSON geometry as text."""
    row_estimate: int | None = None
    """Rows, exactly where the format tells, otherwise None."""

    def batches(self) -> Iterator[RawBatch]:
        """Read the rows from the start, in constant memory, in file order."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """Name the table for a person: file, then sheet or member."""
        return f"{self.file_name} › {self.inner_name}" if self.inner_name else self.file_name

    def preview(self, n: int = 20) -> Preview:
        """Return the first ``n`` rows and the bad rows met on the way to them."""
        rows: list[tuple[str | None, ...]] = []
        numbers: list[int] = []
        bad: list[BadRow] = []
        batches = self.batches()
        try:
            for batch in batches:
                head = batch.rows.slice(0, n - len(rows))
                rows.extend(zip(*(column.to_pylist() for column in head.columns), strict=True))
                numbers.extend(batch.row_numbers.slice(0, head.num_rows).to_pylist())
                bad.extend(b for b in batch.bad if len(rows) < n or not numbers or b.line <= numbers[-1])
                if len(rows) >= n:
                    break
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
        return Preview(self.columns, rows, numbers, bad[:n], self.header, self.notes)
