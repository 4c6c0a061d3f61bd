"""Item attributes as cells of a sheet: which columns there are, how a cell is read, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from beijiang.catalog.models.attributes import OpenType, ShareMethod, ShareType
from beijiang.catalog.models.entry import Entry, Item, ItemEdit
from beijiang.kit import Text, normalise

Row = Mapping[str, str]
"""The cells of one row by field; ``column`` says which item it is."""

ROWS_MOST: Final = 2000


class CellKind(StrEnum):
    """How a cell is written."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetField:
    """One column of the sheet."""

    key: str
    words: Text
    kind: CellKind = CellKind.TEXT
    limit: int = 1000
    needed: bool = False
    options: tuple[tuple[str, Text], ...] = ()
    strict: bool = True
    """Whether only the options count; otherwise they are suggestions."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with one cell, or with a row where ``field`` is empty; rows count from 0."""

    row: int
    column: str
    field: str
    text: Text


def _options(kind: Any) -> tuple[tuple[str, Text], ...]:
    return tuple((one.value, one.text) for one in kind)


FIELDS: Final = (
    SheetField(key="name", words=Text("信息项名称", "Item"), limit=200, needed=True),
    SheetField(key="description", words=Text("含义", "Meaning")),
    SheetField(key="length", words=Text("数据长度", "Length"), kind=CellKind.NUMBER),
    SheetField(key="element_id", words=Text("数据元", "Data element"), limit=200, strict=False),
    SheetField(key="code_set", words=Text("代码集", "Code set"), limit=200, strict=False),
    SheetField(key="share_type", words=Text("共享类型", "Sharing"), kind=CellKind.CHOICE, options=_options(ShareType)),
    SheetField(key="share_condition", words=Text("共享条件", "Sharing condition")),
    SheetField(key="no_share_basis", words=Text("不予共享的依据", "Basis for not sharing")),
    SheetField(
        key="share_method",
        words=Text("共享方式", "Sharing method"),
        kind=CellKind.CHOICE,
        options=_options(ShareMethod),
    ),
    SheetField(key="open_type", words=Text("开放类型", "Opening"), kind=CellKind.CHOICE, options=_options(OpenType)),
    SheetField(key="open_condition", words=Text("开放条件", "Opening condition")),
    SheetField(key="update_cycle", words=Text("更新周期", "Update cycle"), kind=CellKind.CHOICE),
    SheetField(key="source_org", words=Text("来源部门", "Source department"), limit=64, strict=False),
)
"""What can be edited of an item; an empty cell of an inherited attribute means that the entry's value holds."""

_KINDS: Final[Mapping[str, Any]] = {"share_type": ShareType, "share_method": ShareMethod, "open_type": OpenType}
_LONGEST: Final = 9


def cells_of(item: Item) -> dict[str, str]:
    """Return an item as cells; codes stand as codes."""
    found = {"column": item.column}
    for field in FIELDS:
        value = getattr(item, field.key)
        found[field.key] = "" if value is None else str(value)
    return found


def read_rows(
    entry: Entry, rows: Sequence[Row], fields: Sequence[SheetField] = FIELDS
) -> tuple[list[ItemEdit], list[CellFault]]:
    """Read rows into edits; every fault is told, and an edit is made only of what has none."""
    known = {field.key: field for field in fields}
    edits: list[ItemEdit] = []
    faults: list[CellFault] = []
    seen: set[str] = set()
    for number, row in enumerate(rows):
        column = row.get("column", "")
        wrong = _row_fault(entry, row, seen, known)
        if wrong is not None:
            faults.append(CellFault(number, column, "", wrong))
            continue
        seen.add(column)
        edit, told = _read_row(column, row, known)
        faults += [CellFault(number, column, key, text) for key, text in told]
        if not told:
            edits.append(edit)
    return edits, faults


def _row_fault(entry: Entry, row: Row, seen: set[str], known: Mapping[str, SheetField]) -> Text | None:
    column = row.get("column", "")
    if entry.item(column) is None:
        return Text(
            f"目录中没有列“{column[:100]}”。请不要增删行，也不要改“列”。",
            f"The entry has no column “{column[:100]}”. Keep the rows and their column as they are.",
        )
    if column in seen:
        return Text(f"列“{column[:100]}”出现了两次。", f"Column “{column[:100]}” stands there twice.")
    strange = sorted(set(row) - set(known) - {"column"})
    if strange:
        return Text(f"没有属性“{strange[0][:60]}”。", f"There is no attribute “{strange[0][:60]}”.")
    return None


def _read_row(column: str, row: Row, known: Mapping[str, SheetField]) -> tuple[ItemEdit, list[tuple[str, Text]]]:
    values: dict[str, Any] = {}
    inherit: list[str] = []
    faults: list[tuple[str, Text]] = []
    for key, raw in row.items():
        if key == "column":
            continue
        field, text = known[key], raw.strip()
        if not text and not field.needed:
            inherit.append(key)
            continue
        value, wrong = read_cell(field, text)
        if wrong is None:
            values[key] = value
        else:
            faults.append((key, wrong))
    return ItemEdit(column=column, inherit=tuple(inherit), **({} if faults else values)), faults


def read_cell(field: SheetField, text: str) -> tuple[Any, Text | None]:
    """Read one cell that is not empty, or say what is wrong with it."""
    if not text:
        return None, Text(f"{field.words.zh}不能为空。", f"{field.words.en} must not be empty.")
    if field.kind is CellKind.NUMBER:
        if text.isascii() and text.isdecimal() and len(text) <= _LONGEST and int(text) > 0:
            return int(text), None
        return None, Text(f"“{text[:40]}”不是正整数。", f"“{text[:40]}” is no positive whole number.")
    if field.kind is CellKind.CHOICE:
        return _chosen(field, text)
    if len(text) > field.limit:
        return None, Text(f"超过 {field.limit} 字。", f"Longer than {field.limit} characters.")
    return text, None


def _chosen(field: SheetField, text: str) -> tuple[Any, Text | None]:
    wanted = normalise(text)
    for code, words in field.options:
        if wanted in {normalise(code), normalise(words.zh), normalise(words.en)}:
            return _KINDS.get(field.key, str)(code), None
    zh, en = (
        between.join(one)
        for between, one in (("、", [w.zh for _, w in field.options]), (", ", [w.en for _, w in field.options]))
    )
    return None, Text(f"没有“{text[:40]}”这一项，可选：{zh}。", f"There is no “{text[:40]}”; choose one of: {en}.")


__all__ = ["FIELDS", "ROWS_MOST", "CellFault", "CellKind", "Row", "SheetField", "cells_of", "read_cell", "read_rows"]
