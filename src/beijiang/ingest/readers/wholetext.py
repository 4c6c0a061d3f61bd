"""The whole text of a file that holds prose: in whatever encoding, or as a Word document."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Final

from beijiang.ingest.readers.contract import MIB, ReadLimits
from beijiang.ingest.readers.guard import broken, check_archive, open_zip
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, TooLarge

__all__ = ["whole_text", "word_text"]

_WORDS: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ROW: Final = f"{_WORDS}tr"
_BLANKS: Final = frozenset({f"{_WORDS}tab", f"{_WORDS}br"})
_MAIN: Final = "word/document.xml"
_LIMITS: Final = ReadLimits(max_expanded_bytes=200 * MIB)
PART_MOST: Final = 50 * MIB
"""Bytes of the main part of a Word document, unpacked: it is parsed in one piece."""


def whole_text(path: Path, name: str) -> str:
    """Return a text file as text; bytes that its encoding does not know become replacement marks.

    Raises:
        Invalid: it is empty, or no text (``empty_file``, ``binary_file``).

    """
    from beijiang.ingest.readers.encoding import detect

    found = detect(Source.of_file(path, name))
    return path.read_bytes()[found.bom :].decode(found.encoding, errors="replace")


def word_text(path: Path, name: str) -> str:
    """Return the paragraphs of a Word document (.docx), a line each; cells of a table are parted by tabs.

    Raises:
        Invalid: it is broken, locked, or declares entities (``broken_file``, ``encrypted_file``, ``unsafe_document``).
        TooLarge: it would unpack to too much (``archive_bomb``, ``too_many_members``).

    """
    with open_zip(path, name) as archive:
        members = {m.filename: m for m in check_archive(archive, path.stat().st_size, name, _LIMITS)}
        if _MAIN not in members:
            raise broken(name, "Word")
        if members[_MAIN].file_size > PART_MOST:
            raise TooLarge(
                f"文档“{name}”正文过大，上限 {PART_MOST // MIB} MiB。请拆分后提交。",
                f'The text of document "{name}" is too large; the limit is {PART_MOST // MIB} MiB. Split it.',
                code="document_too_large",
            )
        try:
            part = archive.read(_MAIN)
        except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
            raise broken(name, "Word") from error
    if b"<!DOCTYPE" in (plain := part.replace(b"\x00", b"")) or b"<!ENTITY" in plain:
        raise Invalid(
            f"文档“{name}”含有外部实体声明，存在安全风险，已拒绝。请用 Word 或 WPS 另存后提交。",
            f'Document "{name}" declares XML entities, which is unsafe. Save it anew with a word processor.',
            code="unsafe_document",
        )
    try:
        root = ET.fromstring(part)  # noqa: S314 - without a document type there is nothing to expand
    except ET.ParseError as error:
        raise broken(name, "Word") from error
    body = root.find(f"{_WORDS}body")
    return "" if body is None else _text(body)


def _text(body: ET.Element) -> str:
    """Return paragraphs and rows as lines, the cells of a row apart by tabs; a table inside a cell is words of that cell.

    Every element is met once, however deep tables stand in each other.
    """
    words: list[str] = []
    rows = 0
    waiting = [(body, False)]
    while waiting:
        node, left = waiting.pop()
        if not left:
            rows += node.tag == _ROW
            words.append((node.text or "") if node.tag == f"{_WORDS}t" else " " if node.tag in _BLANKS else "")
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(node))
        elif node.tag == f"{_WORDS}p":
            words.append(" " if rows else "\n")
        elif node.tag == f"{_WORDS}tc":
            words.append("\t" if rows == 1 else " ")
        elif node.tag == _ROW:
            rows -= 1
            words.append(" " if rows else "\n")
    return "\n".join(_line(one) for one in "".join(words).removesuffix("\n").split("\n"))


def _line(line: str) -> str:
    return "\t".join(cell.strip() for cell in line.removesuffix("\t").split("\t")) if "\t" in line else line
