"""ZIP archives of the other formats: Chinese member names put right, bombs refused, one table per member and sheet."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from beijiang.ingest.readers.contract import ReadOptions, SourceTable
from beijiang.ingest.readers.guard import broken, check_archive, open_zip
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, TooLarge

__all__ = ["member_tables"]

_UTF8_NAME = 0x800
_CODE_PAGES = {
    "utf-8": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "936": "gb18030",
    "cp936": "gb18030",
    "950": "big5",
    "big5": "big5",
}
_BESIDES = {
    ".cpg",
    ".prj",
    ".shp",
    ".shx",
    ".sbn",
    ".sbx",
    ".qix",
    ".qpj",
    ".xml",
    ".md",
    ".pdf",
    ".doc",
    ".docx",
    ".png",
    ".jpg",
    ".jpeg",
    ".wps",
}
"""Companions that carry no table: they do not make an archive unreadable."""
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
"""What a system leaves in folders by itself."""


def member_tables(
    source: Source, options: ReadOptions, tables_of: Callable[[Source, ReadOptions], list[SourceTable]]
) -> list[SourceTable]:
    """Return the tables of every member; raises what a member's reader raises, with the member's name.

    Raises ``TooLarge`` (``archive_bomb``, ``too_many_members``, ``nested_too_deep``) and ``Invalid`` (``no_table``,
    ``encrypted_file``, ``broken_file``).
    """
    _refuse_nesting(source, options)
    path = source.path()
    with open_zip(path, source.leaf) as archive:
        members = check_archive(archive, source.size, source.leaf, options.limits)
    names = {m.filename: member_name(m) for m in members}
    _refuse_doubles(source, [names[m.filename] for m in members])
    pages = _code_pages(source, members, names)
    tables: list[SourceTable] = []
    for member in sorted(members, key=lambda m: names[m.filename]):
        name = PurePosixPath(names[member.filename])
        hidden = name.name.startswith((".", "~$", "._")) or "__MACOSX" in name.parts or name.name.lower() in _LITTER
        if hidden or name.suffix.lower() in _BESIDES or not (options.members is None or options.members(str(name))):
            continue
        inner = Source(source.name, member.file_size, _opener(source, member), str(name), source.depth + 1)
        if name.suffix.lower() == ".dbf":
            from beijiang.ingest.readers.dbf import DbfTable

            tables.append(DbfTable(inner, options, code_page=pages.get(str(name.with_suffix("")).lower())))
        else:
            tables.extend(tables_of(inner, options))
    if not tables:
        raise Invalid(
            f"压缩包“{source.leaf}”里没有可读取的表格文件。",
            f'Archive "{source.leaf}" holds no file that can be read as a table.',
            code="no_table",
            detail={"file": source.leaf},
        )
    return tables


def _refuse_nesting(source: Source, options: ReadOptions) -> None:
    if source.depth >= options.limits.max_nesting:
        raise TooLarge(
            f"压缩包“{source.leaf}”里还有压缩包，层数超过上限 {options.limits.max_nesting}。请解开一层后提交。",
            f'Archive "{source.leaf}" is nested deeper than {options.limits.max_nesting}. Unpack one level first.',
            code="nested_too_deep",
            detail={"limit": options.limits.max_nesting},
        )


def _refuse_doubles(source: Source, names: list[str]) -> None:
    """Refuse two members of one name: a row could not be told from the row of that number in the other."""
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise Invalid(
            f"压缩包“{source.leaf}”里有同名的文件：{'、'.join(double[:5])}。请改名后重新打包。",
            f'Archive "{source.leaf}" holds several files of one name: {", ".join(double[:5])}. Rename them and pack again.',
            code="double_member",
            detail={"file": source.leaf, "members": list(double[:5])},
        )


def member_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name: without the UTF-8 flag the bytes were read as cp437, though Windows wrote GBK."""
    name = member.filename
    if member.flag_bits & _UTF8_NAME:
        return name
    raw = name.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def _opener(source: Source, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def open_member() -> BinaryIO:
        archive = zipfile.ZipFile(source.path())
        try:
            stream = archive.open(member)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            archive.close()
            raise broken(member_name(member), "ZIP") from error
        return cast("BinaryIO", _Member(archive, stream, member))

    return open_member


class _Member(BufferedIOBase):
    """A member's stream that closes its archive, and turns damage met on the way into our own error."""

    def __init__(self, archive: zipfile.ZipFile, stream: IO[bytes], member: zipfile.ZipInfo) -> None:
        self.archive = archive
        self.stream = stream
        self.member = member

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            # A block may come short at the end of a compressed stretch; readers take that for the end of the file.
            parts = [self.stream.read(-1 if size is None else size)]
            while size is not None and len(parts[0]) > 0 and sum(map(len, parts)) < size:
                more = self.stream.read(size - sum(map(len, parts)))
                if not more:
                    break
                parts.append(more)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise broken(member_name(self.member), "ZIP") from error
        return b"".join(parts)

    def close(self) -> None:
        self.stream.close()
        self.archive.close()
        super().close()


def _code_pages(source: Source, members: list[zipfile.ZipInfo], names: dict[str, str]) -> dict[str, str]:
    """Read the .cpg companions: stem of the shapefile -> encoding."""
    pages: dict[str, str] = {}
    for member in members:
        name = PurePosixPath(names[member.filename])
        if name.suffix.lower() == ".cpg" and member.file_size < 100:  # noqa: PLR2004  # one word
            with _opener(source, member)() as stream:
                said = stream.read(100).decode("ascii", errors="ignore").strip().lower()
            if said in _CODE_PAGES:
                pages[str(name.with_suffix("")).lower()] = _CODE_PAGES[said]
    return pages
