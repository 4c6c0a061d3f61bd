"""Recalls: withdraw versions that were handed over, tell everyone who received them, and follow what became of the copies."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.db import Remembered
from beijiang.exchange.errors import changed_meanwhile
from beijiang.exchange.models import Move
from beijiang.exchange.models.recalls import (
    LOOKED_AT,
    Duty,
    DutyState,
    Kept,
    Recall,
    RecallDraft,
    RecallPlan,
    RecallQuery,
    RecallView,
    Receiver,
)
from beijiang.exchange.service.base import Base, said
from beijiang.exchange.store import RecallStore, RequestStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text, new_id
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.catalog import Release, Resource
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Deadline

__all__ = ["Recalls"]

log = logging.getLogger(__name__)
_TOPIC: Final = "recall.confirm"


class Recalls(Base):
    """Withdrawn versions and what receivers confirmed; the catalog asks here before readers get a version."""

    # What the catalog asks

    def keeps_back(self, candidate: Release) -> Text | None:
        """Return why readers must not get a version: it was recalled."""
        recalled = self.recalled(candidate.table)
        if candidate.table_version not in recalled:
            return None
        return Text(
            f"第 {candidate.table_version} 版已被召回，不再提供。请写入新的版本。",
            f"Version {candidate.table_version} was recalled and is not served again. Write a new version.",
        )

    def recalled(self, table: str) -> frozenset[int]:
        """Return the versions of a table that were recalled."""
        with self.db.read() as connection:
            found = RecallStore(connection).of_table(table)
        return frozenset(version for one in found for version in one.versions)

    def left(self, resource_id: str, table: str) -> frozenset[int]:
        """Return the versions that readers ever had and that nobody recalled; shares let readers go back to them."""
        return frozenset(self.parts.catalog.releases(resource_id)) - self.recalled(table)

    @cached_property
    def _announced(self) -> Remembered[tuple[Recall, ...]]:
        return Remembered(self.db)

    def announced(self, resource_id: str) -> Sequence[Recall]:
        """Return the recalls of an entry that is open to everybody, newest first: who took a copy cannot be told by name."""
        return self._announced.get(
            resource_id, lambda connection: tuple(RecallStore(connection).of_resource(resource_id))
        )

    # The provider

    def plan(self, actor: Actor, draft: RecallDraft) -> RecallPlan:
        """Return what a recall would do: who received the versions, and what readers would have instead.

        Raises:
            NotFound: no such resource.
            Invalid: no versions, unknown ones, or ones that were recalled before.

        """
        resource, table = self._own(actor, draft)
        serving = self.parts.catalog.released(table)
        now = None if serving is None else serving.table_version
        return RecallPlan(
            draft=draft,
            table=table,
            served_now=now,
            would_serve=self._instead(resource, table, frozenset(draft.versions)),
            receivers=tuple(self._receivers(resource, table, draft.versions)),
        )

    def versions(self, actor: Actor, resource_id: str) -> Sequence[tuple[int, int]]:
        """Return the versions that readers ever had, newest first, and how many times each was handed over.

        Raises:
            NotFound: no such resource.

        """
        resource = self.parts.catalog.get(actor, resource_id)
        self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, resource.provider_id)
        table = resource.table or ""
        handed, gone = self._handed(resource, table), self.recalled(table)
        had = [version for version in self.parts.catalog.releases(resource_id) if version not in gone]
        return [(v, sum(reads for (version, _), (reads, _at) in handed.items() if version == v)) for v in had]

    def recall(self, actor: Actor, draft: RecallDraft) -> Recall:
        """Withdraw versions: readers have another one or none from the next request on, and receivers are told.

        Raises:
            NotFound: no such resource.
            Invalid: no reason, no versions, unknown ones, or ones that were recalled before.

        """
        reason = said(draft.reason, needed=True)
        plan = self.plan(actor, draft)
        resource = self.parts.catalog.get(actor, draft.resource_id)
        outside = sum(one.reads for one in plan.receivers if one.org_id is None)
        made = Recall(
            id=new_id("rec"),
            resource_id=resource.id,
            resource_name=resource.entry.name,
            table=plan.table,
            provider_id=resource.provider_id,
            versions=tuple(sorted(draft.versions)),
            reason=reason,
            remedy=draft.remedy,
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
            served=plan.would_serve,
            outside=outside,
        )
        duties = [self._duty(made, one) for one in plan.receivers if one.org_id is not None]
        detail: dict[str, JsonValue] = {
            "resource": made.resource_id,
            "table": made.table,
            "versions": [*made.versions],
            "reason": reason,
            "remedy": made.remedy.value,
            "served": made.served,
            "receivers": [duty.org_id for duty in duties],
            "outside": outside,
        }
        with self.db.begin() as tx:
            RecallStore(tx.connection).add(made, duties)
            RequestStore(tx.connection).add_step(self._step(actor, made.id, Move.RECALL, reason))
            self.parts.catalog.move_readers(tx, actor, made.resource_id, made.served)
            self.parts.evidence.record(tx, actor, "exchange.recall", target=made.id, detail=detail)
        for duty in duties:
            self.parts.alerts.say(AlertKind.RECALL, _subject(duty), duty.org_id, _told(made))
        return made

    def excuse(self, actor: Actor, recall_id: str, org_id: str, words: str) -> Duty:
        """Free a department from its duty, with a reason; the provider's own decision.

        Raises:
            NotFound: no such recall, or the department has no duty.
            Conflict: it was confirmed before.
            Invalid: no reason.

        """
        recall = self._peek(actor, recall_id)
        self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, recall.provider_id)
        duty = self._waiting(recall, org_id)
        freed = replace(duty, state=DutyState.EXCUSED, words=said(words, needed=True))
        return self._settle(actor, recall, freed, Move.EXCUSE)

    # The receivers

    def confirm(self, actor: Actor, recall_id: str, org_id: str, kept: Kept, words: str = "") -> Duty:
        """Confirm for a department what became of its copies, those passed to systems of its own included.

        Raises:
            NotFound: no such recall, or the department has no duty.
            Conflict: it was confirmed before.

        """
        recall = self._peek(actor, recall_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, org_id)
        duty = self._waiting(recall, org_id)
        done = replace(duty, state=DutyState.CONFIRMED, kept=kept, words=said(words, needed=False))
        return self._settle(actor, recall, done, Move.CONFIRM_RECALL)

    # Both

    def recalls(self, actor: Actor, query: RecallQuery | None = None) -> tuple[Sequence[Recall], int]:
        """Return the recalls by and for the actor's departments, newest first, and how many there are."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            store = RecallStore(connection)
            known = store.organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org)]
            return store.find(query or RecallQuery(), orgs, every=len(orgs) == len(known))

    def view(self, actor: Actor, recall_id: str) -> RecallView:
        """Return one recall with its duties: all of them for its provider and the authority, one's own for a receiver.

        Raises:
            NotFound: no such recall, or not this actor's to see.

        """
        recall = self._peek(actor, recall_id)
        all_ = self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, recall.provider_id)
        with self.db.read() as connection:
            duties = RecallStore(connection).duties(recall.id)
        seen = [d for d in duties if all_ or self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, d.org_id)]
        waiting = [d for d in seen if d.state is DutyState.WAITING]
        return RecallView(
            recall=recall,
            duties=tuple(seen),
            deadlines={d.org_id: due for d in seen if (due := self._due(d)) is not None},
            may_confirm=frozenset(
                d.org_id for d in waiting if self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, d.org_id)
            ),
            may_excuse=bool(waiting)
            and self.access.allows(actor, Permission.EXCHANGE_GRANT_MANAGE, recall.provider_id),
        )

    def waiting(self, actor: Actor) -> Sequence[Duty]:
        """Return the duties that are the actor's to confirm, the oldest first."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            found = RecallStore(connection).waiting()
        return [one for one in found if self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, one.org_id)]

    def count_waiting(self, actor: Actor) -> int:
        """Return how many duties are the actor's to confirm."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            counts = RecallStore(connection).count_waiting()
        return sum(n for org, n in counts.items() if self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, org))

    def watch(self) -> None:
        """Remind and escalate what is not confirmed; called by the dispatcher every minute."""
        with self.db.read() as connection:
            waiting = RecallStore(connection).waiting()
        for duty in waiting:
            standing = self._due(duty)
            if standing is None:
                continue
            overdue = standing.state is CaseState.OVERDUE
            passed = sum(self.clock.now() >= moment for moment in standing.warnings)
            stage = len(standing.warnings) + standing.step if overdue else passed
            if stage > duty.urged:
                self._urge(duty, standing, stage, overdue=overdue)

    def _urge(self, duty: Duty, standing: Deadline, stage: int, *, overdue: bool) -> None:
        with self.db.read() as connection:
            recall = RecallStore(connection).get(duty.recall_id)
        if recall is None:
            return
        zh = f"召回“{recall.resource_name}”{'已超过' if overdue else '须在'} {standing.last_day} {'的确认期限' if overdue else '前确认'}。"
        en = (
            f"The recall of {recall.resource_name} {'was' if overdue else 'is'} to be confirmed by {standing.last_day}."
        )
        try:
            self._write(
                SYSTEM, recall, replace(duty, urged=stage), Move.ESCALATE if overdue else Move.URGE, Text(zh, en).zh
            )
        except Conflict as error:
            log.info("a recall was confirmed meanwhile: %s", error.reason)
            return
        if overdue:
            self.parts.alerts.say(AlertKind.RECALL_OVERDUE, _subject(duty), duty.org_id, Text(zh, en))

    def _own(self, actor: Actor, draft: RecallDraft) -> tuple[Resource, str]:
        resource = self.parts.catalog.get(actor, draft.resource_id)
        self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, resource.provider_id)
        table = resource.table or ""
        had, gone = set(self.parts.catalog.releases(resource.id)), self.recalled(table)
        wrong = sorted(set(draft.versions) - had) or sorted(set(draft.versions) & gone)
        if not draft.versions or wrong:
            known = "、".join(str(v) for v in sorted(had - gone, reverse=True)[:10]) or "无"
            raise Invalid(
                f"请选择读者得到过且未召回的版本：{known}。",
                f"Name versions that readers had and that were not recalled: {known}.",
                code="recall_versions",
                detail={"wrong": [*wrong]},
            )
        return resource, table

    def _handed(self, resource: Resource, table: str) -> dict[tuple[int, str | None], tuple[int, datetime]]:
        handed = self.parts.evidence.handed_over(table, {str(exit_) for exit_ in LOOKED_AT})
        return {key: found for key, found in handed.items() if key[1] != resource.provider_id}

    def _receivers(self, resource: Resource, table: str, versions: Sequence[int]) -> list[Receiver]:
        found: dict[str | None, Receiver] = {}
        for (version, org), (reads, last) in self._handed(resource, table).items():
            if version in versions:
                before = found.get(org, Receiver(org, 0, last))
                found[org] = Receiver(org, before.reads + reads, max(before.last_at, last))
        return sorted(found.values(), key=lambda one: (-one.reads, one.org_id or ""))

    def _instead(self, resource: Resource, table: str, going: frozenset[int]) -> int | None:
        serving = self.parts.catalog.released(table)
        if serving is None or serving.table_version not in going:
            return None if serving is None else serving.table_version
        gone = going | self.recalled(table)
        left = [v for v in self.parts.catalog.releases(resource.id) if v not in gone and v < serving.table_version]
        return max(left, default=None)

    def _duty(self, recall: Recall, one: Receiver) -> Duty:
        rule = self.parts.standards.limit(_TOPIC, one.org_id or "")
        case = None if rule is None else begin(rule, self.clock.now())
        return Duty(recall_id=recall.id, org_id=one.org_id or "", reads=one.reads, last_at=one.last_at, case=case)

    def _due(self, duty: Duty) -> Deadline | None:
        if duty.case is None:
            return None
        return deadline(duty.case, self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def _peek(self, actor: Actor, recall_id: str) -> Recall:
        with self.db.read() as connection:
            store = RecallStore(connection)
            found = store.get(recall_id)
            sides = [] if found is None else [found.provider_id, *(duty.org_id for duty in store.duties(found.id))]
        if found is not None and any(self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org) for org in sides):
            return found
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        raise _no_recall()

    def _waiting(self, recall: Recall, org_id: str) -> Duty:
        with self.db.read() as connection:
            found = [duty for duty in RecallStore(connection).duties(recall.id) if duty.org_id == org_id]
        if not found:
            raise _no_recall()
        if found[0].state is not DutyState.WAITING:
            raise Conflict(
                "该部门对这次召回已有结论。",
                "This recall is settled for the department already.",
                code="recall_settled",
            )
        return found[0]

    def _settle(self, actor: Actor, recall: Recall, duty: Duty, move: Move) -> Duty:
        now = self.clock.now()
        case = None if duty.case is None else stop(duty.case, now)
        done = self._write(actor, recall, replace(duty, by_name=actor.name, at=now, case=case), move, duty.words)
        for kind in (AlertKind.RECALL, AlertKind.RECALL_OVERDUE):
            self.parts.alerts.clear(kind, _subject(done))
        return done

    def _write(self, actor: Actor, recall: Recall, duty: Duty, move: Move, words: str) -> Duty:
        changed = replace(duty, revision=duty.revision + 1)
        detail: dict[str, JsonValue] = {
            "org": changed.org_id,
            "state": changed.state.value,
            "kept": None if changed.kept is None else changed.kept.value,
            "words": words,
        }
        with self.db.begin() as tx:
            if not RecallStore(tx.connection).save(changed):
                raise changed_meanwhile()
            step = self._step(actor, recall.id, move, words, detail={"org": changed.org_id})
            RequestStore(tx.connection).add_step(step)
            self.parts.evidence.record(tx, actor, "exchange.recall_move", target=recall.id, detail=detail)
        return changed


def _subject(duty: Duty) -> str:
    return f"{duty.recall_id}:{duty.org_id}"


def _told(recall: Recall) -> Text:
    which = "、".join(map(str, recall.versions))
    return Text(
        f"“{recall.resource_name}”第 {which} 版已被召回：{recall.reason}。请{recall.remedy.text.zh}，并在“召回”中确认。",
        f"Version {which} of {recall.resource_name} was recalled: {recall.reason}. Please {recall.remedy.text.en}, and confirm it "
        "under Recalls.",
    )


def _no_recall() -> BeijiangError:
    return NotFound(
        "没有这次召回，或者您无权查看。请在“召回”中查找。",
        "There is no such recall, or it is not yours to see. Look under Recalls.",
        code="recall_not_found",
    )
