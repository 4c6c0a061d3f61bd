"""The judgement on a whole table by the matrix of GB/T 43697-2024, and the least grades that data elements ask for.

A part of ``Protection``. An assessment or a data element that asks for more holds at once; one that asks for less waits for a
second person, unless two persons decided already, as they do about a version of a data element.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from beijiang.access import Permission
from beijiang.kit import SYSTEM, Actor, ActorKind, Text, new_id
from beijiang.protection.models.assessing import (
    AffectedObject,
    Assessment,
    AssessmentDraft,
    AssessmentState,
    Cell,
    Harm,
    Tier,
    TogetherFinding,
    decisive,
    found_together,
    matrix,
    read_draft,
)
from beijiang.protection.models.grades import GradeSource, Level, higher
from beijiang.protection.models.lowering import Floor, Lowering, LoweringState, LoweringView, Matter, raised
from beijiang.protection.service.correcting import Correcting
from beijiang.protection.store import GradeStore
from beijiang.protection.store.lowerings import AssessmentStore, LoweringStore

if TYPE_CHECKING:
    from datetime import date

    from beijiang.db import UnitOfWork
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.store import TableFacts

__all__ = ["Assessing", "TableGrading"]


class ColumnsHeld(Protocol):
    """Which data element each column of a table holds, after somebody decided about it."""

    @property
    def table(self) -> str: ...
    @property
    def held(self) -> Mapping[str, str]: ...
    @property
    def levels(self) -> Mapping[str, str]: ...
    @property
    def by(self) -> str: ...
    @property
    def by_name(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def number(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TableGrading:
    """How a table is graded as a whole."""

    table: str
    org_id: str
    rows: int
    level: Level
    """The highest of its columns, of what they ask for together, and of its assessment."""
    tier: Tier
    now: Assessment | None
    history: tuple[Assessment, ...]
    together: tuple[TogetherFinding, ...]
    due: tuple[TogetherFinding, ...]
    """What asks for a review that no assessment has followed yet."""
    cells: Mapping[tuple[AffectedObject, Harm], Cell]
    waiting: tuple[LoweringView, ...]


class Assessing(Correcting):
    """Assess tables, and hold columns to the least grades of their data elements."""

    def assess(self, actor: Actor, table: str, draft: AssessmentDraft) -> tuple[Assessment, Lowering | None]:
        """Judge a table by the matrix; what is stricter holds for every column at once, what is weaker waits for another person.

        Core data is refused on the platform: from then on the gate opens no door to the table. Important data is L4 and never
        opened.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.
            Invalid: an unknown word, nothing judged, or no reason.
            Conflict: an assessment that asks for less waits already (``lowering_waits``).

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        today = self.today()
        harms = {str(one): str(harm) for one, harm in draft.harms.items()}
        draft = read_draft(draft.category, harms, draft.factors, draft.reason, today)
        rows = self._lake.snapshot(facts.name, facts.version).rows
        with self._db.begin() as tx:
            GradeStore(tx.connection).table(facts.name, lock=True)
            store = AssessmentStore(tx.connection)
            earlier = store.of_table(facts.name)
            before = next((one for one in earlier if one.state is AssessmentState.IN_FORCE), None)
            made = self._made(actor, facts, draft, decisive(draft.harms, today), rows)
            made = replace(made, revision=earlier[0].revision + 1 if earlier else 1)
            lowering = None
            if before is not None and made.rank < before.rank:
                made = replace(made, state=AssessmentState.PROPOSED)
                lowering = _lowering_of(before, made)
                self._put(tx, actor, lowering)
            store.add(made)
            if lowering is None:
                self._move(tx, actor, made.id, AssessmentState.IN_FORCE)
                self._hold_assessment(tx, made)
            self._note(tx, actor, made)
        self._tell_catalog(facts.name)
        return made, lowering

    def grading(self, actor: Actor, table: str) -> TableGrading:
        """Return how a table is graded as a whole, with all its assessments and what its items ask for together.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        rows, today = self._lake.snapshot(facts.name, facts.version).rows, self.today()
        with self._db.read() as connection:
            history = tuple(AssessmentStore(connection).of_table(facts.name))
            grades = GradeStore(connection).current(facts.name)
            waits = [one for one in LoweringStore(connection).of_table(facts.name) if one.state is LoweringState.OPEN]
            waiting = self._told_with(connection, actor, waits)
        now = next((one for one in history if one.state is AssessmentState.IN_FORCE), None)
        together = found_together([grades[name] for name in facts.columns if name in grades], rows, today)
        level = Level.L1 if now is None else now.level
        for asked in (*(g.level for g in grades.values()), *(f.rule.level for f in together if not f.rule.review)):
            level = higher(level, asked)
        return TableGrading(
            table=facts.name,
            org_id=facts.org_id,
            rows=rows,
            level=level,
            tier=Tier.GENERAL if now is None else now.tier,
            now=now,
            history=history,
            together=together,
            due=tuple(f for f in together if f.rule.review and (now is None or now.rows < f.rule.least_persons)),
            cells=matrix(today),
            waiting=waiting,
        )

    def assessed(self, actor: Actor) -> tuple[Assessment, ...]:
        """Return the assessments in force of the tables whose grades the actor may see: important and core data first.

        With ``tier`` above general this is the directory of important data that is reported (`standards.md` 7.1).
        """
        self._access.require(actor, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            found = AssessmentStore(connection).in_force()
        orgs = {one.org_id for one in found}
        seen = {org for org in orgs if self._access.allows(actor, Permission.PROTECTION_GRADE_READ, org)}
        return tuple(sorted((one for one in found if one.org_id in seen), key=lambda one: (-one.tier.rank, one.table)))

    def tier_of(self, table: str) -> Tier:
        """Return the legal tier of a table: its own, or the highest of the tables that it was made from; for the gate."""
        with self._db.read() as connection:
            store = GradeStore(connection)
            return tier_in(store, store.table(table), table)

    def refusal(self, table: str) -> Text | None:
        """Return why a table takes no more rows: core data is refused on the platform; for the lake."""
        if self.tier_of(table) is not Tier.CORE:
            return None
        return Text(
            "该表被定为核心数据，平台不接收、不提供。请停止交换，按规定报告主管部门，并由有权人员删除该表；如果定级有误，请重新定级并由他人同意。",
            "The table is assessed as core data, which this platform neither takes in nor gives out. Stop its deliveries, report it as the rules say and have it dropped; if the tier is wrong, assess it anew and have another person agree.",
        )

    # Data elements

    def on_mapping_moved(self, event: ColumnsHeld) -> None:
        """Hold columns to the least grades of the elements that they hold now. Idempotent; one that comes late changes nothing.

        A column that does not hold its element any more keeps the grade until a second person agrees to less; what an element
        asks for two persons decided already. It is proposed once: what was refused or taken back is not proposed again by the
        next version or by somebody else's doing, only after the column held its element anew.
        """
        facts = self.facts(event.table)
        if facts is None:
            return
        actor = SYSTEM if event.by == SYSTEM.id else Actor(event.by, event.by_name, ActorKind.PERSON)
        with self._db.begin() as tx:
            store = GradeStore(tx.connection)
            store.table(facts.name, lock=True)
            if not store.follow(facts.name, event.number):
                return  # a later one was heard before
            self._hold_elements(tx, actor, facts, event)
        self._tell_catalog(facts.name)

    def _hold_elements(self, tx: UnitOfWork, actor: Actor, facts: TableFacts, event: ColumnsHeld) -> None:
        store = GradeStore(tx.connection)
        for floor in [one for one in store.floors(facts.name) if one.source is GradeSource.ELEMENT]:
            held = event.held.get(floor.column) == floor.subject
            if held and event.levels[floor.column] == floor.level:
                self._keep(tx, floor)
                if LoweringStore(tx.connection).asked(floor.table, Matter.ELEMENT, floor.column, floor.id):
                    store.end_floor(floor.id, self._clock.now())  # it holds anew, and may be let go of anew
            elif held:
                self._keep(tx, floor)
                store.end_floor(floor.id, self._clock.now())
        has = {(one.column, one.subject) for one in store.floors(facts.name)}
        for column, element in event.held.items():
            if event.levels[column] and (column, element) not in has:
                self._add_floor(tx, actor, facts.name, column, element, Level(event.levels[column]))
        for floor in store.floors(facts.name):
            if floor.source is GradeSource.ELEMENT and event.held.get(floor.column) != floor.subject:
                self._let_go(tx, actor, facts, floor, event.reason)

    def _add_floor(self, tx: UnitOfWork, actor: Actor, table: str, column: str, element: str, level: Level) -> None:
        made = Floor(
            id=new_id("floor"),
            table=table,
            column=column,
            source=GradeSource.ELEMENT,
            subject=element,
            level=level,
            tier="",
            reason=element,
            by=actor.id,
            at=self._clock.now(),
        )
        GradeStore(tx.connection).add_floor(made)
        detail: dict[str, JsonValue] = {"column": column, "element": element, "level": str(level)}
        self._evidence.record(tx, actor, "protection.floor", target=table, detail=detail)

    def _keep(self, tx: UnitOfWork, floor: Floor) -> None:
        """Take back what waits about a floor that is to hold again."""
        waits = LoweringStore(tx.connection).open_for(floor.table, Matter.ELEMENT, floor.column, floor.id)
        if waits is not None:
            self._close(tx, SYSTEM, waits, LoweringState.WITHDRAWN, "")

    def _let_go(self, tx: UnitOfWork, actor: Actor, facts: TableFacts, floor: Floor, reason: str) -> None:
        store = GradeStore(tx.connection)
        own, floors = store.own(facts.name).get(floor.column), store.floors(facts.name)
        if own is None:
            store.end_floor(floor.id, self._clock.now())
            return
        now, then = raised(own, floors), raised(own, [one for one in floors if one.id != floor.id])
        if now.level is then.level:
            store.end_floor(floor.id, self._clock.now())
            return
        if not LoweringStore(tx.connection).asked(facts.name, Matter.ELEMENT, floor.column, floor.id):
            why = reason or f"{floor.column} ≠ {floor.subject}"
            self._propose(tx, actor, facts, now, then, reason=why, subject=floor.id)

    # Parts

    def _made(self, actor: Actor, facts: TableFacts, draft: AssessmentDraft, cell: Cell, rows: int) -> Assessment:
        return Assessment(
            id=new_id("assess"),
            table=facts.name,
            org_id=facts.org_id,
            revision=1,
            category=draft.category,
            harms=draft.harms,
            object=cell.object,
            harm=cell.harm,
            tier=cell.tier,
            level=cell.level,
            factors=draft.factors,
            rows=rows,
            reason=draft.reason,
            by=actor.id,
            by_name=actor.name[:200],
            at=self._clock.now(),
            state=AssessmentState.IN_FORCE,
        )

    def _note(self, tx: UnitOfWork, actor: Actor, made: Assessment) -> None:
        detail: dict[str, JsonValue] = {
            "assessment": made.id,
            "revision": made.revision,
            "category": made.category,
            "harms": {str(one): str(harm) for one, harm in made.harms.items()},
            "tier": str(made.tier),
            "level": str(made.level),
            "factors": list(made.factors),
            "rows": made.rows,
            "state": str(made.state),
            "reason": made.reason,
        }
        self._evidence.record(tx, actor, "protection.assess", target=made.table, detail=detail)

    if TYPE_CHECKING:

        def today(self) -> date: ...


def tier_in(store: GradeStore, facts: TableFacts | None, table: str) -> Tier:
    """Return the legal tier of a table: the strictest of its own and those of all that it was made from, however far back."""
    found, ahead = {table}, [facts]
    while ahead:
        made = ahead.pop()
        for origin in () if made is None else itertools.chain.from_iterable(made.origins.values()):
            if origin.table not in found:
                found.add(origin.table)
                ahead.append(store.table(origin.table))
    tiers = [Tier(floor.tier) for one in found for floor in store.floors(one) if floor.tier]
    return max(tiers, key=lambda tier: tier.rank, default=Tier.GENERAL)


def _lowering_of(before: Assessment, made: Assessment) -> Lowering:
    return Lowering(
        id=new_id("low"),
        table=made.table,
        org_id=made.org_id,
        matter=Matter.ASSESSMENT,
        column="",
        level=made.level,
        kind="",
        subject=made.id,
        words=f"{before.tier} {before.level} → {made.tier} {made.level}",
        reason=made.reason,
        by=made.by,
        by_name=made.by_name,
        at=made.at,
    )
