"""What can be disputed: against whom, what it is called, and since when the time to raise it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.exchange.errors import no_grant
from beijiang.exchange.models import Move, RequestState, Side
from beijiang.exchange.models.dispute_terms import DisputeTerms, ground_on
from beijiang.exchange.models.disputes import DisputeKind
from beijiang.exchange.service.base import Base
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

__all__ = ["Disputable", "Matter", "nothing_to_dispute"]

_FILE_TOPIC: Final = "dispute.file"
_ENDING: Final = frozenset({Move.SUSPEND, Move.REVOKE})
_STANDING: Final = _ENDING | {Move.RESUME, Move.GIVE_UP}


@dataclass(frozen=True, slots=True)
class Matter:
    """What a dispute is about; ``since`` is None where nothing was decided that one could be late for."""

    against: str
    title: str
    since: datetime | None = None


class Disputable(Base):
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
        return Matter(request.provider_id, request.resource_name, request.decided_at)

    def _silence(self, actor: Actor, subject: str) -> Matter:
        """Return a request of one's own that its provider did not answer in time; there is no being late for that."""
        request = self._decided_here(actor, subject)
        standing = self._deadline(request)
        silent = request.stage is not None and request.stage.side is Side.PROVIDER
        overdue = silent and standing is not None and standing.state is CaseState.OVERDUE
        if request.org_id != actor.org_id or request.state.is_over or not overdue:
            raise nothing_to_dispute()
        return Matter(request.provider_id, request.resource_name)

    def _narrowing(self, actor: Actor, subject: str) -> Matter:
        """Return a grant to one's own department that its provider narrowed."""
        grant, steps = self._own_grant(actor, subject)
        cuts = [step.at for step in steps if step.move is Move.CUT]
        if not cuts:
            raise nothing_to_dispute()
        return Matter(grant.provider_id, grant.resource_name, max(cuts))

    def _revocation(self, actor: Actor, subject: str) -> Matter:
        """Return a grant to one's own department that its provider suspended or revoked, and that stands so."""
        grant, steps = self._own_grant(actor, subject)
        last = next((step for step in reversed(steps) if step.move in _STANDING), None)
        if last is None or last.move not in _ENDING:
            raise nothing_to_dispute()
        return Matter(grant.provider_id, grant.resource_name, last.at)

    def _own_grant(self, actor: Actor, grant_id: str) -> tuple[Grant, Sequence[Step]]:
        with self.db.read() as connection:
            grant = GrantStore(connection).get(grant_id)
            steps = [] if grant is None else RequestStore(connection).steps(grant.id)
        if grant is None or grant.org_id != actor.org_id:
            raise no_grant()
        return grant, steps

    def _correction(self, actor: Actor, subject: str) -> Matter:
        """Return a ticket of one's own department whose supplier answered that nothing is wrong, or sent it back."""
        view = self.parts.ticket(actor, subject)
        ticket = view.ticket
        answered = [step.at for step in view.steps if step.move in {TicketMove.CONFIRM_RIGHT, TicketMove.SEND_BACK}]
        if ticket.opened_org != actor.org_id or not answered:
            raise nothing_to_dispute()
        return Matter(ticket.org_id, ticket.title, max(answered))


def nothing_to_dispute() -> BeijiangError:
    """Return the error for what cannot be disputed."""
    return Invalid(
        "只能对本部门被拒绝或逾期未答复的申请、被收窄或终止的授权、本部门提出的校核的结果，或其他部门的目录提出异议。其他节点的决定，请在该申请的页面向对方节点提出异议。",
        "A dispute is about a request of one's own department that was refused or not answered in time, a grant to it that was narrowed or ended, what came of a correction it asked for, or another department's entry. What another node decided is disputed there, from the page of the request.",
        code="no_dispute",
    )
