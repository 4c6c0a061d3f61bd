"""Proposals that lower a grade, and the assessments of tables, in and out of the metadata database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from beijiang.protection.models.assessing import AffectedObject, Assessment, AssessmentState, Harm, Tier
from beijiang.protection.models.grades import Level
from beijiang.protection.models.lowering import Lowering, LoweringState, Matter
from beijiang.protection.store.schema import grade_lowering, table_assessment

__all__ = ["AssessmentStore", "LoweringStore"]

_L, _A = grade_lowering.c, table_assessment.c


class LoweringStore:
    """Read and write proposals on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Lowering) -> None:
        """Add a proposal."""
        values = {**asdict(one), "table_name": one.table, "column_name": one.column}
        self._connection.execute(
            insert(grade_lowering).values({k: v for k, v in values.items() if k not in {"table", "column"}})
        )

    def get(self, lowering_id: str) -> Lowering | None:
        """Return a proposal."""
        row = self._connection.execute(select(grade_lowering).where(_L.id == lowering_id)).one_or_none()
        return None if row is None else _lowering(row)

    def of_table(self, table: str) -> Sequence[Lowering]:
        """Return all proposals that were ever made of a table, newest first."""
        query = select(grade_lowering).where(_L.table_name == table).order_by(_L.at.desc(), _L.id.desc())
        return [_lowering(row) for row in self._connection.execute(query)]

    def open(self) -> Sequence[Lowering]:
        """Return what waits, oldest first."""
        query = select(grade_lowering).where(_L.state == LoweringState.OPEN).order_by(_L.at, _L.id)
        return [_lowering(row) for row in self._connection.execute(query)]

    def open_for(self, table: str, matter: Matter, column: str, subject: str = "") -> Lowering | None:
        """Return what waits about just this; a column's own grade has no subject."""
        query = select(grade_lowering).where(_L.state == LoweringState.OPEN, *_about(table, matter, column, subject))
        row = self._connection.execute(query).first()
        return None if row is None else _lowering(row)

    def asked(self, table: str, matter: Matter, column: str, subject: str) -> bool:
        """Tell whether just this was ever proposed, whatever became of it."""
        query = select(_L.id).where(*_about(table, matter, column, subject))
        return self._connection.execute(query).first() is not None

    def close(self, one: Lowering) -> bool:
        """Write what was decided; tell whether it still waited."""
        waits = (_L.id == one.id) & (_L.state == LoweringState.OPEN)
        done = update(grade_lowering).where(waits)
        values = {
            "state": one.state,
            "decided_by": one.decided_by,
            "decided_name": one.decided_name,
            "decided_at": one.decided_at,
            "decision": one.decision,
        }
        return self._connection.execute(done.values(**values)).rowcount == 1


class AssessmentStore:
    """Read and write the assessments of tables on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_table(self, table: str) -> Sequence[Assessment]:
        """Return all assessments of a table, newest first."""
        query = select(table_assessment).where(_A.table_name == table).order_by(_A.revision.desc())
        return [_assessment(row) for row in self._connection.execute(query)]

    def in_force(self) -> Sequence[Assessment]:
        """Return the assessments in force of all tables, by table."""
        query = select(table_assessment).where(_A.state == AssessmentState.IN_FORCE).order_by(_A.table_name)
        return [_assessment(row) for row in self._connection.execute(query)]

    def get(self, assessment_id: str) -> Assessment | None:
        """Return an assessment."""
        row = self._connection.execute(select(table_assessment).where(_A.id == assessment_id)).one_or_none()
        return None if row is None else _assessment(row)

    def add(self, one: Assessment) -> None:
        """Add a version."""
        values = {**asdict(one), "table_name": one.table, "harms": {str(o): str(h) for o, h in one.harms.items()}}
        values["factors"] = list(one.factors)
        self._connection.execute(insert(table_assessment).values({k: v for k, v in values.items() if k != "table"}))

    def move(self, assessment_id: str, state: AssessmentState, by: str, at: datetime) -> None:
        """Note what became of a version, and by whom."""
        moved = update(table_assessment).where(_A.id == assessment_id)
        self._connection.execute(moved.values(state=state, decided_by=by, decided_at=at))


def _about(table: str, matter: Matter, column: str, subject: str) -> tuple[ColumnElement[bool], ...]:
    return (_L.table_name == table, _L.matter == matter, _L.column_name == column, _L.subject == subject)


def _lowering(row: Row[Any]) -> Lowering:
    return Lowering(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        matter=Matter(row.matter),
        column=row.column_name,
        level=Level(row.level),
        kind=row.kind,
        subject=row.subject,
        words=row.words,
        reason=row.reason,
        by=row.by,
        by_name=row.by_name,
        at=row.at,
        state=LoweringState(row.state),
        decided_by=row.decided_by,
        decided_name=row.decided_name,
        decided_at=row.decided_at,
        decision=row.decision,
    )


def _assessment(row: Row[Any]) -> Assessment:
    return Assessment(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        revision=row.revision,
        category=row.category,
        harms={AffectedObject(o): Harm(h) for o, h in row.harms.items()},
        object=AffectedObject(row.object),
        harm=Harm(row.harm),
        tier=Tier(row.tier),
        level=Level(row.level),
        factors=tuple(row.factors),
        rows=row.rows,
        reason=row.reason,
        by=row.by,
        by_name=row.by_name,
        at=row.at,
        state=AssessmentState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
