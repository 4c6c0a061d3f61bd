"""A grade that is lowered, with the agreement of a second person, as the platform asks for it."""

from __future__ import annotations

from typing import Any, Final

from beijiang.access import Role
from beijiang.kit import Actor, ActorKind
from beijiang.protection import ColumnGrade, Protection

SECOND: Final = Actor("person_second", "复核人", ActorKind.PERSON, "bigdata", frozenset({str(Role.BUREAU_REVIEWER)}))


def lowered(protection: Protection, actor: Actor, table: str, column: str, **words: Any) -> ColumnGrade:
    """Correct a column and, where that waits for it, let a reviewer of the bureau agree; return the grade in force."""
    made = protection.correct(actor, table, column, **words)
    if made.lowering is None:
        return made.grade
    protection.decide_lowering(SECOND, made.lowering.id, agree=True)
    return protection.grades_of(table)[column]
