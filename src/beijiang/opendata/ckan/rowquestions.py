"""Read what is asked of the datastore: filters, words, columns and orders in CKAN's spellings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from beijiang.opendata.ckan.parameters import Parameters, wrong
from beijiang.tables import NUMBER, Filter, FilterOp, Sift, Sort

__all__ = ["FORMATS", "MOST", "SEARCH_WORDS", "TYPES", "WORDS", "address", "question"]

MOST: Final = 32_000
"""Rows of one answer at most."""
FORMATS: Final = ("objects", "lists", "csv", "tsv")
WORDS: Final = frozenset(
    ["resource_id", "filters", "q", "distinct", "fields", "sort", "limit", "offset", "plain", "language"]
)
SEARCH_WORDS: Final = WORDS | {
    "id",
    "full_text",
    "include_total",
    "total_estimation_threshold",
    "records_format",
    "include_next_page",
    "rank",
}
TYPES: Final[Mapping[str, str]] = {
    "integer": "int",
    "decimal": "numeric",
    "double": "float",
    "boolean": "bool",
    "date": "date",
    "timestamp": "timestamp",
}
"""The words of the datastore for types of columns; what has none is text."""
_OPS: Final = {op: FilterOp(op) for op in ("eq", "ne", "lt", "lte", "gt", "gte", "in")}
_FILTERS: Final = 30
_VALUES: Final = 3_000
_SPOKEN: Final = 10


def question(asked: Parameters, usual: int = 100, most: int | None = MOST) -> Sift:
    """Return what rows are asked for.

    Raises:
        Invalid: a parameter of another form; it is named.

    """
    size = asked.number("limit", usual)
    return Sift(
        filters=_filters(asked),
        words=_words(asked),
        columns=tuple(asked.texts("fields")),
        distinct=asked.flag("distinct"),
        order=_order(asked),
        start=asked.number("offset", 0),
        size=size if most is None else min(size, most),
    )


def _filters(asked: Parameters) -> tuple[Filter, ...]:
    given = asked.json("filters")
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise wrong("filters", "filters 应是一个对象：列名到值。", "Must be an object of columns and values")
    found = [one for column, value in given.items() for one in _of_column(str(column), value)]
    if len(found) > _FILTERS:
        raise wrong("filters", f"条件最多 {_FILTERS} 个。", f"At most {_FILTERS} conditions are taken")
    return tuple(found)


def _of_column(column: str, value: Any) -> list[Filter]:
    if isinstance(value, dict):
        unknown = sorted(set(value) - set(_OPS))
        if unknown or not value:
            raise wrong("filters", f"可用的比较：{'、'.join(_OPS)}。", f"Compare by one of {', '.join(_OPS)}")
        return [_compared(column, _OPS[op], one) for op, one in value.items()]
    return [_compared(column, FilterOp.IN_ if isinstance(value, list) else FilterOp.EQ, value)]


def _compared(column: str, op: FilterOp, value: Any) -> Filter:
    if op is FilterOp.IN_:
        values = value if isinstance(value, list) else [value]
        if not 1 <= len(values) <= _VALUES:
            raise wrong("filters", f"每个条件 1 至 {_VALUES} 个值。", f"A condition takes 1 to {_VALUES} values")
        return Filter(column, op, tuple(_plain(one) for one in values))
    if value is None and op in {FilterOp.EQ, FilterOp.NE}:
        return Filter(column, FilterOp.ISNULL if op is FilterOp.EQ else FilterOp.NOTNULL)
    found = _plain(value)
    if column == NUMBER:
        try:
            return Filter(column, op, int(found))
        except ValueError:
            raise wrong("filters", f"{NUMBER} 应是整数。", f"{NUMBER} is a whole number") from None
    return Filter(column, op, found)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise wrong("filters", "条件的值应是文本、数字或是否。", "Values are texts, numbers, true or false")
    return value


def _words(asked: Parameters) -> tuple[tuple[str, str], ...]:
    given = asked.raw("q")
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = asked.json("q")
    if given in (None, ""):
        return ()
    if isinstance(given, dict):
        pairs = [(str(column), word) for column, text in given.items() for word in _split(text)]
    else:
        pairs = [("", word) for word in _split(given)]
    if len(pairs) > _SPOKEN:
        raise wrong("q", f"一次最多 {_SPOKEN} 个词。", f"At most {_SPOKEN} words are taken at once")
    return tuple(pairs)


def _split(text: Any) -> list[str]:
    """Return the words of a text; marks of the database's own query language have no meaning here."""
    if not isinstance(text, str | int | float) or isinstance(text, bool):
        raise wrong("q", "q 应是文本，或列名到文本的对象。", "Must be a text, or an object of columns and texts")
    words = [word.removesuffix(":*").strip("&|!") for word in str(text).split()]
    return [word for word in words if word]


def _order(asked: Parameters) -> tuple[Sort, ...]:
    parts = asked.texts("sort")
    return tuple(_sorted(part) for part in parts if part.strip())


def _sorted(part: str) -> Sort:
    """Read one column of an order, quoted or not; nothing comes last either way."""
    words = part.strip()
    lowered = words.lower()
    if lowered.endswith(" nulls first"):
        raise wrong("sort", "空值总排在最后。", "Nothing comes last either way; leave out nulls first")
    if lowered.endswith(" nulls last"):
        words = words[: -len(" nulls last")].rstrip()
        lowered = words.lower()
    descending = lowered.endswith(" desc")
    if descending or lowered.endswith(" asc"):
        words = words.rpartition(" ")[0].rstrip()
    if len(words) > 1 and words[0] == words[-1] == '"':
        words = words[1:-1].replace('""', '"')
    if not words:
        raise wrong("sort", "应写作 列名 asc 或 列名 desc。", "Write column asc or column desc")
    return Sort(words, descending=descending)


def address(name: str, asked: Mapping[str, Any], offset: int) -> str:
    """Return where the same question continues."""
    from urllib.parse import urlencode

    pairs = [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in asked.items()
        if key != "offset" and value is not None
    ]
    return f"/api/3/action/{name}?{urlencode([*pairs, ('offset', offset)] if offset else pairs)}"
