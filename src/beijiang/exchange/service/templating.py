"""Standard entries: issue one for the units below, decide on what they say, retire it; entries are held against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.catalog import Gap
from beijiang.exchange.errors import changed_meanwhile
from beijiang.exchange.models.templates import (
    ClaimMove,
    ClaimState,
    ClaimTask,
    Template,
    TemplateDraft,
    TemplatePlan,
    check_claim_move,
    deviations,
    is_beneath,
)
from beijiang.exchange.service.base import said
from beijiang.exchange.service.claiming import ISSUE, TOPIC, Claiming
from beijiang.exchange.store import RequestStore, TemplateStore
from beijiang.kit import Conflict, Invalid, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beijiang.access import Organisation
    from beijiang.catalog import Entry, Resource
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Templates"]


class Templates(Claiming):
    """Standard entries and the tasks of the units; the catalog asks here before an entry is handed in."""

    # What the catalog asks

    def gaps(self, resource: Resource) -> Sequence[Gap]:
        """Return where an entry is not as the standard says that it was claimed for."""
        with self.db.read() as connection:
            store = TemplateStore(connection)
            task = store.claimed_with(resource.id)
            standard = None if task is None else store.get(task.template_id)
        if task is None or standard is None or standard.retired or task.state is ClaimState.MOVED:
            return ()
        return [
            Gap(one.field, one.text, one.stops, one.column or None)
            for one in deviations(standard.entry, resource.entry, self._slower)
        ]

    # The issuer

    def plan(self, actor: Actor, draft: TemplateDraft) -> TemplatePlan:
        """Return what issuing a standard would do: who gets a task, and how long they have.

        Raises:
            NotFound: no such entry, or no such unit.
            Invalid: the entry is not complete (``template_incomplete``), or no unit is beneath the issuer (``no_units``).

        """
        entry, before, units = self._issuing(actor, draft)
        asked, kept = self._asked(before, units)
        rule = self.parts.standards.limit(TOPIC, entry.provider_id)
        return TemplatePlan(
            entry=entry,
            version=1 if before is None else before.version + 1,
            units=tuple(asked),
            kept=tuple(kept),
            days=None if rule is None else int(rule.value),
        )

    def issue(self, actor: Actor, draft: TemplateDraft) -> Template:
        """Make an entry the standard for the units below, or issue its next version; each unit gets a task.

        Units that claimed an earlier version bring their entry up to date; those that were found exempt have nothing to do.

        Raises:
            NotFound: no such entry, or no such unit.
            Invalid: no basis, the entry is not complete, or no unit is beneath the issuer.

        """
        entry, before, units = self._issuing(actor, draft)
        basis = said(draft.basis, needed=True)
        asked, _ = self._asked(before, units)
        now = self.clock.now()
        made = Template(
            id=new_id("tpl"),
            org_id=entry.provider_id,
            resource_id=draft.resource_id,
            entry=entry,
            basis=basis,
            by_name=actor.name,
            created_at=now,
            changed_at=now,
        )
        if before is not None:
            made = replace(
                before, entry=entry, basis=basis, by_name=actor.name, changed_at=now, retired=False,
                version=before.version + 1, revision=before.revision + 1,
            )  # fmt: skip
        tasks = [self._new_task(made, org, resource) for org, resource in asked.items()]
        detail: dict[str, JsonValue] = {
            "resource": made.resource_id,
            "version": made.version,
            "basis": basis,
            "units": [*asked],
        }
        with self.db.begin() as tx:
            store = TemplateStore(tx.connection)
            if before is None:
                store.add(made)
            elif not store.save(made):
                raise changed_meanwhile()
            self._cancel(tx, actor, made)
            for task in tasks:
                store.add_task(task)
            RequestStore(tx.connection).add_step(self._step(actor, made.id, ClaimMove.ISSUE, basis))
            self.parts.evidence.record(tx, actor, "exchange.template_issue", target=made.id, detail=detail)
        for task in tasks:
            self._tell(task)
        return made

    def retire(self, actor: Actor, template_id: str, words: str) -> Template:
        """End a standard: open tasks are cancelled, entries stay as they are and are no longer held against it.

        Raises:
            NotFound: no such standard.
            Conflict: it is retired already.
            Invalid: no reason.

        """
        before = self._peek(actor, template_id)
        self.access.require(actor, ISSUE, before.org_id)
        if before.retired:
            raise Conflict("该标准目录已废止。", "The standard entry is retired already.", code="template_retired")
        reason = said(words, needed=True)
        after = replace(before, retired=True, revision=before.revision + 1, changed_at=self.clock.now())
        with self.db.begin() as tx:
            if not TemplateStore(tx.connection).save(after):
                raise changed_meanwhile()
            self._cancel(tx, actor, after)
            RequestStore(tx.connection).add_step(self._step(actor, after.id, ClaimMove.RETIRE, reason))
            self.parts.evidence.record(tx, actor, "exchange.template_retire", target=after.id, detail={"words": reason})
        return after

    def decide(
        self, actor: Actor, task_id: str, move: ClaimMove, words: str = "", *, seen: str | None = None
    ) -> ClaimTask:
        """Decide on what a unit said: exempt it, move the task to the department that it named, or send it back.

        ``seen`` is the token of the task that was shown.

        Raises:
            NotFound: no such task.
            Conflict: it is not possible now; the error says what is. Or the unit says otherwise now (``changed_since_seen``).
            Invalid: no reason for sending it back.

        """
        before, standard = self._task(actor, task_id)
        behalf = self._acting(actor, ISSUE, standard.org_id)
        state = check_claim_move(before.state, move)
        before.shown.check(seen)
        text = said(words, needed=move is ClaimMove.BACK)
        if move is ClaimMove.MOVE:
            issuer, named = self.access.organisation(standard.org_id), self.access.organisation(before.named)
            if not is_beneath(issuer, named):
                raise _not_beneath([named.id])
        after = replace(before, state=state)
        if move is ClaimMove.BACK:
            after = replace(self._timed(after), named="")
        made = self._handed_on(standard, before) if move is ClaimMove.MOVE else None
        with self.db.begin() as tx:
            done = self._write(tx, actor, before, after, move, text, behalf)
            if made is not None:
                TemplateStore(tx.connection).add_task(made)
                step = self._step(actor, made.id, ClaimMove.MOVE, text)
                RequestStore(tx.connection).add_step(step)
                self.parts.evidence.record(
                    tx, actor, "exchange.claim_move", target=made.id,
                    detail={"move": move.value, "org": made.org_id, "template": standard.id, "from_org": before.org_id},
                )  # fmt: skip
        self._clear(done)
        if move is ClaimMove.BACK:
            self._tell(done)
        if made is not None:
            self._tell(made)
        return done

    # Parts of the verbs

    def _issuing(self, actor: Actor, draft: TemplateDraft) -> tuple[Entry, Template | None, list[str]]:
        resource = self.parts.catalog.get(actor, draft.resource_id)
        self.access.require(actor, ISSUE, resource.provider_id)
        lacking = [gap for gap in self.parts.catalog.missing(actor, resource.id) if gap.blocking]
        if lacking:
            raise Invalid(
                f"目录“{resource.entry.name}”尚不完整，不能作为标准：{lacking[0].text.zh}",
                f"“{resource.entry.name}” is not complete and cannot be a standard: {lacking[0].text.en}",
                code="template_incomplete",
                detail={"missing": [gap.field for gap in lacking]},
            )
        with self.db.read() as connection:
            before = TemplateStore(connection).of_resource(resource.id)
        units = self._units(self.access.organisation(resource.provider_id), draft)
        if not units and before is None:
            raise Invalid(
                "没有符合条件的下级部门。请选择层级，放宽名称，或逐个指定。",
                "No department beneath yours meets that. Choose tiers, ask for less of the name, or name them one by one.",
                code="no_units",
            )
        return resource.entry, before, units

    def _units(self, issuer: Organisation, draft: TemplateDraft) -> list[str]:
        beneath = [one for one in self.access.organisations() if is_beneath(issuer, one)]
        chosen = {one.id for one in beneath if one.admin_tier in draft.tiers and draft.words in one.name_zh}
        strangers = draft.orgs - {one.id for one in beneath}
        if strangers:
            raise _not_beneath(sorted(strangers))
        return sorted(chosen | draft.orgs)

    def _asked(self, before: Template | None, units: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        """Return who gets a task, with the entry claimed before, and who was asked before and is done."""
        last: dict[str, ClaimTask] = {}
        if before is not None:
            with self.db.read() as connection:
                for task in reversed(TemplateStore(connection).tasks(before.id)):
                    last[task.org_id] = task
        done = {org for org, task in last.items() if task.state in {ClaimState.EXEMPT, ClaimState.MOVED}}
        everybody = sorted({*units, *last} - done)
        return {org: last[org].resource_id if org in last else "" for org in everybody}, sorted(done)

    def _new_task(self, standard: Template, org: str, resource: str) -> ClaimTask:
        now = self.clock.now()
        return self._timed(
            ClaimTask(
                id=new_id("clm"),
                template_id=standard.id,
                template_version=standard.version,
                name=standard.entry.name[:300],
                org_id=org,
                state=ClaimState.OPEN,
                resource_id=resource,
                created_at=now,
                changed_at=now,
            )
        )

    def _handed_on(self, standard: Template, task: ClaimTask) -> ClaimTask | None:
        """Return the task of the department that a unit named; None where it has one."""
        with self.db.read() as connection:
            known = TemplateStore(connection).tasks(standard.id, (task.named,))
        if any(one.template_version == standard.version for one in known):
            return None
        return self._new_task(standard, task.named, "")

    def _cancel(self, tx: UnitOfWork, actor: Actor, standard: Template) -> None:
        """End what still waits of earlier versions, or of a standard that is retired."""
        store = TemplateStore(tx.connection)
        for task in store.tasks(standard.id):
            if task.state.waits_for_unit or task.state.waits_for_issuer:
                self._write(
                    tx, actor, task, replace(self._stopped(task), state=ClaimState.CANCELLED), ClaimMove.RETIRE, ""
                )


def _not_beneath(strangers: Sequence[str]) -> Invalid:
    return Invalid(
        f"“{strangers[0]}”不是下级部门，不能下发给它。",
        f"“{strangers[0]}” is not beneath your department; a standard cannot be issued to it.",
        code="not_beneath",
        detail={"orgs": [*strangers]},
    )
