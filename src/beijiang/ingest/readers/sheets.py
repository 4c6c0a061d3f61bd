"""How far the cells of a worksheet reach, and what is merged, read from its XML before a parser sees it.

A parser fills a dense grid from the first to the last cell, so that two far-apart cells would fill the memory. Every
byte is therefore looked at, by Arrow's RE2 (off the interpreter's lock) against bounds that move only where a cell
stands beyond them. The ``dimension`` element may lie and is not used.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Merge", "Reach", "SheetScan", "blocks_of", "measure", "ods_repeats"]

_BLOCK = 1 << 20
_LONGEST_RUN = 16 << 20
"""Bytes without a single tag, beyond which a part is not a worksheet."""
_TAIL_BLOCKS = 16
"""Blocks at the end in which merged ranges are looked for: room for more than are taken."""
_MAX_MERGES = 200_000
_ALPHABET = 26
_MANY_ROWS = 999_999
_FEW_ROWS = 999
_UNPLACED = r"<(?:\w+:)?(?:c|row)(?:[\s/]*>|\s+(?:[^r\s/>]|r[^=\s]))"
"""A cell or a row that does not begin with its place: it may have none, and then stands behind the one before it."""
_LONG_NUMBER = r"(?:^|<(?:\w+:)?v(?:\s[^>]*)?>)\s*\+?(?:[0-9]{16,}|[0-9]+\.[0-9]*[eE]\+?1[5-8])"
"""Also at the start of a block, which may have been cut behind the tag."""
_CELL = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]+)([0-9]+)[\"']")
_ATTRIBUTES = rb"((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)"
"""The rest of a tag. It takes whatever stands there and never gives back, so a part of unfinished tags is read once."""
_ROW = re.compile(rb"<(?:\w+:)?row(?=[\s/>])" + _ATTRIBUTES)
_TAG = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s/>])" + _ATTRIBUTES)
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)([0-9]+)[\"']")
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\s+ref\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})[\"']")
_REPEAT = re.compile(rb'number-(columns|rows)-repeated="([0-9]{4,})"')
_REPEATED = r'number-(?:columns|rows)-repeated="[0-9]{4,}"'
_ANY_TAG = re.compile(rb"<" + _ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range, from 0, inclusive."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class SheetScan:
    """Bounds of a worksheet's cells, never less than the truth, and its merged ranges."""

    rows: int
    columns: int
    merges: tuple[Merge, ...]
    placed: bool = True
    """Every cell states its place, so that rows may be read apart from those before them."""
    long_numbers: bool = True
    """There may be number cells of 16 digits and more; identifiers that are texts stand elsewhere in a workbook."""


class Reach:
    """Bounds that grow with what the blocks of a worksheet hold: rows to one leading digit, columns exactly."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        self.beyond = _beyond(rows, columns)

    def feed(self, block: bytes) -> None:
        """Look at one block; its cells are listed only if one of them stands beyond the bounds."""
        if _contains(block, self.beyond):
            rows, columns = _furthest(block)
            self.rows = max(self.rows, _rounded(rows))
            self.columns = max(self.columns, columns)
            self.beyond = _beyond(self.rows, self.columns)


def blocks_of(part: IO[bytes]) -> Iterator[bytes]:
    """Yield a part in blocks that end behind a tag, so that no reference is ever cut in two.

    Raises ``ValueError`` for a part that is not XML in UTF-8.
    """
    rest = b""
    while block := part.read(_BLOCK):
        if b"\x00" in block:
            raise ValueError("a part in another encoding than UTF-8")
        cut = block.rfind(b">") + 1
        if cut:
            yield b"".join((rest, memoryview(block)[:cut]))
            rest = block[cut:]
        elif len(rest) > _LONGEST_RUN:
            raise ValueError("a part without tags")
        else:
            rest += block
    if rest:
        yield rest


def measure(first: Iterable[bytes], again: Callable[[], Iterable[bytes]], limit: int) -> SheetScan:
    """Bound the cells of a worksheet; ``first`` are its blocks, ``again`` gives them anew where one pass cannot tell.

    One fast pass is enough for a sheet that ends by column Z and states the place of every cell. For another, rows
    are bounded more closely, and only a sheet that may hold more than ``limit`` cells is counted cell by cell.
    """
    reach = Reach(_MANY_ROWS, _ALPHABET)
    tail: deque[bytes] = deque(maxlen=_TAIL_BLOCKS)
    unplaced = long = False
    for block in first:
        tail.append(block)
        reach.feed(block)
        unplaced = unplaced or _contains(block, _UNPLACED)
        long = long or _contains(block, _LONG_NUMBER)
    merges = _merges(b"".join(tail))
    if unplaced:
        return SheetScan(*_walked(again()), merges, placed=False, long_numbers=long)
    if reach.rows * reach.columns > limit:
        reach = Reach(_FEW_ROWS, reach.columns if reach.columns > _ALPHABET else 1)
        for block in again():
            reach.feed(block)
    if reach.rows * reach.columns > limit:
        furthest = [_furthest(block) for block in again()]
        return SheetScan(max(r for r, _ in furthest), max(c for _, c in furthest), merges, long_numbers=long)
    return SheetScan(reach.rows, reach.columns, merges, long_numbers=long)


def _beyond(rows: int, columns: int) -> str:
    """Write the pattern of a cell or row that stands beyond ``rows`` (all nines behind a digit) or ``columns``."""
    digits = str(rows)
    more = [rf"[0-9]{{{len(digits) + 1}}}"]
    if digits[0] < "9":
        more.append(rf"[{int(digits[0]) + 1}-9][0-9]{{{len(digits) - 1}}}")
    name = column_name(columns - 1)
    wider = [rf"[A-Za-z]{{{len(name) + 1},}}"]
    for at, letter in enumerate(name):
        if letter < "Z":
            after = chr(ord(letter) + 1)
            head = "".join(f"[{c}{c.lower()}]" for c in name[:at])
            wider.append(rf"{head}[{after}-Z{after.lower()}-z][A-Za-z]{{{len(name) - at - 1}}}")
    return rf"r\s*=\s*[\"'](?:[A-Za-z]*(?:{'|'.join(more)})|(?:{'|'.join(wider)})[0-9])"


def _rounded(rows: int) -> int:
    """Round up to a digit and nines behind it."""
    digits = str(rows)
    return int(digits[0] + "9" * (len(digits) - 1))


def _furthest(block: bytes) -> tuple[int, int]:
    """Return the last row and the last column, from 1, that cells and rows of a block name."""
    cells = _CELL.findall(block)
    columns = max((column_index(name) + 1 for name in {c[0] for c in cells}), default=0)
    rows = max(map(int, {c[1] for c in cells}), default=0)
    places = (_PLACE.search(attributes) for attributes in _ROW.findall(block))
    return max(rows, max((int(place[2]) for place in places if place), default=0)), columns


def _walked(blocks: Iterable[bytes]) -> tuple[int, int]:
    """Count cell by cell, as a parser does: what states no place stands behind the one before it."""
    rows = columns = row = column = 0
    for block in blocks:
        for tag, attributes in _TAG.findall(block):
            place = _PLACE.search(attributes)
            if tag == b"row":
                row, column = (int(place[2]) if place else row + 1), 0
            elif place and place[1]:
                row, column = int(place[2]), column_index(place[1]) + 1
            else:
                column += 1
            rows, columns = max(rows, row), max(columns, column)
    return rows, columns


def _merges(tail: bytes) -> tuple[Merge, ...]:
    """Find the merged ranges, which stand behind the cells."""
    found: dict[Merge, None] = {}
    for match in _MERGE.finditer(tail, max(0, tail.rfind(b"sheetData"))):
        left, top, right, bottom = match.groups()
        found[Merge(int(top) - 1, column_index(left), int(bottom) - 1, column_index(right))] = None
        if len(found) >= _MAX_MERGES:
            break
    return tuple(found)


def column_index(name: bytes) -> int:
    """Turn a column's letters into its number, from 0."""
    value = 0
    for letter in name.upper():
        value = value * _ALPHABET + letter - 64
    return value - 1


def column_name(index: int) -> str:
    """Turn a column's number, from 0, into its letters."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, _ALPHABET)
        name = chr(65 + letter) + name
    return name


def _contains(block: bytes, pattern: str) -> bool:
    """Search by Arrow's RE2, several times faster than ``re``."""
    offsets = pa.py_buffer(struct.pack("<qq", 0, len(block)))
    text = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(block)])
    return bool(pc.match_substring_regex(text, pattern)[0].as_py())


def ods_repeats(part: IO[bytes]) -> int:
    """Return the largest product of repeats of a filled cell in an ods sheet; blank fillers do not count."""
    largest = 1
    rows = 1
    for block in blocks_of(part):
        if not _contains(block, _REPEATED):
            continue
        for tag in _ANY_TAG.findall(block):
            repeat = _REPEAT.search(tag)
            if repeat is None:
                continue
            if repeat[1] == b"rows":
                rows = int(repeat[2])
            elif b"office:value" in tag:
                largest = max(largest, int(repeat[2]) * rows)
    return largest
