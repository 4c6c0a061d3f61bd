"""The directory as a spreadsheet in the layout of the national guide of 2017: one line an item, the entry's cells before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from beijiang.kit import Text, normalise

ENTRY_COLUMNS: Final[Mapping[str, Text]] = {
    "code": Text("信息资源代码", "Resource code"),
    "categories": Text("信息资源分类", "Categories"),
    "name": Text("信息资源名称", "Resource name"),
    "provider": Text("信息资源提供方", "Provider"),
    "inner_office": Text("提供方内部部门", "Inner office"),
    "provider_code": Text("信息资源提供方代码", "Provider code"),
    "summary": Text("信息资源摘要", "Summary"),
    "formats": Text("信息资源格式", "Formats"),
    "share_type": Text("共享类型", "Sharing"),
    "share_condition": Text("共享条件", "Sharing condition"),
    "no_share_basis": Text("不予共享的依据", "Basis for not sharing"),
    "share_method": Text("共享方式", "Sharing method"),
    "open_type": Text("开放类型", "Opening"),
    "open_condition": Text("开放条件", "Opening condition"),
    "update_cycle": Text("更新周期", "Update cycle"),
    "published": Text("发布日期", "Published"),
    "related_codes": Text("关联资源代码", "Related codes"),
    "licence": Text("许可", "Licence"),
    "keywords": Text("关键词", "Keywords"),
    "contact": Text("联系方式", "Contact"),
}
ITEM_COLUMNS: Final[Mapping[str, Text]] = {
    "item_name": Text("信息项名称", "Item"),
    "item_column": Text("信息项字段", "Item column"),
    "item_type": Text("数据类型", "Data type"),
    "item_length": Text("数据长度", "Length"),
    "item_description": Text("信息项说明", "Item meaning"),
    "item_share_type": Text("信息项共享类型", "Item sharing"),
    "item_share_condition": Text("信息项共享条件", "Item sharing condition"),
    "item_open_type": Text("信息项开放类型", "Item opening"),
}
COLUMNS: Final[Mapping[str, Text]] = {**ENTRY_COLUMNS, **ITEM_COLUMNS}
LINES_MOST: Final = 20_000
_HEAD_WITHIN: Final = 6
"""A head stands among the first lines: printed directories have a title above it."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with a cell of a line, or with the line where ``field`` is empty; lines count from 1, as a spreadsheet does."""

    line: int
    field: str
    text: Text


@dataclass(slots=True)
class Described:
    """One entry as the lines of a file tell it: its own cells, and those of each item with the number of its line."""

    line: int
    cells: dict[str, str]
    items: list[tuple[int, dict[str, str]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file did, or would do."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    faults: tuple[LineFault, ...]
    unknown: tuple[str, ...]
    """Columns of the file that the directory does not have."""
    done: bool


def find_head(
    lines: Sequence[Sequence[str]], declared: Mapping[str, Text] = MappingProxyType({})
) -> tuple[int, list[str], list[str]] | None:
    """Return where the head stands, the key of each of its columns, and the columns that are none of ours.

    A column of the guide wins over a declared one of the same name.
    """
    known = {
        normalise(word): key for key, text in [*declared.items(), *COLUMNS.items()] for word in (key, text.zh, text.en)
    }
    for at, line in enumerate(lines[:_HEAD_WITHIN]):
        keys = [known.get(normalise(cell.strip()), "") for cell in line]
        if "name" in keys:
            return at, keys, [cell for cell, key in zip(line, keys, strict=True) if cell.strip() and not key]
    return None


def group(lines: Sequence[Sequence[str]], head: int, keys: Sequence[str]) -> Iterator[Described | LineFault]:
    """Yield the entries of a file: a line without a name, or with the same one, goes on with the entry above it."""
    now: Described | None = None
    for number, line in enumerate(lines[head + 1 :], head + 2):
        cells = {key: cell.strip() for key, cell in zip(keys, line, strict=False) if key and cell.strip()}
        if not cells:
            continue
        own = {key: value for key, value in cells.items() if key not in ITEM_COLUMNS}
        item = {key: value for key, value in cells.items() if key in ITEM_COLUMNS}
        if now is None or _begins_another(now, own):
            if now is not None:
                yield now
            if "name" not in own:
                yield LineFault(number, "name", Text("信息资源名称不能为空。", "The resource name must not be empty."))
                continue
            now = Described(number, own)
        else:
            yield from _unlike(now, own, number)
        if item:
            now.items.append((number, item))
    if now is not None:
        yield now


def _begins_another(now: Described, own: Mapping[str, str]) -> bool:
    named = own.get("name") not in {None, now.cells["name"]}
    return named or own.get("code", now.cells.get("code")) != now.cells.get("code")


def _unlike(now: Described, own: Mapping[str, str], number: int) -> Iterator[LineFault]:
    for key, value in own.items():
        if value != now.cells.setdefault(key, value):
            yield LineFault(
                number,
                key,
                Text(
                    f"与第 {now.line} 行同一资源的内容不同。合并单元格或留空即可。",
                    f"It is unlike line {now.line}, which is the same resource. Merge the cells or leave it empty.",
                ),
            )


__all__ = [
    "COLUMNS",
    "ENTRY_COLUMNS",
    "ITEM_COLUMNS",
    "LINES_MOST",
    "Described",
    "LineFault",
    "Taken",
    "find_head",
    "group",
]
