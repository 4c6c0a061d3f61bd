"""Lowering a grade takes two persons (`standards.md` 7.4): who proposed it, what it would change, who decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from beijiang.kit import Shown, Text, Word
from beijiang.protection.models.grades import ColumnGrade, GradeSource, Level, Personal
from beijiang.protection.models.reference import roles_of_kinds

__all__ = [
    "Corrected",
    "Floor",
    "Lowering",
    "LoweringState",
    "LoweringView",
    "Matter",
    "is_weaker",
    "raised",
]

_HIDES = frozenset({"full", "null"})


class Matter(Word):
    """What would become weaker."""

    COLUMN = "column", "数据项的分级或类型", "grade or kind of a column"
    ELEMENT = "element", "数据元的最低等级", "least grade of a data element"
    ASSESSMENT = "assessment", "整表定级", "assessment of a table"


class LoweringState(Word):
    """How a proposal stands."""

    OPEN = "open", "待决定", "waits"
    APPROVED = "approved", "已同意", "agreed to"
    REFUSED = "refused", "未同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """A change that shows more than before; until another person agrees, what is stricter holds."""

    id: str
    table: str
    org_id: str
    matter: Matter
    column: str
    """Empty for a whole table."""
    level: Level
    kind: str
    """What the column would hold; empty where that does not change."""
    subject: str
    """Of an assessment or a floor its id, else empty."""
    words: str
    """What it was when this was proposed, and what it would be."""
    reason: str
    by: str
    by_name: str
    at: datetime
    state: LoweringState = LoweringState.OPEN
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    decision: str = ""


@dataclass(frozen=True, slots=True)
class LoweringView:
    """A proposal with what holds now and what the reader may do with it."""

    lowering: Lowering
    now: str
    """Grade and kind in force, or tier and grade of the table."""
    may_decide: bool
    may_withdraw: bool

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on: the change, why, and what holds now."""
        one = self.lowering
        change = [one.matter, one.table, one.column, one.level, one.kind, one.subject, one.words]
        return Shown(
            {
                Text("变更", "change"): change,
                Text("理由", "reason"): one.reason,
                Text("现状", "what holds now"): self.now,
                Text("状态", "state"): one.state,
            }
        )


class Corrected(NamedTuple):
    """What came of a correction: the grade in force, and the proposal if a part of it has to wait."""

    grade: ColumnGrade
    lowering: Lowering | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A least grade of a column, or of all columns of a table, until it is ended."""

    id: str
    table: str
    column: str
    """Empty: every column."""
    source: GradeSource
    subject: str
    """The data element, or the id of the assessment."""
    level: Level
    tier: str
    """The legal tier that an assessment found; empty for a data element."""
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None = None


def raised(grade: ColumnGrade, floors: Iterable[Floor]) -> ColumnGrade:
    """Return a grade no lower than the floors of its column (就高从严), and which one raised it."""
    bound = [one for one in floors if one.column in {"", grade.column}]
    top = max(bound, key=lambda one: one.level.rank, default=None)
    if top is None or top.level.rank <= grade.level.rank:
        return grade
    return replace(grade, level=top.level, source=top.source, reason=top.reason, by=top.by, at=top.at)


def is_weaker(now: ColumnGrade, wanted: ColumnGrade) -> bool:
    """Tell whether a change may show more: a lower grade, less personal, another mask, or no longer counted for anonymity."""
    personal = list(Personal)
    roles = roles_of_kinds()
    lost = now.kind in roles and roles.get(wanted.kind) != roles[now.kind]
    shown = now.level is not Level.L1 and wanted.mask not in {now.mask, *_HIDES}
    return (
        wanted.level.rank < now.level.rank
        or personal.index(wanted.personal) < personal.index(now.personal)
        or lost
        or shown
    )
