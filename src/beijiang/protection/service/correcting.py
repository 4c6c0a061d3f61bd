"""People correct grades: what is stricter holds at once, what is weaker waits for a second person (`standards.md` 7.4).

A part of ``Protection``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import Conflict, Denied, Invalid, NotFound, new_id
from beijiang.protection.models.assessing import AssessmentState
from beijiang.protection.models.conditions import unknown_column
from beijiang.protection.models.grades import ColumnGrade, GradeSource, Level, higher
from beijiang.protection.models.lowering import (
    Corrected,
    Floor,
    Lowering,
    LoweringState,
    LoweringView,
    Matter,
    is_weaker,
    raised,
)
from beijiang.protection.models.reference import kinds
from beijiang.protection.service.choosing import Choosing
from beijiang.protection.store import GradeStore
from beijiang.protection.store.lowerings import AssessmentStore, LoweringStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.assessing import Assessment
    from beijiang.protection.store import TableFacts

__all__ = ["Correcting"]

_LONGEST: Final = 1000
_NAME: Final = 200


class Correcting(Choosing):
    """Correct the grade of a column, and decide on what would be lowered."""

    def correct(
        self,
        actor: Actor,
        table: str,
        column: str,
        *,
        level: str | Level | None = None,
        kind: str | None = None,
        reason: str = "",
    ) -> Corrected:
        """Set the level or kind of a column by a person's judgement; what shows more waits until another person agrees.

        Raises:
            Invalid: unknown column, kind or level, below a floor, or weaker without a reason.
            Conflict: something weaker is proposed for the column already (``lowering_waits``).

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        with self._db.begin() as tx:
            store = GradeStore(tx.connection)
            store.table(facts.name, lock=True)
            own, floors = store.own(facts.name), store.floors(facts.name)
            if column not in own:
                raise unknown_column(column, own)
            now = own[column]
            wanted = _corrected(now, level, kind, reason)
            if level:
                _above_floors(wanted, floors)
            lowering = None
            if is_weaker(now, wanted):
                if not reason.strip():
                    raise _reason_needed()
                lowering = self._propose(tx, actor, facts, now, wanted, reason=reason)
                wanted = replace(
                    now, level=higher(now.level, wanted.level), source=GradeSource.CORRECTED, reason=reason
                )
            if lowering is None or wanted.level is not now.level:
                self._write(tx, actor, now, wanted, "protection.correct")
            grade = store.current(facts.name)[column]
        self._tell_catalog(facts.name)
        return Corrected(grade, lowering)

    def floors(self, actor: Actor, table: str) -> tuple[Floor, ...]:
        """Return the least grades that a table's columns have or had, from data elements and assessments, oldest first.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            return tuple(GradeStore(connection).floors_ever(facts.name))

    def lowerings(self, actor: Actor, table: str | None = None) -> tuple[LoweringView, ...]:
        """Return all proposals of a table, newest first; without a table what waits anywhere, as far as the actor may see it.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        if table is not None:
            facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
            with self._db.read() as connection:
                return self._told_with(connection, actor, LoweringStore(connection).of_table(facts.name))
        self._access.require(actor, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            waits = LoweringStore(connection).open()
            orgs = {one.org_id for one in waits}
            seen = {org for org in orgs if self._access.allows(actor, Permission.PROTECTION_GRADE_READ, org)}
            return self._told_with(connection, actor, [one for one in waits if one.org_id in seen])

    def lowering(self, actor: Actor, lowering_id: str) -> LoweringView:
        """Return a proposal with what holds now.

        Raises:
            NotFound: no such proposal, or its table is hidden from this actor.

        """
        with self._db.read() as connection:
            found = LoweringStore(connection).get(lowering_id)
            if found is not None and self._access.allows(actor, Permission.PROTECTION_GRADE_READ, found.org_id):
                return self._view_of(connection, actor, found)
        self._access.require(actor, Permission.PROTECTION_GRADE_READ)
        raise _no_lowering()

    def decide_lowering(
        self, actor: Actor, lowering_id: str, *, agree: bool, reason: str = "", seen: str | None = None
    ) -> Lowering:
        """Agree to a proposal, which then holds at once, or refuse it with a reason; never one's own.

        ``seen`` is the token of the proposal as it was shown.

        Raises:
            NotFound: no such proposal, or it is hidden from this actor.
            Denied: it is the actor's own (``same_hands``).
            Conflict: it does not wait any more (``lowering_decided``), or something changed since (``changed_since_seen``).
            Invalid: refused without a reason.

        """
        found = self.lowering(actor, lowering_id).lowering
        self._access.require(actor, Permission.PROTECTION_GRADE_APPROVE, found.org_id)
        if actor.id == found.by:
            raise Denied(
                "不能由提出人本人决定，须由另一名有审核权限的人员决定。",
                "Another person with the right has to decide, not its author.",
                code="same_hands",
            )
        if not agree and not reason.strip():
            raise Invalid("不同意需要说明理由。", "Refusing needs a reason.", code="reason_needed")
        with self._db.begin() as tx:
            GradeStore(tx.connection).table(found.table, lock=True)
            self._view_of(tx.connection, actor, found).shown.check(seen)
            decided = self._close(tx, actor, found, LoweringState.APPROVED if agree else LoweringState.REFUSED, reason)
            if agree:
                self._lower(tx, actor, found)
            elif found.matter is Matter.ASSESSMENT:
                self._move(tx, actor, found.subject, AssessmentState.REFUSED)
        if agree:
            self._tell_catalog(found.table)
        return decided

    def withdraw_lowering(self, actor: Actor, lowering_id: str, reason: str = "") -> Lowering:
        """Take a proposal back; what is stricter goes on to hold.

        Raises:
            NotFound: no such proposal, or it is hidden from this actor.
            Conflict: it does not wait any more (``lowering_decided``).

        """
        found = self.lowering(actor, lowering_id).lowering
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, found.org_id)
        with self._db.begin() as tx:
            withdrawn = self._close(tx, actor, found, LoweringState.WITHDRAWN, reason)
            if found.matter is Matter.ASSESSMENT:
                self._move(tx, actor, found.subject, AssessmentState.WITHDRAWN)
        return withdrawn

    # How it is done

    def _propose(
        self,
        tx: UnitOfWork,
        actor: Actor,
        facts: TableFacts,
        now: ColumnGrade,
        wanted: ColumnGrade,
        *,
        reason: str,
        subject: str = "",
    ) -> Lowering:
        kind = "" if wanted.kind == now.kind else wanted.kind
        words = f"{now.level} {now.kind} → {wanted.level} {wanted.kind}" if kind else f"{now.level} → {wanted.level}"
        made = Lowering(
            id=new_id("low"),
            table=facts.name,
            org_id=facts.org_id,
            matter=Matter.ELEMENT if subject else Matter.COLUMN,
            column=now.column,
            level=wanted.level,
            kind=kind,
            subject=subject,
            words=words,
            reason=reason.strip()[:_LONGEST],
            by=actor.id,
            by_name=actor.name[:_NAME],
            at=self._clock.now(),
        )
        self._put(tx, actor, made)
        return made

    def _put(self, tx: UnitOfWork, actor: Actor, made: Lowering) -> None:
        store = LoweringStore(tx.connection)
        # A floor or an assessment is one matter each; of a column's own grade, or of a table, only one proposal waits at a time.
        subject = made.subject if made.matter is Matter.ELEMENT else ""
        waits = next(
            (
                one
                for one in store.open()
                if (one.table, one.matter, one.column) == (made.table, made.matter, made.column)
                and subject in {"", one.subject}
            ),
            None,
        )
        if waits is not None:
            raise Conflict(
                f"已有一项降级在等待决定（{waits.words}）。请先由审核人员决定，或撤回后重新提出：beijiang protection lowerings。",
                f"Something weaker waits for a decision already ({waits.words}). Have it decided or take it back first: beijiang protection lowerings.",
                code="lowering_waits",
                detail={"lowering": waits.id},
            )
        store.add(made)
        self._record(tx, actor, "protection.propose", made, made.reason)

    def _record(self, tx: UnitOfWork, actor: Actor, action: str, one: Lowering, reason: str) -> None:
        detail: dict[str, JsonValue] = {
            "lowering": one.id,
            "matter": str(one.matter),
            "column": one.column,
            "change": one.words,
            "reason": reason,
        }
        self._evidence.record(tx, actor, action, target=one.table, detail=detail)

    def _close(self, tx: UnitOfWork, actor: Actor, one: Lowering, state: LoweringState, reason: str) -> Lowering:
        closed = replace(
            one,
            state=state,
            decided_by=actor.id,
            decided_name=actor.name[:_NAME],
            decided_at=self._clock.now(),
            decision=reason.strip()[:_LONGEST],
        )
        if not LoweringStore(tx.connection).close(closed):
            raise Conflict(
                "这项降级已经决定或撤回。请刷新页面查看结果。",
                "It was decided or taken back already. Load the page again to see how.",
                code="lowering_decided",
            )
        words = {
            LoweringState.APPROVED: "protection.lower",
            LoweringState.REFUSED: "protection.refuse",
            LoweringState.WITHDRAWN: "protection.withdraw",
        }
        self._record(tx, actor, words[state], one, closed.decision)
        return closed

    def _lower(self, tx: UnitOfWork, actor: Actor, one: Lowering) -> None:
        """Put in force what was agreed to; floors of the table go on to hold above it."""
        store = GradeStore(tx.connection)
        if one.matter is Matter.ELEMENT:
            store.end_floor(one.subject, self._clock.now())
            return
        if one.matter is Matter.ASSESSMENT:
            made = self._move(tx, actor, one.subject, AssessmentState.IN_FORCE)
            self._hold_assessment(tx, made)
            return
        own = store.own(one.table)
        if one.column not in own:
            raise unknown_column(one.column, own)
        wanted = _corrected(own[one.column], one.level, one.kind or None, one.reason)
        store.add(replace(wanted, by=one.by, at=self._clock.now()))

    def _write(self, tx: UnitOfWork, actor: Actor, now: ColumnGrade, wanted: ColumnGrade, action: str) -> None:
        grade = replace(wanted, revision=now.revision + 1, by=actor.id, at=self._clock.now())
        GradeStore(tx.connection).add(grade)
        detail: dict[str, JsonValue] = {
            "column": grade.column,
            "from": [str(now.level), now.kind],
            "to": [str(grade.level), grade.kind],
            "reason": grade.reason,
        }
        self._evidence.record(tx, actor, action, target=grade.table, detail=detail)

    def _view_of(self, connection: Connection, actor: Actor, one: Lowering) -> LoweringView:
        return self._told_with(connection, actor, (one,))[0]

    def _told_with(self, connection: Connection, actor: Actor, found: Sequence[Lowering]) -> tuple[LoweringView, ...]:
        """Return proposals with what holds now; so many cost no more statements than one."""
        allows, now = self._access.allows, _now(connection, found)
        decides = {org: allows(actor, Permission.PROTECTION_GRADE_APPROVE, org) for org in {o.org_id for o in found}}
        corrects = {org: allows(actor, Permission.PROTECTION_GRADE_CORRECT, org) for org in decides}
        return tuple(
            LoweringView(
                lowering=one,
                now=held,
                may_decide=one.state is LoweringState.OPEN and actor.id != one.by and decides[one.org_id],
                may_withdraw=one.state is LoweringState.OPEN and corrects[one.org_id],
            )
            for one, held in zip(found, now, strict=True)
        )

    def _move(self, tx: UnitOfWork, actor: Actor, assessment_id: str, state: AssessmentState) -> Assessment:
        """Note what became of an assessment; one that comes into force takes the place of the one before."""
        store, now = AssessmentStore(tx.connection), self._clock.now()
        found = store.get(assessment_id)
        if found is None:
            raise _no_lowering()
        if state is AssessmentState.IN_FORCE:
            for before in store.of_table(found.table):
                if before.state is AssessmentState.IN_FORCE:
                    store.move(before.id, AssessmentState.REPLACED, actor.id, now)
        store.move(found.id, state, actor.id, now)
        return found

    def _hold_assessment(self, tx: UnitOfWork, made: Assessment) -> None:
        """Let the grade of an assessment hold for every column of its table, in place of the one before."""
        store, now = GradeStore(tx.connection), self._clock.now()
        for floor in store.floors(made.table):
            if floor.source is GradeSource.ASSESSED:
                store.end_floor(floor.id, now)
        store.add_floor(
            Floor(
                id=new_id("floor"),
                table=made.table,
                column="",
                source=GradeSource.ASSESSED,
                subject=made.id,
                level=made.level,
                tier=made.tier,
                reason=made.reason,
                by=made.by,
                at=now,
            )
        )

    if TYPE_CHECKING:

        def _tell_catalog(self, table: str) -> None: ...


def _now(connection: Connection, found: Sequence[Lowering]) -> list[str]:
    """Return what holds now of what each proposal is about."""
    tables, store = {one.table for one in found}, GradeStore(connection)
    own, floors = store.own_of(tables), store.floors_of_tables(tables)
    assessed = {one.matter for one in found} & {Matter.ASSESSMENT}
    held = {a.table: f"{a.tier} {a.level}" for a in AssessmentStore(connection).in_force()} if assessed else {}
    now = []
    for one in found:
        grade = own[one.table].get(one.column)
        if one.matter is Matter.ASSESSMENT:
            now.append(held.get(one.table, ""))
        elif grade is None:
            now.append("")
        else:
            grade = raised(grade, floors[one.table])
            now.append(f"{grade.level} {grade.kind}")
    return now


def _corrected(current: ColumnGrade, level: str | Level | None, kind: str | None, reason: str) -> ColumnGrade:
    entry = kinds().get(kind or current.kind)
    if entry is None:
        known = ", ".join(sorted(kinds()))
        raise Invalid(
            f"没有这种数据项类型。可用：{known}。", f"There is no such kind. Known: {known}.", code="unknown_kind"
        )
    try:
        wanted = Level(level) if level else higher(entry.floor, current.level if kind is None else entry.floor)
    except ValueError:
        raise Invalid("级别应为 L1 到 L4。", "The level is one of L1 to L4.", code="unknown_level") from None
    if wanted.rank < entry.floor.rank:
        raise Invalid(
            f"“{entry.name.zh}”最低为 {entry.floor}（{entry.basis}），不能定为 {wanted}。如果不是这类数据，请同时更正类型。",
            f"{entry.name.en} is {entry.floor} at least ({entry.basis}), not {wanted}. If it is something else, correct the kind as well.",
            code="below_floor",
        )
    return replace(
        current,
        level=wanted,
        kind=entry.id,
        personal=entry.personal,
        mask=entry.mask,
        source=GradeSource.CORRECTED,
        reason=reason,
        revision=current.revision + 1,
    )


def _above_floors(wanted: ColumnGrade, floors: Sequence[Floor]) -> None:
    """Refuse a level that a data element or the assessment of the table does not allow: it would not hold."""
    top = raised(wanted, floors)
    if top.level is wanted.level:
        return
    if top.source is GradeSource.ELEMENT:
        raise Invalid(
            f"该列对应的数据元最低为 {top.level}，不能定为 {wanted.level}。如果对应有误，请先在“数据质量”中更正列与数据元的对应。",
            f"The data element that the column holds is {top.level} at least, not {wanted.level}. If it holds another one, correct the mapping under Quality first.",
            code="below_floor",
        )
    raise Invalid(
        f"整表定级最低为 {top.level}，不能定为 {wanted.level}。如果情况有变，请重新定级。",
        f"The assessment of the table asks for {top.level} at least, not {wanted.level}. Assess the table anew if that has changed.",
        code="below_floor",
    )


def _reason_needed() -> Invalid:
    return Invalid(
        "降低级别或改变类型需要说明理由。",
        "Lowering a level or changing the kind needs a reason.",
        code="reason_needed",
    )


def _no_lowering() -> NotFound:
    return NotFound(
        "没有这项降级提议。请用 beijiang protection lowerings 查看。",
        "There is no such proposal. See beijiang protection lowerings.",
        code="lowering_not_found",
    )
