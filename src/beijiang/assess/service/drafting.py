"""Drafts of a work plan: read from a document by mining, gone through by a person, then taken over into the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.assess.errors import draft_over, draft_too_high, lines_open, no_draft, numbers_taken
from beijiang.assess.models import Act, DraftLine, DraftState, DraftTarget, LineSaid, LineVerdict, PlanDraft, PlanTask
from beijiang.assess.store import DraftStore, PlanStore, PlanTableStore
from beijiang.kit import Conflict, Invalid, Text, new_id

if TYPE_CHECKING:
    from beijiang.assess.service.planning import WorkPlan
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.mining import Body, TaskFound, Texts

__all__ = ["PlanDrafts"]

OPEN_GRADES: Final = ("L1", "L2")
"""What every department may read, as it reads the plan."""


class PlanDrafts:
    """Turn a document into tasks of the plan, no line of it without a person's word."""

    def __init__(self, plan: WorkPlan, texts: Texts) -> None:
        self.plan = plan
        self.texts = texts

    def read(
        self, actor: Actor, document_id: str, *, plan: str = "", since: date | None = None, due_on: date | None = None
    ) -> PlanDraft:
        """Make a draft of a document of the actor's department; what it does not say is left to the person.

        Raises:
            NotFound: no such document, or hidden.
            Conflict: no task was found in it (``no_tasks_found``).
            Invalid: the days do not fit.

        """  # fmt: skip
        self.plan.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        document, found = self.texts.document(actor, document_id), self.texts.tasks(actor, document_id)
        if not found.tasks:
            raise Conflict(
                "文档里没有识别出任务：任务应有“（一）”或“1.”这样的编号。",
                'No task was found in the document: tasks are numbered, as "（一）" or "1.".',
                code="no_tasks_found",
            )
        year = found.year or self.plan.today.year
        first, last = since or date(year, 1, 1), due_on or date(year, 12, 31)
        name = plan.strip()[:40] or str(year)
        if last <= first:
            raise Invalid("期限须晚于开始日期。", "The deadline is after the begin.", code="bad_days")
        made = PlanDraft(
            id=new_id("drf"),
            org_id=document.org_id,
            document_id=document.id,
            document=document.title,
            sha256=document.sha256,
            grade=found.grade,
            plan=name,
            since=first,
            due_on=last,
            state=DraftState.OPEN,
            by=actor.id,
            by_name=actor.name,
            at=self.plan.clock.now(),
            lines=[_line(place, task) for place, task in enumerate(found.tasks)],
        )
        with self.plan.db.begin() as tx:
            DraftStore(tx.connection).add(made)
            detail: dict[str, JsonValue] = {"document": document.id, "sha256": made.sha256, "lines": len(made.lines)}
            self.plan.evidence.record(tx, actor, "assess.draft_read", target=made.id, detail=detail)
        return made

    def drafts(self, actor: Actor) -> Sequence[PlanDraft]:
        """Return the drafts of the actor's department, newest first, without their lines."""
        self.plan.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        with self.plan.db.read() as connection:
            found = DraftStore(connection).all()
        return [one for one in found if self._may_see(actor, one)]

    def draft(self, actor: Actor, draft_id: str) -> PlanDraft:
        """Return a draft with its lines.

        Raises:
            NotFound: unknown, or its document is hidden from the actor.

        """
        self.plan.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        with self.plan.db.read() as connection:
            found = DraftStore(connection).get(draft_id)
        if found is None or not self._may_see(actor, found):
            raise no_draft()
        return found

    def decide(
        self,
        actor: Actor,
        draft_id: str,
        place: int,
        said: Mapping[str, Any] | None,
        note: str = "",
        *,
        accept: bool,
        seen: str | None = None,
    ) -> DraftLine:
        """Accept a line, as it was read or as the person says it, or reject it; ``seen`` is the token of what was shown.

        Raises:
            NotFound: no such draft or line.
            Conflict: the draft is over, or a colleague decided otherwise meanwhile (``changed_since_seen``).
            Invalid: an accepted line names no known body that leads, or one of them twice (``bad_line``).

        """
        draft = self.draft(actor, draft_id)
        if draft.state is not DraftState.OPEN:
            raise draft_over()
        before = next((one for one in draft.lines if one.place == place), None)
        if before is None:
            raise no_draft()
        before.shown.check(seen)
        wording = before.said if said is None else LineSaid.from_json({**before.said.to_json(), **said})
        if accept:
            self._fit(wording, before)
        verdict = LineVerdict.ACCEPTED if accept else LineVerdict.REJECTED
        after = replace(
            before,
            said=wording,
            verdict=verdict,
            by_name=actor.name,
            at=self.plan.clock.now(),
            note=note.strip()[:1000],
        )
        with self.plan.db.begin() as tx:
            DraftStore(tx.connection).put_line(draft.id, after)
            detail: dict[str, JsonValue] = {"line": place, "verdict": verdict.value, "changed": after.changed}
            self.plan.evidence.record(tx, actor, "assess.draft_decide", target=draft.id, detail=detail)
        return after

    def take(self, actor: Actor, draft_id: str) -> int:
        """Put the accepted lines on the work plan; return how many. Every line must have been decided on.

        Raises:
            Conflict: lines are open (``lines_open``), a number is on the plan already, or the draft is over.
            Refused: the document is graded higher than what all departments may read (``draft_grade``).

        """
        draft = self.draft(actor, draft_id)
        if draft.state is not DraftState.OPEN:
            raise draft_over()
        if draft.waiting:
            raise lines_open(draft.waiting)
        if draft.grade not in OPEN_GRADES:
            raise draft_too_high(draft.grade)
        accepted = [one.said for one in draft.lines if one.verdict is LineVerdict.ACCEPTED]
        with self.plan.db.read() as connection:
            known = [task for task in PlanStore(connection).tasks() if task.plan == draft.plan]
        numbers = {task.number for task in known} | {
            said.number for at, said in enumerate(accepted) if any(o.number == said.number for o in accepted[:at])
        }
        twice = sorted({said.number for said in accepted} & numbers)
        if twice:
            raise numbers_taken(draft.plan, twice)
        codes = {one.figure.name.zh: one.figure.code for one in self.plan.known.figures(actor)}
        ended = replace(draft, state=DraftState.TAKEN, ended_by=actor.name, ended_at=self.plan.clock.now())
        first = max((task.place for task in known), default=-1) + 1
        with self.plan.db.begin() as tx:
            if not DraftStore(tx.connection).end(ended):
                raise draft_over()
            store = PlanStore(tx.connection)
            PlanTableStore(tx.connection).mark(self.plan.clock.now())
            for place, said in enumerate(accepted, first):
                task = self._task(draft, said, place, codes)
                store.add(task)
                store.note(self.plan._note(actor, task, Act.LOAD, f"{draft.plan} ← {draft.document}"))  # noqa: SLF001 - one room
            detail: dict[str, JsonValue] = {"plan": draft.plan, "tasks": len(accepted), "document": draft.document_id}
            self.plan.evidence.record(tx, actor, "assess.draft_take", target=draft.id, detail=detail)
        return len(accepted)

    def drop(self, actor: Actor, draft_id: str) -> None:
        """Give up a draft; what was decided stays on record."""
        draft = self.draft(actor, draft_id)
        ended = replace(draft, state=DraftState.DROPPED, ended_by=actor.name, ended_at=self.plan.clock.now())
        with self.plan.db.begin() as tx:
            if not DraftStore(tx.connection).end(ended):
                raise draft_over()
            self.plan.evidence.record(tx, actor, "assess.draft_drop", target=draft.id, detail={})

    # Inside

    def _may_see(self, actor: Actor, one: PlanDraft) -> bool:
        """Tell whether the actor may see what a draft was read from: it holds the document's sentences."""
        wanted = Permission.MINING_TEXT_READ if one.grade in OPEN_GRADES else Permission.MINING_TEXT_KEEP
        return self.plan.access.allows(actor, wanted, one.org_id)

    def _fit(self, said: LineSaid, before: DraftLine) -> None:
        known = {one.id for one in self.plan.access.organisations()}
        strange = [one for one in (*said.leads, *said.joint) if one not in known]
        if not said.leads or strange:
            doubts = "、".join(str(one["words"]) for one in before.doubts)
            hint = f"（原文“{doubts}”可指多个部门，请选定）" if doubts and not said.leads else ""
            raise Invalid(
                f"采用的任务须有牵头部门，且都在机构名录中{hint}。",
                "An accepted task has a body that leads, and all bodies are in the list of organisations.",
                code="bad_line",
                detail={"unknown": list(strange)},
            )

    def _task(self, draft: PlanDraft, said: LineSaid, place: int, codes: Mapping[str, str]) -> PlanTask:
        linked = [codes[one.name] for one in said.targets if one.name in codes]
        rest = "；".join(str(one) for one in said.targets if one.name not in codes)
        summary = f"{said.summary}{'。' if said.summary and rest else ''}{'目标：' + rest if rest else ''}"
        return PlanTask(
            id=new_id("tsk"),
            plan=draft.plan,
            number=said.number,
            place=place,
            part=Text(said.part, said.part),
            title=Text(said.title, said.title),
            summary=Text(summary, summary),
            leads=said.leads,
            joint=said.joint,
            joint_words=said.joint_words[:300],
            measures="",
            figures=tuple(dict.fromkeys(linked)),
            since=draft.since,
            due_on=said.due_on or draft.due_on,
            changed_at=self.plan.clock.now(),
        )


def _line(place: int, task: TaskFound) -> DraftLine:
    said = LineSaid(
        number=task.number[:20],
        part=task.part,
        title=task.title,
        summary=task.summary,
        leads=_sure(task.leads),
        joint=_sure(task.joint),
        joint_words="、".join(task.unknown)[:300],
        targets=tuple(DraftTarget(one.name, one.operator, one.value, one.unit) for one in task.targets),
        due_on=task.due_on,
    )
    doubts = [
        {"words": one.words, "role": role, "ids": list(one.ids)}
        for role, bodies in (("leads", task.leads), ("joint", task.joint))
        for one in bodies
        if len(one.ids) > 1
    ]
    return DraftLine(place=place, said=said, found=said, doubts=doubts, sentences=[one.text for one in task.sentences])


def _sure(bodies: Iterable[Body]) -> tuple[str, ...]:
    """Return the bodies whose name names one only."""
    return tuple(dict.fromkeys(one.ids[0] for one in bodies if len(one.ids) == 1))
