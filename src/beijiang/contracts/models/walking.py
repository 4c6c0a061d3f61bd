"""Walking the tree of a file: values of the kind that is asked for, and a finding with its place for each that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from beijiang.contracts.models.tree import Leaf, Many, Map
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.contracts.models.tree import Node, Plain

__all__ = ["Finding", "Path", "Walker"]

T = TypeVar("T")
Path: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file: a fault that keeps it out (``grave``), or what is kept and not used."""

    line: int
    column: int
    path: str
    """A JSON pointer."""
    text: Text
    grave: bool


class Walker:
    """Reads values and gathers findings."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def say(self, node: Node, path: Path, zh: str, en: str, *, grave: bool = True) -> None:
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
        self.findings.append(Finding(node.line, node.column, pointer, Text(zh, en), grave))

    def single(self, node: Node, path: Path) -> Plain:
        if isinstance(node, Leaf):
            return node.value
        self.say(node, path, "应为单个值。", "It is a single value.")
        return None

    def words(self, at: Map, path: Path, key: str, *, needed: bool = False) -> str:
        node = at.get(key)
        if node is None or (isinstance(node, Leaf) and node.value is None and not needed):
            if node is None and needed:
                self.say(at, path, f"缺少 {key}。请补上。", f"{key} is missing. Add it.")
            return ""
        value = self.single(node, (*path, key))
        if isinstance(value, str):
            if needed and not value.strip():
                self.say(node, (*path, key), f"{key} 不能为空。", f"{key} is empty.")
            return value
        if isinstance(node, Leaf):
            shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            self.say(
                node,
                (*path, key),
                f'{key} 应为文字，请加引号，如 "{shown}"。',
                f'{key} is a text; put it in quotes, as "{shown}".',
            )
        return ""

    def flag(self, at: Map, path: Path, key: str) -> bool:
        node = at.get(key)
        if node is None:
            return False
        value = self.single(node, (*path, key))
        if isinstance(node, Leaf) and not isinstance(value, bool) and value is not None:
            self.say(node, (*path, key), f"{key} 应为 true 或 false。", f"{key} is true or false.")
        return value is True

    def whole(self, at: Map, path: Path, key: str, otherwise: int) -> int:
        node = at.get(key)
        if node is None:
            return otherwise
        value = self.single(node, (*path, key))
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.say(node, (*path, key), f"{key} 应为整数。", f"{key} is a whole number.")
        return otherwise

    def many(self, at: Map, path: Path, key: str) -> Iterator[tuple[Node, Path]]:
        node = at.get(key)
        if isinstance(node, Many):
            for place, item in enumerate(node.items):
                yield item, (*path, key, place)
        elif node is not None and not (isinstance(node, Leaf) and node.value is None):
            self.say(
                node, (*path, key), f"{key} 应为列表，每项以“- ”开头。", f'{key} is a list; each item begins with "- ".'
            )

    def each(self, at: Map, path: Path, key: str, read: Callable[[Map, Path], T]) -> Iterator[T]:
        for node, where in self.many(at, path, key):
            if isinstance(node, Map):
                yield read(node, where)
            else:
                self.say(node, where, f"{key} 的每一项应为键值对。", f"Each item of {key} is a mapping.")

    def unknown(self, at: Map, path: Path, known: set[str], *, grave: bool = False) -> None:
        for entry in at.entries:
            if entry.key in known:
                continue
            key = entry.key[:60]
            zh = f"“{key}”不是 ODCS 的键" + ("，请移入 customProperties。" if grave else "，已保留，平台不使用。")
            en = f'"{key}" is no key of ODCS' + (
                "; move it to customProperties." if grave else "; it is kept and not used."
            )
            self.findings.append(
                Finding(entry.line, entry.column, "".join(f"/{s}" for s in (*path, entry.key)), Text(zh, en), grave)
            )
