"""A contract's file as a tree in which every value knows where it stands; nothing unsafe is read.

The tree is for looking and for finding places. Files are changed by cutting into their text (``editing``), never by
writing the tree out again, so what is not touched stays byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from beijiang.kit import Invalid, Text, TooLarge

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["LONGEST", "Document", "Entry", "Leaf", "Many", "Map", "Node", "Plain", "parse", "plain"]

LONGEST: Final = 512 * 1024
"""Bytes of a file; the reader takes some seconds for as many."""
NODES_MOST: Final = 50_000
DEEPEST: Final = 60
_CORE: Final = "tag:yaml.org,2002:"
_KNOWN: Final = frozenset(
    f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
)
_MERGE: Final = f"{_CORE}merge"

Plain: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value; ``start`` and ``end`` are places in the text."""

    value: Plain
    start: int
    end: int
    line: int
    column: int
    style: str = ""
    """How it is written: nothing, a quote, or the mark of a block."""
    shared: bool = False
    """Whether it stands elsewhere, under an anchor; then it is not changed here."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    items: tuple[Node, ...]
    start: int
    end: int
    line: int
    column: int
    flow: bool
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: str
    start: int
    line: int
    column: int
    node: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping; its entries in their order."""

    entries: tuple[Entry, ...]
    start: int
    end: int
    line: int
    column: int
    flow: bool
    shared: bool = False

    def get(self, key: str) -> Node | None:
        """Return the value of a key."""
        return next((entry.node for entry in self.entries if entry.key == key), None)

    def entry(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.key == key), None)


Node: TypeAlias = "Leaf | Many | Map"


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file and its tree."""

    text: str
    root: Map

    @property
    def newline(self) -> str:
        """Return how its lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def at(self, *path: str | int) -> Node | None:
        """Return what stands at a path of keys and places, None where nothing does."""
        node: Node | None = self.root
        for step in path:
            if isinstance(step, str):
                node = node.get(step) if isinstance(node, Map) else None
            else:
                node = node.items[step] if isinstance(node, Many) and 0 <= step < len(node.items) else None
        return node


def parse(content: bytes) -> Document:
    """Read a file of YAML 1.2 or JSON.

    Raises:
        TooLarge: more than ``LONGEST`` bytes.
        Invalid: no UTF-8, no YAML (with line and column), tags, or more than anybody writes by hand.

    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(content) > LONGEST:
        raise TooLarge(
            f"契约文件超过 {LONGEST // 1024} KiB。请只写约定，不要附带数据。",
            f"A contract has {LONGEST // 1024} KiB at most. Write what is agreed, not the data.",
            code="contract_too_large",
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _unreadable(line, 1, Text("不是 UTF-8 编码", "it is not UTF-8")) from None
    head = "\ufeff" if text.startswith("\ufeff") else ""
    try:
        found = YAML(typ="safe", pure=True).compose(text.removeprefix(head))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem or error.context or "")
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _unreadable(line, column, Text(f"YAML 语法错误（{said}）", f"it is no YAML ({said})")) from None
    except RecursionError:
        raise _unreadable(1, 1, Text("嵌套过深", "it is nested too deeply")) from None
    except (YAMLError, ValueError) as error:
        raise _unreadable(1, 1, Text(f"YAML 语法错误（{error}）", f"it is no YAML ({error})")) from None
    root = _Builder(len(head)).node(found, 0, shared=False) if found is not None else None
    if not isinstance(root, Map):
        raise _unreadable(1, 1, Text("最外层应为键值对", "its outermost level is a mapping"))
    return Document(text, root)


def plain(node: Node | None) -> JsonValue:
    """Return a node as plain data; equal files have equal data, however they are written."""
    if node is None or isinstance(node, Leaf):
        return None if node is None else node.value
    if isinstance(node, Many):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.node) for entry in node.entries}


class _Builder:
    """Turns what the reader composed into our tree, and counts."""

    def __init__(self, shift: int) -> None:
        self._shift = shift
        self._count = 0
        self._seen: set[int] = set()

    def node(self, found: Any, depth: int, *, shared: bool) -> Node:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        start, end = found.start_mark, found.end_mark
        line, column = start.line + 1, start.column + 1
        self._count += 1
        if self._count > NODES_MOST or depth > DEEPEST:
            raise _unreadable(
                line, column, Text("内容过多或嵌套过深", "there is too much of it, or it is nested too deeply")
            )
        if str(found.tag) not in _KNOWN:
            why = Text(f"不接受标签 {found.tag}，请删除", f"the tag {found.tag} is not taken; remove it")
            raise _unreadable(line, column, why)
        shared = shared or (found.anchor is not None and id(found) in self._seen)
        self._seen.add(id(found))
        at = (start.index + self._shift, end.index + self._shift, line, column)
        if isinstance(found, MappingNode):
            return Map(tuple(self._entries(found, depth, shared=shared)), *at, bool(found.flow_style), shared)
        if isinstance(found, SequenceNode):
            items = tuple(self.node(item, depth + 1, shared=shared) for item in found.value)
            return Many(items, *at, bool(found.flow_style), shared)
        style = found.style if isinstance(found.style, str) else ""
        return Leaf(_value(str(found.tag), str(found.value), line, column), *at, style, shared)

    def _entries(self, found: Any, depth: int, *, shared: bool) -> Iterator[Entry]:
        names: set[str] = set()
        merged: list[Entry] = []
        for key, value in found.value:
            mark = key.start_mark
            line, column = mark.line + 1, mark.column + 1
            if str(key.tag) == _MERGE:
                merged += self._merged(value, depth, line, column)
                continue
            name = str(getattr(key, "value", ""))
            if not isinstance(key.value, str):
                raise _unreadable(line, column, Text("键应为文字", "a key is a word"))
            if name in names:
                raise _unreadable(line, column, Text(f"键“{name[:60]}”重复", f'the key "{name[:60]}" is there twice'))
            names.add(name)
            yield Entry(name, mark.index + self._shift, line, column, self.node(value, depth + 1, shared=shared))
        yield from (entry for entry in merged if entry.key not in names)

    def _merged(self, value: Any, depth: int, line: int, column: int) -> tuple[Entry, ...]:
        found = self.node(value, depth + 1, shared=True)
        if not isinstance(found, Map):
            raise _unreadable(line, column, Text("“<<”后应为一个锚点的引用", '"<<" is followed by one alias'))
        return found.entries


def _value(tag: str, words: str, line: int, column: int) -> Plain:
    kind = tag.removeprefix(_CORE)
    if kind == "null":
        return None
    if kind == "bool":
        return words.lower() in {"true", "yes", "on"}
    try:
        if kind == "int":
            digits = words.replace("_", "")
            return int(digits, 0) if digits.lstrip("+-")[:2].lower() in {"0x", "0o", "0b"} else int(digits)
        if kind == "float":
            number = float(words.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
            if math.isfinite(number):
                return number
    except ValueError:
        raise _unreadable(
            line, column, Text(f"“{words[:40]}”不是可用的数", f'"{words[:40]}" is no usable number')
        ) from None
    return words


def _unreadable(line: int, column: int, why: Text) -> Invalid:
    return Invalid(
        f"契约文件不可读：第 {line} 行第 {column} 列，{why.zh}。",
        f"The contract cannot be read: line {line}, column {column}: {why.en}.",
        code="contract_unreadable",
        detail={"line": line, "column": column},
    )
