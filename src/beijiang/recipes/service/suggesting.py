"""Proposing steps: what the columns of a table look like, counted over all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.checksums import full_match
from beijiang.engine.port import LAKE
from beijiang.kit import Text
from beijiang.recipes.models import readings, texts
from beijiang.recipes.models.frame import is_blank, is_null, literal
from beijiang.recipes.models.steps import Step, StepKind
from beijiang.recipes.service.running import Running

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.tables import Measured

__all__ = ["Recipes", "StepSuggestion"]

LIKELY: Final = 0.9
COLUMNS_MOST: Final = 200
_PLACEHOLDERS: Final = ("N/A", "NA", "NULL", "NONE", "无", "暂无", "不详", "未知", "-", "--", "—", "/")
_NO_NUMBERS: Final = ("码", "号", "电话", "邮编")
"""Names of columns whose digits are no numbers."""
_REPAIRS: Final = (
    ("none", StepKind.BLANK, Text("有“无、N/A”一类的占位词", "placeholders such as N/A stand for nothing")),
    ("wide", StepKind.NARROW, Text("有全角字符", "full-width characters")),
    ("edge", StepKind.TRIM, Text("首尾有空白", "blanks at the ends")),
    ("old", StepKind.IDENTITY, Text("有 15 位的旧身份证号", "citizen numbers of 15 digits")),
)
_CONVERSIONS: Final = (
    ("money", StepKind.MONEY, Text("像带单位的金额", "amounts with units")),
    ("day", StepKind.DATE, Text("像日期", "days")),
    ("number", StepKind.NUMBER, Text("像数值", "numbers")),
)
_BY_NAME: Final = (
    (
        StepKind.REGION,
        ("地址", "住所", "经营场所"),
        Text("可从地址识别区划", "the region can be read from the address"),
    ),
    (
        StepKind.NAME,
        ("企业名称", "单位名称", "机构名称", "公司名称"),
        Text("机构名称的括号和空格写法不一", "brackets and blanks of names differ"),
    ),
)
_SIGNS: Final = tuple(sign for sign, _, _ in (*_REPAIRS, *_CONVERSIONS))


@dataclass(frozen=True, slots=True)
class StepSuggestion:
    """A step that the table seems to need, and in how many of its values."""

    step: Step
    why: Text
    values: int
    of: int


class Recipes(Running):
    """Derived tables: how each is made, and made anew whenever a source is written."""

    def suggest(self, actor: Actor, table: str) -> Sequence[StepSuggestion]:
        """Return steps that a table seems to need, in an order that works.

        Raises:
            NotFound, Denied: no such table, or not this actor's to make others of.

        """
        self._owned(actor, table)
        measured = self.measures.version(table)
        columns = [c.name for c in measured.columns if c.type == "text"][:COLUMNS_MOST]
        if not columns:
            return []
        found = self.measures.count(_counts(measured, columns), {table: measured.version})
        made = [one for n, name in enumerate(columns) for one in _of_column(name, n, found)]
        order = list(StepKind)
        grouped: dict[tuple[StepKind, str], StepSuggestion] = {}
        for one in sorted(made, key=lambda one: order.index(one.step.kind)):
            alone = one.step.kind in {StepKind.MONEY, StepKind.REGION}
            key = one.step.kind, one.step.columns[0] if alone else ""
            before = grouped.get(key)
            grouped[key] = one if before is None else _together(before, one)
        return list(grouped.values())


def _together(one: StepSuggestion, other: StepSuggestion) -> StepSuggestion:
    step = Step(kind=one.step.kind, columns=(*one.step.columns, *other.step.columns), params=one.step.params)
    return StepSuggestion(step, one.why, one.values + other.values, one.of + other.of)


def _counts(table: Measured, columns: Sequence[str]) -> exp.Select:
    """Return how many values of each column are filled, and how many have each of the shapes."""
    shown: list[exp.Expr] = []
    for n, name in enumerate(columns):
        value = exp.column(exp.to_identifier(name, quoted=True))
        filled = exp.not_(is_blank(value, "text"))
        tests = {
            "b": filled,
            "edge": exp.NEQ(this=value.copy(), expression=texts.trimmed(value, "keep")),
            "wide": exp.NEQ(this=value.copy(), expression=texts.narrowed(value)),
            "none": exp.In(this=exp.Upper(this=value.copy()), expressions=[literal(word) for word in _PLACEHOLDERS]),
            "day": exp.not_(is_null(readings.day(value, "ymd", "fault", _same))),
            "money": exp.and_(
                exp.not_(is_null(readings.money(value, "CNY", _same)[0])), full_match(value, ".*[万亿元圆].*")
            ),
            "number": full_match(value, r"[-+]?[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?[%万亿]?"),
            "lead": full_match(value, r"0[0-9].*"),
            "old": full_match(value, "[1-9][0-9]{5}[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"),
        }
        shown += [exp.alias_(exp.CountIf(this=test), f"{key}{n}") for key, test in tests.items()]
    return exp.select(*shown).from_(exp.table_(exp.to_identifier(table.table, quoted=True), db=LAKE))


def _same(value: exp.Expr) -> exp.Expr:
    return value


def _of_column(name: str, n: int, found: dict[str, int]) -> list[StepSuggestion]:
    """Return what one column seems to need."""
    count = {key: found[f"{key}{n}"] for key in (*_SIGNS, "b", "lead")}
    real = count["b"] - count["none"]
    made = [(kind, count[sign], why) for sign, kind, why in _REPAIRS if count[sign]]
    if real:
        made += _conversion(name, count, real)
        made += [(kind, real, why) for kind, words, why in _BY_NAME if any(word in name for word in words)]
    return [StepSuggestion(Step(kind=kind, columns=(name,)), why, values, count["b"]) for kind, values, why in made]


def _conversion(name: str, count: Mapping[str, int], real: int) -> list[tuple[StepKind, int, Text]]:
    """Return what nearly all values of a column can be read as, if they are codes and names of nothing else."""
    if any(word in name for word in _NO_NUMBERS) or count["lead"]:
        return []
    return [(kind, count[sign], why) for sign, kind, why in _CONVERSIONS if count[sign] >= LIKELY * real][:1]
