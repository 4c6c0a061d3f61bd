"""Rules of quality: what is asked of a table, in typed kinds, each with the indicator of GB/T 36344 that it feeds."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = [
    "FALLING",
    "KINDS",
    "Declined",
    "Kind",
    "KindOf",
    "Param",
    "ParamType",
    "Rule",
    "RuleDraft",
    "Severity",
    "dirty_values",
    "packaged",
]


class Severity(Word):
    """What it means when a rule fails; a failing critical rule keeps readers on the last good version."""

    CRITICAL = "critical", "严重", "critical"
    MAJOR = "major", "重要", "major"
    MINOR = "minor", "一般", "minor"


class Kind(Word):
    """What a rule tests."""

    CHECK = "check", "校验码", "check digit"
    CODE_SET = "code_set", "代码集", "code set"
    COLUMNS = "columns", "列与约定一致", "columns as agreed"
    DIRTY = "dirty", "脏数据", "dirty values"
    DUPLICATE = "duplicate", "重复记录", "repeated records"
    ELEMENT = "element", "数据元标准", "data element"
    EQUAL = "equal", "与他表一致", "equal in another table"
    EXPRESSION = "expression", "业务规则", "business rule"
    FORMAT = "format", "格式", "format"
    FRESHNESS = "freshness", "及时性", "freshness"
    MISSING = "missing", "缺失值", "missing values"
    NOT_NULL = "not_null", "非空", "not empty"
    ORDER = "order", "时间先后", "order in time"
    RANGE = "range", "取值范围", "range"
    REFERENCE = "reference", "引用", "reference"
    SQL = "sql", "SQL 指标", "number by SQL"
    UNIQUE = "unique", "唯一", "unique"
    VALIDITY = "validity", "有效期", "validity period"
    VALUES = "values", "取值清单", "listed values"
    VOLUME = "volume", "数据量", "number of rows"
    WINDOWS = "windows", "各时段数据量", "rows in each period"


class ParamType(StrEnum):
    """What a parameter of a rule is."""

    ALGORITHM = "algorithm"
    AS_OF = "as_of"
    """A day, as ``2001-12-31``, or a column of the judged table in which each row says its own."""
    CODE_SET = "code_set"
    COLUMN_OF = "column_of"
    """A column of the table that the parameter ``table`` names."""
    COLUMNS_OF = "columns_of"
    """Columns of that table, with semicolons between them, or a JSON list."""
    ELEMENT = "element"
    COLUMNS = "columns"
    """Columns with the types that each may have: ``name=text; name=integer|decimal``, or a JSON object."""
    EXPRESSION = "expression"
    HOURS = "hours"
    LIMIT = "limit"
    """A comparison with one number or two, as ``< 61`` or ``between 1 5``."""
    LIST = "list"
    """Values with semicolons between them, or a JSON list, in which null is a cell without a value."""
    NUMBER = "number"
    PATTERN = "pattern"
    QUERY = "query"
    """One SELECT of one column of numbers; ``{table}`` and ``{column}`` stand for what is judged."""
    TABLE = "table"
    UNIT = "unit"
    VALUE = "value"
    """A number or a date, as the column has it."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a kind of rule."""

    name: str
    type: ParamType
    text: Text
    required: bool = False


@dataclass(frozen=True, slots=True)
class KindOf:
    """What a kind of rule needs, and which indicators it can feed; the first is the usual one."""

    indicators: tuple[str, ...]
    columns: tuple[int, int | None]
    """How many columns at least and at most (None: any number)."""
    params: tuple[Param, ...] = ()
    takes_condition: bool = True
    """Whether single rows can be left out; not where rows are held against each other, or the table is judged whole."""
    shows_rows: bool = True
    """Whether there are rows to blame."""

    @property
    def indicator(self) -> str:
        """Return the usual indicator."""
        return self.indicators[0]


_LOW: Final = Param("low", ParamType.VALUE, Text("最小值", "at least"))
_HIGH: Final = Param("high", ParamType.VALUE, Text("最大值", "at most"))
_ABOVE: Final = Param("above", ParamType.VALUE, Text("大于", "more than"))
_BELOW: Final = Param("below", ParamType.VALUE, Text("小于", "less than"))
_TABLE: Final = Param("table", ParamType.TABLE, Text("对照表", "other table"), required=True)
_KEY: Final = Param(
    "key",
    ParamType.COLUMNS_OF,
    Text("对照表的键列（多列用分号，次序同本表）", "key columns there (several by semicolons, in order)"),
    required=True,
)

KINDS: Final[dict[Kind, KindOf]] = {
    Kind.CHECK: KindOf(
        ("0301", "0302"),
        (1, 1),
        (Param("algorithm", ParamType.ALGORITHM, Text("校验算法", "algorithm"), required=True),),
    ),
    Kind.CODE_SET: KindOf(
        ("0105",),
        (1, 2),
        (
            Param("code_set", ParamType.CODE_SET, Text("代码集", "code set"), required=True),
            Param(
                "as_of",
                ParamType.AS_OF,
                Text("按哪天的代码（日期或列名，空为今天）", "codes as of (a day or a column)"),
            ),
        ),
    ),
    Kind.COLUMNS: KindOf(
        ("0103",),
        (0, 0),
        (Param("expected", ParamType.COLUMNS, Text("列与类型", "columns and types"), required=True),),
        takes_condition=False,
        shows_rows=False,
    ),
    Kind.DIRTY: KindOf(("0305",), (1, None)),
    Kind.DUPLICATE: KindOf(("0303",), (0, None), takes_condition=False),
    Kind.ELEMENT: KindOf(
        ("0101",), (1, 1), (Param("element", ParamType.ELEMENT, Text("数据元", "data element"), required=True),)
    ),
    Kind.EQUAL: KindOf(
        ("0401",),
        (2, None),
        (
            _TABLE,
            _KEY,
            Param("value", ParamType.COLUMN_OF, Text("对照表的值列", "value column there"), required=True),
        ),
    ),
    Kind.EXPRESSION: KindOf(
        ("0104", "0402", "0301", "0302"),
        (0, 0),
        (Param("expression", ParamType.EXPRESSION, Text("应满足的条件", "what must hold"), required=True),),
    ),
    Kind.FORMAT: KindOf(
        ("0302",),
        (1, 1),
        (
            Param("pattern", ParamType.PATTERN, Text("正则表达式", "pattern")),
            Param("shortest", ParamType.NUMBER, Text("最短字数", "characters at least")),
            Param("longest", ParamType.NUMBER, Text("最长字数", "characters at most")),
        ),
    ),
    Kind.FRESHNESS: KindOf(
        ("0502",),
        (0, 1),
        (Param("hours", ParamType.HOURS, Text("不早于多少小时前", "hours ago at most"), required=True),),
        takes_condition=False,
        shows_rows=False,
    ),
    Kind.MISSING: KindOf(
        ("0201",),
        (1, 1),
        (Param("values", ParamType.LIST, Text("视为缺失的值", "values that are none"), required=True),),
    ),
    Kind.NOT_NULL: KindOf(("0201", "0102"), (1, None)),
    Kind.ORDER: KindOf(("0503",), (2, None)),
    Kind.RANGE: KindOf(("0302",), (1, 1), (_LOW, _HIGH, _ABOVE, _BELOW)),
    Kind.REFERENCE: KindOf(
        ("0102", "0402"),
        (1, None),
        (_TABLE, _KEY),
    ),
    Kind.SQL: KindOf(
        ("0402", "0104", "0301", "0302"),
        (0, 1),
        (
            Param("query", ParamType.QUERY, Text("查询（一个数）", "query (one number)"), required=True),
            Param("must", ParamType.LIMIT, Text("结果应（如 < 61）", "what it must come to (as < 61)"), required=True),
            Param("called", ParamType.LIST, Text("查询中本表的名称", "what the query calls this table")),
        ),
        takes_condition=False,
        shows_rows=False,
    ),
    Kind.UNIQUE: KindOf(("0304",), (1, None), takes_condition=False),
    Kind.VALIDITY: KindOf(("0602",), (1, 2)),
    Kind.VALUES: KindOf(
        ("0302", "0105"),
        (1, 1),
        (Param("values", ParamType.LIST, Text("允许的值", "permitted values"), required=True),),
    ),
    Kind.VOLUME: KindOf(
        ("0202",),
        (0, 0),
        (
            Param("least", ParamType.NUMBER, Text("最少行数", "rows at least"), required=True),
            Param("most", ParamType.NUMBER, Text("最多行数", "rows at most")),
        ),
        takes_condition=False,
        shows_rows=False,
    ),
    Kind.WINDOWS: KindOf(
        ("0501",),
        (1, 1),
        (
            Param("unit", ParamType.UNIT, Text("时段（day、month、year）", "period (day, month, year)"), required=True),
            Param("least", ParamType.NUMBER, Text("每时段最少行数", "rows in each at least"), required=True),
        ),
        takes_condition=False,
        shows_rows=False,
    ),
}
"""Every kind with what it takes. Indicators 0103, 0106 and 0601 need no rule: the platform knows them of each table."""

_NOW: Final = re.compile(r"current_(date|time)|\b(now|today)\s*\(", re.IGNORECASE)
"""How a condition or a query says what day it is; whoever writes it in a text pays a count a day and no more."""

FALLING: Final = frozenset({"0303", "0305"})
"""Indicators whose A counts what is wrong: the less the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """What a person asks of a table, not yet checked."""

    kind: Kind
    columns: tuple[str, ...] = ()
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    name: str = ""
    severity: Severity = Severity.MAJOR
    threshold: float = 1.0
    """The least share of what is assessed that must pass, 0 to 1."""
    indicator: str = ""
    """Empty: the usual one of the kind."""
    where: str = ""
    """A condition in the closed grammar; rows that do not meet it are not assessed."""
    owner: str = ""
    """Who answers for it, in words; empty: the department of the table."""
    limit: str = ""
    """How much may fail, in place of the threshold: ``<= 10`` or ``< 1 %`` (see ``limits``)."""
    contract: str = ""
    """The data contract that it comes from; such a rule changes with its contract only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleDraft):
    """A rule in force; each change makes a new revision and the old ones are kept."""

    id: str
    table: str
    revision: int
    by: str
    at: datetime
    reason: str = ""
    retired: bool = False

    @property
    def ages(self) -> bool:
        """Tell whether time alone can change what it says of a version that stays as it is."""
        words = (self.where, str(self.params.get("expression", "")), str(self.params.get("query", "")))
        return self.kind in {Kind.FRESHNESS, Kind.VALIDITY} or any(_NOW.search(text) for text in words)

    @property
    def falls(self) -> bool:
        """Tell whether A counts what is wrong."""
        return self.indicator in FALLING


@dataclass(frozen=True, slots=True)
class Declined:
    """A suggested rule that is not meant; it is not suggested again until somebody lets it be."""

    table: str
    subject: str
    """What it is about: ``Suggestion.subject``."""
    kind: Kind
    columns: tuple[str, ...]
    reason: str
    by: str
    at: datetime


def packaged(name: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of a packaged table of this domain."""
    text = files("beijiang").joinpath("quality", "reference", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def dirty_values() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (whole values, patterns) that are dirty wherever they stand: garbled, test or placeholder values."""
    rows = packaged("dirty_values")
    whole = tuple(row["value"] for row in rows if row["how"] == "whole")
    return whole, tuple(row["value"] for row in rows if row["how"] == "pattern")
