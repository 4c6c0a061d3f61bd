"""A workbook (xlsx) unpacked once: what has been looked at is what its parser gets, and nothing else.

The parts that hold XML are copied, uncompressed, into a package of our own, and the sheets are measured on the way.
The parser then need not inflate again, and cannot find a part that was not measured. The lower half of a large sheet
goes into a second package, so that two parsers can read it at once.
"""

from __future__ import annotations

import re
import tempfile
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from beijiang.ingest.readers.contract import ReadLimits
from beijiang.ingest.readers.guard import broken
from beijiang.ingest.readers.headers import check_width
from beijiang.ingest.readers.sheets import SheetScan, blocks_of, measure
from beijiang.kit import TooLarge, ahead

__all__ = ["Package", "too_many_cells", "too_much_memory", "unpacked"]

_BOOK = "xl/workbook.xml"
_LINKS = "xl/_rels/workbook.xml.rels"
_SHARED = "xl/sharedstrings.xml"
_BESIDES = frozenset({"[content_types].xml", "_rels/.rels", _BOOK, _LINKS, _SHARED, "xl/styles.xml"})
"""All that the parser asks for beside the sheets."""
_LARGE = 8 << 20
"""Bytes of a sheet from which on two parsers are faster than one."""
_SMALLEST_CELL = len(b'<c t="s"><v>0</v></c>')
_DATA = re.compile(rb"<sheetData\s*>")
_ENDS = b"</sheetData></worksheet>"


@dataclass(frozen=True, slots=True)
class Package:
    """The unpacked copy, and for each sheet by name what was measured of it."""

    path: Path
    lower: Path
    """Where the lower rows of the sheets in ``split`` stand."""
    scans: dict[str, SheetScan]
    split: frozenset[str]
    doubtful: bool = False
    """What was measured does not bound the memory that the sheets take: try them in a child process first."""


@contextmanager
def unpacked(path: Path, name: str, limits: ReadLimits, sheet: str | None = None) -> Iterator[Package]:
    """Copy a workbook, measuring its sheets (or only ``sheet``, the others are then left out), until the block ends.

    Raises ``Invalid`` (``broken_file``) and ``TooLarge`` (``too_many_columns``, ``sheet_too_large``).
    """
    sizes = _Sizes(name, limits)
    with _temporary() as upper, _temporary() as lower:
        try:
            with zipfile.ZipFile(path) as source:
                with closing(_Copy(upper, lower)) as copy:
                    found = _copy(source, copy, sizes, sheet)
                if any(not found.scans[name].placed for name in found.split):
                    with closing(_Copy(upper, None)) as copy:
                        found = _copy(source, copy, sizes, sheet)
        except (zipfile.BadZipFile, ET.ParseError, OSError, EOFError, ValueError, KeyError, zlib.error) as error:
            raise broken(name, "Excel") from error
        yield Package(Path(upper.name), Path(lower.name), found.scans, found.split, found.doubtful)


def _temporary() -> IO[bytes]:
    return tempfile.NamedTemporaryFile(prefix="beijiang-workbook-", suffix=".xlsx")


class _Copy:
    """One or two packages that are being written."""

    def __init__(self, upper: IO[bytes], lower: IO[bytes] | None) -> None:
        upper.seek(0)
        upper.truncate()
        self.files = [file for file in (upper, lower) if file is not None]
        self.packages = [zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) for file in self.files]
        self.split: set[str] = set()
        self.longest_text = 0

    def close(self) -> None:
        for package, file in zip(self.packages, self.files, strict=True):
            package.close()
            file.flush()

    def beside(self, blocks: Iterator[bytes], member: zipfile.ZipInfo) -> None:
        """Write a part into each package; raises ``BadZipFile`` if it holds cells, as it is no sheet."""
        content = b"".join(blocks)
        if b"sheetData" in content:
            raise zipfile.BadZipFile("cells outside of the sheets")
        if member.filename.replace("\\", "/").lower() == _SHARED:
            self.longest_text = _longest_text(content)
        for package in self.packages:
            package.writestr(zipfile.ZipInfo(member.filename), content)

    def sheet(self, blocks: Iterator[bytes], member: zipfile.ZipInfo, *, divide: bool) -> Generator[bytes, None, None]:
        """Pass the blocks of a sheet on, each written; its lower half, from a row on, into the second package."""
        head, written = b"", 0
        copy = self.packages[0].open(_entry(member), "w")
        try:
            for block in blocks:
                begin = _DATA.search(block, max(0, block.find(b"<worksheet"))) if divide and not written else None
                head = block[: begin.end()] if begin else head
                cut = _row_in(block) if head and written + len(block) > member.file_size // 2 else 0
                if cut:
                    copy.write(block[:cut] + _ENDS)
                    copy.close()
                    copy = self.packages[1].open(_entry(member), "w")
                    copy.write(head)
                    self.split.add(member.filename)
                    head = b""
                copy.write(memoryview(block)[cut:])
                written += len(block)
                yield block
        finally:
            copy.close()


def _longest_text(shared: bytes) -> int:
    """Bound the bytes of the longest shared text; a comment may hide where one ends."""
    return len(shared) if b"<!" in shared else max(map(len, shared.split(b"</si>")))


def _entry(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(member.filename)
    entry.file_size = member.file_size
    return entry


def _row_in(block: bytes) -> int:
    """Return where the last row of a block begins, or 0 where what looks like a row may be none."""
    return 0 if b"<!" in block else max(0, block.rfind(b"<row "))


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Refuses what would not fit in memory once it is unrolled."""

    name: str
    limits: ReadLimits

    def check(self, scan: SheetScan) -> SheetScan:
        if scan.columns > self.limits.max_columns:
            check_width(scan.columns, self.limits, self.name)
        if scan.rows * scan.columns > self.limits.max_sheet_cells:
            raise too_many_cells(self.name, scan.rows * scan.columns, self.limits)
        return scan

    def check_together(self, scans: list[SheetScan]) -> None:
        """All sheets are in memory at once: together they may span no more than one."""
        cells = sum(scan.rows * scan.columns for scan in scans)
        if cells > self.limits.max_sheet_cells:
            raise too_many_cells(self.name, cells, self.limits)

    def doubtful(self, size: int, longest: int) -> bool:
        """Tell whether sheets of ``size`` bytes could name the longest text more often than memory allows."""
        return size // _SMALLEST_CELL * longest > self.limits.max_sheet_bytes


def too_much_memory(name: str) -> TooLarge:
    """Say that a workbook takes more memory than one may."""
    return TooLarge(
        f"工作簿“{name}”展开后占用的内存超过上限（同一长文本被大量单元格引用，或表格过大），已拒绝读取。请拆分，或改交 CSV。",
        f'Workbook "{name}" takes more memory than allowed once unrolled (a long text in very many cells, or very large '
        "sheets); it was not read. Split it, or use CSV.",
        code="workbook_too_large",
    )


def too_many_cells(name: str, cells: int, limits: ReadLimits) -> TooLarge:
    """Say that sheets span more cells than are held in memory."""
    return TooLarge(
        f"工作簿“{name}”的工作表跨越 {cells:,} 个单元格，超过上限 {limits.max_sheet_cells:,}。请删去远处的零散单元格，或改交 CSV。",
        f'The sheets of workbook "{name}" span {cells:,} cells; the limit is {limits.max_sheet_cells:,}. '
        "Delete stray far-away cells, or use CSV.",
        code="sheet_too_large",
        detail={"cells": cells, "limit": limits.max_sheet_cells},
    )


@dataclass(frozen=True, slots=True)
class _Copied:
    """The sheets by name, the names of those that were divided, and whether their memory is not bounded by it."""

    scans: dict[str, SheetScan]
    split: frozenset[str]
    doubtful: bool


def _copy(source: zipfile.ZipFile, copy: _Copy, sizes: _Sizes, only: str | None) -> _Copied:
    """Copy what the parser will ask for, and measure it."""
    files = [m for m in source.infolist() if not m.is_dir()]
    members = {m.filename.replace("\\", "/").lower(): m for m in files}
    if len(members) != len(files):
        raise zipfile.BadZipFile("two parts of one name")
    sheets = _sheet_parts(source.read(members[_BOOK]), source.read(members[_LINKS]))
    wanted = {part for name, part in sheets.items() if only in {None, name}}
    if not wanted <= set(members):
        raise zipfile.BadZipFile("a sheet without its part")
    shared = members[_SHARED].file_size if _SHARED in members else 0
    scans: dict[str, SheetScan] = {}
    for part in _BESIDES & set(members) - wanted:
        copy.beside(_again(source, members[part]), members[part])
    for part in sorted(wanted):
        size = members[part].file_size
        divide = len(copy.packages) > 1 and size >= _LARGE and shared * 4 <= size
        with closing(copy.sheet(_again(source, members[part]), members[part], divide=divide)) as blocks:
            again = partial(_again, source, members[part])
            scans[part] = sizes.check(measure(blocks, again, sizes.limits.max_sheet_cells // len(wanted)))
    found = {name: scans[part] for name, part in sheets.items() if part in wanted}
    split = frozenset(name for name in found if members[sheets[name]].filename in copy.split)
    bytes_of_sheets = sum(members[sheets[name]].file_size for name in found)
    sizes.check_together(list(scans.values()))
    return _Copied(found, split, sizes.doubtful(bytes_of_sheets, copy.longest_text))


def _again(source: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Inflate in a thread, while the blocks before are looked at."""
    with source.open(member) as stream:
        yield from ahead(lambda: blocks_of(stream), depth=4)


def _sheet_parts(book: bytes, links: bytes) -> dict[str, str]:
    """Return sheet name -> its member of the package in lower case, found the way that the parser finds it."""
    targets = {
        link.get("Id"): link.get("Target", "")
        for link in ET.fromstring(links)  # noqa: S314  # checked: no DOCTYPE, no entities
    }
    parts = {}
    for sheet in ET.fromstring(book).iter():  # noqa: S314  # the same
        if sheet.tag.endswith("}sheet"):
            link = next((value for key, value in sheet.items() if key.endswith("}id")), "")
            target = targets.get(link, "").replace("\\", "/").lower()
            inside = target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
            parts[sheet.get("name", "")] = inside
    return parts
