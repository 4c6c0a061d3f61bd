"""Notebooks: ordered cells of SQL, charts and notes, with parameters that queries take as typed values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from beijiang.kit import Word
from beijiang.mining.errors import bad_value, unfit_notebook
from beijiang.mining.models.bench import Chart
from beijiang.protection import numbered

if TYPE_CHECKING:
    from beijiang.kit import Actor, Text
    from beijiang.protection import SqlResult

__all__ = [
    "Cell",
    "CellKind",
    "CellOutcome",
    "CellState",
    "DataWish",
    "Notebook",
    "NotebookDraft",
    "Parameter",
    "ParameterKind",
    "Requests",
    "Sharing",
]

CELLS_MOST: Final = 60
PARAMETERS_MOST: Final = 20
TEXT_MOST: Final = 20_000
VALUE_MOST: Final = 2000
NAME_MOST: Final = 200
FORMAT: Final = 1
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_CELL: Final = re.compile(r"[a-z0-9_-]{1,40}")
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,10})?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class CellKind(Word):
    """What a cell holds."""

    SQL = "sql", "查询", "query"
    CHART = "chart", "图表", "chart"
    NOTE = "note", "说明", "note"


class CellState(Word):
    """How a cell came out of a run."""

    DONE = "done", "完成", "done"
    FAILED = "failed", "出错", "failed"


class ParameterKind(Word):
    """The type of a parameter's value."""

    TEXT = "text", "文本", "text"
    INTEGER = "integer", "整数", "whole number"
    NUMBER = "number", "数值", "number"
    DATE = "date", "日期", "date"


class Sharing(Word):
    """Who else of the own organisation has a notebook; rows are always those of whoever runs it."""

    PRIVATE = "private", "仅自己", "private"
    READ = "read", "本部门可看可运行", "the department sees and runs it"
    EDIT = "edit", "本部门可修改", "the department changes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that the cells' queries take as ``$name``; it is bound as a value and never becomes text of a query."""

    name: str
    kind: ParameterKind = ParameterKind.TEXT
    label: str = ""
    default: str = ""

    def read(self, said: str) -> Any:
        """Return the typed value of what a person wrote; nothing for an empty text.

        Raises:
            Invalid: it is not of the type (``notebook_value``).

        """
        text = said.strip()
        if not text:
            return None
        shape = {ParameterKind.INTEGER: _WHOLE, ParameterKind.NUMBER: _NUMBER, ParameterKind.DATE: _DAY}.get(self.kind)
        if len(text) > VALUE_MOST or "\x00" in text or (shape and not (text.isascii() and shape.fullmatch(text))):
            raise bad_value(self.name, self.kind.text)
        try:
            make: Any = {
                ParameterKind.INTEGER: int,
                ParameterKind.NUMBER: float,
                ParameterKind.DATE: date.fromisoformat,
            }
            return make.get(self.kind, str)(text)
        except ValueError:
            raise bad_value(self.name, self.kind.text) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell; a chart draws the result of an earlier query."""

    id: str
    kind: CellKind
    title: str = ""
    text: str = ""
    """SQL, or Markdown of a note."""
    source: str = ""
    """The cell whose result a chart draws."""
    chart: Chart | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "title": self.title,
            "text": self.text,
            "source": self.source,
            "chart": None if self.chart is None else self.chart.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookDraft:
    """A notebook as somebody wants it kept."""

    name: str
    cells: tuple[Cell, ...]
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    sharing: Sharing = Sharing.PRIVATE
    note: str = ""
    """What was changed, for the list of versions."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a file has it: no row, no owner, no version."""
        return {
            "beijiang_notebook": FORMAT,
            "name": self.name,
            "description": self.description,
            "parameters": [
                {"name": p.name, "kind": p.kind.value, "label": p.label, "default": p.default} for p in self.parameters
            ],
            "cells": [one.to_json() for one in self.cells],
        }

    @classmethod
    def from_json(cls, value: Any, *, sharing: Sharing = Sharing.PRIVATE, note: str = "") -> Self:
        """Read what ``to_json`` gave, or what a person sent; checked.

        Raises:
            Invalid: it is no notebook (``notebook_unfit``).

        """
        if not isinstance(value, Mapping) or value.get("beijiang_notebook", FORMAT) != FORMAT:
            raise unfit_notebook("这不是笔记本文件。", "This is no file of a notebook.")
        try:
            made = cls(
                name=" ".join(str(value.get("name") or "").split()),
                description=str(value.get("description") or "").strip(),
                parameters=tuple(_parameter(one) for one in value.get("parameters") or ()),
                cells=tuple(_cell(place, one) for place, one in enumerate(value.get("cells") or (), 1)),
                sharing=sharing,
                note=note.strip()[:NAME_MOST],
            )
        except (TypeError, ValueError, AttributeError):
            raise unfit_notebook("笔记本的内容不对。", "What the notebook holds is wrong.") from None
        made.check()
        return made

    def check(self) -> None:
        """Return if it can be kept.

        Raises:
            Invalid: a name is missing or occurs twice, a chart has no query before it, something is too long.

        """
        if not self.name or len(self.name) > NAME_MOST or len(self.description) > TEXT_MOST:
            raise unfit_notebook("笔记本须有名称，且不过长。", "A notebook has a name, and not a long one.")
        if not 0 < len(self.cells) <= CELLS_MOST or len(self.parameters) > PARAMETERS_MOST:
            raise unfit_notebook(
                f"笔记本有 1 至 {CELLS_MOST} 个单元格，最多 {PARAMETERS_MOST} 个参数。",
                f"A notebook has 1 to {CELLS_MOST} cells and at most {PARAMETERS_MOST} parameters.",
            )
        names = [p.name for p in self.parameters]
        ids = [one.id for one in self.cells]
        if len(set(names)) < len(names) or len(set(ids)) < len(ids) or not all(map(_NAME.fullmatch, names)):
            raise unfit_notebook(
                "参数名须为小写字母、数字、下划线，且不重复；单元格标识不重复。",
                "Names of parameters are lower-case letters, digits and underscores, each once; so are ids of cells.",
            )
        for parameter in self.parameters:
            parameter.read(parameter.default)
        queries: set[str] = set()
        for one in self.cells:
            _check_cell(one, queries, set(names))
            if one.kind is CellKind.SQL:
                queries.add(one.id)

    def cell(self, cell_id: str) -> Cell | None:
        """Return a cell."""
        return next((one for one in self.cells if one.id == cell_id), None)

    def values(self, said: Mapping[str, str]) -> dict[str, Any]:
        """Return the typed values of all parameters: what was said, or the default.

        Raises:
            Invalid: a value is not of its type, or a name is unknown (``notebook_value``).

        """
        strange = set(said) - {p.name for p in self.parameters}
        if strange:
            raise bad_value(min(strange)[:40], None)
        return {p.name: p.read(said.get(p.name, p.default)) for p in self.parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook(NotebookDraft):
    """One version of a notebook."""

    id: str
    revision: int
    retired: bool
    owner_id: str
    owner: str
    org_id: str | None
    by: str
    by_name: str
    at: datetime

    def compared(self, other: Notebook) -> Sequence[str]:
        """Return how another version differs, line by line, as ``diff -u`` shows it."""
        here, there = _printed(self), _printed(other)
        return list(unified_diff(here, there, f"v{self.revision}", f"v{other.revision}", n=2, lineterm=""))


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """What came of a cell; a note comes out as it is, a chart with the result of its query."""

    cell: Cell
    state: CellState
    result: SqlResult | None = None
    error: Text | None = None
    code: str = ""
    line: int = 0

    @property
    def grade(self) -> str:
        """Return the grade of the result; empty where there is none."""
        return "" if self.result is None else self.result.grade

    @property
    def tables(self) -> Sequence[str]:
        """Return the tables that the result was made of."""
        return () if self.result is None else self.result.tables


@dataclass(frozen=True, slots=True)
class DataWish:
    """A request for data in place of a taken result."""

    title: str
    items: str
    purpose: str
    use: str


class Requests(Protocol):
    """What turns a wish for data into a request that its owner decides on."""

    def __call__(self, actor: Actor, asked: DataWish) -> str:
        """Hand it in and return its id."""


def _printed(one: NotebookDraft) -> list[str]:
    return json.dumps(one.to_json(), ensure_ascii=False, indent=1).replace("\\n", "\n").splitlines()


def _parameter(value: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=str(value.get("name", "")),
        kind=ParameterKind(str(value.get("kind") or "text")),
        label=str(value.get("label") or "")[:NAME_MOST],
        default=str(value.get("default") or "")[:VALUE_MOST],
    )


def _cell(place: int, value: Mapping[str, Any]) -> Cell:
    return Cell(
        id=str(value.get("id") or f"cell-{place}"),
        kind=CellKind(str(value.get("kind") or "sql")),
        title=" ".join(str(value.get("title") or "").split())[:NAME_MOST],
        text=str(value.get("text") or "").replace("\r\n", "\n"),
        source=str(value.get("source") or ""),
        chart=Chart.from_json(value.get("chart")),
    )


def _check_cell(one: Cell, queries: set[str], names: set[str]) -> None:
    if not _CELL.fullmatch(one.id) or len(one.text) > TEXT_MOST or "\x00" in one.text:
        raise unfit_notebook(
            f"单元格“{one.id[:40]}”过长或标识不对。", f'Cell "{one.id[:40]}" is too long, or its id is wrong.'
        )
    if one.kind is CellKind.CHART and (one.chart is None or one.source not in queries):
        raise unfit_notebook(
            f"图表“{one.title or one.id}”须画它前面某个查询的结果，并选定横轴和纵轴。",
            f'The chart "{one.title or one.id}" draws the result of a query before it; choose its axes.',
        )
    if one.kind is CellKind.SQL:
        strange = set(_names(one.text)) - names
        if not one.text.strip() or strange:
            told = "、".join(sorted(strange)) or one.id
            raise unfit_notebook(
                f"查询为空，或用了没有声明的参数：{told}。",
                f"A query is empty, or takes an undeclared parameter: {told}.",
            )


def _names(text: str) -> Sequence[str]:
    from sqlglot.errors import SqlglotError

    try:
        return numbered(text)[1]
    except SqlglotError:
        return ()  # it is said when the query is run, with line and column
