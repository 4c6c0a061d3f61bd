"""Steps that make one value of one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.patterns import checked_pattern
from beijiang.recipes.models import readings, texts
from beijiang.recipes.models.frame import Made, cell, is_blank, is_null, literal
from beijiang.recipes.models.params import whole_in
from beijiang.recipes.models.steps import STEPS, Step, StepKind
from beijiang.recipes.models.types import typed

if TYPE_CHECKING:
    from beijiang.recipes.models.kitchen import Kitchen

__all__ = ["each_cell"]

DECIMALS_MOST: Final = 8


def each_cell(kitchen: Kitchen, step: Step) -> None:
    """Compile a step that makes of each of its columns one value."""
    made: dict[str, Made] = {}
    faults: dict[str, exp.Expr] = {}
    for column in step.columns:
        value, kind = _value_of(kitchen, step, column)
        value = kitchen.keep(value) if STEPS[step.kind].can_fail else value
        made[column] = Made(value, kind)
        if STEPS[step.kind].can_fail:
            blank = is_blank(cell(column), kitchen.frame.types[column])
            faults[column] = exp.and_(exp.not_(blank), is_null(value))
    kitchen.watch(step, made, faults)


def _value_of(kitchen: Kitchen, step: Step, column: str) -> tuple[exp.Expr, str]:
    """Return what a step makes of one column, and its type."""
    kind = kitchen.frame.types[column]
    if step.kind is StepKind.FILL:
        given = literal(step.param("value")) if kind == "text" else typed(step.param("value"), kind)
        return exp.Case().when(is_blank(cell(column), kind), given).else_(cell(column)), kind
    if step.kind is StepKind.DATE:
        return _day(kitchen, step, column), "date"
    if step.kind is StepKind.NUMBER:
        return _number(kitchen, step, column), "decimal"
    text = kitchen.text(column)
    if step.kind is StepKind.IDENTITY:
        return readings.citizen_number(text, kitchen.keep), "text"
    if step.kind is StepKind.CREDIT_CODE:
        return readings.credit_code(text, kitchen.keep), "text"
    return _TEXTS[step.kind](text, step), "text"


def _day(kitchen: Kitchen, step: Step, column: str) -> exp.Expr:
    if kitchen.frame.types[column] in {"date", "timestamp"}:
        return exp.cast(cell(column), "DATE")
    return readings.day(kitchen.text(column), step.param("order"), step.param("month_only"), kitchen.keep)


def _number(kitchen: Kitchen, step: Step, column: str) -> exp.Expr:
    decimals = whole_in(step, "decimals", DECIMALS_MOST)
    if kitchen.frame.types[column] != "text":
        return exp.TryCast(this=cell(column), to=exp.DataType.build(f"DECIMAL(38, {decimals})"))
    units = step.param("units") == "yes"
    return readings.numeric(cell(column), decimals, units=units, keep=kitchen.keep)


def _blanked(text: exp.Expr, step: Step) -> exp.Expr:
    words = [word.strip().upper() for word in step.param("values").replace("，", ",").split(",")]
    plain = exp.Upper(this=texts.trimmed(texts.narrowed(text), "keep"))
    empty = exp.In(this=plain, expressions=[literal(word) for word in dict.fromkeys([*words, ""])])
    return exp.Case().when(exp.not_(empty), text)


def _replaced(text: exp.Expr, step: Step) -> exp.Expr:
    """Replace what was asked for; in what stands in its place nothing has a meaning of its own."""
    by = step.params.get("by", "")
    if step.param("pattern") == "yes":
        return texts.replaced(text, checked_pattern(step.param("find")), by)
    return exp.Replace(this=text, expression=literal(step.param("find")), replacement=literal(by))


_TEXTS: Final[dict[StepKind, Callable[[exp.Expr, Step], exp.Expr]]] = {
    StepKind.TRIM: lambda text, step: texts.trimmed(text, step.param("inner")),
    StepKind.NARROW: lambda text, _: texts.narrowed(text),
    StepKind.BLANK: _blanked,
    StepKind.REPLACE: _replaced,
    StepKind.CASE: lambda text, step: (exp.Upper if step.param("to") == "upper" else exp.Lower)(this=text),
    StepKind.NAME: lambda text, step: (texts.person if step.param("of") == "person" else texts.organisation)(text),
}
