"""What can be disputed: against whom, what it is called, and since when the time to raise it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.exchange.errors import no_grant
from beijiang.exchange.models import Move, RequestState
from beijiang.exchange.models.dispute_terms import DisputeTerms, ground_on
from beijiang.exchange.models.disputes import DisputeKind
from beijiang.exchange.service.settling import Settling, asked_by, standing_step, this_round
from beijiang.exchange.store import GrantStore, RequestStore
from beijiang.kit import BeijiangError, Conflict, Invalid
from beijiang.quality import Move as TicketMove
from beijiang.standards import CaseState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Grant, Request, Step
    from beijiang.exchange.models.disputes import DisputeDraft
    from beijiang.kit import Actor
    from beijiang.standards import Rule

__all__ = ["Disputable", "Matter", "disputed_step", "nothing_to_dispute"]

_FILE_TOPIC: Final = "dispute.file"
_ENDING: Final = frozenset({Move.SUSPEND, Move.REVOKE})


@dataclass(frozen=True, slots=True)
class Matter:
    """What a dispute is about; ``since`` is None where nothing was decided that one could be late for."""

    against: str
    title: str
    since: datetime | None = None
    by: frozenset[str] = frozenset()
    """Who took the step that is disputed, and whom they stood in for; and who asked for what it is about, or would have it."""


class Disputable(Settling):
    """Below the verbs of disputes."""

    def _tell(self, tx: UnitOfWork, subject: str) -> None:
        """Have the node told that what is disputed came from, if it came from another."""
        grant, requests = GrantStore(tx.connection).get(subject), RequestStore(tx.connection)
        self._travelled(tx, requests.get(subject if grant is None else grant.request_id or ""))

    def _matter(self, actor: Actor, draft: DisputeDraft) -> Matter:
        """Return what a draft is about.

        Raises:
            NotFound: no such request, grant, ticket or entry.
            Invalid: there is nothing to disagree with.
            Conflict: the time to raise it is over (``dispute_late``).

        """
        found = self._about(actor, draft)
        if found.since is not None:
            self._require_in_time(found)
        return found

    def _about(self, actor: Actor, draft: DisputeDraft) -> Matter:
        """Return what a draft is about, late or not."""
        find = {
            DisputeKind.REFUSAL: self._refusal,
            DisputeKind.NARROWING: self._narrowing,
            DisputeKind.REVOCATION: self._revocation,
            DisputeKind.CORRECTION: self._correction,
            DisputeKind.SILENCE: self._silence,
        }.get(draft.kind, self._entry)
        return find(actor, draft.subject)

    def _terms(self, kind: DisputeKind, found: Matter) -> DisputeTerms:
        """Return by when, by which rule and on what ground something may be disputed."""
        limit = None if found.since is None else self._last_day(found.since, found.against)
        return DisputeTerms(
            kind=kind,
            against=found.against,
            title=found.title,
            ground=ground_on(kind, self.today),
            rule=None if limit is None else limit[1],
            until=None if limit is None else limit[0],
            late=limit is not None and self.today > limit[0],
        )

    def _last_day(self, since: datetime, against: str) -> tuple[date, Rule] | None:
        """Return until when a decision of that moment can be disputed, and by which rule; None where no rule is active."""
        rule = self.parts.standards.limit(_FILE_TOPIC, against)
        if rule is None:
            return None
        day = since.astimezone(self.parts.zone).date()
        return self.parts.standards.due(day, int(rule.value)).on, rule

    def _require_in_time(self, found: Matter) -> None:
        limit = None if found.since is None else self._last_day(found.since, found.against)
        if limit is not None and self.today > limit[0]:
            until, basis = limit[0], limit[1].basis
            raise Conflict(
                f"提出异议的期限为 {until}，已经超过（依据：{basis}）。仍需使用的，请重新申请。",
                f"A dispute about this could be raised until {until} (basis: {basis}). Ask anew if you need the data.",
                code="dispute_late",
                detail={"until": until.isoformat(), "basis": basis},
            )

    def _entry(self, actor: Actor, subject: str) -> Matter:
        entry = self.parts.catalog.published(actor, subject).version.entry
        return Matter(entry.provider_id, entry.name)

    def _decided_here(self, actor: Actor, subject: str) -> Request:
        """Return a request that a department of this node decides; what another node did is disputed there."""
        found = self._seen(actor, subject)
        if found.outward is not None:
            raise nothing_to_dispute()
        return found

    def _refusal(self, actor: Actor, subject: str) -> Matter:
        request = self._decided_here(actor, subject)
        if request.state is not RequestState.REFUSED or request.org_id != actor.org_id:
            raise nothing_to_dispute()
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(request.id)
        last = disputed_step(DisputeKind.REFUSAL, steps)
        if last is None:
            raise nothing_to_dispute()
        by = _people([last]) | _askers(request, steps)
        return Matter(_side(last, request), request.resource_name, request.decided_at, by)

    def _partly(self, actor: Actor, subject: str) -> Matter:
        """Return a request of one's own that was approved with less than was asked for."""
        request = self._decided_here(actor, subject)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(request.id)
        first = disputed_step(DisputeKind.NARROWING, steps)
        wrong = request.state is not RequestState.PARTLY_APPROVED or request.org_id != actor.org_id
        if wrong or first is None:
            raise nothing_to_dispute()
        less = [step for step in this_round(steps) if step.move is Move.NARROW]
        by = _people(less) | _askers(request, steps)
        return Matter(_side(first, request), request.resource_name, request.decided_at, by)

    def _silence(self, actor: Actor, subject: str) -> Matter:
        """Return a request of one's own that was not answered in time by whoever has it; there is no being late for that."""
        request = self._decided_here(actor, subject)
        standing = self._deadline(request)
        overdue = request.stage is not None and standing is not None and standing.state is CaseState.OVERDUE
        if request.org_id != actor.org_id or request.state.is_over or not overdue:
            raise nothing_to_dispute()
        whose = self._waits_for(request)
        with self.db.read() as connection:
            by = _askers(request, RequestStore(connection).steps(request.id))
        return Matter(request.provider_id if whose == request.org_id else whose, request.resource_name, by=by)

    def _narrowing(self, actor: Actor, subject: str) -> Matter:
        """Return a grant to one's own department that was narrowed, or a request of it that was approved in part."""
        with self.db.read() as connection:
            asked = RequestStore(connection).get(subject)
        if asked is not None:
            return self._partly(actor, subject)
        grant, steps = self._own_grant(actor, subject)
        cut = disputed_step(DisputeKind.NARROWING, steps)
        if cut is None:
            raise nothing_to_dispute()
        return Matter(_side(cut, grant), grant.resource_name, cut.at, _people([cut]) | self._holders(grant))

    def _revocation(self, actor: Actor, subject: str) -> Matter:
        """Return a grant to one's own department that was suspended or revoked, and that stands so."""
        grant, steps = self._own_grant(actor, subject)
        last = disputed_step(DisputeKind.REVOCATION, steps)
        if last is None:
            raise nothing_to_dispute()
        return Matter(_side(last, grant), grant.resource_name, last.at, _people([last]) | self._holders(grant))

    def _own_grant(self, actor: Actor, grant_id: str) -> tuple[Grant, Sequence[Step]]:
        with self.db.read() as connection:
            grant = GrantStore(connection).get(grant_id)
            steps = [] if grant is None else RequestStore(connection).steps(grant.id)
        if grant is None or grant.org_id != actor.org_id:
            raise no_grant()
        return grant, steps

    def _holders(self, grant: Grant) -> frozenset[str]:
        """Return who asked for a grant, or has it for themselves."""
        with self.db.read() as connection:
            store = RequestStore(connection)
            request = store.get(grant.request_id or "")
            steps = [] if request is None else store.steps(request.id)
        asked: frozenset[str] = frozenset() if request is None else _askers(request, steps)
        return asked | ({grant.grantee_id} - {""})

    def _correction(self, actor: Actor, subject: str) -> Matter:
        """Return a ticket of one's own department whose supplier answered that nothing is wrong, or sent it back."""
        view = self.parts.ticket(actor, subject)
        ticket = view.ticket
        answered = [step for step in view.steps if step.move in {TicketMove.CONFIRM_RIGHT, TicketMove.SEND_BACK}]
        if ticket.opened_org != actor.org_id or not answered:
            raise nothing_to_dispute()
        last = max(answered, key=lambda step: step.at)
        return Matter(ticket.org_id, ticket.title, last.at, frozenset({last.by, ticket.opened_by}))


def disputed_step(kind: DisputeKind, steps: Sequence[Step]) -> Step | None:
    """Return which step of a request or a grant a dispute is about; None where there is none that stands.

    Of a request approved in part it is the first that gave less, for there it began; of a grant the newest, unless it was
    undone since.
    """
    if kind is DisputeKind.REVOCATION:
        last = standing_step(steps)
        return last if last is not None and last.move in _ENDING else None
    if kind is DisputeKind.REFUSAL:
        return next((step for step in reversed(steps) if step.move is Move.REFUSE), None)
    fewer = next((step for step in this_round(steps) if step.move is Move.NARROW), None)
    return fewer or _standing_cut(steps)


def _standing_cut(steps: Sequence[Step]) -> Step | None:
    """Return the newest step that narrowed a grant; None where there is none, or other terms were given back after it."""
    cut = next((step for step in reversed(steps) if step.move is Move.CUT), None)
    if cut is None:
        return None
    back = [step for step in steps if step.move is Move.RESTORE and step.place > cut.place]
    return None if any(step.detail.get("terms") != cut.detail.get("terms") for step in back) else cut


def _side(step: Step, of: Request | Grant) -> str:
    """Return whose step it was: the department's that took it, its provider's where nobody's, or the asker's own."""
    return step.org_id if step.org_id and step.org_id != of.org_id else of.provider_id


def _askers(request: Request, steps: Sequence[Step]) -> frozenset[str]:
    """Return who asked for something, or would have it for themselves: nobody judges their own matter."""
    return asked_by(request, steps) | ({request.draft.grantee_id} - {""})


def _people(steps: Sequence[Step]) -> frozenset[str]:
    return frozenset(who for step in steps for who in (step.by, step.detail.get("behalf")) if who)


def nothing_to_dispute() -> BeijiangError:
    """Return the error for what cannot be disputed."""
    return Invalid(
        "只能对本部门被拒绝、只同意一部分或逾期未答复的申请、被收窄或终止的授权、本部门提出的校核的结果，或其他部门的目录提出异议。其他节点的决定，请在该申请的页面向对方节点提出异议。",
        "A dispute is about a request of one's own department that was refused, approved in part or not answered in time, a grant to it that was narrowed or ended, what came of a correction it asked for, or another department's entry. What another node decided is disputed there, from the page of the request.",
        code="no_dispute",
    )
