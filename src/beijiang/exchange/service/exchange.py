"""Grants in force: see them and what is had under them; suspend, resume, narrow, revoke, give up; and the calendar."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import not_its_matter, not_ready
from beijiang.exchange.models import (
    PUBLIC,
    Grant,
    GranteeKind,
    GrantQuery,
    GrantState,
    GrantView,
    Move,
    Narrowing,
    Problem,
    RequestDraft,
    Trait,
    item_problems,
    levels_of,
    period_problems,
    word_problems,
)
from beijiang.exchange.models.changes import GivePlan
from beijiang.exchange.service.base import said
from beijiang.exchange.service.minuting import minutes_of
from beijiang.exchange.service.planning import Planning
from beijiang.exchange.service.settling import AGREEMENT
from beijiang.exchange.store import (
    GrantStore,
    MatterLists,
    RequestStore,
)
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Invalid, Text, new_id
from beijiang.quality import HandedOut
from beijiang.standards import SheetFormat, paper_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Published
    from beijiang.exchange.events import GrantMoved
    from beijiang.kit import Actor, BeijiangError, Language, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.quality import DoubtMoved

__all__ = ["Exchange"]

log = logging.getLogger(__name__)
GRANTS_MOST: Final = 10_000
"""Grants looked through for those in one state: it follows from the day and is not stored."""
_OUTCOMES: Final = frozenset({"confirm_right", "correct", "withdraw"})
"""What of a doubt has a notice of its own."""
ENDING_DAYS: Final = 14
"""Days before its end at which a grant's holder is told."""


class Exchange(Planning):
    """From a department's demand to the data that it may have, and the proof of it (共享交换)."""

    def minutes(self, actor: Actor, request_id: str, language: Language) -> HandedOut:
        """Return the minutes (审批单) of a request as PDF.

        Raises:
            NotFound: no such request, or not this actor's to see.

        """
        names = {one.id: one.name_zh for one in self.access.organisations()}
        paper = minutes_of(self.request(actor, request_id), names, language, self.parts.zone)
        return HandedOut(f"{paper.title}-{request_id}.pdf", paper_file(paper), SheetFormat.PDF.media_type)

    def grants(self, actor: Actor, query: GrantQuery | None = None) -> tuple[Sequence[Grant], int]:
        """Return the grants that the actor may see, newest first, and how many there are."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        wanted = query or GrantQuery()
        orgs, every = self._orgs(actor, Permission.EXCHANGE_GRANT_READ)
        everyone = wanted if wanted.state is None else replace(wanted, limit=GRANTS_MOST)
        with self.db.read() as connection:
            found, count = GrantStore(connection).find(everyone, orgs, actor.id, every=every)
        if wanted.state is not None:
            found = [one for one in found if one.standing(self.today) is wanted.state]
            count = len(found)
        return found[: wanted.limit], count

    def grant_part(self, actor: Actor, query: GrantQuery, wanted: Wanted) -> Part[Grant]:
        """Return a part of the grants that ``grants`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        orgs, every = self._orgs(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            return MatterLists(connection).grants(query, wanted, orgs, actor.id, self.today, every=every)

    def grant(self, actor: Actor, grant_id: str) -> GrantView:
        """Return one grant with who decided on it, what was had under it, and what the actor may do.

        Raises:
            NotFound: no such grant, or not this actor's to see.

        """
        found = self._held(actor, grant_id)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(found.id)
            decided = [] if found.request_id is None else RequestStore(connection).steps(found.request_id)
            usage = GrantStore(connection).usage(found.id)
        standing = found.standing(self.today)
        runs = standing in {GrantState.ACTIVE, GrantState.SUSPENDED, GrantState.WAITING}
        return GrantView(
            grant=found,
            standing=standing,
            steps=tuple(sorted([*decided, *steps], key=lambda step: (step.at, step.matter_id != found.id, step.place))),
            usage=tuple(usage),
            may_manage=runs and self.access.allows(actor, Permission.EXCHANGE_GRANT_MANAGE, found.provider_id),
            may_give_up=runs and self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, found.org_id),
        )

    def give(self, actor: Actor, org_id: str, draft: RequestDraft, words: str) -> Grant:
        """Give a department a grant that it did not ask for (主动推送权限); the provider's own decision.

        Raises:
            NotFound: no such resource or department.
            Invalid: something stands against it.
            Refused: its data are another node's, which alone grants them.

        """
        known, problems, too_much = self._against(actor, org_id, draft)
        if problems:
            raise not_ready(problems)
        if too_much:
            raise too_much[0]
        entry, levels, terms = known.version.entry, levels_of(known), draft.terms
        made = Grant(
            id=new_id("gra"),
            request_id=None,
            resource_id=draft.resource_id,
            resource_name=entry.name,
            table=known.table or "",
            provider_id=entry.provider_id,
            org_id=org_id,
            grantee_kind=draft.grantee_kind,
            grantee_id=draft.grantee_id,
            terms=terms,
            levels={column: levels[column] for column in terms.columns},
            purpose=draft.purpose,
            use=draft.use,
            basis=draft.basis,
            agreement=AGREEMENT.zh,
            state=GrantState.ACTIVE,
            revision=1,
            made_at=self.clock.now(),
        )
        with self.db.begin() as tx:
            self._make(tx, actor, made, said(words, needed=True))
        return made

    def plan_give(self, actor: Actor, org_id: str, draft: RequestDraft) -> GivePlan:
        """Return what giving a department a grant would do, and all that stands against it; nothing is changed.

        Raises:
            NotFound: no such resource or department.
            Refused: its data are another node's, which alone grants them.

        """
        known, problems, too_much = self._against(actor, org_id, draft)
        table = known.table or ""
        with self.db.read() as connection:
            others = [one for one in GrantStore(connection).active(table) if one.org_id == org_id]
        has = {
            column for one in others if one.standing(self.today) is GrantState.ACTIVE for column in one.terms.columns
        }
        return GivePlan(
            problems=(*problems, *(Problem(one.reason, one.text) for one in too_much)),
            org_id=org_id,
            terms=draft.terms,
            held=tuple(column for column in draft.terms.columns if column in has),
            applications=tuple(self.applications(table, org_id)) if self.applications is not None else (),
        )

    def _against(
        self, actor: Actor, org_id: str, draft: RequestDraft
    ) -> tuple[Published, list[Problem], list[BeijiangError]]:
        """Return an entry, what is wrong with a grant on it that nobody asked for, and why it has to be asked for."""
        known = self._published(actor, draft.resource_id)
        entry, levels, terms = known.version.entry, levels_of(known), draft.terms
        self.access.require(actor, Permission.EXCHANGE_GRANT_GIVE, entry.provider_id)
        if known.table is None:
            raise not_its_matter()
        self.access.organisation(org_id)
        problems = [
            *item_problems(entry, levels, replace(terms, filters=()), "-", self.today),
            *self._way_problems(known, terms),
            *word_problems(draft),
            *period_problems(terms, levels, self.today),
            *self._filter_problems(known, draft),
        ]
        too_much: list[BeijiangError] = []
        if draft.grantee_kind is not GranteeKind.ORGANISATION:
            too_much.append(
                Invalid(
                    "主动授权只能给整个部门。",
                    "A grant without a request is for a whole department.",
                    code="whole_department",
                )
            )
        if self._traits(known, terms, org_id, outward=False) & {Trait.SENSITIVE, Trait.CROSS_LEVEL, Trait.NO_BASIS}:
            too_much.append(
                Invalid(
                    "敏感、不予共享或跨层级的数据须由使用方申请并经数据局审定，不能直接授权。",
                    "What is sensitive, not shared, or goes across levels is asked for and decided on by the authority; it is not given.",
                    code="grade_too_high",
                )
            )
        return known, problems, too_much

    def suspend(self, actor: Actor, grant_id: str, words: str) -> Grant:
        """Stop a grant for the time being; the very next access is refused.

        Raises:
            NotFound: no such grant.
            Conflict: it is not active.
            Invalid: no reason.

        """
        found = self._changeable(actor, grant_id, Move.SUSPEND)
        return self._put(actor, found, replace(found, state=GrantState.SUSPENDED), Move.SUSPEND, words)

    def resume(self, actor: Actor, grant_id: str, words: str) -> Grant:
        """Let a suspended grant go on.

        Raises:
            NotFound: no such grant.
            Conflict: it is not suspended.
            Invalid: no reason.

        """
        found = self._changeable(actor, grant_id, Move.RESUME)
        return self._put(actor, found, replace(found, state=GrantState.ACTIVE), Move.RESUME, words)

    def narrow(self, actor: Actor, grant_id: str, narrowing: Narrowing, words: str) -> Grant:
        """Take something away from a grant; it holds for the very next access.

        Raises:
            NotFound: no such grant.
            Conflict: it has ended.
            Invalid: it would give more than before, or nothing; or no reason.

        """
        found = self._changeable(actor, grant_id, Move.CUT)
        if narrowing.filters:
            self._check_filters(found.table, 0, narrowing.filters)
        return self._put(actor, found, replace(found, terms=found.terms.narrowed(narrowing)), Move.CUT, words)

    def revoke(self, actor: Actor, grant_id: str, words: str) -> Grant:
        """End a grant for good; the very next access is refused, running streams stop within 5 s or 8 MiB.

        Raises:
            NotFound: no such grant.
            Conflict: it was revoked before.
            Invalid: no reason.

        """
        found = self._changeable(actor, grant_id, Move.REVOKE)
        ended = replace(found, state=GrantState.REVOKED, ended_at=self.clock.now(), reason=said(words, needed=True))
        return self._put(actor, found, ended, Move.REVOKE, words)

    def give_up(self, actor: Actor, grant_id: str, words: str) -> Grant:
        """End a grant that one's own department needs no longer.

        Raises:
            NotFound: no such grant.
            Conflict: it has ended.
            Invalid: no reason.

        """
        found = self._changeable(actor, grant_id, Move.GIVE_UP)
        ended = replace(found, state=GrantState.REVOKED, ended_at=self.clock.now(), reason=said(words, needed=True))
        return self._put(actor, found, ended, Move.GIVE_UP, words)

    def on_doubt_moved(self, event: DoubtMoved) -> None:
        """Tell who holds a grant that values are in doubt, and what came of it when that is settled."""
        with self.db.read() as connection:
            held = [one for one in GrantStore(connection).active_about(event.table) if one.org_id != PUBLIC]
        if event.raised:
            for org in sorted({grant.org_id for grant in held}):
                self._say_doubt(event.ticket_id, event.title, org)
            return
        # Told once, however often the event comes: whom an open alert has told of the doubt, also if the grant has ended.
        told = [one for (kind, _), one in self.parts.alerts.open().items() if kind is AlertKind.DOUBT]
        for alert in sorted(told, key=lambda one: one.org_id):
            if alert.subject == _doubt(event.ticket_id, alert.org_id):
                self._settled(event, [grant for grant in held if grant.org_id == alert.org_id])
                self.parts.alerts.clear(AlertKind.DOUBT, alert.subject)

    def on_grant_moved(self, event: GrantMoved) -> None:
        """Tell who comes to hold a grant what of its data is in doubt already."""
        with self.db.read() as connection:
            grant = GrantStore(connection).get(event.grant_id)
        if grant is None or grant.state is not GrantState.ACTIVE or grant.org_id == PUBLIC:
            return
        for ticket in self.parts.doubts(grant.table or grant.resource_id):
            self._say_doubt(ticket.id, ticket.title, grant.org_id)

    def _say_doubt(self, ticket: str, title: str, org: str) -> None:
        words = Text(
            f"“{title}”有数据项正在校核，办结前请谨慎使用。",
            f"Items of {title} are being looked into; use them with care until it is settled.",
        )
        self.parts.alerts.say(AlertKind.DOUBT, _doubt(ticket, org), org, words)

    def _settled(self, event: DoubtMoved, held: Sequence[Grant]) -> None:
        """Write down with each grant of a department what a doubt of its data ended in; its people are told by that."""
        columns: list[JsonValue] = [*event.columns]
        detail: dict[str, JsonValue] = {"ticket": event.ticket_id, "title": event.title, "columns": columns}
        action = f"exchange.doubt_{event.outcome if event.outcome in _OUTCOMES else 'close'}"
        with self.db.begin() as tx:
            for grant in held:
                told = {**detail, "org": grant.org_id, "table": grant.table}
                self.parts.evidence.record(tx, SYSTEM, action, target=grant.id, detail=told)

    def watch(self) -> None:
        """Remind, escalate, and tell who holds a grant that it ends soon; called by the dispatcher every minute."""
        with self.db.read() as connection:
            running, times = RequestStore(connection).running(), RequestStore(connection).times()
            ending = GrantStore(connection).ending(self.today + timedelta(days=ENDING_DAYS))
        for request in running:
            self._follow(request, times.get(request.id))
        for grant in ending:
            if grant.org_id == PUBLIC:
                continue  # told on the page of who holds it
            if grant.standing(self.today) is GrantState.EXPIRED:
                self.parts.alerts.clear(AlertKind.GRANT_ENDING, grant.id)
            else:
                text = Text(
                    f"“{grant.resource_name}”的授权将于 {grant.terms.until} 到期，需要继续使用请重新申请。",
                    f"The grant on {grant.resource_name} ends on {grant.terms.until}; ask anew if you need it longer.",
                )
                self.parts.alerts.say(AlertKind.GRANT_ENDING, grant.id, grant.org_id, text)

    def _put(self, actor: Actor, before: Grant, after: Grant, move: Move, words: str) -> Grant:
        changed = replace(after, revision=before.revision + 1)
        detail = {"terms": changed.terms.to_json()}
        if changed.terms != before.terms:
            detail["before"] = before.terms.to_json()
        step = self._step(actor, before.id, move, said(words, needed=True), detail=detail)
        with self.db.begin() as tx:
            self._changed(tx, actor, before, changed, step)
        if changed.state is GrantState.REVOKED:
            self.parts.alerts.clear(AlertKind.GRANT_ENDING, before.id)
        return changed


def _doubt(ticket: str, org: str) -> str:
    """Return the subject of the alert that tells a department of a doubt."""
    return f"{ticket}:{org}"
