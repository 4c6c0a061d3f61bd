"""A recipe as one query: its steps in order, each a layer or two, and beside it what they change and cannot read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.engine.port import AT, PART
from beijiang.kit import Invalid
from beijiang.quality import unknown_column
from beijiang.recipes.models.cells import each_cell
from beijiang.recipes.models.frame import HIDDEN_MARK, Frame, cell
from beijiang.recipes.models.kitchen import BEFORE, Kitchen, Surroundings
from beijiang.recipes.models.params import check_param
from beijiang.recipes.models.shaping import SHAPING
from beijiang.recipes.models.steps import STEPS, Step, StepParamType

__all__ = ["ASIDE", "Compiled", "compiled"]

ASIDE: Final = f"{HIDDEN_MARK}aside"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A recipe as a tree over ``lake.<table>``."""

    frame: Frame
    tables: tuple[str, ...]
    """The tables that it names, the source first."""
    before: tuple[str, ...]
    """Columns of the source, which an audit carries along."""

    @property
    def types(self) -> Mapping[str, str]:
        """Return the columns that come out, with the platform's words for their types."""
        return self.frame.types

    @property
    def comments(self) -> Mapping[str, str]:
        """Return the meanings of columns that came through."""
        return {name: text for name, text in self.frame.comments.items() if text and name in self.frame.types}

    def query(self) -> exp.Select:
        """Return the rows of the result."""
        return self.frame.query()

    def counts(self, steps: int) -> exp.Select:
        """Return one row: ``rows`` and ``aside``, and for each step ``c0`` (rows changed) and ``f0`` (rows with a fault)."""
        shown: list[exp.Expr] = [
            exp.alias_(exp.CountIf(this=exp.Not(this=cell(ASIDE))), "rows"),
            exp.alias_(exp.CountIf(this=cell(ASIDE)), "aside"),
        ]
        hidden = set(self.frame.hidden)
        for place in range(steps):
            for letter in "cf":
                flag = f"{HIDDEN_MARK}{letter}{place}"
                if flag in hidden:
                    shown.append(exp.alias_(exp.CountIf(this=cell(flag)), f"{letter}{place}"))
        return self.frame.query(shown)

    def faulty(self, step: int, limit: int) -> exp.Select:
        """Return the places of rows in which a step could not read a value."""
        places: list[exp.Expr] = [cell(name) for name in (PART, AT)]
        query = self.frame.query([exp.alias_(place.copy(), place.name) for place in places])
        ordered = [exp.Ordered(this=place, nulls_first=False) for place in places]
        return query.where(cell(f"{HIDDEN_MARK}f{step}")).order_by(*ordered).limit(limit)

    def sample(self, limit: int) -> exp.Select:
        """Return rows as they come out, with those of the source beside them (``_bj_before:``), changed ones first."""
        shown: list[exp.Expr] = [exp.alias_(cell(name), name, quoted=True) for name in self.types]
        shown += [
            exp.alias_(cell(f"{BEFORE}{name}"), f"{BEFORE}{name}", quoted=True)
            for name in self.before
            if f"{BEFORE}{name}" in self.frame.hidden
        ]
        shown.append(exp.alias_(cell(ASIDE), ASIDE))
        flags = [cell(name) for name in self.frame.hidden if name[len(HIDDEN_MARK) :][:1] in {"c", "f"}]
        return (
            self.frame.query(shown)
            .order_by(*(exp.Ordered(this=f, desc=True, nulls_first=False) for f in flags[:40]))
            .limit(limit)
        )


def compiled(
    steps: Sequence[Step],
    surroundings: Surroundings,
    *,
    audit: bool = False,
    positions: bool = False,
    lineage: bool = False,
) -> Compiled:
    """Return the query of a recipe.

    With ``audit`` no row is set aside, and hidden columns tell what each step changed and could not read; with
    ``positions`` each row also carries its place in the source. With ``lineage`` the tree says what came from what and is
    not to be run: look-ups stand by themselves, and repeats are not removed.

    Raises:
        Invalid: a step names an unknown column, lacks a parameter, or has one that cannot be used; its place is in ``detail``.

    """
    kitchen = Kitchen(surroundings, audit=audit, positions=positions, lineage=lineage)
    for place, step in enumerate(steps):
        try:
            _take(kitchen, place, step)
        except Invalid as error:
            raise Invalid(
                f"第 {place + 1} 步（{step.kind.text.zh}）：{error.text.zh}",
                f"Step {place + 1} ({step.kind.text.en}): {error.text.en}",
                code=error.reason,
                detail={**error.detail, "step": place},
            ) from None
    if audit:
        kitchen.frame.put({}, {ASIDE: kitchen.aside})
    before = tuple(column.name for column in surroundings.columns)
    return Compiled(kitchen.frame, tuple(kitchen.tables), before)


def _take(kitchen: Kitchen, place: int, step: Step) -> None:
    """Compile one step onto the frame."""
    _check(kitchen, step)
    kitchen.begin(place)
    SHAPING.get(step.kind, each_cell)(kitchen, step)
    kitchen.end()


def _check(kitchen: Kitchen, step: Step) -> None:
    """Return if a step has the columns and parameters that its kind takes."""
    spec = STEPS[step.kind]
    least, most = spec.columns
    if len(step.columns) < least or (most is not None and len(step.columns) > most):
        wanted = str(least) if least == most else f"{least}+" if most is None else f"{least}-{most}"
        raise Invalid(f"需要 {wanted} 列。", f"it takes {wanted} columns.", code="step_columns")
    known = {param.name: param for param in spec.params}
    for name in step.params:
        if name not in known:
            raise Invalid(f"没有参数 {name}。", f"there is no parameter {name}.", code="step_parameter")
    named = list(step.columns)
    for param in spec.params:
        value = step.params.get(param.name, "")
        check_param(param, value)
        if param.type is StepParamType.COLUMN and value:
            named.append(value)
    for name in named:
        if name not in kitchen.frame.types:
            raise unknown_column(name, kitchen.frame.types)
