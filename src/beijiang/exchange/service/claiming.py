"""What a unit does about a standard entry: claim it, say that it does not apply or is another's; and who sees what."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile
from beijiang.exchange.models.templates import (
    ClaimMove,
    ClaimState,
    ClaimTask,
    ClaimView,
    Template,
    TemplateView,
    check_claim_move,
    claim_moves_from,
    deviations,
    edit_to_standard,
    entry_of_unit,
)
from beijiang.exchange.service.base import Base, said
from beijiang.exchange.store import RequestStore, TemplateStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beijiang.db import UnitOfWork
    from beijiang.exchange.models.templates import Deviation
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Deadline

__all__ = ["ISSUE", "TOPIC", "Claiming"]

log = logging.getLogger(__name__)
TOPIC: Final = "claim.respond"
ISSUE: Final = Permission.EXCHANGE_TEMPLATE_ISSUE
_ANSWER: Final = Permission.CATALOG_RESOURCE_REGISTER
_READ: Final = Permission.EXCHANGE_REQUEST_READ
_ALERTS: Final = (AlertKind.CLAIM, AlertKind.CLAIM_OVERDUE)


class Claiming(Base):
    """The units' side, and what both sides share."""

    # The unit

    def claim(self, actor: Actor, task_id: str, resource_id: str = "") -> ClaimTask:
        """Take a standard entry over: with an entry of the unit's, which is brought to the standard, or with a new one.

        What a table does not have stays missing and is told by the entry until it is there.

        Raises:
            NotFound: no such task or entry.
            Conflict: it is not possible now, or the unit has an entry of the same name: claim with that one.
            Denied: the actor does not compile for the unit.

        """
        before, standard = self._task(actor, task_id)
        self.access.require(actor, _ANSWER, before.org_id)
        state = check_claim_move(before.state, ClaimMove.CLAIM)
        chosen = resource_id or before.resource_id
        if chosen:
            own = self.parts.catalog.get(actor, chosen)
            if own.provider_id != before.org_id:
                raise _other_entry()
            edit = edit_to_standard(standard.entry, own.entry, self._slower)
            self.parts.catalog.edit(actor, own.id, edit)
        else:
            unit = self.access.organisation(before.org_id)
            chosen = self.parts.catalog.register(actor, entry_of_unit(standard.entry, unit)).id
        return self._put(
            actor, before, replace(self._stopped(before), state=state, resource_id=chosen), ClaimMove.CLAIM
        )

    def decline(self, actor: Actor, task_id: str, words: str, named: str = "") -> ClaimTask:
        """Say that the unit has no such data, or name the department whose they are; who issued the standard decides.

        Raises:
            NotFound: no such task or department.
            Conflict: it is not possible now.
            Invalid: no reason, or the unit names itself.

        """
        before, _ = self._task(actor, task_id)
        behalf = self._acting(actor, _ANSWER, before.org_id)
        move = ClaimMove.NAME if named else ClaimMove.DECLINE
        state = check_claim_move(before.state, move)
        reason = said(words, needed=True)
        if named == before.org_id:
            raise Invalid("请写明另一个部门。", "Name another department than your own.", code="names_itself")
        if named:
            self.access.organisation(named)
        return self._put(actor, before, replace(self._stopped(before), state=state, named=named), move, reason, behalf)

    # Both

    def templates(self, actor: Actor) -> Sequence[tuple[Template, Mapping[ClaimState, int]]]:
        """Return the standards issued by or for the actor's departments, with how many units stand where, newest first."""
        self.access.require(actor, _READ)
        with self.db.read() as connection:
            store = TemplateStore(connection)
            found, counts = store.templates(self._own(actor, store)), store.counts()
        return [(one, counts.get(one.id, {})) for one in found]

    def template(self, actor: Actor, template_id: str) -> TemplateView:
        """Return a standard with the tasks that the actor sees: all of them for its issuer.

        Raises:
            NotFound: no such standard, or not this actor's to see.

        """
        found = self._peek(actor, template_id)
        every = self.access.allows(actor, _READ, found.org_id)
        with self.db.read() as connection:
            tasks = TemplateStore(connection).tasks(found.id)
            steps = RequestStore(connection).steps(found.id)
        seen = tuple(one for one in tasks if every or self.access.allows(actor, _READ, one.org_id))
        return TemplateView(
            template=found,
            tasks=seen,
            deadlines={one.id: due for one in seen if (due := self.due(one)) is not None},
            steps=tuple(steps),
            may_issue=self.access.allows(actor, ISSUE, found.org_id),
        )

    def task(self, actor: Actor, task_id: str) -> ClaimView:
        """Return one task with the standard, what of the unit's entry differs, and the actor's moves.

        Raises:
            NotFound: no such task, or not this actor's to see.

        """
        found, standard = self._task(actor, task_id)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(found.id)
        return ClaimView(
            task=found,
            template=standard,
            deadline=self.due(found),
            deviations=tuple(self._deviations(found, standard)),
            steps=tuple(steps),
            moves=()
            if standard.retired
            else tuple(self._moves(self._people_of(actor), found.state, found.org_id, standard.org_id)),
        )

    def waiting(self, actor: Actor) -> Sequence[ClaimTask]:
        """Return the tasks whose next move is the actor's, the oldest first."""
        self.access.require(actor, _READ)
        with self.db.read() as connection:
            waiting = TemplateStore(connection).waiting()
        people = self._people_of(actor)
        return [one for one, issuer in waiting if self._moves(people, one.state, one.org_id, issuer)]

    def count_waiting(self, actor: Actor) -> int:
        """Return how many tasks have a next move that is the actor's."""
        self.access.require(actor, _READ)
        with self.db.read() as connection:
            counts = TemplateStore(connection).count_waiting()
        people = self._people_of(actor)
        return sum(count for state, org, issuer, count in counts if self._moves(people, state, org, issuer))

    def due(self, task: ClaimTask) -> Deadline | None:
        """Return how the time of a task stands that its reader holds already."""
        if task.case is None:
            return None
        return deadline(task.case, self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def all_tasks(self, actor: Actor) -> Sequence[ClaimTask]:
        """Return every task that the actor sees, newest first; assessment counts them."""
        self.access.require(actor, _READ)
        with self.db.read() as connection:
            store = TemplateStore(connection)
            return store.tasks(orgs=self._own(actor, store))

    def watch(self) -> None:
        """Remind units, and tell both sides of what is overdue; called by the dispatcher every minute."""
        with self.db.read() as connection:
            waiting = [one for one, _ in TemplateStore(connection).waiting() if one.state.waits_for_unit]
        for task in waiting:
            standing = self.due(task)
            if standing is None:
                continue
            overdue = standing.state is CaseState.OVERDUE
            passed = sum(self.clock.now() >= moment for moment in standing.warnings)
            stage = len(standing.warnings) + standing.step if overdue else passed
            if stage > task.urged:
                self._urge(task, standing, stage, overdue=overdue)

    def _urge(self, task: ClaimTask, standing: Deadline, stage: int, *, overdue: bool) -> None:
        words = Text(
            f"标准目录“{task.name}”{'已超过' if overdue else '须在'} {standing.last_day} {'的认领期限' if overdue else '前认领'}。",
            f"The standard entry {task.name} {'was' if overdue else 'is'} to be claimed by {standing.last_day}.",
        )
        move = ClaimMove.ESCALATE if overdue else ClaimMove.URGE
        try:
            self._put(SYSTEM, task, replace(task, urged=stage), move, words.zh)
        except Conflict as error:
            log.info("a claim was answered meanwhile: %s", error.reason)
            return
        self.parts.alerts.say(AlertKind.CLAIM_OVERDUE if overdue else AlertKind.CLAIM, task.id, task.org_id, words)

    # Parts of the verbs

    def _slower(self, one: str, other: str) -> bool:
        first, second = (self.parts.standards.update_cycle(code).interval for code in (one, other))
        return second is not None and (first is None or first > second)

    def _deviations(self, task: ClaimTask, standard: Template) -> Iterable[Deviation]:
        if not task.resource_id:
            return ()
        own = self.parts.catalog.get(SYSTEM, task.resource_id)
        return deviations(standard.entry, own.entry, self._slower)

    def _moves(self, people: Sequence[Actor], state: ClaimState, unit: str, issuer: str) -> Sequence[ClaimMove]:
        """Return the moves of the first of some people, who stands in for the others.

        To claim is to write in the catalog, for which one's own right is needed; all else is deciding.
        """
        asked = (ISSUE, issuer) if state.waits_for_issuer else (_ANSWER, unit)
        if self.access.allows(people[0], *asked):
            return claim_moves_from(state)
        deputed = any(self.access.allows(one, *asked) for one in people[1:])
        return [move for move in claim_moves_from(state) if move is not ClaimMove.CLAIM] if deputed else ()

    def _timed(self, task: ClaimTask) -> ClaimTask:
        rule = self.parts.standards.limit(TOPIC, task.org_id)
        return replace(task, case=None if rule is None else begin(rule, self.clock.now()), urged=0)

    def _stopped(self, task: ClaimTask) -> ClaimTask:
        if task.case is None or task.case.answered is not None:
            return task
        return replace(task, case=stop(task.case, self.clock.now()))

    def _own(self, actor: Actor, store: TemplateStore) -> list[str]:
        return [org for org in sorted(store.units()) if self.access.allows(actor, _READ, org)]

    def _peek(self, actor: Actor, template_id: str) -> Template:
        with self.db.read() as connection:
            store = TemplateStore(connection)
            found = store.get(template_id)
            sides = set() if found is None else {found.org_id, *(task.org_id for task in store.tasks(found.id))}
        sees = any(self.access.allows(actor, _READ, org) for org in sides)
        if found is None or not sees:
            self.access.require(actor, _READ)
            raise NotFound(
                "没有这个标准目录，或者您无权查看。请在“标准目录”中查找。",
                "There is no such standard entry, or it is not yours to see. Look under Standard entries.",
                code="template_not_found",
            )
        return found

    def _task(self, actor: Actor, task_id: str) -> tuple[ClaimTask, Template]:
        with self.db.read() as connection:
            store = TemplateStore(connection)
            found = store.task(task_id)
            standard = None if found is None else store.get(found.template_id)
        if found is None or standard is None or not self._sees_task(actor, found, standard):
            self.access.require(actor, _READ)
            raise NotFound(
                "没有这个认领任务，或者您无权查看。请在“标准目录”中查找。",
                "There is no such task, or it is not yours to see. Look under Standard entries.",
                code="claim_not_found",
            )
        return found, standard

    def _sees_task(self, actor: Actor, task: ClaimTask, standard: Template) -> bool:
        sides = (task.org_id, standard.org_id)
        return any(self.access.allows(one, _READ, org) for one in self._people_of(actor) for org in sides)

    def _tell(self, task: ClaimTask) -> None:
        words = Text(
            f"标准目录“{task.name}”第 {task.template_version} 版待认领。",
            f"The standard entry {task.name}, version {task.template_version}, is to be claimed.",
        )
        self.parts.alerts.say(AlertKind.CLAIM, task.id, task.org_id, words)

    def _put(
        self,
        actor: Actor,
        before: ClaimTask,
        after: ClaimTask,
        move: ClaimMove,
        words: str = "",
        behalf: Actor | None = None,
    ) -> ClaimTask:
        with self.db.begin() as tx:
            changed = self._write(tx, actor, before, after, move, words, behalf)
        if move not in {ClaimMove.URGE, ClaimMove.ESCALATE}:
            self._clear(changed)
        return changed

    def _clear(self, task: ClaimTask) -> None:
        for kind in _ALERTS:
            self.parts.alerts.clear(kind, task.id)

    def _write(
        self,
        tx: UnitOfWork,
        actor: Actor,
        before: ClaimTask,
        after: ClaimTask,
        move: ClaimMove,
        words: str,
        behalf: Actor | None = None,
    ) -> ClaimTask:
        changed = replace(after, revision=before.revision + 1, changed_at=self.clock.now())
        detail: dict[str, JsonValue] = {
            "move": move.value,
            "from": before.state.value,
            "to": changed.state.value,
            "org": changed.org_id,
            "template": changed.template_id,
            "version": changed.template_version,
            "resource": changed.resource_id,
            "named": changed.named,
            "words": words,
            **({"behalf": behalf.name} if behalf else {}),
        }
        if not TemplateStore(tx.connection).save_task(changed):
            raise changed_meanwhile()
        RequestStore(tx.connection).add_step(self._step(actor, changed.id, move, words, behalf=behalf))
        self.parts.evidence.record(tx, actor, "exchange.claim_move", target=changed.id, detail=detail)
        return changed


def _other_entry() -> BeijiangError:
    return Invalid(
        "请选择本部门自己的目录来认领。",
        "Claim with an entry of your own department.",
        code="other_entry",
    )
