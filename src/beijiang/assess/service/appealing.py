"""Appeals against frozen marks: raised by the department, answered by the authority on the raw facts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.assess.errors import decided, no_appeal, own_proposal
from beijiang.assess.models import Appeal, AppealState, AppealView, Fact, Mark, Period, indicators
from beijiang.assess.service.assessing import Assessing
from beijiang.assess.service.gathering import gather
from beijiang.assess.service.looking import Look
from beijiang.assess.service.reporting import department_file, ranking_file
from beijiang.assess.store import MarkStore
from beijiang.kit import Conflict, Invalid, Text, new_id

if TYPE_CHECKING:
    from beijiang.kit import Actor, Language
    from beijiang.kit.errors import JsonValue
    from beijiang.quality import HandedOut
    from beijiang.standards import SheetFormat

__all__ = ["Assess"]

LEFT_OUT: Final = Text("申诉裁定不计", "left out by an appeal")
GRANTED: Final = Text("申诉裁定计为完成", "counted as done by an appeal")


class Assess(Assessing):
    """Assessment of departments: indicators, scores, ranks, weights, appeals."""

    def report(self, actor: Actor, period: Period, form: SheetFormat, language: Language) -> HandedOut:
        """Return ranks and totals of a period as a file."""
        names = {one.id: one.short for one in self.access.organisations()}
        return ranking_file(self.ranking(actor, period), names, form, language)

    def department_report(
        self, actor: Actor, period: Period, org_id: str, form: SheetFormat, language: Language
    ) -> HandedOut:
        """Return a department with every fact as a file; open to itself and the data authority."""
        standing = self.standing(actor, period, org_id)
        with self.db.read() as connection:
            store = MarkStore(connection)
            facts = {name: store.facts(mark) for name, mark in standing.marks.items()}
        return department_file(standing, self.access.organisation(org_id).short, facts, form, language)

    def appeal(self, actor: Actor, period: Period, org_id: str, indicator: str, words: str) -> Appeal:
        """Say that a frozen mark of the actor's department is wrong.

        Raises:
            Conflict: the period is not frozen (``not_frozen``), or an appeal against the mark is open (``appeal_open``).
            NotFound: there is no such mark.
            Invalid: no reason is given.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_APPEAL, org_id)
        sheet, mark, _ = self.facts(actor, period, org_id, indicator)
        if sheet.frozen_at is None:
            raise Conflict(
                f"{period} 尚未冻结：请先补正数据，由数据局重新计算；冻结后仍有异议再申诉。",
                f"{period} is not frozen: mend the data and have it computed again; appeal against what is frozen.",
                code="not_frozen",
            )
        made = Appeal(
            id=new_id("apl"),
            period=period,
            sheet_id=sheet.id,
            org_id=org_id,
            indicator=indicator,
            mark_id=mark.id,
            words=self._words(words),
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )
        detail: dict[str, JsonValue] = {
            "period": str(period),
            "org": org_id,
            "indicator": indicator,
            "a": mark.a,
            "b": mark.b,
            "words": made.words,
        }
        try:
            with self.db.begin() as tx:
                MarkStore(tx.connection).add_appeal(made)
                self.evidence.record(tx, actor, "assess.appeal_open", target=made.id, detail=detail)
        except IntegrityError:
            raise Conflict(
                "这项指标已有待答复的申诉。", "An appeal against this mark is open already.", code="appeal_open"
            ) from None
        return made

    def appeals(self, actor: Actor, period: Period | None = None) -> Sequence[Appeal]:
        """Return the appeals that the actor may see: those of the own department, all for the data authority."""
        self.access.require(actor, Permission.ASSESS_SCORE_READ)
        with self.db.read() as connection:
            found = MarkStore(connection).appeals(period)
        seen = {o: self.access.allows(actor, Permission.ASSESS_SCORE_READ, o) for o in {a.org_id for a in found}}
        return [one for one in found if seen[one.org_id]]

    def appeal_view(self, actor: Actor, appeal_id: str) -> AppealView:
        """Return an appeal with the raw facts that it is about, as they were then.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            store = MarkStore(connection)
            found = store.appeal(appeal_id)
            if found is None or not self.access.allows(actor, Permission.ASSESS_SCORE_READ, found.org_id):
                self.access.require(actor, Permission.ASSESS_SCORE_READ)
                raise no_appeal()
            mark = store.mark(found.mark_id)
            if mark is None:
                raise no_appeal()
            after = store.mark(found.mark_after) if found.mark_after else None
            return AppealView(found, mark, store.facts(mark), after)

    def decide_appeal(
        self,
        actor: Actor,
        appeal_id: str,
        outcome: AppealState,
        words: str,
        *,
        leave_out: Collection[int] = (),
        grant: Collection[int] = (),
    ) -> Appeal:
        """Answer an appeal: keep the mark, or recompute it.

        To recompute, say which facts (by their place, from 0) are left out or counted as done; with neither, the facts are
        gathered anew from the platform as it is now. The mark before is kept beside the new one.

        Raises:
            NotFound: there is no such appeal.
            Refused: the actor raised it.
            Conflict: it is answered.
            Invalid: no words, an outcome that is none, or places that are none.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_MANAGE)
        view = self.appeal_view(actor, appeal_id)
        if view.appeal.by == actor.id:
            raise own_proposal()
        if view.appeal.state is not AppealState.OPEN:
            raise decided()
        if outcome is AppealState.OPEN:
            raise Invalid("结论须为重新计算或维持。", "The answer is recomputed or kept.", code="bad_outcome")
        told, after = self._words(words), None
        if outcome is AppealState.RECOMPUTED:
            facts = self._ruled(view, leave_out, grant) if leave_out or grant else self._anew(view)
            indicator = indicators()[view.appeal.indicator]
            after = self._mark(view.appeal.org_id, indicator, facts, view.mark.revision + 1, view.appeal.id)
        done = replace(
            view.appeal,
            state=outcome,
            decided_by=actor.id,
            decided_name=actor.name,
            decided_at=self.clock.now(),
            decision=told,
            mark_after=after.id if after else "",
        )
        with self.db.begin() as tx:
            store = MarkStore(tx.connection)
            if not store.decide_appeal(done):
                raise decided()
            if after is not None:
                store.add_mark(done.sheet_id, after, facts)
            detail = self._detail(view.mark, done, after, leave_out, grant)
            if after is not None:
                detail["sha256"] = store.digest(done.sheet_id)
            self.evidence.record(tx, actor, "assess.appeal_decide", target=done.id, detail=detail)
        return done

    @staticmethod
    def _detail(
        before: Mark, done: Appeal, after: Mark | None, leave_out: Collection[int], grant: Collection[int]
    ) -> dict[str, JsonValue]:
        return {
            "outcome": done.state.value,
            "words": done.decision,
            "before": [before.a, before.b],
            "after": [after.a, after.b] if after else None,
            "left_out": [*sorted(leave_out)],
            "granted": [*sorted(grant)],
        }

    @staticmethod
    def _ruled(view: AppealView, leave_out: Collection[int], grant: Collection[int]) -> list[Fact]:
        """Return the facts with what was ruled about some of them."""
        places = range(len(view.facts))
        if any(place not in places for place in (*leave_out, *grant)) or set(leave_out) & set(grant):
            raise Invalid(
                f"事实序号须在 0 到 {len(places) - 1} 之间，且不能既不计又计为完成。",
                f"Places of facts are 0 to {len(places) - 1}, and none is both left out and counted as done.",
                code="bad_fact",
            )
        found = []
        for place, fact in enumerate(view.facts):
            if place in leave_out:
                why = Text(f"{LEFT_OUT.zh}：{fact.why.zh}", f"{LEFT_OUT.en}: {fact.why.en}")
                found.append(replace(fact, counted=False, why=why))
            elif place in grant:
                why = Text(f"{GRANTED.zh}：{fact.why.zh}", f"{GRANTED.en}: {fact.why.en}")
                found.append(replace(fact, a=fact.b, counted=True, why=why))
            else:
                found.append(fact)
        return found

    def _anew(self, view: AppealView) -> list[Fact]:
        """Return the facts as the platform tells them now.

        Raises:
            Conflict: it cannot tell them any more; rule on single facts instead (``facts_gone``).

        """
        look = Look(self.parts, view.appeal.period, self.clock.now(), self.zone)
        found = gather(look, indicators()[view.appeal.indicator])
        if isinstance(found, Text):
            raise Conflict(
                f"现在无法重新取数（{found.zh}），请逐条裁定事实。",
                f"The facts cannot be gathered anew ({found.en}); rule on them one by one.",
                code="facts_gone",
            )
        return [fact for fact in found if fact.org_id == view.appeal.org_id]
