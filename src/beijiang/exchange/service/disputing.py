"""Disputes: two sides talk first, the data authority decides where that fails; both sides' words stand on record."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile
from beijiang.exchange.models.dispute_terms import ground_on
from beijiang.exchange.models.disputes import (
    DISPUTE_MOVES,
    Dispute,
    DisputeDraft,
    DisputeMove,
    DisputeQuery,
    DisputeSide,
    DisputeState,
    DisputeView,
    Outcome,
    check_dispute_move,
    dispute_moves_from,
)
from beijiang.exchange.service.base import said
from beijiang.exchange.service.disputable import Disputable, nothing_to_dispute
from beijiang.exchange.service.turns import reader_of
from beijiang.exchange.store import DisputeStore, LedgerLists, RequestStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text, new_id
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from beijiang.exchange.models.dispute_terms import DisputeTerms
    from beijiang.exchange.models.disputes import DisputeKind, DisputeMoveOf
    from beijiang.kit import Actor, Part, Wanted, Word
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Deadline

__all__ = ["Disputes"]

log = logging.getLogger(__name__)
_TOPIC: Final = "dispute.mediate"
_SIDES: Final[Mapping[Word, Permission]] = {
    DisputeSide.OPENER: Permission.EXCHANGE_REQUEST_MAKE,
    DisputeSide.OTHER: Permission.EXCHANGE_REQUEST_DECIDE,
    DisputeSide.AUTHORITY: Permission.EXCHANGE_REQUEST_REVIEW,
}
"""By which right each side moves."""
_ALERTS: Final = (AlertKind.REQUEST, AlertKind.REQUEST_OVERDUE)


class Disputes(Disputable):
    """What departments do not agree on."""

    def terms(self, actor: Actor, kind: DisputeKind, subject: str) -> DisputeTerms:
        """Return by when and on what ground something may be disputed; nothing is raised.

        Raises:
            NotFound: no such request, grant, ticket or entry.
            Invalid: there is nothing to disagree with (``no_dispute``).

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        return self._terms(kind, self._about(actor, DisputeDraft(kind=kind, subject=subject, words="")))

    def disputable(self, actor: Actor, subject: str, kinds: Iterable[DisputeKind]) -> Sequence[DisputeTerms]:
        """Return the terms of those kinds of dispute that the actor may raise about something, late or not.

        Whoever may raise none is refused nothing: a page asks to know whether it shows a button.
        """
        if not self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id):
            return ()
        found = []
        for kind in kinds:
            with contextlib.suppress(BeijiangError):
                about = self._about(actor, DisputeDraft(kind=kind, subject=subject, words=""))
                found.append(self._terms(kind, about))
        return [one for one in found if one.against != actor.org_id]

    def raise_(self, actor: Actor, draft: DisputeDraft) -> Dispute:
        """Raise a dispute for the actor's department.

        Raises:
            NotFound: no such request, grant, ticket or entry.
            Invalid: no reason, or nothing to disagree with (``no_dispute``).
            Conflict: one about the same is open already (``dispute_exists``), or the time is over (``dispute_late``).

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        words = said(draft.words, needed=True)
        about = self._matter(actor, draft)
        against, title, org = about.against, about.title, actor.org_id or ""
        if against == org:
            raise nothing_to_dispute()
        with self.db.read() as connection:
            same = [d for d in DisputeStore(connection).running() if (d.org_id, d.subject) == (org, draft.subject)]
        if same:
            raise Conflict("关于此事的异议正在办理中。", "A dispute about this is open already.", code="dispute_exists")
        now, terms = self.clock.now(), self._terms(draft.kind, about)
        made = self._timed(
            Dispute(
                id=new_id("dis"),
                kind=draft.kind,
                org_id=org,
                by=actor.id,
                by_name=actor.name,
                against=against,
                subject=draft.subject,
                title=title,
                words=words,
                state=DisputeState.OPEN,
                limit=terms.limit,
                created_at=now,
                changed_at=now,
            )
        )
        detail: dict[str, JsonValue] = {
            "kind": made.kind.value,
            "subject": made.subject,
            "org": made.org_id,
            "against": made.against,
            "words": words,
            **terms.facts(),
        }
        with self.db.begin() as tx:
            DisputeStore(tx.connection).add(made)
            RequestStore(tx.connection).add_step(self._step(actor, made.id, DisputeMove.RAISE, words))
            self._tell(tx, made.subject)
            self.parts.evidence.record(tx, actor, "exchange.dispute_raise", target=made.id, detail=detail)
        told = Text(
            f"收到异议：{made.title}。请按期答复。", f"A dispute was raised: {made.title}. Please answer in time."
        )
        self.parts.alerts.say(AlertKind.REQUEST, made.id, made.against, told)
        return made

    def move(
        self,
        actor: Actor,
        dispute_id: str,
        move: DisputeMove,
        words: str = "",
        *,
        outcome: Outcome | None = None,
        basis: str = "",
    ) -> Dispute:
        """Take a step with a dispute; a decision names its outcome and its basis.

        Raises:
            NotFound: no such dispute.
            Conflict: it is not possible now; the error says what is.
            Denied: the move is another's.
            Invalid: words, an outcome or a basis is missing.

        """
        before = self._peek(actor, dispute_id)
        spec = check_dispute_move(before.state, move)
        self.access.require(actor, *_asked(before, spec))
        after = replace(before, state=spec.to)
        if move is DisputeMove.DECIDE:
            if outcome is None or not basis.strip():
                raise Invalid(
                    "请写明裁定结果和依据。", "A decision names its outcome and its basis.", code="decision_incomplete"
                )
            after = replace(after, outcome=outcome, basis=said(basis, needed=True))
        text = said(words, needed=spec.words)
        if spec.timed:
            after = self._timed(after)
        elif after.case is not None:
            after = replace(after, case=stop(after.case, self.clock.now()))
        return self._put(actor, before, after, move, text)

    def disputes(self, actor: Actor, query: DisputeQuery | None = None) -> tuple[Sequence[Dispute], int]:
        """Return the disputes of and against the actor's departments, newest first, and how many there are."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            store = DisputeStore(connection)
            known = store.organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ, org)]
            return store.find(query or DisputeQuery(), orgs, every=len(orgs) == len(known))

    def dispute_part(self, actor: Actor, query: DisputeQuery, wanted: Wanted) -> Part[Dispute]:
        """Return a part of the disputes that were asked for and the actor may see, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            known = DisputeStore(connection).organisations()
            moves = [(spec, False) for move, spec in DISPUTE_MOVES.items() if move is not DisputeMove.WITHDRAW]
            reader = reader_of(self.access, actor, known, _SIDES, moves)
            return LedgerLists(connection).disputes(query, wanted, reader, self.clock.now())

    def view(self, actor: Actor, dispute_id: str) -> DisputeView:
        """Return one dispute with both sides' words.

        Raises:
            NotFound: no such dispute, or not this actor's to see.

        """
        found = self._peek(actor, dispute_id)
        with self.db.read() as connection:
            steps = tuple(RequestStore(connection).steps(found.id))
        return DisputeView(
            dispute=found,
            steps=steps,
            deadline=self.due(found),
            moves=tuple(self._moves(actor, found)),
            ground=ground_on(found.kind, found.created_at.astimezone(self.parts.zone).date()),
        )

    def waiting(self, actor: Actor) -> Sequence[Dispute]:
        """Return the disputes whose next move is the actor's, the oldest first."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            running = DisputeStore(connection).running()
        return [one for one in running if set(self._moves(actor, one)) - {DisputeMove.WITHDRAW}]

    def due(self, dispute: Dispute) -> Deadline | None:
        """Return how the time of a dispute stands that its reader holds already."""
        if dispute.case is None:
            return None
        return deadline(dispute.case, self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def watch(self) -> None:
        """Remind; an answer that is overdue takes the dispute to the authority. Called by the dispatcher every minute."""
        with self.db.read() as connection:
            running = DisputeStore(connection).running()
        for dispute in running:
            standing = self.due(dispute)
            if standing is None or standing.state is CaseState.ANSWERED:
                continue
            overdue = standing.state is CaseState.OVERDUE
            passed = sum(self.clock.now() >= moment for moment in standing.warnings)
            stage = len(standing.warnings) + standing.step if overdue else passed
            if stage > dispute.urged:
                self._urge(dispute, standing, stage, overdue=overdue)

    def _urge(self, dispute: Dispute, standing: Deadline, stage: int, *, overdue: bool) -> None:
        words = Text(
            f"异议“{dispute.title}”{'已超过' if overdue else '须在'} {standing.last_day} {'的期限' if overdue else '前办理'}。",
            f"The dispute {dispute.title} {'was' if overdue else 'is'} due on {standing.last_day}.",
        )
        after = replace(dispute, urged=stage)
        if overdue and dispute.state is DisputeState.OPEN:
            after = replace(self._timed(dispute), state=DisputeState.MEDIATING)
        try:
            self._put(SYSTEM, dispute, after, DisputeMove.ESCALATE if overdue else DisputeMove.URGE, words.zh)
        except Conflict as error:
            log.info("a dispute was moved by somebody else: %s", error.reason)
            return
        kind = AlertKind.REQUEST_OVERDUE if overdue else AlertKind.REQUEST
        self.parts.alerts.say(kind, dispute.id, dispute.against, words)

    def _timed(self, dispute: Dispute) -> Dispute:
        """Start the time of whoever has to act."""
        rule = self.parts.standards.limit(_TOPIC, dispute.against)
        return replace(dispute, case=None if rule is None else begin(rule, self.clock.now()), urged=0)

    def _peek(self, actor: Actor, dispute_id: str) -> Dispute:
        with self.db.read() as connection:
            found = DisputeStore(connection).get(dispute_id)
        if found is not None and any(
            self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ, org) for org in (found.org_id, found.against)
        ):
            return found
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        raise _no_dispute()

    def _moves(self, actor: Actor, dispute: Dispute) -> Sequence[DisputeMove]:
        possible = dispute_moves_from(dispute.state)
        return [move for move in possible if self.access.allows(actor, *_asked(dispute, DISPUTE_MOVES[move]))]

    def _put(self, actor: Actor, before: Dispute, after: Dispute, move: DisputeMove, words: str) -> Dispute:
        now = self.clock.now()
        ended = now if after.state.is_over else None
        changed = replace(after, revision=before.revision + 1, changed_at=now, ended_at=ended)
        detail: dict[str, JsonValue] = {
            "move": move.value,
            "from": before.state.value,
            "to": changed.state.value,
            "outcome": None if changed.outcome is None else changed.outcome.value,
            "basis": changed.basis,
            "words": words,
        }
        with self.db.begin() as tx:
            if not DisputeStore(tx.connection).save(changed):
                raise changed_meanwhile()
            RequestStore(tx.connection).add_step(self._step(actor, changed.id, move, words))
            self._tell(tx, changed.subject)
            self.parts.evidence.record(tx, actor, "exchange.dispute_move", target=changed.id, detail=detail)
        if move not in {DisputeMove.URGE, DisputeMove.ESCALATE}:
            for kind in _ALERTS:
                self.parts.alerts.clear(kind, changed.id)
        return changed


def _asked(dispute: Dispute, spec: DisputeMoveOf) -> tuple[Permission, str | None]:
    return _SIDES[spec.side], dispute.org_id if spec.side is DisputeSide.OPENER else dispute.against


def _no_dispute() -> BeijiangError:
    return NotFound(
        "没有这件异议，或者您无权查看。请在“异议”中查找。",
        "There is no such dispute, or it is not yours to see. Look under Disputes.",
        code="dispute_not_found",
    )
