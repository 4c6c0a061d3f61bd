"""What the outcome of a dispute does: the request is worked at again, the grant is as it was, the entry has to be revised.

An outcome that only stands on paper is none. What the other side gave way in, or the authority decided for who raised it, takes
effect in the same transaction; what another part does is asked of it by an event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.exchange.events import DisputeWon
from beijiang.exchange.models import GrantState, Move, RequestState, Side, Terms
from beijiang.exchange.models.disputes import DisputeKind, DisputeMove, Effect, Outcome
from beijiang.exchange.service.disputable import Disputable, disputed_step
from beijiang.exchange.service.settling import STATES, standing_step, this_round
from beijiang.exchange.store import DisputeStore, GrantStore, RequestStore
from beijiang.kit import SYSTEM
from beijiang.quality import Move as TicketMove
from beijiang.quality import TicketState
from beijiang.standards import begin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Grant, Request, Step
    from beijiang.exchange.models.disputes import Dispute
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Outcomes"]

_REVISE_TOPIC: Final = "catalog.update"
_AGAIN: Final[Mapping[TicketState, TicketMove]] = {
    TicketState.CONFIRMED_RIGHT: TicketMove.REFUSE,
    TicketState.RETURNED: TicketMove.RESUBMIT,
    TicketState.CLOSED: TicketMove.REOPEN,
}
"""By which step a ticket is worked at again."""


class Outcomes(Disputable):
    """Below the verbs of disputes: what comes of them."""

    def on_dispute_won(self, event: DisputeWon) -> None:
        """Have a ticket worked at again whose answer did not stand; one that is worked at already stays as it is."""
        with self.db.read() as connection:
            found = DisputeStore(connection).get(event.dispute_id)
        if found is None:
            return
        ticket = self.parts.ticket(SYSTEM, found.subject).ticket
        move = _AGAIN.get(ticket.state)
        if move is not None:
            self.parts.move_ticket(SYSTEM, ticket.id, move, found.basis or "异议已被接受，请重新核实。")

    def _effect(self, tx: UnitOfWork, actor: Actor, dispute: Dispute, move: DisputeMove, words: str) -> Dispute:
        """Do what follows from the end of a dispute, and return the dispute with what that was."""
        decided = move is DisputeMove.DECIDE and dispute.outcome in {Outcome.UPHELD, Outcome.PARTLY}
        if not decided and move is not DisputeMove.YIELD:
            return dispute
        if dispute.kind is DisputeKind.CORRECTION:
            tx.publish(DisputeWon(dispute_id=dispute.id))
            return replace(dispute, effect=Effect.TAKEN_UP)
        if dispute.kind in {DisputeKind.TYPE, DisputeKind.SOURCE}:
            rule = self.parts.standards.limit(_REVISE_TOPIC, dispute.against)
            case = None if rule is None else begin(rule, self.clock.now())
            return replace(dispute, effect=Effect.TO_REVISE, case=case, urged=0)
        return replace(dispute, effect=self._of_matter(tx, actor, dispute, words))

    def _of_matter(self, tx: UnitOfWork, actor: Actor, dispute: Dispute, words: str) -> Effect | None:
        store = RequestStore(tx.connection)
        request, steps = store.get(dispute.subject), store.steps(dispute.subject)
        if request is not None and dispute.kind is DisputeKind.SILENCE:
            return self._hurried(tx, actor, dispute, request, words)
        if request is not None:
            return self._of_request(tx, actor, dispute, request, steps, words)
        grant = GrantStore(tx.connection).get(dispute.subject)
        return Effect.ASK_ANEW if grant is None else self._of_grant(tx, actor, dispute, grant, steps, words)

    def _of_request(
        self, tx: UnitOfWork, actor: Actor, dispute: Dispute, request: Request, steps: Sequence[Step], words: str
    ) -> Effect:
        """Have a request decided again, unless it moved on, what it gave was ended meanwhile, or its days are over."""
        ended = request.state in {RequestState.REFUSED, RequestState.PARTLY_APPROVED}
        step = disputed_step(dispute.kind, steps)
        if not ended or step is None or step.at > dispute.created_at:
            return Effect.ASK_ANEW
        held = GrantStore(tx.connection).get(request.grant_id or "")
        offered = request.offered if step.move is Move.REFUSE else _whole(request, steps)
        if (held is not None and held.state is GrantState.REVOKED) or offered.until < self.today:
            return Effect.ASK_ANEW
        return self._reopened(tx, actor, dispute, replace(request, offered=offered), step.stage, words)

    def _of_grant(
        self, tx: UnitOfWork, actor: Actor, dispute: Dispute, grant: Grant, steps: Sequence[Step], words: str
    ) -> Effect:
        """Undo what was done to a grant, unless that was changed since, or the days of what it gave are over.

        What was upheld in part has no terms that follow from it: its provider decides on them again, where there was a request.
        """
        step = disputed_step(dispute.kind, steps)
        if step is None or step.at > dispute.created_at:
            return Effect.ASK_ANEW
        terms = _terms_back(grant, step, steps)
        if terms is None or terms.until < self.today:
            return Effect.ASK_ANEW
        request = RequestStore(tx.connection).get(grant.request_id or "")
        if dispute.outcome is Outcome.PARTLY:
            theirs = [] if request is None else [one.id for one in request.stages if one.side is Side.PROVIDER]
            if request is None or not theirs or not request.state.is_over:
                return Effect.ASK_ANEW
            return self._reopened(tx, actor, dispute, replace(request, offered=terms), theirs[-1], words)
        state = grant.state if step.move is Move.CUT else GrantState.ACTIVE
        back = replace(grant, terms=terms, state=state, ended_at=None, reason="", revision=grant.revision + 1)
        detail = {"terms": terms.to_json(), "state": state.value, "dispute": dispute.id}
        self._changed(tx, actor, grant, back, self._step(actor, grant.id, Move.RESTORE, words, detail=detail))
        return Effect.RESTORED

    def _reopened(
        self, tx: UnitOfWork, actor: Actor, dispute: Dispute, request: Request, stage: str, words: str
    ) -> Effect:
        """Take a request up again at a stage, with a time of its own from now on."""
        names = [one.id for one in request.stages]
        if stage not in names:
            return Effect.ASK_ANEW
        at = names.index(stage)
        rule = self._limit_of(request.stages, at, request.provider_id)
        after = replace(
            request,
            state=STATES[stage],
            at_stage=at,
            case=None if rule is None else begin(rule, self.clock.now()),
            urged=0,
            decided_at=None,
        )
        detail: dict[str, JsonValue] = {"dispute": dispute.id, "terms": request.offered.to_json()}
        if dispute.outcome is not None:
            detail["outcome"] = dispute.outcome.value
        ending = standing_step(RequestStore(tx.connection).steps(dispute.subject))
        if dispute.kind is DisputeKind.REVOCATION and ending is not None:
            detail["lifts"] = ending.place
        step = self._step(actor, request.id, Move.REOPEN, words, stage=stage, detail=detail)
        self._save(tx, actor, request, after, step, "request_reopen")
        return Effect.REOPENED

    def _hurried(self, tx: UnitOfWork, actor: Actor, dispute: Dispute, request: Request, words: str) -> Effect | None:
        """Have whoever is silent told in the request itself; what was answered meanwhile needs nothing."""
        if request.stage is None:
            return None
        detail = {"to": dispute.against, "dispute": dispute.id}
        step = self._step(actor, request.id, Move.ESCALATE, words, stage=request.stage.id, detail=detail)
        self._save(tx, actor, request, request, step, "request_escalate")
        return Effect.TO_ANSWER


def _whole(request: Request, steps: Sequence[Step]) -> Terms:
    """Return what a request offered before anybody gave less."""
    again = next((step for step in this_round(steps) if step.move is Move.REOPEN), None)
    return request.draft.terms if again is None else Terms.from_json(again.detail["terms"])


def _terms_back(grant: Grant, step: Step, steps: Sequence[Step]) -> Terms | None:
    """Return what a grant gives once a step is undone; None where it ended, has other terms by now, or nobody knows.

    Steps of releases before this one do not all say what the terms were.
    """
    if step.move is not Move.CUT:
        return grant.terms
    left = step.detail.get("terms")
    if grant.state is GrantState.REVOKED or left is None or Terms.from_json(left) != grant.terms:
        return None
    earlier = [one.detail["terms"] for one in steps if one.place < step.place and "terms" in one.detail]
    before = step.detail.get("before") or (earlier[-1] if earlier else None)
    return None if before is None else Terms.from_json(before)
