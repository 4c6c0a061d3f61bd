"""Read the row API's parameters: ``column__op=value`` filters and the few words that begin with an underscore.

Unknown words are refused: ignoring one would silently widen the answer. The same parameters, written back by ``pairs``,
are the address of a filtered page, so that what is seen on a page can be asked of the API word for word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from beijiang.kit import Invalid
from beijiang.protection.models.conditions import unknown_column
from beijiang.tables import Filter, FilterOp, Sort

__all__ = ["DEFAULT_PAGE", "MAX_PAGE", "RowQuery", "filter_pairs", "parse", "read_filter", "unknown_column"]

MAX_FILTERS = 30
MAX_PAGE = 1000
DEFAULT_PAGE = 100
MAX_VALUE = 2_000
WORDS = ("_size", "_next", "_sort", "_sort_desc", "_count")
WITHOUT_VALUE = frozenset({FilterOp.ISNULL, FilterOp.NOTNULL})
WITH_LIST = frozenset({FilterOp.IN_, FilterOp.NOTIN})


@dataclass(frozen=True, slots=True)
class RowQuery:
    """What a reader asked of a table's rows."""

    filters: tuple[Filter, ...] = ()
    sort: Sort | None = None
    columns: tuple[str, ...] = ()
    size: int = DEFAULT_PAGE
    after: str | None = None
    count: bool = False

    def without(self, position: int) -> RowQuery:
        """Return the query with one filter less, from its first page."""
        kept = tuple(f for i, f in enumerate(self.filters) if i != position)
        return replace(self, filters=kept, after=None)

    def sorted_by(self, column: str) -> RowQuery:
        """Return the query sorted by ``column``, turned round if it already is, from its first page."""
        down = self.sort == Sort(column)
        return replace(self, sort=Sort(column, descending=down), after=None)

    def at(self, after: str | None) -> RowQuery:
        """Return the query at another page of the same walk."""
        return replace(self, after=after)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that ``parse`` reads back as this query."""
        found = filter_pairs(self.filters)
        found += [("_col", name) for name in self.columns]
        if self.sort:
            found.append(("_sort_desc" if self.sort.descending else "_sort", self.sort.column))
        if self.size != DEFAULT_PAGE:
            found.append(("_size", str(self.size)))
        if self.count:
            found.append(("_count", "on"))
        if self.after:
            found.append(("_next", self.after))
        return found

    def encoded(self) -> str:
        """Return the query string, empty or beginning with a question mark."""
        found = self.pairs()
        return "?" + urlencode(found) if found else ""


def filter_pairs(filters: Sequence[Filter]) -> list[tuple[str, str]]:
    """Return filters as parameters, always with their operator, so that no column name is mistaken for a word."""
    return [(f"{f.column}__{'exact' if f.op is FilterOp.EQ else f.op.value}", _written(f)) for f in filters]


def _written(condition: Filter) -> str:
    if condition.op in WITHOUT_VALUE:
        return "1"
    if condition.op in WITH_LIST and isinstance(condition.value, tuple | list):
        return json.dumps([str(v) for v in condition.value], ensure_ascii=False)
    return "" if condition.value is None else str(condition.value)


def parse(pairs: Sequence[tuple[str, str]]) -> RowQuery:
    """Read the query string's pairs, in order.

    Raises:
        Invalid: ``unknown_parameter``, ``repeated_parameter``, ``too_many_filters``, ``value_too_long``, ``bad_size``,
            ``bad_list`` or ``two_sorts``.

    """
    filters: list[Filter] = []
    columns: list[str] = []
    words: dict[str, str] = {}
    for name, value in pairs:
        if name == "_col":
            columns.append(value)
        elif name.startswith("_") and not _has_operator(name):
            _take_word(words, name, value)
        else:
            filters.append(read_filter(name, value))
    if len(filters) > MAX_FILTERS:
        raise Invalid(
            f"筛选条件最多 {MAX_FILTERS} 个。", f"At most {MAX_FILTERS} filters are taken.", code="too_many_filters"
        )
    return RowQuery(
        tuple(filters),
        _sort(words),
        tuple(columns),
        _size(words.get("_size")),
        words.get("_next") or None,
        words.get("_count") == "on",
    )


def _take_word(words: dict[str, str], name: str, value: str) -> None:
    if name not in WORDS:
        raise Invalid(
            f"不认识参数 {name[:80]}。可用：{'、'.join(WORDS)}、_col，以及 列名__算子=值。",
            f"Unknown parameter {name[:80]}. Use {', '.join(WORDS)}, _col, or column__op=value.",
            code="unknown_parameter",
            detail={"known": [*WORDS, "_col"]},
        )
    if name in words:
        raise Invalid(f"参数 {name} 只能给一次。", f"Give {name} once only.", code="repeated_parameter")
    words[name] = value


def _has_operator(name: str) -> bool:
    column, mark, op = name.rpartition("__")
    return bool(mark and column) and (op == "exact" or op in set(FilterOp))


def read_filter(name: str, value: str) -> Filter:
    """Read one ``column__op=value``; without a known operator the whole name is the column, compared for equality."""
    if len(value) > MAX_VALUE:
        raise Invalid(
            f"筛选值最长 {MAX_VALUE} 个字符。",
            f"A filter value has at most {MAX_VALUE} characters.",
            code="value_too_long",
        )
    if not _has_operator(name):
        return Filter(name, FilterOp.EQ, value)
    column, _, op = name.rpartition("__")
    if op == "exact":
        return Filter(column, FilterOp.EQ, value)
    kind = FilterOp(op)
    if kind in WITH_LIST:
        return Filter(column, kind, _list(value))
    return Filter(column, kind, None if kind in WITHOUT_VALUE else value)


def _list(value: str) -> tuple[str, ...]:
    """Read a comma list, or a JSON array where the values themselves hold commas."""
    if not value.startswith("["):
        return tuple(v for v in value.split(",") if v)
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(v, str | int | float) for v in found):
        raise Invalid(
            "in 与 notin 的值应是逗号分隔的列表，或由文本与数字组成的 JSON 数组。",
            "The value of in and notin is a comma list, or a JSON array of texts and numbers.",
            code="bad_list",
        )
    return tuple(str(v) for v in found)


def _sort(words: dict[str, str]) -> Sort | None:
    up, down = words.get("_sort"), words.get("_sort_desc")
    if up and down:
        raise Invalid("只能按一列排序。", "Sort by one column only.", code="two_sorts")
    if down:
        return Sort(down, descending=True)
    return Sort(up) if up else None


def _size(value: str | None) -> int:
    if value is None:
        return DEFAULT_PAGE
    if value == "max":
        return MAX_PAGE
    if not (value.isascii() and value.isdecimal() and len(value) < 6) or not 1 <= int(value) <= MAX_PAGE:  # noqa: PLR2004
        raise Invalid(f"_size 应在 1 到 {MAX_PAGE} 之间。", f"_size is from 1 to {MAX_PAGE}.", code="bad_size")
    return int(value)
