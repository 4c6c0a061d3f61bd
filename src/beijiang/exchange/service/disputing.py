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
    Effect,
    Outcome,
    check_dispute_move,
    differs,
    dispute_moves_from,
)
from beijiang.exchange.models.turns import MatterReader, Turn
from beijiang.exchange.service.base import said
from beijiang.exchange.service.disputable import nothing_to_dispute
from beijiang.exchange.service.outcomes import Outcomes
from beijiang.exchange.store import DisputeStore, LedgerLists, RequestStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound, Text, new_id
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from beijiang.catalog import EntryMoved
    from beijiang.exchange.models.dispute_terms import DisputeTerms
    from beijiang.exchange.models.disputes import DisputeKind, DisputeMoveOf
    from beijiang.kit import Actor, Part, Wanted, Word
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Deadline

__all__ = ["Disputes"]

log = logging.getLogger(__name__)
_TOPIC: Final = "dispute.mediate"
_FOR_AUTHORITY: Final = (Permission.EXCHANGE_REQUEST_REVIEW, Permission.EXCHANGE_REQUEST_CONFIRM)
_SIDES: Final[Mapping[Word, Sequence[Permission]]] = {
    DisputeSide.OPENER: (Permission.EXCHANGE_REQUEST_MAKE,),
    DisputeSide.OTHER: (Permission.EXCHANGE_REQUEST_DECIDE,),
    DisputeSide.AUTHORITY: _FOR_AUTHORITY,
}
"""By which rights each side moves; where the decision was the authority's, those who decide for it answer as well."""
_ALERTS: Final = (AlertKind.REQUEST, AlertKind.REQUEST_OVERDUE)


class Disputes(Outcomes):
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
                barred=about.by | {actor.id},
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
            Denied: the move is another's, or who would decide asked for what it is about, took the disputed step, raised the
                dispute or answered it (``own_dispute``).
            Invalid: words, an outcome or a basis is missing.

        """
        before = self._peek(actor, dispute_id)
        spec = check_dispute_move(before.state, move)
        behalf = self._mover(actor, before, spec)
        after = replace(before, state=spec.to)
        if spec.side is DisputeSide.OTHER:
            after = replace(after, barred=before.barred | {actor.id, behalf.id})
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
        return self._put(actor, before, after, move, text, behalf)

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
            known = sorted(DisputeStore(connection).organisations())
            people = self._people_of(actor)
            seen = {org for one in people for org in known if self._reads(one, org) and (query.mine or one is actor)}
            turns = [turn for one in people for turn in self._turns(actor, one, known)]
            reader = MatterReader(orgs=sorted(seen), every=len(seen) == len(known), turns=turns)
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
            store = DisputeStore(connection)
            running = [*store.running(), *store.owed()]
        for dispute in running:
            standing = self.due(dispute)
            if standing is None or standing.state is CaseState.ANSWERED:
                continue
            overdue = standing.state is CaseState.OVERDUE
            passed = sum(self.clock.now() >= moment for moment in standing.warnings)
            stage = len(standing.warnings) + standing.step if overdue else passed
            if stage > dispute.urged:
                self._urge(dispute, standing, stage, overdue=overdue)

    def on_entry_moved(self, event: EntryMoved) -> None:
        """Note that an entry was published anew that had to be revised after a dispute, if what was disputed of it is changed."""
        with self.db.read() as connection:
            owed = [one for one in DisputeStore(connection).owed() if one.subject == event.resource_id]
        if not owed:
            return
        try:
            known = self.parts.catalog.published(SYSTEM, event.resource_id).version
            versions = self.parts.catalog.versions(SYSTEM, event.resource_id)
        except NotFound:  # taken offline: nothing is said wrongly of it any more, nor is it revised
            return
        for dispute in owed:
            then = next((one for one in versions if one.published_at <= dispute.created_at), None)
            same = then is not None and not differs(dispute.kind, then.entry, known.entry)
            if dispute.ended_at is None or known.published_at <= dispute.ended_at or same:
                continue
            now, case = self.clock.now(), dispute.case
            after = replace(dispute, effect=Effect.REVISED, case=None if case is None else stop(case, now))
            self._put(SYSTEM, dispute, after, DisputeMove.CARRIED_OUT, "")

    def _urge(self, dispute: Dispute, standing: Deadline, stage: int, *, overdue: bool) -> None:
        words = Text(
            f"异议“{dispute.title}”{'已超过' if overdue else '须在'} {standing.last_day} {'的期限' if overdue else '前办理'}。",
            f"The dispute {dispute.title} {'was' if overdue else 'is'} due on {standing.last_day}.",
        )
        if dispute.effect is Effect.TO_REVISE:
            words = Text(
                f"目录“{dispute.title}”{'未在' if overdue else '须在'} {standing.last_day} 前按异议结果修改并重新发布。",
                f"The entry {dispute.title} {'was' if overdue else 'is'} to be revised after a dispute by {standing.last_day}.",
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
        step = standing.step if dispute.effect is Effect.TO_REVISE else 0
        self.parts.alerts.renew(kind, dispute.id, self._goes_to(dispute.against, dispute.against, step), words)

    def _timed(self, dispute: Dispute) -> Dispute:
        """Start the time of whoever has to act."""
        rule = self.parts.standards.limit(_TOPIC, dispute.against)
        return replace(dispute, case=None if rule is None else begin(rule, self.clock.now()), urged=0)

    def _peek(self, actor: Actor, dispute_id: str) -> Dispute:
        with self.db.read() as connection:
            found = DisputeStore(connection).get(dispute_id)
        if found is not None and any(
            self._reads(one, org) for one in self._people_of(actor) for org in (found.org_id, found.against)
        ):
            return found
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        raise _no_dispute()

    def _moves(self, actor: Actor, dispute: Dispute) -> Sequence[DisputeMove]:
        people = self._people_of(actor)
        return [
            move
            for move in dispute_moves_from(dispute.state)
            if any(self._may_move(actor, one, dispute, DISPUTE_MOVES[move]) for one in people)
        ]

    def _reads(self, one: Actor, org: str) -> bool:
        return self.access.allows(one, Permission.EXCHANGE_REQUEST_READ, org)

    def _mover(self, actor: Actor, dispute: Dispute, spec: DisputeMoveOf) -> Actor:
        """Return in whose place an actor takes a step: the actor's own, or of somebody who is stood in for.

        Raises:
            Denied: it is another's, or nobody decides what they took part in (``own_dispute``).

        """
        people = self._people_of(actor)
        found = next((one for one in people if self._may_move(actor, one, dispute, spec)), None)
        if found is not None:
            return found
        if not any(self._has_side(one, spec.side, _org_of(dispute, spec)) for one in people):
            self.access.require(actor, _SIDES[spec.side][0], _org_of(dispute, spec))
        raise Denied(
            "申请或使用有关数据、作出有异议的决定、提出异议或代表一方答复的人，不能裁定同一件异议。请由数据局另一人裁定。",
            "Who asked for the data or has them, took the disputed decision, raised the dispute or answered it does not decide it. Somebody else of the data authority has to.",
            code="own_dispute",
        )

    def _may_move(self, actor: Actor, one: Actor, dispute: Dispute, spec: DisputeMoveOf) -> bool:
        """Tell whether an actor takes a step in somebody's place, or their own."""
        if one is not actor and spec.side is DisputeSide.OPENER:
            return False  # to raise and to withdraw is the asker's own; who is away is stood in for in deciding
        judges = spec.side is DisputeSide.AUTHORITY
        if judges and (dispute.barred | {dispute.by}) & {actor.id, one.id}:
            return False
        return self._has_side(one, spec.side, _org_of(dispute, spec))

    def _has_side(self, one: Actor, side: DisputeSide, org: str) -> bool:
        if any(self.access.allows(one, right, org) for right in _SIDES[side]):
            return True
        own = side is DisputeSide.OTHER and one.org_id == org
        return own and any(self.access.allows(one, right, org) for right in _FOR_AUTHORITY)

    def _turns(self, actor: Actor, one: Actor, known: Sequence[str]) -> list[Turn]:
        """Say which steps an actor takes in somebody's place, so that the database can look for them."""
        moves = [(move, spec) for move, spec in DISPUTE_MOVES.items() if move is not DisputeMove.WITHDRAW]
        return [
            Turn(
                states=sorted(state.value for state in spec.at),
                side=spec.side.value,
                orgs=[org for org in known if self._has_side(one, spec.side, org)],
                barred=sorted({actor.id, one.id}) if spec.side is DisputeSide.AUTHORITY else (),
            )
            for _, spec in moves
            if one is actor or spec.side is not DisputeSide.OPENER
        ]

    def _put(
        self,
        actor: Actor,
        before: Dispute,
        after: Dispute,
        move: DisputeMove,
        words: str,
        behalf: Actor | None = None,
    ) -> Dispute:
        now = self.clock.now()
        ended = before.ended_at or (now if after.state.is_over else None)
        changed = replace(after, revision=before.revision + 1, changed_at=now, ended_at=ended)
        other = behalf if behalf is not None and behalf.id != actor.id else None
        with self.db.begin() as tx:
            changed = self._effect(tx, actor, changed, move, words)
            detail: dict[str, JsonValue] = {
                "move": move.value,
                "from": before.state.value,
                "to": changed.state.value,
                "outcome": None if changed.outcome is None else changed.outcome.value,
                "effect": None if changed.effect is None else changed.effect.value,
                "basis": changed.basis,
                "words": words,
                **({} if other is None else {"behalf": other.name}),
            }
            if not DisputeStore(tx.connection).save(changed):
                raise changed_meanwhile()
            RequestStore(tx.connection).add_step(self._step(actor, changed.id, move, words, behalf=other))
            self._tell(tx, changed.subject)
            self.parts.evidence.record(tx, actor, "exchange.dispute_move", target=changed.id, detail=detail)
        if move not in {DisputeMove.URGE, DisputeMove.ESCALATE}:
            for kind in _ALERTS:
                self.parts.alerts.clear(kind, changed.id)
        if changed.effect is Effect.TO_REVISE and before.effect is None:
            told = Text(
                f"对目录“{changed.title}”的异议成立，请按结果修改并重新发布。",
                f"The dispute about the entry {changed.title} was upheld; revise it and publish it anew.",
            )
            self.parts.alerts.say(AlertKind.REQUEST, changed.id, changed.against, told)
        return changed


def _org_of(dispute: Dispute, spec: DisputeMoveOf) -> str:
    return dispute.org_id if spec.side is DisputeSide.OPENER else dispute.against


def _no_dispute() -> BeijiangError:
    return NotFound(
        "没有这件异议，或者您无权查看。请在“异议”中查找。",
        "There is no such dispute, or it is not yours to see. Look under Disputes.",
        code="dispute_not_found",
    )
