"""Where a recipe is compiled: the frame as far as it is, what it is compiled in, and how a step is put onto it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.recipes.models.frame import HIDDEN_MARK, Frame, Made, cell, differ, is_null
from beijiang.recipes.models.steps import STEPS, OnFault, Step

if TYPE_CHECKING:
    from beijiang.recipes.models.places import Places
    from beijiang.tables import Column

__all__ = ["BEFORE", "Kitchen", "Surroundings"]

BEFORE: Final = f"{HIDDEN_MARK}before:"
"""A column of the source as it was, beside what became of it."""
_KEPT: Final = f"{HIDDEN_MARK}kept:"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a recipe is compiled in: the source, and what other tables and the standards say."""

    table: str
    columns: Sequence[Column]
    history: bool
    today: date
    places: Callable[[], Places]
    codes: Callable[[str], Sequence[tuple[str, str]]]
    """Codes and Chinese names of a code set."""
    successors: Callable[[str], Mapping[str, Sequence[tuple[str, str]]]]
    """For every code that a code set ever had, codes and Chinese names of those that hold today in its place."""
    columns_of: Callable[[str], Sequence[Column]]
    """Columns of another table."""
    keeps_history: Callable[[str], bool]
    """Whether the rows of another table are states, of which some hold no more."""


class Kitchen:
    """Takes one step after the other onto the frame."""

    def __init__(self, around: Surroundings, *, audit: bool, positions: bool, lineage: bool) -> None:
        self.around = around
        self.audit = audit
        self.lineage = lineage
        """Whether the tree is read for what came from what, and not run."""
        self.frame = Frame(around.table, around.columns, history=around.history, positions=positions, apart=lineage)
        self.tables = [around.table]
        self.aside: exp.Expr = exp.false()
        self.place = 0
        self._serial = 0
        self._standing: set[str] = set()
        if audit:
            self.frame.put({}, {f"{BEFORE}{name}": cell(name) for name in self.frame.types})

    def begin(self, place: int) -> None:
        """Turn to the step of this number."""
        self.place = place
        self._standing = set(self.frame.hidden)

    def end(self) -> None:
        """Let hidden columns go that the step needed for itself."""
        flags = {f"{HIDDEN_MARK}{letter}{self.place}" for letter in "cf"}
        self.frame.forget(name for name in self.frame.hidden if name not in self._standing | flags)

    def keep(self, value: exp.Expr) -> exp.Expr:
        """Compute a value in a layer below and return the column that it is."""
        if isinstance(value, exp.Column):
            return value
        self._serial += 1
        name = f"{_KEPT}{self._serial}"
        self.frame.put({}, {name: value})
        return cell(name)

    def text(self, column: str) -> exp.Expr:
        """Return a cell as a text."""
        return cell(column) if self.frame.types[column] in {"text", "geometry"} else exp.cast(cell(column), "VARCHAR")

    def watch(self, step: Step, made: Mapping[str, Made], faults: Mapping[str, exp.Expr]) -> None:
        """Put what a step makes onto the frame, see to what it could not read, and note what it changed.

        ``faults`` tells of a made column when it could not be read.
        """
        found = dict(made)
        if step.on_fault is OnFault.KEEP and STEPS[step.kind].keeps_type:
            for name, unread in faults.items():
                own = self.text(name if name in step.columns else step.columns[0])
                found[name] = Made(exp.Case().when(unread.copy(), own).else_(made[name].value), made[name].type)
        fault: exp.Expr | None = exp.or_(*(one.copy() for one in faults.values()), copy=False) if faults else None
        leaves = fault is not None and step.on_fault is OnFault.ASIDE
        hidden: dict[str, exp.Expr] = {}
        if fault is not None and (self.audit or leaves):
            hidden[f"{HIDDEN_MARK}f{self.place}"] = exp.Coalesce(this=exp.paren(fault), expressions=[exp.false()])
        if self.audit:
            changed: list[exp.Expr] = [
                differ(one.value, cell(name))
                for name, one in found.items()
                if name in self.frame.types and one.type == self.frame.types[name]
            ] or [exp.Not(this=is_null(one.value)) for one in found.values()]
            hidden[f"{HIDDEN_MARK}c{self.place}"] = exp.paren(exp.or_(*changed, copy=False))
        self.frame.put(found, hidden)
        flag = cell(f"{HIDDEN_MARK}f{self.place}")
        if leaves and self.audit:
            self.aside = exp.Or(this=self.aside, expression=flag)
        elif leaves:
            self.frame.only(exp.Not(this=flag))
