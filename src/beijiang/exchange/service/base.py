"""What the verbs of exchange share: their parts, who sees what, and how a step is written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile, no_request, reason_needed
from beijiang.exchange.events import RequestMoved
from beijiang.exchange.models import Request, RequestState, Step
from beijiang.exchange.store import GrantStore, RequestStore
from beijiang.kit import SYSTEM, NotFound
from beijiang.standards import CaseState, deadline, resume, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beijiang.access import Access
    from beijiang.catalog import Catalog, NotShared
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest import Alerts
    from beijiang.kit import Actor, Clock, Word
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import AnswerGate, Gate
    from beijiang.quality import Move as TicketMove
    from beijiang.quality import Ticket, TicketView
    from beijiang.standards import Case, Deadline, Standards

__all__ = ["WORDS_LONGEST", "Base", "SharingParts", "said", "told_of"]

WORDS_LONGEST = 2000
_KEPT: Final = ("days", "dispute", "outcome", "reason", "step", "to")
"""What of a step's detail is evidence too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingParts:
    """What exchange works with."""

    db: Database
    catalog: Catalog
    gate: Gate
    answers: AnswerGate
    standards: Standards
    access: Access
    evidence: Evidence
    alerts: Alerts
    clock: Clock
    zone: ZoneInfo
    not_shared: Callable[[Actor, Sequence[str]], Sequence[NotShared]]
    """The lines of the negative list about some entries."""
    doubts: Callable[[str], Sequence[Ticket]]
    """What readers of a table, or of an entry without one, doubt of it now."""
    ticket: Callable[[Actor, str], TicketView]
    """A request for correction as somebody sees it who may."""
    move_ticket: Callable[[Actor, str, TicketMove, str], Ticket]
    """Take a step with a request for correction."""


class Base:
    """Holds the parts; asks for access."""

    def __init__(self, parts: SharingParts) -> None:
        self.parts = parts
        self.db = parts.db
        self.access = parts.access
        self.clock = parts.clock

    @property
    def today(self) -> date:
        """Return the day it is here."""
        return self.clock.now().astimezone(self.parts.zone).date()

    def _seen(self, actor: Actor, request_id: str) -> Request:
        """Return a request that the actor may see; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = RequestStore(connection).get(request_id)
        if found is None or not self._sees(actor, found):
            self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
            raise no_request()
        return found

    def _sees(self, actor: Actor, request: Request) -> bool:
        if request.state is RequestState.DRAFT:
            return request.by == actor.id and self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ)
        sides = (request.org_id, request.provider_id)
        return any(self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ, org) for org in sides)

    def _principals(self, actor: Actor) -> list[Actor]:
        """Return for whom an actor stands in today (委托), in the order in which they are looked at."""
        if actor.is_anonymous or actor.scopes is not None:
            return []
        if not self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ):
            return []  # an administrator, whom the limits keep from all data work
        with self.db.read() as connection:
            given = RequestStore(connection).delegations(actor.id)
        named = dict.fromkeys(one.by for one in given if one.to == actor.id and one.holds_on(self.today))
        return [found for one in named if (found := self._person(one)) is not None]

    def _person(self, name: str) -> Actor | None:
        """Return somebody by id or login with today's roles; None for unknown and for disabled accounts."""
        try:
            found = self.access.person(SYSTEM, name)
        except NotFound:
            return None
        return None if found.disabled_at is not None else found.as_actor(None)

    def _people_of(self, actor: Actor) -> list[Actor]:
        """Return an actor and those for whom the actor stands in today."""
        return [actor, *self._principals(actor)]

    def _for_whom(self, actor: Actor, permission: Permission, org: str | None) -> Actor | None:
        """Return in whose place an actor may do something: the actor's own first; None if in nobody's."""
        return next((one for one in self._people_of(actor) if self.access.allows(one, permission, org)), None)

    def _acting(self, actor: Actor, permission: Permission, org: str | None) -> Actor | None:
        """Return whom an actor stands in for in doing something; None for in the actor's own right.

        Raises:
            Denied: neither the actor may, nor anybody whom the actor stands in for.

        """
        found = self._for_whom(actor, permission, org)
        if found is None:
            self.access.require(actor, permission, org)
        return None if found is None or found.id == actor.id else found

    def _orgs(self, actor: Actor, permission: Permission) -> tuple[list[str], bool]:
        """Return the departments whose matters the actor sees, and whether that is all of them."""
        with self.db.read() as connection:
            known = RequestStore(connection).organisations() | GrantStore(connection).organisations()
        orgs = [org for org in sorted(known) if self.access.allows(actor, permission, org)]
        return orgs, len(orgs) == len(known) and bool(known)

    def _deadline(self, request: Request) -> Deadline | None:
        if request.case is None:
            return None
        return deadline(request.case, self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def _save(self, tx: UnitOfWork, actor: Actor, before: Request, after: Request, step: Step, action: str) -> Request:
        """Write a request's next revision with its step and evidence.

        Raises:
            Conflict: somebody else moved it first.

        """
        changed = self._revise(tx, before, after)
        RequestStore(tx.connection).add_step(step)
        detail: dict[str, JsonValue] = {
            "from": before.state.value,
            "to": changed.state.value,
            "stage": step.stage,
            "resource": changed.draft.resource_id,
            "table": changed.table,
            "org": changed.org_id,
            "provider": changed.provider_id,
            "columns": list(changed.offered.columns),
            "until": changed.offered.until.isoformat(),
            "purpose": changed.draft.purpose,
            "words": step.words,
            **({"behalf": step.behalf} if step.behalf else {}),
            **{name: step.detail[name] for name in _KEPT if name in step.detail},
        }
        self._travelled(tx, changed)
        self.parts.evidence.record(tx, actor, f"exchange.{action}", target=changed.id, detail=detail)
        return changed

    def _revise(self, tx: UnitOfWork, before: Request, after: Request) -> Request:
        """Write a request's next revision with how its time stands, which runs only as long as somebody here has it.

        Raises:
            Conflict: somebody else moved it first.

        """
        case = after.case
        if case is not None and case.answered is None and (after.state.is_over or after.state is RequestState.AWAY):
            case = stop(self._running(case), self.clock.now())
        changed = replace(after, case=case, revision=before.revision + 1)
        if not RequestStore(tx.connection).save(changed, self._deadline(changed)):
            raise changed_meanwhile()
        return changed

    def _running(self, case: Case) -> Case:
        """Return a time that runs on, if it stood still."""
        return resume(case, self.today) if case.pauses and case.pauses[-1].until is None else case

    def _travelled(self, tx: UnitOfWork, request: Request | None) -> None:
        """Have the node told that a request came from."""
        if request is not None and request.afar is not None and not request.afar.outward:
            tx.publish(RequestMoved(request_id=request.id))

    def _step(
        self,
        actor: Actor,
        matter_id: str,
        move: Word,
        words: str = "",
        *,
        stage: str = "",
        behalf: Actor | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> Step:
        return Step(
            matter_id=matter_id,
            at=self.clock.now(),
            by=actor.id,
            name=actor.name,
            org_id=actor.org_id,
            behalf="" if behalf is None else behalf.name,
            move=move,
            stage=stage,
            words=words,
            detail={**(detail or {}), **({} if behalf is None else {"behalf": behalf.id})},
        )


def said(words: str, *, needed: bool) -> str:
    """Return what a person wrote, cut to what is kept.

    Raises:
        Invalid: nothing, where a reason is needed.

    """
    plain = words.strip()[:WORDS_LONGEST]
    if needed and not plain:
        raise reason_needed()
    return plain


def told_of(standing: Deadline, now: datetime) -> int:
    """Return how far a time was to be reminded of by now: how many warnings are past, and the steps it has gone up."""
    if standing.state is CaseState.OVERDUE:
        return len(standing.warnings) + max(1, standing.step)
    return sum(now >= moment for moment in standing.warnings)
