"""Statistical indicators: what is measured and by whom, values with their revisions, targets (`standards.md` 10.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from beijiang.assess.models.periods import Period, PeriodKind
from beijiang.kit import Invalid, Shown, Text, Word

__all__ = [
    "REGION",
    "Better",
    "Figure",
    "FigureDraft",
    "FigureRow",
    "FigureView",
    "Operator",
    "Stage",
    "Target",
    "Value",
    "ValueDraft",
    "ValueKind",
    "ValueState",
    "holding",
    "met",
    "read_number",
]

REGION: Final = "150000"
"""The region itself (GB/T 2260), where a value names no other."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,59}", re.ASCII)
_DIGITS: Final = 30
_VALUE: Final = Text("数值", "value")
_NEWEST: Final = Text("这个数值的最新修订", "newest revision of this value")
_DEFINED: Final = Text("指标定义的版本", "version of the indicator's definition")
_EMPTY: Final = {"name_zh": Text("名称", "the name"), "unit_zh": Text("单位", "the unit")}


class ValueKind(Word):
    """What a value is."""

    LEVEL = "level", "总量", "level"
    GROWTH = "growth", "增速", "growth"
    RATIO = "ratio", "比率", "ratio"
    INDEX = "index", "指数", "index"
    MILESTONE = "milestone", "节点（是/否）", "milestone (yes or no)"


class Better(Word):
    """Which way is better."""

    HIGHER = "higher", "越高越好", "higher"
    LOWER = "lower", "越低越好", "lower"
    NONE = "none", "不分高低", "neither"


class Stage(Word):
    """How final a value is."""

    FLASH = "flash", "快报", "flash"
    PRELIMINARY = "preliminary", "初步核算", "preliminary"
    FINAL = "final", "最终", "final"


class ValueState(Word):
    """How a value stands."""

    PROPOSED = "proposed", "待审批", "waiting"
    APPROVED = "approved", "已发布", "released"
    RETURNED = "returned", "已退回", "returned"


class Operator(Word):
    """How a target is held against a value."""

    AT_LEAST = "≥", "不低于", "at least"
    EXACTLY = "=", "达到", "reach"
    AT_MOST = "≤", "不高于", "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureDraft:
    """A statistical indicator as somebody wants it."""

    code: str
    name_zh: str
    name_en: str
    definition: str
    unit_zh: str
    unit_en: str
    period_kind: PeriodKind
    value_kind: ValueKind
    better: Better
    org_id: str
    """The responsible department."""
    source: str = ""
    basis: str = ""
    formula: str = ""
    dimensions: tuple[str, ...] = ()

    def checked(self) -> FigureDraft:
        """Return the draft if it makes sense by itself.

        Raises:
            Invalid: the code is no slug, or name or unit is empty (``bad_figure``).

        """
        if not _CODE.fullmatch(self.code):
            raise Invalid(
                f"指标代码“{self.code[:60]}”须以小写字母开头，只含小写字母、数字和下划线。",
                f'The code "{self.code[:60]}" begins with a lower-case letter and has such letters, digits and _ only.',
                code="bad_figure",
            )
        for name, text in _EMPTY.items():
            if not getattr(self, name).strip():
                raise Invalid(f"请填写{text.zh}。", f"Give {text.en}.", code="bad_figure")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(FigureDraft):
    """A version of a statistical indicator; older ones are kept."""

    version: int
    retired: bool = False
    reason: str
    by: str
    by_name: str
    at: datetime

    @property
    def name(self) -> Text:
        """Return its name."""
        return Text(self.name_zh, self.name_en or self.name_zh)

    @property
    def unit(self) -> Text:
        """Return its unit."""
        return Text(self.unit_zh, self.unit_en or self.unit_zh)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDraft:
    """A value as it is reported; the number is exact, as text."""

    code: str
    period: Period
    value: str
    region: str = REGION
    dimension: str = ""
    stage: Stage = Stage.FINAL
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(ValueDraft):
    """One revision of a value; the newest approved one is what holds."""

    id: str
    revision: int
    state: ValueState
    reason: str
    by: str
    by_name: str
    at: datetime
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    """When it was released, once approved."""
    decision: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Return what it is a value of."""
        return (self.code, self.region, str(self.period), self.dimension)

    @property
    def number(self) -> Decimal:
        """Return the number."""
        return Decimal(self.value)

    def shown(self, figure: Figure, newest: int) -> Shown:
        """Return what somebody decides on who releases it: the number, what it is a number of, and that nothing newer waits."""
        told = (*self.place, self.value, self.stage.value, self.source, self.reason)
        return Shown({_VALUE: told, _NEWEST: newest, _DEFINED: figure.version})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a value should come to."""

    code: str
    region: str
    period: Period
    operator: Operator
    value: str
    basis: str
    org_id: str
    by_name: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FigureRow:
    """An indicator with its newest value of the region, the target of that or the newest period, and whether it is met."""

    figure: Figure
    value: Value | None
    target: Target | None
    met: bool | None
    waiting: int
    """Values that wait for somebody's approval."""


@dataclass(frozen=True, slots=True)
class FigureView:
    """All that is known of an indicator."""

    figure: Figure
    versions: Sequence[Figure]
    values: Sequence[Value]
    """What holds, oldest period first."""
    revisions: Sequence[Value]
    """Every revision that the reader may see, the newest first."""
    targets: Sequence[Target]

    @property
    def seen(self) -> dict[str, str]:
        """Return, by the id of each value that waits, the token of what is decided on who releases it."""
        newest = {one.place: one.revision for one in sorted(self.revisions, key=lambda one: one.revision)}
        waiting = [one for one in self.revisions if one.state is ValueState.PROPOSED]
        return {one.id: one.shown(self.figure, newest[one.place]).token for one in waiting}


def holding(values: Sequence[Value]) -> list[Value]:
    """Return what holds: the newest released revision of each value, oldest period first."""
    found: dict[tuple[str, str, str, str], Value] = {}
    for value in sorted(values, key=lambda v: v.revision):
        if value.state is ValueState.APPROVED:
            found[value.place] = value
    return sorted(found.values(), key=lambda v: (v.code, v.period.first, v.region, v.dimension))


def met(target: Target, value: Value, better: Better) -> bool:
    """Tell whether a value meets a target; "reach" is met from there on in the better direction, exactly where there is none."""
    have, want = value.number, Decimal(target.value)
    if target.operator is Operator.AT_LEAST or (target.operator is Operator.EXACTLY and better is Better.HIGHER):
        return have >= want
    if target.operator is Operator.AT_MOST or (target.operator is Operator.EXACTLY and better is Better.LOWER):
        return have <= want
    return have == want


def read_number(words: str) -> str:
    """Return a number as exact text.

    Raises:
        Invalid: it is none, or longer than 30 digits (``bad_number``).

    """
    text = words.strip().replace(",", "").removesuffix("%").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or len(text) > _DIGITS or number.adjusted() > _DIGITS:
        raise Invalid(f"“{words[:40]}”不是数值。", f'"{words[:40]}" is no number.', code="bad_number")
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
