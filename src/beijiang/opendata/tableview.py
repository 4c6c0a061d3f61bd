"""Turn governed rows into what a page prints: heads that sort, cells that are right-aligned, masked or empty, chips, operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from beijiang.kit import Language, Text
from beijiang.opendata.models import Dataset, RowPage
from beijiang.protection import rowquery
from beijiang.tables import Filter, FilterOp, GovernedColumn

NUMERIC = frozenset({"integer", "decimal", "double"})
CELL = 120
"""Characters of a long text that the preview shows; the file and the API have all of it."""

OPERATORS = {
    FilterOp.CONTAINS: Text("包含", "contains"),
    FilterOp.EQ: Text("等于", "is"),
    FilterOp.NE: Text("不等于", "is not"),
    FilterOp.STARTSWITH: Text("开头是", "begins with"),
    FilterOp.ENDSWITH: Text("结尾是", "ends with"),
    FilterOp.GT: Text("大于", "greater than"),
    FilterOp.GTE: Text("不小于", "at least"),
    FilterOp.LT: Text("小于", "less than"),
    FilterOp.LTE: Text("不大于", "at most"),
    FilterOp.IN_: Text("是其中之一（逗号分隔）", "one of (commas)"),
    FilterOp.NOTIN: Text("不是其中之一", "none of"),
    FilterOp.ISNULL: Text("为空", "is empty"),
    FilterOp.NOTNULL: Text("不为空", "is not empty"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column; ``sorted`` is up, down or None."""

    name: str
    address: str
    number: bool
    grade: str
    comment: str
    sorted: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed cell; ``style`` is n for numbers and mask for masked values."""

    text: str
    style: str
    empty: bool


def heads(columns: Sequence[GovernedColumn], query: rowquery.RowQuery, path: str) -> tuple[Head, ...]:
    """Return the heads, each with the address that sorts by it."""

    def way(name: str) -> str | None:
        if query.sort is None or query.sort.column != name:
            return None
        return "down" if query.sort.descending else "up"

    return tuple(
        Head(
            c.name,
            path + query.sorted_by(c.name).encoded(),
            c.type in NUMERIC and not c.masked,
            c.grade,
            c.comment,
            way(c.name),
        )
        for c in columns
    )


def cells(page: RowPage, language: Language) -> list[list[Cell]]:
    """Return the rows of a page as printed cells."""
    return [[_cell(row[c.name], c, language) for c in page.columns] for row in page.rows]


def _cell(value: Any, column: GovernedColumn, language: Language) -> Cell:
    style = "mask" if column.masked else "n" if column.type in NUMERIC else ""
    if value is None or value == "":
        return Cell("", style, empty=True)
    text = printed(value, language)
    return Cell(text if len(text) <= CELL else text[: CELL - 1] + "…", style, empty=False)


def printed(value: Any, language: Language) -> str:
    """Write one value for people: nothing is rounded, and codes that are numbers keep their digits together."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return (Text("是", "yes") if value else Text("否", "no")).in_language(language)
    if isinstance(value, date):
        return (
            value.strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")
            if isinstance(value, datetime)
            else value.isoformat()
        )
    return _digits(value) if isinstance(value, int | float | Decimal) else str(value)


def _digits(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, float):
        return f"{value:,.10g}"
    return f"{value:,}" if abs(value) >= 10_000 else str(value)  # noqa: PLR2004 - years stay whole


def chips(query: rowquery.RowQuery, path: str, language: Language) -> tuple[tuple[str, str], ...]:
    """Return each filter in words with the address that removes it."""
    return tuple((told(f, language), path + query.without(i).encoded()) for i, f in enumerate(query.filters))


def told(condition: Filter, language: Language) -> str:
    """Return a filter in words."""
    value = condition.value
    shown = "、".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    return f"{condition.column} {OPERATORS[condition.op].in_language(language)} {shown[:60]}".strip()


def added(pairs: Sequence[tuple[str, str]], column: str, op: str, value: str) -> list[tuple[str, str]]:
    """Return the parameters with one filter more, from the first page; an unfinished filter adds nothing."""
    kept = [(name, text) for name, text in pairs if name != "_next"]
    known = {kind.value for kind in FilterOp}
    if not column or op not in known:
        return kept
    needs_value = op not in {FilterOp.ISNULL.value, FilterOp.NOTNULL.value}
    if needs_value and not value.strip():
        return kept
    name = f"{column}__{'exact' if op == FilterOp.EQ.value else op}"
    text = value.strip() if needs_value else "1"
    rowquery.read_filter(name, text)
    return [*kept, (name, text)]


def carried(query: rowquery.RowQuery) -> list[tuple[str, str]]:
    """Return what the filter form carries along."""
    return query.at(None).pairs()


def address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a path with its parameters."""
    return f"{path}?{urlencode(pairs)}" if pairs else path


def metadata(dataset: Dataset, language: Language, day: str | None) -> list[tuple[str, str]]:
    """Return the thirteen items of the national guide, in its order, for the page's side."""

    def say(zh: str, en: str) -> str:
        return Text(zh, en).in_language(language)

    def words(text: Text | None) -> str:
        return text.in_language(language) if text else ""

    opening = words(dataset.open_type.text) + (f" · {dataset.open_condition}" if dataset.open_condition else "")
    sharing = words(dataset.share_type) + (f" · {dataset.share_condition}" if dataset.share_condition else "")
    joint = say("、", ", ")
    return [
        (say("信息资源分类", "Category"), joint.join(words(t.category) for t in dataset.themes)),
        (say("信息资源名称", "Name"), dataset.title),
        (say("信息资源代码", "Code"), joint.join(dataset.codes)),
        (say("信息资源提供方", "Provider"), words(dataset.provider)),
        (say("提供方代码", "Provider code"), dataset.provider_code),
        (say("信息资源摘要", "Summary"), dataset.summary),
        (say("信息资源格式", "Formats"), joint.join(dataset.formats)),
        (say("信息项", "Items"), say(f"{len(dataset.items)} 项", f"{len(dataset.items)} items")),
        (say("共享属性", "Sharing"), sharing),
        (say("开放属性", "Opening"), opening),
        (say("更新周期", "Update cycle"), words(dataset.update_cycle)),
        (say("发布日期", "Published"), day or ""),
        (say("关联资源代码", "Related codes"), joint.join(r.code for r in dataset.related)),
    ]
