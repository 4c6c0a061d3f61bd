"""Grades, row rules and the page-token secret, in and out of the metadata database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Row, String, bindparam, cast, insert, select, update

from beijiang.protection.models.grades import ColumnGrade, Findings, GradeSource, Level, Personal
from beijiang.protection.models.looked import Looked
from beijiang.protection.models.lowering import Floor, raised
from beijiang.protection.models.sight import Audience, RowRule
from beijiang.protection.store.schema import column_grade, grade_floor, graded_table, protection_secret, row_rule
from beijiang.tables import Filter, FilterOp, Origin, origins_from_json

__all__ = ["GradeStore", "TableFacts"]

# Asked at every read through the gate, so they are built once.
_NAME: Final[BindParameter[str]] = bindparam("name", type_=String)
_FACTS: Final = [column for column in graded_table.c if column.name != "looked"]
_TABLE: Final = select(*_FACTS).where(graded_table.c.name == _NAME)
_CURRENT: Final = (column_grade.c.table_name == _NAME) & column_grade.c.is_current.is_(True)
_IN_FORCE: Final = (row_rule.c.table_name == _NAME) & row_rule.c.ended_at.is_(None)
_BOUND: Final = (grade_floor.c.table_name == _NAME) & grade_floor.c.ended_at.is_(None)
_FLOORS: Final = select(grade_floor).where(_BOUND).order_by(grade_floor.c.set_at, grade_floor.c.id)
_IN_FORCE_IDS: Final = (
    select(cast(column_grade.c.id, String).label("one"))
    .where(_CURRENT)
    .union_all(select(grade_floor.c.id).where(_BOUND))
    .order_by("one")
)
_GRADES: Final = select(column_grade).where(_CURRENT).order_by(column_grade.c.id)
_RULES: Final = select(row_rule).where(_IN_FORCE).order_by(row_rule.c.id)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """Up to which version a table is graded, and whose it is."""

    name: str
    org_id: str
    version: int
    columns: tuple[str, ...]
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """Columns that were made from other tables' columns, with those."""


class GradeStore:
    """Read and write grades on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def table(self, name: str, *, lock: bool = False) -> TableFacts | None:
        """Return what is known of a table, None before it was graded; when locked, others who grade it wait."""
        row = self._connection.execute(_TABLE.with_for_update() if lock else _TABLE, {"name": name}).one_or_none()
        return None if row is None else _facts(row)

    def tables(self) -> list[TableFacts]:
        """Return all graded tables by name."""
        rows = self._connection.execute(select(*_FACTS).order_by(graded_table.c.name))
        return [_facts(row) for row in rows]

    def looked(self, name: str) -> Looked | None:
        """Return what was counted in a table's columns, None where nothing was kept."""
        query = select(graded_table.c.looked).where(graded_table.c.name == name)
        found = self._connection.execute(query).scalar_one_or_none()
        return None if found is None else Looked.from_json(found)

    def note_table(self, facts: TableFacts, at: datetime, looked: Looked | None = None) -> None:
        """Store that a table is graded up to this version, and what was counted for it."""
        values = {
            "org_id": facts.org_id,
            "version": facts.version,
            "columns": list(facts.columns),
            "origins": {column: [o.to_json() for o in found] for column, found in facts.origins.items()} or None,
            "looked": None if looked is None else looked.to_json(),
            "graded_at": at,
        }
        known = update(graded_table).where(graded_table.c.name == facts.name).values(**values)
        if not self._connection.execute(known).rowcount:
            self._connection.execute(insert(graded_table).values(name=facts.name, **values))

    def follow(self, name: str, number: int) -> bool:
        """Note that a table follows an announcement of its data elements; false if it follows a later one already."""
        older = (graded_table.c.name == name, graded_table.c.elements_of <= number)
        return self._connection.execute(update(graded_table).where(*older).values(elements_of=number)).rowcount == 1

    def own_of(self, tables: Collection[str]) -> dict[str, dict[str, ColumnGrade]]:
        """Return for some tables what ``own`` returns for one."""
        found: dict[str, dict[str, ColumnGrade]] = {name: {} for name in tables}
        for some in _parts(tables):
            query = select(column_grade).where(column_grade.c.table_name.in_(some), column_grade.c.is_current.is_(True))
            for row in self._connection.execute(query.order_by(column_grade.c.id)):
                found[row.table_name][row.column_name] = _grade(row)
        return found

    def floors_of_tables(self, tables: Collection[str]) -> dict[str, list[Floor]]:
        """Return for some tables what ``floors`` returns for one."""
        found: dict[str, list[Floor]] = {name: [] for name in tables}
        for some in _parts(tables):
            query = select(grade_floor).where(grade_floor.c.table_name.in_(some), grade_floor.c.ended_at.is_(None))
            for row in self._connection.execute(query.order_by(grade_floor.c.set_at, grade_floor.c.id)):
                found[row.table_name].append(_floor(row))
        return found

    def current(self, table: str) -> dict[str, ColumnGrade]:
        """Return the grades in force by column: the columns' own, raised to the floors of the table."""
        own, floors = self.own(table), self.floors(table)
        return {column: raised(grade, floors) for column, grade in own.items()} if floors else own

    def own(self, table: str) -> dict[str, ColumnGrade]:
        """Return what detectors and people say of each column, by column, without any floor."""
        return {row.column_name: _grade(row) for row in self._connection.execute(_GRADES, {"name": table})}

    def floors(self, table: str) -> list[Floor]:
        """Return the least grades of a table's columns that are in force."""
        return [_floor(row) for row in self._connection.execute(_FLOORS, {"name": table})]

    def floors_ever(self, table: str) -> list[Floor]:
        """Return all least grades that a table's columns ever had, oldest first."""
        query = select(grade_floor).where(grade_floor.c.table_name == table)
        return [_floor(row) for row in self._connection.execute(query.order_by(grade_floor.c.set_at, grade_floor.c.id))]

    def floors_of(self, subject: str) -> list[Floor]:
        """Return the least grades in force that come from a data element or an assessment."""
        query = select(grade_floor).where(grade_floor.c.subject == subject, grade_floor.c.ended_at.is_(None))
        return [_floor(row) for row in self._connection.execute(query.order_by(grade_floor.c.table_name))]

    def add_floor(self, floor: Floor) -> None:
        """Add a least grade; it holds at once."""
        self._connection.execute(
            insert(grade_floor).values(
                id=floor.id,
                table_name=floor.table,
                column_name=floor.column,
                source=floor.source,
                subject=floor.subject,
                level=floor.level,
                tier=floor.tier,
                reason=floor.reason,
                set_by=floor.by,
                set_at=floor.at,
            )
        )

    def end_floor(self, floor_id: str, at: datetime) -> None:
        """End a least grade, which stays as history."""
        living = (grade_floor.c.id == floor_id) & grade_floor.c.ended_at.is_(None)
        self._connection.execute(update(grade_floor).where(living).values(ended_at=at))

    def current_ids(self, table: str) -> tuple[str, ...]:
        """Return which revisions and floors are in force: what one says never changes, and one that ended never comes back."""
        return tuple(self._connection.execute(_IN_FORCE_IDS, {"name": table}).scalars())

    def history(self, table: str, column: str) -> list[ColumnGrade]:
        """Return all grades that a column ever had, oldest first."""
        query = select(column_grade).where(column_grade.c.table_name == table, column_grade.c.column_name == column)
        return [_grade(row) for row in self._connection.execute(query.order_by(column_grade.c.revision))]

    def add(self, grade: ColumnGrade) -> None:
        """Add a revision and make it the one in force."""
        same = (column_grade.c.table_name == grade.table) & (column_grade.c.column_name == grade.column)
        self._connection.execute(
            update(column_grade).where(same, column_grade.c.is_current.is_(True)).values(is_current=False)
        )
        self._connection.execute(
            insert(column_grade).values(
                table_name=grade.table,
                column_name=grade.column,
                revision=grade.revision,
                is_current=True,
                level=grade.level,
                kind=grade.kind,
                personal=grade.personal,
                mask=grade.mask,
                source=grade.source,
                evidence=grade.evidence.to_json(),
                detected_level=grade.detected_level,
                reason=grade.reason,
                table_version=grade.table_version,
                set_by=grade.by,
                set_at=grade.at,
            )
        )

    def rules(self, table: str) -> list[RowRule]:
        """Return the row rules in force."""
        return [_rule(row) for row in self._connection.execute(_RULES, {"name": table})]

    def rules_at(self, table: str, moment: datetime) -> list[RowRule]:
        """Return the row rules that were in force at a moment."""
        ended = row_rule.c.ended_at.is_(None) | (row_rule.c.ended_at > moment)
        query = select(row_rule).where(row_rule.c.table_name == table, row_rule.c.set_at <= moment, ended)
        return [_rule(row) for row in self._connection.execute(query.order_by(row_rule.c.id))]

    def rule(self, rule_id: str) -> RowRule | None:
        """Return a row rule in force by id."""
        query = select(row_rule).where(row_rule.c.id == rule_id, row_rule.c.ended_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _rule(row)

    def add_rule(self, rule: RowRule) -> None:
        """Add a row rule."""
        filters = [{"column": f.column, "op": str(f.op), "value": f.value} for f in rule.filters]
        self._connection.execute(
            insert(row_rule).values(
                id=rule.id,
                table_name=rule.table,
                audience=rule.audience,
                filters=filters,
                reason=rule.reason,
                set_by=rule.by,
                set_at=rule.at,
            )
        )

    def end_rule(self, rule_id: str, at: datetime) -> bool:
        """End a row rule, which stays in the table as history; tell whether it was in force."""
        living = (row_rule.c.id == rule_id) & row_rule.c.ended_at.is_(None)
        return self._connection.execute(update(row_rule).where(living).values(ended_at=at)).rowcount == 1

    def secret(self, name: str) -> str | None:
        """Return a stored secret."""
        query = select(protection_secret.c.value).where(protection_secret.c.name == name)
        return self._connection.execute(query).scalar_one_or_none()

    def add_secret(self, name: str, value: str) -> None:
        """Store a secret made by this installation."""
        self._connection.execute(insert(protection_secret).values(name=name, value=value))


def _parts(names: Collection[str], size: int = 500) -> Iterator[Sequence[str]]:
    ordered = sorted(names)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))


def _facts(row: Row[Any]) -> TableFacts:
    return TableFacts(row.name, row.org_id, row.version, tuple(row.columns), origins_from_json(row.origins or {}))


def _grade(row: Row[Any]) -> ColumnGrade:
    return ColumnGrade(
        table=row.table_name,
        column=row.column_name,
        level=Level(row.level),
        kind=row.kind,
        personal=Personal(row.personal),
        mask=row.mask,
        source=GradeSource(row.source),
        evidence=Findings.from_json(row.evidence),
        detected_level=Level(row.detected_level),
        reason=row.reason,
        revision=row.revision,
        table_version=row.table_version,
        by=row.set_by,
        at=row.set_at,
    )


def _floor(row: Row[Any]) -> Floor:
    return Floor(
        id=row.id,
        table=row.table_name,
        column=row.column_name,
        source=GradeSource(row.source),
        subject=row.subject,
        level=Level(row.level),
        tier=row.tier,
        reason=row.reason,
        by=row.set_by,
        at=row.set_at,
        ended_at=row.ended_at,
    )


def _rule(row: Row[Any]) -> RowRule:
    return RowRule(
        id=row.id,
        table=row.table_name,
        audience=None if row.audience is None else Audience(row.audience),
        filters=_filters(row.filters),
        reason=row.reason,
        by=row.set_by,
        at=row.set_at,
    )


def _filters(stored: Sequence[Mapping[str, Any]]) -> tuple[Filter, ...]:
    return tuple(Filter(f["column"], FilterOp(f["op"]), f["value"]) for f in stored)
