"""Steps of a recipe: what can be done to rows and values, in typed kinds, each with the parameters that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["STEPS", "OnFault", "Step", "StepKind", "StepOf", "StepParam", "StepParamType"]


class StepKind(Word):
    """What a step does."""

    TRIM = "trim", "去除空白", "trim blanks"
    NARROW = "narrow", "全角转半角", "full width to half"
    BLANK = "blank", "占位词清空", "empty placeholders"
    REPLACE = "replace", "替换", "replace"
    CASE = "case", "大小写", "letter case"
    FILL = "fill", "补缺省值", "fill empty cells"
    DATE = "date", "转为日期", "to dates"
    NUMBER = "number", "转为数值", "to numbers"
    MONEY = "money", "金额解析", "amounts of money"
    IDENTITY = "identity", "身份证号修复", "repair citizen numbers"
    CREDIT_CODE = "credit_code", "信用代码修复", "repair credit codes"
    NAME = "name", "名称规范", "normalise names"
    REGION = "region", "地址识别区划", "region from address"
    TRADE = "trade", "识别组织形式与行业", "legal form and trade"
    CODES = "codes", "代码转换", "map codes"
    SPLIT = "split", "拆分列", "split a column"
    MERGE = "merge", "合并列", "join columns"
    DERIVE = "derive", "计算列", "computed column"
    LOOKUP = "lookup", "关联取值", "look up"
    FILTER = "filter", "筛选行", "keep rows"
    DEDUPE = "dedupe", "去重", "remove repeats"
    RENAME = "rename", "改列名", "rename"
    SELECT = "select", "选择列", "choose columns"
    DROP = "drop", "删除列", "drop columns"


class OnFault(Word):
    """What becomes of a value that a step cannot read."""

    EMPTY = "empty", "置空并计数", "leave it empty and count it"
    KEEP = "keep", "保留原值并计数", "keep it as it was and count it"
    ASIDE = "aside", "该行不进结果表", "leave the row out"
    STOP = "stop", "停止运行", "stop the run"


class StepParamType(StrEnum):
    """What a parameter of a step is."""

    CHOICE = "choice"
    CODE_SET = "code_set"
    COLUMN = "column"
    """A column of the rows at hand."""
    COLUMNS_OF = "columns_of"
    """Columns of the table that the parameter ``table`` names, separated by commas."""
    EXPRESSION = "expression"
    NAME = "name"
    """Name of a column to make."""
    NAMES = "names"
    NUMBER = "number"
    PAIRS = "pairs"
    """Lines of ``from=to``."""
    PATTERN = "pattern"
    TABLE = "table"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class StepParam:
    """One parameter of a kind of step."""

    name: str
    type: StepParamType
    text: Text
    required: bool = False
    default: str = ""
    choices: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepOf:
    """What a kind of step takes."""

    columns: tuple[int, int | None]
    """How many columns at least and at most (None: any number)."""
    params: tuple[StepParam, ...] = ()
    can_fail: bool = False
    """Whether there are values that it cannot read."""
    keeps_type: bool = True
    """Whether a value that it cannot read may stay as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a kind, the columns it is about and its parameters."""

    kind: StepKind
    columns: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    on_fault: OnFault = OnFault.EMPTY

    def param(self, name: str) -> str:
        """Return a parameter, by default what its kind says."""
        given = self.params.get(name, "")
        return given or next((p.default for p in STEPS[self.kind].params if p.name == name), "")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the step as plain data."""
        return {
            "kind": self.kind.value,
            "columns": list(self.columns),
            "params": dict(self.params),
            "on_fault": self.on_fault.value,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Step:
        """Read what ``to_json`` gave."""
        return cls(
            kind=StepKind(value["kind"]),
            columns=tuple(value.get("columns", ())),
            params={str(name): str(given) for name, given in value.get("params", {}).items()},
            on_fault=OnFault(value.get("on_fault", OnFault.EMPTY)),
        )


def _choice(name: str, text: Text, /, **choices: Text) -> StepParam:
    return StepParam(name, StepParamType.CHOICE, text, default=next(iter(choices)), choices=choices)


_INTO: Final = StepParam("into", StepParamType.NAME, Text("结果列名（空为就地修改）", "new column (empty: in place)"))
_YES_NO: Final = {"no": Text("否", "no"), "yes": Text("是", "yes")}
_PLACEHOLDERS: Final = "N/A,NA,NULL,null,None,无,暂无,不详,未知,-,--,—,/,\\"

STEPS: Final[dict[StepKind, StepOf]] = {
    StepKind.TRIM: StepOf(
        (1, None),
        (
            _choice(
                "inner",
                Text("中间的空白", "blanks inside"),
                one=Text("连续的并为一个", "several become one"),
                none=Text("全部去除", "all go"),
                keep=Text("不动", "stay"),
            ),
        ),
    ),
    StepKind.NARROW: StepOf((1, None)),
    StepKind.BLANK: StepOf(
        (1, None),
        (
            StepParam(
                "values",
                StepParamType.TEXT,
                Text("占位词（逗号分隔）", "placeholders, by commas"),
                default=_PLACEHOLDERS,
            ),
        ),
    ),
    StepKind.REPLACE: StepOf(
        (1, None),
        (
            StepParam("find", StepParamType.PATTERN, Text("查找", "find"), required=True),
            StepParam("by", StepParamType.TEXT, Text("替换为", "replace by")),
            _choice("pattern", Text("查找内容是正则表达式", "what is found is a pattern"), **_YES_NO),
        ),
    ),
    StepKind.CASE: StepOf(
        (1, None),
        (_choice("to", Text("转为", "to"), upper=Text("大写", "upper"), lower=Text("小写", "lower")),),
    ),
    StepKind.FILL: StepOf((1, None), (StepParam("value", StepParamType.TEXT, Text("缺省值", "value"), required=True),)),
    StepKind.DATE: StepOf(
        (1, None),
        (
            _choice(
                "order",
                Text("年月日的次序", "order"),
                ymd=Text("年月日", "year month day"),
                dmy=Text("日月年", "day month year"),
                mdy=Text("月日年", "month day year"),
            ),
            _choice(
                "month_only",
                Text("只有年月的", "a month alone"),
                fault=Text("无法识别", "cannot be read"),
                first=Text("取当月第一天", "is its first day"),
            ),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.NUMBER: StepOf(
        (1, None),
        (
            StepParam("decimals", StepParamType.NUMBER, Text("小数位数", "decimals"), default="4"),
            _choice(
                "units",
                Text("识别百分号与 万、亿", "read percent signs, 万 and 亿"),
                yes=_YES_NO["yes"],
                no=_YES_NO["no"],
            ),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.MONEY: StepOf(
        (1, 1),
        (
            StepParam("amount", StepParamType.NAME, Text("金额列名（元）", "column of the amount (units)")),
            StepParam("currency", StepParamType.NAME, Text("币种列名", "column of the currency")),
            StepParam("default", StepParamType.TEXT, Text("未写币种时", "where none is written"), default="CNY"),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.IDENTITY: StepOf((1, None), can_fail=True),
    StepKind.CREDIT_CODE: StepOf((1, None), can_fail=True),
    StepKind.NAME: StepOf(
        (1, None),
        (
            _choice(
                "of",
                Text("名称类型", "names of"),
                organisation=Text("机构", "organisations"),
                person=Text("人", "persons"),
            ),
        ),
    ),
    StepKind.REGION: StepOf(
        (1, 1),
        (
            StepParam("code", StepParamType.COLUMN, Text("辅助列：信用代码", "helped by a credit code")),
            StepParam("place", StepParamType.COLUMN, Text("辅助列：地区名", "helped by the name of a place")),
            _choice(
                "parts",
                Text("乡镇街道、村社区、路街巷、门牌号", "township, village, road and door number"),
                no=Text("不拆分", "not read"),
                yes=Text("拆分为各列", "read into columns"),
            ),
            StepParam("prefix", StepParamType.NAME, Text("结果列名前缀", "new columns begin with"), default=""),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.TRADE: StepOf(
        (1, 1),
        (
            StepParam("scope", StepParamType.COLUMN, Text("辅助列：经营范围", "helped by a scope of business")),
            StepParam("prefix", StepParamType.NAME, Text("结果列名前缀", "new columns begin with"), default=""),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.CODES: StepOf(
        (1, 1),
        (
            StepParam("code_set", StepParamType.CODE_SET, Text("代码集", "code set")),
            _choice(
                "to",
                Text("转为", "to"),
                code=Text("代码", "codes"),
                name=Text("中文名称", "Chinese names"),
                successor=Text("现行代码", "the codes that hold today"),
            ),
            StepParam("pairs", StepParamType.PAIRS, Text("对照（每行 原值=新值）", "pairs, a line each: from=to")),
            _INTO,
            StepParam(
                "candidates",
                StepParamType.NAME,
                Text("候选列名（转为现行代码时）", "column of the candidates (to the codes that hold today)"),
            ),
        ),
        can_fail=True,
    ),
    StepKind.SPLIT: StepOf(
        (1, 1),
        (
            StepParam("by", StepParamType.TEXT, Text("分隔符", "separator"), required=True),
            StepParam(
                "into", StepParamType.NAMES, Text("结果列名（逗号分隔）", "new columns, by commas"), required=True
            ),
        ),
    ),
    StepKind.MERGE: StepOf(
        (1, None),
        (
            StepParam("by", StepParamType.TEXT, Text("连接符", "between them")),
            StepParam("into", StepParamType.NAME, Text("结果列名", "new column"), required=True),
        ),
    ),
    StepKind.DERIVE: StepOf(
        (0, 0),
        (
            StepParam("into", StepParamType.NAME, Text("结果列名", "new column"), required=True),
            StepParam("expression", StepParamType.EXPRESSION, Text("算式", "expression"), required=True),
        ),
    ),
    StepKind.LOOKUP: StepOf(
        (1, 3),
        (
            StepParam("table", StepParamType.TABLE, Text("对照表", "other table"), required=True),
            StepParam(
                "key",
                StepParamType.COLUMNS_OF,
                Text("对照表的键列（逗号分隔）", "its key columns, by commas"),
                required=True,
            ),
            StepParam(
                "take",
                StepParamType.COLUMNS_OF,
                Text("取哪些列（逗号分隔）", "columns to take, by commas"),
                required=True,
            ),
            StepParam("prefix", StepParamType.NAME, Text("结果列名前缀", "new columns begin with")),
        ),
        can_fail=True,
        keeps_type=False,
    ),
    StepKind.FILTER: StepOf(
        (0, 0),
        (
            StepParam(
                "expression", StepParamType.EXPRESSION, Text("保留满足条件的行", "keep rows where"), required=True
            ),
        ),
    ),
    StepKind.DEDUPE: StepOf(
        (1, None),
        (
            StepParam("order", StepParamType.COLUMN, Text("按此列取舍", "decided by")),
            _choice(
                "keep",
                Text("保留", "keep"),
                last=Text("最大（最新）的", "the greatest"),
                first=Text("最小的", "the least"),
            ),
        ),
    ),
    StepKind.RENAME: StepOf(
        (1, 1), (StepParam("into", StepParamType.NAME, Text("新列名", "new name"), required=True),)
    ),
    StepKind.SELECT: StepOf((1, None)),
    StepKind.DROP: StepOf((1, None)),
}
