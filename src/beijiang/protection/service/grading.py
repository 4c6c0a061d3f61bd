"""Discovery and grading of columns: what arrives is looked at, graded, and corrected by people."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from beijiang.access import Permission
from beijiang.db import Remembered
from beijiang.kit import REMEMBERED, SYSTEM, Recent, Unavailable
from beijiang.protection.models.assessing import Tier
from beijiang.protection.models.grades import ColumnGrade, Findings, GradeSource, Level, higher
from beijiang.protection.models.lowering import raised
from beijiang.protection.models.masks import Masker
from beijiang.protection.models.reference import kinds
from beijiang.protection.service.assessing import Assessing, tier_in
from beijiang.protection.service.ruling import visible_types
from beijiang.protection.service.surveying import Surveyor
from beijiang.protection.store import GradeStore, TableFacts
from beijiang.protection.store.choices import ChoiceStore
from beijiang.tables import origins_from_json

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from beijiang.access import Access
    from beijiang.catalog import Catalog, VersionCleared
    from beijiang.db import Database
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.choices import MaskChoice
    from beijiang.protection.models.looked import Looked
    from beijiang.protection.models.sight import RowRule
    from beijiang.standards import Standards
    from beijiang.tables import Lake, Origin, Snapshot, TableWritten

__all__ = ["Protection"]

log = logging.getLogger(__name__)


class TableView(NamedTuple):
    """What is decided about a table; many readers share it."""

    facts: TableFacts | None
    grades: Mapping[str, ColumnGrade]
    rules: Sequence[RowRule]
    choices: Sequence[MaskChoice]
    """All that were ever made, oldest first."""
    tier: Tier = Tier.GENERAL
    """The legal tier; core data has no facts here, so that no door opens (`security.md` 2.3)."""


class Protection(Assessing):
    """Which columns are sensitive, of what kind, and which rows are kept back."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        lake: Lake,
        engine: Engine,
        catalog: Catalog,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        super().__init__(db, lake, engine, catalog, access, evidence, clock)
        self._surveyor = Surveyor(lake, engine)
        self._views: Remembered[TableView] = Remembered(db)
        self._grades: Recent[dict[str, ColumnGrade]] = Recent(REMEMBERED)
        self.masker = Masker([region.name for region in standards.regions()])

    def on_table_written(self, event: TableWritten) -> None:
        """Grade the columns of a new version, tell the catalog, and move readers on if nothing became stricter.

        Idempotent. The gate serves a version to nobody before it was graded.
        """
        known = self.facts(event.table)
        if known is not None and known.version >= event.version:
            self._tell_catalog(event.table)
            self._advance(
                event.table, event.version, event.columns
            )  # a crash may have come between grading and this step
            return
        snapshot = self._lake.snapshot(event.table, event.version)
        found, looked = self._surveyor.look(snapshot, event, self._looked(event.table))
        self._store(snapshot, event, found, looked, inherited=self._inherited(event))
        self.prepare_masks(event.table)
        self._tell_catalog(event.table)
        self._advance(event.table, event.version, event.columns)

    def on_version_cleared(self, event: VersionCleared) -> None:
        """Move readers on to a version that quality has nothing against any more, if grades allow it too."""
        facts = self.facts(event.table)
        if facts is None or facts.version < event.version:
            return  # not graded yet; grading moves them
        columns = visible_types(self._lake.snapshot(event.table, event.version))
        self._advance(event.table, event.version, tuple(columns))

    def grades(self, actor: Actor, table: str) -> tuple[ColumnGrade, ...]:
        """Return the grades of a table in the order of its columns.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        current = self.grades_of(facts.name)
        return tuple(current[column] for column in facts.columns if column in current)

    def history(self, actor: Actor, table: str, column: str) -> tuple[ColumnGrade, ...]:
        """Return all grades that a column had, oldest first, with who set them and why."""
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            return tuple(GradeStore(connection).history(facts.name, column))

    def all_facts(self) -> list[TableFacts]:
        """Return every graded table; for the gate."""
        with self._db.read() as connection:
            return GradeStore(connection).tables()

    def _looked(self, table: str) -> Looked | None:
        with self._db.read() as connection:
            return GradeStore(connection).looked(table)

    def grades_of(self, table: str) -> dict[str, ColumnGrade]:
        """Return the grades in force by column; for the gate."""
        with self._db.read() as connection:
            return GradeStore(connection).current(table)

    def view_of(self, table: str) -> TableView:
        """Return what is decided about a table in one snapshot; for the gate.

        It is remembered until anything in the database is changed. Columns that were made from others are never graded lower than
        those are now. Facts come first: what another
        process commits between the statements can only make the grades newer than the version.
        """
        return self._views.get(table, lambda connection: self._view(connection, table))

    def _view(self, connection: Connection, table: str) -> TableView:
        store = GradeStore(connection)
        facts = store.table(table)
        grades = dict(self._current(store, table))
        for column, origins in (facts.origins if facts is not None else {}).items():
            if column in grades:
                grades[column] = _at_least(grades[column], *(self._origin(store, origin) for origin in origins))
        tier = tier_in(store, facts, table)
        shown = None if tier is Tier.CORE else facts
        return TableView(shown, grades, store.rules(table), ChoiceStore(connection).of_table(table), tier)

    def rules_at(self, table: str, moment: datetime) -> list[RowRule]:
        """Return the row rules that were in force at a moment; for the gate."""
        with self._db.read() as connection:
            return GradeStore(connection).rules_at(table, moment)

    def _current(self, store: GradeStore, table: str) -> dict[str, ColumnGrade]:
        return self._grades.get((table, store.current_ids(table)), lambda: store.current(table))

    def _origin(
        self, store: GradeStore, origin: Origin, passed: frozenset[tuple[str, str]] = frozenset()
    ) -> ColumnGrade | None:
        """Return the grade of a column that others are made from, no lower than those that it was made from itself.

        Rows that a rule keeps back make it the strictest.
        """
        grade = self._current(store, origin.table).get(origin.column)
        if grade is None:
            return None
        if store.rules(origin.table):
            return replace(grade, level=Level.L4)
        here = (origin.table, origin.column)
        facts = None if here in passed else store.table(origin.table)
        before = () if facts is None else facts.origins.get(origin.column, ())
        return _at_least(grade, *(self._origin(store, one, passed | {here}) for one in before))

    def today(self) -> date:
        """Return the day whose limits hold."""
        return self._clock.now().date()

    def page_secret(self) -> bytes:
        """Return the secret of page tokens, made on first use; for the gate."""
        with self._db.read() as connection:
            found = GradeStore(connection).secret("page")
        if found is None:
            with self._db.begin() as tx:
                store = GradeStore(tx.connection)
                found = store.secret("page")
                if found is None:
                    found = secrets.token_hex(32)
                    store.add_secret("page", found)
        return bytes.fromhex(found)

    def _advance(self, table: str, version: int, columns: Sequence[str]) -> None:
        """Move readers of a release on, unless a column they see is gone or was graded lower when they got it."""
        release = self._catalog.last_release(table)
        if release is None:
            return
        offered = release.open_items | release.shared_items
        stricter = not release.items <= set(columns)
        with self._db.read() as connection:
            store = GradeStore(connection)
            current, floors = store.current(table), store.floors_ever(table)
            when = release.published_at
            held = [one for one in floors if when is None or (one.at <= when and (one.ended_at or when) >= when)]
            for column in offered & set(columns):
                then = [g for g in store.history(table, column) if g.table_version <= release.table_version]
                stricter = stricter or not then or current[column].level.rank > raised(then[-1], held).level.rank
        if stricter:
            log.info("version %s of a table is stricter than its release; readers stay where they are", version)
            return
        self._catalog.advance_release(table, version)

    def _store(
        self,
        snapshot: Snapshot,
        event: TableWritten,
        found: Mapping[str, tuple[str, Findings]],
        looked: Looked,
        *,
        inherited: Mapping[str, ColumnGrade],
    ) -> None:
        """Store what changed, and up to which version the table is graded now; nothing if that is a newer one meanwhile."""
        now = self._clock.now()
        with self._db.begin() as tx:
            store = GradeStore(tx.connection)
            known = store.table(snapshot.table, lock=True)
            if known is not None and known.version >= snapshot.version:
                return
            before = store.own(snapshot.table)
            changed: list[str] = []
            for column, (kind, evidence) in found.items():
                old = before.get(column)
                detected = _detected(snapshot.table, column, kind, evidence, now=now)
                grade = replace(
                    _merged(old, _at_least(detected, inherited.get(column))), table_version=snapshot.version
                )
                if old is None or _differs(old, grade):
                    store.add(grade)
                    changed.append(f"{column} {grade.level} {grade.kind}")
            origins = origins_from_json(event.derived)
            if not origins and known is not None:  # a rollback or compaction says nothing of where columns came from
                origins = dict(known.origins)
            facts = TableFacts(snapshot.table, event.org_id, snapshot.version, tuple(event.columns), origins)
            store.note_table(facts, now, looked)
            detail: dict[str, JsonValue] = {"version": snapshot.version, "changed": list(changed)}
            self._evidence.record(tx, SYSTEM, "protection.grade", target=snapshot.table, detail=detail)

    def _inherited(self, event: TableWritten) -> dict[str, ColumnGrade]:
        """Return the grades of the columns that others were made from; rows that a rule keeps back make them strictest.

        Raises:
            Unavailable: the table they came from is not graded yet; asked again later, and served to nobody until then.

        """
        given: dict[str, ColumnGrade] = {}
        with self._db.read() as connection:
            store = GradeStore(connection)
            for column, origins in origins_from_json(event.derived).items():
                grades = [grade for grade in (self._origin(store, origin) for origin in origins) if grade is not None]
                if len(grades) < len(origins):
                    raise Unavailable(
                        "来源表尚未分级，稍后再试。",
                        "The table it was made from is not graded yet.",
                        code="source_not_graded",
                    )
                given[column] = max(grades, key=_strictness)
        return given

    def _tell_catalog(self, table: str) -> None:
        grades = self.grades_of(table)
        with self._db.begin() as tx:
            self._tell_held(tx, table)
        self._catalog.apply_grades(table, {c: (str(g.level), g.kind, str(g.personal)) for c, g in grades.items()})


def _detected(table: str, column: str, kind: str, evidence: Findings, *, now: object) -> ColumnGrade:
    entry = kinds()[kind]
    return ColumnGrade(
        table=table,
        column=column,
        level=entry.floor,
        kind=kind,
        personal=entry.personal,
        mask=entry.mask,
        source=GradeSource.DETECTED,
        evidence=evidence,
        detected_level=entry.floor,
        by=SYSTEM.id,
        at=now,  # type: ignore[arg-type]
    )


def _strictness(grade: ColumnGrade) -> tuple[int, bool]:
    """Order grades by how strict they are; of two alike, the one that says what the values are."""
    return grade.level.rank, grade.kind != "plain"


def _at_least(detected: ColumnGrade, *origins: ColumnGrade | None) -> ColumnGrade:
    """Return a grade no lower than those of the columns it was made from."""
    origin = max((grade for grade in origins if grade is not None), key=_strictness, default=None)
    if (
        origin is None
        or origin.level.rank < detected.level.rank
        or (origin.level is detected.level and origin.kind == "plain")
    ):
        return detected
    return replace(
        detected,
        level=origin.level,
        kind=origin.kind,
        personal=origin.personal,
        mask=origin.mask,
        detected_level=origin.level,
    )


def _merged(old: ColumnGrade | None, new: ColumnGrade) -> ColumnGrade:
    """Let nothing fall by itself: keep a person's judgement and the stricter of old and new findings."""
    if old is None:
        return new
    step = replace(new, revision=old.revision + 1)
    if old.source is GradeSource.CORRECTED:
        if new.level.rank <= old.detected_level.rank:
            return replace(old, revision=old.revision + 1, evidence=new.evidence, at=new.at, by=old.by)
        return replace(
            step, level=higher(old.level, new.level), reason="detectors found more than when it was corrected"
        )
    if new.level.rank < old.level.rank or (new.level is old.level and new.kind == "plain"):
        return replace(old, revision=old.revision + 1, evidence=new.evidence, at=new.at)
    return step


def _differs(old: ColumnGrade, new: ColumnGrade) -> bool:
    return (old.level, old.kind, old.personal, old.mask, old.source, old.evidence) != (
        new.level,
        new.kind,
        new.personal,
        new.mask,
        new.source,
        new.evidence,
    )
