"""The supervised work plan (督办): load it, report progress with evidence, confirm, urge, remind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.assess.errors import no_task, own_proposal
from beijiang.assess.models import (
    LIGHT_RULE,
    Act,
    Light,
    Lit,
    PlanTask,
    Progress,
    Proof,
    ProofKind,
    TaskState,
    TaskView,
    light,
    packaged,
)
from beijiang.assess.service.base import Base
from beijiang.assess.service.reporting import file_of
from beijiang.assess.store import PlanStore, PlanTableStore
from beijiang.ingest import AlertKind
from beijiang.kit import Conflict, Invalid, Text, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.service.figuring import Figures
    from beijiang.catalog import Catalog
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest import Alerts
    from beijiang.kit import Actor, Clock, Language
    from beijiang.kit.errors import JsonValue
    from beijiang.quality import HandedOut
    from beijiang.standards import SheetFormat, Standards
    from beijiang.tables import Tables

__all__ = ["WorkPlan"]

HUNDRED: Final = 100
PROOFS_MOST: Final = 20
_TARGET: Final = re.compile(r"[a-z][a-z0-9_]*")
_HEAD: Final = (
    Text("编号", "number"), Text("任务", "task"), Text("措施", "measures"), Text("牵头部门", "lead"),
    Text("配合部门", "joint"), Text("系统编号", "systems"), Text("指标", "indicators"), Text("开始", "since"),
    Text("期限", "due"), Text("进度", "progress"), Text("状态", "state"), Text("灯", "light"), Text("原因", "why"),
    Text("最近报告", "reported"),
)  # fmt: skip


class WorkPlan(Base):
    """Tasks of the work plan and how they do."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        clock: Clock,
        zone: tzinfo,
        alerts: Alerts,
        catalog: Catalog,
        tables: Tables,
        figures: Figures,
    ) -> None:
        super().__init__(db, access, evidence, standards, clock, zone)
        self.alerts = alerts
        self.catalog = catalog
        self.tables = tables
        self.known = figures

    def tasks(self, actor: Actor) -> Sequence[Lit]:
        """Return all tasks with their lights; the plan is a public matter inside government."""
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        with self.db.read() as connection:
            return [self._lit(task) for task in PlanStore(connection).tasks()]

    def task(self, actor: Actor, task_id: str) -> TaskView:
        """Return a task with all that happened to it.

        Raises:
            NotFound: there is none.

        """
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        with self.db.read() as connection:
            return TaskView(self._lit(self._stored(task_id)), PlanStore(connection).progress(task_id))

    def load(self, actor: Actor, *, plan: str = "2018", since: date | None = None, due_on: date | None = None) -> int:
        """Put the tasks of the packaged plan of 2018 on the work plan, those that are not there; return how many.

        ``plan`` names it, so that the same task list can be taken up for another year; the days are those of 2018 unless
        they are given.

        Raises:
            Invalid: the deadline is not after the begin.

        """
        self.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        first, last = since or date(2018, 1, 1), due_on or date(2018, 12, 31)
        if last <= first or not plan.strip():
            raise Invalid(
                "期限须晚于开始日期，计划须有名称。",
                "The deadline is after the begin, and the plan has a name.",
                code="bad_days",
            )
        name, added = plan.strip()[:40], 0
        with self.db.read() as connection:
            known = {task.number for task in PlanStore(connection).tasks() if task.plan == name}
        orgs = {one.id for one in self.access.organisations()}
        with self.db.begin() as tx:
            for place, row in enumerate(self.standards.table("plan_2018")):
                if row["section_no"] in known:
                    continue
                task = self._from_row(row, name, place, first, last, orgs)
                PlanStore(tx.connection).add(task)
                PlanStore(tx.connection).note(self._note(actor, task, Act.LOAD, name))
                added += 1
            if added:
                detail: dict[str, JsonValue] = {"tasks": added, "since": first.isoformat(), "due_on": last.isoformat()}
                PlanTableStore(tx.connection).mark(self.clock.now())
                self.evidence.record(tx, actor, "assess.plan_load", target=f"plan:{name}", detail=detail)
        return added

    def report(self, actor: Actor, task_id: str, percent: int, words: str, proofs: Sequence[str] = ()) -> PlanTask:
        """Report progress, as a department that leads or takes part; 100 per cent of a lead waits for confirmation.

        Raises:
            NotFound: there is no such task, or proof.
            Denied: the actor's department neither leads nor takes part.
            Conflict: the task is done.
            Invalid: the number, the words or a proof cannot be used.

        """
        task = self._stored(task_id)
        org = self._part(actor, task)
        if not 0 <= percent <= HUNDRED:
            raise Invalid("进度为 0 到 100。", "Progress is 0 to 100.", code="bad_number")
        if task.state is TaskState.DONE:
            raise Conflict("任务已办结。", "The task is done.", code="task_done")
        told, given = self._words(words), self._proofs(actor, proofs)
        leads = org in task.leads
        if percent == HUNDRED and leads and not given:
            raise Invalid(
                "报告完成须附佐证：目录、数据表、统计指标或链接。",
                "A report of completion needs a proof: an entry, a table, an indicator or a link.",
                code="proof_needed",
            )
        state = task.state if not leads else TaskState.REPORTED if percent == HUNDRED else TaskState.OPEN
        after = replace(task, percent=percent if leads else task.percent, reported_at=self.clock.now(), state=state)
        return self._put(actor, task, after, self._note(actor, task, Act.REPORT, told, percent, given))

    def confirm(
        self, actor: Actor, task_id: str, words: str = "", *, accept: bool, seen: str | None = None
    ) -> PlanTask:
        """Confirm that a task is done, or send the report back with words; not as the one who reported it.

        ``seen`` is the token of the report that was shown; it is needed to confirm.

        Raises:
            Conflict: nothing was reported as done, or it was reported anew (``changed_since_seen``).
            Refused: the actor reported it.

        """
        self.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        view = self.task(actor, task_id)
        task = view.lit.task
        if task.state is not TaskState.REPORTED:
            raise Conflict("尚未报告完成。", "It was not reported as done.", code="not_reported")
        newest = next(p for p in view.progress if p.act is Act.REPORT)
        if newest.by == actor.id:
            raise own_proposal()
        if accept:
            view.shown.check(seen)
        told = words.strip() if accept else self._words(words)
        state = TaskState.DONE if accept else TaskState.OPEN
        act = Act.CONFIRM if accept else Act.RETURN
        return self._put(actor, task, replace(task, state=state), self._note(actor, task, act, told, task.percent))

    def move_deadline(self, actor: Actor, task_id: str, due_on: date, words: str) -> PlanTask:
        """Give a task another deadline, with a reason."""
        self.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        task = self._stored(task_id)
        if due_on <= task.since:
            raise Invalid("期限须晚于开始日期。", "The deadline is after the begin.", code="bad_days")
        told = f"{task.due_on} → {due_on}：{self._words(words)}"
        note = self._note(actor, task, Act.MOVE, told, task.percent)
        return self._put(actor, task, replace(task, due_on=due_on), note)

    def urge(self, actor: Actor, task_id: str, words: str) -> PlanTask:
        """Urge the departments that lead a task; they are alerted."""
        self.access.require(actor, Permission.ASSESS_PLAN_MANAGE)
        task = self._stored(task_id)
        told = self._words(words)
        done = self._put(actor, task, task, self._note(actor, task, Act.URGE, told, task.percent))
        for org in task.leads:
            text = Text(
                f"督办任务 {task.number}“{task.title.zh}”：{told}", f"Task {task.number} {task.title.en}: {told}"
            )
            self.alerts.clear(AlertKind.PLAN_TASK, f"{task.id}:urge:{org}")
            self.alerts.say(AlertKind.PLAN_TASK, f"{task.id}:urge:{org}", org, text)
        return done

    def export(self, actor: Actor, form: SheetFormat, language: Language) -> HandedOut:
        """Return the plan with progress and lights as a file."""
        names = {one.id: one.short for one in self.access.organisations()}
        rows = [
            [
                t.number, t.title.in_language(language), t.summary.in_language(language), "、".join(names.get(o, o) for o in t.leads),
                "、".join([*(names.get(o, o) for o in t.joint), *([t.joint_words] if t.joint_words else [])]), t.measures,
                "; ".join(t.figures), t.since.isoformat(), t.due_on.isoformat(), f"{t.percent}%",
                t.state.text.in_language(language), lit.light.text.in_language(language), lit.why.in_language(language),
                "" if t.reported_at is None else t.reported_at.astimezone(self.zone).date().isoformat(),
            ]
            for lit in self.tasks(actor)
            for t in (lit.task,)
        ]  # fmt: skip
        rule = [[LIGHT_RULE.in_language(language)]]
        pages = [(Text("督办任务", "tasks"), _HEAD, rows), (Text("亮灯规则", "lights"), (Text("规则", "rule"),), rule)]
        return file_of(Text("督办任务", "work-plan").in_language(language), pages, form, language)

    def watch(self) -> None:
        """Alert the departments that lead yellow and red tasks, and take back what is over; called every minute."""
        with self.db.read() as connection:
            tasks = [self._lit(task) for task in PlanStore(connection).tasks()]
        wanted: dict[str, tuple[str, Text]] = {}
        alive = {lit.task.id for lit in tasks if lit.task.state is not TaskState.DONE}
        for lit in tasks:
            if lit.light in {Light.YELLOW, Light.RED}:
                t = lit.task
                words = Text(
                    f"督办任务 {t.number}“{t.title.zh}”{lit.light.text.zh}：{lit.why.zh}，期限 {t.due_on}",
                    f"Task {t.number} {t.title.en}, {lit.light.text.en}: {lit.why.en}, due {t.due_on}",
                )
                wanted |= {f"{t.id}:{lit.light.value}:{org}": (org, words) for org in t.leads}
        standing = self.alerts.open()
        for kind, subject in standing:
            task_id, _, rest = subject.partition(":")
            stays = subject in wanted or (rest.startswith("urge:") and task_id in alive)
            if kind is AlertKind.PLAN_TASK and not stays:
                self.alerts.clear(kind, subject)
        for subject, (org, text) in wanted.items():
            if (AlertKind.PLAN_TASK, subject) not in standing:
                self.alerts.say(AlertKind.PLAN_TASK, subject, org, text)

    # Inside

    def _stored(self, task_id: str) -> PlanTask:
        with self.db.read() as connection:
            found = PlanStore(connection).task(task_id)
        if found is None:
            raise no_task()
        return found

    def _part(self, actor: Actor, task: PlanTask) -> str:
        """Return for which department the actor reports: the own one, or for others the first that leads."""
        parts = [*task.leads, *task.joint]
        org = actor.org_id if actor.org_id in parts else (task.leads or ("",))[0]
        self.access.require(actor, Permission.ASSESS_PLAN_REPORT, org)
        return org or ""

    def _lit(self, task: PlanTask) -> Lit:
        today = self.today
        left = self.standards.calendar.working_days_between(today, task.due_on)
        shown, why = light(task, today, left)
        return Lit(task, shown, why, left)

    def _proofs(self, actor: Actor, words: Sequence[str]) -> tuple[Proof, ...]:
        """Return proofs that are there, as far as the actor may see."""
        found = tuple(dict.fromkeys(Proof.parse(one) for one in words if one.strip()))
        if len(found) > PROOFS_MOST:
            raise Invalid(f"佐证最多 {PROOFS_MOST} 条。", f"At most {PROOFS_MOST} proofs.", code="bad_proof")
        for proof in found:
            if proof.kind is ProofKind.ENTRY:
                self.catalog.get(actor, proof.ref)
            elif proof.kind is ProofKind.TABLE:
                self.tables.get(actor, proof.ref)
            elif proof.kind is ProofKind.FIGURE:
                self.known.figure(actor, proof.ref)
        return found

    def _note(
        self, actor: Actor, task: PlanTask, act: Act, words: str, percent: int = 0, proofs: tuple[Proof, ...] = ()
    ) -> Progress:
        return Progress(
            id=new_id("prg"),
            task_id=task.id,
            act=act,
            org_id=actor.org_id,
            percent=percent,
            words=words,
            proofs=proofs,
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )

    def _put(self, actor: Actor, before: PlanTask, after: PlanTask, note: Progress) -> PlanTask:
        after = replace(after, changed_at=self.clock.now())
        with self.db.begin() as tx:
            store = PlanStore(tx.connection)
            if not store.put(after, before):
                raise Conflict(
                    "任务刚被别人更新，请重新查看。", "Somebody just changed the task; look again.", code="task_changed"
                )
            store.note(note)
            detail: dict[str, JsonValue] = {
                "number": after.number,
                "percent": note.percent,
                "state": after.state.value,
                "due_on": after.due_on.isoformat(),
                "words": note.words,
                "proofs": [str(proof) for proof in note.proofs],
            }
            PlanTableStore(tx.connection).mark(self.clock.now())
            self.evidence.record(tx, actor, f"assess.plan_{note.act.value}", target=after.id, detail=detail)
        return after

    def _from_row(
        self, row: dict[str, str], plan: str, place: int, since: date, due_on: date, orgs: set[str]
    ) -> PlanTask:
        joint = [one for one in row["support_departments"].split(";") if one]
        chinese = next(one for one in packaged("plan_2018_zh") if one["section_no"] == row["section_no"])
        figures = [found[0] for one in row["numeric_targets"].split(";") if (found := _TARGET.match(one.strip()))]
        values: dict[str, Any] = {"leads": tuple(one for one in row["lead_departments"].split(";") if one)}
        return PlanTask(
            **values,
            id=new_id("tsk"),
            plan=plan,
            number=row["section_no"],
            place=place,
            part=Text(chinese["part_zh"], row["part_en"]),
            title=Text(row["title_zh"], row["title_en"]),
            summary=Text(chinese["summary_zh"], row["summary_en"]),
            joint=tuple(one for one in joint if one in orgs),
            joint_words="; ".join(one for one in joint if one not in orgs),
            measures=row["system_numbers"],
            figures=tuple(figures),
            since=since,
            due_on=due_on,
            changed_at=self.clock.now(),
        )
